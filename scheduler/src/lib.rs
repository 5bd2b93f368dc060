//! The scheduler: jobs, tasks, attempts, nodes. `step` decides without IO; `service` carries it out on a `Store`, a `Bus` and
//! `Blobs`; `Farm` is what the program holds.

pub mod admit;
pub mod backlog;
pub mod backoff;
pub mod blobs;
pub mod bus;
pub mod cost;
mod farm;
pub mod identity;
pub mod invariants;
mod lock;
pub mod offline;
pub mod past;
pub mod plan;
pub mod ports;
pub mod records;
pub mod recover;
pub mod round;
mod service;
pub mod signals;
pub mod state;
pub mod step;
pub mod store;
mod sweep;
mod takeover;
pub mod tally;
mod traces;
pub mod why;

pub use farm::{Farm, FarmError, FarmOptions, JobRecord, Place, TaskRecord, Terms, Watch};
