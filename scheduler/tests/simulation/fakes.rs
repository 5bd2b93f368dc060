//! The store, the artifacts and the bus of the simulated farm. Each passes the conformance suite of its port.

use klieg_protocol::{Digest, Event, JobId, Offer, TaskId, TaskState};
use klieg_scheduler::{
    blobs::{BlobError, Blobs, Upload, UploadName},
    bus::{Bus, Cursor, InProcess, Stamp},
    invariants::{Broken, Promise, Watchman},
    state::{Job, Millis, Tasks, terminal},
    step::Attempt,
    store::{Batch, Cached, Epoch, Leadership, Standing, Store, StoreError, Summary},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A store in memory. Clones are handles on the same one.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Rows>>);

#[derive(Default)]
pub struct Rows {
    pub epoch: i64,
    leader: String,
    beat: i64,
    /// The number of the last batch of every epoch.
    batches: BTreeMap<i64, u64>,
    pub jobs: BTreeMap<JobId, Job>,
    pub results: BTreeMap<Digest, Cached>,
    pub cancels: Vec<JobId>,
    pub pins: BTreeSet<Digest>,
    /// The highest token and job number of what has been forgotten.
    gone: (u64, u64),
    pub standing: Standing,
    pub nodes: Vec<Offer>,
    /// When the leader last showed that it lives.
    pub led_at: Millis,
    /// The deliberate bug `TwoLeaders`.
    pub fences_nobody: bool,
    /// Whether there is no space.
    pub full: bool,
    /// Attempts that were written, by task and token.
    pub attempts: BTreeMap<(TaskId, u64), Attempt>,
    pub wrong: Vec<Broken>,
}

impl MemoryStore {
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    pub fn write(&mut self, epoch: Epoch, number: u64, batch: &Batch) -> Result<(), StoreError> {
        if self.full {
            return Err(StoreError::Full(None));
        }
        let last = self.batches.get(&epoch.0).copied().unwrap_or(0);
        if number <= last {
            return Ok(());
        }
        if epoch.0 != self.epoch && !self.fences_nobody {
            return Err(StoreError::Fenced);
        }
        if number != last + 1 {
            return Err(StoreError::OutOfOrder { epoch, number, last });
        }
        let known = |job: &JobId| self.jobs.contains_key(job) || batch.jobs.iter().any(|new| new.id == *job);
        let strange = batch.tasks.iter().map(|(job, _, _)| job).chain(batch.attempts.iter().map(|a| &a.id.job)).find(|j| !known(j));
        if let Some(job) = strange {
            return Err(StoreError::Damaged { what: format!("job {}", job.0) });
        }
        for job in &batch.jobs {
            self.write_job(job);
        }
        for (id, _, task) in &batch.tasks {
            self.write_task(id, task);
        }
        for attempt in &batch.attempts {
            self.attempts.insert((attempt.id.clone(), attempt.token.0), attempt.clone());
        }
        self.results.extend(batch.results.iter().map(|cached| (cached.identity, cached.clone())));
        for (identity, at) in &batch.used {
            if let Some(cached) = self.results.get_mut(identity) {
                cached.used_at = *at;
            }
        }
        self.cancels.retain(|job| !batch.cancels_done.contains(job));
        self.nodes.extend(batch.nodes_joined.iter().cloned());
        self.stand(&batch.standing);
        self.batches.insert(epoch.0, number);
        self.beat += 1;
        Ok(())
    }

    fn stand(&mut self, new: &Standing) {
        let Standing { projects, limits, peaks } = &mut self.standing;
        for account in &new.projects {
            projects.retain(|known| known.project != account.project);
            projects.push(account.clone());
        }
        for limit in &new.limits {
            limits.retain(|(known, _)| *known != limit.0);
            limits.push(limit.clone());
        }
        for peak in &new.peaks {
            peaks.retain(|known| (&known.kind, &known.step, &known.shape) != (&peak.kind, &peak.step, &peak.shape));
            peaks.push(peak.clone());
        }
        projects.sort_by(|a, b| a.project.cmp(&b.project));
        limits.sort();
        peaks.sort_by(|a, b| (&a.kind, &a.step, &a.shape).cmp(&(&b.kind, &b.step, &b.shape)));
    }

    fn write_job(&mut self, job: &Job) {
        let Some(before) = self.jobs.get_mut(&job.id) else {
            self.jobs.insert(job.id.clone(), job.clone());
            return;
        };
        if !before.terminal() {
            (before.state, before.reason, before.ended_at) = (job.state, job.reason.clone(), job.ended_at);
        } else if before.state != job.state {
            let what = format!("{} is saved as {:?} and was {:?}", job.id.0, job.state, before.state);
            self.wrong.push(Broken { promise: Promise::OneEnd, what });
        }
    }

    /// What is written of a task never goes back.
    fn write_task(&mut self, id: &JobId, task: &klieg_scheduler::state::Task) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if let Some(before) = job.tasks.get(&task.spec.name) {
            let mut say = |promise, what| self.wrong.push(Broken { promise, what });
            let name = &task.spec.name;
            if task.attempts < before.attempts || task.token < before.token {
                say(Promise::Counted, format!("{name} is saved with attempt {} after {}", task.attempts, before.attempts));
            }
            if before.state == TaskState::Succeeded && task.state == TaskState::Succeeded && before.outputs != task.outputs {
                say(Promise::SameDigest, format!("{name} gave other outputs before"));
            }
            if before.state == TaskState::Cancelled && task.state != TaskState::Cancelled {
                say(Promise::OneEnd, format!("{name} was cancelled and is {:?}", task.state));
            }
            if task.furthest < before.furthest {
                say(Promise::Forward, format!("{name} is saved at {} after {}", task.furthest, before.furthest));
            }
        }
        job.tasks.insert(task.clone());
    }
}

impl Store for MemoryStore {
    async fn leadership(&self) -> Result<Leadership, StoreError> {
        let rows = self.rows();
        Ok(Leadership { epoch: Epoch(rows.epoch), leader: rows.leader.clone(), beat: rows.beat })
    }
    async fn lead(&self, seen: &Leadership, leader: &str) -> Result<Epoch, StoreError> {
        if self.leadership().await? != *seen {
            return Err(StoreError::Fenced);
        }
        let mut rows = self.rows();
        rows.epoch += 1;
        rows.beat += 1;
        rows.leader = leader.into();
        rows.nodes.clear();
        Ok(Epoch(rows.epoch))
    }
    async fn beat(&self, epoch: Epoch) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if epoch.0 != rows.epoch {
            return Err(StoreError::Fenced);
        }
        rows.beat += 1;
        Ok(())
    }
    async fn resign(&self, epoch: Epoch) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if epoch.0 == rows.epoch {
            rows.leader.clear();
        }
        Ok(())
    }
    async fn commit(&self, epoch: Epoch, number: u64, batch: &Batch) -> Result<(), StoreError> {
        self.rows().write(epoch, number, batch)
    }
    async fn committed(&self, epoch: Epoch) -> Result<u64, StoreError> {
        Ok(self.rows().batches.get(&epoch.0).copied().unwrap_or(0))
    }
    async fn close(&self) {}
    async fn unfinished(&self) -> Result<Vec<Job>, StoreError> {
        Ok(self.rows().jobs.values().filter(|job| !job.terminal()).cloned().collect())
    }
    async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.rows().jobs.get(id).cloned())
    }
    async fn attempts(&self, job: &JobId) -> Result<Vec<Attempt>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<Attempt> = rows.attempts.values().filter(|attempt| attempt.id.job == *job).cloned().collect();
        found.sort_by_key(|attempt| attempt.token);
        Ok(found)
    }
    async fn summary(&self, id: &JobId) -> Result<Option<Summary>, StoreError> {
        Ok(self.rows().jobs.get(id).map(summary))
    }
    async fn list(&self) -> Result<Vec<Summary>, StoreError> {
        Ok(self.rows().jobs.values().map(summary).collect())
    }
    async fn summaries(&self, jobs: &[JobId]) -> Result<Vec<Summary>, StoreError> {
        let rows = self.rows();
        Ok(rows.jobs.values().filter(|job| jobs.contains(&job.id)).map(summary).collect())
    }
    async fn page(&self, before: Option<&JobId>, most: u32) -> Result<Vec<Job>, StoreError> {
        fn age(id: &JobId) -> (usize, &str) {
            (id.0.len(), &id.0)
        }
        let rows = self.rows();
        let mut found: Vec<&Job> =
            rows.jobs.values().filter(|job| before.is_none_or(|before| age(&job.id) < age(before))).collect();
        found.sort_by(|a, b| age(&b.id).cmp(&age(&a.id)));
        Ok(found.into_iter().take(most as usize).map(Job::bare).collect())
    }
    async fn pin(&self, digest: Digest) -> Result<(), StoreError> {
        self.rows().pins.insert(digest);
        Ok(())
    }
    async fn unpin(&self, digest: Digest) -> Result<(), StoreError> {
        self.rows().pins.remove(&digest);
        Ok(())
    }
    async fn pins(&self) -> Result<Vec<Digest>, StoreError> {
        Ok(self.rows().pins.iter().copied().collect())
    }
    async fn names(&self, digest: Digest) -> Result<bool, StoreError> {
        let rows = self.rows();
        let by = |input: &klieg_protocol::Input| matches!(input.from, klieg_protocol::Source::Blob(named) if named == digest);
        let task = |task: &klieg_scheduler::state::Task| {
            task.outputs.values().any(|named| *named == digest) || task.spec.open().inputs.values().any(by)
        };
        let mut jobs = rows.jobs.values();
        let job = jobs.any(|job| job.spec.inputs.values().any(|named| *named == digest) || job.tasks.values().any(task));
        let result = |cached: &Cached| {
            cached.result.outputs.values().any(|named| *named == digest)
                || cached.result.adds.iter().flat_map(|spec| spec.inputs.values()).any(by)
        };
        Ok(job || rows.results.values().any(result))
    }
    async fn nodes(&self) -> Result<Vec<Offer>, StoreError> {
        Ok(self.rows().nodes.clone())
    }
    async fn standing(&self) -> Result<Standing, StoreError> {
        Ok(self.rows().standing.clone())
    }
    async fn highest(&self) -> Result<(u64, u64), StoreError> {
        Ok(self.rows().highest())
    }
    async fn results(&self, identities: &[Digest]) -> Result<BTreeMap<Digest, Cached>, StoreError> {
        let rows = self.rows();
        Ok(identities.iter().filter_map(|identity| Some((*identity, rows.results.get(identity)?.clone()))).collect())
    }
    async fn all_results(&self) -> Result<Vec<Cached>, StoreError> {
        let mut all: Vec<Cached> = self.rows().results.values().cloned().collect();
        all.sort_by_key(|cached| (cached.used_at, cached.identity));
        Ok(all)
    }
    async fn results_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.rows().results.values().map(|cached| cached.bytes).sum())
    }
    async fn forget(&self, identities: &[Digest]) -> Result<(), StoreError> {
        self.rows().results.retain(|identity, _| !identities.contains(identity));
        Ok(())
    }
    async fn prune(&self, keep: u32) -> Result<(), StoreError> {
        let mut rows = self.rows();
        rows.gone = rows.highest();
        let kept: Vec<JobId> = rows.jobs.keys().rev().take(keep as usize).cloned().collect();
        rows.jobs.retain(|id, job| !job.terminal() || kept.contains(id));
        Ok(())
    }
    async fn remove(&self, job: &JobId) -> Result<bool, StoreError> {
        let mut rows = self.rows();
        let ended = rows.jobs.get(job).is_some_and(Job::terminal);
        if ended {
            rows.gone = rows.highest();
            rows.jobs.remove(job);
        }
        Ok(ended)
    }
    async fn ask_cancel(&self, job: &JobId, _: Millis) -> Result<(), StoreError> {
        let mut rows = self.rows();
        if !rows.cancels.contains(job) {
            rows.cancels.push(job.clone());
        }
        Ok(())
    }
    async fn cancels(&self) -> Result<Vec<JobId>, StoreError> {
        Ok(self.rows().cancels.clone())
    }
}

impl Rows {
    fn highest(&self) -> (u64, u64) {
        let token = self.jobs.values().flat_map(|job| job.tasks.values()).map(|task| task.token.0).max().unwrap_or(0);
        let job = self.jobs.keys().filter_map(|id| id.0.strip_prefix("job-")?.parse().ok()).max().unwrap_or(0);
        (token.max(self.gone.0), job.max(self.gone.1))
    }
}

fn summary(job: &Job) -> Summary {
    let count = |state| job.tasks.values().filter(|task| task.state == state).count() as u64;
    let seconds = job.tasks.values().map(|task| task.seconds).sum();
    let (done, running) = (count(TaskState::Succeeded), count(TaskState::Running));
    Summary { job: job.bare(), tasks_total: job.tasks.len() as u64, tasks_done: done, seconds, running }
}

/// Artifacts in memory. Clones are handles on the same ones.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    kept: Arc<Mutex<BTreeMap<Digest, Vec<u8>>>>,
    /// Files that somebody wanted; gone with the last handle.
    files: Arc<Mutex<Vec<tempfile::NamedTempFile>>>,
}

impl MemoryBlobs {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<Digest, Vec<u8>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has(&self, digest: Digest) -> bool {
        self.kept().contains_key(&digest)
    }

    /// Puts other bytes in the place of an artifact's.
    pub fn damage(&self, digest: Digest, bytes: &[u8]) {
        self.kept().insert(digest, bytes.into());
    }
}

impl Blobs for MemoryBlobs {
    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, BlobError> {
        let digest = Digest::of(&bytes);
        self.kept().insert(digest, bytes);
        Ok(digest)
    }
    async fn adopt(&self, file: PathBuf, expected: Option<Digest>) -> Result<Digest, BlobError> {
        let bytes = std::fs::read(&file).map_err(|error| BlobError::of(&file, error))?;
        if let Some(expected) = expected.filter(|expected| *expected != Digest::of(&bytes)) {
            return Err(BlobError::Damaged(expected));
        }
        std::fs::remove_file(&file).map_err(|error| BlobError::of(&file, error))?;
        self.put(bytes).await
    }
    async fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let mut kept = self.kept();
        let bytes = kept.get(&digest).cloned().ok_or(BlobError::Missing(digest))?;
        if Digest::of(&bytes) != digest {
            kept.remove(&digest);
            return Err(BlobError::Damaged(digest));
        }
        Ok(bytes)
    }
    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        Ok(self.kept().get(&digest).map(|bytes| bytes.len() as u64))
    }
    async fn missing(&self, digests: BTreeSet<Digest>) -> Result<BTreeSet<Digest>, BlobError> {
        Ok(digests.into_iter().filter(|digest| !self.has(*digest)).collect())
    }
    async fn fetch(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        let bytes = self.get(digest).await?;
        let at = |error| BlobError::of(&std::env::temp_dir(), error);
        let mut file = tempfile::NamedTempFile::new().map_err(at)?;
        file.write_all(&bytes).map_err(at)?;
        let path = file.path().to_owned();
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        Ok(path)
    }
    async fn list(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        Ok(self.kept().iter().map(|(digest, bytes)| (*digest, bytes.len() as u64)).collect())
    }
    async fn remove(&self, digest: Digest) -> Result<(), BlobError> {
        self.kept().remove(&digest);
        Ok(())
    }
    async fn link(&self, _: Digest, _: Duration) -> Result<Option<String>, BlobError> {
        Ok(None)
    }
    async fn begin(&self, _: UploadName, _: u64, _: Duration) -> Result<Option<Upload>, BlobError> {
        Ok(None)
    }
    async fn finish(&self, upload: &Upload, _: &[String], _: Digest) -> Result<(), BlobError> {
        Err(BlobError::Refused { at: "memory".into(), what: format!("there is no upload {:?}", upload.name) })
    }
    async fn abort(&self, _: &Upload) -> Result<(), BlobError> {
        Ok(())
    }
    async fn sweep(&self, _: Millis) -> Result<u64, BlobError> {
        Ok(0)
    }
}

/// What watchers of all jobs read from the embedded bus, which passes the conformance suite of its port.
pub struct Log {
    bus: InProcess,
    /// Of the bus, for reading with a limit.
    runtime: tokio::runtime::Runtime,
    /// Times that the bus was told something.
    tellings: u64,
    read: BTreeMap<JobId, Cursor>,
    watchman: Watchman,
}

/// Events of a job that the bus keeps.
const EVENTS_MAX: usize = 10_000;

impl Default for Log {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (read, watchman) = (BTreeMap::new(), Watchman::default());
        Self { bus: Self::bus(), runtime, tellings: 0, read, watchman }
    }
}

impl Log {
    /// The bus of a farm.
    pub fn bus() -> InProcess {
        InProcess::new(EVENTS_MAX)
    }

    /// Hands events over, and looks at what watchers hear of them.
    pub fn publish(&mut self, epoch: Epoch, job: &JobId, events: Vec<Event>, store: &Rows) -> Vec<Broken> {
        self.tellings += 1;
        now_or_never(self.bus.publish(job, Stamp { epoch, number: self.tellings }, events));
        let from = self.read.entry(job.clone()).or_default();
        let page = {
            let _entered = self.runtime.enter();
            // Nothing: the bus has dropped it, and watchers go on waiting.
            let Some(page) = at_once(self.bus.read(job, *from)) else { return Vec::new() };
            page
        };
        *from = page.next;
        let mut wrong = Vec::new();
        for event in &page.events {
            wrong.extend(self.watchman.told(job, event));
            wrong.extend(told_too_soon(job, event, store));
        }
        wrong
    }

    /// The bus loses everything that it has.
    pub fn forget(&mut self) {
        (self.bus, self.read, self.watchman) = (Self::bus(), BTreeMap::new(), Watchman::default());
    }
}

/// Whatever is told has been saved.
fn told_too_soon(job: &JobId, event: &Event, store: &Rows) -> Option<Broken> {
    let empty = Tasks::default();
    let saved = store.jobs.get(job);
    let tasks = saved.map_or(&empty, |job| &job.tasks);
    let (promise, sound) = match event {
        Event::JobEnded { state, .. } => (Promise::Whole, saved.is_some_and(|job| job.state == *state && terminal(job.state))),
        Event::TaskSucceeded { task, outputs, .. } => {
            (Promise::Whole, tasks.get(task).is_some_and(|t| t.state == TaskState::Succeeded && t.outputs == *outputs))
        }
        Event::TaskProgress { task, progress } => {
            (Promise::Forward, tasks.get(task).is_some_and(|t| t.furthest >= progress.fraction))
        }
        _ => return None,
    };
    (!sound).then(|| Broken { promise, what: format!("{} was told {event:?} before it was saved", job.0) })
}

/// What a future gives, if it need not wait.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}

/// Runs a future that never waits.
pub fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    at_once(future).expect("a fake waited")
}
