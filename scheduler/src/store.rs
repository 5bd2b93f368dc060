//! The truth: jobs, tasks, attempts, the result cache. A port; `Sqlite` is the embedded implementation, `Postgres` that of a
//! cluster. Both are the same statements (`sql`) on the same schema (`migrations/`).

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod lease;
mod postgres;
mod rows;
mod schema;
mod sql;
mod sqlite;

pub use error::StoreError;
pub use lease::{lead_now, lead_when_free};
pub use postgres::Postgres;
pub use sqlite::Sqlite;

use crate::{
    state::{Job, Millis, Share},
    step::Attempt,
};
use klieg_protocol::{Digest, JobId, Offer, TaskName, TaskResult};
use std::{collections::BTreeMap, future::Future};

/// The leadership of one active scheduler. A write under an older one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub i64);

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

/// One group commit. Of two entries for the same thing the later one counts.
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
    pub standing: Standing,
}

/// What outlives a leader beside the jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub projects: Vec<Account>,
    /// Counted resources, and how many there are of each.
    pub limits: Vec<(String, u32)>,
    pub peaks: Vec<Measured>,
}

/// What a project may have, and what it has had.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    pub project: String,
    pub share: Share,
    /// Slot-seconds of all its attempts.
    pub seconds: f64,
    pub cost: f64,
}

/// The most memory that tasks of a shape were seen to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub kind: String,
    pub step: String,
    pub shape: String,
    pub bytes: u64,
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
            && self.standing == Standing::default()
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

/// Who leads. It holds no time: whoever sees the same value for a whole lease, by its own clock, may claim the lead, and the
/// claim fails if the value has changed since. So no two machines' clocks need to agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    pub epoch: Epoch,
    /// Empty: nobody, the lead is free.
    pub leader: String,
    /// Rises with every `beat` and every commit of the leader.
    pub beat: i64,
}

/// Where the truth is kept.
///
/// A write is durable (it survives a crash and a power cut) when its future is done with `Ok`, and happens as a whole or not at
/// all. After `Err` nothing of it was written, but for `StoreError::Unknown`: then it may have been, and asking settles it.
/// Dropping a future leaves the outcome of its write unknown, as a crash does. What is read has been committed; reads see every
/// write that was done before they began. Fractions keep 15 significant digits.
pub trait Store: Send + Sync + 'static {
    /// Who leads now.
    fn leadership(&self) -> impl Future<Output = Result<Leadership, StoreError>> + Send;
    /// Takes the lead if nothing has changed since `seen`, else `Fenced`: raises the epoch, so that from now on every earlier
    /// leader's write is refused, and forgets the nodes. `leader` names the one who asks, for people.
    fn lead(&self, seen: &Leadership, leader: &str) -> impl Future<Output = Result<Epoch, StoreError>> + Send;
    /// Keeps the lead. `Fenced`: another has it, and what this one holds in memory is worth nothing.
    fn beat(&self, epoch: Epoch) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Gives the lead up, so that another need not wait for a lease to pass. Nothing when another has it already.
    fn resign(&self, epoch: Epoch) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Writes one batch under `epoch`, or nothing and `Fenced`. A leader numbers its batches 1, 2, 3, …: the same number again is
    /// the same batch again, which is written once whatever happens, so that after `Unknown` (or any other error) the caller
    /// asks by committing again. A number that was skipped is `OutOfOrder`.
    fn commit(&self, epoch: Epoch, number: u64, batch: &Batch) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// The number of the last batch that was committed under `epoch`, a past one too; 0 for none. A commit under way has ended
    /// before this answers. Epochs older than the last `EPOCHS_KEPT` are forgotten.
    fn committed(&self, epoch: Epoch) -> impl Future<Output = Result<u64, StoreError>> + Send;
    /// Every unfinished job as it was last written, its links not yet made.
    fn unfinished(&self) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;
    /// A job as it was last written.
    fn job(&self, id: &JobId) -> impl Future<Output = Result<Option<Job>, StoreError>> + Send;
    /// The attempts of a job that have ended, in the order of their tokens.
    fn attempts(&self, job: &JobId) -> impl Future<Output = Result<Vec<Attempt>, StoreError>> + Send;
    /// What `list` has of one job.
    fn summary(&self, id: &JobId) -> impl Future<Output = Result<Option<Summary>, StoreError>> + Send;
    /// What `list` has of these jobs, as far as they are there, in any order.
    fn summaries(&self, jobs: &[JobId]) -> impl Future<Output = Result<Vec<Summary>, StoreError>> + Send;
    /// Jobs without their tasks, the newest first: at most so many of those that came before one, or of all.
    fn page(&self, before: Option<&JobId>, most: u32) -> impl Future<Output = Result<Vec<Job>, StoreError>> + Send;
    /// All jobs, oldest first.
    fn list(&self) -> impl Future<Output = Result<Vec<Summary>, StoreError>> + Send;
    /// Nodes that joined under this epoch.
    fn nodes(&self) -> impl Future<Output = Result<Vec<Offer>, StoreError>> + Send;
    /// What was last written of what outlives leaders, in the order of names.
    fn standing(&self) -> impl Future<Output = Result<Standing, StoreError>> + Send;
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
    /// Keeps an artifact from being swept, until `unpin`. Needs no leadership.
    fn pin(&self, digest: Digest) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Lets go of an artifact.
    fn unpin(&self, digest: Digest) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Artifacts that are pinned, sorted.
    fn pins(&self) -> impl Future<Output = Result<Vec<Digest>, StoreError>> + Send;
    /// Whether a job, a task or a cached result names an artifact. Reads all of them.
    fn names(&self, digest: Digest) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Forgets ended jobs but the latest `keep` of all. The result cache stays.
    fn prune(&self, keep: u32) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Forgets a job that has ended, with its tasks and attempts; results stay in the cache. `false`: it has not ended, or there is none.
    fn remove(&self, job: &JobId) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// Leaves a request to cancel; needs no leadership.
    fn ask_cancel(&self, job: &JobId, now: Millis) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Requests that have not been honoured, in the order in which they came.
    fn cancels(&self) -> impl Future<Output = Result<Vec<JobId>, StoreError>> + Send;
    /// Ends all connections. What was committed stays.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// How many past epochs' last batches are remembered.
pub const EPOCHS_KEPT: u32 = 1_000;
