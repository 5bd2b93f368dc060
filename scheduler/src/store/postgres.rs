use super::{
    StoreError, rows, schema,
    sql::{Engine, Readable, Sql, Step, arguments},
};
use crate::backoff::full_jitter;
use futures_util::TryStreamExt;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// Most connections of one process.
const CONNECTIONS_MAX: u32 = 8;
/// How long a server may take to let one in.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a transaction may take altogether. Past it the connection is given up.
const TRANSACTION_MAX: Duration = Duration::from_secs(60);
/// How often a question is asked again while the server is away, and the waits between: some seconds in all.
const READ_TRIES_MAX: usize = 8;
const READ_WAIT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// What the server ends by itself, so that a leader that was paused in a commit does not keep a standby from taking over.
const SESSION: [(&str, &str); 3] =
    [("idle_in_transaction_session_timeout", "3s"), ("lock_timeout", "10s"), ("statement_timeout", "60s")];
/// Only ever stricter than what the server is set to: a commit that was answered is on disk.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";
/// Keeps two programs from preparing the same database at the same time ("klieg").
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(462186473831)";

/// A PostgreSQL database, 15 or newer, that several schedulers and API servers share.
pub type Postgres = Sql<Server>;

/// The connections of a `Postgres`.
pub struct Server {
    pool: PgPool,
    at: String,
}

impl Postgres {
    /// Connects to `postgres://user:password@host:port/database?sslmode=…` and brings the schema up to date. The libpq
    /// environment variables (`PGPASSWORD`, `PGSSLROOTCERT`, …) fill in what the URL leaves out.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(StoreError::Other)?.application_name("klieg").options(SESSION);
        let at = place(&options);
        prepare(&options, &at).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECT_MAX)
            .after_connect(|connection, _| Box::pin(async move { sqlx::query(DURABLE).execute(connection).await.map(drop) }))
            .connect_lazy_with(options);
        Ok(Sql::new(Server { pool, at }))
    }
}

/// Without the password.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
}

/// Connects outside the pool, which would hide why it could not.
async fn prepare(options: &PgConnectOptions, at: &str) -> Result<(), StoreError> {
    let of = |error| StoreError::of(error, at);
    let connect = tokio::time::timeout(CONNECT_MAX, PgConnection::connect_with(options));
    let mut connection = connect.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(of)?;
    let mut transaction = connection.begin().await.map_err(of)?;
    sqlx::query(SCHEMA_LOCK).execute(&mut *transaction).await.map_err(of)?;
    schema::migrate(&mut *transaction, schema::for_postgres, at).await?;
    transaction.commit().await.map_err(of)?;
    connection.close().await.map_err(of)
}

/// `committing` is set when the database has been told to commit: from then on an error leaves the outcome unknown.
async fn transact(connection: &mut PgConnection, steps: Vec<Step>, committing: &mut bool) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    for step in steps {
        let done = sqlx::query_with(step.sql, arguments::<PgArguments>(step.args)?).execute(&mut *transaction).await?;
        if step.must && done.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
    }
    *committing = true;
    transaction.commit().await?;
    Ok(true)
}

impl Server {
    async fn try_fetch<T: Readable, U: Send>(
        &self,
        step: Step,
        map: &mut (impl FnMut(T) -> Result<U, StoreError> + Send),
    ) -> Result<Vec<U>, StoreError> {
        let of = |error| StoreError::of(error, &self.at);
        let arguments = arguments::<PgArguments>(step.args).map_err(of)?;
        let mut rows = sqlx::query_as_with::<_, T, _>(step.sql, arguments).fetch(&self.pool);
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(of)? {
            found.push(map(row)?);
        }
        Ok(found)
    }
}

impl Engine for Server {
    fn rows_of(table: &rows::Table) -> String {
        format!("SELECT {} FROM json_populate_recordset(NULL::{}, $1::json)", table.columns.join(", "), table.name)
    }

    fn among(column: &str) -> String {
        // An array and no subquery: of that the planner knows that it is small, and looks the column's index up.
        format!("{column} = ANY (ARRAY (SELECT value FROM json_array_elements_text($1::json)))")
    }

    async fn fetch<T: Readable, U: Send>(
        &self,
        step: Step,
        mut map: impl FnMut(T) -> Result<U, StoreError> + Send,
    ) -> Result<Vec<U>, StoreError> {
        let mut attempt = 0;
        loop {
            match self.try_fetch(step.clone(), &mut map).await {
                Err(StoreError::Unreachable { source, .. }) if attempt < READ_TRIES_MAX => {
                    tracing::warn!(error = %source, at = self.at, "failed to read; trying again");
                    tokio::time::sleep(full_jitter(attempt, READ_WAIT.0, READ_WAIT.1)).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn transact(&self, steps: Vec<Step>) -> Result<bool, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|error| StoreError::of(error, &self.at))?;
        let mut committing = false;
        let done = tokio::time::timeout(TRANSACTION_MAX, transact(&mut connection, steps, &mut committing)).await;
        let error = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        };
        connection.close_on_drop();
        match StoreError::of(error, &self.at) {
            StoreError::Unreachable { source, .. } if committing => Err(StoreError::Unknown(source)),
            other => Err(other),
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
