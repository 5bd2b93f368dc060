//! The words of the farm as types: digests, tasks, plans, attempts, events, problems. serde only; no IO.

mod digest;
mod event;
mod plan;
mod post;
mod telemetry;
pub mod trace;
pub mod wire;

pub use digest::{Digest, NotADigest};
pub use event::{Event, JobState, Progress, TaskState};
pub use plan::{
    Ask, Class, Fault, Input, JobId, JobSpec, Plan, Source, Split, TaskFailure, TaskId, TaskName, TaskResult, TaskSpec, Token,
};
pub use post::{
    Beat, Beaten, Charge, Closed, Command, Commands, DeviceBeat, DeviceOffer, Dispatch, Dispatcher, Incarnation, NodeId, Offer,
    Outcome, Report,
};
pub use telemetry::{DiskTelemetry, GpuFacts, GpuTelemetry, HostTelemetry, Telemetry, Tools};
pub use trace::{Span, SpanKind, TraceContext};
