use super::{
    Batch, Cached, Epoch, Store, StoreError, Summary,
    sqlite_rows::{self as rows, Write},
};
use crate::state::{Job, Millis, Task};
use klieg_protocol::{Digest, JobId, Offer};
use sqlx::{
    Connection, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// One file in WAL mode: one writer, readers beside it, other processes too.
pub struct Sqlite {
    read: SqlitePool,
    /// Of one connection.
    write: SqlitePool,
}

impl Sqlite {
    /// Opens or creates the file and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        Self::open_with(file, None).await
    }

    /// As `open`, with a file of at most so many pages, to see what a full disk does.
    pub async fn open_with(file: &Path, pages_max: Option<u32>) -> Result<Self, StoreError> {
        let mut options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit survives a power cut, not only a crash.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true);
        if let Some(pages) = pages_max {
            options = options.pragma("max_page_count", pages.to_string());
        }
        let pool = || SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
        let write = pool().max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!("./migrations").run(&write).await?;
        let read = pool().max_connections(2).connect_lazy_with(options);
        Ok(Self { read, write })
    }

    /// Ends all connections and folds the log into the file.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    async fn write_all(&self, epoch: Option<Epoch>, writes: Write<'_>) -> Result<(), StoreError> {
        let mut connection = self.write.acquire().await?;
        let done = transact(&mut connection, epoch, writes).await;
        if done.is_err() {
            // A full disk makes SQLite roll back by itself, and sqlx loses count of its transactions: take a new connection.
            connection.close_on_drop();
        }
        done
    }
}

async fn transact(connection: &mut SqliteConnection, epoch: Option<Epoch>, writes: Write<'_>) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(Epoch(epoch)) = epoch {
        let row = sqlx::query("SELECT epoch FROM farm").fetch_one(&mut *transaction).await?;
        if row.try_get::<i64, _>(0)? != epoch {
            return Err(StoreError::Fenced);
        }
    }
    writes.run(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

fn digests(identities: &[Digest]) -> String {
    serde_json::json!(identities).to_string()
}

impl Store for Sqlite {
    async fn lead(&self) -> Result<Epoch, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("DELETE FROM nodes").execute(&mut *transaction).await?;
        let row = sqlx::query("UPDATE farm SET epoch = epoch + 1 RETURNING epoch").fetch_one(&mut *transaction).await?;
        let epoch = Epoch(row.try_get(0)?);
        transaction.commit().await?;
        Ok(epoch)
    }

    async fn commit(&self, epoch: Epoch, batch: &Batch) -> Result<(), StoreError> {
        self.write_all(Some(epoch), Write::Batch(batch)).await
    }

    async fn unfinished(&self) -> Result<Vec<Job>, StoreError> {
        let mut jobs = BTreeMap::new();
        let found =
            sqlx::query("SELECT * FROM jobs WHERE state IN ('queued', 'running') ORDER BY id").fetch_all(&self.read).await?;
        for row in &found {
            let job = rows::job(row)?;
            jobs.insert(job.id.clone(), job);
        }
        let found =
            sqlx::query("SELECT tasks.* FROM tasks JOIN jobs ON jobs.id = tasks.job WHERE jobs.state IN ('queued', 'running')")
                .fetch_all(&self.read)
                .await?;
        let mut tasks: BTreeMap<JobId, Vec<Task>> = BTreeMap::new();
        for row in &found {
            tasks.entry(JobId(row.try_get("job")?)).or_default().push(rows::task(row)?);
        }
        for (id, tasks) in tasks {
            if let Some(job) = jobs.get_mut(&id) {
                job.tasks = tasks.into_iter().collect();
            }
        }
        Ok(jobs.into_values().collect())
    }

    async fn job(&self, id: &JobId) -> Result<Option<Job>, StoreError> {
        let found = sqlx::query("SELECT * FROM jobs WHERE id = ?").bind(&id.0).fetch_optional(&self.read).await?;
        let Some(row) = found else { return Ok(None) };
        let mut job = rows::job(&row)?;
        let found = sqlx::query("SELECT * FROM tasks WHERE job = ?").bind(&id.0).fetch_all(&self.read).await?;
        job.tasks = found.iter().map(rows::task).collect::<Result<Vec<Task>, _>>()?.into_iter().collect();
        Ok(Some(job))
    }

    async fn list(&self) -> Result<Vec<Summary>, StoreError> {
        let found = sqlx::query(
            "SELECT jobs.*, COUNT(tasks.name) AS total, COALESCE(SUM(tasks.state = 'succeeded'), 0) AS done,
                    COALESCE(SUM(tasks.state = 'running'), 0) AS running, COALESCE(SUM(tasks.seconds), 0.0) AS spent
             FROM jobs LEFT JOIN tasks ON tasks.job = jobs.id GROUP BY jobs.id ORDER BY jobs.id",
        )
        .fetch_all(&self.read)
        .await?;
        found
            .iter()
            .map(|row| {
                Ok(Summary {
                    job: rows::job(row)?,
                    tasks_total: rows::unsigned(row.try_get("total")?, "jobs")?,
                    tasks_done: rows::unsigned(row.try_get("done")?, "jobs")?,
                    running: rows::unsigned(row.try_get("running")?, "jobs")?,
                    seconds: row.try_get("spent")?,
                })
            })
            .collect()
    }

    async fn nodes(&self) -> Result<Vec<Offer>, StoreError> {
        let found = sqlx::query("SELECT offer FROM nodes ORDER BY node").fetch_all(&self.read).await?;
        found.iter().map(rows::offer).collect()
    }

    async fn highest(&self) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COALESCE(MAX(token), 0) FROM tasks) AS token,
                    (SELECT COALESCE(MAX(CAST(substr(id, 5) AS INTEGER)), 0) FROM jobs) AS job",
        )
        .fetch_one(&self.read)
        .await?;
        Ok((rows::unsigned(row.try_get(0)?, "tasks")?, rows::unsigned(row.try_get(1)?, "jobs")?))
    }

    async fn results(&self, identities: &[Digest]) -> Result<BTreeMap<Digest, Cached>, StoreError> {
        let found = sqlx::query("SELECT * FROM results WHERE identity IN (SELECT value FROM json_each(?))")
            .bind(digests(identities))
            .fetch_all(&self.read)
            .await?;
        found.iter().map(|row| rows::cached(row).map(|cached| (cached.identity, cached))).collect()
    }

    async fn all_results(&self) -> Result<Vec<Cached>, StoreError> {
        let found = sqlx::query("SELECT * FROM results ORDER BY used_ms, identity").fetch_all(&self.read).await?;
        found.iter().map(rows::cached).collect()
    }

    async fn results_bytes(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COALESCE(SUM(bytes), 0) FROM results").fetch_one(&self.read).await?;
        rows::unsigned(row.try_get(0)?, "results")
    }

    async fn forget(&self, identities: &[Digest]) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM results WHERE identity IN (SELECT value FROM json_each(?))")
            .bind(digests(identities))
            .execute(&self.write)
            .await?;
        Ok(())
    }

    async fn prune(&self, keep: u32) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM jobs WHERE state NOT IN ('queued', 'running')
             AND id NOT IN (SELECT id FROM jobs ORDER BY id DESC LIMIT ?)",
        )
        .bind(keep)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    async fn ask_cancel(&self, job: &JobId, now: Millis) -> Result<(), StoreError> {
        self.write_all(None, Write::Cancel(job, now)).await
    }

    async fn cancels(&self) -> Result<Vec<JobId>, StoreError> {
        let found = sqlx::query("SELECT job FROM cancels ORDER BY asked_ms, job").fetch_all(&self.read).await?;
        found.iter().map(|row| Ok(JobId(row.try_get(0)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{self, job, task};

    #[tokio::test]
    async fn sqlite_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("farm.sqlite")).await.unwrap();
        conformance::check(&store).await;
        store.close().await;
        assert!(!folder.path().join("farm.sqlite-wal").exists(), "closing folds the log in");
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("farm.sqlite");
        Sqlite::open(&file).await.unwrap().close().await;
        let store = Sqlite::open_with(&file, Some(60)).await.unwrap();
        let epoch = store.lead().await.unwrap();
        let kept = job("job-000001");
        store.commit(epoch, &Batch { jobs: vec![kept.clone()], ..Batch::default() }).await.unwrap();
        let mut large = task("large").spec.open();
        large.label = "x".repeat(1_000_000);
        let large = Task::new(large, 3);
        let large = Batch { tasks: vec![(kept.id.clone(), "large".into(), large)], ..Batch::default() };
        for _ in 0..2 {
            let full = store.commit(epoch, &large).await;
            assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
            assert_eq!(store.job(&kept.id).await.unwrap(), Some(kept.clone()));
        }
        let small = Batch { tasks: vec![(kept.id.clone(), "small".into(), task("small"))], ..Batch::default() };
        store.commit(epoch, &small).await.unwrap();
        assert_eq!(store.job(&kept.id).await.unwrap().unwrap().tasks.len(), 1, "it goes on when there is room");
        store.close().await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("farm.sqlite");
        std::fs::write(&file, "not a database, but long enough to be taken for one".repeat(100)).unwrap();
        assert!(Sqlite::open(&file).await.is_err());
    }
}
