use crate::{Digest, Progress, TaskFailure, TaskId, TaskResult, TaskSpec, Token};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, future::Future, path::PathBuf};

/// Names a machine that runs an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub String);

/// What a node brings to the farm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub node: NodeId,
    /// Tasks that it runs at a time.
    pub slots: u32,
    /// Host memory that all its tasks may use together.
    pub memory_bytes: u64,
}

/// One attempt, as the scheduler hands it to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispatch {
    pub id: TaskId,
    /// 1 for the first.
    pub attempt: u32,
    pub token: Token,
    /// The slot of the node that is reserved for it.
    pub slot: u32,
    /// The job's kind.
    pub kind: String,
    pub task: TaskSpec,
    /// Every input with the digest that it resolved to.
    pub inputs: BTreeMap<String, Digest>,
}

/// What the scheduler tells a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    Run(Box<Dispatch>),
    /// Nobody wants this attempt any more. It is still reported when it ended.
    Stop {
        id: TaskId,
        token: Token,
    },
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded(TaskResult),
    Failed(TaskFailure),
}

/// What a node tells the scheduler when an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub node: NodeId,
    pub id: TaskId,
    pub attempt: u32,
    pub token: Token,
    pub outcome: Outcome,
    /// How long it held its slot.
    pub seconds: f64,
    /// Inputs whose bytes did not have their digest.
    pub damaged: Vec<Digest>,
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
    fn leave(&self, node: &NodeId) -> impl Future<Output = Result<(), Closed>> + Send;
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
