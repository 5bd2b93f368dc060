//! The live jobs and nodes as the active scheduler holds them. Ordered collections only; no IO, no clock, no randomness.

mod check;
mod clock;
mod job;
mod line;
mod node;
mod paces;
mod packed;
mod peaks;
mod project;
mod reach;
mod rules;
mod standing;
mod tasks;

pub use check::{BadPlan, SECONDS_MAX, check, check_split};
pub use clock::{Clock, Dice, Millis};
pub use job::{Cache, Job, Run, Task, sources, terminal};
pub use line::{Aged, Line};
pub use node::{Device, Health, Held, Node, device_name};
pub use paces::Paces;
pub use packed::{Packed, Shape};
pub use peaks::Peaks;
pub use project::{Project, Share};
pub use reach::Reach;
pub use rules::{Bug, Rules};
pub use standing::{Standing, Surroundings};
pub use tasks::Tasks;

use klieg_protocol::{JobId, JobState, NodeId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the scheduler decides from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Unfinished jobs, and finished ones until they are forgotten.
    pub jobs: BTreeMap<JobId, Job>,
    pub nodes: BTreeMap<NodeId, Node>,
    pub projects: BTreeMap<String, Project>,
    /// Counted resources: how many there are and how many are in use.
    pub limits: BTreeMap<String, Limit>,
    /// The jobs that have tasks to place, in order.
    pub line: Line,
    /// Ready tasks that wait before they are tried again: (steady time, job, place in the job).
    pub naps: BTreeSet<(Millis, JobId, u32)>,
    /// Room that is kept for tasks which fit nowhere yet: (node, device) → task.
    pub kept: BTreeMap<(NodeId, u32), TaskId>,
    pub peaks: Peaks,
    pub paces: Paces,
    pub clock: Clock,
    /// The number of this leader: higher than every earlier one's. 0 where there is only ever one.
    pub leader: u64,
    /// Slots of all nodes.
    pub slots: u64,
    /// Their devices.
    pub reach: Reach,
    /// Sessions of nodes that this leader has begun.
    pub sessions: u32,
    /// Unfinished tasks of all jobs.
    pub open_tasks: u64,
    /// Their estimated seconds.
    pub open_seconds: f64,
    /// Higher than every token ever given out.
    pub next_token: u64,
    pub rules: Rules,
}

/// A counted resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    pub most: u32,
    pub used: u32,
}

impl State {
    /// A state that knows nothing but its rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// A session higher than all before, of earlier leaders too.
    pub fn begin_session(&mut self) -> u64 {
        self.sessions += 1;
        self.session_of(None)
    }

    /// The session of a node, or the latest of this leader for one that is not known.
    pub fn session_of(&self, node: Option<&NodeId>) -> u64 {
        node.and_then(|node| self.nodes.get(node)).map_or((self.leader << 32) + u64::from(self.sessions), |node| node.session)
    }

    /// The task of that name.
    pub fn task(&self, id: &TaskId) -> Option<&Task> {
        self.jobs.get(&id.job)?.tasks.get(&id.task)
    }

    /// What a ready task has to be given: its ask, with the memory that was learned of its like.
    pub fn shape_of(&self, job: &Job, task: &Task) -> Shape {
        let spec = task.spec.open();
        let learned = self.peaks.of(&job.spec.kind, &spec.step, &spec.ask.shape);
        Shape::of(&spec.ask, learned)
    }

    /// Lets a task be placed from now on.
    pub fn enqueue(&mut self, id: &JobId, index: u32) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(task) = job.tasks.at(index) else { return };
        let shape = self.shape_of(job, task);
        let Some(job) = self.jobs.get_mut(id) else { return };
        let idle = job.ready.is_empty();
        job.put(index, shape, self.clock.steady());
        if idle && !job.parked {
            self.line.add(job);
            project::activate(&mut self.projects, &job.project);
        }
    }

    /// Finds anew where a job stands in line.
    pub fn stand(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let stands = self.line.has(job);
        if stands {
            self.line.remove(job);
        }
        // Whoever comes to a farm with much to do has to wait, and so has everybody in proportion.
        let stretch = self.rules.stretch + self.open_seconds / self.slots.max(1) as f64 / self.rules.stretch_backlog_seconds;
        let farm = Surroundings { slots: self.slots, stretch, pace: self.paces.best(), reach: &self.reach };
        job.standing.settle(job.submitted_at, job.state != JobState::Queued, farm);
        if stands {
            self.line.add(job);
        }
    }

    /// Serves a job before those of lower priority. False when nothing changes: it is so, or the job has ended.
    pub fn prioritise(&mut self, id: &JobId, priority: i32) -> bool {
        let Some(job) = self.jobs.get_mut(id).filter(|job| !job.terminal() && job.priority != priority) else { return false };
        let stands = self.line.has(job);
        if stands {
            self.line.remove(job);
        }
        job.priority = priority;
        if stands {
            self.line.add(job);
        }
        true
    }

    /// Takes a task out of those that may be placed.
    pub fn dequeue(&mut self, id: &JobId, index: u32) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.take(index);
        if job.ready.is_empty() {
            self.line.remove(job);
        }
    }

    /// Takes all of a job's tasks out of those that may be placed.
    pub fn dequeue_all(&mut self, id: &JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        job.ready.clear();
        self.line.remove(job);
        self.naps.retain(|(_, other, _)| other != id);
    }

    /// The project of that name, made if need be.
    pub fn project(&mut self, name: &str) -> &mut Project {
        if !self.projects.contains_key(name) {
            self.projects.insert(name.into(), Project::default());
        }
        self.projects.entry(name.into()).or_default()
    }

    /// Counts the estimated seconds of a job's tasks that have ended.
    pub fn close_seconds(&mut self, id: &JobId, seconds: f64) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let seconds = seconds.min(job.standing.left);
        job.standing.left -= seconds;
        self.open_seconds = (self.open_seconds - seconds).max(0.0);
    }

    /// Counts tasks that have become unfinished, or finished if negative.
    pub fn count_open(&mut self, project: &str, change: i64) {
        self.open_tasks = self.open_tasks.saturating_add_signed(change);
        let project = self.project(project);
        project.open_tasks = project.open_tasks.saturating_add_signed(change);
    }
}
