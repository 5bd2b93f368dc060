//! The farm on a cluster's ports: two schedulers, of which one leads.

use klieg_protocol::{
    Ask, Beat, Command, Commands, DeviceBeat, Digest, Dispatcher, Event, Incarnation, Input, JobSpec, JobState, NodeId, Offer,
    Outcome, Plan, Report, Source, TaskResult, TaskSpec, wire::Heard,
};
use klieg_scheduler::{
    Farm, FarmOptions,
    ports::AnyStore,
    store::{Store, lead_now},
};
use klieg_servers::Sync;
use std::{collections::BTreeMap, path::Path, time::Duration};

fn task(name: &str, of: Option<&str>) -> TaskSpec {
    let input = |task: &str| Input { from: Source::Output { task: task.into(), name: "out".into() } };
    TaskSpec {
        name: name.into(),
        step: "echo".into(),
        params: serde_json::json!(name),
        inputs: of.map(|task| ("in".to_string(), input(task))).into_iter().collect(),
        ask: Ask { memory_bytes: 1, seconds: 1.0, ..Ask::default() },
        rank: 0,
        label: name.into(),
    }
}

/// Joins, names the session, and lets the farm hear of the node until it ends.
async fn join(farm: &Farm, offer: &Offer) -> Box<dyn Commands> {
    let commands = farm.join(offer.clone()).await.unwrap();
    let (farm, offer) = (farm.clone(), offer.clone());
    tokio::spawn(async move {
        let mut session = 0;
        loop {
            let (node, incarnation) = (offer.node.clone(), offer.incarnation);
            let devices = vec![DeviceBeat::default()];
            let beat = Beat { node, incarnation, draining: false, devices, session, attempts: Vec::new(), telemetry: None };
            let Ok(Heard { session: now, .. }) = farm.beat(beat).await else { return };
            if std::mem::replace(&mut session, now) == now {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    });
    commands
}

/// Takes one command and does what it says: a task's output is its name after its input.
async fn work_once(farm: &Farm, node: &NodeId, commands: &mut dyn Commands) -> String {
    let Some(Command::Run(dispatch)) = commands.next().await else { panic!("the farm has ended") };
    let mut bytes = Vec::new();
    for digest in dispatch.inputs.values() {
        bytes.extend(std::fs::read(farm.fetch(*digest).await.unwrap()).unwrap());
    }
    bytes.extend(dispatch.task.name.as_bytes());
    let file = farm.scratch().join(format!("{}", dispatch.token.0));
    std::fs::write(&file, &bytes).unwrap();
    let digest = Digest::of(&bytes);
    farm.adopt(digest, file).await.unwrap();
    let outcome = Outcome::Succeeded(TaskResult { outputs: BTreeMap::from([("out".to_string(), digest)]), adds: Vec::new() });
    let (id, attempt, token) = (dispatch.id.clone(), dispatch.attempt, dispatch.token);
    let (node, damaged) = (node.clone(), Vec::new());
    let report = Report { node, id, attempt, token, outcome, seconds: 0.1, damaged, peak_bytes: None, killed: false };
    assert!(farm.report(report).await.unwrap(), "its result is taken");
    dispatch.task.name
}

#[test]
fn a_farm_on_postgres_nats_and_s3_is_taken_over_and_finishes_what_it_began() {
    // Where the S3 client finds its key is the environment, which a test must not change for others: a process of its own.
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "farm::on_a_cluster", "--ignored", "--nocapture"])
        .env("AWS_ACCESS_KEY_ID", klieg_servers::S3::ACCESS_KEY);
    let output = command.env("AWS_SECRET_ACCESS_KEY", klieg_servers::S3::SECRET_KEY).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a_farm_on_postgres_nats_and_s3_is_taken_over_and_finishes_what_it_began starts it"]
async fn on_a_cluster() {
    let (postgres, nats) = (klieg_servers::Postgres::start(Sync::Off), klieg_servers::Nats::start());
    let s3 = klieg_servers::S3::start().await;
    let options = |folder: &Path| FarmOptions {
        folder: folder.into(),
        store: Some(postgres.url()),
        bus: Some(nats.url()),
        blobs: Some(format!("s3://bucket/farm?endpoint={}", s3.endpoint())),
        lease: Duration::from_millis(1_500),
        resume_all: true,
        ..FarmOptions::default()
    };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Farm::open(options(one.path())).await.unwrap();
    let standby = tokio::spawn(Farm::open(options(two.path())));

    let node = NodeId("node".into());
    let offer = Offer::of_cpu(node.clone(), Incarnation(1), 1, 1_000);
    let mut commands = join(&first, &offer).await;
    let spec = JobSpec { kind: "test".into(), label: "l".into(), params: serde_json::json!(null), inputs: BTreeMap::new() };
    let plan = Plan { tasks: vec![task("a", None), task("b", Some("a")), task("c", Some("b"))] };
    let job = first.submit(spec, plan, "build").await.unwrap();
    assert_eq!(work_once(&first, &node, &mut *commands).await, "a");
    // Longer than the lease, with nothing to commit but the beat.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!standby.is_finished(), "one leads");
    assert_eq!(work_once(&first, &node, &mut *commands).await, "b");

    // It resigns, and leaves c where it is.
    first.close().await;
    let second = tokio::time::timeout(Duration::from_secs(20), standby).await.expect("it takes over").unwrap().unwrap();
    let mut commands = join(&second, &offer).await;
    assert_eq!(work_once(&second, &node, &mut *commands).await, "c");
    let mut events = second.watch(&job);
    let mut done = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), events.next()).await.expect("events").expect("not before the end") {
            Event::TaskSucceeded { task, .. } => done.push(task),
            Event::JobEnded { state, .. } => break assert_eq!(state, JobState::Succeeded),
            _ => {}
        }
    }
    assert_eq!(done, ["a", "b", "c"]);
    let outputs = second.outputs(&job).await.unwrap();
    let film = outputs[&("c".to_string(), "out".to_string())];
    assert_eq!(second.blob(&film).await.unwrap(), b"abc");
    assert_eq!(s3.uploads_open(), 0);
    second.close().await;
}

#[tokio::test]
async fn a_farm_that_cannot_write_any_more_says_so_and_ends_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let farm = Farm::open(FarmOptions { folder: folder.path().into(), ..FarmOptions::default() }).await.unwrap();
    let spec = JobSpec { kind: "echo".into(), label: "l".into(), params: serde_json::Value::Null, inputs: BTreeMap::new() };
    let job = farm.submit(spec, Plan { tasks: vec![task("a", None)] }, "build").await.unwrap();
    let mut watch = farm.watch(&job);
    assert!(matches!(watch.next().await, Some(Event::TaskAdded { .. })));
    assert_eq!(farm.fate(), None);
    // Somebody else takes the lead behind its back.
    let url = format!("sqlite:{}", folder.path().join("farm.sqlite").display());
    let store = AnyStore::open(&url).await.unwrap();
    lead_now(&store, "a thief").await.unwrap();
    farm.cancel(&job).await.unwrap_err();
    let more = tokio::time::timeout(Duration::from_secs(10), watch.next()).await.expect("nobody waits for ever");
    assert_eq!(more, None, "the job has not ended");
    assert!(farm.fate().unwrap().contains("another scheduler has taken over"), "{:?}", farm.fate());
    assert_eq!(store.summary(&job).await.unwrap().unwrap().job.state, JobState::Queued);
    farm.close().await;
}
