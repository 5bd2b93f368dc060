//! Jobs: accepted, resumed, ended.

use super::{Effect, NewJob, Step, story};
use crate::{
    admit::admit,
    state::{Job, Standing, Tasks},
};
use klieg_protocol::{Event, Fault, JobId, JobState, TaskFailure, TaskId, TaskState};
use std::collections::BTreeMap;

impl Step<'_> {
    pub(super) fn submitted(&mut self, new: NewJob) {
        let id = new.id.clone();
        if self.state.jobs.contains_key(&id) {
            return;
        }
        if let Err(refusal) = admit(self.state, &new.project, &new.plan, new.price) {
            return self.effects.push(Effect::Declined { job: id, refusal });
        }
        let job = Job {
            id: new.id,
            identity: new.identity,
            build: new.build,
            spec: new.spec,
            project: new.project,
            state: JobState::Queued,
            reason: None,
            priority: new.priority,
            price: new.price,
            submitted_at: self.now,
            ended_at: None,
            parked: false,
            standing: Standing::default(),
            tasks: Tasks::default(),
            ready: BTreeMap::new(),
            dependents: BTreeMap::new(),
            unfinished: 0,
        };
        self.state.jobs.insert(id.clone(), job);
        self.effects.push(Effect::SaveJob(id.clone()));
        self.add(&id, new.plan.tasks);
        self.finish(&id);
    }

    pub(super) fn resumed(&mut self, id: &JobId) {
        let losses_max = self.state.rules.losses_max;
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        if !std::mem::take(&mut job.parked) {
            return;
        }
        // What its nodes have reported meanwhile may be queued already, but the job does not stand in line.
        self.state.dequeue_all(id);
        let Some(job) = self.state.jobs.get(id) else { return };
        let told = story(job);
        let ready = job.tasks.values().filter(|t| t.state == TaskState::Ready);
        let ready: Vec<(TaskId, bool)> =
            ready.map(|task| (TaskId { job: id.clone(), task: task.spec.name.to_string() }, task.losses() >= losses_max)).collect();
        self.effects.extend(told.into_iter().map(|event| Effect::Tell { job: id.clone(), event }));
        for (task, given_up) in ready {
            if given_up {
                let message = format!("{losses_max} attempts were lost: it may be what ends the farm");
                return self.fail(&task, TaskFailure { fault: Fault::Task, message }, None);
            }
            self.resolve(&task);
        }
        self.finish(id);
    }

    pub(super) fn prioritised(&mut self, id: &JobId, priority: i32) {
        if self.state.prioritise(id, priority) {
            self.effects.push(Effect::SaveJob(id.clone()));
        }
    }

    /// Ends a job once; whatever is left of it is cancelled.
    pub(super) fn end(&mut self, id: &JobId, state: JobState, reason: Option<String>) {
        self.state.dequeue_all(id);
        let Some(job) = self.state.jobs.get_mut(id) else { return };
        if job.terminal() {
            return;
        }
        job.state = state;
        job.reason.clone_from(&reason);
        job.ended_at = Some(self.now);
        job.parked = false;
        let (left, seconds) = (std::mem::take(&mut job.unfinished), job.standing.left);
        let (project, mut stops) = (job.project.clone(), Vec::new());
        for task in job.tasks.values_mut().filter(|t| !t.terminal()) {
            let name = TaskId { job: id.clone(), task: task.spec.name.to_string() };
            task.state = TaskState::Cancelled;
            if let Some(run) = task.run.take() {
                stops.push((run.node, name.clone(), task.token));
            }
            self.effects.push(Effect::SaveTask(name));
        }
        stops.into_iter().for_each(|(node, id, token)| self.stop(node, id, token));
        self.state.close_seconds(id, seconds);
        self.state.count_open(&project, -i64::try_from(left).unwrap_or(i64::MAX));
        self.effects.push(Effect::SaveJob(id.clone()));
        self.tell(id, Event::JobEnded { state, reason });
        self.stopped();
    }

    /// Ends the job as succeeded if nothing of it is left.
    pub(super) fn finish(&mut self, id: &JobId) {
        if self.state.jobs.get(id).is_some_and(|job| job.unfinished == 0 && !job.terminal()) {
            self.end(id, JobState::Succeeded, None);
        }
    }
}
