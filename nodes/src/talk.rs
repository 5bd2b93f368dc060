//! What an agent and its workers say to each other: one JSON object a line.

use klieg_protocol::{Digest, Progress, Span, Split, TaskFailure, TaskResult, TaskSpec, TraceContext};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// From the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Run(Box<Work>),
    /// Ends the task at hand at its next sign of progress.
    Cancel,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub kind: String,
    pub task: TaskSpec,
    /// Every input: its digest, and where it can be read.
    pub inputs: BTreeMap<String, (Digest, PathBuf)>,
    /// A folder of the attempt's own.
    pub folder: PathBuf,
    /// Threads that it may use.
    pub threads: usize,
    /// The attempt's span, where its job belongs to a trace.
    #[serde(default)]
    pub trace: Option<TraceContext>,
}

/// From the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// It lives.
    Beat,
    /// It has taken an order up.
    Begun,
    /// It has been told to end what is at hand, and needs so long for that.
    Ending {
        millis: u64,
    },
    Progress(Progress),
    /// What it has done, for the attempt's trace.
    Did(Span),
    Succeeded {
        result: TaskResult,
        /// Artifacts that the attempt made, whole.
        files: Vec<(Digest, PathBuf)>,
        /// The most host memory that the worker used meanwhile, if it can be known.
        peak_bytes: Option<u64>,
    },
    /// The device had too little memory, and the kind knows smaller parts.
    Split {
        failure: TaskFailure,
        split: Split,
    },
    Failed {
        failure: TaskFailure,
        /// Inputs whose bytes did not have their digest.
        damaged: Vec<Digest>,
        /// The worker ends with it: nobody knows what the failure left in the process.
        last: bool,
        peak_bytes: Option<u64>,
    },
}
