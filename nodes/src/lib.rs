//! A machine of the farm: what it has (`discover`), what it measures (`telemetry`), the agent that takes attempts from the scheduler
//! (`agent`), and the process that computes one at a time (`worker`); `remote` is the scheduler as an agent far from it sees it.

pub mod agent;
mod clock;
pub mod discover;
pub mod encode;
pub mod interruption;
pub mod remote;
pub mod talk;
pub mod telemetry;
pub mod worker;

pub use agent::{Agent, AgentError, AgentOptions, Ended, OwnDevice};
