//! Nodes, projects and the progress of jobs, as those who run the farm see them: what the active scheduler has in memory.

use crate::{
    farm::JobRecord,
    state::{self, Device, Job, Millis, Node, Share, State},
    store::Summary,
};
use klieg_protocol::{DeviceOffer, JobId, NodeId, TaskId, TaskState, Tools};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a node or a device is given tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    Healthy,
    /// It gets no more tasks: an operator wants that, or the node itself.
    Draining,
    /// It gets none until the fault is gone, or one at a time to see whether it is.
    Faulty,
    /// It has not been heard of for longer than its lease.
    Away,
}

/// A node as the scheduler knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub id: NodeId,
    pub health: Health,
    /// Why it is not healthy.
    pub reason: Option<String>,
    pub devices: Vec<DeviceRecord>,
    pub tools: Tools,
}

/// A device of a node, and what runs on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceRecord {
    pub offer: DeviceOffer,
    pub health: Health,
    pub reason: Option<String>,
    pub slots_held: u32,
    pub memory_held_bytes: u64,
    /// Models in its memory.
    pub warm: Vec<String>,
    pub tasks: Vec<Held>,
}

/// What an attempt holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    pub id: TaskId,
    pub slots: u32,
    pub memory_bytes: u64,
    /// Milliseconds since the Unix epoch.
    pub since: Millis,
}

/// A project, what it may have and what it has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// "": the default project.
    pub name: String,
    pub share: Share,
    pub slots_held: u32,
    /// Unfinished tasks.
    pub open_tasks: u64,
    /// Slot-seconds of its attempts, and what they cost.
    pub seconds: f64,
    pub cost: f64,
}

/// How far an unfinished job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Of its estimated work, 0-1.
    pub done: f64,
    /// Estimated seconds until it ends, were it to keep the slots that it holds; `None` while it holds none.
    pub left_s: Option<f64>,
    /// The step that is being done, and how many of its tasks are: `render 12/46`. Empty where looking would take too long.
    pub stage: String,
}

/// The most tasks of a job that are looked at to find its stage.
const STAGE_TASKS_MAX: usize = 2_000;

/// Of these jobs those that have not ended, with their tasks counted.
pub fn jobs(state: &State, of: &[JobId]) -> BTreeMap<JobId, JobRecord> {
    let open = of.iter().filter_map(|id| state.jobs.get(id)).filter(|job| !job.terminal());
    open.map(|job| (job.id.clone(), record(job))).collect()
}

/// All jobs that have not ended.
pub fn open_jobs(state: &State) -> Vec<JobRecord> {
    state.jobs.values().filter(|job| !job.terminal()).map(record).collect()
}

fn record(job: &Job) -> JobRecord {
    let (mut tasks_done, mut running, mut seconds) = (0, 0, 0.0);
    for task in job.tasks.values() {
        tasks_done += u64::from(task.state == TaskState::Succeeded);
        running += u64::from(task.state == TaskState::Running);
        seconds += task.seconds;
    }
    JobRecord::from(Summary { job: job.bare(), tasks_total: job.tasks.len() as u64, tasks_done, seconds, running })
}

/// All nodes, by name.
pub fn nodes(state: &State) -> Vec<NodeRecord> {
    state.nodes.values().filter(|node| node.joined).map(node).collect()
}

fn node(node: &Node) -> NodeRecord {
    let (health, reason) = match node {
        Node { lapsed: true, .. } => (Health::Away, Some("it has not been heard of for longer than its lease")),
        Node { drained: true, .. } => (Health::Draining, Some("an operator drains it")),
        Node { leaving: true, .. } => (Health::Draining, Some("it is about to leave")),
        Node { heard: false, .. } => (Health::Away, Some("it has just joined and has not told yet what it runs")),
        _ => (Health::Healthy, None),
    };
    let devices: Vec<DeviceRecord> =
        node.devices().map(|(number, known, offer)| device(node, number, known, offer, health)).collect();
    NodeRecord { id: node.offer.node.clone(), health, reason: reason.map(str::to_owned), devices, tools: node.offer.tools.clone() }
}

fn device(node: &Node, number: u32, known: &Device, offer: &DeviceOffer, of_node: Health) -> DeviceRecord {
    let (health, reason) = match &known.health {
        state::Health::Healthy => (of_node, None),
        state::Health::Faulty { reason, .. } => (Health::Faulty, Some(reason.clone())),
        state::Health::Trial { reason } => {
            (Health::Faulty, Some(format!("{reason}; it is given one task to see whether that is over")))
        }
    };
    let tasks = node.held.values().filter(|held| held.device == number).map(|held| Held {
        id: held.id.clone(),
        slots: u32::try_from(held.slots.len()).unwrap_or(u32::MAX),
        memory_bytes: held.memory_bytes,
        since: held.since,
    });
    DeviceRecord {
        offer: offer.clone(),
        health,
        reason,
        slots_held: u32::try_from(known.taken.len()).unwrap_or(u32::MAX),
        memory_held_bytes: known.memory_held,
        warm: known.warm.iter().cloned().collect(),
        tasks: tasks.collect(),
    }
}

/// All projects, by name.
pub fn projects(state: &State) -> Vec<ProjectRecord> {
    let record = |(name, project): (&String, &state::Project)| ProjectRecord {
        name: name.clone(),
        share: project.share,
        slots_held: project.slots_held,
        open_tasks: project.open_tasks,
        seconds: project.seconds,
        cost: project.cost,
    };
    state.projects.iter().map(record).collect()
}

/// How far those of these jobs are that have not ended.
pub fn ways(state: &State, of: &BTreeSet<JobId>, now: Millis) -> BTreeMap<JobId, Way> {
    let mut running: BTreeMap<&JobId, Vec<&state::Held>> = BTreeMap::new();
    for held in state.nodes.values().flat_map(|node| node.held.values()).filter(|held| of.contains(&held.id.job)) {
        running.entry(&held.id.job).or_default().push(held);
    }
    let jobs = of.iter().filter_map(|id| state.jobs.get(id)).filter(|job| !job.terminal());
    jobs.map(|job| (job.id.clone(), way(job, running.get(&job.id).map_or(&[], Vec::as_slice), now))).collect()
}

fn way(job: &Job, held: &[&state::Held], now: Millis) -> Way {
    let (work, left) = (job.standing.work(), job.standing.left);
    // What runs has done as much of its estimate as has gone by, and never all of it.
    let gone = held.iter().map(|held| (now.saturating_sub(held.since) as f64 / 1000.0).min(held.seconds * 0.95));
    let left = (left - gone.sum::<f64>()).max(0.0);
    let done = if work > 0.0 { (1.0 - left / work).clamp(0.0, 1.0) } else { 0.0 };
    let slots: usize = held.iter().map(|held| held.slots.len()).sum();
    Way { done, left_s: (slots > 0).then(|| left / slots as f64), stage: stage(job) }
}

/// Of the steps that run, or else could run, the one that is first in the plan.
fn stage(job: &Job) -> String {
    if job.tasks.len() > STAGE_TASKS_MAX {
        return String::new();
    }
    let (mut steps, mut now) = (BTreeMap::<String, (u32, u32)>::new(), None::<(bool, u32, String)>);
    for task in job.tasks.values() {
        let step = task.spec.open().step;
        let (done, all) = steps.entry(step.clone()).or_default();
        *all += 1;
        *done += u32::from(task.state == TaskState::Succeeded);
        let waits = match task.state {
            TaskState::Running => false,
            TaskState::Ready => true,
            _ => continue,
        };
        if now.as_ref().is_none_or(|(other, position, _)| (waits, task.position) < (*other, *position)) {
            now = Some((waits, task.position, step));
        }
    }
    let Some((_, _, step)) = now else { return String::new() };
    let (done, all) = steps.get(&step).copied().unwrap_or_default();
    format!("{step} {done}/{all}")
}
