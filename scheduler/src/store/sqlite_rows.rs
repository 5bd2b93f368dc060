//! Rows of the schema in `migrations/` to and from the state's types.

use super::{Batch, Cached, StoreError};
use crate::{
    state::{Cache, Job, Millis, Standing, Task, Tasks},
    step::Attempt,
};
use klieg_protocol::{Digest, Fault, JobId, Offer, Token};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, Sqlite, SqliteConnection, Transaction, sqlite::SqliteRow};
use std::collections::BTreeMap;

/// What one transaction writes.
pub enum Write<'a> {
    Batch(&'a Batch),
    Cancel(&'a JobId, Millis),
}

impl Write<'_> {
    pub async fn run(self, transaction: &mut Transaction<'_, Sqlite>) -> Result<(), StoreError> {
        match self {
            Self::Cancel(job, now) => cancel(transaction, job, now).await,
            Self::Batch(batch) => write(transaction, batch).await,
        }
    }
}

async fn cancel(to: &mut SqliteConnection, job: &JobId, now: Millis) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO cancels (job, asked_ms) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(&job.0)
        .bind(signed(now))
        .execute(to)
        .await?;
    Ok(())
}

async fn write(to: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    for job in &batch.jobs {
        write_job(to, job).await?;
    }
    for (id, name, task) in &batch.tasks {
        write_task(to, id, name, task).await?;
    }
    for attempt in &batch.attempts {
        write_attempt(to, attempt).await?;
    }
    for result in &batch.results {
        write_result(to, result).await?;
    }
    for (identity, at) in &batch.used {
        let query = sqlx::query("UPDATE results SET used_ms = ? WHERE identity = ?");
        query.bind(signed(*at)).bind(identity.hex()).execute(&mut *to).await?;
    }
    for job in &batch.cancels_done {
        sqlx::query("DELETE FROM cancels WHERE job = ?").bind(&job.0).execute(&mut *to).await?;
    }
    for offer in &batch.nodes_joined {
        let (slots, memory) = offer.devices.iter().fold((0, 0u64), |(slots, memory), device| {
            (slots + i64::from(device.slots), memory.saturating_add(device.memory_bytes))
        });
        sqlx::query("INSERT OR REPLACE INTO nodes (node, slots, memory_bytes, offer) VALUES (?, ?, ?, ?)")
            .bind(&offer.node.0)
            .bind(slots)
            .bind(signed(memory))
            .bind(text(offer, "a node")?)
            .execute(&mut *to)
            .await?;
    }
    Ok(())
}

async fn write_job(to: &mut SqliteConnection, job: &Job) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO jobs (id, identity, build, spec, state, reason, priority, price, submitted_ms, ended_ms, project)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = excluded.reason, ended_ms = excluded.ended_ms
         WHERE jobs.state IN ('queued', 'running')",
    )
    .bind(&job.id.0)
    .bind(job.identity.hex())
    .bind(&job.build)
    .bind(text(&job.spec, "a job")?)
    .bind(word(&job.state, "a job")?)
    .bind(&job.reason)
    .bind(job.priority)
    .bind(job.price)
    .bind(signed(job.submitted_at))
    .bind(job.ended_at.map(signed))
    .bind(&job.project)
    .execute(to)
    .await?;
    Ok(())
}

async fn write_task(to: &mut SqliteConnection, id: &JobId, name: &str, task: &Task) -> Result<(), StoreError> {
    let failure = task.failure.as_ref().map(|failure| text(failure, "a task")).transpose()?;
    sqlx::query(
        "INSERT INTO tasks (job, name, position, spec, state, attempts, faults, node_faults, token, reused, seconds, outputs,
                            failure, node, slot, started_ms, furthest, kills, splits, run)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (job, name) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, faults = excluded.faults,
             node_faults = excluded.node_faults, token = excluded.token, reused = excluded.reused, seconds = excluded.seconds,
             outputs = excluded.outputs, failure = excluded.failure, node = excluded.node, slot = excluded.slot,
             started_ms = excluded.started_ms, furthest = excluded.furthest, kills = excluded.kills,
             splits = excluded.splits, spec = excluded.spec, run = excluded.run",
    )
    .bind(&id.0)
    .bind(name)
    .bind(i64::from(task.position))
    .bind(text(&task.spec, "a task")?)
    .bind(word(&task.state, "a task")?)
    .bind(i64::from(task.attempts))
    .bind(i64::from(task.faults))
    .bind(i64::from(task.node_faults))
    .bind(signed(task.token.0))
    .bind(task.reused)
    .bind(task.seconds)
    .bind(text(&task.outputs, "a task")?)
    .bind(failure)
    .bind(task.run.as_ref().map(|run| run.node.0.as_str()))
    .bind(task.run.as_ref().and_then(|run| run.slots.first()).map(|slot| i64::from(*slot)))
    .bind(task.run.as_ref().map(|run| signed(run.since)))
    .bind(task.furthest)
    .bind(i64::from(task.kills))
    .bind(i64::from(task.splits))
    .bind(task.run.as_deref().map(|run| text(run, "a task")).transpose()?)
    .execute(to)
    .await?;
    Ok(())
}

async fn write_attempt(to: &mut SqliteConnection, attempt: &Attempt) -> Result<(), StoreError> {
    let outcome = match attempt.failure.as_ref().map(|f| f.fault) {
        None => "succeeded",
        Some(Fault::Task) => "task",
        Some(Fault::Node) => "node",
        Some(Fault::Input) => "input",
        Some(Fault::Nobody) => "lost",
        Some(Fault::Memory) => "memory",
    };
    sqlx::query(
        "INSERT OR REPLACE INTO attempts (job, task, token, attempt, node, slot, started_ms, ended_ms, seconds, outcome, message)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&attempt.id.job.0)
    .bind(&attempt.id.task)
    .bind(signed(attempt.token.0))
    .bind(i64::from(attempt.attempt))
    .bind(&attempt.node.0)
    .bind(i64::from(attempt.slot))
    .bind(signed(attempt.started))
    .bind(signed(attempt.ended))
    .bind(attempt.seconds)
    .bind(outcome)
    .bind(attempt.failure.as_ref().map(|f| f.message.as_str()))
    .execute(to)
    .await?;
    Ok(())
}

async fn write_result(to: &mut SqliteConnection, cached: &Cached) -> Result<(), StoreError> {
    sqlx::query("INSERT OR REPLACE INTO results (identity, result, seconds, bytes, used_ms) VALUES (?, ?, ?, ?, ?)")
        .bind(cached.identity.hex())
        .bind(text(&cached.result, "a result")?)
        .bind(cached.seconds)
        .bind(signed(cached.bytes))
        .bind(signed(cached.used_at))
        .execute(to)
        .await?;
    Ok(())
}

// ---- reading --------------------------------------------------------------------------------------------------------------------

/// A job without its tasks.
pub fn job(row: &SqliteRow) -> Result<Job, StoreError> {
    let id: String = row.try_get("id")?;
    let what = format!("job {id}");
    Ok(Job {
        identity: digest(row.try_get("identity")?, &what)?,
        build: row.try_get("build")?,
        spec: parse(row.try_get("spec")?, &what)?,
        state: named(row.try_get("state")?, &what)?,
        reason: row.try_get("reason")?,
        priority: row.try_get("priority")?,
        price: row.try_get("price")?,
        submitted_at: unsigned(row.try_get("submitted_ms")?, &what)?,
        ended_at: row.try_get::<Option<i64>, _>("ended_ms")?.map(|at| unsigned(at, &what)).transpose()?,
        parked: false,
        project: row.try_get("project")?,
        standing: Standing::default(),
        tasks: Tasks::default(),
        ready: BTreeMap::new(),
        dependents: BTreeMap::new(),
        unfinished: 0,
        id: JobId(id),
    })
}

/// A task, its links not made.
pub fn task(row: &SqliteRow) -> Result<Task, StoreError> {
    let name: String = row.try_get("name")?;
    let what = format!("task {name} of job {}", row.try_get::<String, _>("job")?);
    let small = |column: &str| -> Result<u32, StoreError> {
        u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Damaged { what: what.clone() })
    };
    let run = row.try_get::<Option<String>, _>("run")?.map(|text| parse(text, &what)).transpose()?;
    Ok(Task {
        spec: parse(row.try_get("spec")?, &what)?,
        position: small("position")?,
        state: named(row.try_get("state")?, &what)?,
        attempts: small("attempts")?,
        faults: small("faults")?,
        node_faults: small("node_faults")?,
        token: Token(unsigned(row.try_get("token")?, &what)?),
        kills: small("kills")?,
        splits: small("splits")?,
        run,
        needs: 0,
        cache: Cache::Unasked,
        shape: None,
        outputs: parse(row.try_get("outputs")?, &what)?,
        reused: row.try_get("reused")?,
        seconds: row.try_get("seconds")?,
        failure: row.try_get::<Option<String>, _>("failure")?.map(|text| parse(text, &what)).transpose()?,
        furthest: row.try_get("furthest")?,
    })
}

/// What a node offered.
pub fn offer(row: &SqliteRow) -> Result<Offer, StoreError> {
    parse(row.try_get("offer")?, "a node")
}

pub fn cached(row: &SqliteRow) -> Result<Cached, StoreError> {
    let identity: String = row.try_get("identity")?;
    let what = format!("result {identity}");
    Ok(Cached {
        identity: digest(identity, &what)?,
        result: parse(row.try_get("result")?, &what)?,
        seconds: row.try_get("seconds")?,
        bytes: unsigned(row.try_get("bytes")?, &what)?,
        used_at: unsigned(row.try_get("used_ms")?, &what)?,
    })
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged { what: what.into() }
}

fn text<T: Serialize>(value: &T, what: &str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| damaged(what))
}

/// A plain enum's name, as serde has it.
fn word<T: Serialize>(value: &T, what: &str) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(damaged(what)),
    }
}

fn parse<T: DeserializeOwned>(text: String, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(&text).map_err(|_| damaged(what))
}

fn named<T: DeserializeOwned>(word: String, what: &str) -> Result<T, StoreError> {
    serde_json::from_value(word.into()).map_err(|_| damaged(what))
}

fn digest(hex: String, what: &str) -> Result<Digest, StoreError> {
    hex.parse().map_err(|_| damaged(what))
}

/// SQLite's integers are signed.
pub fn unsigned(number: i64, what: &str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| damaged(what))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
