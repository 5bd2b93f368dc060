//! What always holds of a farm, checked after every step in tests and simulations.

use crate::{
    state::{State, Task, terminal},
    step::Effect,
};
use klieg_protocol::{Event, JobId, TaskId, TaskState};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a state; empty when it is sound.
pub fn broken(state: &State) -> Vec<String> {
    let mut wrong = Vec::new();
    nodes(state, &mut wrong);
    for job in state.jobs.values() {
        let id = &job.id.0;
        let unfinished = job.tasks.values().filter(|task| !task.terminal()).count();
        if job.unfinished != unfinished {
            wrong.push(format!("{id} counts {} unfinished tasks and has {unfinished}", job.unfinished));
        }
        if job.terminal() && (unfinished > 0 || !job.ready.is_empty()) {
            wrong.push(format!("{id} has ended with unfinished tasks"));
        }
        if !job.terminal() && unfinished == 0 && !job.tasks.is_empty() && !job.parked {
            wrong.push(format!("{id} has nothing left to do and has not ended"));
        }
        for (rank, position, name) in &job.ready {
            let task = job.tasks.get(name);
            if !task.is_some_and(|t| t.state == TaskState::Ready && t.spec.rank == *rank && t.position == *position) {
                wrong.push(format!("{id} would place {name}, which is not ready"));
            }
        }
        for (name, task) in &job.tasks {
            wrong.extend(of_task(state, task).into_iter().map(|what| format!("{id} {name} {what}")));
            if task.state == TaskState::Waiting && task.needs.is_empty() {
                wrong.push(format!("{id} {name} waits for nothing"));
            }
        }
    }
    wrong
}

/// Reserved memory and slots never exceed a node, and no two attempts hold one slot.
fn nodes(state: &State, wrong: &mut Vec<String>) {
    for (id, node) in &state.nodes {
        let memory: u64 = node.held.values().map(|held| held.memory_bytes).sum();
        let slots: BTreeSet<u32> = node.held.values().map(|held| held.slot).collect();
        if memory > node.offer.memory_bytes {
            wrong.push(format!("{} holds {memory} bytes of {}", id.0, node.offer.memory_bytes));
        }
        if slots.len() != node.held.len() || slots.last().is_some_and(|slot| *slot >= node.offer.slots) {
            wrong.push(format!("{} holds slots {slots:?} of {} for {}", id.0, node.offer.slots, node.held.len()));
        }
    }
}

fn of_task(state: &State, task: &Task) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if (task.state == TaskState::Running) != task.run.is_some() {
        wrong.push("runs without an attempt, or has an attempt and does not run");
    }
    if let Some(run) = &task.run
        && !state.nodes.get(&run.node).is_some_and(|node| node.held.contains_key(&task.token))
    {
        wrong.push("runs on a node that does not hold it");
    }
    if task.token.0 >= state.next_token.max(1) {
        wrong.push("has a token that has not been given out");
    }
    if task.faults > state.rules.attempts_max || task.node_faults > state.rules.attempts_max {
        wrong.push("failed more often than it may");
    }
    if task.faults + task.node_faults > task.attempts {
        wrong.push("failed more often than it ran");
    }
    wrong
}

/// Watches a farm from step to step: what must never go back.
#[derive(Clone, Debug, Default)]
pub struct Watchman {
    ended: BTreeMap<JobId, klieg_protocol::JobState>,
    attempts: BTreeMap<TaskId, (u32, u64)>,
    furthest: BTreeMap<TaskId, f32>,
}

impl Watchman {
    /// What is wrong with a step to `state` with these effects; empty when it is sound.
    pub fn saw(&mut self, state: &State, effects: &[Effect]) -> Vec<String> {
        let mut wrong = broken(state);
        for job in state.jobs.values() {
            if let Some(before) = self.ended.get(&job.id)
                && *before != job.state
            {
                wrong.push(format!("{} was {before:?} and is {:?}", job.id.0, job.state));
            }
            for (name, task) in &job.tasks {
                let id = TaskId { job: job.id.clone(), task: name.clone() };
                let now = (task.attempts, task.token.0);
                let before = self.attempts.insert(id, now).unwrap_or_default();
                if now.0 < before.0 || now.1 < before.1 || (now.0 > before.0) != (now.1 > before.1) {
                    wrong.push(format!("{name} went from (attempt, token) {before:?} to {now:?}"));
                }
            }
        }
        for effect in effects {
            if let Effect::Tell { job, event } = effect {
                self.told(job, event, &mut wrong);
            }
        }
        for job in state.jobs.values().filter(|job| terminal(job.state)) {
            self.ended.insert(job.id.clone(), job.state);
        }
        wrong
    }

    /// Progress never goes back, and nothing is told after the end.
    fn told(&mut self, job: &JobId, event: &Event, wrong: &mut Vec<String>) {
        if self.ended.contains_key(job) {
            wrong.push(format!("{} was told {event:?} after its end", job.0));
        }
        match event {
            Event::JobEnded { state, .. } => drop(self.ended.insert(job.clone(), *state)),
            Event::TaskProgress { task, progress } => {
                let id = TaskId { job: job.clone(), task: task.clone() };
                let before = self.furthest.insert(id, progress.fraction).unwrap_or(0.0);
                if progress.fraction < before {
                    wrong.push(format!("{task} went back from {before} to {}", progress.fraction));
                }
            }
            _ => {}
        }
    }
}
