use crate::{Digest, TaskFailure, TaskName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a job stands; the last three are terminal and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// Where a task stands; the last three are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Its inputs are not there yet.
    Waiting,
    Ready,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// How far an attempt is, 0–1, with a word for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub fraction: f32,
    /// Units done since the attempt began ("frames"), for rates.
    pub done: u64,
    pub note: String,
}

/// What the farm tells those who watch a job, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    TaskAdded {
        task: TaskName,
        step: String,
        label: String,
        seconds: f64,
    },
    TaskStarted {
        task: TaskName,
        attempt: u32,
        worker: u32,
    },
    TaskProgress {
        task: TaskName,
        progress: Progress,
    },
    /// `reused`: the result cache had it.
    TaskSucceeded {
        task: TaskName,
        outputs: BTreeMap<String, Digest>,
        reused: bool,
        seconds: f64,
    },
    /// `again`: another attempt follows.
    TaskFailed {
        task: TaskName,
        failure: TaskFailure,
        again: bool,
    },
    JobEnded {
        state: JobState,
        reason: Option<String>,
    },
}
