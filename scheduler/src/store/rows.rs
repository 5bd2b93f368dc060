//! Records as rows of the schema in `migrations/`: the one place that knows both. A field here is a column there, of the same
//! name; a new one needs a migration and nothing else.

use super::{Account, Cached, Measured, StoreError};
use crate::{
    state::{Cache, Job, Task, Tasks},
    step::Attempt,
};
use klieg_protocol::{Digest, Fault, JobId, NodeId, Offer, TaskFailure, TaskId, TaskState, Token};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// A table as an upsert sees it.
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
    pub key: &'static [&'static str],
    /// Columns that are never written again.
    pub fixed: &'static [&'static str],
    /// Rows that may be written again.
    pub only: &'static str,
}

/// A row of a table. `Ord` is by the key.
pub trait Record: Serialize {
    const TABLE: Table;
}

macro_rules! record {
    ($(#[$doc:meta])* $row:ident: $table:literal, key $key:expr, fixed $fixed:expr, only $only:literal {
        $($column:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Serialize, sqlx::FromRow)]
        pub struct $row { $(pub $column: $type,)* }

        impl Record for $row {
            const TABLE: Table = Table {
                name: $table, columns: &[$(stringify!($column),)*], key: &$key, fixed: &$fixed, only: $only,
            };
        }
    };
}

record! {
    /// A job without its tasks. A terminal state never changes.
    JobRow: "jobs", key ["id"], fixed ["identity", "build", "spec", "submitted_ms", "project", "owner"], only "jobs.state IN ('queued', 'running')" {
        id: String,
        identity: String,
        build: String,
        spec: String,
        state: String,
        reason: Option<String>,
        priority: i64,
        price: f64,
        submitted_ms: i64,
        ended_ms: Option<i64>,
        project: String,
        owner: String,
    }
}

record! {
    TaskRow: "tasks", key ["job", "name"], fixed ["position"], only "true" {
        job: String,
        name: String,
        position: i64,
        spec: String,
        state: String,
        attempts: i64,
        faults: i64,
        node_faults: i64,
        token: i64,
        reused: i64,
        seconds: f64,
        outputs: String,
        failure: Option<String>,
        node: Option<String>,
        slot: Option<i64>,
        started_ms: Option<i64>,
        furthest: f64,
        kills: i64,
        splits: i64,
        run: Option<String>,
    }
}

record! {
    AttemptRow: "attempts", key ["job", "task", "token"], fixed [], only "true" {
        job: String,
        task: String,
        token: i64,
        attempt: i64,
        node: String,
        slot: i64,
        started_ms: i64,
        ended_ms: i64,
        seconds: f64,
        outcome: String,
        message: Option<String>,
        device: i64,
    }
}

record! {
    ResultRow: "results", key ["identity"], fixed [], only "true" {
        identity: String,
        result: String,
        seconds: f64,
        bytes: i64,
        used_ms: i64,
    }
}

record! {
    NodeRow: "nodes", key ["node"], fixed [], only "true" {
        node: String,
        slots: i64,
        memory_bytes: i64,
        offer: String,
    }
}

record! {
    ProjectRow: "projects", key ["name"], fixed [], only "true" {
        name: String,
        share: String,
        seconds: f64,
        cost: f64,
    }
}

record! {
    LimitRow: "limits", key ["name"], fixed [], only "true" {
        name: String,
        most: i64,
    }
}

record! {
    PeakRow: "peaks", key ["kind", "step", "shape"], fixed [], only "true" {
        kind: String,
        step: String,
        shape: String,
        bytes: i64,
    }
}

// ---- to rows --------------------------------------------------------------------------------------------------------------------

pub fn of_job(job: &Job) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: clean(&job.id.0),
        identity: job.identity.hex(),
        build: clean(&job.build),
        spec: json(&job.spec, "a job")?,
        state: word(&job.state, "a job")?,
        reason: job.reason.as_deref().map(clean),
        priority: job.priority.into(),
        price: finite(job.price),
        submitted_ms: signed(job.submitted_at),
        ended_ms: job.ended_at.map(signed),
        project: clean(&job.project),
        owner: clean(&job.owner),
    })
}

pub fn of_task(job: &JobId, name: &str, task: &Task) -> Result<TaskRow, StoreError> {
    Ok(TaskRow {
        job: clean(&job.0),
        name: clean(name),
        position: task.position.into(),
        spec: json(&task.spec, "a task")?,
        state: word(&task.state, "a task")?,
        attempts: task.attempts.into(),
        faults: task.faults.into(),
        node_faults: task.node_faults.into(),
        token: signed(task.token.0),
        reused: task.reused.into(),
        seconds: finite(task.seconds),
        outputs: json(&task.outputs, "a task")?,
        failure: task.failure.as_ref().map(|failure| json(failure, "a task")).transpose()?,
        node: task.run.as_ref().map(|run| clean(&run.node.0)),
        slot: task.run.as_ref().and_then(|run| run.slots.first()).map(|slot| i64::from(*slot)),
        started_ms: task.run.as_ref().map(|run| signed(run.since)),
        furthest: finite(task.furthest.into()),
        kills: task.kills.into(),
        splits: task.splits.into(),
        run: task.run.as_deref().map(|run| json(run, "a task")).transpose()?,
    })
}

pub fn of_attempt(attempt: &Attempt) -> AttemptRow {
    let outcome = match attempt.failure.as_ref().map(|f| f.fault) {
        None => "succeeded",
        Some(Fault::Task) => "task",
        Some(Fault::Node) => "node",
        Some(Fault::Input) => "input",
        Some(Fault::Nobody) => "lost",
        Some(Fault::Memory) => "memory",
    };
    AttemptRow {
        job: clean(&attempt.id.job.0),
        task: clean(&attempt.id.task),
        token: signed(attempt.token.0),
        attempt: attempt.attempt.into(),
        node: clean(&attempt.node.0),
        slot: attempt.slot.into(),
        started_ms: signed(attempt.started),
        ended_ms: signed(attempt.ended),
        seconds: finite(attempt.seconds),
        outcome: outcome.into(),
        message: attempt.failure.as_ref().map(|f| clean(&f.message)),
        device: attempt.device.into(),
    }
}

pub fn of_result(cached: &Cached) -> Result<ResultRow, StoreError> {
    Ok(ResultRow {
        identity: cached.identity.hex(),
        result: json(&cached.result, "a result")?,
        seconds: finite(cached.seconds),
        bytes: signed(cached.bytes),
        used_ms: signed(cached.used_at),
    })
}

pub fn of_offer(offer: &Offer) -> Result<NodeRow, StoreError> {
    let slots = offer.devices.iter().map(|device| i64::from(device.slots)).sum();
    let memory = offer.devices.iter().fold(0u64, |sum, device| sum.saturating_add(device.memory_bytes));
    Ok(NodeRow { node: clean(&offer.node.0), slots, memory_bytes: signed(memory), offer: json(offer, "a node")? })
}

pub fn of_account(account: &Account) -> Result<ProjectRow, StoreError> {
    let Account { project, share, seconds, cost } = account;
    Ok(ProjectRow { name: clean(project), share: json(share, "a project")?, seconds: finite(*seconds), cost: finite(*cost) })
}

pub fn of_limit(name: &str, most: u32) -> LimitRow {
    LimitRow { name: clean(name), most: most.into() }
}

pub fn of_measured(peak: &Measured) -> PeakRow {
    let Measured { kind, step, shape, bytes } = peak;
    PeakRow { kind: clean(kind), step: clean(step), shape: clean(shape), bytes: signed(*bytes) }
}

// ---- from rows ------------------------------------------------------------------------------------------------------------------

/// A job without its tasks.
pub fn job(row: JobRow) -> Result<Job, StoreError> {
    let what = format!("job {}", row.id);
    Ok(Job {
        identity: digest(&row.identity, &what)?,
        build: row.build,
        spec: parse(&row.spec, &what)?,
        state: named(row.state, &what)?,
        reason: row.reason,
        priority: narrow(row.priority, &what)?,
        price: row.price,
        submitted_at: unsigned(row.submitted_ms, &what)?,
        ended_at: row.ended_ms.map(|at| unsigned(at, &what)).transpose()?,
        parked: false,
        standing: crate::state::Standing::default(),
        project: row.project,
        owner: row.owner,
        tasks: Tasks::default(),
        ready: BTreeMap::new(),
        dependents: BTreeMap::new(),
        unfinished: 0,
        id: JobId(row.id),
    })
}

/// A task, its links not made.
pub fn task(row: TaskRow) -> Result<Task, StoreError> {
    let what = format!("task {} of job {}", row.name, row.job);
    #[expect(clippy::cast_possible_truncation, reason = "it was an f32 when it was written")]
    let furthest = row.furthest as f32;
    Ok(Task {
        spec: parse(&row.spec, &what)?,
        position: narrow(row.position, &what)?,
        state: named(row.state, &what)?,
        attempts: narrow(row.attempts, &what)?,
        faults: narrow(row.faults, &what)?,
        node_faults: narrow(row.node_faults, &what)?,
        token: Token(unsigned(row.token, &what)?),
        kills: narrow(row.kills, &what)?,
        splits: narrow(row.splits, &what)?,
        run: row.run.map(|text| parse(&text, &what)).transpose()?,
        needs: 0,
        cache: Cache::Unasked,
        ready_at: 0,
        shape: None,
        outputs: parse(&row.outputs, &what)?,
        reused: row.reused != 0,
        seconds: row.seconds,
        failure: row.failure.map(|text| parse(&text, &what)).transpose()?,
        furthest,
    })
}

/// A task of which nothing is known but what was submitted, its links not made.
pub fn untouched(job: &str, position: i64, spec: &str, state: &str) -> Result<Task, StoreError> {
    // There may be a million of them: nothing is formatted unless it is needed.
    let damaged = || damaged(&format!("a task of job {job}"));
    let spec = serde_json::from_str(spec).map_err(|_| damaged())?;
    let position = u32::try_from(position).map_err(|_| damaged())?;
    let state = match state {
        "waiting" => TaskState::Waiting,
        "ready" => TaskState::Ready,
        _ => return Err(damaged()),
    };
    Ok(Task { state, ..Task::new(spec, position) })
}

/// An attempt that has ended.
pub fn attempt(row: AttemptRow) -> Result<Attempt, StoreError> {
    let what = format!("an attempt of task {} of job {}", row.task, row.job);
    let fault = match row.outcome.as_str() {
        "succeeded" => None,
        "task" => Some(Fault::Task),
        "node" => Some(Fault::Node),
        "input" => Some(Fault::Input),
        "lost" => Some(Fault::Nobody),
        "memory" => Some(Fault::Memory),
        _ => return Err(damaged(&what)),
    };
    Ok(Attempt {
        attempt: narrow(row.attempt, &what)?,
        token: Token(unsigned(row.token, &what)?),
        node: NodeId(row.node),
        device: narrow(row.device, &what)?,
        slot: narrow(row.slot, &what)?,
        started: unsigned(row.started_ms, &what)?,
        ended: unsigned(row.ended_ms, &what)?,
        seconds: row.seconds,
        failure: fault.map(|fault| TaskFailure { fault, message: row.message.unwrap_or_default() }),
        id: TaskId { job: JobId(row.job), task: row.task },
    })
}

pub fn cached(row: ResultRow) -> Result<Cached, StoreError> {
    let what = format!("result {}", row.identity);
    Ok(Cached {
        identity: digest(&row.identity, &what)?,
        result: parse(&row.result, &what)?,
        seconds: row.seconds,
        bytes: unsigned(row.bytes, &what)?,
        used_at: unsigned(row.used_ms, &what)?,
    })
}

pub fn offer(row: NodeRow) -> Result<Offer, StoreError> {
    parse(&row.offer, &format!("node {}", row.node))
}

pub fn account(row: ProjectRow) -> Result<Account, StoreError> {
    let share = parse(&row.share, &format!("project {}", row.name))?;
    Ok(Account { project: row.name, share, seconds: row.seconds, cost: row.cost })
}

pub fn limit(row: LimitRow) -> Result<(String, u32), StoreError> {
    let most = narrow(row.most, &format!("limit {}", row.name))?;
    Ok((row.name, most))
}

pub fn measured(row: PeakRow) -> Result<Measured, StoreError> {
    let bytes = unsigned(row.bytes, &format!("peak of {}", row.step))?;
    Ok(Measured { kind: row.kind, step: row.step, shape: row.shape, bytes })
}

// ---- fields ---------------------------------------------------------------------------------------------------------------------

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged { what: what.into() }
}

/// PostgreSQL's texts hold no NUL.
pub fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// JSON has no infinity, and one bad number must not keep a whole batch from being written.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { 0.0 }
}

fn json<T: Serialize>(value: &T, what: &str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| damaged(what))
}

/// A plain enum's name, as serde has it.
fn word<T: Serialize>(value: &T, what: &str) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(damaged(what)),
    }
}

fn parse<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| damaged(what))
}

fn named<T: DeserializeOwned>(word: String, what: &str) -> Result<T, StoreError> {
    serde_json::from_value(word.into()).map_err(|_| damaged(what))
}

fn digest(hex: &str, what: &str) -> Result<Digest, StoreError> {
    hex.parse().map_err(|_| damaged(what))
}

fn narrow<T: TryFrom<i64>>(number: i64, what: &str) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| damaged(what))
}

/// Both databases' integers are signed.
pub fn unsigned(number: i64, what: &str) -> Result<u64, StoreError> {
    narrow(number, what)
}

pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
