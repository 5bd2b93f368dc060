//! Who runs where: a pure function of the farm's state.
//!
//! Higher priority first, then the older job, then the lower rank. The first task that fits nowhere gets a reservation on the
//! node where it can begin earliest by the estimates, and smaller ones may only go ahead where they do not delay it
//! (EASY backfill: Lifka, "The ANL/IBM SP Scheduling System", 1995).

use crate::state::{Job, Millis, Node, State, Task};
use klieg_protocol::{NodeId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// A task's slot for its next attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    pub id: TaskId,
    pub node: NodeId,
    pub slot: u32,
}

/// What is free of a node, while a round of placements goes on.
struct Room {
    slots: BTreeSet<u32>,
    memory: u64,
    /// What ends when: (estimated end, memory it gives back), unsorted.
    ends: Vec<(Millis, u64)>,
    /// Room that the reserved task leaves at the time it begins: (time, slots, memory).
    kept: Option<(Millis, usize, u64)>,
}

impl Room {
    fn of(node: &Node) -> Self {
        let taken: BTreeSet<u32> = node.held.values().map(|h| h.slot).collect();
        Self {
            slots: (0..node.offer.slots).filter(|s| !taken.contains(s)).collect(),
            memory: node.memory_free(),
            ends: node.held.values().map(|h| (ends_at(h.since, h.seconds), h.memory_bytes)).collect(),
            kept: None,
        }
    }

    fn fits(&self, task: &Task, now: Millis) -> bool {
        let memory = task.spec.ask.memory_bytes;
        let fits_now = !self.slots.is_empty() && memory <= self.memory;
        fits_now
            && self.kept.is_none_or(|(at, slots, left)| ends_at(now, task.spec.ask.seconds) <= at || (slots > 0 && memory <= left))
    }

    fn take(&mut self, task: &Task, now: Millis) -> Option<u32> {
        let slot = self.slots.pop_first()?;
        let memory = task.spec.ask.memory_bytes;
        let end = ends_at(now, task.spec.ask.seconds);
        self.memory = self.memory.saturating_sub(memory);
        self.ends.push((end, memory));
        if let Some((at, slots, left)) = &mut self.kept
            && end > *at
        {
            *slots = slots.saturating_sub(1);
            *left = left.saturating_sub(memory);
        }
        Some(slot)
    }

    /// When `memory` and a slot will be free, and what else is then.
    fn opens(&self, memory: u64, now: Millis) -> Option<(Millis, usize, u64)> {
        let (mut slots, mut free) = (self.slots.len(), self.memory);
        let mut ends = self.ends.clone();
        ends.sort_unstable();
        let mut at = now;
        let mut ends = ends.into_iter();
        loop {
            if slots > 0 && memory <= free {
                return Some((at, slots - 1, free - memory));
            }
            let (end, back) = ends.next()?;
            at = end.max(now);
            slots += 1;
            free += back;
        }
    }
}

fn ends_at(since: Millis, seconds: f64) -> Millis {
    since.saturating_add((seconds.max(0.0) * 1000.0) as Millis)
}

/// Jobs that may run, in the order in which they are served.
pub fn queue(state: &State) -> Vec<&Job> {
    let mut jobs: Vec<&Job> = state.jobs.values().filter(|job| !job.terminal() && !job.parked).collect();
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.submitted_at, &job.id));
    jobs
}

/// The placements to make now. Never exceeds a node's slots or memory.
pub fn plan(state: &State, now: Millis) -> Vec<Placement> {
    let mut rooms: BTreeMap<&NodeId, Room> = state.nodes.iter().map(|(id, node)| (id, Room::of(node))).collect();
    let mut placements = Vec::new();
    let mut reserved = false;
    for job in queue(state) {
        for (_, _, name) in &job.ready {
            if rooms.values().all(|room| room.slots.is_empty()) {
                return placements;
            }
            let Some(task) = job.tasks.get(name) else { continue };
            let best = rooms.iter_mut().filter(|(_, room)| room.fits(task, now)).max_by_key(|(_, room)| room.memory);
            if let Some((node, room)) = best {
                let Some(slot) = room.take(task, now) else { continue };
                let id = TaskId { job: job.id.clone(), task: name.clone() };
                placements.push(Placement { id, node: (*node).clone(), slot });
            } else if !reserved {
                reserved = reserve(&mut rooms, state, task, now);
            }
        }
    }
    placements
}

/// Keeps room for a task that fits nowhere now, on the node where it can begin first.
fn reserve(rooms: &mut BTreeMap<&NodeId, Room>, state: &State, task: &Task, now: Millis) -> bool {
    let memory = task.spec.ask.memory_bytes;
    let first = rooms
        .iter_mut()
        .filter(|(id, _)| state.nodes.get(**id).is_some_and(|node| memory <= node.offer.memory_bytes))
        .filter_map(|(_, room)| room.opens(memory, now).map(|open| (open, room)))
        .min_by_key(|((at, _, _), _)| *at);
    match first {
        Some((open, room)) => {
            room.kept = Some(open);
            true
        }
        None => false,
    }
}

/// Whether some node could ever run the task. True while no node has joined.
pub fn placeable(state: &State, task: &Task) -> bool {
    state.nodes.is_empty()
        || state.nodes.values().any(|node| node.offer.slots > 0 && task.spec.ask.memory_bytes <= node.offer.memory_bytes)
}
