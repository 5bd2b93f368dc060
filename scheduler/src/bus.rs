//! What happens to jobs, for those who watch. A port; `InProcess` is the embedded implementation. Losing all of it loses no
//! task and no result.

#[cfg(test)]
mod conformance;
mod in_process;

pub use in_process::InProcess;

use klieg_protocol::{Event, JobId};
use std::future::Future;

/// Events of a job from an index on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Of the first event here. Later than asked for when older ones have been dropped.
    pub first: u64,
    /// May be empty when the log has ended.
    pub events: Vec<Event>,
    /// The job's last event is here or came before.
    pub ended: bool,
}

/// A bounded, replayable log of events for each job.
pub trait Bus: Send + Sync + 'static {
    /// Adds events to a job's log, in order. Nothing is added after `JobEnded`.
    fn publish(&self, job: &JobId, events: Vec<Event>) -> impl Future<Output = ()> + Send;
    /// Waits until the log holds something at or after `index`, or has ended.
    fn read(&self, job: &JobId, index: u64) -> impl Future<Output = Page> + Send;
    /// Whether there is a log of this job.
    fn knows(&self, job: &JobId) -> impl Future<Output = bool> + Send;
    /// Ends every log: readers get what is there, then the end.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
