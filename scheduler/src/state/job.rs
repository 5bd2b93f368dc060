use super::{Millis, Packed, Shape, Standing, Tasks};
use klieg_protocol::{
    Digest, Incarnation, Input, JobId, JobSpec, JobState, NodeId, Source, TaskFailure, TaskName, TaskSpec, TaskState, Token,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A submitted job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    /// What a second submission is recognised by.
    pub identity: Digest,
    pub build: String,
    pub spec: JobSpec,
    /// Whose share it runs on; "" is the default project.
    pub project: String,
    /// The account that submitted it; "": nobody in particular.
    pub owner: String,
    pub state: JobState,
    pub reason: Option<String>,
    /// Higher first.
    pub priority: i32,
    /// Of one slot for one hour.
    pub price: f64,
    pub submitted_at: Millis,
    pub ended_at: Option<Millis>,
    /// Left over from an earlier run of the farm; waits until somebody asks for it again.
    pub parked: bool,
    pub standing: Standing,
    pub tasks: Tasks,
    /// Tasks that may be placed now: by shape, then in the order (rank, place) in which they should be.
    pub ready: BTreeMap<Arc<Shape>, BTreeSet<(u32, u32)>>,
    /// Who waits for a task's outputs, by place.
    pub dependents: BTreeMap<u32, Vec<u32>>,
    /// Tasks that are not in a terminal state.
    pub unfinished: usize,
}

/// A task of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub spec: Packed,
    /// Its number in the plan.
    pub position: u32,
    pub state: TaskState,
    /// Attempts ever begun, lost ones included.
    pub attempts: u32,
    /// Those that failed by the task's own fault.
    pub faults: u32,
    /// Those that failed by a node's.
    pub node_faults: u32,
    /// Those that ended their worker.
    pub kills: u32,
    /// How often it was split because a device had too little memory.
    pub splits: u32,
    /// Of the latest attempt; 0 before the first.
    pub token: Token,
    pub run: Option<Box<Run>>,
    /// Tasks whose outputs it still waits for.
    pub needs: u32,
    pub cache: Cache,
    /// When it could last be placed, by the steady clock; this leader's knowledge only.
    pub ready_at: Millis,
    /// What it must be given; since it may be placed.
    pub shape: Option<Arc<Shape>>,
    pub outputs: BTreeMap<String, Digest>,
    /// The result cache had it.
    pub reused: bool,
    /// Slot-seconds of all its attempts.
    pub seconds: f64,
    pub failure: Option<Box<TaskFailure>>,
    /// The furthest that any attempt came, so that progress never goes back.
    pub furthest: f32,
}

/// Where a running attempt is, and what it holds there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub node: NodeId,
    pub incarnation: Incarnation,
    pub device: u32,
    /// Never empty; sorted.
    pub slots: Vec<u32>,
    pub memory_bytes: u64,
    pub since: Millis,
}

/// Whether the result cache has been asked for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    Unasked,
    Asked,
    Missed,
}

impl Task {
    /// A task that has not begun.
    pub fn new(spec: TaskSpec, position: u32) -> Self {
        Self {
            spec: spec.into(),
            position,
            state: TaskState::Waiting,
            attempts: 0,
            faults: 0,
            node_faults: 0,
            kills: 0,
            splits: 0,
            token: Token(0),
            run: None,
            needs: 0,
            cache: Cache::Unasked,
            ready_at: 0,
            shape: None,
            outputs: BTreeMap::new(),
            reused: false,
            seconds: 0.0,
            failure: None,
            furthest: 0.0,
        }
    }
    /// Whether its state can still change.
    pub fn terminal(&self) -> bool {
        matches!(self.state, TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled)
    }
    /// Attempts that ended by nobody's fault.
    pub fn losses(&self) -> u32 {
        let running = u32::from(self.run.is_some());
        let succeeded = u32::from(self.state == TaskState::Succeeded && !self.reused);
        self.attempts.saturating_sub(self.faults + self.node_faults + self.splits + running + succeeded)
    }
}

impl Job {
    /// Whether its state can still change.
    pub fn terminal(&self) -> bool {
        terminal(self.state)
    }
    /// How many of its tasks succeeded.
    pub fn done(&self) -> usize {
        self.tasks.values().filter(|t| t.state == TaskState::Succeeded).count()
    }

    /// The job without its tasks.
    pub fn bare(&self) -> Self {
        Self {
            id: self.id.clone(),
            build: self.build.clone(),
            spec: self.spec.clone(),
            project: self.project.clone(),
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            tasks: Tasks::default(),
            ready: BTreeMap::new(),
            dependents: BTreeMap::new(),
            ..*self
        }
    }

    /// Puts a task among the ready ones. Equal shapes of a job are one.
    pub(super) fn put(&mut self, place: u32, shape: Shape, now: Millis) {
        let shape = match self.ready.get_key_value(&shape) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::new(shape),
        };
        let Some(task) = self.tasks.at_mut(place) else { return };
        (task.shape, task.ready_at) = (Some(Arc::clone(&shape)), now);
        let rank = task.spec.rank;
        self.ready.entry(shape).or_default().insert((rank, place));
    }

    /// Takes a task out of the ready ones.
    pub(super) fn take(&mut self, place: u32) {
        let Some(task) = self.tasks.at(place) else { return };
        let Some(shape) = &task.shape else { return };
        if let Some(equal) = self.ready.get_mut(shape) {
            equal.remove(&(task.spec.rank, place));
            if equal.is_empty() {
                self.ready.remove(shape);
            }
        }
    }

    /// Notes what a task waits for. True when it waits for nothing.
    pub fn link(&mut self, place: u32) -> bool {
        let Some(task) = self.tasks.at(place) else { return false };
        let inputs = task.spec.inputs();
        let names: BTreeSet<&TaskName> = sources(&inputs).collect();
        let needs: Vec<u32> = names
            .into_iter()
            .filter_map(|need| self.tasks.place(need))
            .filter(|need| self.tasks.at(*need).is_none_or(|t| t.state != TaskState::Succeeded))
            .collect();
        for need in &needs {
            self.dependents.entry(*need).or_default().push(place);
        }
        if let Some(task) = self.tasks.at_mut(place) {
            task.needs = u32::try_from(needs.len()).unwrap_or(u32::MAX);
        }
        needs.is_empty()
    }

    /// Makes the links of a job that comes from the store, and counts what there is and what is left of it.
    pub fn relink(&mut self) {
        self.dependents.clear();
        self.standing = Standing::default();
        self.tasks.values().for_each(|task| self.standing.count(&task.spec.ask()));
        let ended = self.tasks.values().filter(|task| task.terminal());
        self.standing.left -= ended.map(|task| task.spec.seconds).sum::<f64>();
        let open: Vec<u32> = (0..).zip(self.tasks.values()).filter(|(_, t)| !t.terminal()).map(|(place, _)| place).collect();
        self.unfinished = open.len();
        for place in open {
            let state = if self.link(place) { TaskState::Ready } else { TaskState::Waiting };
            if let Some(task) = self.tasks.at_mut(place).filter(|task| task.run.is_none()) {
                task.state = state;
            }
        }
    }

    /// The digests of a task's inputs, or what is missing.
    pub fn inputs_of(&self, spec: &TaskSpec) -> Result<BTreeMap<String, Digest>, String> {
        let resolve = |from: &Source| match from {
            Source::Blob(digest) => Ok(*digest),
            Source::Output { task, name } => self
                .tasks
                .get(task)
                .and_then(|t| t.outputs.get(name))
                .copied()
                .ok_or_else(|| format!("task {task} gave no output named {name}")),
        };
        spec.inputs.iter().map(|(name, input)| Ok((name.clone(), resolve(&input.from)?))).collect()
    }
}

/// Whether a job in this state has ended.
pub fn terminal(state: JobState) -> bool {
    matches!(state, JobState::Succeeded | JobState::Failed | JobState::Cancelled)
}

/// The tasks that `inputs` name.
pub fn sources(inputs: &BTreeMap<String, Input>) -> impl Iterator<Item = &TaskName> {
    inputs.values().filter_map(|input| match &input.from {
        Source::Output { task, .. } => Some(task),
        Source::Blob(_) => None,
    })
}
