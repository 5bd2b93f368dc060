//! What every implementation of the port must do.

use super::{Batch, Cached, Store, StoreError};
use crate::{
    state::{Job, Run, Standing, Task, Tasks},
    step::Attempt,
};
use klieg_protocol::{
    Ask, Digest, Fault, Incarnation, Input, JobId, JobSpec, JobState, NodeId, Offer, Source, TaskFailure, TaskId, TaskResult,
    TaskSpec, TaskState, Token,
};
use serde_json::json;
use std::collections::BTreeMap;

pub fn task(name: &str) -> Task {
    let input = Input { from: Source::Blob(Digest::of(b"in")) };
    let spec = TaskSpec {
        name: name.into(),
        step: "s".into(),
        params: json!({"n": 0.1, "t": "ä\u{0}b"}),
        inputs: BTreeMap::from([("in".into(), input)]),
        ask: Ask { memory_bytes: 5, seconds: 1.5, ..Ask::default() },
        rank: 7,
        label: "a label".into(),
    };
    Task::new(spec, 3)
}

pub fn job(id: &str) -> Job {
    let inputs = BTreeMap::from([("script".into(), Digest::of(b"script"))]);
    Job {
        id: JobId(id.into()),
        identity: Digest::of(id.as_bytes()),
        build: "build".into(),
        spec: JobSpec { kind: "toy".into(), label: "l".into(), params: json!([1, null]), inputs },
        state: JobState::Queued,
        reason: None,
        priority: -2,
        price: 0.25,
        submitted_at: 1_000,
        ended_at: None,
        parked: false,
        project: "films".into(),
        standing: Standing::default(),
        tasks: Tasks::default(),
        ready: BTreeMap::new(),
        dependents: BTreeMap::new(),
        unfinished: 0,
    }
}

fn cached(name: &str, bytes: u64, used_at: u64) -> Cached {
    let outputs = BTreeMap::from([("o".to_string(), Digest::of(name.as_bytes()))]);
    let result = TaskResult { outputs, adds: vec![task("more").spec.open()] };
    Cached { identity: Digest::of(name.as_bytes()), result, seconds: 2.5, bytes, used_at }
}

fn put(job: &Job) -> Batch {
    let tasks = job.tasks.iter().map(|(name, task)| (job.id.clone(), name.to_string(), task.clone())).collect();
    Batch { jobs: vec![job.bare()], tasks, ..Batch::default() }
}

/// Panics where `store`, which is empty, does not keep its word.
pub async fn check(store: &impl Store) {
    jobs(store).await;
    leadership(store).await;
    cache(store).await;
    cancels(store).await;
    pruning(store).await;
}

async fn jobs(store: &impl Store) {
    let epoch = store.lead().await.expect("lead");
    assert_eq!(store.highest().await.expect("highest"), (0, 0));
    let mut job = job("job-000012");
    let mut running = task("a");
    running.state = TaskState::Running;
    (running.attempts, running.faults, running.node_faults, running.token) = (4, 2, 1, Token(77));
    running.furthest = 0.7;
    (running.kills, running.splits) = (1, 2);
    let (node, incarnation) = (NodeId("n".into()), Incarnation(u64::MAX));
    let run = Run { node, incarnation, device: 1, slots: vec![3, 5], memory_bytes: 7, since: 1_234 };
    running.run = Some(Box::new(run));
    running.failure = Some(Box::new(TaskFailure { fault: Fault::Node, message: "m".into() }));
    let mut done = task("b");
    done.state = TaskState::Succeeded;
    (done.reused, done.seconds) = (true, 0.1 + 0.2);
    done.outputs = BTreeMap::from([("o".to_string(), Digest::of(b"o"))]);
    job.tasks = [running, done].into_iter().collect();
    store.commit(epoch, &put(&job)).await.expect("commit");
    assert_eq!(store.job(&job.id).await.expect("job").as_ref(), Some(&job), "it comes back as it was");
    assert_eq!(store.unfinished().await.expect("unfinished"), [job.clone()]);
    assert_eq!(store.job(&JobId("none".into())).await.expect("job"), None);
    assert_eq!(store.highest().await.expect("highest"), (77, 12));

    let attempt = |job: &str| Attempt {
        id: TaskId { job: JobId(job.into()), task: "a".into() },
        attempt: 1,
        token: Token(5),
        node: NodeId("n".into()),
        slot: 0,
        started: 1,
        ended: 2,
        seconds: 0.001,
        failure: None,
    };
    job.tasks.get_mut("a").expect("a").state = TaskState::Ready;
    let torn = Batch { attempts: vec![attempt("no such job")], ..put(&job) };
    assert!(store.commit(epoch, &torn).await.is_err());
    assert_eq!(store.job(&job.id).await.expect("job").expect("job").tasks["a"].state, TaskState::Running, "all or nothing");

    (job.state, job.reason, job.ended_at) = (JobState::Failed, Some("r".into()), Some(9_000));
    store.commit(epoch, &Batch { attempts: vec![attempt("job-000012")], ..put(&job) }).await.expect("commit");
    assert_eq!(store.unfinished().await.expect("unfinished"), []);
    let ended = job.clone();
    (job.state, job.reason) = (JobState::Running, None);
    store.commit(epoch, &put(&job)).await.expect("commit");
    assert_eq!(store.job(&job.id).await.expect("job"), Some(ended.clone()), "a terminal state never changes");
    let list = store.list().await.expect("list");
    assert_eq!((list[0].job.clone(), list[0].tasks_total, list[0].tasks_done, list[0].running), (ended.bare(), 2, 1, 0));
    assert!((list[0].seconds - 0.3).abs() < 1e-9);
}

async fn leadership(store: &impl Store) {
    let old = store.lead().await.expect("lead");
    let offer = Offer::of_cpu(NodeId("n".into()), Incarnation(u64::MAX), 2, 1 << 40);
    let joined = Batch { nodes_joined: vec![offer.clone()], ..Batch::default() };
    store.commit(old, &joined).await.expect("commit");
    assert_eq!(store.nodes().await.expect("nodes"), [offer]);
    let new = store.lead().await.expect("lead");
    assert!(new > old);
    assert_eq!(store.nodes().await.expect("nodes"), [], "a new leader knows no node yet");
    let refused = store.commit(old, &put(&job("job-000099"))).await;
    assert!(matches!(refused, Err(StoreError::Fenced)), "{refused:?}");
    assert_eq!(store.job(&JobId("job-000099".into())).await.expect("job"), None);
}

async fn cache(store: &impl Store) {
    let epoch = store.lead().await.expect("lead");
    let results = vec![cached("x", 10, 3), cached("y", 20, 1), cached("z", 30, 2)];
    let (x, y) = (results[0].clone(), results[1].clone());
    store.commit(epoch, &Batch { results, ..Batch::default() }).await.expect("commit");
    let found = store.results(&[x.identity, Digest::of(b"unknown")]).await.expect("results");
    assert_eq!(found, BTreeMap::from([(x.identity, x.clone())]));
    assert_eq!(store.results_bytes().await.expect("bytes"), 60);
    store.commit(epoch, &Batch { used: vec![(y.identity, 9)], ..Batch::default() }).await.expect("commit");
    let order: Vec<u64> = store.all_results().await.expect("all").iter().map(|cached| cached.bytes).collect();
    assert_eq!(order, [30, 10, 20], "least recently used first");
    store.forget(&[x.identity, Digest::of(b"unknown")]).await.expect("forget");
    assert_eq!(store.results_bytes().await.expect("bytes"), 50);
}

async fn cancels(store: &impl Store) {
    let epoch = store.lead().await.expect("lead");
    let ids = [JobId("b".into()), JobId("a".into())];
    for (at, id) in (1..).zip(&ids) {
        store.ask_cancel(id, at).await.expect("ask");
        store.ask_cancel(id, 99).await.expect("ask again");
    }
    assert_eq!(store.cancels().await.expect("cancels"), ids, "in the order in which they came");
    let done = Batch { cancels_done: vec![ids[0].clone()], ..Batch::default() };
    store.commit(epoch, &done).await.expect("commit");
    assert_eq!(store.cancels().await.expect("cancels"), [ids[1].clone()]);
}

async fn pruning(store: &impl Store) {
    let epoch = store.lead().await.expect("lead");
    let mut old = job("job-000100");
    old.tasks.insert(task("a"));
    let mut ended = job("job-000101");
    ended.state = JobState::Succeeded;
    for job in [&old, &ended] {
        store.commit(epoch, &put(job)).await.expect("commit");
    }
    store.prune(1).await.expect("prune");
    let left: Vec<JobId> = store.list().await.expect("list").into_iter().map(|summary| summary.job.id).collect();
    assert_eq!(left, [old.id.clone(), ended.id], "the latest stays, and what is unfinished");
    assert_eq!(store.job(&old.id).await.expect("job"), Some(old));
}
