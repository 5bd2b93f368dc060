//! Why something stands where it does, in one sentence, and when it is expected to run.

use crate::{
    backlog::backlog,
    plan,
    state::{Health, Job, Millis, Node, Shape, State, Task, device_name, sources},
};
use klieg_protocol::{Class, JobId, JobState, TaskId, TaskName, TaskState, wire::Demand};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

/// When each unfinished task is expected to begin and end, by the estimates, as if nothing else came.
pub fn forecast(state: &State, now: Millis) -> BTreeMap<TaskId, (Millis, Millis)> {
    let mut slots: BTreeMap<Class, BinaryHeap<Reverse<Millis>>> = BTreeMap::new();
    for (number, node) in state.nodes.values().flat_map(|node| (0..).zip(&node.offer.devices).map(move |device| (device, node))) {
        let (number, offer) = number;
        let held = node.held.values().filter(|held| held.device == number);
        let ends = held.flat_map(|h| std::iter::repeat_n((h.since + millis(h.seconds)).max(now), h.slots.len()));
        let mut busy: Vec<Millis> = ends.collect();
        busy.resize(offer.slots as usize, now);
        slots.entry(offer.class).or_default().extend(busy.into_iter().map(Reverse));
    }
    let mut found = BTreeMap::new();
    for job in queue(state) {
        job_forecast(job, now, &mut slots, &mut found);
    }
    found
}

/// Jobs that may run, about in the order in which they are served: fairness between projects is left out.
fn queue(state: &State) -> Vec<&Job> {
    let mut jobs: Vec<&Job> = state.jobs.values().filter(|job| !job.terminal() && !job.parked).collect();
    jobs.sort_by_key(|job| (Reverse(job.priority), job.standing.due, &job.id));
    jobs
}

/// An unfinished task and what it waits for and frees.
struct Open<'a> {
    task: &'a Task,
    class: Class,
    waits: usize,
    ready: Millis,
}

fn job_forecast(
    job: &Job,
    now: Millis,
    slots: &mut BTreeMap<Class, BinaryHeap<Reverse<Millis>>>,
    found: &mut BTreeMap<TaskId, (Millis, Millis)>,
) {
    let mut open: BTreeMap<&str, Open> = BTreeMap::new();
    let mut frees: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for task in job.tasks.values().filter(|task| !task.terminal()) {
        let spec = task.spec.open();
        let needs: BTreeSet<&TaskName> =
            sources(&spec.inputs).filter(|need| job.tasks.get(need).is_some_and(|other| !other.terminal())).collect();
        for need in &needs {
            frees.entry((*need).clone()).or_default().push(&task.spec.name);
        }
        open.insert(&task.spec.name, Open { task, class: spec.ask.class, waits: needs.len(), ready: now });
    }
    let mut free: BTreeSet<(u32, u32, &str)> =
        open.iter().filter(|(_, o)| o.waits == 0).map(|(name, o)| (o.task.spec.rank, o.task.position, *name)).collect();
    while let Some((_, _, name)) = free.pop_first() {
        let Some(Open { task, class, ready, .. }) = open.get(name) else { continue };
        let length = millis(task.spec.seconds);
        let span = match &task.run {
            Some(run) => (run.since, (run.since + length).max(now)),
            None => {
                let Some(Reverse(slot)) = slots.get_mut(class).and_then(BinaryHeap::pop) else { continue };
                let begin = slot.max(*ready);
                slots.entry(*class).or_default().push(Reverse(begin + length));
                (begin, begin + length)
            }
        };
        found.insert(TaskId { job: job.id.clone(), task: name.into() }, span);
        for next in frees.remove(name).unwrap_or_default() {
            let Some(next) = open.get_mut(next) else { continue };
            next.ready = next.ready.max(span.1);
            next.waits -= 1;
            if next.waits == 0 {
                free.insert((next.task.spec.rank, next.task.position, &next.task.spec.name));
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

/// What waits for a class of device.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// `cpu`, `cuda` or `wgpu`.
    pub class: String,
    pub demand: Demand,
    /// Of the jobs with tasks that could run now, the one that was submitted first: when, and which.
    pub oldest: Option<(Millis, JobId)>,
    /// Why its first task does not run: a sentence.
    pub why: Option<String>,
}

/// What waits, by class of device.
pub fn queues(state: &State) -> Vec<Queue> {
    let classes = backlog(state).classes.into_iter();
    classes.map(|(class, demand)| queue_of(state, class, demand)).collect()
}

fn queue_of(state: &State, class: String, demand: Demand) -> Queue {
    let waits = |job: &&Job| !job.terminal() && !job.parked;
    let first = |job: &Job| {
        let shapes = job.ready.iter().filter(|(shape, ready)| shape.class.to_string() == class && !ready.is_empty());
        shapes.filter_map(|(_, ready)| ready.first().copied()).min()
    };
    let jobs = state.jobs.values().filter(waits).filter_map(|job| Some((job, first(job)?)));
    let oldest = jobs.min_by_key(|(job, _)| (job.submitted_at, &job.id));
    let why = oldest.and_then(|(job, (_, place))| {
        let task = job.tasks.at(place)?;
        Some(format!("{} of {} waits because {}.", task.spec.name, job.id.0, obstacle(state, job, task)))
    });
    Queue { class, demand, oldest: oldest.map(|(job, _)| (job.submitted_at, job.id.clone())), why }
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
    let id = TaskId { job: job.id.clone(), task: name.to_string() };
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
            let end = since + millis(task.spec.seconds);
            let (ran, left) = (words(now.saturating_sub(since)), words(end.saturating_sub(now)));
            format!("{name} runs on {node} since {ran} (attempt {}), about {left} are left{again}.", task.attempts)
        }
        TaskState::Waiting => format!("{name} waits for {}; {begin}{again}.", needs(job, task)),
        TaskState::Ready if job.parked => format!("{name} waits because no klieg works on its job{again}."),
        TaskState::Ready => format!("{name} waits because {}; {begin}{again}.", obstacle(state, job, task)),
    }
}

/// What a task still waits for.
fn needs(job: &Job, task: &Task) -> String {
    let spec = task.spec.open();
    let open = |need: &&TaskName| job.tasks.get(need).is_none_or(|other| other.state != TaskState::Succeeded);
    let names: BTreeSet<&TaskName> = sources(&spec.inputs).filter(open).collect();
    match (names.first(), names.len()) {
        (None, _) => "its turn".into(),
        (Some(first), 1) => (*first).clone(),
        (Some(first), n) => format!("{first} and {} more", n - 1),
    }
}

/// What keeps a ready task from running.
fn obstacle(state: &State, job: &Job, task: &Task) -> String {
    let shape = state.shape_of(job, task);
    if state.nodes.is_empty() {
        return "no node has joined the farm".into();
    }
    if !plan::placeable(state, &shape) {
        return format!("no device has the {} MB of {} memory that it asks for", megabytes(shape.memory_bytes), shape.class);
    }
    let place = job.tasks.place(&task.spec.name);
    if state.naps.iter().any(|(_, id, at)| *id == job.id && Some(*at) == place) {
        return "its last attempt failed and it is tried again soon".into();
    }
    let limits = shape.limits.iter().filter_map(|name| state.limits.get(name).map(|limit| (name, limit)));
    if let Some((name, limit)) = limits.into_iter().find(|(_, limit)| limit.used >= limit.most) {
        return format!("all {} of {name} are in use", limit.most);
    }
    if let Some(project) = state.projects.get(&job.project)
        && let Some(most) = project.share.slots_max
        && project.slots_held + shape.slots > most
    {
        return format!("its project {:?} holds {} slots of the {most} that it may", job.project, project.slots_held);
    }
    devices(state, &shape)
}

/// What keeps the devices that could ever run it from running it now.
fn devices(state: &State, shape: &Shape) -> String {
    let all =
        state.nodes.values().flat_map(|node| node.devices().map(move |(number, device, offer)| (node, number, device, offer)));
    let meets = |node: &Node| node.offer.tools.meets(&shape.needs);
    if !state.nodes.is_empty() && !state.nodes.values().any(meets) {
        return format!("no node gives what it needs: {}", shape.needs.join(" and "));
    }
    let fitting: Vec<_> = all
        .filter(|(node, _, _, o)| {
            meets(node) && o.class == shape.class && o.slots >= shape.slots && o.memory_bytes >= shape.memory_bytes
        })
        .collect();
    let usable = fitting.iter().filter(|(node, _, device, _)| node.open() && !matches!(device.health, Health::Faulty { .. }));
    let usable: Vec<_> = usable.collect();
    if usable.is_empty() {
        return match fitting.first() {
            Some((node, number, device, offer)) => unusable(node, &device.health, device_name(&node.offer.node, *number, offer)),
            None => "no node has joined the farm".into(),
        };
    }
    let free = usable.iter().filter(|(_, _, device, offer)| device.slots_free(offer) >= shape.slots);
    match free.map(|(_, _, device, offer)| device.memory_free(offer)).max() {
        None => "every slot is taken".into(),
        Some(most) if most < shape.memory_bytes => {
            format!("it asks for {} MB of memory and {} MB are free", megabytes(shape.memory_bytes), most / 1_000_000)
        }
        Some(_) => "others come first".into(),
    }
}

fn unusable(node: &Node, health: &Health, name: String) -> String {
    match health {
        Health::Faulty { reason, .. } => format!("{name} is drained: {reason}"),
        _ if node.drained || node.leaving => format!("node {} is drained", node.offer.node.0),
        _ if node.lapsed || !node.joined => format!("node {} has not been heard of", node.offer.node.0),
        _ => "every slot is taken".into(),
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
