//! What every implementation of the port must do; the simulation's too (feature `conformance`).

use super::{Account, Batch, Cached, Epoch, Leadership, Measured, Standing, Store, StoreError, lead_now};
use crate::{
    state::{Job, Run, Share, Task, Tasks},
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
        owner: "ada".into(),
        submitted_at: 1_000,
        ended_at: None,
        parked: false,
        project: "films".into(),
        standing: Default::default(),
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

/// A leader as the scheduler is one.
pub struct Leader<'a, S> {
    store: &'a S,
    pub epoch: Epoch,
    number: u64,
}

impl<'a, S: Store> Leader<'a, S> {
    pub async fn new(store: &'a S) -> Self {
        Self { store, epoch: lead_now(store, "a test").await.expect("lead"), number: 0 }
    }

    /// Commits under the next number, which a batch that was refused leaves free.
    pub async fn commit(&mut self, batch: &Batch) -> Result<(), StoreError> {
        self.store.commit(self.epoch, self.number + 1, batch).await?;
        self.number += 1;
        Ok(())
    }
}

fn fenced<T: std::fmt::Debug>(result: Result<T, StoreError>, why: &str) {
    assert!(matches!(result, Err(StoreError::Fenced)), "{why}: {result:?}");
}

/// Panics where `store`, which is empty, does not keep its word.
pub async fn check(store: &impl Store) {
    jobs(store).await;
    leadership(store).await;
    outcomes(store).await;
    awkward(store).await;
    cache(store).await;
    cancels(store).await;
    pruning(store).await;
    removing(store).await;
    standing(store).await;
    backlog(store).await;
    pins(store).await;
    pages(store).await;
}

/// What outlives leaders is written with the rest, each part by itself, and read in the order of names.
async fn standing(store: &impl Store) {
    assert_eq!(store.standing().await.expect("standing"), Standing::default());
    let mut leader = Leader::new(store).await;
    let account = |project: &str, seconds| {
        let share = Share { weight: 2.5, slots_max: Some(3), ..Share::default() };
        Account { project: project.into(), share, seconds, cost: seconds / 8.0 }
    };
    let peak = |step: &str, bytes| Measured { kind: "film".into(), step: step.into(), shape: "640x360".into(), bytes };
    let first = Standing {
        projects: vec![account("b", 1.5), account("a", 0.0)],
        limits: vec![("nuke".into(), 4)],
        peaks: vec![peak("render", 7)],
    };
    leader.commit(&Batch { standing: first, ..Batch::default() }).await.expect("commit");
    let second = Standing { projects: vec![account("b", 3.0)], limits: vec![], peaks: vec![peak("mix", 1), peak("render", 9)] };
    leader.commit(&Batch { standing: second, ..Batch::default() }).await.expect("commit");
    Leader::new(store).await;
    let wanted = Standing {
        projects: vec![account("a", 0.0), account("b", 3.0)],
        limits: vec![("nuke".into(), 4)],
        peaks: vec![peak("mix", 1), peak("render", 9)],
    };
    assert_eq!(store.standing().await.expect("standing"), wanted, "a new leader finds what the last one wrote");
}

/// A task alone with each thing that can be known of one: none of it gets lost on the way to a new leader.
fn touched() -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut one = |touch: &dyn Fn(&mut Task)| {
        let mut one = task(&format!("task {:02}", tasks.len()));
        one.position = u32::try_from(tasks.len()).expect("few");
        touch(&mut one);
        tasks.push(one);
    };
    one(&|_| {});
    one(&|task| task.state = TaskState::Ready);
    one(&|task| task.state = TaskState::Cancelled);
    one(&|task| task.attempts = 1);
    one(&|task| task.faults = 1);
    one(&|task| task.node_faults = 1);
    one(&|task| task.kills = 1);
    one(&|task| task.splits = 1);
    one(&|task| task.token = Token(1));
    one(&|task| task.reused = true);
    one(&|task| task.seconds = 0.5);
    one(&|task| task.furthest = 0.5);
    one(&|task| task.outputs = BTreeMap::from([("o".to_string(), Digest::of(b"o"))]));
    one(&|task| task.failure = Some(Box::new(TaskFailure { fault: Fault::Task, message: String::new() })));
    let (node, incarnation) = (NodeId("n".into()), Incarnation(1));
    let run = Run { node, incarnation, device: 0, slots: vec![0], memory_bytes: 0, since: 0 };
    one(&|task| task.run = Some(Box::new(run.clone())));
    tasks
}

/// More jobs than are read at a time, and what a new leader finds of them.
async fn backlog(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let mut wanted: Vec<Job> = (0..100).map(|number| job(&format!("job-9{number:05}"))).collect();
    for (number, job) in wanted.iter_mut().enumerate() {
        job.tasks = if number % 3 == 0 { touched() } else { vec![task("alone")] }.into_iter().collect();
    }
    for job in &wanted {
        leader.commit(&put(job)).await.expect("commit");
    }
    let found = store.unfinished().await.expect("unfinished");
    let found: Vec<Job> = found.into_iter().filter(|job| job.id.0.starts_with("job-9")).collect();
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted, "every task comes back as it was written");
    }
}

async fn jobs(store: &impl Store) {
    let mut leader = Leader::new(store).await;
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
    leader.commit(&put(&job)).await.expect("commit");
    assert_eq!(store.job(&job.id).await.expect("job").as_ref(), Some(&job), "it comes back as it was");
    assert_eq!(store.unfinished().await.expect("unfinished"), [job.clone()]);
    assert_eq!(store.job(&JobId("none".into())).await.expect("job"), None);
    assert_eq!(store.highest().await.expect("highest"), (77, 12));

    let attempt = |job: &str| Attempt {
        id: TaskId { job: JobId(job.into()), task: "a".into() },
        attempt: 1,
        token: Token(5),
        node: NodeId("n".into()),
        device: 3,
        slot: 0,
        started: 1,
        ended: 2,
        seconds: 0.001,
        failure: None,
    };
    job.tasks.get_mut("a").expect("a").state = TaskState::Ready;
    let torn = Batch { attempts: vec![attempt("no such job")], ..put(&job) };
    assert!(leader.commit(&torn).await.is_err());
    assert_eq!(store.job(&job.id).await.expect("job").expect("job").tasks["a"].state, TaskState::Running, "all or nothing");
    assert_eq!(store.attempts(&job.id).await.expect("attempts"), []);
    let failure = TaskFailure { fault: Fault::Nobody, message: "it is gone".into() };
    let second = Attempt { token: Token(6), attempt: 2, failure: Some(failure), ..attempt(&job.id.0) };
    let both = vec![second.clone(), attempt(&job.id.0)];
    leader.commit(&Batch { attempts: both, ..Batch::default() }).await.expect("commit");
    assert_eq!(store.attempts(&job.id).await.expect("attempts"), [attempt(&job.id.0), second], "in the order of their tokens");

    (job.state, job.reason, job.ended_at) = (JobState::Failed, Some("r".into()), Some(9_000));
    leader.commit(&Batch { attempts: vec![attempt("job-000012")], ..put(&job) }).await.expect("commit");
    assert_eq!(store.unfinished().await.expect("unfinished"), []);
    let ended = job.clone();
    (job.state, job.reason) = (JobState::Running, None);
    leader.commit(&put(&job)).await.expect("commit");
    assert_eq!(store.job(&job.id).await.expect("job"), Some(ended.clone()), "a terminal state never changes");
    let list = store.list().await.expect("list");
    assert_eq!((list[0].job.clone(), list[0].tasks_total, list[0].tasks_done, list[0].running), (ended.bare(), 2, 1, 0));
    assert!((list[0].seconds - 0.3).abs() < 1e-9);
    assert_eq!(store.summary(&job.id).await.expect("summary"), list.first().cloned());
    assert_eq!(store.summary(&JobId("job-999999".into())).await.expect("summary"), None);
    let asked = [JobId("job-999999".into()), job.id.clone()];
    assert_eq!(store.summaries(&asked).await.expect("summaries"), list, "of those that are there");
    assert_eq!(store.summaries(&[]).await.expect("summaries"), []);
}

/// The last of all: its jobs are the newest.
async fn pages(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    for number in ["91000000", "9500002", "9500010", "9999999", "9500009"] {
        leader.commit(&put(&job(&format!("job-{number}")))).await.expect("commit");
    }
    let page = |before: &'static str, most| async move {
        let before = (!before.is_empty()).then(|| JobId(before.into()));
        let found = store.page(before.as_ref(), most).await.expect("page");
        assert!(found.iter().all(|job| job.tasks.is_empty()), "without their tasks");
        found.into_iter().map(|job| job.id.0).collect::<Vec<_>>()
    };
    assert_eq!(page("", 3).await, ["job-91000000", "job-9999999", "job-9500010"], "counted, not sorted as words");
    assert_eq!(page("job-9500010", 2).await, ["job-9500009", "job-9500002"]);
    assert_eq!(page("job-91000000", 1).await, ["job-9999999"]);
    assert!(page("", 0).await.is_empty());
}

async fn pins(store: &impl Store) {
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    for digest in [one, other, one] {
        store.pin(digest).await.expect("pin");
    }
    let mut both = [one, other];
    both.sort();
    assert_eq!(store.pins().await.expect("pins"), both, "twice is once");
    store.unpin(other).await.expect("unpin");
    store.unpin(other).await.expect("unpin what is none");
    assert_eq!(store.pins().await.expect("pins"), [one]);

    let mut leader = Leader::new(store).await;
    let (of_job, of_task, of_output) = (Digest::of(b"job"), Digest::of(b"task"), Digest::of(b"output"));
    let mut job = job("job-900700");
    job.spec.inputs.insert("script".into(), of_job);
    let mut done = task("a");
    done.outputs.insert("o".into(), of_output);
    let mut spec = done.spec.open();
    spec.inputs.insert("i".into(), Input { from: Source::Blob(of_task) });
    done.spec = Task::new(spec, 0).spec;
    job.tasks = [done].into_iter().collect();
    leader.commit(&put(&job)).await.expect("commit");
    for named in [of_job, of_task, of_output] {
        assert!(store.names(named).await.expect("names"), "{named}");
    }
    assert!(!store.names(one).await.expect("names"), "a pin is no name");
}

async fn leadership(store: &impl Store) {
    let mut old = Leader::new(store).await;
    let seen = store.leadership().await.expect("leadership");
    assert_eq!((seen.epoch, seen.leader.as_str()), (old.epoch, "a test"));
    let offer = Offer::of_cpu(NodeId("n".into()), Incarnation(u64::MAX), 2, 1 << 40);
    let joined = Batch { nodes_joined: vec![offer.clone()], ..Batch::default() };
    old.commit(&joined).await.expect("commit");
    assert_eq!(store.nodes().await.expect("nodes"), [offer]);
    fenced(store.lead(&seen, "late").await, "the leader has committed since it was seen");
    let seen = store.leadership().await.expect("leadership");
    store.beat(old.epoch).await.expect("beat");
    fenced(store.lead(&seen, "late").await, "the leader has beaten since it was seen");

    let seen = store.leadership().await.expect("leadership");
    assert_eq!(store.leadership().await.expect("leadership"), seen, "looking changes nothing");
    let new = store.lead(&seen, "new").await.expect("nobody has beaten");
    assert!(new > old.epoch);
    fenced(store.lead(&seen, "third").await, "one of two who saw the same gets it");
    assert_eq!(store.nodes().await.expect("nodes"), [], "a new leader knows no node yet");
    fenced(old.commit(&put(&job("job-000099"))).await, "a past leader's commit");
    fenced(store.beat(old.epoch).await, "a past leader's beat");
    assert_eq!(store.job(&JobId("job-000099".into())).await.expect("job"), None);

    store.resign(old.epoch).await.expect("resigning late is no error");
    assert_eq!(store.leadership().await.expect("leadership").leader, "new");
    store.resign(new).await.expect("resign");
    let free = store.leadership().await.expect("leadership");
    assert_eq!((free.epoch, free.leader.as_str()), (new, ""));
    assert_ne!(free, Leadership { leader: String::new(), ..seen });
}

/// A batch is written once, whatever its sender thinks of how it came out.
async fn outcomes(store: &impl Store) {
    let epoch = lead_now(store, "a test").await.expect("lead");
    assert_eq!(store.committed(epoch).await.expect("committed"), 0);
    let mut job = job("job-000020");
    store.commit(epoch, 1, &put(&job)).await.expect("commit");
    assert_eq!(store.committed(epoch).await.expect("committed"), 1);
    job.reason = Some("not written".into());
    store.commit(epoch, 1, &put(&job)).await.expect("the same number again is no error");
    let found = store.job(&job.id).await.expect("job").expect("job");
    assert_eq!(found.reason, None, "and is not written again");
    let skipped = store.commit(epoch, 3, &put(&job)).await;
    assert!(matches!(skipped, Err(StoreError::OutOfOrder { number: 3, last: 1, .. })), "{skipped:?}");
    store.commit(epoch, 2, &Batch::default()).await.expect("an empty batch counts too");
    lead_now(store, "another").await.expect("lead");
    store.commit(epoch, 2, &put(&job)).await.expect("a fenced leader still learns what it has written");
    fenced(store.commit(epoch, 3, &put(&job)).await, "and writes nothing more");
    assert_eq!(store.committed(epoch).await.expect("committed"), 2);
    assert_eq!(store.committed(Epoch(epoch.0 + 100)).await.expect("committed"), 0);
    assert_eq!(store.job(&job.id).await.expect("job").expect("job").reason, None);
}

/// What a database may find hard to hold.
async fn awkward(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let mut job = job("job-000030");
    let numbers = [0.1 + 0.2, 1e-9, f64::MAX, 5e-324, 1.0 / 3.0, 123_456_789.123_456_78];
    for (i, seconds) in numbers.into_iter().enumerate() {
        let mut task = task(&format!("Zürich/\"{i}\"\\ 'x'"));
        task.seconds = seconds;
        task.token = Token(u64::try_from(i64::MAX).expect("positive"));
        job.tasks.insert(task);
    }
    let mut batch = put(&job);
    let mut earlier = batch.tasks[0].clone();
    earlier.2.attempts = 99;
    batch.tasks.insert(0, earlier);
    leader.commit(&batch).await.expect("commit");
    assert_eq!(store.job(&job.id).await.expect("job").as_ref(), Some(&job), "to the last bit, and of two the later");

    (job.reason, job.price) = (Some("a\u{0}b".into()), f64::NAN);
    leader.commit(&put(&job)).await.expect("what cannot be held does not keep the rest from being written");
    let found = store.job(&job.id).await.expect("job").expect("job");
    assert!(found.reason.is_some_and(|reason| reason.starts_with('a') && reason.ends_with('b')));
    (job.state, job.price) = (JobState::Cancelled, 1.0);
    leader.commit(&put(&job)).await.expect("commit");
}

async fn cache(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let results = vec![cached("x", 10, 3), cached("y", 20, 1), cached("z", 30, 2)];
    let (x, y) = (results[0].clone(), results[1].clone());
    leader.commit(&Batch { results, ..Batch::default() }).await.expect("commit");
    let found = store.results(&[x.identity, Digest::of(b"unknown")]).await.expect("results");
    assert_eq!(found, BTreeMap::from([(x.identity, x.clone())]));
    assert_eq!(store.results_bytes().await.expect("bytes"), 60);
    leader.commit(&Batch { used: vec![(y.identity, 9)], ..Batch::default() }).await.expect("commit");
    let order: Vec<u64> = store.all_results().await.expect("all").iter().map(|cached| cached.bytes).collect();
    assert_eq!(order, [30, 10, 20], "least recently used first");
    store.forget(&[x.identity, Digest::of(b"unknown")]).await.expect("forget");
    assert_eq!(store.results_bytes().await.expect("bytes"), 50);
}

async fn cancels(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let ids = [JobId("b".into()), JobId("a".into())];
    for (at, id) in (1..).zip(&ids) {
        store.ask_cancel(id, at).await.expect("ask");
        store.ask_cancel(id, 99).await.expect("ask again");
    }
    assert_eq!(store.cancels().await.expect("cancels"), ids, "in the order in which they came");
    let done = Batch { cancels_done: vec![ids[0].clone()], ..Batch::default() };
    leader.commit(&done).await.expect("commit");
    assert_eq!(store.cancels().await.expect("cancels"), [ids[1].clone()]);
}

async fn pruning(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let mut old = job("job-000100");
    old.tasks.insert(task("a"));
    let mut ended = job("job-000101");
    ended.state = JobState::Succeeded;
    for job in [&old, &ended] {
        leader.commit(&put(job)).await.expect("commit");
    }
    store.prune(1).await.expect("prune");
    let left: Vec<JobId> = store.list().await.expect("list").into_iter().map(|summary| summary.job.id).collect();
    assert_eq!(left, [JobId("job-000020".into()), old.id.clone(), ended.id], "the latest stays, and what is unfinished");
    assert_eq!(store.job(&old.id).await.expect("job"), Some(old));
}

/// After `pruning`.
async fn removing(store: &impl Store) {
    let mut leader = Leader::new(store).await;
    let mut last = job("job-000200");
    let mut run = task("a");
    run.token = Token(7_000);
    last.tasks.insert(run);
    leader.commit(&put(&last)).await.expect("commit");
    assert!(!store.remove(&last.id).await.expect("remove"), "it has not ended");
    last.state = JobState::Failed;
    leader.commit(&put(&last)).await.expect("commit");
    let highest = store.highest().await.expect("highest");
    assert_eq!(highest.1, 200);
    assert!(store.remove(&last.id).await.expect("remove"));
    assert!(!store.remove(&last.id).await.expect("remove"), "it is gone");
    assert_eq!(store.job(&last.id).await.expect("job"), None);
    assert_eq!(store.highest().await.expect("highest"), highest, "its numbers are never given out again");
    store.prune(0).await.expect("prune");
    assert_eq!(store.highest().await.expect("highest"), highest);
}
