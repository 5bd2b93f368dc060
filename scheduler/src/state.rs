//! The live jobs and nodes as the active scheduler holds them. Ordered collections only; no IO, no clock.

use klieg_protocol::{
    Digest, Input, JobId, JobSpec, JobState, NodeId, Offer, Source, TaskFailure, TaskId, TaskName, TaskSpec, TaskState, Token,
};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds since the Unix epoch, handed in.
pub type Millis = u64;

/// Everything the scheduler decides from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Unfinished jobs, and finished ones whose attempts still hold slots.
    pub jobs: BTreeMap<JobId, Job>,
    pub nodes: BTreeMap<NodeId, Node>,
    /// Higher than every token ever given out.
    pub next_token: u64,
    pub rules: Rules,
}

/// The limits that a farm sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How many failures of its own, and of the nodes' around it, a task may have.
    pub attempts_max: u32,
    /// How many attempts may be lost before the task is taken for what loses them.
    pub losses_max: u32,
    /// Whether a task that asks for more than any node has fails its job at once, instead of waiting for a larger node.
    pub fail_unplaceable: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { attempts_max: 3, losses_max: 100, fail_unplaceable: true }
    }
}

/// A submitted job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    /// What a second submission is recognised by.
    pub identity: Digest,
    pub build: String,
    pub spec: JobSpec,
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
    pub tasks: BTreeMap<TaskName, Task>,
    /// Tasks that may be placed now, in the order in which they should be.
    pub ready: BTreeSet<(u32, u32, TaskName)>,
    /// Who waits for a task's outputs.
    pub dependents: BTreeMap<TaskName, BTreeSet<TaskName>>,
    /// Tasks that are not in a terminal state.
    pub unfinished: usize,
}

/// A task of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub spec: TaskSpec,
    /// Its place in the plan.
    pub position: u32,
    pub state: TaskState,
    /// Attempts ever begun, lost ones included.
    pub attempts: u32,
    /// Those that failed by the task's own fault.
    pub faults: u32,
    /// Those that failed by a node's.
    pub node_faults: u32,
    /// Of the latest attempt; 0 before the first.
    pub token: Token,
    pub run: Option<Run>,
    /// Tasks whose outputs it still waits for.
    pub needs: BTreeSet<TaskName>,
    pub cache: Cache,
    pub outputs: BTreeMap<String, Digest>,
    /// The result cache had it.
    pub reused: bool,
    /// Slot-seconds of all its attempts.
    pub seconds: f64,
    pub failure: Option<TaskFailure>,
    /// The furthest that any attempt came, so that progress never goes back.
    pub furthest: f32,
}

/// Where a running attempt is.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub node: NodeId,
    pub slot: u32,
    pub since: Millis,
}

/// Whether the result cache has been asked for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    Unasked,
    Asked(Digest),
    Missed(Digest),
}

/// A machine that runs an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub offer: Offer,
    /// What runs on it, wanted or not: an attempt holds its slot until the node has reported its end.
    pub held: BTreeMap<Token, Held>,
}

/// What an attempt holds of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub id: TaskId,
    pub slot: u32,
    pub memory_bytes: u64,
    pub since: Millis,
    /// Estimated seconds.
    pub seconds: f64,
}

impl Node {
    /// Memory that nothing holds.
    pub fn memory_free(&self) -> u64 {
        self.offer.memory_bytes.saturating_sub(self.held.values().map(|h| h.memory_bytes).sum())
    }
    /// The lowest slot that nothing holds.
    pub fn slot_free(&self) -> Option<u32> {
        let taken: BTreeSet<u32> = self.held.values().map(|h| h.slot).collect();
        (0..self.offer.slots).find(|slot| !taken.contains(slot))
    }
}

impl Task {
    /// A task that has not begun.
    pub fn new(spec: TaskSpec, position: u32) -> Self {
        Self {
            spec,
            position,
            state: TaskState::Waiting,
            attempts: 0,
            faults: 0,
            node_faults: 0,
            token: Token(0),
            run: None,
            needs: BTreeSet::new(),
            cache: Cache::Unasked,
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
        self.attempts.saturating_sub(self.faults + self.node_faults + running + succeeded)
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

/// A plan that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    #[error("accept the plan: two tasks are named {0:?}")]
    Twice(TaskName),
    #[error("accept the plan: {task:?} needs {needs:?}, which is no task of the job")]
    Unknown { task: TaskName, needs: TaskName },
    #[error("accept the plan: {0:?} waits for itself")]
    Circle(TaskName),
    #[error("accept the plan: {0:?} has no finite, positive estimate of its seconds")]
    Estimate(TaskName),
}

/// Checks that `added` can join `present`: names are new, dependencies exist, and none waits for itself.
pub fn check(added: &[TaskSpec], present: &BTreeMap<TaskName, Task>) -> Result<(), BadPlan> {
    let mut names = BTreeMap::new();
    for spec in added {
        if present.contains_key(&spec.name) || names.insert(&spec.name, spec).is_some() {
            return Err(BadPlan::Twice(spec.name.clone()));
        }
        if !(spec.ask.seconds.is_finite() && spec.ask.seconds >= 0.0) {
            return Err(BadPlan::Estimate(spec.name.clone()));
        }
    }
    let mut waits: BTreeMap<&TaskName, usize> = BTreeMap::new();
    let mut frees: BTreeMap<&TaskName, Vec<&TaskName>> = BTreeMap::new();
    for spec in added {
        let needs: BTreeSet<&TaskName> = sources(&spec.inputs).collect();
        for need in &needs {
            if names.contains_key(need) {
                frees.entry(need).or_default().push(&spec.name);
            } else if !present.contains_key(*need) {
                return Err(BadPlan::Unknown { task: spec.name.clone(), needs: (*need).clone() });
            }
        }
        waits.insert(&spec.name, needs.iter().filter(|n| names.contains_key(*n)).count());
    }
    let mut free: Vec<&TaskName> = waits.iter().filter(|(_, n)| **n == 0).map(|(name, _)| *name).collect();
    while let Some(name) = free.pop() {
        waits.remove(name);
        for next in frees.remove(name).unwrap_or_default() {
            if let Some(left) = waits.get_mut(next) {
                *left -= 1;
                if *left == 0 {
                    free.push(next);
                }
            }
        }
    }
    match waits.into_keys().next() {
        Some(name) => Err(BadPlan::Circle(name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::Ask;

    fn task(name: &str, needs: &[&str]) -> TaskSpec {
        let input = |need: &&str| {
            let from = Source::Output { task: need.to_string(), name: "o".into() };
            (need.to_string(), Input { from })
        };
        let (params, ask) = (serde_json::Value::Null, Ask { memory_bytes: 0, seconds: 1.0 });
        let inputs = needs.iter().map(input).collect();
        TaskSpec { name: name.into(), step: "s".into(), params, inputs, ask, rank: 0, label: String::new() }
    }

    #[test]
    fn plans_are_checked() {
        let none = BTreeMap::new();
        assert_eq!(check(&[task("b", &["a"]), task("a", &[])], &none), Ok(()));
        assert_eq!(check(&[task("a", &[]), task("a", &[])], &none), Err(BadPlan::Twice("a".into())));
        let unknown = BadPlan::Unknown { task: "a".into(), needs: "z".into() };
        assert_eq!(check(&[task("a", &["z"])], &none), Err(unknown));
        assert_eq!(check(&[task("a", &["b"]), task("b", &["a"]), task("c", &[])], &none), Err(BadPlan::Circle("a".into())));
        let mut endless = task("a", &[]);
        endless.ask.seconds = f64::INFINITY;
        assert_eq!(check(&[endless], &none), Err(BadPlan::Estimate("a".into())));
        let present = BTreeMap::from([("z".to_string(), Task::new(task("z", &[]), 0))]);
        assert_eq!(check(&[task("a", &["z"])], &present), Ok(()));
        assert_eq!(check(&[task("z", &[])], &present), Err(BadPlan::Twice("z".into())));
    }
}
