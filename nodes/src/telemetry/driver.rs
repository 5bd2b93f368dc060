//! The port to the driver of a machine's GPUs.

use klieg_protocol::{GpuFacts, GpuTelemetry};

/// A GPU as the driver lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gpu {
    /// "NVIDIA H200".
    pub name: String,
    pub memory_bytes: u64,
    pub facts: GpuFacts,
}

/// The driver cannot reach a GPU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ask the driver about a GPU: {0}")]
pub struct Lost(pub String);

/// What the driver tells. All calls may take long when a GPU is in trouble.
pub trait Driver: Send {
    /// The GPUs that are there now, in the order of their place on the bus.
    fn gpus(&mut self) -> Vec<Gpu>;
    /// Every GPU that is there, by UUID, with its figures. Those of Xid errors are not filled in.
    fn look(&mut self) -> Vec<(String, Result<GpuTelemetry, Lost>)>;
    /// The Xid errors since the last call, oldest first: UUID and number. Errors of before the first call are not told.
    fn xids(&mut self) -> Vec<(String, u64)>;
}
