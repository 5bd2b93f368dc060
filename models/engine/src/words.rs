//! What the engine is told.

use crate::blocks::{BlockId, Copy};

/// Names a model on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub u32);

/// Names a request; higher is younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Whose turn it is: a project, or a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(pub String);

/// Bounds of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What parts, states and working sets may take of the device together.
    pub device_bytes: u64,
    /// What parked parts may take of the host.
    pub host_bytes: u64,
    /// What a flow may spend when its turn comes, in the unit of `PhaseSpec::cost`.
    pub quantum: u64,
    /// How far below zero riding along may bring a flow.
    pub debt_max: u64,
    /// Requests that wait or run.
    pub requests_max: usize,
    /// A part that nobody has used for so long is parked, so that others on the device have room; 0: never.
    pub idle_ms: u64,
}

/// A model's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// Bytes of the weights of each part on the device; the same when parked.
    pub parts: Vec<u64>,
    pub phases: Vec<PhaseSpec>,
    /// If its requests keep keys and values of tokens.
    pub pool: Option<PoolSpec>,
}

/// A kind of step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseSpec {
    /// Parts that it runs.
    pub parts: Vec<usize>,
    /// Bytes besides weights and states while it runs: for the batch, and for each request in it.
    pub working_bytes: u64,
    pub working_bytes_each: u64,
    /// Requests in a batch.
    pub batch_max: usize,
    /// What a step costs its flow: its estimated time alone, in any unit. At least 1.
    pub cost: u64,
    /// Tokens that a step adds to a sequence: of a prompt all, of decoding 1.
    pub tokens: Tokens,
}

/// How a step lengthens a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    #[default]
    None,
    /// The whole prompt.
    Prompt,
    One,
}

/// A pool of blocks for keys and values, which is on the device while a sequence has some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    pub blocks: u32,
    pub block_bytes: u64,
    pub block_tokens: u32,
}

/// What requests must have in common to run together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Like {
    /// Sizes of the tensors, batch aside.
    pub shape: Vec<u32>,
    pub dtype: String,
    /// Parts of the model that are adapters, in their order, with their weights in thousandths.
    pub adapters: Vec<(usize, i32)>,
}

/// Steps of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    pub phase: usize,
    /// At most: a step may say that it was the last one.
    pub steps: u32,
}

/// The tokens of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    pub prompt_tokens: u32,
    pub new_tokens_max: u32,
    /// A digest of everything up to the end of each whole block of the prompt: what begins alike shares its blocks.
    pub prefix: Vec<u64>,
}

/// What somebody wants of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    pub flow: Flow,
    pub model: ModelId,
    pub like: Like,
    /// Done one after the other.
    pub stages: Vec<Stage>,
    /// What it keeps on the device from its first step to its last: latents, images.
    pub state_bytes: u64,
    pub sequence: Option<Sequence>,
    /// A preview after every so many steps; 0: none.
    pub preview_every: u32,
}

/// Steps that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub model: ModelId,
    pub phase: usize,
    pub like: Like,
    /// Who leads comes first.
    pub entries: Vec<Entry>,
}

/// A request's place in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub request: RequestId,
    /// Which step of its stage this is, from 0.
    pub step: u32,
    pub preview: bool,
    /// Where its keys and values are, this step's included.
    pub blocks: Vec<BlockId>,
    /// Blocks to copy before the step, because others read them, too.
    pub copies: Vec<Copy>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Its stage has no more steps.
    Last,
    Failed(String),
}

/// Why a model or request is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("take the request: there is no model {0:?} here")]
    NoModel(ModelId),
    #[error("take the request: its model has no phase {0}")]
    NoPhase(usize),
    #[error("take the request: its model has no part {0} for an adapter")]
    NoPart(usize),
    #[error("take the request: it has no steps")]
    NoSteps,
    #[error("take the request: there is one of its number")]
    Twice,
    #[error("take the request: it needs {needed} bytes of device memory alone, and there are {device}; make it smaller")]
    TooLarge { needed: u64, device: u64 },
    #[error("take the request: its {tokens} tokens do not fit {room}; make the prompt or what is to be written shorter")]
    TooLong { tokens: u64, room: u64 },
    #[error("take the request: {max} are waiting already; try again later")]
    Full { max: usize },
    #[error("take the model {model:?}: {what}")]
    BadModel { model: ModelId, what: String },
}

/// What of the device is whose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub parts_bytes: u64,
    /// States of requests that have begun, and pools that are in use.
    pub states_bytes: u64,
    pub working_bytes: u64,
    /// Of the host.
    pub parked_bytes: u64,
}

impl Memory {
    /// What is reserved of the device.
    pub fn device_bytes(&self) -> u64 {
        self.parts_bytes + self.states_bytes + self.working_bytes
    }
}
