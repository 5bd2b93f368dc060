use crate::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Names a job; sorts by submission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub String);

/// A task's name within its job: `render/sc010_sh020/0`, `speak/3`.
pub type TaskName = String;

/// Names a task of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    pub job: JobId,
    pub task: TaskName,
}

/// The fencing token of an attempt: higher than every earlier attempt's of the same task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token(pub u64);

/// What a user submits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// `film`, …
    pub kind: String,
    /// Human label, e.g. the script's file name.
    pub label: String,
    pub params: Value,
    /// Named input artifacts (`script`).
    pub inputs: BTreeMap<String, Digest>,
}

/// The task graph that a job becomes. A task may add more when it ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub tasks: Vec<TaskSpec>,
}

/// A GPU-sized piece of a job: a pure function of `params` and `inputs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    pub name: TaskName,
    /// What the kind's `run` dispatches on: `speak`, `render`, `conform`.
    pub step: String,
    /// Only what changes the output: its digest is the task's identity for the result cache.
    pub params: Value,
    pub inputs: BTreeMap<String, Input>,
    pub ask: Ask,
    /// Lower runs first among ready tasks of one job (preview order).
    pub rank: u32,
    /// For people: "sc010_sh020, 96 frames".
    pub label: String,
}

/// An input of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub from: Source,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Bytes that exist.
    Blob(Digest),
    /// A named output of another task of the same job: a dependency.
    Output { task: TaskName, name: String },
}

/// What kind of device a task runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A share of the host's processor and memory.
    #[default]
    Cpu,
    /// An NVIDIA GPU through CUDA.
    Cuda,
    /// Any other GPU through wgpu.
    Wgpu,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
        })
    }
}

/// What a task needs. All of it is reserved on one device while an attempt runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Bytes of the device's memory: weights and working set. Of host memory for the class `cpu`.
    pub memory_bytes: u64,
    /// Estimated seconds: for ETA, cost, fair shares and backfill only.
    pub seconds: f64,
    #[serde(default)]
    pub class: Class,
    /// Slots of the device, at least 1.
    #[serde(default = "one")]
    pub slots: u32,
    /// Models that it uses: a device that holds them warm wins.
    #[serde(default)]
    pub models: Vec<String>,
    /// Counted resources of the farm (licences), one of each while it runs.
    #[serde(default)]
    pub limits: Vec<String>,
    /// What tasks of one step that need the same memory have in common ("1280x720"). Memory peaks are learned under the job's
    /// kind, the step and this; empty: none are learned.
    #[serde(default)]
    pub shape: String,
    /// What its node must give (`Tools::gives`), all of it: `openjd`. `a|b`: one of them is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What comes out depends on more than its parameters and inputs, such as somebody's program: the result cache neither answers
    /// for it nor keeps what it made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

fn one() -> u32 {
    1
}

impl Default for Ask {
    /// One slot of a processor, no memory, no time.
    fn default() -> Self {
        let (models, limits, shape, needs) = (Vec::new(), Vec::new(), String::new(), Vec::new());
        Self { memory_bytes: 0, seconds: 0.0, class: Class::Cpu, slots: 1, models, limits, shape, needs, fresh: false }
    }
}

/// What a finished attempt hands in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    pub outputs: BTreeMap<String, Digest>,
    /// Tasks that follow from this one; may depend on any task of the job.
    pub adds: Vec<TaskSpec>,
}

/// Whose fault a failure is. Only the task's own count against its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Task,
    /// Driver, disk, missing program: another node may do better.
    Node,
    /// Never retried.
    Input,
    /// Lost or preempted.
    Nobody,
    /// The device had too little memory: the task is split, not tried again bigger.
    Memory,
}

/// What a task becomes when a device has too little memory for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Smaller tasks, each asking for less memory than the whole did.
    pub parts: Vec<TaskSpec>,
    /// The task itself, which now makes its outputs of the parts'. Has the name that it had.
    pub whole: Box<TaskSpec>,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFailure {
    pub fault: Fault,
    /// One sentence for people, with the remedy if there is one.
    pub message: String,
}
