//! The active scheduler: takes messages, steps the state, commits, and only then acts. The only place here with a clock.

use crate::{
    admit::{self, Refusal},
    backlog::backlog,
    blobs::Blobs,
    bus::{Bus, Stamp},
    farm::{FarmError, FarmOptions, Terms},
    identity, invariants,
    lock::Lock,
    ports::{AnyBlobs, AnyBus, AnyStore},
    round::{self, Act},
    state::{Dice, Job, Millis, Share, State},
    step::{self, Effect, Happened, NewJob},
    store::{Batch, Cached, Epoch, Store, StoreError},
    sweep,
    takeover::Keeper,
    tally::Tally,
    traces::Traces,
};
use klieg_protocol::{
    Beat, Beaten, Command, Digest, Event, Incarnation, JobId, JobSpec, NodeId, Offer, Outcome, Plan, Progress, Report, TaskId,
    TaskResult, Token,
    wire::{Backlog, Heard},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{BuildHasher, Hasher},
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{broadcast, mpsc, oneshot};

/// How often requests to cancel from other processes are looked for.
const CANCEL_POLL: Duration = Duration::from_millis(300);
/// How long to wait before a commit that found the disk full, or the store away, is tried again.
const COMMIT_PAUSE: Duration = Duration::from_millis(500);
/// When a new leader looks for what uploads have left, and how often after that.
const TIDY_FIRST: Duration = Duration::from_secs(30);
const TIDY_PAUSE: Duration = Duration::from_secs(3_600);
/// An upload that takes longer has been given up.
const UPLOAD_MAX: Duration = Duration::from_secs(1_800);
/// Most messages taken into one commit.
const ROUND_MAX: usize = 512;
/// After a takeover jobs go on by and by: in one round until they have so many tasks together, or one job's.
const RESUMED_TASKS_A_ROUND: usize = 10_000;

/// What handles ask of the service. Replies come when what they say is durable.
pub(crate) enum Message {
    Submit {
        spec: Box<JobSpec>,
        plan: Plan,
        build: String,
        terms: Terms,
        reply: oneshot::Sender<Result<JobId, Refusal>>,
    },
    Resume {
        job: JobId,
        reply: oneshot::Sender<bool>,
    },
    Cancel {
        job: JobId,
        reply: oneshot::Sender<()>,
    },
    /// Makes sure that the bus has the log of a job. `false`: there is no such job.
    Describe {
        job: JobId,
        reply: oneshot::Sender<bool>,
    },
    Join {
        offer: Offer,
        reply: oneshot::Sender<Result<mpsc::Receiver<Command>, FarmError>>,
    },
    Leave {
        node: NodeId,
        incarnation: Incarnation,
        reply: oneshot::Sender<()>,
    },
    Beat {
        beat: Beat,
        reply: oneshot::Sender<Heard>,
    },
    /// An operator wants a node to get no more attempts, or to get them again.
    Drain {
        node: NodeId,
        drained: bool,
        reply: oneshot::Sender<()>,
    },
    Share {
        project: String,
        share: Share,
        reply: oneshot::Sender<()>,
    },
    Limit {
        name: String,
        most: u32,
        reply: oneshot::Sender<()>,
    },
    Progress {
        id: TaskId,
        token: Token,
        progress: Progress,
    },
    /// `false`: refused.
    Report {
        report: Report,
        /// Of all its outputs, which are there.
        bytes: u64,
        reply: oneshot::Sender<bool>,
    },
    Sweep {
        bytes_max: u64,
        reply: oneshot::Sender<Result<u64, FarmError>>,
    },
    Backlog(oneshot::Sender<Backlog>),
    /// Higher first, from now on. `false`: the job has ended, or there is none.
    Priority {
        job: JobId,
        priority: i32,
        reply: oneshot::Sender<bool>,
    },
    /// Looks at the state. What it gives back answers, when what was seen is durable.
    Look(Look),
    /// Looks for requests to cancel.
    Poll,
    Close(oneshot::Sender<()>),
}

/// A look at the state, and then the answer.
pub(crate) type Look = Box<dyn FnOnce(&State, Millis) -> Box<dyn FnOnce() + Send> + Send>;

/// What a service is made of.
pub(crate) struct Parts {
    pub store: Arc<AnyStore>,
    pub epoch: Epoch,
    /// Batches committed under it.
    pub committed: u64,
    pub blobs: Arc<AnyBlobs>,
    pub bus: Arc<AnyBus>,
    pub state: State,
    /// Told of jobs that have ended, once that is durable.
    pub endings: broadcast::Sender<JobId>,
    pub tally: Arc<Tally>,
    /// Why it ended, if by itself.
    pub fate: Arc<OnceLock<String>>,
    /// The number of the next job.
    pub next_job: u64,
    #[expect(dead_code, reason = "held as long as the service runs")]
    pub lock: Lock,
    /// Keeps the lead until the service does that itself.
    pub keeper: Option<Keeper>,
}

/// Milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the scheduler's one clock")]
pub(crate) fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// The beginning of something that is timed.
#[expect(clippy::disallowed_methods, reason = "the scheduler's one stopwatch")]
fn begin() -> Instant {
    Instant::now()
}

/// A number that nobody can foretell: the standard library keys its hashers with one.
fn seed() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

struct Service {
    parts: Parts,
    options: FarmOptions,
    nodes: BTreeMap<NodeId, mpsc::Sender<Command>>,
    next_job: u64,
    /// Unfinished jobs by what they compute.
    live: BTreeMap<Digest, JobId>,
    /// Jobs that an earlier process left and nobody has asked for yet; some of them may have been by now.
    parked: BTreeSet<JobId>,
    /// Those of them that go on by themselves, the most urgent first.
    to_resume: VecDeque<JobId>,
    dice: Dice,
    /// Times that the bus was told something.
    tellings: u64,
    /// Batches committed when the lead was last kept.
    beaten_at: u64,
    traces: Traces,
}

/// What one commit carries, and what follows it.
#[derive(Default)]
struct Round {
    effects: Vec<Effect>,
    batch: Batch,
    replies: Vec<Box<dyn FnOnce() + Send>>,
    /// Logs to begin: of jobs that the bus does not know, with what the store tells; of new jobs, with what this round tells.
    stories: BTreeMap<JobId, Vec<Event>>,
    /// Of the outputs of this round's results.
    bytes: BTreeMap<BTreeMap<String, Digest>, u64>,
    closing: bool,
}

impl Round {
    fn reply<T: Send + 'static>(&mut self, reply: oneshot::Sender<T>, answer: T) {
        // Whoever asked may have gone.
        self.replies.push(Box::new(move || drop(reply.send(answer))));
    }
}

/// Runs until closed, or until the store cannot be written any more. However it ends, nobody goes on waiting for events.
pub(crate) async fn run(parts: Parts, options: FarmOptions, inbox: mpsc::Receiver<Message>) {
    let bus = Arc::clone(&parts.bus);
    let tidying = tokio::spawn(tidy(Arc::clone(&parts.blobs)));
    if let Err(error) = tokio::spawn(serve(parts, options, inbox)).await {
        tracing::error!(%error, "the scheduler died");
    }
    tidying.abort();
    bus.close().await;
}

/// Throws away what uploads have left that nobody goes on with: soon those that an earlier leader began, then the old ones.
async fn tidy(blobs: Arc<AnyBlobs>) {
    let (mut before, mut pause) = (now(), TIDY_FIRST);
    loop {
        tokio::time::sleep(pause).await;
        match blobs.sweep(before).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "threw unfinished uploads away"),
            Err(error) => tracing::warn!(%error, "failed to throw unfinished uploads away"),
        }
        pause = TIDY_PAUSE;
        before = now() + u64::try_from((pause - UPLOAD_MAX).as_millis()).unwrap_or(0);
    }
}

async fn serve(parts: Parts, options: FarmOptions, mut inbox: mpsc::Receiver<Message>) {
    let mut service = Service::new(parts, options);
    // What was to be cancelled while no scheduler was active is cancelled before anybody can resume it.
    if let Err(error) = service.round(vec![Message::Poll]).await {
        return service.give_up(&error);
    }
    service.parts.keeper = None;
    let mut poll = tokio::time::interval(CANCEL_POLL);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut messages = service.some_to_resume();
        if messages.is_empty() {
            let first = tokio::select! {
                message = inbox.recv() => message,
                _ = poll.tick() => Some(Message::Poll),
            };
            let Some(first) = first else { return };
            messages.push(first);
        }
        messages.extend(std::iter::from_fn(|| inbox.try_recv().ok()).take(ROUND_MAX));
        match service.round(messages).await {
            Ok(false) => {}
            Ok(true) => return service.resign().await,
            Err(error) => return service.give_up(&error),
        }
    }
}

impl Service {
    fn new(parts: Parts, options: FarmOptions) -> Self {
        let live = parts.state.jobs.values().map(|job| (job.identity, job.id.clone())).collect();
        let parked = parts.state.jobs.values().filter(|job| job.parked).map(|job| job.id.clone()).collect();
        let (nodes, dice, next_job) = (BTreeMap::new(), Dice(seed()), parts.next_job);
        let mut to_resume: Vec<&Job> = parts.state.jobs.values().filter(|job| options.resume_all && job.parked).collect();
        to_resume.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.submitted_at));
        let to_resume = to_resume.into_iter().map(|job| job.id.clone()).collect();
        Self {
            parts,
            options,
            nodes,
            next_job,
            live,
            parked,
            to_resume,
            dice,
            tellings: 0,
            beaten_at: 0,
            traces: Traces::default(),
        }
    }

    /// The next jobs that go on by themselves, so many tasks of them that nobody else waits long for an answer. Empty when all do.
    fn some_to_resume(&mut self) -> Vec<Message> {
        let (mut messages, mut tasks) = (Vec::new(), 0);
        while tasks < RESUMED_TASKS_A_ROUND
            && let Some(job) = self.to_resume.pop_front()
        {
            tasks += self.parts.state.jobs.get(&job).map_or(0, |job| job.tasks.len());
            messages.push(Message::Resume { job, reply: oneshot::channel().0 });
        }
        if !messages.is_empty() {
            // Such a round may write nothing, by which the lead would be kept.
            messages.push(Message::Poll);
        }
        messages
    }

    /// Forgets jobs that have ended.
    fn forget(&mut self, touched: Vec<JobId>) {
        for id in touched {
            if self.parts.state.jobs.get(&id).is_some_and(|job| job.terminal())
                && let Some(job) = self.parts.state.jobs.remove(&id)
            {
                self.parked.remove(&id);
                if self.live.get(&job.identity) == Some(&id) {
                    self.live.remove(&job.identity);
                }
                // Nobody may be listening.
                let _ = self.parts.endings.send(id);
            }
        }
    }

    fn step(&mut self, happened: Happened, round: &mut Round) {
        round.effects.extend(step::step(&mut self.parts.state, happened, now(), &mut self.dice));
    }

    async fn round(&mut self, messages: Vec<Message>) -> Result<bool, StoreError> {
        let mut round = Round::default();
        for message in messages {
            self.take(message, &mut round).await?;
        }
        self.look_up(&mut round).await?;
        if !round.closing {
            self.step(Happened::Tick, &mut round);
        }
        for what in invariants::touched(&self.parts.state, &round.effects) {
            self.parts.tally.broken();
            tracing::error!(%what, "an invariant of the farm is broken");
        }
        let closing = round.closing;
        let saved = round.effects.iter().filter_map(|e| if let Effect::SaveJob(id) = e { Some(id.clone()) } else { None });
        let saved: Vec<JobId> = saved.collect();
        self.carry_out(round).await?;
        self.forget(saved);
        Ok(closing)
    }

    async fn take(&mut self, message: Message, round: &mut Round) -> Result<(), StoreError> {
        match message {
            Message::Submit { spec, plan, build, terms, reply } => self.submit(*spec, plan, build, terms, reply, round),
            Message::Resume { job, reply } => {
                let found = self.parts.state.jobs.contains_key(&job);
                self.resume(job, round);
                round.reply(reply, found);
            }
            Message::Cancel { job, reply } => {
                self.step(Happened::CancelAsked(job), round);
                round.reply(reply, ());
            }
            Message::Describe { job, reply } => self.describe(job, reply, round).await?,
            Message::Join { offer, reply } => {
                let before = round.effects.len();
                self.step(Happened::NodeJoined(offer.clone()), round);
                let refusal = round.effects[before..].iter().find_map(|effect| match effect {
                    Effect::TurnedAway { node, reason } => {
                        Some(FarmError::TurnedAway { node: node.0.clone(), reason: reason.clone() })
                    }
                    _ => None,
                });
                let answer = match refusal {
                    Some(refusal) => Err(refusal),
                    None => {
                        let (commands, node) = mpsc::channel(1024);
                        self.nodes.insert(offer.node.clone(), commands);
                        round.batch.nodes_joined.push(offer);
                        Ok(node)
                    }
                };
                round.reply(reply, answer);
            }
            Message::Leave { node, incarnation, reply } => {
                self.step(Happened::NodeLeft(node.clone(), incarnation), round);
                if !self.parts.state.nodes.contains_key(&node) {
                    self.nodes.remove(&node);
                }
                round.reply(reply, ());
            }
            Message::Beat { beat, reply } => {
                let before = round.effects.len();
                self.step(Happened::Beat(beat), round);
                let answer = round.effects[before..].iter().find_map(|effect| match effect {
                    Effect::Answer { answer, session, .. } => Some((*answer, *session)),
                    _ => None,
                });
                let (answer, session) = answer.unwrap_or((Beaten::Unknown, 0));
                let rules = &self.parts.state.rules;
                round.reply(reply, Heard { answer, session, lease_ms: rules.lease_ms, grace_ms: rules.grace_ms });
            }
            Message::Drain { node, drained, reply } => {
                self.step(Happened::Drain(node, drained), round);
                round.reply(reply, ());
            }
            Message::Share { project, share, reply } => {
                self.step(Happened::ShareSet(project, share), round);
                round.reply(reply, ());
            }
            Message::Limit { name, most, reply } => {
                self.step(Happened::LimitSet(name, most), round);
                round.reply(reply, ());
            }
            Message::Progress { id, token, progress } => self.step(Happened::Progressed { id, token, progress }, round),
            Message::Report { report, bytes, reply } => {
                if let Outcome::Succeeded(result) = &report.outcome {
                    round.bytes.insert(result.outputs.clone(), bytes);
                }
                let before = round.effects.len();
                self.step(Happened::Reported(report), round);
                let refused = round.effects[before..].iter().any(|effect| matches!(effect, Effect::Refused { .. }));
                round.reply(reply, !refused);
            }
            Message::Sweep { bytes_max, reply } => {
                let swept = sweep::sweep(&*self.parts.store, &*self.parts.blobs, &self.parts.state, bytes_max).await;
                round.reply(reply, swept);
            }
            Message::Poll => {
                self.keep_lead().await?;
                for job in self.parts.store.cancels().await? {
                    self.step(Happened::CancelAsked(job.clone()), round);
                    round.batch.cancels_done.push(job);
                }
            }
            Message::Backlog(reply) => round.reply(reply, backlog(&self.parts.state)),
            Message::Priority { job, priority, reply } => {
                let open = self.parts.state.jobs.get(&job).is_some_and(|job| !job.terminal());
                self.step(Happened::Prioritised(job, priority), round);
                round.reply(reply, open);
            }
            Message::Look(look) => round.replies.push(look(&self.parts.state, now())),
            Message::Close(reply) => {
                round.closing = true;
                round.reply(reply, ());
            }
        }
        Ok(())
    }

    fn submit(
        &mut self,
        spec: JobSpec,
        plan: Plan,
        build: String,
        terms: Terms,
        reply: oneshot::Sender<Result<JobId, Refusal>>,
        round: &mut Round,
    ) {
        let identity = identity::of_job(&build, &spec, &plan);
        let jobs = &self.parts.state.jobs;
        let same = self.live.get(&identity).filter(|id| jobs.get(*id).is_some_and(|job| !job.terminal())).cloned();
        let parked = self.parked.iter().filter_map(|id| jobs.get(id)).filter(|job| job.parked && !job.terminal());
        let stale = parked.filter(|job| job.identity != identity && job.spec == spec).map(|job| job.id.clone());
        let stale: Vec<JobId> = stale.collect();
        let price = self.options.price_per_slot_hour;
        if same.is_none()
            && let Err(refusal) = admit::admit(&self.parts.state, &terms.project, &plan, price)
        {
            return round.reply(reply, Err(refusal));
        }
        for job in stale {
            // Another build's plan of the same: its results stay in the cache, but nobody will ask for it again.
            self.step(Happened::Superseded(job), round);
        }
        let id = match same {
            Some(id) => {
                self.resume(id.clone(), round);
                id
            }
            None => {
                let id = JobId(format!("job-{:06}", self.next_job));
                self.next_job += 1;
                self.live.insert(identity, id.clone());
                let Terms { project, owner, priority, trace } = terms;
                if let Some(trace) = trace {
                    self.traces.begin(id.clone(), trace);
                }
                let job = NewJob { id: id.clone(), identity, build, spec, plan, project, owner, priority, price };
                self.step(Happened::Submitted(Box::new(job)), round);
                round.stories.insert(id.clone(), Vec::new());
                id
            }
        };
        round.reply(reply, Ok(id));
    }

    async fn resign(&self) {
        if let Err(error) = self.parts.store.resign(self.parts.epoch).await {
            tracing::warn!(%error, "failed to give the lead up");
        }
    }

    /// Beats, unless a commit has just done so. Nobody else can lead an embedded store.
    async fn keep_lead(&mut self) -> Result<(), StoreError> {
        if !self.parts.store.shared() || std::mem::replace(&mut self.beaten_at, self.parts.committed) != self.parts.committed {
            return Ok(());
        }
        match self.parts.store.beat(self.parts.epoch).await {
            // A store that is away for a moment has no leader for others either.
            Err(error) if error.retryable() => {
                tracing::warn!(%error, "failed to keep the lead");
                Ok(())
            }
            done => done,
        }
    }

    fn resume(&mut self, job: JobId, round: &mut Round) {
        if self.parked.remove(&job) {
            round.stories.insert(job.clone(), Vec::new());
        }
        self.step(Happened::Resumed(job), round);
    }

    async fn describe(&mut self, job: JobId, reply: oneshot::Sender<bool>, round: &mut Round) -> Result<(), StoreError> {
        if self.parts.bus.knows(&job).await {
            round.reply(reply, true);
            return Ok(());
        }
        let found = self.parts.store.job(&job).await?;
        round.reply(reply, found.is_some());
        round.stories.extend(found.map(|found| (job, step::story(&found))));
        Ok(())
    }

    /// Answers all questions to the result cache, those that the answers raise too.
    async fn look_up(&mut self, round: &mut Round) -> Result<(), StoreError> {
        loop {
            let (questions, rest): (Vec<Effect>, _) =
                std::mem::take(&mut round.effects).into_iter().partition(|effect| matches!(effect, Effect::LookUp { .. }));
            round.effects = rest;
            if questions.is_empty() {
                return Ok(());
            }
            let questions: Vec<(TaskId, Digest)> = questions
                .into_iter()
                .filter_map(|effect| match effect {
                    Effect::LookUp { id, identity } => Some((id, identity)),
                    _ => None,
                })
                .collect();
            let identities: Vec<Digest> = questions.iter().map(|(_, identity)| *identity).collect();
            let known = self.parts.store.results(&identities).await?;
            let named: BTreeSet<Digest> = known.values().flat_map(|cached| sweep::held_by(&cached.result)).collect();
            // Computing it anew is better than waiting for artifacts that cannot be reached.
            let gone = self.parts.blobs.missing(named.clone()).await.unwrap_or(named);
            let (asked, mut hits) = (questions.len() as u64, 0);
            for (id, identity) in questions {
                let whole = |cached: &&Cached| sweep::held_by(&cached.result).all(|digest| !gone.contains(&digest));
                let hit = known.get(&identity).filter(whole).map(|cached| cached.result.clone());
                hits += u64::from(hit.is_some());
                self.step(Happened::CacheAnswered { id, identity, hit }, round);
            }
            self.parts.tally.looked_up(hits, asked - hits);
        }
    }

    /// Saves what the round wants saved, then does what follows from it.
    async fn carry_out(&mut self, mut round: Round) -> Result<(), StoreError> {
        let bytes = |result: &TaskResult| round.bytes.get(&result.outputs).copied().unwrap_or(0);
        self.parts.tally.take(&self.parts.state, &round.effects);
        self.parts.tally.pass(&self.parts.state, now());
        self.traces.take(&self.parts.state, &round.effects, now());
        round::gather(&self.parts.state, &round.effects, now(), &bytes, &mut round.batch);
        let acts = round::order(round.batch, round.effects, round.stories, &self.parts.state.rules);
        let mut replies = round.replies;
        for act in acts {
            match act {
                Act::Commit(batch) => self.commit(&batch).await?,
                Act::Begin(job, story) => {
                    let stamp = self.stamp();
                    self.parts.bus.begin(&job, stamp, story).await;
                }
                Act::Publish(job, events) => {
                    let (stamp, begun) = (self.stamp(), begin());
                    self.parts.bus.publish(&job, stamp, events).await;
                    self.parts.tally.publish.note(begun.elapsed());
                }
                Act::Reply => replies.drain(..).for_each(|reply| reply()),
                Act::Send(node, mut command) => {
                    if let Command::Run(dispatch) = &mut command {
                        dispatch.trace = self.traces.of(&dispatch.id);
                    }
                    // A node that misses a command says so with its next heartbeat.
                    let sent = self.nodes.get(&node).map(|commands| commands.try_send(command));
                    if !matches!(sent, Some(Ok(()))) {
                        tracing::warn!(node = node.0, "a node does not take its commands");
                    }
                }
                Act::Refused(id, token) => tracing::info!(task = id.task, token = token.0, "refused a fenced attempt"),
                // One of that name that has been there before keeps its place.
                Act::TurnedAway(node, reason) => tracing::warn!(node = node.0, reason, "turned a node away"),
                // Went out with the replies.
                Act::Answer(..) => {}
            }
        }
        Ok(())
    }

    fn stamp(&mut self) -> Stamp {
        self.tellings += 1;
        Stamp { epoch: self.parts.epoch, number: self.tellings }
    }

    async fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let number = self.parts.committed + 1;
        let mut waited = Duration::ZERO;
        // The same number again asks for the same batch again: it is written once, even if an answer was lost.
        loop {
            let begun = begin();
            match self.parts.store.commit(self.parts.epoch, number, batch).await {
                Err(error) if error.retryable() && waited < self.options.patience => {
                    tracing::warn!(%error, "failed to commit; trying again");
                    tokio::time::sleep(COMMIT_PAUSE).await;
                    waited += COMMIT_PAUSE;
                }
                done => {
                    self.parts.committed += u64::from(done.is_ok());
                    self.parts.tally.commit.note(begun.elapsed());
                    return done;
                }
            }
        }
    }

    /// The store cannot be written: says why and ends. What was committed stays good, and no job has ended by it: watchers hear no
    /// more, and ask the farm's handle.
    fn give_up(&mut self, error: &StoreError) {
        tracing::error!(%error, "the scheduler gives up");
        let _ = self.parts.fate.set(format!("failed to {error}; finished work is kept: run the same again to go on"));
    }
}
