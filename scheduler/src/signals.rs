//! How the farm stands, in numbers for monitoring: a look at the state that takes no longer than its jobs and nodes are many.

use crate::{
    records::{self, NodeRecord, ProjectRecord},
    state::{Millis, State},
};
use klieg_protocol::{Class, JobState};
use std::collections::BTreeMap;

/// What a look has found.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Unfinished tasks of all jobs.
    pub open_tasks: u64,
    /// Of those, the ones that could run now, and that run.
    pub ready_tasks: u64,
    pub running_tasks: u64,
    pub queued_jobs: u64,
    pub running_jobs: u64,
    /// For how long the task that has waited longest could have run already: of each job and kind of ask the first in its plan counts.
    pub oldest_ready_ms: BTreeMap<Class, Millis>,
    pub nodes: Vec<NodeRecord>,
    pub projects: Vec<ProjectRecord>,
}

/// Looks.
pub fn signals(state: &State) -> Signals {
    let mut seen = Signals {
        open_tasks: state.open_tasks,
        running_tasks: state.nodes.values().map(|node| node.held.len() as u64).sum(),
        oldest_ready_ms: [Class::Cpu, Class::Cuda, Class::Wgpu].map(|class| (class, 0)).into(),
        nodes: records::nodes(state),
        projects: records::projects(state),
        ..Signals::default()
    };
    for job in state.jobs.values().filter(|job| !job.terminal()) {
        match job.state {
            JobState::Queued => seen.queued_jobs += 1,
            _ => seen.running_jobs += 1,
        }
        for (shape, ready) in job.ready.iter().filter(|_| !job.parked) {
            seen.ready_tasks += ready.len() as u64;
            let first = ready.first().and_then(|(_, place)| job.tasks.at(*place));
            let waits = first.map_or(0, |task| state.clock.steady().saturating_sub(task.ready_at));
            let oldest = seen.oldest_ready_ms.entry(shape.class).or_default();
            *oldest = waits.max(*oldest);
        }
    }
    seen
}
