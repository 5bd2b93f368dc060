//! The world of one seed: time, the network, who lives, what goes wrong.

use crate::{
    agent::Agent,
    fakes::{Log, MemoryBlobs, MemoryStore, Rows},
    leader::{Leader, Scheduler, TAKEOVER_MS, rules},
    work,
};
use klieg_protocol::{
    Beat, Beaten, Command, Digest, Incarnation, JobId, JobSpec, JobState, Offer, Plan, Progress, Report, TaskId, TaskState, Token,
};
use klieg_scheduler::{
    invariants::{Broken, Promise},
    round::Act,
    state::{Bug, Dice, Millis},
    store::StoreError,
};
use std::collections::BTreeMap;

/// How long things go wrong, and how long everything may take to end after that.
const CHAOS_MS: Millis = 40_000;
const QUIET_MS: Millis = 400_000;
/// The world's clock begins some time after the epoch, so that clocks can be an hour off.
const BEGIN_MS: Millis = 10_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    Scheduler(usize),
    Node(usize),
    Client(usize),
}

#[derive(Clone, Debug)]
pub enum Message {
    Submit { client: usize, spec: Box<JobSpec>, plan: Plan, project: String },
    Cancel(JobId),
    Join(Offer),
    Beat(Beat),
    Progress { id: TaskId, token: Token, progress: Progress },
    Report(Box<Report>),
    Accepted(JobId),
    Confirmed(Token),
    Answer(Incarnation, Beaten, u64),
    Command(Command),
}

enum Event {
    Wake(usize),
    Pulse(usize),
    Try(usize),
    Mishap,
    Deliver { from: Address, to: Address, message: Message },
}

struct Client {
    spec: JobSpec,
    plan: Plan,
    job: Option<JobId>,
    cancels_at: Millis,
}

/// How a seed came out.
pub struct Outcome {
    pub broken: Option<Broken>,
    /// Of everything that happened, in order.
    pub trace: Digest,
    pub succeeded: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub takeovers: i64,
}

struct World {
    now: Millis,
    sequence: u64,
    events: BTreeMap<(Millis, u64), Event>,
    dice: Dice,
    bug: Option<Bug>,
    chaos: bool,
    store: MemoryStore,
    log: Log,
    blobs: MemoryBlobs,
    schedulers: Vec<Scheduler>,
    agents: Vec<Agent>,
    clients: Vec<Client>,
    broken: Option<Broken>,
    trace: Vec<u8>,
    /// Every message is printed: `TRACE=1`.
    told: bool,
}

/// Plays one seed to its end, or to the first promise that is not kept.
pub fn play(seed: u64, bug: Option<Bug>) -> Outcome {
    let mut world = World::new(seed, bug);
    world.until(BEGIN_MS + CHAOS_MS);
    world.heal();
    world.until(BEGIN_MS + CHAOS_MS + QUIET_MS);
    if world.broken.is_none() {
        world.broken = world.verdict();
    }
    let count = |state| world.store.rows().jobs.values().filter(|job| job.state == state).count();
    let takeovers = world.store.rows().epoch;
    Outcome {
        trace: Digest::of(&world.trace),
        succeeded: count(JobState::Succeeded),
        failed: count(JobState::Failed),
        cancelled: count(JobState::Cancelled),
        takeovers,
        broken: world.broken.clone(),
    }
}

impl World {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut dice = Dice(seed);
        let agents = (0..3).map(|number| Agent::new(number, &mut dice)).collect();
        let client = |number: u64, dice: &mut Dice| {
            let (spec, plan) = work::job(&format!("j{number}"), dice);
            let cancels_at = if dice.below(4) == 0 { BEGIN_MS + dice.below(CHAOS_MS) } else { Millis::MAX };
            Client { spec, plan, job: None, cancels_at }
        };
        let clients = (0..4 + dice.below(5)).map(|number| client(number, &mut dice)).collect();
        let store = MemoryStore::default();
        store.rows().fences_nobody = bug == Some(Bug::TwoLeaders);
        let mut world = Self {
            now: BEGIN_MS,
            sequence: 0,
            events: BTreeMap::new(),
            dice,
            bug,
            chaos: true,
            store,
            log: Log::default(),
            blobs: MemoryBlobs::default(),
            schedulers: (0..3).map(|_| Scheduler::default()).collect(),
            agents,
            clients,
            broken: None,
            trace: Vec::new(),
            told: std::env::var_os("TRACE").is_some(),
        };
        (0..3).for_each(|n| world.after(n as Millis * 40, Event::Wake(n)));
        (0..3).for_each(|n| world.after(n as Millis * 70, Event::Pulse(n)));
        for n in 0..world.clients.len() {
            let wait = world.dice.below(CHAOS_MS / 2);
            world.after(wait, Event::Try(n));
        }
        world.after(500, Event::Mishap);
        world
    }

    fn after(&mut self, wait: Millis, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + wait, self.sequence), event);
    }

    fn until(&mut self, end: Millis) {
        while self.broken.is_none() && (self.chaos || !self.over()) {
            let Some(((at, sequence), event)) = self.events.pop_first() else { return };
            if at > end {
                self.events.insert((at, sequence), event);
                return;
            }
            self.now = at;
            self.note(&event);
            match event {
                Event::Wake(n) => self.wake(n),
                Event::Pulse(n) => self.pulse(n),
                Event::Try(n) => self.attempt(n),
                Event::Mishap => self.mishap(),
                Event::Deliver { from, to, message } => self.deliver(from, to, message),
            }
            let wrong = self.store.rows().wrong.pop();
            self.broken = self.broken.take().or(wrong);
        }
    }

    /// What happened, when, and what the dice had come to: two runs that agree on this agree on everything.
    fn note(&mut self, event: &Event) {
        let kind = match event {
            Event::Wake(n) => n * 8,
            Event::Pulse(n) => n * 8 + 1,
            Event::Try(n) => n * 8 + 2,
            Event::Mishap => 3,
            Event::Deliver { .. } => 4,
        };
        self.trace.extend(self.now.to_le_bytes());
        self.trace.extend((kind as u64).to_le_bytes());
        self.trace.extend(self.dice.0.to_le_bytes());
        if self.trace.len() > 1 << 16 {
            self.trace = Digest::of(&self.trace).0.to_vec();
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.chaos && self.dice.below(100) < percent
    }

    // ---- the network ----------------------------------------------------------------------------------------------------------

    fn send(&mut self, from: Address, to: Address, message: Message) {
        if self.told {
            eprintln!("{:>7} {from:?} → {to:?} {message:?}", self.now - BEGIN_MS);
        }
        let copies = if self.chance(3) { 0 } else { 1 + u64::from(self.chance(3)) };
        for _ in 0..copies {
            let late = if self.chance(3) { self.dice.below(4_000) } else { 0 };
            let wait = 1 + self.dice.below(20) + late;
            self.after(wait, Event::Deliver { from, to, message: message.clone() });
        }
    }

    fn cut(&self, at: Address) -> bool {
        matches!(at, Address::Node(n) if self.agents[n].cut_until > self.now)
    }

    fn deliver(&mut self, from: Address, to: Address, message: Message) {
        if self.cut(from) || self.cut(to) {
            return;
        }
        match to {
            Address::Scheduler(n) if !self.schedulers[n].dead => {
                let inbox = &mut self.schedulers[n].inbox;
                inbox.push((from, message));
            }
            Address::Node(n) => {
                let agent = &mut self.agents[n];
                if agent.dead || agent.gone {
                    return;
                }
                if agent.paused_until > self.now {
                    let wait = agent.paused_until - self.now;
                    return self.after(wait, Event::Deliver { from, to, message });
                }
                self.broken = self.broken.take().or(agent.hear(message, &mut self.dice, self.now, self.chaos));
            }
            Address::Client(n) => {
                if let Message::Accepted(job) = message {
                    self.clients[n].job = Some(job);
                }
            }
            Address::Scheduler(_) => {}
        }
    }

    /// Any scheduler that believes to lead may be asked.
    fn ask(&mut self, from: Address, message: Message) {
        let leaders: Vec<usize> = (0..3).filter(|n| self.schedulers[*n].leader.is_some() && !self.schedulers[*n].dead).collect();
        if !leaders.is_empty() {
            let to = leaders[self.dice.below(leaders.len() as u64) as usize];
            self.send(from, Address::Scheduler(to), message);
        }
    }

    // ---- clients and nodes ----------------------------------------------------------------------------------------------------

    fn attempt(&mut self, n: usize) {
        let client = &self.clients[n];
        let message = match &client.job {
            None => {
                let project = if n.is_multiple_of(2) { "large" } else { "small" }.into();
                Some(Message::Submit { client: n, spec: Box::new(client.spec.clone()), plan: client.plan.clone(), project })
            }
            Some(job) if client.cancels_at <= self.now => {
                let ended = self.store.rows().jobs.get(job).is_none_or(|job| job.terminal());
                (!ended).then(|| Message::Cancel(job.clone()))
            }
            Some(_) => None,
        };
        if let Some(message) = message {
            self.ask(Address::Client(n), message);
        }
        let wait = 1_000 + self.dice.below(1_000);
        self.after(wait, Event::Try(n));
    }

    fn pulse(&mut self, n: usize) {
        self.after(500, Event::Pulse(n));
        let agent = &mut self.agents[n];
        if agent.dead || agent.gone || agent.paused_until > self.now {
            return;
        }
        for message in agent.pulse(&mut self.dice, self.now, &self.blobs) {
            self.ask(Address::Node(n), message);
        }
    }

    // ---- schedulers -----------------------------------------------------------------------------------------------------------

    fn wake(&mut self, n: usize) {
        let wait = 100 + self.dice.below(200);
        self.after(wait, Event::Wake(n));
        let scheduler = &self.schedulers[n];
        if scheduler.dead || scheduler.paused_until > self.now {
            return;
        }
        if self.schedulers[n].leader.is_none() {
            let led_at = self.store.rows().led_at;
            if led_at == 0 || led_at + TAKEOVER_MS < self.now {
                self.lead(n);
            }
            return;
        }
        self.carry_out(n);
        let now = self.clock(n);
        let scheduler = &mut self.schedulers[n];
        let Some(leader) = &mut scheduler.leader else { return };
        if leader.acts.is_empty() {
            leader.round(std::mem::take(&mut scheduler.inbox), &self.store, &self.blobs, now);
            self.broken = self.broken.take().or(leader.wrong.pop());
            let epoch = leader.epoch.0;
            self.carry_out(n);
            self.renew(n, epoch);
        }
    }

    /// Shows that the leader lives; ends it if another leads.
    fn renew(&mut self, n: usize, epoch: i64) {
        let mut rows = self.store.rows();
        if rows.epoch == epoch {
            rows.led_at = self.now;
        } else if !rows.fences_nobody {
            drop(rows);
            self.schedulers[n].leader = None;
        }
    }

    fn clock(&self, n: usize) -> Millis {
        self.now.saturating_add_signed(self.schedulers[n].skew_ms)
    }

    fn lead(&mut self, n: usize) {
        let (seed, now) = (self.dice.roll(), self.clock(n));
        self.schedulers[n].inbox.clear();
        let leader = Leader::new(&self.store, rules(self.bug), seed, now);
        self.store.rows().led_at = self.now;
        self.schedulers[n].leader = leader.map(Box::new);
        if let Some(leader) = &mut self.schedulers[n].leader {
            self.broken = self.broken.take().or(leader.wrong.pop());
        }
        self.carry_out(n);
    }

    /// Does what is to be done, with a crash or a pause possible before and after each act.
    fn carry_out(&mut self, n: usize) {
        loop {
            if self.falls(n) {
                return;
            }
            let Some(leader) = &mut self.schedulers[n].leader else { return };
            let Some(act) = leader.acts.pop_front() else { return };
            if !self.act(n, act) || self.falls(n) {
                return;
            }
        }
    }

    fn falls(&mut self, n: usize) -> bool {
        if !self.chaos {
            return false;
        }
        match self.dice.below(3_000) {
            0..2 => self.crash(n),
            2..6 => self.schedulers[n].paused_until = self.now + 500 + self.dice.below(9_000),
            _ => return false,
        }
        true
    }

    fn crash(&mut self, n: usize) {
        let scheduler = &mut self.schedulers[n];
        (scheduler.dead, scheduler.leader) = (true, None);
        scheduler.inbox.clear();
    }

    /// False when the leader cannot go on now.
    fn act(&mut self, n: usize, act: Act) -> bool {
        let from = Address::Scheduler(n);
        let Some(leader) = &mut self.schedulers[n].leader else { return false };
        let (epoch, number) = (leader.epoch, leader.committed + 1);
        match act {
            Act::Commit(batch) => {
                // Whether it was done is not known.
                let unknown = self.chaos && self.dice.below(300) == 0;
                let written = !unknown || self.dice.below(2) == 0;
                let done = if written { self.store.rows().write(epoch, number, &batch) } else { Ok(()) };
                match done {
                    // It asks again under the same number.
                    _ if unknown && self.dice.below(2) == 0 => {
                        if let Some(leader) = &mut self.schedulers[n].leader {
                            leader.acts.push_front(Act::Commit(batch));
                        }
                    }
                    // Or memory is thrown away, and the store tells.
                    _ if unknown => self.schedulers[n].leader = None,
                    Ok(()) => {
                        if let Some(leader) = &mut self.schedulers[n].leader {
                            leader.committed = number;
                        }
                        return true;
                    }
                    Err(StoreError::Full(_)) => {
                        if let Some(leader) = &mut self.schedulers[n].leader {
                            leader.acts.push_front(Act::Commit(batch));
                        }
                        // It lives, and waits for space.
                        self.renew(n, epoch.0);
                    }
                    Err(StoreError::Fenced) => self.schedulers[n].leader = None,
                    Err(other) => {
                        let what = format!("a commit failed: {other}");
                        self.broken = Some(Broken { promise: Promise::Accounted, what });
                    }
                }
                false
            }
            Act::Begin(job, events) | Act::Publish(job, events) => {
                let wrong = self.log.publish(epoch, &job, events, &self.store.rows());
                self.broken = self.broken.take().or(wrong.into_iter().next());
                true
            }
            Act::Reply => {
                for (to, message) in std::mem::take(&mut leader.replies) {
                    self.check_ack(&message);
                    self.send(from, to, message);
                }
                true
            }
            Act::Send(node, command) => self.reach_node(from, &node.0, Message::Command(command)),
            Act::Answer(node, life, answer, session) => self.reach_node(from, &node.0, Message::Answer(life, answer, session)),
            Act::Refused(..) | Act::TurnedAway(..) => true,
        }
    }

    fn reach_node(&mut self, from: Address, node: &str, message: Message) -> bool {
        if let Some(number) = self.agents.iter().position(|agent| agent.offer.node.0 == node) {
            self.send(from, Address::Node(number), message);
        }
        true
    }

    /// What is answered with yes has been saved.
    fn check_ack(&mut self, message: &Message) {
        if let Message::Accepted(job) = message
            && !self.store.rows().jobs.contains_key(job)
        {
            let what = format!("{} was accepted and is not saved", job.0);
            self.broken = self.broken.take().or(Some(Broken { promise: Promise::Accepted, what }));
        }
    }

    // ---- what goes wrong ------------------------------------------------------------------------------------------------------

    fn mishap(&mut self) {
        if !self.chaos {
            return;
        }
        let wait = 200 + self.dice.below(1_500);
        self.after(wait, Event::Mishap);
        for scheduler in &mut self.schedulers {
            scheduler.dead &= self.dice.below(3) > 0;
        }
        for agent in &mut self.agents {
            agent.dead &= self.dice.below(3) > 0;
        }
        let (n, m) = (self.dice.below(3) as usize, self.dice.below(3) as usize);
        let until = self.now + 500 + self.dice.below(12_000);
        match self.dice.below(12) {
            0 => self.crash(n),
            1 => self.schedulers[n].paused_until = until,
            2 => self.schedulers[n].skew_ms = [3_600_000, -3_600_000, 0][m],
            3 => {
                self.agents[n].die(&mut self.dice, self.now);
                self.agents[n].dead = true;
            }
            4 => self.agents[n].paused_until = until,
            5 => self.agents[n].cut_until = until + self.dice.below(20_000),
            6 => self.agents[n].sticky = Some(u32::from(m == 0)),
            7 => self.agents[n].xid = Some((u32::from(m == 0), until)),
            8 => self.store.rows().full = true,
            9..11 => self.store.rows().full = false,
            _ => self.log.forget(),
        }
    }

    /// No fault from here on; but one node may never come back.
    fn heal(&mut self) {
        self.chaos = false;
        self.store.rows().full = false;
        for scheduler in &mut self.schedulers {
            (scheduler.dead, scheduler.paused_until) = (false, 0);
        }
        for agent in &mut self.agents {
            (agent.dead, agent.paused_until, agent.cut_until, agent.sticky, agent.xid) = (false, 0, 0, None, None);
        }
        if self.dice.below(3) == 0 {
            let gone = 1 + self.dice.below(2) as usize;
            self.agents[gone].gone = true;
            self.agents[gone].running.clear();
            self.agents[gone].outbox.clear();
        }
    }

    /// Everything has come to its end.
    fn over(&self) -> bool {
        let rows = self.store.rows();
        let ended = |job: &JobId| rows.jobs.get(job).is_some_and(|job| job.terminal());
        let agents = self.agents.iter().all(|agent| agent.running.is_empty() && agent.outbox.is_empty());
        let leader = self.schedulers.iter().filter_map(|s| s.leader.as_ref()).find(|leader| leader.epoch.0 == rows.epoch);
        self.clients.iter().all(|client| client.job.as_ref().is_some_and(ended))
            && agents
            && leader.is_some_and(|leader| leader.acts.is_empty() && leader.leftovers().is_empty())
    }

    /// What is wrong at the end.
    fn verdict(&self) -> Option<Broken> {
        let over = self.over();
        let rows = self.store.rows();
        let broken = |promise, what| Some(Broken { promise, what });
        for client in &self.clients {
            let Some(id) = &client.job else { return broken(Promise::Quiet, format!("{} was never accepted", client.spec.label)) };
            let Some(job) = rows.jobs.get(id) else { return broken(Promise::Accepted, format!("{} is lost", id.0)) };
            if !job.terminal() {
                let left: Vec<String> = job.tasks.values().map(|task| format!("{} {:?}", task.spec.name, task.state)).collect();
                return broken(Promise::Quiet, format!("{} never ends: {left:?}", id.0));
            }
        }
        if !over {
            let leaders = self.schedulers.iter().filter_map(|s| s.leader.as_ref());
            let mut left: Vec<String> = leaders.flat_map(|leader| leader.leftovers()).collect();
            left.extend(self.agents.iter().filter(|a| !a.running.is_empty()).map(|a| format!("{} runs", a.offer.node.0)));
            left.extend(self.agents.iter().filter(|a| !a.outbox.is_empty()).map(|a| format!("{} reports", a.offer.node.0)));
            return broken(Promise::NoOrphans, format!("{left:?}"));
        }
        wrong_outputs(&rows, &self.blobs)
    }
}

/// What succeeded has given what its tasks alone say, whole.
fn wrong_outputs(rows: &Rows, blobs: &MemoryBlobs) -> Option<Broken> {
    for job in rows.jobs.values().filter(|job| job.state == JobState::Succeeded) {
        for task in job.tasks.values() {
            let wanted = work::output(&job.spec.label, &task.spec.name);
            let what = || format!("{} {} is {:?} with {:?}", job.id.0, task.spec.name, task.state, task.outputs);
            if task.state != TaskState::Succeeded || task.outputs.get("o") != Some(&wanted) {
                return Some(Broken { promise: Promise::SameDigest, what: what() });
            }
            if !blobs.has(wanted) {
                return Some(Broken { promise: Promise::Whole, what: what() });
            }
        }
    }
    None
}
