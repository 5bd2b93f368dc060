//! A machine of the farm: what it has (`discover`), what it measures (`telemetry`), the agent that takes attempts from the scheduler
//! (`agent`), and the process that computes one at a time (`worker`).

pub mod agent;
mod clock;
pub mod discover;
pub mod encode;
pub mod interruption;
pub mod talk;
pub mod telemetry;
pub mod worker;

pub use agent::{Agent, AgentError, AgentOptions, Ended, OwnDevice};
