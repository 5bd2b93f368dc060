//! The traces that jobs belong to, and the spans of jobs and their tasks. In memory only: what a new leader goes on with belongs to no
//! trace any more, but for the attempts that run.

use crate::{
    state::{Millis, State},
    step::Effect,
};
use klieg_protocol::{Event, JobId, Span, SpanKind, TaskId, TaskName, TraceContext, trace};
use std::collections::BTreeMap;

/// Of the jobs that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Traces(BTreeMap<JobId, Traced>);

#[derive(Debug)]
struct Traced {
    /// The span of the request that has submitted it.
    request: TraceContext,
    /// When its running tasks could first have run.
    tasks: BTreeMap<TaskName, Millis>,
}

impl Traced {
    fn job(&self, id: &JobId) -> TraceContext {
        self.request.child(&id.0)
    }
}

impl Traces {
    /// A job that was submitted by a request of that trace.
    pub fn begin(&mut self, job: JobId, request: TraceContext) {
        self.0.insert(job, Traced { request, tasks: BTreeMap::new() });
    }

    /// The span of a task, for those who work on it.
    pub fn of(&self, id: &TaskId) -> Option<TraceContext> {
        Some(self.0.get(&id.job)?.job(&id.job).child(&id.task))
    }

    /// Tells the spans of what a round has brought to its end. `state`: after it.
    pub fn take(&mut self, state: &State, effects: &[Effect], now: Millis) {
        if self.0.is_empty() {
            return;
        }
        for effect in effects {
            if let Effect::Tell { job, event } = effect {
                self.told(state, job, event, now);
            }
        }
    }

    fn told(&mut self, state: &State, job: &JobId, event: &Event, now: Millis) {
        let Some(traced) = self.0.get_mut(job) else { return };
        let id = |task: &TaskName| TaskId { job: job.clone(), task: task.clone() };
        match event {
            Event::TaskStarted { task, .. } if trace::told() => {
                let ready_at = state.task(&id(task)).map_or(0, |task| task.ready_at);
                let waited = state.clock.steady().saturating_sub(ready_at);
                traced.tasks.entry(task.clone()).or_insert(now.saturating_sub(waited));
            }
            Event::TaskSucceeded { task, .. } => traced.ended(state, &id(task), None, now),
            Event::TaskFailed { task, failure, again: false } => traced.ended(state, &id(task), Some(failure.message.clone()), now),
            Event::JobEnded { reason, .. } => {
                if let Some(traced) = self.0.remove(job) {
                    traced.over(state, job, reason.clone(), now);
                }
            }
            _ => {}
        }
    }
}

fn said(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

impl Traced {
    fn ended(&mut self, state: &State, id: &TaskId, failure: Option<String>, now: Millis) {
        let from_ms = self.tasks.remove(&id.task).unwrap_or(now);
        let Some(task) = state.task(id).filter(|_| trace::told()) else { return };
        let (job, step) = (self.job(&id.job), task.spec.open().step);
        trace::tell(Span {
            context: job.child(&id.task),
            parent: job.span,
            name: format!("task {step}"),
            kind: SpanKind::Internal,
            from_ms,
            to_ms: now,
            attributes: vec![
                said("klieg.job", &id.job.0),
                said("klieg.task", &id.task),
                said("klieg.step", step),
                said("klieg.attempts", task.attempts),
                said("klieg.reused", task.reused),
            ],
            failure,
        });
    }

    fn over(self, state: &State, id: &JobId, failure: Option<String>, now: Millis) {
        let Some(job) = state.jobs.get(id).filter(|_| trace::told()) else { return };
        trace::tell(Span {
            context: self.job(id),
            parent: self.request.span,
            name: format!("job {}", job.spec.kind),
            kind: SpanKind::Internal,
            from_ms: job.submitted_at,
            to_ms: now,
            attributes: vec![
                said("klieg.job", &id.0),
                said("klieg.kind", &job.spec.kind),
                said("klieg.project", &job.project),
                said("klieg.tasks", job.tasks.len()),
            ],
            failure,
        });
    }
}
