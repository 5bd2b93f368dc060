//! How many tasks a second each store takes: rounds as the scheduler makes them, each one durable commit in which so many no-op
//! tasks end (task, attempt and result are written) and as many begin. `cargo bench -p klieg-scheduler --bench stores`.

use klieg_protocol::{Digest, Incarnation, JobId, NodeId, TaskId, TaskSpec, TaskState, Token};
use klieg_scheduler::{
    state::{Run, Task},
    step::Attempt,
    store::{
        Batch, Cached, Postgres, Sqlite, Store,
        conformance::{Leader, job, task},
    },
};
use klieg_servers::Sync;
use std::time::Instant;

const ROUNDS: u64 = 200;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

fn named(number: u64) -> (JobId, String, Task) {
    let name = format!("noop/{number:07}");
    let spec = TaskSpec { params: serde_json::json!({ "n": number }), ..task(&name).spec.open() };
    (JobId("job-000001".into()), name, Task::new(spec, u32::try_from(number).unwrap_or(u32::MAX)))
}

fn begun(number: u64) -> (JobId, String, Task) {
    let (job, name, mut task) = named(number);
    (task.state, task.attempts, task.token) = (TaskState::Running, 1, Token(number + 1));
    let node = NodeId("node".into());
    let run = Run { node, incarnation: Incarnation(1), device: 0, slots: vec![0], memory_bytes: 1, since: number };
    task.run = Some(Box::new(run));
    (job, name, task)
}

fn end(number: u64, batch: &mut Batch) {
    let (job, name, mut task) = begun(number);
    (task.state, task.run, task.seconds) = (TaskState::Succeeded, None, 0.001);
    let identity = Digest::of(&number.to_le_bytes());
    let result = klieg_protocol::TaskResult { outputs: [("o".to_string(), identity)].into(), adds: Vec::new() };
    batch.attempts.push(Attempt {
        id: TaskId { job: job.clone(), task: name.clone() },
        attempt: 1,
        token: task.token,
        node: NodeId("node".into()),
        device: 0,
        slot: 0,
        started: number,
        ended: number + 1,
        seconds: 0.001,
        failure: None,
    });
    batch.results.push(Cached { identity, result, seconds: 0.001, bytes: 100, used_at: number });
    batch.tasks.push((job, name, task));
}

/// Tasks that are a round's are in one commit.
async fn measure(name: &str, store: &impl Store, tasks: u64) {
    let mut leader = Leader::new(store).await;
    let all = (0..tasks * (ROUNDS + 1)).map(named).collect();
    leader.commit(&Batch { jobs: vec![job("job-000001")], tasks: all, ..Batch::default() }).await.expect("submit");
    let rounds: Vec<Batch> = (0..ROUNDS)
        .map(|round| {
            let mut batch = Batch::default();
            (round * tasks..(round + 1) * tasks).for_each(|number| end(number, &mut batch));
            batch.tasks.extend(((round + 1) * tasks..(round + 2) * tasks).map(begun));
            batch
        })
        .collect();
    let (mut took, start) = (Vec::new(), now());
    for batch in &rounds {
        let begin = now();
        leader.commit(batch).await.expect("commit");
        took.push(begin.elapsed());
    }
    let all = start.elapsed();
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1e3;
    let rate = |count: u64| count as f64 / all.as_secs_f64();
    println!(
        "{name:<28} {tasks:>4} tasks a commit  {:>8.0} commits/s  {:>8.0} tasks/s  p50 {:>7.2} ms  p99 {:>7.2} ms",
        rate(ROUNDS),
        rate(ROUNDS * tasks),
        at(50),
        at(99)
    );
}

#[tokio::main]
async fn main() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.trim());
    for tasks in [1, 16, 64, 256] {
        let folder = tempfile::tempdir().expect("a folder");
        let sqlite = Sqlite::open(&folder.path().join("farm.sqlite")).await.expect("SQLite");
        measure("sqlite (WAL, full sync)", &sqlite, tasks).await;
        sqlite.close().await;
        let begin = now();
        let server = klieg_servers::Postgres::start(Sync::On);
        let started = begin.elapsed();
        let postgres = Postgres::open(&server.url()).await.expect("PostgreSQL");
        measure("postgres 15 (synchronous)", &postgres, tasks).await;
        postgres.close().await;
        if tasks == 1 {
            println!("PostgreSQL started in {:.2} s", started.as_secs_f64());
        }
    }
}
