//! Devices: kept apart, measured, drained when they are at fault, trusted again.

use crate::{
    help::{agent_options, block, ended, events, open, run, submit, text, this_as, until},
    kind::task,
};
use klieg_nodes::{
    Agent, AgentOptions, OwnDevice,
    telemetry::{
        Sensors,
        driver::{Driver, Gpu, Lost},
    },
};
use klieg_protocol::{Class, DeviceOffer, Event, Fault, GpuFacts, GpuTelemetry, JobState, NodeId, TaskSpec};
use klieg_scheduler::Farm;
use serde_json::json;
use std::{
    ffi::OsString,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

const UUID: &str = "GPU-7";

/// A driver that tells what a test lets it tell.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u64>>>);

impl Driver for Told {
    fn gpus(&mut self) -> Vec<Gpu> {
        Vec::new()
    }
    fn look(&mut self) -> Vec<(String, Result<GpuTelemetry, Lost>)> {
        vec![(UUID.into(), Ok(GpuTelemetry { celsius: Some(41), ..GpuTelemetry::default() }))]
    }
    fn xids(&mut self) -> Vec<(String, u64)> {
        self.0.lock().unwrap().drain(..).map(|number| (UUID.into(), number)).collect()
    }
}

fn gpu() -> OwnDevice {
    let facts = GpuFacts { uuid: UUID.into(), ..GpuFacts::default() };
    let offer = DeviceOffer { name: "a GPU".into(), class: Class::Cuda, memory_bytes: 1_000_000_000, slots: 1, gpu: Some(facts) };
    OwnDevice { offer, environment: vec![("CUDA_VISIBLE_DEVICES".into(), UUID.into())] }
}

/// An agent with a processor and a GPU, and what the GPU's driver tells.
async fn with_gpu(farm: &Farm) -> (Agent, Told) {
    let environment = vec![("CUDA_VISIBLE_DEVICES".into(), String::new())];
    let options = AgentOptions { gpus: vec![gpu()], environment, ..agent_options(1) };
    let told = Told::default();
    let sensors = Sensors::with(Some(Box::new(told.clone())));
    (Agent::start_with(farm.clone(), options, sensors).await.unwrap(), told)
}

fn on(class: Class, mut task: TaskSpec) -> TaskSpec {
    task.ask.class = class;
    task
}

fn seen(name: &str, class: Class) -> TaskSpec {
    on(class, task(name, "env", json!({"text": "CUDA_VISIBLE_DEVICES"})))
}

#[test]
fn a_worker_sees_the_device_of_its_slot_alone() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, _) = with_gpu(&farm).await;
        let (job, events) = run(&farm, "see", vec![seen("gpu", Class::Cuda), seen("cpu", Class::Cpu)]).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        assert_eq!((text(&farm, &job, "gpu").await, text(&farm, &job, "cpu").await), (UUID.into(), String::new()));
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn the_farm_knows_what_nodes_measured_last() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, _) = with_gpu(&farm).await;
        let node = NodeId("here".into());
        until("it has told", || farm.telemetry().contains_key(&node)).await;
        let told = farm.telemetry().remove(&node).unwrap();
        assert_eq!((told.gpus[0].uuid.as_str(), told.gpus[0].celsius), (UUID, Some(41)));
        assert!(told.host.memory_bytes > 0 && told.host.disks[0].what == "scratch", "{told:?}");
        assert!(agent.telemetry().borrow().is_some());
        agent.stop().await;
        assert!(farm.telemetry().is_empty(), "it has left");
        farm.close().await;
    });
}

#[test]
fn a_gpu_that_is_lost_ends_what_runs_on_it_and_gets_nothing_more() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, told) = with_gpu(&farm).await;
        let pids = folder.path().join("pids");
        let idle = task("a", "idle once", json!({"text": "t", "pids": pids.display().to_string()}));
        let job = submit(&farm, "lost", vec![on(Class::Cuda, idle)]).await;
        until("it idles", || std::fs::read_to_string(&pids).is_ok_and(|text| text.contains(' '))).await;
        told.0.lock().unwrap().push(79);
        let mut watch = farm.watch(&job);
        let failure = loop {
            match tokio::time::timeout(Duration::from_secs(20), watch.next()).await.expect("it fails") {
                Some(Event::TaskFailed { failure, again: true, .. }) => break failure,
                Some(_) => {}
                None => panic!("the job has ended"),
            }
        };
        assert_eq!(failure.fault, Fault::Node);
        assert!(failure.message.contains("Xid 79") && failure.message.contains("fallen off the bus"), "{}", failure.message);
        // The processor of the same node is well.
        let (_, events) = run(&farm, "well", vec![seen("b", Class::Cpu)]).await;
        assert_eq!(ended(&events).0, JobState::Succeeded);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let record = farm.task_records(&job).await.unwrap().remove(0);
        assert_eq!(record.attempts, 1, "{record:?}");
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_gpu_that_needs_a_reset_finishes_what_runs_and_gets_nothing_more() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let (agent, told) = with_gpu(&farm).await;
        let job = submit(&farm, "last", vec![on(Class::Cuda, task("a", "slow", json!({"text": "t", "steps": 80})))]).await;
        let mut watch = farm.watch(&job);
        while !matches!(watch.next().await, Some(Event::TaskStarted { .. })) {}
        told.0.lock().unwrap().push(64);
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        let next = submit(&farm, "next", vec![seen("b", Class::Cuda)]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(farm.task_records(&next).await.unwrap()[0].attempts, 0);
        agent.stop().await;
        farm.close().await;
    });
}

#[test]
fn a_full_disk_takes_no_attempts() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let options = AgentOptions { disk_free_min_bytes: u64::MAX, ..agent_options(1) };
        let full = Agent::start(farm.clone(), options).await.unwrap();
        let mut telemetry = full.telemetry();
        telemetry.wait_for(Option::is_some).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let job = submit(&farm, "full", vec![task("a", "text", json!({"text": "t"}))]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(farm.task_records(&job).await.unwrap()[0].attempts, 0);
        let roomy = Agent::start(farm.clone(), AgentOptions { node: NodeId("roomy".into()), ..agent_options(1) }).await.unwrap();
        assert_eq!(ended(&events(&farm, &job).await).0, JobState::Succeeded);
        full.stop().await;
        roomy.stop().await;
        farm.close().await;
    });
}

/// Workers that start only when there is such a file.
fn worker_if(there: &Path) -> Vec<OsString> {
    let mut command: Vec<OsString> = ["sh", "-c", "test -e \"$0\" || exit 127; exec \"$@\""].map(OsString::from).into();
    command.push(there.into());
    command.extend(this_as("as_worker"));
    command
}

#[test]
fn a_device_whose_workers_do_not_start_is_drained_tried_again_and_forgiven() {
    block(async {
        let folder = tempfile::tempdir().unwrap();
        let farm = open(folder.path()).await;
        let well = folder.path().join("well");
        let options = AgentOptions { worker: worker_if(&well), ..agent_options(1) };
        let agent = Agent::start(farm.clone(), options).await.unwrap();
        let job = submit(&farm, "start", (0..4).map(|n| task(&format!("t{n}"), "text", json!({"text": "t"}))).collect()).await;
        let mut watch = farm.watch(&job);
        for _ in 0..3 {
            while !matches!(watch.next().await, Some(Event::TaskFailed { again: true, .. })) {}
        }
        std::fs::write(&well, "").unwrap();
        let events = events(&farm, &job).await;
        assert_eq!(ended(&events).0, JobState::Succeeded, "{events:?}");
        agent.stop().await;
        farm.close().await;
    });
}
