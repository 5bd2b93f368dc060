//! The scheduler as an agent far from it sees it: HTTP to servers that come and go.
//!
//! What an agent has finished is in the outbox before it is told, and stays there until the farm has confirmed it, over the ends of
//! this process and of the servers. Artifacts are fetched once and kept in a cache with a bound.

mod backoff;
mod cache;
mod link;
mod outbox;
mod pins;
mod plain;
mod stream;
mod tls;
mod transfer;

pub use backoff::Backoff;
pub use cache::{Cache, CacheError};
pub use link::{Answer, Ask, Link, LinkError, LinkOptions, Load, read};
pub use plain::Plain;
pub use stream::Lines;
pub use transfer::{TransferError, download, upload};

use crate::agent::fault_of;
use http::Method;
use klieg_protocol::{
    Beat, Beaten, Closed, Commands, Digest, Dispatcher, Fault, Incarnation, NodeId, Offer, Outcome, Progress, Report, TaskFailure,
    TaskId, Token,
    wire::{Heard, Leave, Stride, Taken, Welcome},
};
use outbox::Outbox;
use pins::{Pinned, Pins};
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// How long progress is gathered before it is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// How long a node that leaves waits for the farm to hear it.
const LEAVE_MAX: Duration = Duration::from_secs(3);

/// Where a node's farm is and what it keeps on disk.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    pub link: LinkOptions,
    /// The cache of artifacts, the outbox and attempts' files. Of this node alone.
    pub cache: PathBuf,
    /// The most that cached artifacts take; what attempts at hand and unconfirmed results hold stays, even past it.
    pub cache_bytes_max: u64,
}

/// Why there is no farm to work for.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("use the outbox {}: {source}", .path.display())]
    Outbox { path: PathBuf, source: io::Error },
}

/// A farm far away. Clones are handles on the same one.
#[derive(Clone)]
pub struct Remote(Arc<Inner>);

pub(crate) struct Inner {
    link: Link,
    cache: Cache,
    outbox: Outbox,
    pins: Pins,
    /// One download of the same artifact at a time.
    fetching: [tokio::sync::Mutex<()>; 16],
    /// The latest word of each attempt that has not been told.
    progress: Mutex<BTreeMap<Token, Stride>>,
    told: Notify,
    /// Counts joins of the agent's; only the latest may join again.
    turn: AtomicU64,
    joining: tokio::sync::Mutex<()>,
    /// Why the farm wants nothing more of this node.
    fate: watch::Sender<Option<String>>,
}

impl Inner {
    fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn is_turn(&self, turn: u64) -> bool {
        self.turn.load(Ordering::SeqCst) == turn
    }

    fn cast_out(&self, why: &str) {
        self.fate.send_if_modified(|fate| fate.is_none() && fate.replace(why.to_owned()).is_none());
    }

    /// Notes an error that no repetition will change.
    fn closed(&self, error: &LinkError) -> Closed {
        tracing::error!(%error, "the farm does not want this node");
        self.cast_out(&error.to_string());
        Closed
    }

    /// Hands in what is in the outbox of one attempt, however long that takes.
    async fn deliver(&self, mut report: Report) -> Result<bool, LinkError> {
        for digest in outbox::named(&report) {
            // What lies elsewhere was not made here, and the farm has it.
            let (Some(path), Some(bytes)) = (self.cache.get(digest), self.cache.size(digest)) else { continue };
            match upload(&self.link, digest, &path, bytes).await {
                Err(error) if !error.retryable() && !error.outcast() => {
                    self.cache.remove(digest);
                    let message = format!("failed to hand in artifact {digest}: {error}");
                    report.outcome = Outcome::Failed(TaskFailure { fault: Fault::Node, message });
                    break;
                }
                done => done?,
            }
        }
        let taken = match self.link.insist(&Ask::post("/v1/nodes/report", &report)).await {
            Ok(answer) => read::<Taken>(answer).await?.taken,
            Err(error) if error.outcast() => return Err(error),
            Err(error) => {
                tracing::error!(%error, task = report.id.task, "the farm cannot read a report; it is thrown away");
                false
            }
        };
        self.outbox.remove(report.token);
        Ok(taken)
    }

    /// As `deliver`, with the answer read as often as it takes.
    async fn hand_in(&self, report: Report) -> Result<bool, LinkError> {
        let _held = Pinned::new(&self.cache, outbox::named(&report));
        let mut backoff = Backoff::default();
        loop {
            match self.deliver(report.clone()).await {
                Err(error) if error.retryable() => backoff.wait(error.after()).await,
                done => return done,
            }
        }
    }

    /// Hands in what an earlier life of the agent left, before the farm hears that it is dead.
    async fn hand_in_all(&self) -> Result<(), LinkError> {
        let reports = self.outbox.list().unwrap_or_else(|error| {
            tracing::error!(%error, "failed to read the outbox");
            Vec::new()
        });
        for report in reports {
            let task = report.id.task.clone();
            let taken = self.hand_in(report).await?;
            tracing::info!(task, taken, "handed in a result of an earlier life");
        }
        Ok(())
    }

    async fn bring(&self, digest: Digest) -> Result<PathBuf, TransferError> {
        let _one = self.fetching[usize::from(digest.0[0] % 16)].lock().await;
        match self.cache.get(digest) {
            Some(path) => Ok(path),
            None => download(&self.link, &self.cache, digest).await,
        }
    }
}

impl Remote {
    /// Opens the cache and the outbox; speaks to no server yet.
    pub fn open(options: &RemoteOptions) -> Result<Self, RemoteError> {
        let link = Link::new(&options.link)?;
        let cache = Cache::open(&options.cache, options.cache_bytes_max)?;
        let path = options.cache.join("outbox");
        let outbox = Outbox::open(&path).map_err(|source| RemoteError::Outbox { path, source })?;
        let inner = Arc::new(Inner {
            link,
            pins: Pins::new(cache.clone()),
            cache,
            outbox,
            fetching: Default::default(),
            progress: Mutex::default(),
            told: Notify::new(),
            turn: AtomicU64::new(0),
            joining: tokio::sync::Mutex::new(()),
            fate: watch::Sender::new(None),
        });
        tokio::spawn(tell(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// Waits for a server that leads, and asks who it is. Fails when it does not want this caller.
    pub async fn greet(&self) -> Result<Welcome, LinkError> {
        let mut backoff = Backoff::default();
        let mut told = false;
        loop {
            match self.0.link.get(&Ask::new(Method::GET, "/v1/farm")).await {
                Err(error) if error.retryable() => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!("failed to {error}; trying again until it answers");
                    }
                    backoff.wait(error.after()).await;
                }
                done => return done,
            }
        }
    }

    /// Why the farm wants nothing more of this node, if it does not.
    pub fn cast_out(&self) -> Option<String> {
        self.0.fate.borrow().clone()
    }

    /// Done when the farm wants nothing more of this node; says why.
    pub async fn fate(&self) -> String {
        let mut fate = self.0.fate.subscribe();
        match fate.wait_for(Option::is_some).await {
            Ok(fate) => fate.clone().unwrap_or_default(),
            // The sender lives as long as `self`.
            Err(_) => String::new(),
        }
    }
}

impl Dispatcher for Remote {
    async fn join(&self, offer: Offer) -> Result<Box<dyn Commands>, Closed> {
        let inner = &self.0;
        inner.hand_in_all().await.map_err(|error| inner.closed(&error))?;
        let stream = stream::open(inner, offer).await.map_err(|error| inner.closed(&error))?;
        Ok(Box::new(stream))
    }

    async fn leave(&self, node: &NodeId, incarnation: Incarnation) -> Result<(), Closed> {
        // No stream of ours may join again.
        self.0.next_turn();
        let ask = Ask::post("/v1/nodes/leave", &Leave { node: node.clone(), incarnation });
        // A farm that does not hear it learns it by the lease.
        match tokio::time::timeout(LEAVE_MAX, self.0.link.call(&ask)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Closed),
        }
    }

    async fn beat(&self, beat: Beat) -> Result<Heard, Closed> {
        self.0.pins.review(&beat);
        let ask = Ask::post("/v1/nodes/beat", &beat);
        let mut backoff = Backoff::default();
        loop {
            match self.0.link.get::<Heard>(&ask).await {
                Ok(heard) => {
                    if heard.answer == Beaten::Replaced {
                        self.0.cast_out(&format!(
                            "go on as node {}: another agent has joined under its name; give each a --name of its own",
                            beat.node.0
                        ));
                    }
                    return Ok(heard);
                }
                Err(error) if error.retryable() => backoff.wait(error.after()).await,
                Err(error) => return Err(self.0.closed(&error)),
            }
        }
    }

    fn progress(&self, id: &TaskId, token: Token, progress: Progress) {
        let stride = Stride { id: id.clone(), token, progress };
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(token, stride);
        self.0.told.notify_one();
    }

    async fn report(&self, mut report: Report) -> Result<bool, Closed> {
        let inner = &self.0;
        self.doubt(&mut report);
        let token = report.token;
        inner.progress.lock().unwrap_or_else(PoisonError::into_inner).remove(&token);
        // A disk that does not take it is no reason not to tell: it is only not told again by a next life.
        if let Err(error) = inner.outbox.put(&report) {
            tracing::error!(%error, "failed to keep a result in the outbox");
        }
        let taken = inner.hand_in(report).await.map_err(|error| inner.closed(&error));
        inner.pins.done(token);
        taken
    }

    async fn fetch(&self, digest: Digest) -> Result<PathBuf, TaskFailure> {
        if let Some(path) = self.0.cache.get(digest) {
            return Ok(path);
        }
        self.0.bring(digest).await.map_err(|error| match error {
            TransferError::Missing(_) => {
                TaskFailure { fault: Fault::Input, message: format!("failed to {error}; run the same again to compute it anew") }
            }
            TransferError::Io { path, source } => fault_of(&path, &source),
            other => TaskFailure { fault: Fault::Node, message: format!("failed to {other}") },
        })
    }

    async fn adopt(&self, digest: Digest, file: PathBuf) -> Result<(), TaskFailure> {
        self.0.pins.made(digest);
        let cache = self.0.cache.clone();
        let shown = file.clone();
        let adopted = tokio::task::spawn_blocking(move || cache.adopt(digest, &file)).await;
        match adopted.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(_) => Ok(()),
            Err(error) => Err(fault_of(&shown, &error)),
        }
    }

    fn scratch(&self) -> PathBuf {
        self.0.cache.scratch()
    }
}

impl Remote {
    /// Bytes that were damaged here may be whole at the farm: the copy goes, and the node is at fault, not the input.
    fn doubt(&self, report: &mut Report) {
        if report.damaged.is_empty() {
            return;
        }
        report.damaged.iter().for_each(|digest| self.0.cache.remove(*digest));
        if let Outcome::Failed(failure) = &mut report.outcome {
            let message = format!("{} (this node's copy was thrown away)", failure.message);
            *failure = TaskFailure { fault: Fault::Node, message };
        }
    }
}

/// Tells the farm how far attempts are. What it does not take is lost.
async fn tell(inner: Weak<Inner>) {
    loop {
        let Some(held) = inner.upgrade() else { return };
        // Looks from time to time whether anybody is left to tell of.
        let _ = tokio::time::timeout(Duration::from_secs(5), held.told.notified()).await;
        let strides: Vec<Stride> =
            std::mem::take(&mut *held.progress.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect();
        if !strides.is_empty() {
            let ask = Ask::post("/v1/nodes/progress", &strides);
            if let Err(error) = held.link.call(&ask).await {
                tracing::debug!(%error, "progress was lost");
            }
        }
        drop(held);
        tokio::time::sleep(PROGRESS_EVERY).await;
    }
}
