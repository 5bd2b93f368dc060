use crate::{Database, DatabaseError, Pool};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{fs, io, os::unix::fs::OpenOptionsExt, path::Path, str::FromStr, time::Duration};

/// Of one handle.
const CONNECTIONS_MAX: u32 = 4;
/// How long another writer, or a connection, is waited for.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How often a file that another process is preparing is tried again, and after which pause.
const OPEN_TRIES_MAX: u32 = 100;
const OPEN_PAUSE: Duration = Duration::from_millis(100);
/// What the server ends by itself.
const SESSION: [(&str, &str); 3] =
    [("idle_in_transaction_session_timeout", "10s"), ("lock_timeout", "10s"), ("statement_timeout", "60s")];
/// Only ever stricter than what the server is set to: a commit that was answered is on disk.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

impl Database {
    /// Opens `sqlite:FILE`, which is made where there is none, for its owner's eyes only, or `postgres://USER@HOST/DATABASE`. The libpq
    /// environment variables (`PGPASSWORD`, `PGSSLROOTCERT`, …) fill in what that URL leaves out.
    pub async fn open(url: &str) -> Result<Self, DatabaseError> {
        if let Some(file) = url.strip_prefix("sqlite:") {
            return Self::sqlite(Path::new(file.strip_prefix("//").unwrap_or(file))).await;
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Self::postgres(url).await;
        }
        // What stands behind the scheme may be a password.
        Err(DatabaseError::BadUrl(url.split_once(':').map_or(String::new(), |(scheme, _)| format!("{scheme}:…"))))
    }

    async fn sqlite(file: &Path) -> Result<Self, DatabaseError> {
        let at = file.display().to_string();
        private(file).map_err(|source| DatabaseError::Io { at: at.clone(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit survives a power cut, not only a crash.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(WAIT_MAX)
            .foreign_keys(true);
        let pool = || SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).test_before_acquire(false);
        let mut tries = 0;
        loop {
            match pool().connect_with(options.clone()).await {
                Ok(pool) => return Ok(Self { pool: Pool::Sqlite(pool), at }),
                // SQLite does not wait for another process that is turning the same new file to WAL.
                Err(error) if is_busy(&error) && tries < OPEN_TRIES_MAX => tries += 1,
                Err(error) => return Err(DatabaseError::Failed { at, source: error.into() }),
            }
            tokio::time::sleep(OPEN_PAUSE).await;
        }
    }

    async fn postgres(url: &str) -> Result<Self, DatabaseError> {
        let bad = |source: sqlx::Error| DatabaseError::Failed { at: "postgres".into(), source: source.into() };
        let options = PgConnectOptions::from_str(url).map_err(bad)?.application_name("klieg").options(SESSION);
        let database = options.get_database().unwrap_or(options.get_username());
        let at = format!("postgres://{}:{}/{database}", options.get_host(), options.get_port());
        let failed = |source: sqlx::Error| DatabaseError::Failed { at: at.clone(), source: source.into() };
        // Once outside the pool, which would hide why it could not.
        let tried = tokio::time::timeout(WAIT_MAX, PgConnection::connect_with(&options)).await;
        tried.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failed)?.close().await.map_err(failed)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(WAIT_MAX)
            .after_connect(|connection, _| Box::pin(async move { sqlx::query(DURABLE).execute(connection).await.map(drop) }))
            .connect_lazy_with(options);
        Ok(Self { pool: Pool::Postgres(pool), at })
    }
}

/// Digests of secrets and keys are kept in it. SQLite gives its other files the same permissions. A file that is there keeps its own.
fn private(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// SQLITE_BUSY and its kin.
fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| matches!(code.as_ref(), "5" | "261" | "517"))
}
