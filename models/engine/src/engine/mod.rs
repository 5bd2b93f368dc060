//! The state machine: what is asked for, what runs, and what is done next.

mod admit;
mod form;

use crate::{
    blocks::{Copy, Pool},
    queue::Ring,
    residency::{Move, PartId, Residency},
    words::{Batch, Flow, Like, Memory, ModelId, ModelSpec, Outcome, Refused, Request, RequestId, Rules},
};
use std::collections::{BTreeMap, BTreeSet};

/// Batch bounds that were learned from a device that ran out of memory; past it they are learned anew.
const LEARNED_MAX: usize = 4096;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Nobody wants it any more.
    Cancel(RequestId),
    /// It shall make room, and begin anew when there is some.
    Preempt(RequestId),
    /// The batch that runs has ended: an outcome for each of its entries.
    Ran(Vec<Outcome>),
    /// The device had too little memory for the batch: none of its steps was done.
    OutOfMemory,
    /// A part could not be loaded for the batch, nor any behind it: none of its steps was done.
    NotLoaded { part: PartId, what: String },
    /// Time has passed.
    Tick,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Cancelled,
    Failed(String),
}

/// Something to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Move(Move),
    /// Makes a model's pool of blocks.
    OpenPool(ModelId),
    /// Gives it back.
    ClosePool(ModelId),
    /// Runs steps, and tells how they ended. Nothing else runs until then.
    Run(Batch),
    /// Forgets a request's state, and begins anew with it at its first step.
    Reset(RequestId),
    Progress {
        request: RequestId,
        done: u64,
        of: u64,
    },
    /// Comes once for each request that was taken.
    Ended {
        request: RequestId,
        end: End,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub spec: ModelSpec,
    pub pool: Option<Pool>,
}

/// A request that waits or runs.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub request: Request,
    /// Whether it has a state on the device.
    pub begun: bool,
    pub stage: usize,
    pub step: u32,
    /// Steps done, and the most that were told of.
    pub done: u64,
    pub told: u64,
    /// Ends so, or begins anew, when the batch that it is in has ended.
    pub ending: Option<End>,
    pub resetting: bool,
    /// Its sequence has room for the next step already.
    pub appended: bool,
    /// Blocks to copy before that step.
    pub copies: Vec<Copy>,
    /// It ran out of memory alone, with everything else gone from the device.
    pub cornered: bool,
}

/// What runs.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub batch: Batch,
    pub working_bytes: u64,
    pub loads: Vec<PartId>,
}

/// Decides what a device does. The same events give the same effects.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) rules: Rules,
    pub(crate) models: BTreeMap<ModelId, Model>,
    pub(crate) live: BTreeMap<RequestId, Live>,
    pub(crate) flows: BTreeMap<Flow, BTreeSet<RequestId>>,
    pub(crate) ring: Ring,
    pub(crate) residency: Residency,
    pub(crate) running: Option<Running>,
    /// For whom room is kept: nobody else begins.
    pub(crate) waiting: Option<RequestId>,
    /// When each flow last began a request, counted.
    pub(crate) began: BTreeMap<Flow, u64>,
    pub(crate) begins: u64,
    /// Requests that fit together, where fewer do than were thought.
    pub(crate) learned: BTreeMap<(ModelId, usize, Like), usize>,
    /// Everything else leaves the device before the next batch.
    pub(crate) clearing: bool,
}

impl Engine {
    pub fn new(rules: Rules) -> Self {
        let (ring, residency) = (Ring::new(rules.quantum, rules.debt_max), Residency::new(rules.host_bytes));
        Self {
            rules,
            models: BTreeMap::new(),
            live: BTreeMap::new(),
            flows: BTreeMap::new(),
            ring,
            residency,
            running: None,
            waiting: None,
            began: BTreeMap::new(),
            begins: 0,
            learned: BTreeMap::new(),
            clearing: false,
        }
    }

    /// Makes a model known. Nothing of it is loaded before a step needs it.
    pub fn add(&mut self, id: ModelId, spec: ModelSpec) -> Result<(), Refused> {
        let bad = |what: &str| Err(Refused::BadModel { model: id, what: what.into() });
        if self.models.contains_key(&id) {
            return bad("there is one of its number");
        }
        if spec.phases.iter().any(|phase| phase.cost == 0 || phase.batch_max == 0) {
            return bad("a phase costs nothing or runs nobody");
        }
        if spec.phases.iter().flat_map(|phase| &phase.parts).any(|part| *part >= spec.parts.len()) {
            return bad("a phase runs a part that isn't there");
        }
        if spec.pool.is_some_and(|pool| pool.block_tokens == 0 || pool.blocks == 0) {
            return bad("its pool is empty");
        }
        for (part, bytes) in spec.parts.iter().enumerate() {
            self.residency.add(PartId { model: id, part }, *bytes);
        }
        let pool = spec.pool.map(Pool::new);
        self.models.insert(id, Model { spec, pool });
        Ok(())
    }

    /// Takes a request, or says why not; what is to be done now.
    pub fn submit(&mut self, request: Request, now_ms: u64) -> Result<Vec<Effect>, Refused> {
        self.check(&request)?;
        let (id, flow) = (request.id, request.flow.clone());
        let live = Live {
            request,
            begun: false,
            stage: 0,
            step: 0,
            done: 0,
            told: 0,
            ending: None,
            resetting: false,
            appended: false,
            copies: Vec::new(),
            cornered: false,
        };
        self.live.insert(id, live);
        self.flows.entry(flow.clone()).or_default().insert(id);
        self.ring.join(&flow);
        Ok(self.next(now_ms))
    }

    /// Takes in what happened; what is to be done now.
    pub fn step(&mut self, event: Event, now_ms: u64) -> Vec<Effect> {
        let mut effects = match event {
            Event::Cancel(id) => self.cancel(id),
            Event::Preempt(id) => self.preempt(id),
            Event::Ran(outcomes) => self.ran(outcomes),
            Event::OutOfMemory => self.out_of_memory(),
            Event::NotLoaded { part, what } => self.not_loaded(part, &what),
            Event::Tick => self.tick(now_ms),
        };
        effects.extend(self.next(now_ms));
        effects
    }

    /// Whether nothing runs and nobody waits.
    pub fn is_idle(&self) -> bool {
        self.live.is_empty() && self.running.is_none()
    }

    /// What is reserved now.
    pub fn memory(&self) -> Memory {
        Memory {
            parts_bytes: self.residency.here_bytes(),
            states_bytes: self.states_bytes(),
            working_bytes: self.running.as_ref().map_or(0, |running| running.working_bytes),
            parked_bytes: self.residency.parked_bytes(),
        }
    }

    fn in_batch(&self, id: RequestId) -> bool {
        self.running.as_ref().is_some_and(|running| running.batch.entries.iter().any(|entry| entry.request == id))
    }

    fn cancel(&mut self, id: RequestId) -> Vec<Effect> {
        let in_batch = self.in_batch(id);
        match self.live.get_mut(&id) {
            None => Vec::new(),
            Some(live) if in_batch => {
                live.ending = Some(End::Cancelled);
                Vec::new()
            }
            Some(_) => self.end(id, End::Cancelled),
        }
    }

    fn preempt(&mut self, id: RequestId) -> Vec<Effect> {
        let in_batch = self.in_batch(id);
        match self.live.get_mut(&id).filter(|live| live.begun) {
            None => Vec::new(),
            Some(live) if in_batch => {
                live.resetting = true;
                Vec::new()
            }
            Some(_) => self.reset(id),
        }
    }

    fn ran(&mut self, outcomes: Vec<Outcome>) -> Vec<Effect> {
        let Some(running) = self.running.take() else { return Vec::new() };
        let mut effects = Vec::new();
        let missing = || Outcome::Failed("its step was not told of".into());
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(missing));
        for (entry, outcome) in running.batch.entries.iter().zip(outcomes) {
            effects.extend(self.stepped(entry.request, outcome));
        }
        effects
    }

    /// A request's step has ended.
    fn stepped(&mut self, id: RequestId, outcome: Outcome) -> Vec<Effect> {
        let Some(live) = self.live.get_mut(&id) else { return Vec::new() };
        if let Some(end) = live.ending.take() {
            return self.end(id, end);
        }
        let steps = live.request.stages[live.stage].steps;
        match outcome {
            Outcome::Failed(what) => return self.end(id, End::Failed(what)),
            Outcome::Done => (live.step, live.done) = (live.step + 1, live.done + 1),
            // Steps that are left out count as done.
            Outcome::Last => (live.done, live.step) = (live.done + u64::from(steps - live.step), steps),
        }
        (live.appended, live.cornered) = (false, false);
        live.copies.clear();
        while live.stage < live.request.stages.len() && live.step >= live.request.stages[live.stage].steps {
            (live.stage, live.step) = (live.stage + 1, 0);
        }
        let of: u64 = live.request.stages.iter().map(|stage| u64::from(stage.steps)).sum();
        let mut effects = Vec::new();
        // What begins anew is told of again when it is further than it was.
        if live.done > live.told {
            live.told = live.done;
            effects.push(Effect::Progress { request: id, done: live.done, of });
        }
        if live.stage == live.request.stages.len() {
            effects.extend(self.end(id, End::Done));
        } else if std::mem::take(&mut live.resetting) {
            effects.extend(self.reset(id));
        }
        effects
    }

    /// Fewer fit together than was thought; alone, everything else leaves first; alone on the device, it is too large.
    fn out_of_memory(&mut self) -> Vec<Effect> {
        let Some(running) = self.running.take() else { return Vec::new() };
        let Batch { model, phase, like, entries } = running.batch;
        let mut effects = Vec::new();
        for entry in &entries {
            if let Some(end) = self.live.get_mut(&entry.request).and_then(|live| live.ending.take()) {
                effects.extend(self.end(entry.request, end));
            }
        }
        let fewer = entries.len() / 2;
        if fewer > 0 {
            if self.learned.len() >= LEARNED_MAX {
                self.learned.clear();
            }
            self.learned.insert((model, phase, like), fewer);
            return effects;
        }
        let Some(live) = entries.first().and_then(|entry| self.live.get_mut(&entry.request)) else { return effects };
        if std::mem::replace(&mut live.cornered, true) {
            let id = live.request.id;
            effects.extend(self.end(id, End::Failed("the device has too little memory for it, with nothing else there".into())));
        } else {
            self.clearing = true;
        }
        effects
    }

    fn not_loaded(&mut self, part: PartId, what: &str) -> Vec<Effect> {
        let Some(running) = self.running.take() else { return Vec::new() };
        // What is no part of it came before all of them: the pool.
        let from = running.loads.iter().position(|load| *load == part).unwrap_or(0);
        running.loads[from..].iter().for_each(|load| self.residency.lost(*load));
        let mut effects = Vec::new();
        for entry in &running.batch.entries {
            let ending = self.live.get_mut(&entry.request).and_then(|live| live.ending.take());
            effects.extend(self.end(entry.request, ending.unwrap_or_else(|| End::Failed(what.to_owned()))));
        }
        effects
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Effect> {
        let Some(since) = now_ms.checked_sub(self.rules.idle_ms).filter(|_| self.rules.idle_ms > 0) else { return Vec::new() };
        let keep = self.running.as_ref().map(|running| self.parts_of(&running.batch)).unwrap_or_default();
        self.residency.trim(since, &keep).into_iter().map(Effect::Move).collect()
    }

    /// Takes a request away, with all that it has.
    fn end(&mut self, id: RequestId, end: End) -> Vec<Effect> {
        let mut effects = self.give_back(id);
        if let Some(live) = self.live.remove(&id) {
            let flow = live.request.flow;
            if let Some(all) = self.flows.get_mut(&flow) {
                all.remove(&id);
                if all.is_empty() {
                    self.flows.remove(&flow);
                    self.began.remove(&flow);
                    self.ring.leave(&flow);
                }
            }
            effects.push(Effect::Ended { request: id, end });
        }
        self.waiting = self.waiting.filter(|waiting| *waiting != id);
        effects
    }

    /// A request waits again, from its first step.
    fn reset(&mut self, id: RequestId) -> Vec<Effect> {
        let effects = self.give_back(id);
        if let Some(live) = self.live.get_mut(&id) {
            (live.stage, live.step, live.done, live.appended, live.resetting) = (0, 0, 0, false, false);
            live.copies.clear();
        }
        std::iter::once(Effect::Reset(id)).chain(effects).collect()
    }

    /// Frees a request's state and blocks.
    fn give_back(&mut self, id: RequestId) -> Vec<Effect> {
        let Some(live) = self.live.get_mut(&id).filter(|live| live.begun) else { return Vec::new() };
        live.begun = false;
        let model = live.request.model;
        let Some(pool) = self.models.get_mut(&model).and_then(|model| model.pool.as_mut()) else { return Vec::new() };
        let was = pool.is_used();
        pool.end(id);
        if was && !pool.is_used() { vec![Effect::ClosePool(model)] } else { Vec::new() }
    }
}
