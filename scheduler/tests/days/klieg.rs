//! klieg itself: the production state machine and planner, told what happens by the same machinery.

use crate::{
    day::Day,
    play::{Farm, Policy},
};
use klieg_protocol::{
    Ask, Beat, Charge, DeviceBeat, DeviceOffer, Digest, Dispatch, Event, Incarnation, Input, JobId, JobSpec, NodeId, Offer,
    Outcome, Plan, Report, Source, TaskResult, TaskSpec,
};
use klieg_scheduler::{
    state::{Dice, Millis, Rules, Share, State},
    step::{Effect, Happened, NewJob, step},
};
use std::collections::{BTreeMap, VecDeque};

/// When the day begins: any time after the epoch.
const BEGIN_MS: Millis = 1_000_000;

pub struct Klieg {
    state: State,
    dice: Dice,
    running: BTreeMap<usize, Dispatch>,
    /// What each device was last said to have warm.
    warm: Vec<VecDeque<usize>>,
    lives: Vec<u64>,
}

fn node(device: usize) -> NodeId {
    NodeId(format!("node-{device:02}"))
}

fn job_id(job: usize) -> JobId {
    JobId(format!("job-{job:06}"))
}

impl Klieg {
    pub fn new(day: &Day, seed: u64) -> Self {
        // Leases are the simulation's matter: here nodes say when they go. What fits none of those present waits for the others.
        let rules = Rules { lease_ms: Millis::MAX / 4, fail_unplaceable: false, ..Rules::default() };
        let devices = day.devices.len();
        let (warm, lives) = (vec![VecDeque::new(); devices], vec![0; devices]);
        let mut klieg = Self { state: State::new(rules), dice: Dice(seed), running: BTreeMap::new(), warm, lives };
        for (project, weight) in day.weights.iter().enumerate() {
            klieg.step(Happened::ShareSet(project.to_string(), Share { weight: *weight, ..Share::default() }), 0);
        }
        (0..devices).for_each(|device| klieg.joined(day, device, 0));
        klieg
    }

    /// Steps, and answers for the result cache that it has nothing.
    fn step(&mut self, happened: Happened, now: Millis) -> Vec<Effect> {
        let (mut effects, mut questions) = (Vec::new(), VecDeque::from([happened]));
        while let Some(happened) = questions.pop_front() {
            for effect in step(&mut self.state, happened, BEGIN_MS + now, &mut self.dice) {
                match effect {
                    Effect::LookUp { id, identity } => questions.push_back(Happened::CacheAnswered { id, identity, hit: None }),
                    Effect::Tell { job, event: Event::JobEnded { .. } } => drop(self.state.jobs.remove(&job)),
                    other => effects.push(other),
                }
            }
        }
        effects
    }

    fn beat(&mut self, device: usize, now: Millis) {
        let id = node(device);
        let Some(known) = self.state.nodes.get(&id) else { return };
        let (session, incarnation) = (known.session, known.offer.incarnation);
        let here = self.running.values().filter(|dispatch| known.held.contains_key(&dispatch.token));
        let attempts = here.map(Charge::of).collect();
        let warm = self.warm[device].iter().map(|model| format!("model-{model}")).collect();
        let devices = vec![DeviceBeat { fault: None, warm }];
        self.step(
            Happened::Beat(Beat { node: id, incarnation, draining: false, devices, session, attempts, telemetry: None }),
            now,
        );
    }
}

fn spec(day: &Day, number: usize, rank: usize) -> TaskSpec {
    let (task, need) = (&day.tasks[number], day.need(number));
    let output = |before: &usize| Input { from: Source::Output { task: before.to_string(), name: "o".into() } };
    let ask = Ask {
        memory_bytes: need.memory,
        seconds: task.estimate,
        class: need.class,
        slots: need.slots,
        models: need.model.iter().map(|model| format!("model-{model}")).collect(),
        ..Ask::default()
    };
    TaskSpec {
        name: number.to_string(),
        step: "s".into(),
        params: number.into(),
        inputs: task.after.iter().map(|before| (before.to_string(), output(before))).collect(),
        ask,
        rank: u32::try_from(rank).unwrap_or(u32::MAX),
        label: String::new(),
    }
}

impl Policy for Klieg {
    fn name(&self) -> &'static str {
        "klieg"
    }

    fn comes(&mut self, day: &Day, number: usize, now: Millis) {
        let job = &day.jobs[number];
        let tasks = job.tasks.clone().enumerate().map(|(rank, task)| spec(day, task, rank)).collect();
        let spec = JobSpec { kind: "day".into(), label: String::new(), params: number.into(), inputs: BTreeMap::new() };
        let (id, identity, build) = (job_id(number), Digest::of(&number.to_le_bytes()), "b".to_string());
        let (plan, project, priority) = (Plan { tasks }, job.project.to_string(), job.priority);
        self.step(
            Happened::Submitted(Box::new(NewJob {
                id,
                identity,
                build,
                spec,
                plan,
                project,
                owner: String::new(),
                priority,
                price: 0.0,
            })),
            now,
        );
    }

    /// It knows by itself.
    fn ready(&mut self, _: &Day, _: usize) {}

    fn ended(&mut self, _: &Day, task: usize, seconds: f64, now: Millis) {
        let Some(Dispatch { id, attempt, token, .. }) = self.running.remove(&task) else { return };
        let Some(run) = self.state.task(&id).and_then(|task| task.run.as_ref()) else { return };
        let result = TaskResult { outputs: BTreeMap::from([("o".into(), Digest::of(&task.to_le_bytes()))]), adds: Vec::new() };
        let (node, outcome, damaged) = (run.node.clone(), Outcome::Succeeded(result), Vec::new());
        let report = Report { node, id, attempt, token, outcome, seconds, damaged, peak_bytes: None, killed: false };
        self.step(Happened::Reported(report), now);
    }

    fn left(&mut self, _: &Day, device: usize, now: Millis) {
        let life = Incarnation(self.lives[device]);
        let held = self.state.nodes.get(&node(device)).map(|node| node.held.clone()).unwrap_or_default();
        self.running.retain(|_, dispatch| !held.contains_key(&dispatch.token));
        self.step(Happened::NodeLeft(node(device), life), now);
    }

    fn joined(&mut self, day: &Day, device: usize, now: Millis) {
        self.lives[device] += 1;
        self.warm[device].clear();
        let what = &day.devices[device];
        let offer = DeviceOffer { name: "d".into(), class: what.class, memory_bytes: what.memory, slots: what.slots, gpu: None };
        let (id, incarnation) = (node(device), Incarnation(self.lives[device]));
        self.step(Happened::NodeJoined(Offer { node: id, incarnation, devices: vec![offer], tools: Default::default() }), now);
        self.beat(device, now);
    }

    fn choose(&mut self, _: &Day, farm: &Farm, now: Millis) -> Vec<(usize, usize)> {
        for device in 0..self.warm.len() {
            if farm.up[device] && self.warm[device] != farm.warm[device] {
                self.warm[device].clone_from(&farm.warm[device]);
                self.beat(device, now);
            }
        }
        let mut placed = Vec::new();
        for effect in self.step(Happened::Tick, now) {
            if let Effect::Run { node, dispatch } = effect {
                let task: usize = dispatch.id.task.parse().expect("names are numbers");
                let device = node.0.trim_start_matches("node-").parse().expect("names are numbers");
                self.running.insert(task, *dispatch);
                placed.push((task, device));
            }
        }
        placed
    }
}
