//! The words of the farm as types: digests, tasks, plans, attempts, events, problems. serde only; no IO.

mod digest;
mod event;
mod plan;
mod post;

pub use digest::Digest;
pub use event::{Event, JobState, Progress, TaskState};
pub use plan::{Ask, Fault, Input, JobId, JobSpec, Plan, Source, TaskFailure, TaskId, TaskName, TaskResult, TaskSpec, Token};
pub use post::{Closed, Command, Commands, Dispatch, Dispatcher, NodeId, Offer, Outcome, Report};
