//! One scheduler process: stands by, leads, is paused, dies. It carries out what the real service carries out, in the same order.

use crate::{
    agent::Agent,
    fakes::{MemoryBlobs, MemoryStore, now_or_never},
    world::{Address, Message},
};
use klieg_protocol::{Digest, Fault, JobId, Outcome, Report, TaskFailure, TaskId};
use klieg_scheduler::{
    identity,
    invariants::{Broken, Promise, Watchman},
    recover::{Left, restore, stand},
    round::{self, Act},
    state::{Dice, Millis, Rules, Share, State},
    step::{Effect, Happened, NewJob, step},
    store::{Batch, Epoch, Store, lead_now},
};
use std::collections::{BTreeMap, VecDeque};

/// How long a leader may be silent before a standby takes over.
pub const TAKEOVER_MS: Millis = 3_000;

#[derive(Default)]
pub struct Scheduler {
    pub dead: bool,
    pub paused_until: Millis,
    /// What its clock is off by.
    pub skew_ms: i64,
    pub inbox: Vec<(Address, Message)>,
    pub leader: Option<Box<Leader>>,
}

pub struct Leader {
    pub epoch: Epoch,
    /// Batches that it has committed.
    pub committed: u64,
    pub state: State,
    dice: Dice,
    watchman: Watchman,
    next_job: u64,
    /// What is still to be done of the last round.
    pub acts: VecDeque<Act>,
    pub replies: Vec<(Address, Message)>,
    pub wrong: Vec<Broken>,
}

impl Leader {
    /// Takes the lead and loads what is unfinished.
    pub fn new(store: &MemoryStore, rules: Rules, seed: u64, now: Millis) -> Option<Self> {
        let epoch = now_or_never(lead_now(store, "a scheduler")).ok()?;
        let (token, job) = now_or_never(store.highest()).ok()?;
        let mut state = State::new(rules);
        (state.next_token, state.leader) = (token + 1, u64::try_from(epoch.0).unwrap_or(0));
        let (mut dice, mut batch) = (Dice(seed), Batch::default());
        let share = |weight| Share { weight, slots_max: Some(10), ..Share::default() };
        let mut effects = Vec::new();
        stand(&mut state, now_or_never(store.standing()).ok()?);
        if state.limits.is_empty() {
            for happened in [
                Happened::LimitSet("licence".into(), 2),
                Happened::ShareSet("large".into(), share(3.0)),
                Happened::ShareSet("small".into(), share(1.0)),
            ] {
                effects.extend(step(&mut state, happened, now, &mut dice));
            }
        }
        for job in now_or_never(store.unfinished()).ok()? {
            restore(&mut state, job, &|_| true, Left { running: true }, now, &mut batch);
        }
        let jobs: Vec<JobId> = state.jobs.keys().cloned().collect();
        let mut leader = Self {
            epoch,
            committed: 0,
            state,
            dice,
            watchman: Watchman::default(),
            next_job: job + 1,
            acts: VecDeque::new(),
            replies: Vec::new(),
            wrong: Vec::new(),
        };
        for job in jobs {
            leader.step(Happened::Resumed(job), now, &mut effects);
        }
        leader.close(effects, batch, store, now);
        Some(leader)
    }

    fn step(&mut self, happened: Happened, now: Millis, effects: &mut Vec<Effect>) {
        let fresh = step(&mut self.state, happened, now, &mut self.dice);
        self.wrong.extend(self.watchman.saw(&self.state, &fresh));
        effects.extend(fresh);
    }

    /// One round: everything that has come, then a tick.
    pub fn round(&mut self, inbox: Vec<(Address, Message)>, store: &MemoryStore, blobs: &MemoryBlobs, now: Millis) {
        let (mut effects, mut batch) = (Vec::new(), Batch::default());
        for (from, message) in inbox {
            self.take(from, message, store, blobs, now, &mut effects, &mut batch);
        }
        self.look_up(store, now, &mut effects);
        self.step(Happened::Tick, now, &mut effects);
        self.close(effects, batch, store, now);
    }

    fn close(&mut self, mut effects: Vec<Effect>, mut batch: Batch, store: &MemoryStore, now: Millis) {
        self.look_up(store, now, &mut effects);
        round::gather(&self.state, &effects, now, &|_| 1, &mut batch);
        self.acts.extend(round::order(batch, effects, BTreeMap::new(), &self.state.rules));
        self.state.jobs.retain(|_, job| !job.terminal());
    }

    #[expect(clippy::too_many_arguments, reason = "one message in the middle of a round")]
    fn take(
        &mut self,
        from: Address,
        message: Message,
        store: &MemoryStore,
        blobs: &MemoryBlobs,
        now: Millis,
        effects: &mut Vec<Effect>,
        batch: &mut Batch,
    ) {
        match message {
            Message::Submit { client, spec, plan, project } => {
                let identity = identity::of_job("b", &spec, &plan);
                let known = store.rows().jobs.values().find(|job| job.identity == identity).map(|job| job.id.clone());
                let live = self.state.jobs.values().find(|job| job.identity == identity).map(|job| job.id.clone());
                let job = known.or(live).unwrap_or_else(|| {
                    let id = JobId(format!("job-{:06}", self.next_job));
                    self.next_job += 1;
                    let priority = i32::from(client % 5 == 0);
                    let new = NewJob {
                        id: id.clone(),
                        identity,
                        build: "b".into(),
                        spec: *spec,
                        plan,
                        project,
                        owner: String::new(),
                        priority,
                        price: 1.0,
                    };
                    self.step(Happened::Submitted(Box::new(new)), now, effects);
                    id
                });
                self.replies.push((from, Message::Accepted(job)));
            }
            Message::Cancel(job) => self.step(Happened::CancelAsked(job), now, effects),
            Message::Join(offer) => {
                batch.nodes_joined.push(offer.clone());
                self.step(Happened::NodeJoined(offer), now, effects);
            }
            Message::Beat(beat) => self.step(Happened::Beat(beat), now, effects),
            Message::Progress { id, token, progress } => self.step(Happened::Progressed { id, token, progress }, now, effects),
            Message::Report(report) => self.report(from, *report, blobs, now, effects),
            Message::Accepted(_) | Message::Confirmed(_) | Message::Answer(..) | Message::Command(_) => {}
        }
    }

    fn report(&mut self, from: Address, mut report: Report, blobs: &MemoryBlobs, now: Millis, effects: &mut Vec<Effect>) {
        if let Outcome::Succeeded(result) = &report.outcome
            && !round::named(result).all(|digest| blobs.has(*digest))
        {
            let message = "its result names an artifact that it did not store".into();
            report.outcome = Outcome::Failed(TaskFailure { fault: Fault::Task, message });
        }
        let (token, id) = (report.token, report.id.clone());
        let current = self.state.task(&id).is_some_and(|task| task.token == token && task.run.is_some());
        let before = effects.len();
        self.step(Happened::Reported(report), now, effects);
        let refused = effects[before..].iter().any(|effect| matches!(effect, Effect::Refused { .. }));
        if !current && !refused {
            let what = format!("a report of {} under token {} was taken", id.task, token.0);
            self.wrong.push(Broken { promise: Promise::Fenced, what });
        }
        self.replies.push((from, Message::Confirmed(token)));
    }

    fn look_up(&mut self, store: &MemoryStore, now: Millis, effects: &mut Vec<Effect>) {
        loop {
            let (questions, rest): (Vec<Effect>, _) =
                std::mem::take(effects).into_iter().partition(|effect| matches!(effect, Effect::LookUp { .. }));
            *effects = rest;
            let questions: Vec<(TaskId, Digest)> = questions
                .into_iter()
                .filter_map(|effect| if let Effect::LookUp { id, identity } = effect { Some((id, identity)) } else { None })
                .collect();
            if questions.is_empty() {
                return;
            }
            for (id, identity) in questions {
                let hit = store.rows().results.get(&identity).map(|cached| cached.result.clone());
                self.step(Happened::CacheAnswered { id, identity, hit }, now, effects);
            }
        }
    }

    /// What is left over when everything has ended.
    pub fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        let held: usize = self.state.nodes.values().map(|node| node.held.len()).sum();
        let used: u32 = self.state.limits.values().map(|limit| limit.used).sum();
        for (what, count) in [
            ("unfinished tasks", self.state.open_tasks),
            ("jobs", self.state.jobs.len() as u64),
            ("held slots", held as u64),
            ("used limits", u64::from(used)),
            ("waits", self.state.naps.len() as u64),
            ("jobs in line", self.state.line.len() as u64),
        ] {
            if count > 0 {
                left.push(format!("{count} {what} are left"));
            }
        }
        left
    }
}

/// The rules of the simulated farm: everything happens sooner.
pub fn rules(bug: Option<klieg_scheduler::state::Bug>) -> Rules {
    Rules {
        refuse_unplaceable: false,
        fail_unplaceable: false,
        attempts_max: 4,
        lease_ms: Agent::LEASE_MS,
        grace_ms: Agent::GRACE_MS,
        dispatch_grace_ms: 2_000,
        retry_base_ms: 200,
        retry_cap_ms: 2_000,
        probe_base_ms: 1_000,
        probe_cap_ms: 8_000,
        bug,
        ..Rules::default()
    }
}
