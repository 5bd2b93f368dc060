//! The whole scheduler with tasks that do nothing: what it dispatches, hears of and makes durable in a second, how soon a task begins,
//! how many jobs it accepts. `cargo bench -p klieg-scheduler --bench farm`; `-- --json FILE` writes the figures too.
//!
//! Real farms (SQLite with synchronous commits; PostgreSQL with synchronous commits and NATS), real leases; the node is in this
//! process and reports every task as soon as it is told of it. Figures of both threads of the machine, the databases included.

use klieg_protocol::{
    Ask, Beat, Command, DeviceBeat, Dispatcher, Event, Incarnation, JobSpec, JobState, NodeId, Offer, Outcome, Plan, Report,
    TaskId, TaskResult, TaskSpec, wire::Heard,
};
use klieg_scheduler::{Farm, FarmOptions};
use klieg_servers::{Nats, Postgres, Sync};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Tasks of the job whose tasks are counted.
const TASKS: u32 = 20_000;
/// Slots of the node: as many tasks are under way.
const SLOTS: u32 = 256;
/// Jobs of one task each whose beginning is timed.
const PROBES: u32 = 4_000;
/// Jobs of one task each that nobody runs.
const JOBS: u32 = 10_000;
/// Submissions under way at a time.
const AT_ONCE: u32 = 256;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

fn task(name: String, n: u32, salt: &str) -> TaskSpec {
    let (params, ask) = (json!([salt, n]), Ask { memory_bytes: 1, seconds: 0.001, ..Ask::default() });
    TaskSpec { name, step: "noop".into(), params, inputs: BTreeMap::new(), ask, rank: n, label: String::new() }
}

fn job(label: String) -> JobSpec {
    JobSpec { kind: "noop".into(), label, params: Value::Null, inputs: BTreeMap::new() }
}

type Begun = Arc<Mutex<BTreeMap<TaskId, Instant>>>;

/// A node that has done every task when it hears of it. Notes when that was.
async fn node(farm: &Farm, begun: Begun) {
    let offer = Offer::of_cpu(NodeId("bench".into()), Incarnation(1), SLOTS, 1 << 40);
    let mut commands = farm.join(offer.clone()).await.expect("join");
    tokio::spawn(beats(farm.clone(), offer.clone()));
    let farm = farm.clone();
    tokio::spawn(async move {
        while let Some(command) = commands.next().await {
            let Command::Run(dispatch) = command else { continue };
            begun.lock().expect("a lock").insert(dispatch.id.clone(), now());
            let outcome = Outcome::Succeeded(TaskResult { outputs: BTreeMap::new(), adds: Vec::new() });
            let (id, attempt, token, node) = (dispatch.id.clone(), dispatch.attempt, dispatch.token, offer.node.clone());
            let report =
                Report { node, id, attempt, token, outcome, seconds: 0.0, damaged: Vec::new(), peak_bytes: None, killed: false };
            let farm = farm.clone();
            tokio::spawn(async move { assert!(farm.report(report).await.expect("the farm lives"), "a result is taken") });
        }
    });
}

async fn beats(farm: Farm, offer: Offer) {
    let mut session = 0;
    loop {
        let (node, incarnation) = (offer.node.clone(), offer.incarnation);
        let devices = vec![DeviceBeat::default()];
        // What has just been reported is not listed: the farm knows it from the report.
        let beat = Beat { node, incarnation, draining: false, devices, session, attempts: Vec::new(), telemetry: None };
        let Ok(Heard { session: current, .. }) = farm.beat(beat).await else { return };
        if std::mem::replace(&mut session, current) == current {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

async fn ended(farm: &Farm, job: &klieg_protocol::JobId) {
    let mut events = farm.watch(job);
    while let Some(event) = events.next().await {
        if let Event::JobEnded { state, .. } = event {
            return assert_eq!(state, JobState::Succeeded);
        }
    }
    panic!("the farm closed before the job ended");
}

/// Tasks a second of one job.
async fn throughput(farm: &Farm) -> f64 {
    let tasks = (0..TASKS).map(|n| task(format!("noop/{n:06}"), n, "throughput")).collect();
    let begin = now();
    let id = farm.submit(job("throughput".into()), Plan { tasks }, "bench").await.expect("submit");
    ended(farm, &id).await;
    f64::from(TASKS) / begin.elapsed().as_secs_f64()
}

/// Milliseconds from the submission of a job to the beginning of its task, at so many jobs a second: median and 99th percentile.
async fn latency(farm: &Farm, begun: &Begun, rate: f64, round: usize) -> (f64, f64) {
    let mut pulse = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut open = Vec::new();
    for n in 0..PROBES {
        pulse.tick().await;
        let farm = farm.clone();
        open.push(tokio::spawn(async move {
            let (spec, plan) =
                (job(format!("probe {round} {n}")), Plan { tasks: vec![task("noop".into(), n, &format!("latency {round}"))] });
            let begin = now();
            let id = farm.submit(spec, plan, "bench").await.expect("submit");
            (TaskId { job: id.clone(), task: "noop".into() }, begin)
        }));
    }
    let mut begins = Vec::new();
    for probe in open {
        begins.push(probe.await.expect("a probe"));
    }
    let mut waits = Vec::new();
    for (id, begin) in begins {
        let start = loop {
            if let Some(start) = begun.lock().expect("a lock").get(&id) {
                break *start;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        waits.push(start.duration_since(begin).as_secs_f64() * 1_000.0);
    }
    waits.sort_by(f64::total_cmp);
    (waits[waits.len() / 2], waits[waits.len() * 99 / 100])
}

/// Jobs that are durable, a second.
async fn acceptance(farm: &Farm) -> f64 {
    let begin = now();
    let each = JOBS / AT_ONCE;
    let clients: Vec<_> = (0..AT_ONCE)
        .map(|client| {
            let farm = farm.clone();
            tokio::spawn(async move {
                for n in client * each..(client + 1) * each {
                    let plan = Plan { tasks: vec![task("noop".into(), n, "acceptance")] };
                    farm.submit(job(format!("job {n}")), plan, "bench").await.expect("submit");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client");
    }
    f64::from(each * AT_ONCE) / begin.elapsed().as_secs_f64()
}

/// `goal`: tasks a second; the latency is measured at half of that, and at half of what was reached.
async fn measure(name: &str, goal: f64, options: FarmOptions) -> Value {
    let farm = Farm::open(options).await.expect("a farm");
    let jobs = acceptance(&farm).await;
    let begun = Begun::default();
    node(&farm, Arc::clone(&begun)).await;
    // What was accepted before runs first.
    while begun.lock().expect("a lock").len() < (JOBS / AT_ONCE * AT_ONCE) as usize {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let tasks = throughput(&farm).await;
    println!("{name}: {tasks:.0} tasks/s, {jobs:.0} jobs/s accepted");
    let mut starts = Vec::new();
    for (round, rate) in [goal / 2.0, tasks / 2.0].into_iter().enumerate() {
        let (p50, p99) = latency(&farm, &begun, rate, round).await;
        println!("  start at {rate:.0} jobs/s: p50 {p50:.2} ms, p99 {p99:.2} ms");
        starts.push(json!({"jobs_per_second": rate, "p50_ms": p50, "p99_ms": p99}));
    }
    farm.close().await;
    json!({"farm": name, "tasks_per_second": tasks, "jobs_accepted_per_second": jobs, "submit_to_start": starts, "durable": true})
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = measure("SQLite", 4_000.0, FarmOptions { folder: folder.path().join("sqlite"), ..FarmOptions::default() }).await;
    let (postgres, nats) = (Postgres::start(Sync::On), Nats::start());
    let options = FarmOptions {
        folder: folder.path().join("postgres"),
        store: Some(postgres.url()),
        bus: Some(nats.url()),
        ..FarmOptions::default()
    };
    let postgres = measure("PostgreSQL + NATS", 3_000.0, options).await;
    let mut args = std::env::args().skip_while(|arg| arg != "--json");
    if let Some(file) = args.nth(1) {
        std::fs::write(file, format!("{:#}\n", json!([sqlite, postgres]))).expect("write the figures");
    }
}
