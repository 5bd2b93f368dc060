//! What the routes take and give, as JSON. Times are milliseconds since 1970.

use crate::problem::Trouble;
use klieg_protocol::{Digest, DiskTelemetry, Fault, GpuTelemetry, HostTelemetry, JobState, NodeId, TaskFailure, TaskState};
use klieg_scheduler::{
    JobRecord, TaskRecord,
    records::{DeviceRecord, Health, NodeRecord, ProjectRecord, Way},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    #[schema(example = "job-000042")]
    pub id: String,
    #[schema(example = "film")]
    pub kind: String,
    pub label: String,
    /// Whose share it runs on; empty: the default project's.
    pub project: String,
    /// The account that submitted it; empty: whoever had the farm's own token.
    pub owner: String,
    /// Higher first.
    pub priority: i32,
    pub state: State,
    pub submitted_at_ms: u64,
    pub ended_at_ms: Option<u64>,
    /// Of its estimated work, 0 to 100.
    pub progress: f64,
    /// What is being done, for people.
    #[schema(example = "render 12/46")]
    pub stage: String,
    /// Estimated seconds until it ends, if it keeps the slots that it holds now; null while it holds none.
    pub eta_seconds: Option<f64>,
    pub tasks: TaskCounts,
    /// Slot-seconds of all its attempts.
    pub seconds: f64,
    pub cost: f64,
    /// Why it failed or was cancelled.
    pub reason: Option<String>,
}

/// How many tasks of a job there are. A task may add tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskCounts {
    pub total: u64,
    pub done: u64,
    pub running: u64,
}

/// Where a job stands. The last three never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    pub fn over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<JobState> for State {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Queued => Self::Queued,
            JobState::Running => Self::Running,
            JobState::Succeeded => Self::Succeeded,
            JobState::Failed => Self::Failed,
            JobState::Cancelled => Self::Cancelled,
        }
    }
}

impl Job {
    pub fn new(record: JobRecord, way: Option<&Way>) -> Self {
        let state = State::from(record.state);
        let progress = match (state, way) {
            (State::Succeeded, _) => 100.0,
            (_, Some(way)) => way.done * 100.0,
            // An ended job's, or of one that no scheduler has taken up yet.
            _ => record.tasks_done as f64 / record.tasks_total.max(1) as f64 * 100.0,
        };
        Self {
            id: record.id.0,
            kind: record.kind,
            label: record.label,
            project: record.project,
            owner: record.owner,
            priority: record.priority,
            state,
            submitted_at_ms: record.submitted_at,
            ended_at_ms: record.ended_at,
            progress: (progress * 10.0).round() / 10.0,
            stage: way.map(|way| way.stage.clone()).filter(|stage| !stage.is_empty()).unwrap_or_else(|| state.word().to_owned()),
            eta_seconds: way.and_then(|way| way.left_s),
            tasks: TaskCounts { total: record.tasks_total, done: record.tasks_done, running: record.tasks_running },
            seconds: record.seconds,
            cost: record.cost,
            reason: record.reason,
        }
    }
}

/// One page of jobs, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Jobs {
    pub jobs: Vec<Job>,
    /// For `cursor`, to get the next page; null: there is none.
    pub next: Option<String>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    pub state: Option<State>,
    pub kind: Option<String>,
    pub project: Option<String>,
    /// A part of the label, whatever its case.
    pub label: Option<String>,
    /// Jobs on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// What an earlier page gave as `next`.
    pub cursor: Option<String>,
}

/// A job to submit. Its inputs are artifacts that have been uploaded before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    #[schema(example = "film")]
    pub kind: String,
    /// What people know it by.
    #[serde(default)]
    pub label: String,
    /// As the kind wants them.
    #[serde(default)]
    pub params: Value,
    /// Digests (BLAKE3, hex) of uploaded artifacts by the names under which the kind expects them.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    #[serde(default)]
    pub project: String,
    #[serde(default)]
    pub priority: i32,
}

/// What a job would come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    pub tasks: u64,
    /// Slot-seconds of all tasks.
    pub seconds: f64,
    pub cost: f64,
    /// Until it ends, were all of the farm's slots its own; null while the farm has none.
    pub eta_seconds: Option<f64>,
    /// What people want to know of it before it begins, as the kind has it: of a film its title, scenes, shots, cast and length.
    pub plan: Value,
}

/// An idea to a film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewFilm {
    /// A screenplay: Fountain, or the text of an FDX file.
    pub script: String,
    /// Its file name, for messages; `.fdx` says that it is one.
    #[serde(default = "default_file")]
    pub file: String,
    #[serde(default)]
    pub project: String,
    #[serde(default)]
    pub priority: i32,
    /// Any other parameter of the kind `film`: `quality`, `size`, `seed`, `only`, `format`, `loudness`, …
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub params: serde_json::Map<String, Value>,
}

/// Words, or files that have been uploaded before, to what a kind makes of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewThing {
    /// What people know it by; the kind's name if it is left out.
    #[serde(default)]
    pub label: Option<String>,
    /// Digests (BLAKE3, hex) of uploaded artifacts by the names under which the kind expects them.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    #[serde(default)]
    pub project: String,
    #[serde(default)]
    pub priority: i32,
    /// Any parameter of the kind: of an `image` `prompt`, `size`, `count`, `seed`, `format`; of `audio` `text` or `prompt`, `voice`, …
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub params: serde_json::Map<String, Value>,
}

fn default_file() -> String {
    "script.fountain".into()
}

/// A job that has been accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Generating {
    pub job_id: String,
    pub status: State,
    /// Seconds until it ends, were all of the farm's slots its own; null while the farm has none.
    pub estimated_time: Option<f64>,
    pub estimated_cost: f64,
}

/// Where a job stands, in few words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub job_id: String,
    pub status: State,
    /// 0 to 100.
    pub progress: f64,
    pub stage: String,
    pub eta: Option<f64>,
    pub reason: Option<String>,
    /// What it gives, once it has succeeded.
    pub result: Option<Results>,
}

/// What a job gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Results {
    pub outputs: Vec<Output>,
}

/// A file that a job gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    #[schema(example = "film.mp4")]
    pub name: String,
    /// BLAKE3, hex.
    pub digest: String,
    pub bytes: u64,
    pub media_type: String,
    /// Where it is fetched, on this server.
    pub url: String,
}

/// A task of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub name: String,
    pub step: String,
    pub label: String,
    pub state: TaskPhase,
    /// Ever begun, lost ones included.
    pub attempts: u32,
    /// Its result had been computed before.
    pub reused: bool,
    /// Slot-seconds of its attempts.
    pub seconds: f64,
    pub cost: f64,
    /// The furthest that an attempt came, 0 to 1.
    pub progress: f64,
    /// Estimated seconds.
    pub estimate: f64,
    pub failure: Option<Failure>,
    pub outputs: BTreeMap<String, String>,
    /// Where it runs, or ran last.
    pub node: Option<String>,
    pub device: Option<u32>,
    pub started_at_ms: Option<u64>,
    /// Null while it runs.
    pub ended_at_ms: Option<u64>,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskPhase {
    Waiting,
    Ready,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// Why an attempt failed, and whose fault it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// `task`, `node`, `input`, `nobody` or `memory`.
    pub fault: String,
    pub message: String,
}

impl From<TaskRecord> for Task {
    fn from(record: TaskRecord) -> Self {
        let fault = |fault: Fault| match fault {
            Fault::Task => "task",
            Fault::Node => "node",
            Fault::Input => "input",
            Fault::Nobody => "nobody",
            Fault::Memory => "memory",
        };
        Self {
            name: record.name,
            step: record.step,
            label: record.label,
            state: match record.state {
                TaskState::Waiting => TaskPhase::Waiting,
                TaskState::Ready => TaskPhase::Ready,
                TaskState::Running => TaskPhase::Running,
                TaskState::Succeeded => TaskPhase::Succeeded,
                TaskState::Failed => TaskPhase::Failed,
                TaskState::Cancelled => TaskPhase::Cancelled,
            },
            attempts: record.attempts,
            reused: record.reused,
            seconds: record.seconds,
            cost: record.cost,
            progress: f64::from(record.fraction),
            estimate: record.estimate,
            failure: record.failure.map(|failure| Failure { fault: fault(failure.fault).into(), message: failure.message }),
            outputs: record.outputs.into_iter().map(|(name, digest)| (name, digest.hex())).collect(),
            node: record.node.map(|node| node.0),
            device: record.device,
            started_at_ms: record.started_at,
            ended_at_ms: record.ended_at,
        }
    }
}

impl From<Task> for TaskRecord {
    fn from(task: Task) -> Self {
        let fault = |fault: &str| match fault {
            "node" => Fault::Node,
            "input" => Fault::Input,
            "nobody" => Fault::Nobody,
            "memory" => Fault::Memory,
            _ => Fault::Task,
        };
        let failure = |failure: Failure| TaskFailure { fault: fault(&failure.fault), message: failure.message };
        Self {
            name: task.name,
            step: task.step,
            label: task.label,
            state: match task.state {
                TaskPhase::Waiting => TaskState::Waiting,
                TaskPhase::Ready => TaskState::Ready,
                TaskPhase::Running => TaskState::Running,
                TaskPhase::Succeeded => TaskState::Succeeded,
                TaskPhase::Failed => TaskState::Failed,
                TaskPhase::Cancelled => TaskState::Cancelled,
            },
            attempts: task.attempts,
            reused: task.reused,
            seconds: task.seconds,
            cost: task.cost,
            failure: task.failure.map(failure),
            // One that is none names nothing.
            outputs: task.outputs.into_iter().filter_map(|(name, hex)| Some((name, digest(&hex).ok()?))).collect(),
            node: task.node.map(NodeId),
            device: task.device,
            started_at: task.started_at_ms,
            ended_at: task.ended_at_ms,
            #[expect(clippy::cast_possible_truncation, reason = "it was an f32")]
            fraction: task.progress as f32,
            estimate: task.estimate,
        }
    }
}

/// Why something stands where it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The job's, then one for each of its tasks that has not ended well; 1,000 at most.
    pub sentences: Vec<String>,
}

/// A shot of a film as it fills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Shot {
    #[schema(example = "sc010_sh020")]
    pub name: String,
    pub scene: String,
    pub first_frame: u32,
    pub frames: u32,
    pub tasks: Vec<String>,
    /// 0 to 1.
    pub done: f64,
    /// Where a picture of it is fetched; null while there is none.
    pub picture: Option<String>,
}

/// Another place among the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    /// Higher first.
    pub priority: i32,
}

/// A machine that works for the farm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    pub id: String,
    pub state: NodeState,
    /// Why it is not healthy.
    pub reason: Option<String>,
    pub devices: Vec<Device>,
    pub encoders: Vec<String>,
    pub voices: Vec<String>,
    pub models: Vec<String>,
    /// As it last measured itself.
    pub host: Option<Host>,
}

/// Whether a node or a device is given tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeState {
    Healthy,
    /// No new ones: an operator, or the node itself, wants that.
    Draining,
    /// None until the fault is gone, or one at a time to see whether it is.
    Faulty,
    /// It has not been heard of.
    Away,
}

/// A GPU, or a share of a processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    pub index: u32,
    pub name: String,
    /// `cpu`, `cuda` or `wgpu`.
    pub class: String,
    pub state: NodeState,
    pub reason: Option<String>,
    pub memory_bytes: u64,
    /// Reserved by what runs on it.
    pub memory_held_bytes: u64,
    pub slots: u32,
    pub slots_held: u32,
    pub tasks: Vec<Running>,
    pub gpu: Option<Gpu>,
    pub telemetry: Option<GpuNow>,
}

/// What runs on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Running {
    pub job: String,
    pub task: String,
    pub slots: u32,
    pub memory_bytes: u64,
    pub started_at_ms: u64,
}

/// What a GPU is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gpu {
    pub uuid: String,
    pub bus: String,
    pub driver: String,
    /// Compute capability.
    #[schema(example = "9.0")]
    pub compute: Option<String>,
}

/// What a GPU measured last; null: it does not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GpuNow {
    pub uuid: String,
    pub used_percent: Option<u32>,
    pub memory_used_bytes: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub celsius: Option<u32>,
    pub milliwatts: Option<u32>,
    pub milliwatts_max: Option<u32>,
    pub clock_mhz: Option<u32>,
    pub memory_clock_mhz: Option<u32>,
    pub ecc_corrected: Option<u64>,
    pub ecc_uncorrected: Option<u64>,
    pub throttled: Vec<String>,
    /// The last NVIDIA Xid, and how many there have been.
    pub xid: Option<u64>,
    pub xids: u64,
}

/// What a node's host measured last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Host {
    /// Thousandths of all its cores.
    pub cpu_permille: u32,
    pub load_permille: u32,
    pub memory_used_bytes: u64,
    pub memory_bytes: u64,
    pub disks: Vec<Disk>,
    /// Over the network, within `over_ms`.
    pub received_bytes: u64,
    pub sent_bytes: u64,
    pub over_ms: u64,
}

/// A disk of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disk {
    pub what: String,
    pub free_bytes: u64,
    pub bytes: u64,
}

impl From<&HostTelemetry> for Host {
    fn from(told: &HostTelemetry) -> Self {
        let disk = |disk: &DiskTelemetry| Disk { what: disk.what.clone(), free_bytes: disk.free_bytes, bytes: disk.bytes };
        Self {
            cpu_permille: told.cpu_permille,
            load_permille: told.load_permille,
            memory_used_bytes: told.memory_used_bytes,
            memory_bytes: told.memory_bytes,
            disks: told.disks.iter().map(disk).collect(),
            received_bytes: told.received_bytes,
            sent_bytes: told.sent_bytes,
            over_ms: told.over_ms,
        }
    }
}

impl From<&GpuTelemetry> for GpuNow {
    fn from(told: &GpuTelemetry) -> Self {
        let told = told.clone();
        Self {
            uuid: told.uuid,
            used_percent: told.used_percent,
            memory_used_bytes: told.memory_used_bytes,
            memory_bytes: told.memory_bytes,
            celsius: told.celsius,
            milliwatts: told.milliwatts,
            milliwatts_max: told.milliwatts_max,
            clock_mhz: told.clock_mhz,
            memory_clock_mhz: told.memory_clock_mhz,
            ecc_corrected: told.ecc_corrected,
            ecc_uncorrected: told.ecc_uncorrected,
            throttled: told.throttled,
            xid: told.xid,
            xids: told.xids,
        }
    }
}

impl From<Health> for NodeState {
    fn from(health: Health) -> Self {
        match health {
            Health::Healthy => Self::Healthy,
            Health::Draining => Self::Draining,
            Health::Faulty => Self::Faulty,
            Health::Away => Self::Away,
        }
    }
}

impl Node {
    pub fn new(record: NodeRecord, told: Option<&klieg_protocol::Telemetry>) -> Self {
        let devices = (0..).zip(record.devices).map(|(index, device)| Device::new(index, device, told)).collect();
        Self {
            id: record.id.0,
            state: record.health.into(),
            reason: record.reason,
            devices,
            encoders: record.tools.encoders,
            voices: record.tools.voices,
            models: record.tools.models,
            host: told.map(|told| Host::from(&told.host)),
        }
    }
}

impl Device {
    fn new(index: u32, record: DeviceRecord, told: Option<&klieg_protocol::Telemetry>) -> Self {
        let offer = record.offer;
        let now = offer.gpu.as_ref().and_then(|gpu| told?.gpus.iter().find(|told| told.uuid == gpu.uuid));
        let running = record.tasks.into_iter().map(|held| Running {
            job: held.id.job.0,
            task: held.id.task,
            slots: held.slots,
            memory_bytes: held.memory_bytes,
            started_at_ms: held.since,
        });
        Self {
            index,
            name: offer.name,
            class: offer.class.to_string(),
            state: record.health.into(),
            reason: record.reason,
            memory_bytes: offer.memory_bytes,
            memory_held_bytes: record.memory_held_bytes,
            slots: offer.slots,
            slots_held: record.slots_held,
            tasks: running.collect(),
            telemetry: now.map(GpuNow::from),
            gpu: offer.gpu.map(|gpu| Gpu {
                uuid: gpu.uuid,
                bus: gpu.bus,
                driver: gpu.driver,
                compute: gpu.compute.map(|(major, minor)| format!("{major}.{minor}")),
            }),
        }
    }
}

/// What a node measured in the last quarter of an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// The oldest first.
    pub samples: Vec<Sample>,
}

/// What a node measured at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    pub at_ms: u64,
    pub host: Host,
    pub gpus: Vec<GpuNow>,
}

/// What there is to do, and who is there to do it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Queue {
    /// Tasks that could run now.
    pub ready: u64,
    pub running: u64,
    /// Nodes that may be given tasks, and their slots.
    pub nodes: u64,
    pub slots: u64,
    /// The same by class of device.
    pub classes: BTreeMap<String, Demand>,
    /// Jobs that have not ended.
    pub jobs: u64,
    /// When the oldest of them was submitted.
    pub oldest_at_ms: Option<u64>,
}

/// What every minute has brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FarmHistory {
    /// The oldest first; a day of them at most. Minutes in which no server led are not there.
    pub minutes: Vec<Minute>,
}

/// What a minute has brought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Minute {
    /// When it began.
    pub at_ms: u64,
    /// How much of it has gone by: all of it, but for the last.
    pub over_ms: u64,
    /// Tasks that were computed.
    pub succeeded: u64,
    /// Tasks that the result cache had.
    pub reused: u64,
    /// Tasks that failed for good.
    pub failed: u64,
    /// Frames that were made.
    pub frames: u64,
    pub cost: f64,
    /// Tasks that ran at its end, and slots that there were.
    pub running: u64,
    pub slots: u64,
}

impl From<klieg_scheduler::past::Minute> for Minute {
    fn from(minute: klieg_scheduler::past::Minute) -> Self {
        let klieg_scheduler::past::Minute { at, over_ms, brought, running, slots } = minute;
        let klieg_scheduler::past::Sums { succeeded, reused, failed, frames, cost } = brought;
        Self { at_ms: at, over_ms, succeeded, reused, failed, frames, cost, running, slots }
    }
}

/// What there is to do for a class of device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Demand {
    pub ready: u64,
    pub running: u64,
    pub nodes: u64,
    pub slots: u64,
}

/// A project: what it may have and what it has had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Empty: the default project.
    pub name: String,
    #[serde(flatten)]
    pub share: Share,
    pub slots_held: u32,
    pub open_tasks: u64,
    /// Slot-seconds of its attempts, and what they cost.
    pub seconds: f64,
    pub cost: f64,
    #[serde(default)]
    pub quota: Quota,
    #[serde(default)]
    pub used: Used,
}

/// What a project may have of the farm, and what whoever submits for it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewShare {
    #[serde(flatten)]
    pub share: Share,
    /// Replaces all quotas; without it they stay as they are.
    pub quota: Option<Quota>,
}

/// What a project may have; null: as much as it likes. Past one whoever submits for it is refused with `quota-exceeded`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Jobs that have not ended, at a time.
    pub jobs_open_max: Option<u32>,
    /// Slot-hours that its attempts take in a calendar month (UTC). A job that is estimated to pass it is refused; one that runs is not stopped.
    #[schema(minimum = 0)]
    pub device_hours_per_month_max: Option<f64>,
    /// Bytes of all its uploads that the farm keeps.
    pub upload_bytes_max: Option<u64>,
    /// Bytes of one upload.
    pub upload_bytes_each_max: Option<u64>,
}

/// What a project has of what it may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Used {
    pub jobs_open: u64,
    pub device_hours_this_month: f64,
    pub upload_bytes: u64,
}

impl From<klieg_ledger::Quota> for Quota {
    fn from(quota: klieg_ledger::Quota) -> Self {
        Self {
            jobs_open_max: quota.jobs_open_max.and_then(|most| u32::try_from(most).ok()),
            device_hours_per_month_max: quota.device_seconds_per_month_max.map(|seconds| seconds as f64 / 3600.0),
            upload_bytes_max: quota.upload_bytes_max.map(i64::unsigned_abs),
            upload_bytes_each_max: quota.upload_bytes_each_max.map(i64::unsigned_abs),
        }
    }
}

impl From<Quota> for klieg_ledger::Quota {
    #[expect(clippy::cast_possible_truncation, reason = "a float that is too large becomes the largest integer")]
    fn from(quota: Quota) -> Self {
        let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Self {
            jobs_open_max: quota.jobs_open_max.map(i64::from),
            device_seconds_per_month_max: quota.device_hours_per_month_max.map(|hours| (hours * 3600.0).round() as i64),
            upload_bytes_max: quota.upload_bytes_max.map(whole),
            upload_bytes_each_max: quota.upload_bytes_each_max.map(whole),
        }
    }
}

/// What a project may have of the farm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Share {
    /// Of two projects with work, one of twice the weight gets twice the device-seconds.
    #[schema(exclusive_minimum = 0)]
    pub weight: f64,
    /// Device-seconds that a project which was idle may take ahead of its share.
    #[schema(minimum = 0)]
    pub burst_seconds: f64,
    /// Slots that it may hold at a time.
    pub slots_max: Option<u32>,
    /// Unfinished tasks that it may have.
    pub tasks_max: Option<u64>,
    /// Slot-seconds that it may spend in all.
    pub seconds_max: Option<f64>,
}

impl Default for Share {
    fn default() -> Self {
        klieg_scheduler::state::Share::default().into()
    }
}

impl From<klieg_scheduler::state::Share> for Share {
    fn from(share: klieg_scheduler::state::Share) -> Self {
        let klieg_scheduler::state::Share { weight, burst_seconds, slots_max, tasks_max, seconds_max } = share;
        Self { weight, burst_seconds, slots_max, tasks_max, seconds_max }
    }
}

impl From<Share> for klieg_scheduler::state::Share {
    fn from(share: Share) -> Self {
        let Share { weight, burst_seconds, slots_max, tasks_max, seconds_max } = share;
        Self { weight, burst_seconds, slots_max, tasks_max, seconds_max }
    }
}

impl From<ProjectRecord> for Project {
    fn from(record: ProjectRecord) -> Self {
        Self {
            name: record.name,
            share: record.share.into(),
            slots_held: record.slots_held,
            open_tasks: record.open_tasks,
            seconds: record.seconds,
            cost: record.cost,
            quota: Quota::default(),
            used: Used::default(),
        }
    }
}

/// What was spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Costs {
    pub projects: Vec<Spent>,
    /// Slot-seconds and cost of all.
    pub seconds: f64,
    pub total: f64,
}

/// What a project spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Spent {
    pub project: String,
    pub seconds: f64,
    pub cost: f64,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    /// Its version.
    pub klieg: String,
    /// Names the code that plans its jobs.
    pub build: String,
    /// Kinds of jobs that it takes.
    pub kinds: Vec<String>,
}

/// What is to be uploaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    pub bytes: u64,
    /// BLAKE3 of its bytes, hex. Without a name it is needed; with one, what comes is compared with it.
    #[serde(default)]
    pub digest: Option<String>,
    /// What people know it by: then it becomes an asset, and its upload may break off and go on.
    #[serde(default)]
    #[schema(example = "plate.png")]
    pub name: Option<String>,
    /// Empty: the default project.
    #[serde(default)]
    pub project: String,
    /// What it is said to be. Bytes that say otherwise are refused; where they say nothing, this counts.
    #[serde(default)]
    #[schema(example = "image/png")]
    pub media_type: Option<String>,
}

/// How a request is done once, though it be sent twice.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Once {
    /// One word of 1 to 255 visible ASCII characters. The same request under the same key is answered the same for a day, with
    /// `Idempotent-Replayed: true`; another under the same key is refused with `idempotency-key-reused`.
    #[param(rename = "Idempotency-Key")]
    pub idempotency_key: Option<String>,
}

/// To whose quota an upload counts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Charged {
    /// The default project if not given.
    #[serde(default)]
    pub project: String,
}

/// Where an artifact is uploaded.
pub(crate) fn upload_url(digest: Digest, project: &str) -> String {
    let query = if project.is_empty() { String::new() } else { format!("?project={}", encoded(project)) };
    format!("/api/v1/assets/{}{query}", digest.hex())
}

/// A text as a query has it (RFC 3986, 2.3).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Characters of a project's name, and of a job's label.
const PROJECT_CHARACTERS_MAX: usize = 100;
const LABEL_CHARACTERS_MAX: usize = 1_000;

/// A name of a project that anybody can read.
pub(crate) fn project_name(name: &str) -> Result<(), Trouble> {
    let fits = name.chars().count() <= PROJECT_CHARACTERS_MAX && !name.chars().any(char::is_control);
    let detail = format!("a project's name has {PROJECT_CHARACTERS_MAX} characters at most, none of them a control character");
    if fits { Ok(()) } else { Err(Trouble::new(http::StatusCode::UNPROCESSABLE_ENTITY, detail).at("/project".into())) }
}

/// A label that fits a line.
pub(crate) fn label(text: &str) -> Result<(), Trouble> {
    let fits = text.chars().count() <= LABEL_CHARACTERS_MAX && !text.chars().any(char::is_control);
    let detail = format!("a label has {LABEL_CHARACTERS_MAX} characters at most, none of them a control character");
    if fits { Ok(()) } else { Err(Trouble::new(http::StatusCode::UNPROCESSABLE_ENTITY, detail).at("/label".into())) }
}

/// Where it is uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadPlace {
    /// It is here already: nothing is to be sent.
    pub present: bool,
    /// `PUT`: all bytes at once. `PATCH`: from an offset on. `GET`: it is here.
    pub method: String,
    pub url: String,
    /// The upload that has begun.
    pub upload: Option<String>,
    /// What it is, where it is here already and was given a name.
    pub asset: Option<AssetRecord>,
}

/// How much of an upload has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadState {
    pub id: String,
    pub name: String,
    pub offset: u64,
    /// Of the whole.
    pub bytes: u64,
}

/// An artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stored {
    pub digest: String,
    pub url: String,
}

/// What is known of an asset: an artifact that somebody has brought, and that stays until it is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssetRecord {
    /// BLAKE3 of its bytes, hex: the same bytes are one asset.
    pub digest: String,
    pub name: String,
    pub project: String,
    /// What its bytes are.
    pub media_type: String,
    pub bytes: u64,
    /// The account that brought it; empty: whoever had the farm's own token.
    pub owner: String,
    pub created_at_ms: u64,
    /// Where its bytes are fetched, on this server.
    pub url: String,
}

impl From<klieg_assets::Asset> for AssetRecord {
    fn from(asset: klieg_assets::Asset) -> Self {
        let klieg_assets::Asset { digest, name, project, media_type, bytes, owner, created_at } = asset;
        let url = format!("/api/v1/assets/{digest}");
        let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
        let (bytes, created_at_ms) = (unsigned(bytes), unsigned(created_at.saturating_mul(1000)));
        Self { digest, name, project, media_type, bytes, owner, created_at_ms, url }
    }
}

/// One page of assets, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assets {
    pub assets: Vec<AssetRecord>,
    /// For `cursor`, to get the next page; null: there is none.
    pub next: Option<i64>,
}

/// Which assets.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichAssets {
    pub project: Option<String>,
    /// Assets on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// What an earlier page gave as `next`.
    pub cursor: Option<i64>,
}

/// What is to be another of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetChange {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub project: Option<String>,
}

/// What waits for a class of device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClassQueue {
    /// `cpu`, `cuda` or `wgpu`.
    #[schema(example = "cuda")]
    pub class: String,
    /// Tasks that could run now.
    pub ready: u64,
    pub running: u64,
    /// Nodes with such devices that may be given tasks, and their slots.
    pub nodes: u64,
    pub slots: u64,
    /// Of the jobs whose tasks are ready, the one that was submitted first; null: none is.
    pub oldest_job: Option<String>,
    pub oldest_at_ms: Option<u64>,
    /// Why its first task waits.
    pub why: Option<String>,
}

impl From<klieg_scheduler::why::Queue> for ClassQueue {
    fn from(queue: klieg_scheduler::why::Queue) -> Self {
        let klieg_scheduler::why::Queue { class, demand, oldest, why } = queue;
        let (oldest_at_ms, oldest_job) = oldest.map(|(at, job)| (at, job.0)).unzip();
        let klieg_protocol::wire::Demand { ready, running, nodes, slots } = demand;
        Self { class, ready, running, nodes, slots, oldest_job, oldest_at_ms, why }
    }
}

/// A digest that somebody sent.
pub fn digest(text: &str) -> Result<Digest, klieg_protocol::NotADigest> {
    text.parse()
}
