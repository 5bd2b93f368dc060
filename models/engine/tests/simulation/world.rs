//! A random device with random work, and what must hold after every event.

use crate::device::{Device, Input, advance};
use fastrand::Rng;
use klieg_engine::{
    Batch, Effect, End, Engine, Event, Flow, Like, ModelId, ModelSpec, Outcome, PhaseSpec, PoolSpec, Request, RequestId, Rules,
    Sequence, Stage, Tokens, invariants, queue::Ring, residency::Move,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// What nobody has ended after so many batches has starved.
const BATCHES_MAX: u64 = 200_000;

pub struct World {
    dice: Rng,
    engine: Engine,
    pub device: Device,
    rules: Rules,
    requests: BTreeMap<RequestId, Request>,
    /// What each computes alone.
    alone: BTreeMap<RequestId, u64>,
    pub ends: BTreeMap<RequestId, End>,
    progress: BTreeMap<RequestId, u64>,
    pub refused: u64,
    /// Of others' steps that they led while a flow could have run.
    waited: BTreeMap<Flow, u64>,
    running: Option<Batch>,
    /// Whether the parts of the batch came.
    lost: Option<klieg_engine::residency::PartId>,
    now_ms: u64,
    quiet: bool,
    flows: u64,
    pub trace: String,
}

impl World {
    /// A whole run.
    pub fn run(seed: u64) -> Self {
        let mut world = Self::new(seed);
        let mut left = 5 + world.dice.u64(..60);
        for batch in 0.. {
            assert!(batch < BATCHES_MAX, "seed {seed}: {:?} have starved", world.engine.memory());
            while left > 0 && (world.running.is_none() || world.dice.u8(..3) == 0) {
                left -= 1;
                world.submit();
            }
            if world.running.is_none() && left == 0 {
                break;
            }
            world.disturb();
            world.finish();
        }
        world.closing(seed);
        world
    }

    fn new(seed: u64) -> Self {
        let mut dice = Rng::with_seed(seed);
        let device_bytes = 40 + dice.u64(..200);
        let rules = Rules {
            device_bytes,
            host_bytes: dice.u64(..150),
            quantum: 1 + dice.u64(..30),
            debt_max: dice.u64(..40),
            requests_max: 30,
            idle_ms: if dice.bool() { 1 + dice.u64(..50) } else { 0 },
        };
        let mut engine = Engine::new(rules.clone());
        let mut device = Device::default();
        for id in 0..1 + dice.u32(..4) {
            let spec = model(&mut dice, device_bytes);
            engine.add(ModelId(id), spec.clone()).expect("a model");
            device.specs.insert(ModelId(id), spec);
        }
        let flows = 1 + dice.u64(..5);
        let quiet = dice.u8(..3) == 0;
        Self {
            dice,
            engine,
            device,
            rules,
            requests: BTreeMap::new(),
            alone: BTreeMap::new(),
            ends: BTreeMap::new(),
            progress: BTreeMap::new(),
            refused: 0,
            waited: BTreeMap::new(),
            running: None,
            lost: None,
            now_ms: 0,
            quiet,
            flows,
            trace: String::new(),
        }
    }

    fn submit(&mut self) {
        let id = RequestId(self.requests.len() as u64 + self.refused + 1);
        let model = ModelId(self.dice.u32(..self.device.specs.len() as u32));
        let spec = self.device.specs[&model].clone();
        let (request, input) = request(&mut self.dice, id, model, &spec, self.flows);
        self.now_ms += self.dice.u64(..5);
        self.device.inputs.insert(id, input.clone());
        self.device.state_bytes.insert(id, request.state_bytes);
        match self.engine.submit(request.clone(), self.now_ms) {
            Ok(effects) => {
                self.alone.insert(id, alone(&request, &input));
                self.requests.insert(id, request);
                self.perform(effects);
            }
            Err(refused) => {
                self.refused += 1;
                let _ = writeln!(self.trace, "{id:?} {refused}");
                self.device.free(id);
            }
        }
    }

    /// Somebody changes their mind, or time passes.
    fn disturb(&mut self) {
        let live: Vec<RequestId> = self.requests.keys().copied().filter(|id| !self.ends.contains_key(id)).collect();
        if live.is_empty() {
            return;
        }
        let id = live[self.dice.usize(..live.len())];
        let event = match self.dice.u8(..30) {
            0 if !self.quiet => Event::Cancel(id),
            1 if !self.quiet => Event::Preempt(id),
            2 | 3 => Event::Tick,
            _ => return,
        };
        self.now_ms += self.dice.u64(..40);
        let effects = self.engine.step(event, self.now_ms);
        self.perform(effects);
    }

    /// The batch that runs ends, one way or another.
    fn finish(&mut self) {
        let Some(batch) = self.running.take() else { return };
        self.now_ms += 1 + self.dice.u64(..20);
        let spec = self.device.specs[&batch.model].phases[batch.phase].clone();
        let event = if let Some(part) = self.lost.take() {
            Event::NotLoaded { part, what: "its file is gone".into() }
        } else if !self.quiet && self.dice.u8(..40) == 0 {
            Event::OutOfMemory
        } else {
            let working = spec.working_bytes + spec.working_bytes_each * batch.entries.len() as u64;
            let over = self.device.run(&batch);
            assert!(self.device.used() + working <= self.rules.device_bytes, "the device's own books are over");
            let outcomes = over.into_iter().map(|over| match over {
                true => Outcome::Last,
                false if !self.quiet && self.dice.u8(..200) == 0 => Outcome::Failed("it broke".into()),
                false => Outcome::Done,
            });
            Event::Ran(outcomes.collect())
        };
        let effects = self.engine.step(event, self.now_ms);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let _ = writeln!(self.trace, "{} {effect:?}", self.now_ms);
            if let (Effect::Move(Move::Load(part)), Some(_)) = (&effect, self.lost) {
                // Behind what did not come nothing comes.
                self.device.lose(*part);
                continue;
            }
            if let (Effect::Move(Move::Load(part)), false, 0) = (&effect, self.quiet, self.dice.u16(..300)) {
                self.device.lose(*part);
                self.lost = Some(*part);
                continue;
            }
            self.device.perform(&effect);
            assert!(self.device.used() <= self.rules.device_bytes, "{effect:?} goes over the device");
            assert!(self.device.parked_bytes() <= self.rules.host_bytes, "{effect:?} goes over the host");
            match effect {
                Effect::Run(batch) => self.begin(batch),
                Effect::Progress { request, done, of } => {
                    let before = self.progress.insert(request, done).unwrap_or(0);
                    assert!(before < done && done <= of, "progress goes from {before} to {done} of {of}");
                    assert!(!self.ends.contains_key(&request), "progress after the end");
                }
                Effect::Ended { request, end } => self.end(request, end),
                _ => {}
            }
        }
        self.look();
    }

    /// A batch begins: who could have run waits for its leader.
    fn begin(&mut self, batch: Batch) {
        assert!(self.running.is_none(), "two batches run");
        let flow = |entry: &klieg_engine::Entry| self.requests.get(&entry.request).map(|request| request.flow.clone());
        let stepped: BTreeSet<Flow> = batch.entries.iter().filter_map(flow).collect();
        let cost = self.device.specs[&batch.model].phases[batch.phase].cost;
        for flow in self.requests.values().map(|request| request.flow.clone()).collect::<BTreeSet<_>>() {
            let waits = !stepped.contains(&flow) && self.engine.may_run(&flow);
            let waited = self.waited.entry(flow).or_insert(0);
            *waited = if waits { *waited + cost } else { 0 };
        }
        let cost_max = self.device.specs.values().flat_map(|spec| &spec.phases).map(|phase| phase.cost).max().unwrap_or(1);
        let bound = Ring::new(self.rules.quantum, self.rules.debt_max).wait_max(self.flows, cost_max);
        let starving = self.waited.iter().find(|(_, waited)| **waited > bound);
        assert!(starving.is_none(), "{starving:?} waits longer than {bound}");
        self.running = Some(batch);
    }

    fn end(&mut self, id: RequestId, end: End) {
        if end == End::Done {
            assert_eq!(self.device.value(id), Some(self.alone[&id]), "{id:?} is not what it would be alone");
        }
        self.device.free(id);
        assert!(self.ends.insert(id, end).is_none(), "{id:?} ends twice");
    }

    /// What holds after every event.
    fn look(&self) {
        let broken = invariants::broken(&self.engine);
        assert!(broken.is_empty(), "{broken:?}\n{}", self.trace);
        let memory = self.engine.memory();
        if self.lost.is_none() {
            let parts: u64 = self.device.here.iter().map(|part| self.device.specs[&part.model].parts[part.part]).sum();
            assert_eq!(memory.parts_bytes, parts, "the engine counts other parts than the device has");
            assert_eq!(memory.parked_bytes, self.device.parked_bytes());
        }
        for id in self.ends.keys() {
            assert!(!self.device.has_state(*id), "{id:?} has ended and has a state");
        }
    }

    fn closing(&self, seed: u64) {
        assert!(self.engine.is_idle(), "seed {seed}: somebody is left");
        assert_eq!(self.ends.len(), self.requests.len(), "seed {seed}: everybody ends once");
        let memory = self.engine.memory();
        assert_eq!((memory.states_bytes, memory.working_bytes), (0, 0), "seed {seed}: nothing is left of them");
        assert!(self.device.pools.is_empty());
        if self.quiet {
            assert!(self.ends.values().all(|end| *end == End::Done), "seed {seed}: nobody fails when nothing goes wrong");
        }
    }
}

/// A model that a request may be too large for, but whose parts fit.
fn model(dice: &mut Rng, device: u64) -> ModelSpec {
    let parts: Vec<u64> = (0..1 + dice.usize(..4)).map(|_| 1 + dice.u64(..device / 4)).collect();
    let text = dice.u8(..3) == 0;
    let mut phases: Vec<PhaseSpec> = (0..1 + dice.usize(..3))
        .map(|_| PhaseSpec {
            parts: (0..parts.len()).filter(|_| dice.bool()).collect(),
            working_bytes: dice.u64(..device / 8),
            working_bytes_each: dice.u64(..device / 8),
            batch_max: 1 + dice.usize(..8),
            cost: 1 + dice.u64(..20),
            tokens: Tokens::None,
        })
        .collect();
    let pool = text.then(|| PoolSpec { blocks: 4 + dice.u32(..12), block_bytes: 1, block_tokens: 1 + dice.u32(..5) });
    if text {
        let phase = PhaseSpec { working_bytes: 0, working_bytes_each: 1, ..phases[0].clone() };
        phases = vec![PhaseSpec { tokens: Tokens::Prompt, ..phase.clone() }, PhaseSpec { tokens: Tokens::One, ..phase }];
    }
    ModelSpec { parts, phases, pool }
}

fn request(dice: &mut Rng, id: RequestId, model: ModelId, spec: &ModelSpec, flows: u64) -> (Request, Input) {
    let mut input = Input { seed: dice.u64(..), prompt: Vec::new(), tokens: 0 };
    let mut sequence = None;
    let stages = match spec.pool {
        None => (0..spec.phases.len()).map(|phase| Stage { phase, steps: 1 + dice.u32(..6) }).collect(),
        Some(pool) => {
            // Prompts often begin alike.
            let length = 1 + dice.u32(..pool.block_tokens * 4);
            let begin = dice.u64(..2);
            input.prompt = (0..u64::from(length)).map(|i| if i > 6 { dice.u64(..) } else { begin * 100 + i }).collect();
            input.tokens = 1 + dice.u32(..12);
            let ends = (1..=length / pool.block_tokens).map(|block| (block * pool.block_tokens) as usize);
            let prefix = ends
                .map(|end| input.prompt[..end].iter().fold(1, |digest, token| advance(digest, 7, 1) ^ advance(*token, 3, 2)))
                .collect();
            sequence = Some(Sequence { prompt_tokens: length, new_tokens_max: input.tokens + dice.u32(..3), prefix });
            vec![Stage { phase: 0, steps: 1 }, Stage { phase: 1, steps: input.tokens + 2 }]
        }
    };
    let adapters = if spec.parts.len() > 1 && dice.u8(..4) == 0 { vec![(dice.usize(..spec.parts.len()), 800)] } else { Vec::new() };
    let like = Like { shape: vec![dice.u32(..2)], dtype: "f16".into(), adapters };
    let flow = Flow(format!("project {}", dice.u64(..flows)));
    let (state_bytes, preview_every) = (dice.u64(..20), dice.u32(..4));
    (Request { id, flow, model, like, stages, state_bytes, sequence, preview_every }, input)
}

/// What a request computes when nobody else is there.
fn alone(request: &Request, input: &Input) -> u64 {
    let mut value = input.seed;
    for stage in &request.stages {
        let steps = if request.sequence.is_some() && stage.phase == 1 { input.tokens } else { stage.steps };
        value = (0..steps).fold(value, |value, step| advance(value, stage.phase, step));
    }
    value
}
