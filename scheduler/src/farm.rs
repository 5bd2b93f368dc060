//! The farm as a program holds it: open, submit, watch, fetch, close.

use crate::{
    admit::Refusal,
    blobs::{BlobError, Blobs},
    bus::{Bus, BusError, Cursor},
    cost,
    lock::Lock,
    ports::{AnyBlobs, AnyBus, AnyStore, UnknownPort},
    records, service,
    service::Message,
    state::{BadPlan, Job, Millis, Rules, Share, State, Tasks},
    step::Attempt,
    store::{Epoch, Store, StoreError, Summary, lead_now, lead_when_free},
    sweep, takeover,
    tally::Tally,
    why,
};
use klieg_protocol::{
    Beat, Beaten, Closed, Command, Commands, Digest, Dispatcher, Event, Fault, Incarnation, JobId, JobSpec, JobState, NodeId,
    Offer, Outcome, Plan, Progress, Report, TaskFailure, TaskId, TaskName, TaskState, Telemetry, Token, TraceContext,
    wire::{Backlog, Heard},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::{Mutex, broadcast, mpsc, oneshot};

/// How a farm is opened.
#[derive(Clone, Debug)]
pub struct FarmOptions {
    /// Where everything is kept that the three ports do not keep elsewhere.
    pub folder: PathBuf,
    /// URL of the store (`ports::AnyStore`); a file in `folder` if not given.
    pub store: Option<String>,
    /// URL of the bus (`ports::AnyBus`); in this process if not given.
    pub bus: Option<String>,
    /// URL of the artifacts (`ports::AnyBlobs`); in `folder` if not given.
    pub blobs: Option<String>,
    /// The most that local copies of artifacts in S3 take.
    pub copies_bytes_max: u64,
    /// What others know this scheduler by while it leads.
    pub leader: String,
    /// How long a store that several schedulers share waits for its leader before another takes over.
    pub lease: Duration,
    /// Nodes live on when this process ends: a new leader lets their attempts go on, instead of counting them as lost.
    pub nodes_outlive: bool,
    /// What a slot costs in an hour; in any currency.
    pub price_per_slot_hour: f64,
    /// How many failures of its own a task may have.
    pub attempts_max: u32,
    /// Jobs that an earlier process left unfinished go on at once, not only when they are submitted again.
    pub resume_all: bool,
    /// Opening throws the least recently used results away past this.
    pub cache_bytes_max: u64,
    /// How many jobs are remembered.
    pub jobs_kept: u32,
    /// How long commits are tried again while the disk is full, before the farm gives up.
    pub patience: Duration,
}

impl Default for FarmOptions {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("farm"),
            store: None,
            bus: None,
            blobs: None,
            copies_bytes_max: 50_000_000_000,
            leader: format!("process {}", std::process::id()),
            lease: Duration::from_secs(3),
            nodes_outlive: false,
            price_per_slot_hour: 0.0,
            attempts_max: Rules::default().attempts_max,
            resume_all: false,
            cache_bytes_max: 20_000_000_000,
            jobs_kept: 500,
            patience: Duration::from_secs(10),
        }
    }
}

/// On whose account a job runs, and before which others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// "": the default project.
    pub project: String,
    /// The account that submits it; "": nobody in particular.
    pub owner: String,
    /// Higher first.
    pub priority: i32,
    /// The span of the request that submits it.
    pub trace: Option<TraceContext>,
}

/// Why the farm could not do it.
#[derive(Debug, thiserror::Error)]
pub enum FarmError {
    #[error("open the farm: another klieg{} works on it; wait for it, stop it, or give another folder", pid.map(|p| format!(" (process {p})")).unwrap_or_default())]
    Busy { pid: Option<u32> },
    #[error("use {}: {source}", .path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Port(#[from] UnknownPort),
    #[error(transparent)]
    Plan(#[from] BadPlan),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("take node {node:?} in: {reason}")]
    TurnedAway { node: String, reason: String },
    #[error("find job {}: there is none", .0.0)]
    NoSuchJob(JobId),
    #[error("use the farm: it has been closed")]
    Closed,
}

impl FarmError {
    /// Whether the same may go well later without anybody doing anything: a server is away.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            Self::Bus(BusError::Unreachable { .. }) | Self::Blob(BlobError::Unreachable { .. }) => true,
            _ => false,
        }
    }
}

/// A task as the store has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub name: TaskName,
    pub step: String,
    pub label: String,
    pub state: TaskState,
    pub attempts: u32,
    pub reused: bool,
    /// Slot-seconds of all its attempts.
    pub seconds: f64,
    pub cost: f64,
    pub failure: Option<TaskFailure>,
    pub outputs: BTreeMap<String, Digest>,
    /// Of the attempt that runs, or else of the last one: the node, its device's number, and when (milliseconds since the Unix epoch).
    pub node: Option<NodeId>,
    pub device: Option<u32>,
    pub started_at: Option<u64>,
    /// `None` while it runs.
    pub ended_at: Option<u64>,
    /// The furthest that any attempt came, 0–1.
    pub fraction: f32,
    /// Estimated seconds.
    pub estimate: f64,
}

/// A job as the store has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    pub id: JobId,
    pub kind: String,
    pub label: String,
    /// "": the default project.
    pub project: String,
    /// The account that submitted it; "": nobody in particular.
    pub owner: String,
    pub priority: i32,
    pub state: JobState,
    /// Milliseconds since the Unix epoch.
    pub submitted_at: u64,
    pub ended_at: Option<u64>,
    pub tasks_total: u64,
    pub tasks_done: u64,
    pub tasks_running: u64,
    /// Slot-seconds of all attempts.
    pub seconds: f64,
    pub cost: f64,
    pub reason: Option<String>,
}

impl From<Summary> for JobRecord {
    fn from(summary: Summary) -> Self {
        let job = summary.job;
        Self {
            cost: cost::of_seconds(summary.seconds, job.price),
            id: job.id,
            kind: job.spec.kind,
            label: job.spec.label,
            project: job.project,
            owner: job.owner,
            priority: job.priority,
            state: job.state,
            submitted_at: job.submitted_at,
            ended_at: job.ended_at,
            tasks_total: summary.tasks_total,
            tasks_done: summary.tasks_done,
            tasks_running: summary.running,
            seconds: summary.seconds,
            reason: job.reason,
        }
    }
}

/// The tasks of a job in the order of its plan.
pub(crate) fn task_records(job: &Job) -> Vec<TaskRecord> {
    let mut tasks: Vec<_> = job.tasks.values().collect();
    tasks.sort_by_key(|task| task.position);
    tasks
        .into_iter()
        .map(|task| (task, task.spec.open()))
        .map(|(task, spec)| TaskRecord {
            name: spec.name,
            step: spec.step,
            label: spec.label,
            state: task.state,
            attempts: task.attempts,
            reused: task.reused,
            seconds: task.seconds,
            cost: cost::of_seconds(task.seconds, job.price),
            failure: task.failure.as_deref().cloned(),
            outputs: task.outputs.clone(),
            node: task.run.as_ref().map(|run| run.node.clone()),
            device: task.run.as_ref().map(|run| run.device),
            started_at: task.run.as_ref().map(|run| run.since),
            ended_at: None,
            fraction: if task.state == TaskState::Succeeded { 1.0 } else { task.furthest },
            estimate: spec.ask.seconds,
        })
        .collect()
}

/// When, and what a node measured then: samples at least so far apart, but for the last.
type Measured = VecDeque<(Millis, Telemetry)>;
const SAMPLE_MS: Millis = 15_000;
const SAMPLES_MAX: usize = 60;

fn note(told: &mut Measured, now: Millis, telemetry: Telemetry) {
    // The one before says whether the last has its own place, or is only the latest.
    let soon =
        told.len() >= 2 && told.back().zip(told.get(told.len() - 2)).is_some_and(|(last, before)| last.0 < before.0 + SAMPLE_MS);
    if soon {
        told.pop_back();
    }
    told.push_back((now, telemetry));
    if told.len() > SAMPLES_MAX {
        told.pop_front();
    }
}

/// Ended jobs that wait for a listener.
const ENDINGS_MAX: usize = 1_024;

/// Jobs that are read at a time to fill a page.
const PAGE_ROWS: u32 = 256;

/// The most tasks of a job that are told from the scheduler's memory.
const LIVE_TASKS_MAX: usize = 5_000;

/// Where the parts of a farm are in its folder.
pub(crate) struct Layout<'a>(pub &'a Path);

impl Layout<'_> {
    pub fn store(&self) -> PathBuf {
        self.0.join("farm.sqlite")
    }
    pub fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }
    /// Copies of what is in S3.
    pub fn copies(&self) -> PathBuf {
        self.0.join("copies")
    }
}

/// The active farm on a folder. Clones are handles on the same one.
#[derive(Clone)]
pub struct Farm(Arc<Inner>);

struct Inner {
    inbox: mpsc::Sender<Message>,
    bus: Arc<AnyBus>,
    blobs: Arc<AnyBlobs>,
    store: Arc<AnyStore>,
    scratch: PathBuf,
    fate: Arc<OnceLock<String>>,
    endings: broadcast::Sender<JobId>,
    service: Mutex<Option<tokio::task::JoinHandle<()>>>,
    tally: Arc<Tally>,
    epoch: Epoch,
    /// Of the nodes that are known.
    telemetry: std::sync::Mutex<BTreeMap<NodeId, Measured>>,
}

impl Farm {
    /// Opens or creates a farm and takes the lead: at once on a folder, which one process has at a time; on a store that several
    /// share when nobody else leads, however long that takes. Attempts that a dead process left running are lost, and
    /// their jobs wait until they are submitted again (or go on, with `resume_all`).
    pub async fn open(options: FarmOptions) -> Result<Self, FarmError> {
        Self::stand_by(options, |_| {}).await
    }

    /// As `open`; while another leads a shared store, its name is told again and again.
    pub async fn stand_by(options: FarmOptions, led_by: impl Fn(&str) + Send + Sync) -> Result<Self, FarmError> {
        let layout = Layout(&options.folder);
        make(&options.folder)?;
        let lock = Lock::take_soon(&options.folder).await?;
        takeover::empty(&layout.scratch())?;
        let store = options.store.clone().unwrap_or_else(|| format!("sqlite:{}", layout.store().display()));
        let store = Arc::new(AnyStore::open(&store).await?);
        let bus = Arc::new(AnyBus::open(options.bus.as_deref().unwrap_or("in-process")).await?);
        let blobs = options.blobs.clone().unwrap_or_else(|| layout.blobs().display().to_string());
        let blobs = Arc::new(AnyBlobs::open(&blobs, &layout.copies(), options.copies_bytes_max).await?);
        let epoch = lead(&store, &options, led_by).await?;
        let keeper = store.shared().then(|| takeover::Keeper::start(&store, epoch, options.lease));
        store.prune(options.jobs_kept).await?;
        let takeover::Loaded { state, committed, next_job } = takeover::load(&*store, epoch, &*blobs, &options).await?;
        if store.results_bytes().await? > options.cache_bytes_max {
            sweep::sweep(&*store, &*blobs, &state, options.cache_bytes_max).await?;
        }
        let (inbox, messages) = mpsc::channel(1024);
        let scratch = layout.scratch();
        let fate = Arc::<OnceLock<String>>::default();
        let endings = broadcast::Sender::new(ENDINGS_MAX);
        let tally = Arc::<Tally>::default();
        let parts = service::Parts {
            tally: Arc::clone(&tally),
            endings: endings.clone(),
            store: Arc::clone(&store),
            epoch,
            committed,
            blobs: Arc::clone(&blobs),
            bus: Arc::clone(&bus),
            state,
            fate: Arc::clone(&fate),
            next_job,
            lock,
            keeper,
        };
        let service = tokio::spawn(service::run(parts, options, messages));
        Ok(Self(Arc::new(Inner {
            inbox,
            bus,
            blobs,
            store,
            scratch,
            fate,
            endings,
            tally,
            epoch,
            service: Mutex::new(Some(service)),
            telemetry: Default::default(),
        })))
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, FarmError> {
        let (reply, answer) = oneshot::channel();
        self.0.inbox.send(message(reply)).await.map_err(|_| FarmError::Closed)?;
        answer.await.map_err(|_| FarmError::Closed)
    }

    /// Submits a job; durable when it returns. An unfinished job of the same specification, plan and build goes on instead.
    /// `build` names the code that will compute it.
    pub async fn submit(&self, job: JobSpec, plan: Plan, build: &str) -> Result<JobId, FarmError> {
        self.submit_as(job, plan, build, Terms::default()).await
    }

    /// As `submit`, for a project and with a priority. A job that the farm cannot or will not take is refused with the reason.
    pub async fn submit_as(&self, job: JobSpec, plan: Plan, build: &str, terms: Terms) -> Result<JobId, FarmError> {
        crate::state::check(&plan.tasks, &Tasks::default())?;
        let build = build.to_string();
        Ok(self.ask(|reply| Message::Submit { spec: Box::new(job), plan, build, terms, reply }).await??)
    }

    /// As `Dispatcher::join`, and says why not.
    pub async fn take_in(&self, offer: Offer) -> Result<Box<dyn Commands>, FarmError> {
        let commands = self.ask(|reply| Message::Join { offer, reply }).await??;
        Ok(Box::new(Channel(commands)))
    }

    /// Lets a node get no more attempts, or get them again.
    pub async fn drain(&self, node: &NodeId, drained: bool) -> Result<(), FarmError> {
        self.ask(|reply| Message::Drain { node: node.clone(), drained, reply }).await
    }

    /// Sets what a project may have from now on.
    pub async fn set_share(&self, project: &str, share: Share) -> Result<(), FarmError> {
        self.ask(|reply| Message::Share { project: project.into(), share, reply }).await
    }

    /// Sets how many there are of a counted resource.
    pub async fn set_limit(&self, name: &str, most: u32) -> Result<(), FarmError> {
        self.ask(|reply| Message::Limit { name: name.into(), most, reply }).await
    }

    /// Lets a job that an earlier process left unfinished go on.
    pub async fn resume(&self, job: &JobId) -> Result<(), FarmError> {
        let found = self.ask(|reply| Message::Resume { job: job.clone(), reply }).await?;
        if found { Ok(()) } else { Err(FarmError::NoSuchJob(job.clone())) }
    }

    /// The job's events from its beginning in this process on.
    pub fn watch(&self, job: &JobId) -> Watch {
        let (next, page) = (Cursor::default(), VecDeque::new());
        Watch {
            farm: self.clone(),
            job: job.clone(),
            next,
            page,
            place: Place::default(),
            coming: Place::default(),
            skip: None,
            ended: false,
            asked: false,
        }
    }

    /// As `watch`, without what came up to a place that an earlier watch gave, as long as it is the same telling.
    pub fn watch_after(&self, job: &JobId, place: Place) -> Watch {
        Watch { skip: Some(place), ..self.watch(job) }
    }

    /// Cancels a job. No error when it has ended already.
    pub async fn cancel(&self, job: &JobId) -> Result<(), FarmError> {
        self.ask(|reply| Message::Cancel { job: job.clone(), reply }).await
    }

    /// Jobs that end from now on. Whoever is far behind is told that it has missed some.
    pub fn endings(&self) -> broadcast::Receiver<JobId> {
        self.0.endings.subscribe()
    }

    /// What each node last measured of itself. In memory only; empty until nodes have told.
    pub fn telemetry(&self) -> BTreeMap<NodeId, Telemetry> {
        self.measured().iter().filter_map(|(node, told)| Some((node.clone(), told.back()?.1.clone()))).collect()
    }

    /// What a node measured in the last quarter of an hour, the oldest first. In memory only.
    pub fn measurements(&self, node: &NodeId) -> Vec<(Millis, Telemetry)> {
        self.measured().get(node).map(|told| told.iter().cloned().collect()).unwrap_or_default()
    }

    fn measured(&self) -> std::sync::MutexGuard<'_, BTreeMap<NodeId, Measured>> {
        self.0.telemetry.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What has been counted since this scheduler leads.
    pub fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// The number of this leader: higher than every earlier one's.
    pub fn epoch(&self) -> i64 {
        self.0.epoch.0
    }

    /// Keeps bytes as an artifact.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<Digest, FarmError> {
        Ok(self.0.blobs.put(bytes).await?)
    }

    /// An artifact's bytes, checked against the digest.
    pub async fn blob(&self, digest: &Digest) -> Result<Vec<u8>, FarmError> {
        Ok(self.0.blobs.get(*digest).await?)
    }

    /// A local file with an artifact's bytes. Whoever changes it breaks it.
    pub async fn blob_file(&self, digest: &Digest) -> Result<PathBuf, FarmError> {
        Ok(self.0.blobs.fetch(*digest).await?)
    }

    /// How long an artifact is; `None` if there is none.
    pub async fn blob_size(&self, digest: Digest) -> Result<Option<u64>, FarmError> {
        Ok(self.0.blobs.size(digest).await?)
    }

    /// Those of `digests` that are not among the farm's artifacts.
    pub async fn missing(&self, digests: BTreeSet<Digest>) -> Result<BTreeSet<Digest>, FarmError> {
        Ok(self.0.blobs.missing(digests).await?)
    }

    /// A URL from which anybody can GET an artifact for so long; `None` where artifacts pass through klieg.
    pub async fn blob_link(&self, digest: Digest, valid: Duration) -> Result<Option<String>, FarmError> {
        Ok(self.0.blobs.link(digest, valid).await?)
    }

    /// All outputs of a job's tasks so far: (task, name) → artifact.
    pub async fn outputs(&self, job: &JobId) -> Result<BTreeMap<(TaskName, String), Digest>, FarmError> {
        let records = self.plain_records(job).await?;
        let outputs = records.into_iter().flat_map(|task| {
            let name = task.name;
            task.outputs.into_iter().map(move |(output, digest)| ((name.clone(), output), digest))
        });
        Ok(outputs.collect())
    }

    /// One job.
    pub async fn job(&self, job: &JobId) -> Result<JobRecord, FarmError> {
        let found = self.0.store.summary(job).await?;
        found.map(JobRecord::from).ok_or_else(|| FarmError::NoSuchJob(job.clone()))
    }

    /// Some of the jobs, the newest first: at most so many of those before one, or of all. With them what comes before the next page,
    /// if there is one. The tasks of those that have not ended are counted in memory, of the others only those that are given.
    pub async fn page(
        &self,
        before: Option<&JobId>,
        most: usize,
        wanted: impl Fn(&JobRecord) -> bool,
    ) -> Result<(Vec<JobRecord>, Option<JobId>), FarmError> {
        let (mut found, mut before, mut more) = (Vec::new(), before.cloned(), true);
        while found.len() <= most && more {
            let rows = self.0.store.page(before.as_ref(), PAGE_ROWS).await?;
            more = rows.len() == PAGE_ROWS as usize;
            before = rows.last().map(|job| job.id.clone()).or(before);
            let bare = |job| JobRecord::from(Summary { job, tasks_total: 0, tasks_done: 0, seconds: 0.0, running: 0 });
            found.extend(rows.into_iter().map(bare).filter(&wanted));
        }
        let next = (found.len() > most).then(|| found[..most].last().map(|job| job.id.clone())).flatten();
        found.truncate(most);
        Ok((self.counted(found).await?, next))
    }

    /// Records of jobs with what is known of their tasks. Those that were removed meanwhile are left out.
    async fn counted(&self, records: Vec<JobRecord>) -> Result<Vec<JobRecord>, FarmError> {
        let ids: Vec<JobId> = records.into_iter().map(|job| job.id).collect();
        let asked = ids.clone();
        let mut known = self.look(move |state, _| records::jobs(state, &asked)).await?;
        let ended: Vec<JobId> = ids.iter().filter(|id| !known.contains_key(id)).cloned().collect();
        if !ended.is_empty() {
            let summaries = self.0.store.summaries(&ended).await?;
            known.extend(summaries.into_iter().map(|summary| (summary.job.id.clone(), JobRecord::from(summary))));
        }
        Ok(ids.iter().filter_map(|id| known.remove(id)).collect())
    }

    /// Keeps an artifact, whatever becomes of the result cache, until `release`.
    pub async fn keep(&self, digest: Digest) -> Result<(), FarmError> {
        Ok(self.0.store.pin(digest).await?)
    }

    /// What `keep` keeps.
    pub async fn kept(&self) -> Result<Vec<Digest>, FarmError> {
        Ok(self.0.store.pins().await?)
    }

    /// Lets go of an artifact that was kept, and throws it away if no job and no cached result names it. A job that is being submitted
    /// at this moment may find its input gone, and fails with that reason.
    pub async fn release(&self, digest: Digest) -> Result<(), FarmError> {
        self.0.store.unpin(digest).await?;
        if !self.0.store.names(digest).await? {
            self.0.blobs.remove(digest).await?;
        }
        Ok(())
    }

    /// All jobs, oldest first.
    pub async fn jobs(&self) -> Result<Vec<JobRecord>, FarmError> {
        Ok(self.0.store.list().await?.into_iter().map(JobRecord::from).collect())
    }

    /// What there is to do and who is there to do it.
    pub async fn backlog(&self) -> Result<Backlog, FarmError> {
        self.ask(Message::Backlog).await
    }

    /// What was submitted.
    pub async fn spec(&self, job: &JobId) -> Result<JobSpec, FarmError> {
        let found = self.0.store.summary(job).await?;
        found.map(|found| found.job.spec).ok_or_else(|| FarmError::NoSuchJob(job.clone()))
    }

    /// Serves a job before those of lower priority from now on. `false`: it has ended, or there is none.
    pub async fn set_priority(&self, job: &JobId, priority: i32) -> Result<bool, FarmError> {
        self.ask(|reply| Message::Priority { job: job.clone(), priority, reply }).await
    }

    /// Forgets a job that has ended; what it made stays in the result cache. `false`: it has not ended, or there is none.
    pub async fn remove(&self, job: &JobId) -> Result<bool, FarmError> {
        Ok(self.0.store.remove(job).await?)
    }

    /// Looks at what the active scheduler has in memory. It does nothing else meanwhile: `see` is quick.
    pub async fn look<T: Send + 'static>(&self, see: impl FnOnce(&State, Millis) -> T + Send + 'static) -> Result<T, FarmError> {
        self.ask(|reply| {
            Message::Look(Box::new(move |state, now| {
                let seen = see(state, now);
                Box::new(move || drop(reply.send(seen)))
            }))
        })
        .await
    }

    /// Why a job, or one of its tasks, stands where it does: a sentence each. No more than `most`.
    pub async fn why(&self, job: &JobId, task: Option<&str>, most: usize) -> Result<Vec<String>, FarmError> {
        let (id, name) = (job.clone(), task.map(str::to_owned));
        let live =
            self.look(move |state, now| state.jobs.contains_key(&id).then(|| why::why(state, &id, name.as_deref(), now))).await?;
        let mut sentences = match live {
            Some(sentences) => sentences,
            None => {
                let ended = self.0.store.job(job).await?.ok_or_else(|| FarmError::NoSuchJob(job.clone()))?;
                let state = State { jobs: BTreeMap::from([(job.clone(), ended)]), ..State::default() };
                why::why(&state, job, task, service::now())
            }
        };
        sentences.truncate(most);
        Ok(sentences)
    }

    /// Done when the farm has ended in this process, by `close` or because another took over.
    pub async fn ended(&self) {
        self.0.inbox.closed().await;
    }

    /// Why the farm has ended by itself, if it has: a sentence with the remedy. Its jobs have not ended by that.
    pub fn fate(&self) -> Option<String> {
        self.0.fate.get().cloned()
    }

    /// A job's tasks in the order of its plan.
    pub async fn task_records(&self, job: &JobId) -> Result<Vec<TaskRecord>, FarmError> {
        let mut records = self.plain_records(job).await?;
        // Where a task ran last is told by its attempts; the last of each counts.
        let attempts = self.0.store.attempts(job).await?;
        let last: BTreeMap<&str, &Attempt> = attempts.iter().map(|attempt| (attempt.id.task.as_str(), attempt)).collect();
        for record in records.iter_mut().filter(|record| record.node.is_none()) {
            if let Some(attempt) = last.get(record.name.as_str()) {
                (record.node, record.device) = (Some(attempt.node.clone()), Some(attempt.device));
                (record.started_at, record.ended_at) = (Some(attempt.started), Some(attempt.ended));
            }
        }
        Ok(records)
    }

    async fn plain_records(&self, job: &JobId) -> Result<Vec<TaskRecord>, FarmError> {
        let id = job.clone();
        // Of an unfinished job the scheduler knows better how far its tasks are, unless that keeps it for too long.
        let small = |job: &&Job| job.tasks.len() <= LIVE_TASKS_MAX;
        if let Some(live) = self.look(move |state, _| state.jobs.get(&id).filter(small).map(task_records)).await? {
            return Ok(live);
        }
        let job = self.0.store.job(job).await?.ok_or_else(|| FarmError::NoSuchJob(job.clone()))?;
        Ok(task_records(&job))
    }

    /// Throws cached results away, least recently used first, until artifacts take at most `bytes_max`. Keeps what
    /// unfinished jobs use, and does nothing while attempts run. Gives the bytes freed.
    pub async fn sweep(&self, bytes_max: u64) -> Result<u64, FarmError> {
        self.ask(|reply| Message::Sweep { bytes_max, reply }).await?
    }

    /// Turns a success that names artifacts which are not there into a failure. Gives the bytes of its outputs.
    async fn doubt(&self, report: &mut Report) -> u64 {
        let Outcome::Succeeded(result) = &report.outcome else { return 0 };
        let mut bytes = 0;
        for digest in sweep::held_by(result).collect::<BTreeSet<_>>() {
            match self.0.blobs.size(digest).await {
                Ok(Some(size)) if result.outputs.values().any(|output| *output == digest) => bytes += size,
                Ok(Some(_)) => {}
                Ok(None) => {
                    let message = "its result names an artifact that it did not store".into();
                    report.outcome = Outcome::Failed(TaskFailure { fault: Fault::Task, message });
                    return 0;
                }
                Err(error) => {
                    report.outcome = Outcome::Failed(failure(Fault::Nobody, error, ""));
                    return 0;
                }
            }
        }
        bytes
    }

    /// Ends the farm in this process; unfinished jobs keep what they have and can go on later.
    pub async fn close(self) {
        // Fails only when it is closed already.
        let _ = self.ask(Message::Close).await;
        if let Some(service) = self.0.service.lock().await.take() {
            let _ = service.await;
        }
        self.0.bus.close().await;
        self.0.store.close().await;
    }
}

/// Nobody else has the folder, so whoever led an embedded store is dead.
async fn lead(store: &AnyStore, options: &FarmOptions, led_by: impl Fn(&str) + Send + Sync) -> Result<Epoch, StoreError> {
    match store.shared() {
        true => lead_when_free(store, &options.leader, options.lease, led_by).await,
        false => lead_now(store, &options.leader).await,
    }
}

fn make(folder: &Path) -> Result<(), FarmError> {
    std::fs::create_dir_all(folder).map_err(|source| FarmError::Folder { path: folder.into(), source })
}

/// A job's events, in order.
pub struct Watch {
    farm: Farm,
    job: JobId,
    next: Cursor,
    page: VecDeque<Event>,
    /// Of the event that was given last.
    place: Place,
    /// Of the next one in the page.
    coming: Place,
    /// What is left out.
    skip: Option<Place>,
    ended: bool,
    asked: bool,
}

/// A place in the story of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Another number: the story is told anew from its beginning.
    pub telling: u64,
    /// How many events of it come before.
    pub index: u64,
}

impl Watch {
    /// Why no more events come, if the farm has ended by itself.
    pub fn fate(&self) -> Option<String> {
        self.farm.fate()
    }

    /// The next event; `None` after `JobEnded`, when the farm has ended, or when there is no such job.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if self.skip.is_none_or(|skip| skip.telling != self.place.telling || self.place.index > skip.index) {
                return Some(event);
            }
        }
    }

    /// The place of the event that was given last.
    pub fn place(&self) -> Place {
        self.place
    }

    async fn any(&mut self) -> Option<Event> {
        let Inner { bus, .. } = &*self.farm.0;
        if !std::mem::replace(&mut self.asked, true) && !bus.knows(&self.job).await {
            let job = self.job.clone();
            self.ended = !self.farm.ask(|reply| Message::Describe { job, reply }).await.unwrap_or(false);
        }
        while self.page.is_empty() && !self.ended {
            let page = bus.read(&self.job, self.next).await;
            self.next = page.next;
            self.ended = page.ended;
            self.page = page.events.into();
            self.coming = Place { telling: page.next.log, index: page.first };
            if self.page.is_empty() && !self.ended && !bus.knows(&self.job).await {
                let job = self.job.clone();
                self.ended = !self.farm.ask(|reply| Message::Describe { job, reply }).await.unwrap_or(false);
            }
        }
        let event = self.page.pop_front()?;
        self.place = self.coming;
        self.coming.index += 1;
        Some(event)
    }
}

struct Channel(mpsc::Receiver<Command>);

impl Commands for Channel {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Command>> + Send + '_>> {
        Box::pin(self.0.recv())
    }
}

impl Dispatcher for Farm {
    async fn join(&self, offer: Offer) -> Result<Box<dyn Commands>, Closed> {
        let taken = self.take_in(offer).await;
        taken.inspect_err(|error| tracing::error!(%error, "a node has no farm")).map_err(|_| Closed)
    }

    async fn leave(&self, node: &NodeId, incarnation: Incarnation) -> Result<(), Closed> {
        self.measured().remove(node);
        self.ask(|reply| Message::Leave { node: node.clone(), incarnation, reply }).await.map_err(|_| Closed)
    }

    async fn beat(&self, mut beat: Beat) -> Result<Heard, Closed> {
        let (node, told) = (beat.node.clone(), beat.telemetry.take());
        let answer = self.ask(|reply| Message::Beat { beat, reply }).await.map_err(|_| Closed)?;
        match (answer.answer, told) {
            (Beaten::Known, Some(told)) => note(self.measured().entry(node).or_default(), service::now(), *told),
            // Nobody whom the farm does not know takes up memory.
            (Beaten::Unknown, _) => drop(self.measured().remove(&node)),
            _ => {}
        }
        Ok(answer)
    }

    fn progress(&self, id: &TaskId, token: Token, progress: Progress) {
        // A full inbox has better things to do.
        let _ = self.0.inbox.try_send(Message::Progress { id: id.clone(), token, progress });
    }

    async fn report(&self, mut report: Report) -> Result<bool, Closed> {
        for digest in &report.damaged {
            // Reading checks it, and throws it away if it is indeed damaged.
            let _ = self.0.blobs.get(*digest).await;
        }
        let bytes = self.doubt(&mut report).await;
        self.ask(|reply| Message::Report { report, bytes, reply }).await.map_err(|_| Closed)
    }

    async fn fetch(&self, digest: Digest) -> Result<PathBuf, TaskFailure> {
        match self.0.blobs.fetch(digest).await {
            Ok(path) => Ok(path),
            Err(gone @ (BlobError::Missing(_) | BlobError::Damaged(_))) => {
                Err(failure(Fault::Input, gone, "; run the same again to compute it anew"))
            }
            Err(other) => Err(failure(Fault::Node, other, "")),
        }
    }

    async fn adopt(&self, digest: Digest, file: PathBuf) -> Result<(), TaskFailure> {
        match self.0.blobs.adopt(file, Some(digest)).await {
            Ok(_) => Ok(()),
            Err(full @ BlobError::Full(_)) => Err(failure(Fault::Node, full, "; free some space and run the same again")),
            Err(other) => Err(failure(Fault::Node, other, "")),
        }
    }

    fn scratch(&self) -> PathBuf {
        self.0.scratch.clone()
    }
}

fn failure(fault: Fault, error: BlobError, remedy: &str) -> TaskFailure {
    TaskFailure { fault, message: format!("failed to {error}{remedy}") }
}
