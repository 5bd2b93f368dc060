//! `Store` in the SQL that SQLite and PostgreSQL share. Batches go over as one JSON array of rows a table, so that a group
//! commit is a handful of statements however many tasks are in it.

use super::{
    Batch, Cached, EPOCHS_KEPT, Epoch, Leadership, Standing, Store, StoreError, Summary,
    rows::{self, AttemptRow, JobRow, LimitRow, NodeRow, PeakRow, ProjectRow, Record, ResultRow, Table, TaskRow},
};
use crate::{
    state::{Job, Millis, Task},
    step::Attempt,
};
use klieg_protocol::{Digest, JobId, Offer};
use sqlx::{AssertSqlSafe, FromRow, SqlSafeStr, SqlStr, postgres::PgRow, sqlite::SqliteRow};
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
};
use tokio::task::JoinHandle;

/// An argument of a statement.
#[derive(Clone, Debug)]
pub enum Arg {
    Int(i64),
    Text(String),
}

/// A statement with its arguments `$1`, `$2`, ….
#[derive(Clone)]
pub struct Step {
    pub sql: SqlStr,
    pub args: Vec<Arg>,
    /// If it changes no row, the whole transaction is given up.
    pub must: bool,
    /// It writes rows that no other step of the same commit writes, and ends its `SELECT` with `WHERE true`.
    pub apart: bool,
}

impl Step {
    pub fn new(sql: impl SqlSafeStr, args: impl Into<Vec<Arg>>) -> Self {
        Self { sql: sql.into_sql_str(), args: args.into(), must: false, apart: false }
    }
    fn must(self) -> Self {
        Self { must: true, ..self }
    }
    fn apart(self) -> Self {
        Self { apart: true, ..self }
    }
}

/// What a statement is given, as a database takes it.
pub fn arguments<A: sqlx::Arguments>(args: Vec<Arg>) -> Result<A, sqlx::Error>
where
    i64: for<'t> sqlx::Encode<'t, A::Database> + sqlx::Type<A::Database>,
    String: for<'t> sqlx::Encode<'t, A::Database> + sqlx::Type<A::Database>,
{
    let mut arguments = A::default();
    for arg in args {
        let added = match arg {
            Arg::Int(number) => arguments.add(number),
            Arg::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// What can be read from both databases.
pub trait Readable: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Readable for T {}

/// What the two databases do differently.
pub trait Engine: Send + Sync + 'static {
    /// Selects the columns of `table` from the JSON array of objects in `$1`.
    fn rows_of(table: &Table) -> String;
    /// Whether the column's text is in the JSON array of texts in `$1`.
    fn among(column: &str) -> String;
    /// Reads rows one by one. When it has to begin anew, `map` sees rows again.
    fn fetch<T: Readable, U: Send>(
        &self,
        step: Step,
        map: impl FnMut(T) -> Result<U, StoreError> + Send,
    ) -> impl Future<Output = Result<Vec<U>, StoreError>> + Send;
    /// Does all steps in one durable transaction that no other can come between. `false`: a step that must change something did
    /// not, and nothing was done. `Unknown` when the connection was lost while the database committed.
    fn transact(&self, steps: Vec<Step>) -> impl Future<Output = Result<bool, StoreError>> + Send;
    /// The same for a commit: `fence` must change a row, and goes first.
    fn commit(&self, fence: Step, writes: Vec<Step>) -> impl Future<Output = Result<bool, StoreError>> + Send {
        self.transact(std::iter::once(fence).chain(writes).collect())
    }
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// A store on a database.
pub struct Sql<E> {
    engine: E,
    upserts: Upserts,
}

struct Upserts {
    jobs: SqlStr,
    tasks: SqlStr,
    attempts: SqlStr,
    results: SqlStr,
    nodes: SqlStr,
    projects: SqlStr,
    limits: SqlStr,
    peaks: SqlStr,
}

fn upsert<E: Engine, T: Record>() -> SqlStr {
    let table = T::TABLE;
    let columns = table.columns.join(", ");
    let written = table.columns.iter().filter(|column| !table.key.contains(column) && !table.fixed.contains(column));
    let set: Vec<String> = written.map(|column| format!("{column} = excluded.{column}")).collect();
    AssertSqlSafe(format!(
        "INSERT INTO {} ({columns}) {} WHERE true ON CONFLICT ({}) DO UPDATE SET {} WHERE {}",
        table.name,
        E::rows_of(&table),
        table.key.join(", "),
        set.join(", "),
        table.only
    ))
    .into_sql_str()
}

/// The rows as an argument; of two with the same key the later one.
fn json<K: Ord, T: Record>(rows: impl Iterator<Item = Result<(K, T), StoreError>>) -> Result<Arg, StoreError> {
    let rows: BTreeMap<K, T> = rows.collect::<Result<_, _>>()?;
    let rows: Vec<&T> = rows.values().collect();
    let damaged = |_| StoreError::Damaged { what: T::TABLE.name.into() };
    serde_json::to_string(&rows).map(Arg::Text).map_err(damaged)
}

fn list<T: serde::Serialize>(values: &[T]) -> Arg {
    Arg::Text(serde_json::json!(values).to_string())
}

impl<E: Engine> Sql<E> {
    pub fn new(engine: E) -> Self {
        let upserts = Upserts {
            jobs: upsert::<E, JobRow>(),
            tasks: upsert::<E, TaskRow>(),
            attempts: upsert::<E, AttemptRow>(),
            results: upsert::<E, ResultRow>(),
            nodes: upsert::<E, NodeRow>(),
            projects: upsert::<E, ProjectRow>(),
            limits: upsert::<E, LimitRow>(),
            peaks: upsert::<E, PeakRow>(),
        };
        Self { engine, upserts }
    }

    pub fn engine(&self) -> &E {
        &self.engine
    }

    fn steps(&self, batch: &Batch) -> Result<Vec<Step>, StoreError> {
        let mut steps = Vec::new();
        let mut put = |any: bool, sql: &SqlStr, rows: Result<Arg, StoreError>| -> Result<(), StoreError> {
            if any {
                steps.push(Step::new(sql.clone(), [rows?]).apart());
            }
            Ok(())
        };
        let jobs = batch.jobs.iter().map(|job| Ok((&job.id, rows::of_job(job)?)));
        let tasks = batch.tasks.iter().map(|(id, name, task)| Ok(((id, name), rows::of_task(id, name, task)?)));
        let attempts = batch.attempts.iter().map(|attempt| Ok(((&attempt.id, attempt.token), rows::of_attempt(attempt))));
        let results = batch.results.iter().map(|cached| Ok((cached.identity, rows::of_result(cached)?)));
        let nodes = batch.nodes_joined.iter().map(|offer| Ok((&offer.node, rows::of_offer(offer)?)));
        put(!batch.jobs.is_empty(), &self.upserts.jobs, json(jobs))?;
        put(!batch.tasks.is_empty(), &self.upserts.tasks, json(tasks))?;
        put(!batch.attempts.is_empty(), &self.upserts.attempts, json(attempts))?;
        put(!batch.results.is_empty(), &self.upserts.results, json(results))?;
        put(!batch.nodes_joined.is_empty(), &self.upserts.nodes, json(nodes))?;
        let Standing { projects, limits, peaks } = &batch.standing;
        let accounts = projects.iter().map(|account| Ok((&account.project, rows::of_account(account)?)));
        put(!projects.is_empty(), &self.upserts.projects, json(accounts))?;
        put(
            !limits.is_empty(),
            &self.upserts.limits,
            json(limits.iter().map(|(name, most)| Ok((name, rows::of_limit(name, *most))))),
        )?;
        let measured = peaks.iter().map(|peak| Ok(((&peak.kind, &peak.step, &peak.shape), rows::of_measured(peak))));
        put(!peaks.is_empty(), &self.upserts.peaks, json(measured))?;
        steps.extend(used::<E>(&batch.used));
        if !batch.cancels_done.is_empty() {
            let jobs: Vec<String> = batch.cancels_done.iter().map(|job| rows::clean(&job.0)).collect();
            let sql = format!("DELETE FROM cancels WHERE {}", E::among("job"));
            steps.push(Step::new(AssertSqlSafe(sql), [list(&jobs)]));
        }
        Ok(steps)
    }

    /// Notes the highest token and job number, before rows that may have them go.
    async fn note_highest(&self) -> Result<Step, StoreError> {
        let (token, job) = self.highest().await?;
        let note = "UPDATE farm SET highest_token = CASE WHEN highest_token < $1 THEN $1 ELSE highest_token END,
                        highest_job = CASE WHEN highest_job < $2 THEN $2 ELSE highest_job END";
        Ok(Step::new(note, [Arg::Int(rows::signed(token)), Arg::Int(rows::signed(job))]))
    }

    /// Says how the commit of a batch came out.
    async fn settle(&self, epoch: Epoch, number: u64) -> Result<(), StoreError> {
        let last = self.committed(epoch).await?;
        if last >= number {
            return Ok(());
        }
        if self.leadership().await?.epoch != epoch {
            return Err(StoreError::Fenced);
        }
        Err(StoreError::OutOfOrder { epoch, number, last })
    }
}

/// Notes when results were last useful: a statement for each moment, of which a batch has few.
fn used<E: Engine>(used: &[(Digest, Millis)]) -> Vec<Step> {
    let mut by_time: BTreeMap<Millis, Vec<Digest>> = BTreeMap::new();
    for (identity, at) in used {
        by_time.entry(*at).or_default().push(*identity);
    }
    let sql = format!("UPDATE results SET used_ms = $2 WHERE {}", E::among("identity"));
    let step = |(at, identities): (Millis, Vec<Digest>)| {
        Step::new(AssertSqlSafe(sql.clone()), [list(&identities), Arg::Int(rows::signed(at))])
    };
    by_time.into_iter().map(step).collect()
}

fn one<T>(found: Vec<T>, what: &str) -> Result<T, StoreError> {
    found.into_iter().next().ok_or_else(|| StoreError::Damaged { what: what.into() })
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    #[sqlx(flatten)]
    job: JobRow,
    total: i64,
    done: i64,
    running: i64,
    spent: f64,
}

/// Asks for the summaries of some jobs.
fn summaries(which: &str, args: impl Into<Vec<Arg>>) -> Step {
    let ask = format!(
        "SELECT jobs.*, COUNT(tasks.name) AS total, COUNT(tasks.name) FILTER (WHERE tasks.state = 'succeeded') AS done,
             COUNT(tasks.name) FILTER (WHERE tasks.state = 'running') AS running,
             COALESCE(SUM(tasks.seconds), 0.0) AS spent
         FROM jobs LEFT JOIN tasks ON tasks.job = jobs.id {which} GROUP BY jobs.id"
    );
    Step::new(AssertSqlSafe(ask), args)
}

fn summary(row: SummaryRow) -> Result<Summary, StoreError> {
    Ok(Summary {
        job: rows::job(row.job)?,
        tasks_total: rows::unsigned(row.total, "jobs")?,
        tasks_done: rows::unsigned(row.done, "jobs")?,
        running: rows::unsigned(row.running, "jobs")?,
        seconds: row.spent,
    })
}

fn job_of_task(row: TaskRow) -> Result<(JobId, Task), StoreError> {
    Ok((JobId(row.job.clone()), rows::task(row)?))
}

/// Jobs whose tasks are read with one question, and questions whose answers may wait to be made into tasks: a takeover has no more
/// than that in memory twice.
const JOBS_AT_A_TIME: usize = 32;
const READING_MAX: usize = 3;
/// Tasks of which nothing is known but what was submitted: most of a long queue, and little to read of each.
const UNTOUCHED: &str = "state IN ('waiting', 'ready') AND attempts = 0 AND faults = 0 AND node_faults = 0 AND kills = 0
    AND splits = 0 AND token = 0 AND reused = 0 AND seconds = 0 AND furthest = 0 AND outputs = '{}' AND failure IS NULL AND run IS NULL";

/// Job, place, specification and state of an untouched task.
type Untouched = (String, i64, String, String);

impl<E: Engine> Sql<E> {
    async fn tasks_of(&self, jobs: &[Job]) -> Result<(Vec<Untouched>, Vec<TaskRow>), StoreError> {
        let names: Vec<String> = jobs.iter().map(|job| rows::clean(&job.id.0)).collect();
        let theirs = E::among("job");
        let untouched = AssertSqlSafe(format!("SELECT job, position, spec, state FROM tasks WHERE {theirs} AND {UNTOUCHED}"));
        let touched = AssertSqlSafe(format!("SELECT * FROM tasks WHERE {theirs} AND NOT ({UNTOUCHED})"));
        tokio::try_join!(
            self.engine.fetch(Step::new(untouched, [list(&names)]), Ok),
            self.engine.fetch(Step::new(touched, [list(&names)]), Ok)
        )
    }
}

/// Jobs with their tasks.
fn assemble(mut jobs: Vec<Job>, untouched: Vec<Untouched>, touched: Vec<TaskRow>) -> Result<Vec<Job>, StoreError> {
    let places: BTreeMap<String, usize> = jobs.iter().enumerate().map(|(at, job)| (rows::clean(&job.id.0), at)).collect();
    let mut tasks: Vec<Vec<Task>> = jobs.iter().map(|_| Vec::new()).collect();
    let at = |job: &str| places.get(job).copied().ok_or_else(|| StoreError::Damaged { what: format!("job {job}") });
    for (job, position, spec, state) in untouched {
        tasks[at(&job)?].push(rows::untouched(&job, position, &spec, &state)?);
    }
    for row in touched {
        tasks[at(&row.job)?].push(rows::task(row)?);
    }
    jobs.iter_mut().zip(tasks).for_each(|(job, tasks)| job.tasks = tasks.into_iter().collect());
    Ok(jobs)
}

async fn joined(reading: Option<JoinHandle<Result<Vec<Job>, StoreError>>>) -> Result<Vec<Job>, StoreError> {
    match reading {
        Some(reading) => reading.await.unwrap_or_else(|_| Err(StoreError::Damaged { what: "a task".into() })),
        None => Ok(Vec::new()),
    }
}

impl<E: Engine> Store for Sql<E> {
    async fn leadership(&self) -> Result<Leadership, StoreError> {
        let ask = Step::new("SELECT epoch, leader, beat FROM farm", []);
        let read = |(epoch, leader, beat)| Ok(Leadership { epoch: Epoch(epoch), leader, beat });
        one(self.engine.fetch(ask, read).await?, "the farm's leadership")
    }

    async fn lead(&self, seen: &Leadership, leader: &str) -> Result<Epoch, StoreError> {
        let Epoch(epoch) = seen.epoch;
        let claim = "UPDATE farm SET beat = beat + 1 WHERE epoch = $1 AND beat = $2";
        let note =
            "INSERT INTO epochs (epoch, leader, batch) SELECT epoch, leader, batch FROM farm WHERE true ON CONFLICT DO NOTHING";
        let take = "UPDATE farm SET epoch = epoch + 1, leader = $1, batch = 0";
        let steps = vec![
            Step::new(claim, [Arg::Int(epoch), Arg::Int(seen.beat)]).must(),
            Step::new(note, []),
            Step::new("DELETE FROM epochs WHERE epoch < $1", [Arg::Int(epoch - i64::from(EPOCHS_KEPT))]),
            Step::new(take, [Arg::Text(rows::clean(leader))]).must(),
            Step::new("DELETE FROM nodes", []),
        ];
        if self.engine.transact(steps).await? { Ok(Epoch(epoch + 1)) } else { Err(StoreError::Fenced) }
    }

    async fn beat(&self, epoch: Epoch) -> Result<(), StoreError> {
        let beat = Step::new("UPDATE farm SET beat = beat + 1 WHERE epoch = $1", [Arg::Int(epoch.0)]).must();
        if self.engine.transact(vec![beat]).await? { Ok(()) } else { Err(StoreError::Fenced) }
    }

    async fn resign(&self, epoch: Epoch) -> Result<(), StoreError> {
        let resign = Step::new("UPDATE farm SET beat = beat + 1, leader = '' WHERE epoch = $1", [Arg::Int(epoch.0)]);
        self.engine.transact(vec![resign]).await.map(drop)
    }

    async fn commit(&self, epoch: Epoch, number: u64, batch: &Batch) -> Result<(), StoreError> {
        // This row's lock puts commits, takeovers and questions about them in one line.
        let fence = "UPDATE farm SET batch = $2, beat = beat + 1 WHERE epoch = $1 AND batch = $2 - 1";
        let fence = Step::new(fence, [Arg::Int(epoch.0), Arg::Int(rows::signed(number))]).must();
        match self.engine.commit(fence, self.steps(batch)?).await {
            Ok(true) => Ok(()),
            Ok(false) => self.settle(epoch, number).await,
            Err(StoreError::Unknown(error)) => match self.settle(epoch, number).await {
                // It did not come through, and it is this one's turn still.
                Err(StoreError::OutOfOrder { last, .. }) if last + 1 == number => {
                    Err(StoreError::Unreachable { at: "its last commit".into(), source: error })
                }
                Err(StoreError::Unreachable { .. } | StoreError::Other(_)) => Err(StoreError::Unknown(error)),
                settled => settled,
            },
            Err(error) => Err(error),
        }
    }

    async fn committed(&self, epoch: Epoch) -> Result<u64, StoreError> {
        // A write, so that it waits for a commit under way.
        let ask = Step::new("UPDATE farm SET batch = batch RETURNING epoch, batch", []);
        let (now, last): (i64, i64) = one(self.engine.fetch(ask, Ok).await?, "the farm's leadership")?;
        if now == epoch.0 {
            return rows::unsigned(last, "the farm's leadership");
        }
        let ask = Step::new("SELECT batch FROM epochs WHERE epoch = $1", [Arg::Int(epoch.0)]);
        let past = self.engine.fetch(ask, |(batch,): (i64,)| rows::unsigned(batch, "the farm's leadership")).await?;
        Ok(past.first().copied().unwrap_or(0))
    }

    async fn unfinished(&self) -> Result<Vec<Job>, StoreError> {
        let ask = Step::new("SELECT * FROM jobs WHERE state IN ('queued', 'running')", []);
        let mut jobs = self.engine.fetch(ask, rows::job).await?;
        jobs.sort_by(|a, b| a.id.cmp(&b.id));
        let (mut whole, mut reading) = (Vec::with_capacity(jobs.len()), VecDeque::new());
        while !jobs.is_empty() {
            let some: Vec<Job> = jobs.drain(..jobs.len().min(JOBS_AT_A_TIME)).collect();
            let (untouched, touched) = self.tasks_of(&some).await?;
            // What was read is made into tasks beside the next question.
            reading.push_back(tokio::task::spawn_blocking(move || assemble(some, untouched, touched)));
            if reading.len() > READING_MAX {
                whole.extend(joined(reading.pop_front()).await?);
            }
        }
        while !reading.is_empty() {
            whole.extend(joined(reading.pop_front()).await?);
        }
        Ok(whole)
    }

    async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let id = [Arg::Text(rows::clean(&id.0))];
        let found = self.engine.fetch(Step::new("SELECT * FROM jobs WHERE id = $1", id.clone()), rows::job).await?;
        let Some(mut job) = found.into_iter().next() else { return Ok(None) };
        let tasks = self.engine.fetch(Step::new("SELECT * FROM tasks WHERE job = $1", id), job_of_task).await?;
        job.tasks = tasks.into_iter().map(|(_, task)| task).collect();
        Ok(Some(job))
    }

    async fn attempts(&self, job: &JobId) -> Result<Vec<Attempt>, StoreError> {
        let ask = "SELECT * FROM attempts WHERE job = $1 ORDER BY token";
        self.engine.fetch(Step::new(ask, [Arg::Text(rows::clean(&job.0))]), rows::attempt).await
    }

    async fn summary(&self, id: &JobId) -> Result<Option<Summary>, StoreError> {
        let found = self.engine.fetch(summaries("WHERE jobs.id = $1", [Arg::Text(rows::clean(&id.0))]), summary).await?;
        Ok(found.into_iter().next())
    }

    async fn summaries(&self, jobs: &[JobId]) -> Result<Vec<Summary>, StoreError> {
        let names: Vec<String> = jobs.iter().map(|job| rows::clean(&job.0)).collect();
        self.engine.fetch(summaries(&format!("WHERE {}", E::among("jobs.id")), [list(&names)]), summary).await
    }

    async fn page(&self, before: Option<&JobId>, most: u32) -> Result<Vec<Job>, StoreError> {
        let ask = "SELECT * FROM jobs WHERE $1 = '' OR length(id) < length($1) OR (length(id) = length($1) AND id < $1)
                   ORDER BY length(id) DESC, id DESC LIMIT $2";
        let before = before.map_or_else(String::new, |job| rows::clean(&job.0));
        self.engine.fetch(Step::new(ask, [Arg::Text(before), Arg::Int(most.into())]), rows::job).await
    }

    async fn list(&self) -> Result<Vec<Summary>, StoreError> {
        let mut found = self.engine.fetch(summaries("", []), summary).await?;
        // Sorted here: the database may sort texts by a language's rules.
        found.sort_by(|a, b| a.job.id.cmp(&b.job.id));
        Ok(found)
    }

    async fn nodes(&self) -> Result<Vec<Offer>, StoreError> {
        let mut found = self.engine.fetch(Step::new("SELECT * FROM nodes", []), rows::offer).await?;
        found.sort_by(|a, b| a.node.cmp(&b.node));
        Ok(found)
    }

    async fn standing(&self) -> Result<Standing, StoreError> {
        let mut projects = self.engine.fetch(Step::new("SELECT * FROM projects", []), rows::account).await?;
        projects.sort_by(|a, b| a.project.cmp(&b.project));
        let mut limits = self.engine.fetch(Step::new("SELECT * FROM limits", []), rows::limit).await?;
        limits.sort();
        let mut peaks = self.engine.fetch(Step::new("SELECT * FROM peaks", []), rows::measured).await?;
        peaks.sort_by(|a, b| (&a.kind, &a.step, &a.shape).cmp(&(&b.kind, &b.step, &b.shape)));
        Ok(Standing { projects, limits, peaks })
    }

    async fn highest(&self) -> Result<(u64, u64), StoreError> {
        let ask = Step::new("SELECT COALESCE(MAX(token), 0) FROM tasks", []);
        let token = one(self.engine.fetch(ask, |(token,): (i64,)| rows::unsigned(token, "tasks")).await?, "tasks")?;
        let ask = Step::new("SELECT id FROM jobs ORDER BY length(id) DESC, id DESC LIMIT 1", []);
        let latest = self.engine.fetch(ask, |(id,): (String,)| Ok(id)).await?;
        let number = latest.first().and_then(|id| id.rsplit('-').next()?.parse().ok());
        let ask = Step::new("SELECT highest_token, highest_job FROM farm", []);
        let (gone_token, gone_job): (i64, i64) = one(self.engine.fetch(ask, Ok).await?, "the farm's highest numbers")?;
        let unsigned = |number| rows::unsigned(number, "the farm's highest numbers");
        Ok((token.max(unsigned(gone_token)?), number.unwrap_or(0).max(unsigned(gone_job)?)))
    }

    async fn results(&self, identities: &[Digest]) -> Result<BTreeMap<Digest, Cached>, StoreError> {
        let ask = AssertSqlSafe(format!("SELECT * FROM results WHERE {}", E::among("identity")));
        let found = self.engine.fetch(Step::new(ask, [list(identities)]), rows::cached).await?;
        Ok(found.into_iter().map(|cached| (cached.identity, cached)).collect())
    }

    async fn all_results(&self) -> Result<Vec<Cached>, StoreError> {
        self.engine.fetch(Step::new("SELECT * FROM results ORDER BY used_ms, identity", []), rows::cached).await
    }

    async fn results_bytes(&self) -> Result<u64, StoreError> {
        let ask = Step::new("SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM results", []);
        one(self.engine.fetch(ask, |(bytes,): (i64,)| rows::unsigned(bytes, "results")).await?, "results")
    }

    async fn forget(&self, identities: &[Digest]) -> Result<(), StoreError> {
        let forget = AssertSqlSafe(format!("DELETE FROM results WHERE {}", E::among("identity")));
        self.engine.transact(vec![Step::new(forget, [list(identities)])]).await.map(drop)
    }

    async fn pin(&self, digest: Digest) -> Result<(), StoreError> {
        let pin = "INSERT INTO pins (digest) VALUES ($1) ON CONFLICT DO NOTHING";
        self.engine.transact(vec![Step::new(pin, [Arg::Text(digest.hex())])]).await.map(drop)
    }

    async fn unpin(&self, digest: Digest) -> Result<(), StoreError> {
        let unpin = "DELETE FROM pins WHERE digest = $1";
        self.engine.transact(vec![Step::new(unpin, [Arg::Text(digest.hex())])]).await.map(drop)
    }

    async fn pins(&self) -> Result<Vec<Digest>, StoreError> {
        let damaged = |_| StoreError::Damaged { what: "a pin".into() };
        let read = |(hex,): (String,)| hex.parse().map_err(damaged);
        let mut pins = self.engine.fetch(Step::new("SELECT digest FROM pins", []), read).await?;
        pins.sort();
        Ok(pins)
    }

    async fn names(&self, digest: Digest) -> Result<bool, StoreError> {
        // Wherever a digest stands in what was written as JSON, it stands as hex.
        let ask = "SELECT CAST(1 AS BIGINT) WHERE EXISTS (SELECT 1 FROM jobs WHERE spec LIKE $1)
                   OR EXISTS (SELECT 1 FROM tasks WHERE outputs LIKE $1 OR spec LIKE $1)
                   OR EXISTS (SELECT 1 FROM results WHERE result LIKE $1)";
        let found = self.engine.fetch(Step::new(ask, [Arg::Text(format!("%{}%", digest.hex()))]), |(one,): (i64,)| Ok(one)).await?;
        Ok(!found.is_empty())
    }

    async fn prune(&self, keep: u32) -> Result<(), StoreError> {
        let prune = "DELETE FROM jobs WHERE state NOT IN ('queued', 'running')
                     AND id NOT IN (SELECT id FROM jobs ORDER BY length(id) DESC, id DESC LIMIT $1)";
        let note = self.note_highest().await?;
        self.engine.transact(vec![note, Step::new(prune, [Arg::Int(keep.into())])]).await.map(drop)
    }

    async fn remove(&self, job: &JobId) -> Result<bool, StoreError> {
        let remove = "DELETE FROM jobs WHERE id = $1 AND state NOT IN ('queued', 'running')";
        let note = self.note_highest().await?;
        self.engine.transact(vec![note, Step::new(remove, [Arg::Text(rows::clean(&job.0))]).must()]).await
    }

    async fn ask_cancel(&self, job: &JobId, now: Millis) -> Result<(), StoreError> {
        let ask = "INSERT INTO cancels (job, asked_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let args = [Arg::Text(rows::clean(&job.0)), Arg::Int(rows::signed(now))];
        self.engine.transact(vec![Step::new(ask, args)]).await.map(drop)
    }

    async fn cancels(&self) -> Result<Vec<JobId>, StoreError> {
        let ask = Step::new("SELECT asked_ms, job FROM cancels", []);
        let mut found: Vec<(i64, String)> = self.engine.fetch(ask, Ok).await?;
        found.sort();
        Ok(found.into_iter().map(|(_, job)| JobId(job)).collect())
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
