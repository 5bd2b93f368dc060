use crate::{
    Class, Digest, GpuFacts, Progress, Split, TaskFailure, TaskId, TaskResult, TaskSpec, Telemetry, Token, Tools, TraceContext,
    wire::Heard,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future, path::PathBuf};

/// Names a machine that runs an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub String);

/// One life of an agent: drawn at random at every start. What ran under another one runs no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

/// A device of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceOffer {
    /// For people: "NVIDIA H200".
    pub name: String,
    pub class: Class,
    /// Memory that all its tasks may use together.
    pub memory_bytes: u64,
    /// Tasks of one slot that it runs at a time.
    pub slots: u32,
    /// `None` for a processor.
    #[serde(default)]
    pub gpu: Option<GpuFacts>,
}

/// What a node brings to the farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub node: NodeId,
    pub incarnation: Incarnation,
    /// Dispatches and heartbeats name them by their place here.
    pub devices: Vec<DeviceOffer>,
    #[serde(default)]
    pub tools: Tools,
}

impl Offer {
    /// A node of one processor with so many slots and so much memory.
    pub fn of_cpu(node: NodeId, incarnation: Incarnation, slots: u32, memory_bytes: u64) -> Self {
        let cpu = DeviceOffer { name: "processor".into(), class: Class::Cpu, memory_bytes, slots, gpu: None };
        Self { node, incarnation, devices: vec![cpu], tools: Tools::default() }
    }
}

/// What a node tells every few seconds. Its lease runs from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub node: NodeId,
    pub incarnation: Incarnation,
    /// It wants no more attempts: it is about to leave.
    pub draining: bool,
    /// As in the offer.
    pub devices: Vec<DeviceBeat>,
    /// The latest session that it has heard of: each time that a scheduler takes the node in, it begins a higher one. The node is
    /// given nothing before it has named that: only then is it certain that nothing of an earlier one is still under way.
    pub session: u64,
    /// Every attempt that it has taken and whose report has not been confirmed.
    pub attempts: Vec<Charge>,
    /// What it measured since the last heartbeat that carried any.
    #[serde(default)]
    pub telemetry: Option<Box<Telemetry>>,
}

/// An attempt that a node has, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub id: TaskId,
    pub token: Token,
    pub device: u32,
    pub slots: Vec<u32>,
    pub memory_bytes: u64,
}

impl Charge {
    /// Of a dispatch.
    pub fn of(dispatch: &Dispatch) -> Self {
        let Dispatch { id, token, device, slots, memory_bytes, .. } = dispatch;
        Self { id: id.clone(), token: *token, device: *device, slots: slots.clone(), memory_bytes: *memory_bytes }
    }
}

/// How a device is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBeat {
    /// Why it cannot be used (an Xid error, no driver).
    pub fault: Option<String>,
    /// Models in its memory.
    pub warm: Vec<String>,
}

/// What a heartbeat is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beaten {
    Known,
    /// The farm has no such node any more, or never had: join again.
    Unknown,
    /// Another incarnation has taken its place: end.
    Replaced,
}

/// One attempt, as the scheduler hands it to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispatch {
    pub id: TaskId,
    /// 1 for the first.
    pub attempt: u32,
    pub token: Token,
    /// The device that it runs on, by its place in the offer.
    pub device: u32,
    /// The device's slots that are reserved for it; never empty, sorted.
    pub slots: Vec<u32>,
    /// The device's memory that is reserved for it.
    pub memory_bytes: u64,
    /// Whom it is for: another incarnation of the node must not take it.
    pub incarnation: Incarnation,
    /// The session that it belongs to. Agents take nothing of a session once they have heard of a later one.
    pub session: u64,
    /// The job's kind.
    pub kind: String,
    pub task: TaskSpec,
    /// Every input with the digest that it resolved to.
    pub inputs: BTreeMap<String, Digest>,
    /// The task's span, where its job belongs to a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

/// What the scheduler tells a node. A command may come twice, or for an attempt that was stopped before it came: agents take
/// each token once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Run(Box<Dispatch>),
    /// Nobody wants this attempt any more. It is still reported when it has ended, and at once if it has not begun.
    Stop {
        id: TaskId,
        token: Token,
        /// As in a dispatch.
        session: u64,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded(TaskResult),
    Failed(TaskFailure),
    /// The device had too little memory, and the job kind knows how to do it in smaller parts.
    Split {
        failure: TaskFailure,
        split: Split,
    },
}

/// What a node tells the scheduler when an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub node: NodeId,
    pub id: TaskId,
    /// 0 when it was stopped before it began.
    pub attempt: u32,
    pub token: Token,
    pub outcome: Outcome,
    /// How long it held its slot.
    pub seconds: f64,
    /// Inputs whose bytes did not have their digest.
    pub damaged: Vec<Digest>,
    /// The most memory of its device that it used, if that was measured.
    pub peak_bytes: Option<u64>,
    /// Its worker died, or had to be killed, while it ran.
    pub killed: bool,
}

/// The farm has ended, or will not talk to this caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reach the farm: it has been closed")]
pub struct Closed;

/// What an agent needs of the scheduler, near or far.
pub trait Dispatcher: Send + Sync + 'static {
    /// Offers a node. The commands for it end when the farm does.
    fn join(&self, offer: Offer) -> impl Future<Output = Result<Box<dyn Commands>, Closed>> + Send;
    /// Takes the node back: what still runs on it counts as lost.
    fn leave(&self, node: &NodeId, incarnation: Incarnation) -> impl Future<Output = Result<(), Closed>> + Send;
    /// Renews the node's lease and tells how it is. The answer comes with the node's session and what the farm's lease is.
    fn beat(&self, beat: Beat) -> impl Future<Output = Result<Heard, Closed>> + Send;
    /// Tells how far an attempt is. May be dropped under load.
    fn progress(&self, id: &TaskId, token: Token, progress: Progress);
    /// Hands in an attempt's end; returns once it is durable. `false`: the attempt was fenced and the result is refused.
    fn report(&self, report: Report) -> impl Future<Output = Result<bool, Closed>> + Send;
    /// Where the bytes of an artifact can be read.
    fn fetch(&self, digest: Digest) -> impl Future<Output = Result<PathBuf, TaskFailure>> + Send;
    /// Takes a finished file over as an artifact; its bytes must have that digest.
    fn adopt(&self, digest: Digest, file: PathBuf) -> impl Future<Output = Result<(), TaskFailure>> + Send;
    /// A folder for attempts' files from which `adopt` is a rename.
    fn scratch(&self) -> PathBuf;
}

/// The commands for one node, in order.
pub trait Commands: Send {
    /// `None` when the farm has ended.
    fn next(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Option<Command>> + Send + '_>>;
}
