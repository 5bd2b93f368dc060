//! The scheduler's state machine: what happened goes in, what is to be done comes out. No IO, no clock, no randomness.

use crate::{
    identity,
    plan::{self, Placement},
    state::{self, BadPlan, Cache, Held, Job, Millis, Node, Run, State, Task},
};
use klieg_protocol::{
    Digest, Dispatch, Event, Fault, JobId, JobSpec, JobState, NodeId, Offer, Outcome, Plan, Progress, Report, Source, TaskFailure,
    TaskId, TaskName, TaskResult, TaskSpec, TaskState, Token,
};
use std::collections::BTreeMap;

/// What the scheduler learns.
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    Submitted(Box<NewJob>),
    CancelAsked(JobId),
    /// Another job took the place of one that was left over.
    Superseded(JobId),
    /// Somebody asks again for a job that an earlier run of the farm left over.
    Resumed(JobId),
    NodeJoined(Offer),
    NodeLeft(NodeId),
    /// The result cache has answered an `Effect::LookUp`.
    CacheAnswered {
        id: TaskId,
        identity: Digest,
        hit: Option<TaskResult>,
    },
    Progressed {
        id: TaskId,
        token: Token,
        progress: Progress,
    },
    Reported(Report),
    /// Time to place ready tasks.
    Tick,
}

/// A job whose plan has been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    pub id: JobId,
    pub identity: Digest,
    pub build: String,
    pub spec: JobSpec,
    pub plan: Plan,
    pub priority: i32,
    /// Of one slot for one hour.
    pub price: f64,
}

/// What the scheduler wants done. Everything but `LookUp` is carried out after the saves of the same batch are durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    SaveJob(JobId),
    SaveTask(TaskId),
    SaveAttempt(Box<Attempt>),
    /// The result cache takes the outcome of a computation.
    Remember {
        identity: Digest,
        result: TaskResult,
        seconds: f64,
    },
    /// The result cache has been useful.
    Used(Digest),
    LookUp {
        id: TaskId,
        identity: Digest,
    },
    Run {
        node: NodeId,
        dispatch: Box<Dispatch>,
    },
    Stop {
        node: NodeId,
        id: TaskId,
        token: Token,
    },
    Tell {
        job: JobId,
        event: Event,
    },
    /// The report came from a fenced attempt.
    Refused {
        id: TaskId,
        token: Token,
    },
}

/// An attempt that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    pub id: TaskId,
    pub attempt: u32,
    pub token: Token,
    pub node: NodeId,
    pub slot: u32,
    pub started: Millis,
    pub ended: Millis,
    pub seconds: f64,
    /// `None`: it succeeded.
    pub failure: Option<TaskFailure>,
}

/// Takes one event into the state. Equal states and events give equal effects.
pub fn step(state: &mut State, happened: Happened, now: Millis) -> Vec<Effect> {
    let mut step = Step { state, now, effects: Vec::new() };
    match happened {
        Happened::Submitted(job) => step.submitted(*job),
        Happened::CancelAsked(job) => step.end(&job, JobState::Cancelled, Some("cancelled by request".into())),
        Happened::Superseded(job) => step.end(&job, JobState::Cancelled, Some("another job took its place".into())),
        Happened::Resumed(job) => step.resumed(&job),
        Happened::NodeJoined(offer) => step.joined(offer),
        Happened::NodeLeft(node) => step.left(&node),
        Happened::CacheAnswered { id, identity, hit } => step.answered(&id, identity, hit),
        Happened::Progressed { id, token, progress } => step.progressed(&id, token, progress),
        Happened::Reported(report) => step.reported(report),
        Happened::Tick => step.tick(),
    }
    step.effects
}

struct Step<'a> {
    state: &'a mut State,
    now: Millis,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn tell(&mut self, job: &JobId, event: Event) {
        self.effects.push(Effect::Tell { job: job.clone(), event });
    }

    fn save(&mut self, job: &JobId, task: &str) {
        self.effects.push(Effect::SaveTask(TaskId { job: job.clone(), task: task.into() }));
    }

    fn task(&mut self, job: &JobId, task: &str) -> Option<&mut Task> {
        self.state.jobs.get_mut(job)?.tasks.get_mut(task)
    }

    // ---- jobs -----------------------------------------------------------------------------------------------------------------

    fn submitted(&mut self, new: NewJob) {
        let id = new.id.clone();
        if self.state.jobs.contains_key(&id) {
            return;
        }
        let job = Job {
            id: new.id,
            identity: new.identity,
            build: new.build,
            spec: new.spec,
            state: JobState::Queued,
            reason: None,
            priority: new.priority,
            price: new.price,
            submitted_at: self.now,
            ended_at: None,
            parked: false,
            tasks: BTreeMap::new(),
            ready: Default::default(),
            dependents: BTreeMap::new(),
            unfinished: 0,
        };
        self.state.jobs.insert(id.clone(), job);
        self.effects.push(Effect::SaveJob(id.clone()));
        match state::check(&new.plan.tasks, &BTreeMap::new()) {
            Ok(()) => self.add(&id, new.plan.tasks),
            Err(bad) => return self.end(&id, JobState::Failed, Some(format!("failed to {bad}"))),
        }
        self.finish(&id);
    }

    fn resumed(&mut self, id: &JobId) {
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        if !std::mem::take(&mut job.parked) {
            return;
        }
        let ready: Vec<TaskName> =
            job.tasks.iter().filter(|(_, t)| t.state == TaskState::Ready).map(|(name, _)| name.clone()).collect();
        let told = story(job);
        self.effects.extend(told.into_iter().map(|event| Effect::Tell { job: id.clone(), event }));
        let losses_max = self.state.rules.losses_max;
        for name in ready {
            if self.task(id, &name).is_some_and(|task| task.losses() >= losses_max) {
                let message = format!("{losses_max} attempts were lost: it may be what ends the farm");
                return self.fail(id, &name, TaskFailure { fault: Fault::Task, message }, false);
            }
            self.resolve(id, &name);
        }
        self.finish(id);
    }

    /// Ends a job once; whatever is left of it is cancelled.
    fn end(&mut self, id: &JobId, state: JobState, reason: Option<String>) {
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        if job.terminal() {
            return;
        }
        job.state = state;
        job.reason.clone_from(&reason);
        job.ended_at = Some(self.now);
        job.parked = false;
        job.ready.clear();
        job.unfinished = 0;
        for (name, task) in job.tasks.iter_mut().filter(|(_, t)| !t.terminal()) {
            let name = TaskId { job: id.clone(), task: name.clone() };
            task.state = TaskState::Cancelled;
            if let Some(run) = task.run.take() {
                self.effects.push(Effect::Stop { node: run.node, id: name.clone(), token: task.token });
            }
            self.effects.push(Effect::SaveTask(name));
        }
        self.effects.push(Effect::SaveJob(id.clone()));
        self.tell(id, Event::JobEnded { state, reason });
    }

    /// Ends the job as succeeded if nothing of it is left.
    fn finish(&mut self, id: &JobId) {
        if self.state.jobs.get(id).is_some_and(|job| job.unfinished == 0 && !job.terminal()) {
            self.end(id, JobState::Succeeded, None);
        }
    }

    // ---- tasks ----------------------------------------------------------------------------------------------------------------

    /// Adds checked tasks to a job.
    fn add(&mut self, id: &JobId, specs: Vec<TaskSpec>) {
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        let names: Vec<TaskName> = specs.iter().map(|spec| spec.name.clone()).collect();
        for spec in specs {
            let position = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
            let event = Event::TaskAdded {
                task: spec.name.clone(),
                step: spec.step.clone(),
                label: spec.label.clone(),
                seconds: spec.ask.seconds,
            };
            self.effects.push(Effect::Tell { job: id.clone(), event });
            self.effects.push(Effect::SaveTask(TaskId { job: id.clone(), task: spec.name.clone() }));
            job.tasks.insert(spec.name.clone(), Task::new(spec, position));
            job.unfinished += 1;
        }
        let free: Vec<TaskName> = names.into_iter().filter(|name| job.link(name)).collect();
        for name in free {
            self.resolve(id, &name);
        }
    }

    /// Finds the digests of a task's inputs and asks the result cache.
    fn resolve(&mut self, id: &JobId, name: &str) {
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        if job.terminal() {
            return;
        }
        let inputs = match job.inputs_of(name) {
            Ok(inputs) => inputs,
            Err(message) => return self.fail(id, name, TaskFailure { fault: Fault::Input, message }, false),
        };
        let Some(task) = job.tasks.get_mut(name) else { return };
        let identity = identity::of_task(&job.build, &job.spec.kind, &task.spec, &inputs);
        task.state = TaskState::Ready;
        task.cache = Cache::Asked(identity);
        let id = TaskId { job: id.clone(), task: name.into() };
        self.effects.push(Effect::SaveTask(id.clone()));
        self.effects.push(Effect::LookUp { id, identity });
    }

    fn answered(&mut self, id: &TaskId, identity: Digest, hit: Option<TaskResult>) {
        let Some(task) = self.task(&id.job, &id.task) else { return };
        if task.state != TaskState::Ready || task.cache != Cache::Asked(identity) {
            return;
        }
        task.cache = Cache::Missed(identity);
        if let Some(result) = hit
            && self.succeed(id, result, true, 0.0).is_ok()
        {
            self.effects.push(Effect::Used(identity));
            return;
        }
        self.queue(id);
    }

    /// Lets a ready task be placed, unless no node could ever take it.
    fn queue(&mut self, id: &TaskId) {
        let fail = self.state.rules.fail_unplaceable;
        let Some(task) = self.state.jobs.get(&id.job).and_then(|job| job.tasks.get(&id.task)) else { return };
        if fail && !plan::placeable(self.state, task) {
            let most = self.state.nodes.values().map(|n| n.offer.memory_bytes).max().unwrap_or(0);
            let message = format!(
                "it asks for {} of memory and the largest node has {}: lower the quality or run it on a larger machine",
                megabytes(task.spec.ask.memory_bytes),
                megabytes(most)
            );
            return self.fail(&id.job, &id.task, TaskFailure { fault: Fault::Input, message }, false);
        }
        if let Some(job) = self.state.jobs.get_mut(&id.job)
            && let Some(task) = job.tasks.get(&id.task)
        {
            job.ready.insert((task.spec.rank, task.position, id.task.clone()));
        }
    }

    /// Takes a result in. Errors, changing nothing, when the tasks that it adds cannot join the job.
    fn succeed(&mut self, id: &TaskId, result: TaskResult, reused: bool, seconds: f64) -> Result<(), BadPlan> {
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Ok(()) };
        state::check(&result.adds, &job.tasks)?;
        let Some(task) = job.tasks.get_mut(&id.task) else { return Ok(()) };
        task.state = TaskState::Succeeded;
        task.reused = reused;
        task.outputs.clone_from(&result.outputs);
        task.failure = None;
        task.run = None;
        job.unfinished = job.unfinished.saturating_sub(1);
        self.save(&id.job, &id.task);
        self.tell(&id.job, Event::TaskSucceeded { task: id.task.clone(), outputs: result.outputs, reused, seconds });
        self.add(&id.job, result.adds);
        for name in self.freed(id) {
            self.resolve(&id.job, &name);
        }
        self.finish(&id.job);
        Ok(())
    }

    /// The tasks that waited only for this one.
    fn freed(&mut self, id: &TaskId) -> Vec<TaskName> {
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Vec::new() };
        let waiting = job.dependents.remove(&id.task).unwrap_or_default();
        waiting
            .into_iter()
            .filter(|name| {
                job.tasks
                    .get_mut(name)
                    .is_some_and(|task| task.needs.remove(&id.task) && task.needs.is_empty() && task.state == TaskState::Waiting)
            })
            .collect()
    }

    /// An attempt's failure: another follows, or the job ends with it.
    fn fail(&mut self, job: &JobId, name: &str, failure: TaskFailure, again: bool) {
        let id = TaskId { job: job.clone(), task: name.into() };
        let Some(task) = self.task(job, name) else { return };
        task.run = None;
        task.failure = Some(failure.clone());
        task.state = if again { TaskState::Ready } else { TaskState::Failed };
        let label = if task.spec.label.is_empty() { String::new() } else { format!(" ({})", task.spec.label) };
        let attempts = task.attempts;
        self.save(job, name);
        self.tell(job, Event::TaskFailed { task: name.into(), failure: failure.clone(), again });
        if again {
            return self.queue(&id);
        }
        if let Some(job) = self.state.jobs.get_mut(job) {
            job.unfinished = job.unfinished.saturating_sub(1);
        }
        let tries = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
        self.end(job, JobState::Failed, Some(format!("task {name}{label} failed{tries}: {}", failure.message)));
    }

    // ---- nodes and attempts ---------------------------------------------------------------------------------------------------

    fn joined(&mut self, offer: Offer) {
        self.left(&offer.node.clone());
        self.state.nodes.insert(offer.node.clone(), Node { offer, held: BTreeMap::new() });
        let waiting: Vec<TaskId> = plan::queue(self.state)
            .into_iter()
            .flat_map(|job| job.ready.iter().map(|(_, _, task)| TaskId { job: job.id.clone(), task: task.clone() }))
            .collect();
        for id in waiting {
            if self.state.jobs.get(&id.job).is_some_and(|job| !job.terminal()) {
                self.queue(&id);
            }
        }
    }

    fn left(&mut self, node: &NodeId) {
        let Some(gone) = self.state.nodes.remove(node) else { return };
        for (token, held) in gone.held {
            let message = format!("node {} left the farm", node.0);
            let running = self.task(&held.id.job, &held.id.task).is_some_and(|t| t.token == token && t.run.is_some());
            if running {
                let seconds = self.now.saturating_sub(held.since) as f64 / 1000.0;
                self.failed(&held.id, TaskFailure { fault: Fault::Nobody, message }, seconds);
            }
        }
    }

    fn tick(&mut self) {
        for placement in plan::plan(self.state, self.now) {
            self.place(placement);
        }
    }

    fn place(&mut self, Placement { id, node, slot }: Placement) {
        let token = Token(self.state.next_token.max(1));
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return };
        let Ok(inputs) = job.inputs_of(&id.task) else { return };
        let Some(task) = job.tasks.get_mut(&id.task) else { return };
        let Some(host) = self.state.nodes.get_mut(&node) else { return };
        self.state.next_token = token.0 + 1;
        job.ready.remove(&(task.spec.rank, task.position, id.task.clone()));
        task.state = TaskState::Running;
        task.attempts += 1;
        task.token = token;
        task.run = Some(Run { node: node.clone(), slot, since: self.now });
        let ask = task.spec.ask;
        let held = Held { id: id.clone(), slot, memory_bytes: ask.memory_bytes, since: self.now, seconds: ask.seconds };
        host.held.insert(token, held);
        let (attempt, task, kind) = (task.attempts, task.spec.clone(), job.spec.kind.clone());
        if job.state == JobState::Queued {
            job.state = JobState::Running;
            self.effects.push(Effect::SaveJob(id.job.clone()));
        }
        self.save(&id.job, &id.task);
        self.tell(&id.job, Event::TaskStarted { task: id.task.clone(), attempt, worker: slot });
        self.effects.push(Effect::Run { node, dispatch: Box::new(Dispatch { id, attempt, token, slot, kind, task, inputs }) });
    }

    fn progressed(&mut self, id: &TaskId, token: Token, mut progress: Progress) {
        let Some(task) = self.task(&id.job, &id.task) else { return };
        if task.token != token || task.run.is_none() {
            return;
        }
        // `max` also drops NaN.
        let furthest = progress.fraction.clamp(0.0, 1.0).max(task.furthest);
        let further = furthest > std::mem::replace(&mut task.furthest, furthest);
        progress.fraction = furthest;
        // Saved before it is told, so that the next leader does not tell less.
        if further {
            self.save(&id.job, &id.task);
        }
        self.tell(&id.job, Event::TaskProgress { task: id.task.clone(), progress });
    }

    fn reported(&mut self, report: Report) {
        if let Some(node) = self.state.nodes.get_mut(&report.node) {
            node.held.remove(&report.token);
        }
        let valid = self.task(&report.id.job, &report.id.task).is_some_and(|task| {
            task.token == report.token
                && task.attempts == report.attempt
                && task.run.as_ref().is_some_and(|run| run.node == report.node)
        });
        if !valid {
            return self.effects.push(Effect::Refused { id: report.id, token: report.token });
        }
        let seconds = if report.seconds.is_finite() { report.seconds.max(0.0) } else { 0.0 };
        match report.outcome {
            Outcome::Succeeded(result) => self.succeeded(&report.id, result, seconds),
            Outcome::Failed(failure) => self.failed(&report.id, failure, seconds),
        }
    }

    fn succeeded(&mut self, id: &TaskId, result: TaskResult, seconds: f64) {
        let Some(task) = self.task(&id.job, &id.task) else { return };
        let cache = task.cache;
        let attempt = self.attempt(id, seconds, None);
        match self.succeed(id, result.clone(), false, seconds) {
            Ok(()) => {
                self.effects.extend(attempt.map(|a| Effect::SaveAttempt(Box::new(a))));
                if let Cache::Missed(identity) = cache {
                    self.effects.push(Effect::Remember { identity, result, seconds });
                }
            }
            // `seconds` are already booked.
            Err(bad) => self.failed(id, TaskFailure { fault: Fault::Task, message: format!("failed to {bad}") }, 0.0),
        }
    }

    fn failed(&mut self, id: &TaskId, failure: TaskFailure, seconds: f64) {
        let rules = self.state.rules;
        let attempt = self.attempt(id, seconds, Some(failure.clone()));
        self.effects.extend(attempt.map(|a| Effect::SaveAttempt(Box::new(a))));
        let Some(task) = self.task(&id.job, &id.task) else { return };
        let again = match failure.fault {
            Fault::Task => {
                task.faults += 1;
                task.faults < rules.attempts_max
            }
            Fault::Node => {
                task.node_faults += 1;
                task.node_faults < rules.attempts_max
            }
            Fault::Input => {
                task.faults += 1;
                false
            }
            Fault::Nobody => {
                // One less is running, so that the loss counts.
                task.run = None;
                task.losses() < rules.losses_max
            }
        };
        self.fail(&id.job, &id.task, failure, again);
    }

    /// Books an attempt's seconds and writes it down.
    fn attempt(&mut self, id: &TaskId, seconds: f64, failure: Option<TaskFailure>) -> Option<Attempt> {
        let now = self.now;
        let task = self.task(&id.job, &id.task)?;
        task.seconds += seconds;
        let run = task.run.clone()?;
        let (attempt, token) = (task.attempts, task.token);
        let (node, slot, started) = (run.node, run.slot, run.since);
        Some(Attempt { id: id.clone(), attempt, token, node, slot, started, ended: now, seconds, failure })
    }
}

impl Job {
    /// Notes what a task waits for. True when it waits for nothing.
    pub(crate) fn link(&mut self, name: &str) -> bool {
        let Some(task) = self.tasks.get(name) else { return false };
        let needs: std::collections::BTreeSet<TaskName> = state::sources(&task.spec.inputs)
            .filter(|need| self.tasks.get(*need).is_none_or(|t| t.state != TaskState::Succeeded))
            .cloned()
            .collect();
        for need in &needs {
            self.dependents.entry(need.clone()).or_default().insert(name.into());
        }
        let free = needs.is_empty();
        if let Some(task) = self.tasks.get_mut(name) {
            task.needs = needs;
        }
        free
    }

    /// Makes the links of a job that comes from the store, and counts what is left of it.
    pub(crate) fn relink(&mut self) {
        let names: Vec<TaskName> = self.tasks.iter().filter(|(_, t)| !t.terminal()).map(|(name, _)| name.clone()).collect();
        self.unfinished = names.len();
        for name in names {
            let state = if self.link(&name) { TaskState::Ready } else { TaskState::Waiting };
            if let Some(task) = self.tasks.get_mut(&name).filter(|task| task.run.is_none()) {
                task.state = state;
            }
        }
    }

    /// The job without its tasks.
    pub(crate) fn bare(&self) -> Self {
        Self {
            id: self.id.clone(),
            build: self.build.clone(),
            spec: self.spec.clone(),
            reason: self.reason.clone(),
            tasks: BTreeMap::new(),
            ready: Default::default(),
            dependents: BTreeMap::new(),
            ..*self
        }
    }

    /// The digests of a task's inputs, or what is missing.
    fn inputs_of(&self, name: &str) -> Result<BTreeMap<String, Digest>, String> {
        let Some(task) = self.tasks.get(name) else { return Err(format!("there is no task {name}")) };
        let resolve = |from: &Source| match from {
            Source::Blob(digest) => Ok(*digest),
            Source::Output { task, name } => self
                .tasks
                .get(task)
                .and_then(|t| t.outputs.get(name))
                .copied()
                .ok_or_else(|| format!("task {task} gave no output named {name}")),
        };
        task.spec.inputs.iter().map(|(name, input)| Ok((name.clone(), resolve(&input.from)?))).collect()
    }
}

/// What a watcher who comes late has to know of a job: its tasks, and what of them is done.
pub fn story(job: &Job) -> Vec<Event> {
    let mut tasks: Vec<(&TaskName, &Task)> = job.tasks.iter().collect();
    tasks.sort_by_key(|(_, task)| task.position);
    let mut events: Vec<Event> = tasks
        .iter()
        .map(|(name, task)| Event::TaskAdded {
            task: (*name).clone(),
            step: task.spec.step.clone(),
            label: task.spec.label.clone(),
            seconds: task.spec.ask.seconds,
        })
        .collect();
    for (name, task) in tasks {
        if task.state == TaskState::Succeeded {
            let (task, outputs) = (name.clone(), task.outputs.clone());
            events.push(Event::TaskSucceeded { task, outputs, reused: true, seconds: 0.0 });
        }
    }
    if job.terminal() {
        events.push(Event::JobEnded { state: job.state, reason: job.reason.clone() });
    }
    events
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
