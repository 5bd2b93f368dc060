//! Why something stands where it does, in one sentence, and when it is expected to run.

use crate::{
    plan,
    state::{Job, Millis, State, Task, sources},
};
use klieg_protocol::{JobId, JobState, TaskId, TaskName, TaskState};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

/// When each unfinished task is expected to begin and end, by the estimates, as if nothing else came.
pub fn forecast(state: &State, now: Millis) -> BTreeMap<TaskId, (Millis, Millis)> {
    let mut slots: BinaryHeap<Reverse<Millis>> = BinaryHeap::new();
    for node in state.nodes.values() {
        let mut busy: Vec<Millis> = node.held.values().map(|h| h.since + millis(h.seconds)).map(|end| end.max(now)).collect();
        busy.resize(node.offer.slots as usize, now);
        slots.extend(busy.into_iter().map(Reverse));
    }
    let mut found = BTreeMap::new();
    for job in plan::queue(state) {
        job_forecast(job, now, &mut slots, &mut found);
    }
    found
}

fn job_forecast(job: &Job, now: Millis, slots: &mut BinaryHeap<Reverse<Millis>>, found: &mut BTreeMap<TaskId, (Millis, Millis)>) {
    let name = |task: &TaskName| TaskId { job: job.id.clone(), task: task.clone() };
    let open: BTreeMap<&TaskName, &Task> = job.tasks.iter().filter(|(_, task)| !task.terminal()).collect();
    let mut waits: BTreeMap<&TaskName, BTreeSet<&TaskName>> = BTreeMap::new();
    let mut frees: BTreeMap<&TaskName, Vec<&TaskName>> = BTreeMap::new();
    let mut free = BTreeSet::new();
    for (task_name, task) in &open {
        let needs: BTreeSet<&TaskName> = sources(&task.spec.inputs).filter(|need| open.contains_key(need)).collect();
        for need in &needs {
            frees.entry(need).or_default().push(task_name);
        }
        if needs.is_empty() {
            free.insert((task.spec.rank, task.position, *task_name));
        }
        waits.insert(task_name, needs);
    }
    let mut ready: BTreeMap<&TaskName, Millis> = BTreeMap::new();
    while let Some((_, _, task_name)) = free.pop_first() {
        let task = open[task_name];
        let length = millis(task.spec.ask.seconds);
        let span = match &task.run {
            Some(run) => (run.since, (run.since + length).max(now)),
            None => {
                let Some(Reverse(slot)) = slots.pop() else { return };
                let begin = slot.max(ready.get(task_name).copied().unwrap_or(now));
                slots.push(Reverse(begin + length));
                (begin, begin + length)
            }
        };
        found.insert(name(task_name), span);
        for next in frees.remove(task_name).unwrap_or_default() {
            let at = ready.entry(next).or_insert(span.1);
            *at = span.1.max(*at);
            if let Some(left) = waits.get_mut(next) {
                left.remove(task_name);
                if left.is_empty() {
                    free.insert((open[next].spec.rank, open[next].position, next));
                }
            }
        }
    }
}

fn millis(seconds: f64) -> Millis {
    (seconds.max(0.0) * 1000.0) as Millis
}

/// Seconds in people's words.
fn words(millis: Millis) -> String {
    match millis.div_ceil(1000) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// A sentence for the job and one for each of its unfinished tasks; or only one for the named task.
pub fn why(state: &State, job: &JobId, task: Option<&str>, now: Millis) -> Vec<String> {
    let Some(job) = state.jobs.get(job) else { return vec![format!("There is no job {}.", job.0)] };
    let forecast = forecast(state, now);
    if let Some(name) = task {
        return vec![match job.tasks.get(name) {
            Some(found) => of_task(state, job, found, &forecast, now),
            None => format!("{} has no task {name}.", job.id.0),
        }];
    }
    let mut sentences = vec![of_job(state, job, &forecast, now)];
    let mut tasks: Vec<&Task> = job.tasks.values().filter(|t| !t.terminal() || t.state == TaskState::Failed).collect();
    tasks.sort_by_key(|task| task.position);
    sentences.extend(tasks.into_iter().map(|found| of_task(state, job, found, &forecast, now)));
    sentences
}

fn of_job(state: &State, job: &Job, forecast: &BTreeMap<TaskId, (Millis, Millis)>, now: Millis) -> String {
    let (id, total, done) = (&job.id.0, job.tasks.len(), job.done());
    let reason = job.reason.as_deref().unwrap_or("no reason was given").trim_end_matches('.');
    match job.state {
        JobState::Succeeded => {
            let reused = job.tasks.values().filter(|task| task.reused).count();
            format!("{id} succeeded: {total} tasks, {reused} of them reused.")
        }
        JobState::Failed => format!("{id} failed: {reason}."),
        JobState::Cancelled => format!("{id} was cancelled: {reason}."),
        _ if job.parked => {
            format!("{id} waits because no klieg works on it ({done} of {total} tasks are done); `klieg resume {id}` goes on.")
        }
        _ if state.nodes.is_empty() => format!("{id} waits for a node to join the farm; {done} of {total} tasks are done."),
        _ => {
            let running = job.tasks.values().filter(|task| task.run.is_some()).count();
            let end = forecast.iter().filter(|(task, _)| task.job == job.id).map(|(_, (_, end))| *end).max().unwrap_or(now);
            let (waiting, left) = (job.tasks.values().filter(|t| !t.terminal()).count() - running, words(end.saturating_sub(now)));
            format!("{id} runs: {done} of {total} tasks are done, {running} run, {waiting} wait; about {left} are left.")
        }
    }
}

fn of_task(state: &State, job: &Job, task: &Task, forecast: &BTreeMap<TaskId, (Millis, Millis)>, now: Millis) -> String {
    let name = &task.spec.name;
    let id = TaskId { job: job.id.clone(), task: name.clone() };
    let begin = match forecast.get(&id) {
        Some((begin, _)) => format!("it is expected to begin in about {}", words(begin.saturating_sub(now))),
        None => "when it begins is not known".into(),
    };
    let again = match &task.failure {
        Some(failure) if !task.terminal() => format!(" (its last attempt failed: {})", failure.message),
        _ => String::new(),
    };
    match task.state {
        TaskState::Succeeded if task.reused => format!("{name} succeeded: its result was computed before."),
        TaskState::Succeeded => format!("{name} succeeded after {} attempts and {:.1} s.", task.attempts, task.seconds),
        TaskState::Failed => {
            let reason = task.failure.as_ref().map_or("no reason was given", |failure| failure.message.trim_end_matches('.'));
            format!("{name} failed in attempt {}: {reason}.", task.attempts)
        }
        TaskState::Cancelled => format!("{name} was cancelled with its job."),
        TaskState::Running => {
            let (node, since) = task.run.as_ref().map_or(("a node", now), |run| (&run.node.0, run.since));
            let end = since + millis(task.spec.ask.seconds);
            let (ran, left) = (words(now.saturating_sub(since)), words(end.saturating_sub(now)));
            format!("{name} runs on {node} since {ran} (attempt {}), about {left} are left{again}.", task.attempts)
        }
        TaskState::Waiting => format!("{name} waits for {}; {begin}{again}.", list(&task.needs)),
        TaskState::Ready if job.parked => format!("{name} waits because no klieg works on its job{again}."),
        TaskState::Ready => format!("{name} waits because {}; {begin}{again}.", obstacle(state, task)),
    }
}

fn list(names: &BTreeSet<TaskName>) -> String {
    let mut names_iter = names.iter();
    match (names_iter.next(), names.len()) {
        (None, _) => "its turn".into(),
        (Some(first), 1) => first.clone(),
        (Some(first), n) => format!("{first} and {} more", n - 1),
    }
}

/// What keeps a ready task from running.
fn obstacle(state: &State, task: &Task) -> String {
    let memory = task.spec.ask.memory_bytes;
    if state.nodes.is_empty() {
        return "no node has joined the farm".into();
    }
    if !plan::placeable(state, task) {
        return format!("no node has the {} MB of memory that it asks for", memory.div_ceil(1_000_000));
    }
    let free = state.nodes.values().filter(|node| node.slot_free().is_some());
    match free.map(crate::state::Node::memory_free).max() {
        None => "every slot is taken".into(),
        Some(most) if most < memory => {
            format!("it asks for {} MB of memory and {} MB are free", memory.div_ceil(1_000_000), most / 1_000_000)
        }
        Some(_) => "others come first".into(),
    }
}
