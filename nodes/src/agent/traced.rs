//! The spans of attempts, where their jobs belong to a trace.

use crate::clock;
use klieg_protocol::{Dispatch, NodeId, Outcome, Report, Span, SpanKind, TraceContext, trace};

/// An attempt that runs.
pub struct Traced {
    /// The task's span, and the attempt's.
    contexts: Option<(TraceContext, TraceContext)>,
    from_ms: u64,
    step: String,
    number: u32,
    job: String,
    task: String,
}

impl Traced {
    /// The span of an attempt: its token tells it from others of the task.
    pub fn of(dispatch: &Dispatch) -> Option<TraceContext> {
        dispatch.trace.map(|task| task.child(&format!("attempt {}", dispatch.token.0)))
    }

    pub fn begin(dispatch: &Dispatch) -> Self {
        Self {
            contexts: dispatch.trace.zip(Self::of(dispatch)),
            from_ms: clock::wall_ms(),
            step: dispatch.task.step.clone(),
            number: dispatch.attempt,
            job: dispatch.id.job.0.clone(),
            task: dispatch.id.task.clone(),
        }
    }

    /// What stands around the log's lines of the attempt.
    pub fn log(&self) -> tracing::Span {
        let trace = self.contexts.map(|(task, _)| format!("{:032x}", task.trace));
        tracing::info_span!("attempt", job = self.job, task = self.task, attempt = self.number, trace)
    }

    /// Tells it, as it came out.
    pub fn end(&self, report: &Report, device: usize) {
        let Some((task, context)) = self.contexts.filter(|_| trace::told()) else { return };
        let NodeId(node) = &report.node;
        let said = |name: &str, value: String| (name.to_owned(), value);
        trace::tell(Span {
            context,
            parent: task.span,
            name: format!("attempt {}", self.step),
            kind: SpanKind::Consumer,
            from_ms: self.from_ms,
            to_ms: clock::wall_ms(),
            attributes: vec![
                said("klieg.job", self.job.clone()),
                said("klieg.task", self.task.clone()),
                said("klieg.step", self.step.clone()),
                said("klieg.attempt", self.number.to_string()),
                said("klieg.node", node.clone()),
                said("klieg.device", device.to_string()),
            ],
            failure: match &report.outcome {
                Outcome::Succeeded(_) => None,
                Outcome::Failed(failure) | Outcome::Split { failure, .. } => Some(failure.message.clone()),
            },
        });
    }
}

/// Tells what a worker has done, if it is of the attempt's trace.
pub fn take(dispatch: &Dispatch, span: Span) {
    if dispatch.trace.is_some_and(|task| task.trace == span.context.trace) {
        trace::tell(span);
    }
}
