//! Tasks: added, resolved, looked up, queued, done.

use super::{Effect, Step};
use crate::{
    admit, identity,
    state::{self, BadPlan, Cache, Millis, Task},
};
use klieg_protocol::{Digest, Event, Fault, JobId, JobState, Split, TaskFailure, TaskId, TaskResult, TaskSpec, TaskState};

impl Step<'_> {
    /// Adds checked tasks to a job.
    pub(super) fn add(&mut self, id: &JobId, specs: Vec<TaskSpec>) {
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        let count = specs.len();
        job.tasks.reserve(count);
        let (mut places, mut seconds) = (Vec::with_capacity(count), 0.0);
        for spec in specs {
            let event = Event::TaskAdded {
                task: spec.name.clone(),
                step: spec.step.clone(),
                label: spec.label.clone(),
                seconds: spec.ask.seconds,
            };
            self.effects.push(Effect::Tell { job: id.clone(), event });
            self.effects.push(Effect::SaveTask(TaskId { job: id.clone(), task: spec.name.clone() }));
            job.standing.count(&spec.ask);
            seconds += spec.ask.seconds;
            let position = u32::try_from(job.tasks.len()).unwrap_or(u32::MAX);
            places.push(job.tasks.insert(Task::new(spec, position)));
        }
        job.unfinished += count;
        let project = job.project.clone();
        let free: Vec<u32> = places.into_iter().filter(|place| job.link(*place)).collect();
        let free = free.into_iter().filter_map(|place| job.tasks.at(place));
        let free: Vec<TaskId> = free.map(|task| TaskId { job: id.clone(), task: task.spec.name.to_string() }).collect();
        self.state.count_open(&project, i64::try_from(count).unwrap_or(i64::MAX));
        self.state.open_seconds += seconds;
        self.state.stand(id);
        for id in free {
            self.resolve(&id);
        }
    }

    /// Finds the digests of a task's inputs and asks the result cache.
    pub(super) fn resolve(&mut self, id: &TaskId) {
        let Some(job) = self.state.jobs.get(&id.job) else { return };
        let Some(task) = job.tasks.get(&id.task) else { return };
        if job.terminal() {
            return;
        }
        let spec = task.spec.open();
        let inputs = match job.inputs_of(&spec) {
            Ok(inputs) => inputs,
            Err(message) => return self.fail(id, TaskFailure { fault: Fault::Input, message }, None),
        };
        let identity = identity::of_task(&job.build, &job.spec.kind, &spec, &inputs);
        let Some(task) = self.task(id) else { return };
        // A new leader finds most of a long queue ready, as it was written.
        let news = std::mem::replace(&mut task.state, TaskState::Ready) != TaskState::Ready;
        if spec.ask.fresh {
            if news {
                self.save(id);
            }
            return self.queue(id, 0);
        }
        task.cache = Cache::Asked;
        if news {
            self.save(id);
        }
        self.effects.push(Effect::LookUp { id: id.clone(), identity });
    }

    /// What names the task's outcome, once its inputs are there.
    pub(super) fn identity(&self, id: &TaskId) -> Option<Digest> {
        let job = self.state.jobs.get(&id.job)?;
        let spec = job.tasks.get(&id.task)?.spec.open();
        let inputs = job.inputs_of(&spec).ok()?;
        Some(identity::of_task(&job.build, &job.spec.kind, &spec, &inputs))
    }

    pub(super) fn answered(&mut self, id: &TaskId, identity: Digest, hit: Option<TaskResult>) {
        let Some(task) = self.task(id) else { return };
        if task.state != TaskState::Ready || task.cache != Cache::Asked {
            return;
        }
        task.cache = Cache::Missed;
        if let Some(result) = hit
            && self.identity(id) == Some(identity)
            && self.succeed(id, result, true, 0.0).is_ok()
        {
            self.effects.push(Effect::Used(identity));
            return;
        }
        self.queue(id, 0);
    }

    /// Lets a ready task be placed, after a wait if there is one, unless no device could ever take it.
    pub(super) fn queue(&mut self, id: &TaskId, wait: Millis) {
        let Some(job) = self.state.jobs.get(&id.job) else { return };
        let Some(place) = job.tasks.place(&id.task) else { return };
        let Some(task) = job.tasks.at(place) else { return };
        if job.terminal() || task.state != TaskState::Ready {
            return;
        }
        let shape = self.state.shape_of(job, task);
        if let Err(refusal) = admit::fits(self.state, &id.task, &shape) {
            let message = format!("failed to {refusal}; lower the quality or run it on a larger machine");
            return self.fail(id, TaskFailure { fault: Fault::Input, message }, None);
        }
        if wait > 0 {
            self.state.naps.insert((self.state.clock.steady() + wait, id.job.clone(), place));
        } else {
            self.state.enqueue(&id.job, place);
        }
    }

    /// Queues the tasks that have waited long enough.
    pub(super) fn wake(&mut self) {
        let now = self.state.clock.steady();
        while self.state.naps.first().is_some_and(|(at, _, _)| *at <= now) {
            if let Some((_, job, place)) = self.state.naps.pop_first() {
                self.state.enqueue(&job, place);
            }
        }
    }

    /// Takes a result in. Errors, changing nothing, when the tasks that it adds cannot join the job.
    pub(super) fn succeed(&mut self, id: &TaskId, result: TaskResult, reused: bool, seconds: f64) -> Result<(), BadPlan> {
        let limit = self.state.rules.tasks_per_job_max;
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Ok(()) };
        if job.tasks.len() + result.adds.len() > limit {
            return Err(BadPlan::Many { limit });
        }
        state::check(&result.adds, &job.tasks)?;
        let Some(task) = job.tasks.get_mut(&id.task) else { return Ok(()) };
        task.state = TaskState::Succeeded;
        task.reused = reused;
        task.outputs.clone_from(&result.outputs);
        task.failure = None;
        task.run = None;
        task.shape = None;
        let estimate = task.spec.seconds;
        self.closed(&id.job, estimate);
        self.save(id);
        self.tell(&id.job, Event::TaskSucceeded { task: id.task.clone(), outputs: result.outputs, reused, seconds });
        self.add(&id.job, result.adds);
        for next in self.freed(id) {
            self.resolve(&next);
        }
        self.finish(&id.job);
        Ok(())
    }

    /// One task less is unfinished.
    fn closed(&mut self, job: &JobId, estimate: f64) {
        self.state.close_seconds(job, estimate);
        let Some(job) = self.state.jobs.get_mut(job) else { return };
        job.unfinished = job.unfinished.saturating_sub(1);
        let project = job.project.clone();
        self.state.count_open(&project, -1);
    }

    /// The tasks that waited only for this one.
    fn freed(&mut self, id: &TaskId) -> Vec<TaskId> {
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Vec::new() };
        let Some(place) = job.tasks.place(&id.task) else { return Vec::new() };
        let mut free = Vec::new();
        for next in job.dependents.remove(&place).unwrap_or_default() {
            let Some(task) = job.tasks.at_mut(next) else { continue };
            task.needs = task.needs.saturating_sub(1);
            if task.needs == 0 && task.state == TaskState::Waiting {
                free.push(TaskId { job: id.job.clone(), task: task.spec.name.to_string() });
            }
        }
        free
    }

    /// A failure of a task: another attempt follows after so long a wait, or its job ends with it.
    pub(super) fn fail(&mut self, id: &TaskId, failure: TaskFailure, again: Option<Millis>) {
        let Some(task) = self.task(id) else { return };
        if task.terminal() {
            return;
        }
        task.run = None;
        task.failure = Some(Box::new(failure.clone()));
        task.state = if again.is_some() { TaskState::Ready } else { TaskState::Failed };
        let label = task.spec.open().label;
        let label = if label.is_empty() { label } else { format!(" ({label})") };
        let (attempts, estimate) = (task.attempts, task.spec.seconds);
        self.save(id);
        self.tell(&id.job, Event::TaskFailed { task: id.task.clone(), failure: failure.clone(), again: again.is_some() });
        if let Some(wait) = again {
            return self.queue(id, wait);
        }
        self.closed(&id.job, estimate);
        let tries = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
        self.end(&id.job, JobState::Failed, Some(format!("task {}{label} failed{tries}: {}", id.task, failure.message)));
    }

    /// The task becomes what its kind made of it: parts, and the whole that waits for them. Errors, changing nothing, when that
    /// is no plan, or would not make it smaller.
    pub(super) fn split(&mut self, id: &TaskId, split: Split) -> Result<(), BadPlan> {
        let limit = self.state.rules.tasks_per_job_max;
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Ok(()) };
        let Some(place) = job.tasks.place(&id.task) else { return Ok(()) };
        let Some(task) = job.tasks.at(place) else { return Ok(()) };
        let splits = task.splits + 1;
        if job.tasks.len() + split.parts.len() > limit {
            return Err(BadPlan::Many { limit });
        }
        let before = task.shape.as_ref().map_or(u64::MAX, |shape| shape.memory_bytes);
        let large = split.parts.iter().chain([&*split.whole]).find(|part| part.ask.memory_bytes >= before);
        if let Some(part) = large {
            return Err(BadPlan::NotSmaller(part.name.clone()));
        }
        if split.parts.is_empty() || split.whole.name != id.task {
            return Err(BadPlan::NotSmaller(id.task.clone()));
        }
        state::check_split(&split, &job.tasks)?;
        let parts: Vec<String> = split.parts.iter().map(|part| part.name.clone()).collect();
        let Some(task) = job.tasks.at_mut(place) else { return Ok(()) };
        task.spec = (*split.whole).into();
        (task.run, task.shape, task.state, task.cache, task.splits) = (None, None, TaskState::Waiting, Cache::Unasked, splits);
        self.add(&id.job, split.parts);
        let Some(job) = self.state.jobs.get_mut(&id.job) else { return Ok(()) };
        for part in parts {
            if let Some(part) = job.tasks.get_mut(&part) {
                part.splits = splits;
            }
        }
        let free = job.link(place);
        self.save(id);
        if free {
            self.resolve(id);
        }
        Ok(())
    }
}
