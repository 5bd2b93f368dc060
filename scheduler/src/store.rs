//! The truth: jobs, tasks, attempts, the result cache. A port; `Sqlite` is the embedded implementation.

#[cfg(any(test, feature = "simulation"))]
pub mod conformance;
mod sqlite;
mod sqlite_rows;

pub use sqlite::Sqlite;

use crate::{
    state::{Job, Millis},
    step::Attempt,
};
use klieg_protocol::{Digest, JobId, Offer, TaskName, TaskResult};
use std::{collections::BTreeMap, future::Future};

/// The leadership of one active scheduler. A write under an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub i64);

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("write to the farm's store: the disk is full")]
    Full(#[source] Option<sqlx::Error>),
    #[error("write to the farm's store: another scheduler has taken over")]
    Fenced,
    #[error("read the farm's store: {what} is damaged")]
    Damaged { what: String },
    #[error("prepare the farm's store: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("use the farm's store: {0}")]
    Other(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_FULL; IOERR_WRITE and kin are what a full quota or file-size limit gives.
        let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<i64>().ok());
        match code {
            Some(13 | 778 | 1034 | 1290) => Self::Full(Some(error)),
            _ => Self::Other(error),
        }
    }
}

/// What the result cache knows of a computation.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    pub identity: Digest,
    pub result: TaskResult,
    pub seconds: f64,
    /// Of all its outputs.
    pub bytes: u64,
    pub used_at: Millis,
}

/// One group commit.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Jobs to write, without their tasks.
    pub jobs: Vec<Job>,
    /// Tasks to write. Their jobs are there or in `jobs`.
    pub tasks: Vec<(JobId, TaskName, crate::state::Task)>,
    pub attempts: Vec<Attempt>,
    pub results: Vec<Cached>,
    /// Cached results that have been useful.
    pub used: Vec<(Digest, Millis)>,
    /// Requests to cancel that have been honoured.
    pub cancels_done: Vec<JobId>,
    pub nodes_joined: Vec<Offer>,
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
            && self.tasks.is_empty()
            && self.attempts.is_empty()
            && self.results.is_empty()
            && self.used.is_empty()
            && self.cancels_done.is_empty()
            && self.nodes_joined.is_empty()
    }
}

/// A job without its tasks' specifications, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its `tasks` are empty.
    pub job: Job,
    pub tasks_total: u64,
    pub tasks_done: u64,
    /// Slot-seconds of all attempts.
    pub seconds: f64,
    pub running: u64,
}

/// Where the truth is kept. Every write is durable when its future is done, and happens as a whole or not at all.
pub trait Store: Send + Sync + 'static {
    /// Takes the lead: raises the epoch, so that every earlier leader's writes are refused, and forgets the nodes.
    fn lead(&self) -> impl Future<Output = Result<Epoch, StoreError>> + Send;
    /// Writes one batch.
    fn commit(&self, epoch: Epoch, batch: &Batch) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Every unfinished job as it was last written, its links not yet made.
    fn unfinished(&self) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;
    /// A job as it was last written.
    fn job(&self, id: &JobId) -> impl Future<Output = Result<Option<Job>, StoreError>> + Send;
    /// All jobs, oldest first.
    fn list(&self) -> impl Future<Output = Result<Vec<Summary>, StoreError>> + Send;
    /// Nodes that joined under this epoch.
    fn nodes(&self) -> impl Future<Output = Result<Vec<Offer>, StoreError>> + Send;
    /// The highest token and the number of the latest job ever written.
    fn highest(&self) -> impl Future<Output = Result<(u64, u64), StoreError>> + Send;
    /// What the result cache has of these.
    fn results(&self, identities: &[Digest]) -> impl Future<Output = Result<BTreeMap<Digest, Cached>, StoreError>> + Send;
    /// Everything in the result cache, least recently used first.
    fn all_results(&self) -> impl Future<Output = Result<Vec<Cached>, StoreError>> + Send;
    /// Sum of all cached results' bytes.
    fn results_bytes(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;
    /// Takes results out of the cache.
    fn forget(&self, identities: &[Digest]) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Forgets ended jobs but the latest `keep` of all. The result cache stays.
    fn prune(&self, keep: u32) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Leaves a request to cancel; needs no leadership.
    fn ask_cancel(&self, job: &JobId, now: Millis) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Requests that have not been honoured.
    fn cancels(&self) -> impl Future<Output = Result<Vec<JobId>, StoreError>> + Send;
}
