use super::{
    StoreError, rows, schema,
    sql::{Engine, Readable, Sql, Step, arguments},
};
use crate::backoff::full_jitter;
use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Most connections of one process.
const CONNECTIONS_MAX: u32 = 8;
/// How long a server may take to let one in.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection that was not used for so long is tried before it is used: its server may have gone.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);
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
    /// For questions.
    pool: PgPool,
    /// For transactions, which a leader commits one after the other; with the time of the last one. A pool would ask the server before
    /// and after each whether it is still there, which at thousands of tasks a second is most of what the server does.
    writer: Mutex<Option<(PgConnection, Instant)>>,
    options: PgConnectOptions,
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
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    if meta.idle_for > IDLE_TRUSTED {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options.clone());
        Ok(Sql::new(Server { pool, writer: Mutex::new(None), options, at }))
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

/// A whole commit as one statement, which is one transaction and one round to the server. Nothing is written unless the fence changes
/// its row: every write asks for it. Each gives its effect on the state before the statement, so this is only for steps apart.
fn merge(fence: Step, writes: Vec<Step>) -> Step {
    let mut sql = format!("WITH fence AS ({} RETURNING 1)", fence.sql.as_str());
    let mut args = fence.args;
    for (number, write) in writes.into_iter().enumerate() {
        let own = format!("${}", args.len() + 1);
        let guarded = write.sql.as_str().replacen("WHERE true", "WHERE EXISTS (SELECT 1 FROM fence)", 1).replace("$1", &own);
        sql.push_str(&format!(", write_{number} AS ({guarded})"));
        args.extend(write.args);
    }
    sql.push_str(" SELECT count(*) FROM fence");
    Step::new(AssertSqlSafe(sql), args)
}

/// One transaction.
enum Work {
    Steps(Vec<Step>),
    /// As one statement that counts the rows of its fence.
    Whole(Step),
}

async fn whole(connection: &mut PgConnection, step: Step, committing: &mut bool) -> Result<bool, sqlx::Error> {
    *committing = true;
    let fenced: i64 = sqlx::query_scalar_with(step.sql, arguments::<PgArguments>(step.args)?).fetch_one(connection).await?;
    Ok(fenced == 1)
}

impl Server {
    /// A connection for one transaction: the one that is kept, or a new one.
    async fn writer(&self, kept: &mut Option<(PgConnection, Instant)>) -> Result<PgConnection, StoreError> {
        // Taken out: whoever is interrupted in a transaction does not leave one open for the next.
        if let Some((mut connection, used)) = kept.take()
            && (used.elapsed() < IDLE_TRUSTED || connection.ping().await.is_ok())
        {
            return Ok(connection);
        }
        let connect = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            sqlx::query(DURABLE).execute(&mut connection).await?;
            Ok(connection)
        };
        let connected = tokio::time::timeout(CONNECT_MAX, connect).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
        connected.map_err(|error| StoreError::of(error, &self.at))
    }

    /// Does one transaction on the kept connection.
    async fn write(&self, work: Work) -> Result<bool, StoreError> {
        let mut kept = self.writer.lock().await;
        let mut connection = self.writer(&mut kept).await?;
        let mut committing = false;
        let doing = async {
            match work {
                Work::Steps(steps) => transact(&mut connection, steps, &mut committing).await,
                Work::Whole(step) => whole(&mut connection, step, &mut committing).await,
            }
        };
        let error = match tokio::time::timeout(TRANSACTION_MAX, doing).await {
            Ok(Ok(done)) => {
                *kept = Some((connection, Instant::now()));
                return Ok(done);
            }
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()),
        };
        match StoreError::of(error, &self.at) {
            StoreError::Unreachable { source, .. } if committing => Err(StoreError::Unknown(source)),
            other => Err(other),
        }
    }

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
        self.write(Work::Steps(steps)).await
    }

    async fn commit(&self, fence: Step, writes: Vec<Step>) -> Result<bool, StoreError> {
        if !writes.iter().all(|write| write.apart) {
            return self.transact(std::iter::once(fence).chain(writes).collect()).await;
        }
        self.write(Work::Whole(merge(fence, writes))).await
    }

    async fn close(&self) {
        if let Some((connection, _)) = self.writer.lock().await.take() {
            // It is gone either way.
            let _ = connection.close().await;
        }
        self.pool.close().await;
    }
}
