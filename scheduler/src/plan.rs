//! Who runs where: a pure function of the farm's state.
//!
//! Higher priority first, then the project that was served least for its weight, then its job that is due first, then the lower rank. The
//! first task of a class that fits nowhere gets a reservation on the device where it can end earliest by the estimates, kept
//! until it begins, and smaller ones may only go ahead where they do not delay it (EASY backfill: Lifka, "The ANL/IBM SP
//! Scheduling System", 1995). A tick costs in proportion to devices, shapes and placements, not to tasks.

mod queue;
mod room;
#[cfg(test)]
mod tests;

use crate::state::{Aged, Job, Limit, Millis, Shape, State};
use klieg_protocol::{Class, JobId, NodeId, TaskId};
use queue::{Cursor, Turns};
use room::{Found, Rooms};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A task's room for its next attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    pub id: TaskId,
    pub node: NodeId,
    pub device: u32,
    pub slots: Vec<u32>,
    pub memory_bytes: u64,
    /// The part of the device that it takes, 0–1.
    pub part: f64,
}

/// What one tick decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub placements: Vec<Placement>,
    /// Room kept for tasks that fit nowhere yet. Takes the place of what was kept before.
    pub kept: BTreeMap<(NodeId, u32), TaskId>,
}

/// The placements to make now. Never exceeds a device's slots or memory, a limit, or a project's cap.
pub fn plan(state: &State, now: Millis) -> Plan {
    let mut round = Round {
        state,
        now,
        rooms: Rooms::of(state),
        turns: Turns::of(state),
        limits: state.limits.iter().map(|(name, limit)| (name.as_str(), *limit)).collect(),
        blocked: BTreeSet::new(),
        reserved: BTreeSet::new(),
        honoured: BTreeSet::new(),
        looks: 0,
        plan: Plan::default(),
    };
    round.honour();
    for level in state.line.levels() {
        round.level(level);
    }
    round.plan
}

/// One tick.
struct Round<'a> {
    state: &'a State,
    now: Millis,
    rooms: Rooms<'a>,
    turns: Turns<'a>,
    limits: BTreeMap<&'a str, Limit>,
    /// Shapes that fit nowhere in this tick.
    blocked: BTreeSet<&'a Arc<Shape>>,
    /// Classes in which room is kept for somebody.
    reserved: BTreeSet<Class>,
    /// Tasks that got the room that had been kept for them.
    honoured: BTreeSet<(&'a JobId, u32)>,
    looks: usize,
    plan: Plan,
}

impl<'a> Round<'a> {
    /// Nothing more can be placed, or enough was looked at.
    fn over(&self) -> bool {
        self.rooms.none_free() || self.looks >= self.state.rules.looks_max
    }

    /// Serves those first for whom room has been kept, or goes on keeping it.
    fn honour(&mut self) {
        for (spot, id) in &self.state.kept {
            let Some(job) = self.state.jobs.get(&id.job) else { continue };
            let Some(place) = job.tasks.place(&id.task) else { continue };
            let Some(task) = job.tasks.at(place) else { continue };
            let Some(shape) = &task.shape else { continue };
            let ready = job.ready.get(shape).is_some_and(|equal| equal.contains(&(task.spec.rank, place)));
            if !ready || !self.state.line.has(job) || !self.turns.fits_cap(&job.project, shape.slots) || !self.licensed(shape) {
                continue;
            }
            match self.rooms.find(shape, task.spec.seconds, self.now) {
                Found::Room(room) => {
                    self.place(room, job, place, shape);
                    self.honoured.insert((&job.id, place));
                }
                _ => {
                    if let Some(spot) = self.rooms.keep(self.state, spot, shape, task.spec.seconds, self.now) {
                        self.reserved.insert(shape.class);
                        self.plan.kept.insert(spot, id.clone());
                    }
                }
            }
        }
    }

    /// Serves the jobs of one priority.
    fn level(&mut self, level: &'a BTreeMap<String, Aged>) {
        self.turns.open(level.keys());
        let mut cursors: BTreeMap<&str, Cursor> =
            level.iter().map(|(project, jobs)| (project.as_str(), Cursor::new(self.state, jobs))).collect();
        while !self.over()
            && let Some(project) = self.turns.next(|project| cursors.get_mut(project)?.due(&self.blocked))
        {
            let next = cursors.get_mut(project).and_then(|cursor| cursor.next(&self.blocked));
            // A project that has nothing more gets no more turns.
            let Some((job, place, shape)) = next else { continue };
            self.look(job, place, shape);
            self.turns.again(project);
        }
    }

    /// Whether everything that is counted and that it needs is there.
    fn licensed(&self, shape: &Shape) -> bool {
        shape.limits.iter().all(|name| self.limits.get(name.as_str()).is_some_and(|limit| limit.used < limit.most))
    }

    /// Places a task if it fits; otherwise keeps room for it if nobody of its class has any.
    fn look(&mut self, job: &'a Job, place: u32, shape: &'a Arc<Shape>) {
        self.looks += 1;
        let Some(task) = job.tasks.at(place) else { return };
        if self.honoured.contains(&(&job.id, place)) || !self.turns.fits_cap(&job.project, shape.slots) {
            return;
        }
        if !self.licensed(shape) {
            self.blocked.insert(shape);
            return;
        }
        match self.rooms.find(shape, task.spec.seconds, self.now) {
            Found::Room(room) => self.place(room, job, place, shape),
            Found::OnlyKept => {}
            Found::Nothing => {
                self.blocked.insert(shape);
                if !self.reserved.contains(&shape.class)
                    && let Some(spot) = self.rooms.keep_earliest(shape, task.spec.seconds, self.now)
                {
                    self.reserved.insert(shape.class);
                    let task = task.spec.name.to_string();
                    self.plan.kept.insert(spot, TaskId { job: job.id.clone(), task });
                }
            }
        }
    }

    fn place(&mut self, room: usize, job: &'a Job, place: u32, shape: &'a Shape) {
        let Some(task) = job.tasks.at(place) else { return };
        for name in &shape.limits {
            self.limits.entry(name.as_str()).or_default().used += 1;
        }
        let id = TaskId { job: job.id.clone(), task: task.spec.name.to_string() };
        let placement = self.rooms.take(room, id, shape, task.spec.seconds, self.now);
        self.turns.took(&job.project, placement.part * task.spec.seconds, shape.slots);
        self.plan.placements.push(placement);
    }
}

/// Whether some device could ever run a task of that shape. True while no node has joined.
pub fn placeable(state: &State, shape: &Shape) -> bool {
    let mut joined = state.nodes.values().filter(|node| node.joined).peekable();
    joined.peek().is_none()
        || joined
            .filter(|node| node.offer.tools.meets(&shape.needs))
            .flat_map(|node| &node.offer.devices)
            .any(|device| device.class == shape.class && device.slots >= shape.slots && device.memory_bytes >= shape.memory_bytes)
}

/// The largest device of a shape's class on the nodes that give what it needs, for saying what there is.
pub fn largest<'a>(state: &'a State, shape: &Shape) -> Option<(&'a NodeId, &'a klieg_protocol::DeviceOffer)> {
    let class = shape.class;
    let nodes = state.nodes.values().filter(|node| node.offer.tools.meets(&shape.needs));
    let devices = nodes.flat_map(|node| node.offer.devices.iter().map(move |device| (&node.offer.node, device)));
    devices.filter(|(_, device)| device.class == class).max_by_key(|(_, device)| (device.memory_bytes, device.slots))
}
