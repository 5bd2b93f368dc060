//! Nodes, projects and the progress of jobs, as those who run the farm see them: what the active scheduler has in memory.

use crate::state::{Device, Health, Job, Millis, Node, Share, State};
use klieg_protocol::{DeviceOffer, JobId, NodeId, TaskId, Tools};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a node or a device is given tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
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
    pub standing: Standing,
    /// Why it is not healthy.
    pub reason: Option<String>,
    pub devices: Vec<DeviceRecord>,
    pub tools: Tools,
}

/// A device of a node, and what runs on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceRecord {
    pub offer: DeviceOffer,
    pub standing: Standing,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Of its estimated work, 0-1.
    pub done: f64,
    /// Estimated seconds until it ends, were it to keep the slots that it holds; `None` while it holds none.
    pub left_s: Option<f64>,
}

/// All nodes, by name.
pub fn nodes(state: &State) -> Vec<NodeRecord> {
    state.nodes.values().filter(|node| node.joined).map(node).collect()
}

fn node(node: &Node) -> NodeRecord {
    let (standing, reason) = match node {
        Node { lapsed: true, .. } => (Standing::Away, Some("it has not been heard of for longer than its lease")),
        Node { drained: true, .. } => (Standing::Draining, Some("an operator drains it")),
        Node { leaving: true, .. } => (Standing::Draining, Some("it is about to leave")),
        Node { heard: false, .. } => (Standing::Away, Some("it has just joined and has not told yet what it runs")),
        _ => (Standing::Healthy, None),
    };
    let devices: Vec<DeviceRecord> =
        node.devices().map(|(number, known, offer)| device(node, number, known, offer, standing)).collect();
    NodeRecord { id: node.offer.node.clone(), standing, reason: reason.map(str::to_owned), devices, tools: node.offer.tools.clone() }
}

fn device(node: &Node, number: u32, known: &Device, offer: &DeviceOffer, of_node: Standing) -> DeviceRecord {
    let (standing, reason) = match &known.health {
        Health::Healthy => (of_node, None),
        Health::Faulty { reason, .. } => (Standing::Faulty, Some(reason.clone())),
        Health::Trial { reason } => (Standing::Faulty, Some(format!("{reason}; it is given one task to see whether that is over"))),
    };
    let tasks = node.held.values().filter(|held| held.device == number).map(|held| Held {
        id: held.id.clone(),
        slots: u32::try_from(held.slots.len()).unwrap_or(u32::MAX),
        memory_bytes: held.memory_bytes,
        since: held.since,
    });
    DeviceRecord {
        offer: offer.clone(),
        standing,
        reason,
        slots_held: u32::try_from(known.taken.len()).unwrap_or(u32::MAX),
        memory_held_bytes: known.memory_held,
        warm: known.warm.iter().cloned().collect(),
        tasks: tasks.collect(),
    }
}

/// All projects, by name.
pub fn projects(state: &State) -> Vec<ProjectRecord> {
    let record = |(name, project): (&String, &crate::state::Project)| ProjectRecord {
        name: name.clone(),
        share: project.share,
        slots_held: project.slots_held,
        open_tasks: project.open_tasks,
        seconds: project.seconds,
        cost: project.cost,
    };
    state.projects.iter().map(record).collect()
}

/// How far the unfinished jobs are, or those of them that are named.
pub fn ways(state: &State, only: Option<&JobId>, now: Millis) -> BTreeMap<JobId, Way> {
    let mut running: BTreeMap<&JobId, Vec<&crate::state::Held>> = BTreeMap::new();
    for held in state.nodes.values().flat_map(|node| node.held.values()) {
        running.entry(&held.id.job).or_default().push(held);
    }
    let jobs = state.jobs.values().filter(|job| !job.terminal() && only.is_none_or(|only| job.id == *only));
    jobs.map(|job| (job.id.clone(), way(job, running.get(&job.id).map_or(&[], Vec::as_slice), now))).collect()
}

fn way(job: &Job, held: &[&crate::state::Held], now: Millis) -> Way {
    let (work, left) = (job.standing.work(), job.standing.left);
    // What runs has done as much of its estimate as has gone by, and never all of it.
    let gone = held.iter().map(|held| (now.saturating_sub(held.since) as f64 / 1000.0).min(held.seconds * 0.95));
    let left = (left - gone.sum::<f64>()).max(0.0);
    let done = if work > 0.0 { (1.0 - left / work).clamp(0.0, 1.0) } else { 0.0 };
    let slots: usize = held.iter().map(|held| held.slots.len()).sum();
    Way { done, left_s: (slots > 0).then(|| left / slots as f64) }
}
