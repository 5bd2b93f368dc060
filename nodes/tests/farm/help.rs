use crate::kind::Toy;
use klieg_kind::Kind;
use klieg_nodes::{Agent, AgentOptions};
use klieg_protocol::{Digest, Event, JobId, JobSpec, JobState, NodeId, Plan, TaskSpec};
use klieg_scheduler::{Farm, FarmOptions};
use std::{collections::BTreeMap, ffi::OsString, future::Future, path::Path, time::Duration};

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

/// The command that starts this program as `part`.
pub fn this_as(part: &str) -> Vec<OsString> {
    let me = std::env::current_exe().unwrap().into_os_string();
    let arguments = ["--exact", part, "--ignored", "--nocapture"].map(OsString::from);
    std::iter::once(me).chain(arguments).collect()
}

pub fn agent_options(slots: usize) -> AgentOptions {
    AgentOptions {
        node: NodeId("here".into()),
        slots,
        memory_bytes: 1_000_000_000,
        silence: Duration::from_secs(3),
        stall: Duration::from_secs(10),
        grace: Duration::from_millis(300),
        telemetry_every: Duration::from_millis(100),
        ..AgentOptions::here(this_as("as_worker"))
    }
}

pub async fn open(folder: &Path) -> Farm {
    let options = FarmOptions { folder: folder.into(), price_per_slot_hour: 3600.0, ..FarmOptions::default() };
    Farm::open(options).await.unwrap()
}

pub async fn start(folder: &Path, slots: usize) -> (Farm, Agent) {
    let farm = open(folder).await;
    let agent = Agent::start(farm.clone(), agent_options(slots)).await.unwrap();
    (farm, agent)
}

pub fn spec(label: &str) -> JobSpec {
    JobSpec { kind: Toy.name().into(), label: label.into(), params: serde_json::Value::Null, inputs: BTreeMap::new() }
}

pub async fn submit(farm: &Farm, label: &str, tasks: Vec<TaskSpec>) -> JobId {
    farm.submit(spec(label), Plan { tasks }, "build").await.unwrap()
}

/// All events to the job's end.
pub async fn events(farm: &Farm, job: &JobId) -> Vec<Event> {
    let mut watch = farm.watch(job);
    let mut events = Vec::new();
    while let Some(event) = tokio::time::timeout(Duration::from_secs(20), watch.next()).await.expect("the job ends") {
        events.push(event);
    }
    events
}

pub fn ended(events: &[Event]) -> (JobState, String) {
    match events.last() {
        Some(Event::JobEnded { state, reason }) => (*state, reason.clone().unwrap_or_default()),
        other => panic!("the last event is {other:?}"),
    }
}

/// Runs a job to its end.
pub async fn run(farm: &Farm, label: &str, tasks: Vec<TaskSpec>) -> (JobId, Vec<Event>) {
    let job = submit(farm, label, tasks).await;
    let events = events(farm, &job).await;
    (job, events)
}

/// The text that a task gave.
pub async fn text(farm: &Farm, job: &JobId, task: &str) -> String {
    let outputs = farm.outputs(job).await.unwrap();
    let digest: Digest = outputs[&(task.to_string(), "text".to_string())];
    String::from_utf8(farm.blob(&digest).await.unwrap()).unwrap()
}

/// Whether a process runs (a zombie does not).
pub fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until something is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened: {what}");
}
