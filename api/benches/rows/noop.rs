//! Tasks that do nothing: how many are dispatched, run and committed in a second, how soon one begins, how many jobs are accepted.
//!
//! Real farms (SQLite; PostgreSQL and NATS; synchronous commits) and real leases. In the first rows the node is in the scheduler's
//! process and reports every task as soon as it is told of it: what the scheduler takes. In the others it is another process, over
//! HTTP on loopback; or an agent with worker processes, as the peers have them.

use crate::{
    clock::{Watch, now},
    house::{Child, client, idle, remote, until},
    node::{Node, Told, Way},
    row::{Beside, Row},
};
use klieg_protocol::{Ask, Event, JobId, JobSpec, JobState, Plan, TaskId, TaskSpec};
use klieg_scheduler::{Farm, FarmOptions};
use klieg_servers::{Nats, Postgres, Sync};
use serde_json::{Value, json};
use std::{collections::BTreeMap, future::Future, time::Duration};

/// Slots of the node: as many tasks are under way.
const SLOTS: u32 = 256;
/// Submissions under way at a time.
const AT_ONCE: u32 = 256;

/// How much is done for a figure.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Tasks of the job whose tasks are counted.
    pub tasks: u32,
    /// Jobs of one task each whose beginning is timed.
    pub probes: u32,
    /// Jobs of one task each that nobody runs yet.
    pub jobs: u32,
}

impl Size {
    pub fn of(quick: bool) -> Self {
        let part = if quick { 5 } else { 1 };
        Self { tasks: 20_000 / part, probes: 6_000 / part, jobs: 10_240 / part }
    }
}

fn task(name: String, n: u32, salt: &str) -> TaskSpec {
    let (params, ask) = (json!([salt, n]), Ask { memory_bytes: 1, seconds: 0.001, ..Ask::default() });
    TaskSpec { name, step: "noop".into(), params, inputs: BTreeMap::new(), ask, rank: n, label: String::new() }
}

fn job(label: String) -> JobSpec {
    JobSpec { kind: "noop".into(), label, params: Value::Null, inputs: BTreeMap::new() }
}

async fn ended(farm: &Farm, job: &JobId) {
    let mut events = farm.watch(job);
    while let Some(event) = events.next().await {
        if let Event::JobEnded { state, .. } = event {
            return assert_eq!(state, JobState::Succeeded);
        }
    }
    panic!("the farm closed before the job ended");
}

/// Tasks a second of one job.
async fn throughput(farm: &Farm, tasks: u32) -> f64 {
    let plan = Plan { tasks: (0..tasks).map(|n| task(format!("noop/{n:06}"), n, "throughput")).collect() };
    let watch = Watch::start();
    let id = farm.submit(job("throughput".into()), plan, "bench").await.expect("submit");
    ended(farm, &id).await;
    f64::from(tasks) / watch.seconds()
}

/// Milliseconds from the submission of a job to the beginning of its task, at so many jobs a second: median and 99th percentile.
async fn latency<F>(told: &Told, rate: f64, probes: u32, submit: impl Fn(u32) -> F) -> (f64, f64)
where
    F: Future<Output = TaskId> + Send + 'static,
{
    let mut pulse = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut open = Vec::new();
    for n in 0..probes {
        pulse.tick().await;
        let (begin, submitted) = (now(), submit(n));
        open.push(tokio::spawn(async move { (submitted.await, begin) }));
    }
    let mut waits = Vec::new();
    for probe in open {
        let (id, begin) = probe.await.expect("a probe");
        let start = loop {
            if let Some(start) = told.notes().begun.get(&id) {
                break *start;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        waits.push(start.duration_since(begin).as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    (waits[waits.len() / 2], waits[waits.len() * 99 / 100])
}

/// Jobs that are durable, a second.
async fn acceptance(farm: &Farm, jobs: u32) -> f64 {
    let (watch, each) = (Watch::start(), jobs / AT_ONCE);
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
    f64::from(each * AT_ONCE) / watch.seconds()
}

/// What a farm with its node in the same process does. `goal`: tasks a second; the latency is measured at half of that.
pub async fn near(options: FarmOptions, goal: f64, size: Size) -> (f64, f64, (f64, f64)) {
    let farm = Farm::open(options).await.expect("a farm");
    let jobs = acceptance(&farm, size.jobs).await;
    let told = Told::default();
    let node = Node::join(farm.clone(), "bench", SLOTS, told.clone(), Way::Done).await;
    // What was accepted before runs first.
    told.first((size.jobs / AT_ONCE * AT_ONCE) as usize).await;
    let tasks = throughput(&farm, size.tasks).await;
    let submit = |n| {
        let (farm, plan) = (farm.clone(), Plan { tasks: vec![task("noop".into(), n, "latency")] });
        async move {
            let job = farm.submit(job(format!("probe {n}")), plan, "bench").await.expect("submit");
            TaskId { job, task: "noop".into() }
        }
    };
    let starts = latency(&told, goal / 2.0, size.probes, submit).await;
    drop(node);
    farm.close().await;
    (tasks, jobs, starts)
}

pub async fn rows(postgres: bool, size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let servers = postgres.then(|| (Postgres::start(Sync::On), Nats::start()));
    let options = FarmOptions {
        folder: folder.path().into(),
        store: servers.as_ref().map(|(postgres, _)| postgres.url()),
        bus: servers.as_ref().map(|(_, nats)| nats.url()),
        ..FarmOptions::default()
    };
    let (name, goal) = if postgres { ("PostgreSQL + NATS", 3_000.0) } else { ("SQLite", 4_000.0) };
    let (tasks, jobs, (p50, p99)) = near(options, goal, size).await;
    let beside = Beside { tasks_per_s: Some(tasks), p50_ms: Some(p50), p99_ms: Some(p99) };
    let what = format!("{name}: no-op tasks dispatched, run and committed");
    Row::at_least(what, tasks, goal, "tasks/s").beside(beside).print();
    let start = |part: &str| format!("{name}: submit → start at {:.0} jobs/s, {part}", goal / 2.0);
    Row::at_most(start("p50"), p50, 3.0, "ms").print();
    Row::at_most(start("p99"), p99, 25.0, "ms").print();
    Row::at_least(format!("{name}: jobs accepted"), jobs, 2_000.0, "jobs/s").print();
}

/// Tasks a second of one job that is submitted over HTTP.
async fn far_throughput(client: &klieg_api::client::Client, tasks: u32, seconds: f64) -> f64 {
    let watch = Watch::start();
    client.submit(&idle(tasks, seconds, "throughput")).await.expect("submit");
    until(client, |backlog| backlog.ready + backlog.running == 0).await;
    f64::from(tasks) / watch.seconds()
}

/// The scheduler is one process; its node and those who submit are another, over HTTP on loopback.
pub async fn over_http(size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, url) = Child::serve(&folder.path().join("farm"), None);
    let client = client(&[&url], &folder.path().join("client"));
    until(&client, |_| true).await;
    let told = Told::default();
    let node = Node::join(remote(&[&url], &folder.path().join("node")), "far", SLOTS, told.clone(), Way::Done).await;
    node.settled(0).await;
    let tasks = far_throughput(&client, size.tasks / 4, 0.0).await;
    let submit = |n| {
        let client = client.clone();
        async move {
            let job = client.submit(&idle(1, 0.0, &format!("probe {n}"))).await.expect("submit");
            TaskId { job, task: "idle/000000".into() }
        }
    };
    let (p50, p99) = latency(&told, (tasks / 2.0).min(500.0), size.probes / 4, submit).await;
    let beside = Beside { tasks_per_s: Some(tasks), p50_ms: Some(p50), p99_ms: Some(p99) };
    let what = "SQLite: the same with scheduler and node in two processes, over HTTP";
    Row::of(what, format!("{tasks:.0} tasks/s, p50 {p50:.1} ms, p99 {p99:.1} ms at {:.0} jobs/s", (tasks / 2.0).min(500.0)))
        .beside(beside)
        .print();
}

/// And with an agent's worker processes, which is all that a task passes through on a real farm.
pub async fn by_workers(slots: u32, size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, url) = Child::serve(&folder.path().join("farm"), None);
    let client = client(&[&url], &folder.path().join("client"));
    let _agent = Child::agent(&[&url], "agent", slots, &folder.path().join("agent"));
    until(&client, |backlog| backlog.nodes == 1).await;
    // Workers start with their first task.
    far_throughput(&client, slots * 4, 0.000_001).await;
    let tasks = far_throughput(&client, size.tasks / 20, 0.0).await;
    let what = format!("SQLite: the same by an agent with {slots} worker processes, over HTTP");
    Row::of(what, format!("{tasks:.0} tasks/s")).beside(Beside { tasks_per_s: Some(tasks), ..Beside::default() }).print();
}
