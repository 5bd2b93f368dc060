//! What always holds of a farm: checked after every step in tests and simulations, and counted in production.

use crate::{
    state::{Job, State, Task, terminal},
    step::Effect,
};
use klieg_protocol::{Event, Fault, JobId, JobState, TaskFailure, TaskId, TaskState};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What the farm promises (section 4 of the design, by its numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// 1: what was accepted survives.
    Accepted,
    /// 2: one terminal state, which never changes.
    OneEnd,
    /// 3: no result of a fenced attempt.
    Fenced,
    /// 4: attempts only count up, and all of them.
    Counted,
    /// 5: no output is seen before it is whole and saved.
    Whole,
    /// 6: a digest depends on the task alone.
    SameDigest,
    /// 7: no device is overbooked.
    Booked,
    /// 9: an unknown outcome is no failure.
    Unknown,
    /// 10: queued + running + terminal = accepted.
    Accounted,
    /// 11: progress never goes back, and is silent after the end.
    Forward,
    /// 12: nothing is left over.
    NoOrphans,
    /// Everything ends once faults do.
    Quiet,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub promise: Promise,
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.what)
    }
}

fn broken_by(wrong: &mut Vec<Broken>, promise: Promise, what: impl Into<String>) {
    wrong.push(Broken { promise, what: what.into() });
}

/// What is wrong with a state; empty when it is sound. Walks everything.
pub fn broken(state: &State) -> Vec<Broken> {
    let mut wrong = Vec::new();
    nodes(state, &mut wrong);
    shares(state, &mut wrong);
    for job in state.jobs.values() {
        of_job(state, job, &mut wrong);
    }
    let open: usize = state.jobs.values().map(|job| job.unfinished).sum();
    if state.open_tasks != open as u64 {
        broken_by(&mut wrong, Promise::Accounted, format!("the farm counts {} unfinished tasks and has {open}", state.open_tasks));
    }
    wrong
}

/// What is wrong with what a step has touched. Walks nodes and effects only, and so is cheap enough for production.
pub fn touched(state: &State, effects: &[Effect]) -> Vec<Broken> {
    let mut wrong = Vec::new();
    nodes(state, &mut wrong);
    let tasks: BTreeSet<&TaskId> =
        effects.iter().filter_map(|e| if let Effect::SaveTask(id) = e { Some(id) } else { None }).collect();
    for id in tasks {
        let Some(job) = state.jobs.get(&id.job) else { continue };
        if let Some(task) = job.tasks.get(&id.task) {
            of_task(state, job, task, &mut wrong);
        }
    }
    wrong
}

fn of_job(state: &State, job: &Job, wrong: &mut Vec<Broken>) {
    let id = &job.id.0;
    let unfinished = job.tasks.values().filter(|task| !task.terminal()).count();
    if job.unfinished != unfinished {
        broken_by(wrong, Promise::Accounted, format!("{id} counts {} unfinished tasks and has {unfinished}", job.unfinished));
    }
    if job.terminal() && (unfinished > 0 || !job.ready.is_empty()) {
        broken_by(wrong, Promise::OneEnd, format!("{id} has ended with unfinished tasks"));
    }
    if job.state == JobState::Succeeded && job.done() != job.tasks.len() {
        broken_by(wrong, Promise::OneEnd, format!("{id} succeeded with {} of {} tasks done", job.done(), job.tasks.len()));
    }
    if !job.terminal() && unfinished == 0 && !job.tasks.is_empty() && !job.parked {
        broken_by(wrong, Promise::Accounted, format!("{id} has nothing left to do and has not ended"));
    }
    if state.line.has(job) != (!job.ready.is_empty() && !job.parked) {
        broken_by(wrong, Promise::Accounted, format!("{id} stands in line without ready tasks, or has some and does not"));
    }
    let mut ready = BTreeSet::new();
    for (rank, place) in job.ready.values().flatten() {
        ready.insert(*place);
        let task = job.tasks.at(*place);
        if !task.is_some_and(|t| t.state == TaskState::Ready && t.spec.rank == *rank) {
            broken_by(wrong, Promise::Accounted, format!("{id} would place task {place}, which is not ready"));
        }
    }
    for (place, task) in (0..).zip(job.tasks.values()) {
        of_task(state, job, task, wrong);
        let napping = || state.naps.iter().any(|(_, other, at)| *other == job.id && *at == place);
        let looked_up = task.cache == crate::state::Cache::Missed;
        if task.state == TaskState::Ready && looked_up && !job.parked && !ready.contains(&place) && !napping() {
            broken_by(wrong, Promise::Accounted, format!("{id} {} is ready and nobody will place it", task.spec.name));
        }
    }
}

/// Reserved memory and slots never exceed a device, no two attempts hold one slot, and the books are right.
fn nodes(state: &State, wrong: &mut Vec<Broken>) {
    for (id, node) in state.nodes.iter().filter(|(_, node)| node.joined) {
        for (number, device, offer) in node.devices() {
            let held: Vec<_> = node.held.values().filter(|held| held.device == number).collect();
            let memory: u64 = held.iter().map(|held| held.memory_bytes).sum();
            let slots: BTreeSet<u32> = held.iter().flat_map(|held| held.slots.iter().copied()).collect();
            if memory > offer.memory_bytes {
                let what = format!("{} {number} holds {memory} bytes of {}", id.0, offer.memory_bytes);
                broken_by(wrong, Promise::Booked, what);
            }
            let count: usize = held.iter().map(|held| held.slots.len()).sum();
            if slots.len() != count || slots.last().is_some_and(|slot| *slot >= offer.slots) {
                let what = format!("{} {number} holds slots {slots:?} of {} for {count}", id.0, offer.slots);
                broken_by(wrong, Promise::Booked, what);
            }
            if device.taken != slots || device.memory_held != memory {
                broken_by(wrong, Promise::Booked, format!("the books of {} {number} are wrong", id.0));
            }
        }
    }
}

/// Limits and projects hold what their attempts do, and no more than they may.
fn shares(state: &State, wrong: &mut Vec<Broken>) {
    let mut used: BTreeMap<&str, u32> = BTreeMap::new();
    let mut slots: BTreeMap<&str, u32> = BTreeMap::new();
    for held in state.nodes.values().flat_map(|node| node.held.values()) {
        held.limits.iter().for_each(|limit| *used.entry(limit).or_default() += 1);
        *slots.entry(&held.project).or_default() += u32::try_from(held.slots.len()).unwrap_or(u32::MAX);
    }
    for (name, limit) in &state.limits {
        let has = used.get(name.as_str()).copied().unwrap_or(0);
        if limit.used != has || limit.used > limit.most {
            broken_by(wrong, Promise::Booked, format!("limit {name} counts {} of {} and {has} are held", limit.used, limit.most));
        }
    }
    for (name, project) in &state.projects {
        let has = slots.get(name.as_str()).copied().unwrap_or(0);
        if project.slots_held != has {
            broken_by(wrong, Promise::Booked, format!("project {name:?} counts {} slots and holds {has}", project.slots_held));
        }
    }
}

fn of_task(state: &State, job: &Job, task: &Task, wrong: &mut Vec<Broken>) {
    let mut say = |promise, what: &str| broken_by(wrong, promise, format!("{} {} {what}", job.id.0, task.spec.name));
    if (task.state == TaskState::Running) != task.run.is_some() {
        say(Promise::Accounted, "runs without an attempt, or has an attempt and does not run");
    }
    if let Some(run) = &task.run
        && !state.nodes.get(&run.node).is_some_and(|node| node.held.contains_key(&task.token))
    {
        say(Promise::Booked, "runs on a node that does not hold it");
    }
    if task.state == TaskState::Waiting && task.needs == 0 && !job.parked {
        say(Promise::Accounted, "waits for nothing");
    }
    if task.token.0 >= state.next_token.max(1) {
        say(Promise::Fenced, "has a token that has not been given out");
    }
    if task.faults > state.rules.attempts_max || task.node_faults > state.rules.node_faults_max {
        say(Promise::Counted, "failed more often than it may");
    }
    if task.faults + task.node_faults + task.splits > task.attempts && task.splits == 0 {
        say(Promise::Counted, "failed more often than it ran");
    }
}

/// Watches a farm from step to step: what must never go back.
#[derive(Clone, Debug, Default)]
pub struct Watchman {
    ended: BTreeMap<JobId, JobState>,
    attempts: BTreeMap<TaskId, (u32, u64)>,
    /// Failures by a task's own fault that were seen.
    faults: BTreeMap<TaskId, u32>,
    furthest: BTreeMap<TaskId, f32>,
}

impl Watchman {
    /// What is wrong with a step to `state` with these effects; empty when it is sound.
    pub fn saw(&mut self, state: &State, effects: &[Effect]) -> Vec<Broken> {
        let mut wrong = broken(state);
        for job in state.jobs.values() {
            self.saw_job(job, &mut wrong);
        }
        for effect in effects {
            match effect {
                Effect::Tell { job, event } => wrong.extend(self.told(job, event)),
                Effect::SaveAttempt(attempt) => self.failed(state, &attempt.id, attempt.failure.as_ref(), &mut wrong),
                _ => {}
            }
        }
        for job in state.jobs.values().filter(|job| terminal(job.state)) {
            self.ended.insert(job.id.clone(), job.state);
        }
        wrong
    }

    fn saw_job(&mut self, job: &Job, wrong: &mut Vec<Broken>) {
        if let Some(before) = self.ended.get(&job.id)
            && *before != job.state
        {
            broken_by(wrong, Promise::OneEnd, format!("{} was {before:?} and is {:?}", job.id.0, job.state));
        }
        for task in job.tasks.values() {
            let id = TaskId { job: job.id.clone(), task: task.spec.name.to_string() };
            let now = (task.attempts, task.token.0);
            let before = self.attempts.insert(id, now).unwrap_or_default();
            if now.0 < before.0 || now.1 < before.1 || (now.0 > before.0) != (now.1 > before.1) {
                let what = format!("{} went from (attempt, token) {before:?} to {now:?}", task.spec.name);
                broken_by(wrong, Promise::Counted, what);
            }
        }
    }

    fn failed(&mut self, state: &State, id: &TaskId, failure: Option<&TaskFailure>, wrong: &mut Vec<Broken>) {
        if failure.is_none_or(|failure| failure.fault != Fault::Task) {
            return;
        }
        let seen = self.faults.entry(id.clone()).or_default();
        *seen += 1;
        if state.task(id).is_some_and(|task| task.faults < *seen) {
            broken_by(wrong, Promise::Counted, format!("{} failed {seen} times and counts fewer", id.task));
        }
    }

    /// What a watcher hears: progress never goes back, and nothing comes after the end.
    pub fn told(&mut self, job: &JobId, event: &Event) -> Vec<Broken> {
        let mut wrong = Vec::new();
        if self.ended.contains_key(job) {
            broken_by(&mut wrong, Promise::Forward, format!("{} was told {event:?} after its end", job.0));
        }
        match event {
            Event::JobEnded { state, .. } => drop(self.ended.insert(job.clone(), *state)),
            Event::TaskProgress { task, progress } => {
                let id = TaskId { job: job.clone(), task: task.clone() };
                let before = self.furthest.insert(id, progress.fraction).unwrap_or(0.0);
                if progress.fraction < before {
                    let what = format!("{task} went back from {before} to {}", progress.fraction);
                    broken_by(&mut wrong, Promise::Forward, what);
                }
            }
            _ => {}
        }
        wrong
    }
}
