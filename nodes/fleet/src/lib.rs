//! The fleet: lets an engine that starts machines follow the farm's backlog. klieg schedules tasks, never machines, so this
//! crate knows nothing of tasks but their number, and nothing of machines but what the engine says of its jobs.
//!
//! `backlog` asks a server how much waits, `slurm` starts, lists and drains agents, `decide` says what to do (pure), and
//! `follow` does it again and again.

pub mod backlog;
mod clock;
pub mod decide;
pub mod follow;
pub mod script;
pub mod slurm;

pub use backlog::{Backlog, Server};
pub use decide::{Agent, Decision, Memory, Rules, Stage, decide};
pub use follow::{FleetError, Pace, Round, follow};
pub use slurm::{Slurm, SlurmError, SlurmOptions};
