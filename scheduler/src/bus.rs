//! What happens to jobs, for those who watch, and words between the farm's processes. A port; `InProcess` is the embedded
//! implementation, `Nats` that of a cluster. Losing all of it loses no task and no result.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod in_process;
mod nats;

pub use in_process::InProcess;
pub use nats::Nats;

use crate::store::Epoch;
use klieg_protocol::{Event, JobId};
use std::{future::Future, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// The longest that `read` waits.
pub const READ_MAX: Duration = Duration::from_secs(5);
/// Messages that wait for a listener or a server; a listener loses what is more, an asker gets no answer.
pub const LISTEN_MAX: usize = 1_024;

/// Which leader tells something, and its how-manieth telling that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub epoch: Epoch,
    pub number: u64,
}

/// A place in a job's log: what an earlier page gave, or `default()` for the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The incarnation of whatever keeps the log.
    pub log: u64,
    /// The implementation's own.
    pub at: u64,
    /// Of the next event.
    pub index: u64,
}

/// Events of a job from a cursor on.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Index of the first event here. Later than the cursor's when events between have been lost, earlier when the log has been
    /// begun anew: forget what you counted.
    pub first: u64,
    /// None: nothing has come for `READ_MAX`, or the log has ended. Whoever waits looks whether the bus still `knows` the log.
    pub events: Vec<Event>,
    pub next: Cursor,
    /// The job's last event is here or came before.
    pub ended: bool,
}

/// What another process asks.
#[derive(Debug)]
pub struct Request {
    pub body: Vec<u8>,
    /// Dropped: the asker gets `NoAnswer`.
    pub reply: oneshot::Sender<Vec<u8>>,
}

/// Why the bus could not do it.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Worth trying again later.
    #[error("reach the bus at {at}: {what}")]
    Unreachable { at: String, what: String },
    /// Nobody serves that, or whoever does did not answer in time: whether it was done is not known.
    #[error("ask {subject}: there was no answer")]
    NoAnswer { subject: String },
}

/// Bounded, replayable logs of jobs' events, and messages between processes.
///
/// Nothing here is durable by contract: what a log promises is that a reader sees events in order and without repetition, and
/// can tell by indexes when some are missing. Subjects are words of letters, digits, `-` and `_`, joined by dots.
pub trait Bus: Send + Sync + 'static {
    /// Begins a job's log with these events, whatever was there before, an ended log too: of a new job, or of one whose story the
    /// store tells anew. As `publish` for the rest.
    fn begin(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) -> impl Future<Output = ()> + Send;
    /// Hands over events of a job, to be added to its log soon and in order. Never waits for the bus; what it cannot take within
    /// its bounds is lost. Dropped: whatever has the same stamp as an earlier telling of this job, or a lower one, and whatever
    /// would follow `JobEnded`. So a repetition changes nothing, and a leader that was deposed adds nothing.
    fn publish(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) -> impl Future<Output = ()> + Send;
    /// Whether the log of this job is there, from its beginning to all that this process has published. If it is not, the leader
    /// begins it anew with what the store tells.
    fn knows(&self, job: &JobId) -> impl Future<Output = bool> + Send;
    /// Waits, `READ_MAX` at most, until the log holds something at or after the cursor, or has ended.
    fn read(&self, job: &JobId, from: Cursor) -> impl Future<Output = Page> + Send;
    /// Asks whoever serves `subject`, and waits so long for the answer.
    fn ask(&self, subject: &str, body: Vec<u8>, patience: Duration) -> impl Future<Output = Result<Vec<u8>, BusError>> + Send;
    /// Requests for `subject` from now on, until the receiver is dropped. Of several servers one gets each request.
    fn serve(&self, subject: &str) -> impl Future<Output = Result<mpsc::Receiver<Request>, BusError>> + Send;
    /// Tells all who listen now: wake-ups and telemetry. May be lost.
    fn tell(&self, subject: &str, body: Vec<u8>) -> impl Future<Output = ()> + Send;
    /// What is told on `subject` from now on, until the receiver is dropped.
    fn listen(&self, subject: &str) -> impl Future<Output = Result<mpsc::Receiver<Vec<u8>>, BusError>> + Send;
    /// Ends every log in this process: readers get what is there, then the end.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
