use super::{
    StoreError, rows, schema,
    sql::{Engine, Readable, Sql, Step, arguments},
};
use futures_util::TryStreamExt;
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

/// One file in WAL mode: one writer, readers beside it, other processes too.
pub type Sqlite = Sql<Wal>;

/// The connections of a `Sqlite`.
pub struct Wal {
    read: SqlitePool,
    /// Of one connection.
    write: SqlitePool,
    at: String,
}

/// How often a file that another process is preparing is tried again, and after which pause.
const OPEN_TRIES_MAX: u32 = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(100);

impl Sqlite {
    /// Opens or creates the file and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        Self::open_with(file, None).await
    }

    /// As `open`, with a file of at most so many pages, to see what a full disk does.
    pub async fn open_with(file: &Path, pages_max: Option<u32>) -> Result<Self, StoreError> {
        let at = file.display().to_string();
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
        let mut tries = 0;
        let write = loop {
            let opened = pool().max_connections(1).connect_with(options.clone()).await;
            match opened.map_err(|e| StoreError::of(e, &at)) {
                // SQLite does not wait for another process that is turning the same new file to WAL.
                Err(error) if error.retryable() && tries < OPEN_TRIES_MAX => tries += 1,
                done => break done?,
            }
            tokio::time::sleep(OPEN_PAUSE).await;
        };
        migrate(&write, &at).await?;
        let read = pool().max_connections(2).connect_lazy_with(options);
        Ok(Sql::new(Wal { read, write, at }))
    }
}

/// One transaction around all steps: of two processes that open the same file, the second waits and finds nothing to do.
async fn migrate(pool: &SqlitePool, at: &str) -> Result<(), StoreError> {
    let of = |error| StoreError::of(error, at);
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(of)?;
    schema::migrate(&mut *transaction, str::to_string, at).await?;
    transaction.commit().await.map_err(of)
}

async fn transact(connection: &mut SqliteConnection, steps: Vec<Step>) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    for step in steps {
        let done = sqlx::query_with(step.sql, arguments::<SqliteArguments>(step.args)?).execute(&mut *transaction).await?;
        if step.must && done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
    }
    transaction.commit().await?;
    Ok(true)
}

impl Engine for Wal {
    fn rows_of(table: &rows::Table) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| format!("value ->> '{column}'")).collect();
        format!("SELECT {} FROM json_each($1)", columns.join(", "))
    }

    fn among(column: &str) -> String {
        format!("{column} IN (SELECT value FROM json_each($1))")
    }

    async fn fetch<T: Readable, U: Send>(
        &self,
        step: Step,
        mut map: impl FnMut(T) -> Result<U, StoreError> + Send,
    ) -> Result<Vec<U>, StoreError> {
        let of = |error| StoreError::of(error, &self.at);
        let arguments = arguments::<SqliteArguments>(step.args).map_err(of)?;
        let mut rows = sqlx::query_as_with::<_, T, _>(step.sql, arguments).fetch(&self.read);
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(of)? {
            found.push(map(row)?);
        }
        Ok(found)
    }

    async fn transact(&self, steps: Vec<Step>) -> Result<bool, StoreError> {
        let of = |error| StoreError::of(error, &self.at);
        let mut connection = self.write.acquire().await.map_err(of)?;
        let done = transact(&mut connection, steps).await;
        if done.is_err() {
            // A full disk makes SQLite roll back by itself, and sqlx loses count of its transactions: take a new connection.
            connection.close_on_drop();
        }
        done.map_err(of)
    }

    /// Folds the log into the file.
    async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Task;
    use crate::store::{
        Batch, Store,
        conformance::{self, Leader, job, task},
    };

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
        let mut leader = Leader::new(&store).await;
        let kept = job("job-000001");
        leader.commit(&Batch { jobs: vec![kept.clone()], ..Batch::default() }).await.unwrap();
        let mut large = task("large").spec.open();
        large.label = "x".repeat(1_000_000);
        let large = Task::new(large, 3);
        let large = Batch { tasks: vec![(kept.id.clone(), "large".into(), large)], ..Batch::default() };
        for _ in 0..2 {
            let full = leader.commit(&large).await;
            assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
            assert_eq!(store.job(&kept.id).await.unwrap(), Some(kept.clone()));
        }
        let small = Batch { tasks: vec![(kept.id.clone(), "small".into(), task("small"))], ..Batch::default() };
        leader.commit(&small).await.unwrap();
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
