//! Where accounts are kept: a SQLite file, or the farm's PostgreSQL, with the same statements.

use crate::AccountError;
use sqlx::{
    AssertSqlSafe, FromRow, PgPool, SqliteConnection, SqlitePool,
    migrate::{Migrate, MigrateError, Migration, Migrator},
    postgres::{PgArguments, PgPoolOptions, PgRow},
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{path::Path, time::Duration};

static SCHEMA: Migrator = sqlx::migrate!("./migrations");
/// The scheduler's own migrations are in the same database.
const TABLE: &str = "_account_migrations";
/// Of PostgreSQL's advisory locks: one process migrates at a time.
const LOCK: i64 = 0x6b6c_6965_6761_6363;
const CONNECTIONS_MAX: u32 = 4;
const BUSY: Duration = Duration::from_secs(10);

/// A handle on the accounts' database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    at: String,
}

#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A statement's value.
pub enum Arg<'a> {
    Int(i64),
    Text(&'a str),
    MaybeInt(Option<i64>),
}

/// Can be read from either database.
pub trait Readable: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Readable for T {}

impl Database {
    /// Opens or makes the file and brings its schema up to date. What is written survives a power cut.
    pub async fn sqlite(file: &Path) -> Result<Self, AccountError> {
        let at = file.display().to_string();
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await;
        let pool = pool.map_err(|error| broken(&at, error))?;
        migrate_sqlite(&pool, &at).await?;
        Ok(Self { pool: Pool::Sqlite(pool), at })
    }

    /// Uses a PostgreSQL database and brings its schema up to date. `at`: its URL without the password, for messages.
    pub async fn postgres(url: &str, at: &str) -> Result<Self, AccountError> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(BUSY).connect(url).await;
        let pool = pool.map_err(|error| broken(at, error))?;
        migrate_postgres(&pool, at).await?;
        Ok(Self { pool: Pool::Postgres(pool), at: at.into() })
    }

    /// Runs a statement; gives how many rows it changed. Values are `$1`, `$2`, …
    pub async fn run(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, AccountError> {
        let done = match &self.pool {
            Pool::Sqlite(pool) => sqlx::query_with(sql, for_sqlite(args)?).execute(pool).await.map(|done| done.rows_affected()),
            Pool::Postgres(pool) => sqlx::query_with(sql, for_postgres(args)?).execute(pool).await.map(|done| done.rows_affected()),
        };
        done.map_err(|error| broken(&self.at, error))
    }

    pub async fn rows<T: Readable>(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Vec<T>, AccountError> {
        let rows = match &self.pool {
            Pool::Sqlite(pool) => sqlx::query_as_with(sql, for_sqlite(args)?).fetch_all(pool).await,
            Pool::Postgres(pool) => sqlx::query_as_with(sql, for_postgres(args)?).fetch_all(pool).await,
        };
        rows.map_err(|error| broken(&self.at, error))
    }

    pub async fn row<T: Readable>(&self, sql: &'static str, args: &[Arg<'_>]) -> Result<Option<T>, AccountError> {
        Ok(self.rows(sql, args).await?.pop())
    }
}

fn broken(at: &str, error: sqlx::Error) -> AccountError {
    AccountError::Database { at: at.into(), source: error.into() }
}

fn encode(error: sqlx::error::BoxDynError) -> AccountError {
    broken("a statement's values", sqlx::Error::Encode(error))
}

macro_rules! arguments {
    ($name:ident, $arguments:ty) => {
        fn $name(args: &[Arg<'_>]) -> Result<$arguments, AccountError> {
            let mut all = <$arguments>::default();
            for arg in args {
                let added = match arg {
                    Arg::Int(number) => sqlx::Arguments::add(&mut all, *number),
                    Arg::MaybeInt(number) => sqlx::Arguments::add(&mut all, *number),
                    Arg::Text(text) => sqlx::Arguments::add(&mut all, (*text).to_owned()),
                };
                added.map_err(encode)?;
            }
            Ok(all)
        }
    };
}

arguments!(for_sqlite, SqliteArguments);
arguments!(for_postgres, PgArguments);

async fn migrate_sqlite(pool: &SqlitePool, at: &str) -> Result<(), AccountError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| broken(at, error))?;
    let connection: &mut SqliteConnection = &mut transaction;
    migrate(connection, str::to_owned, at).await?;
    transaction.commit().await.map_err(|error| broken(at, error))
}

async fn migrate_postgres(pool: &PgPool, at: &str) -> Result<(), AccountError> {
    let mut transaction = pool.begin().await.map_err(|error| broken(at, error))?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await;
    lock.map_err(|error| broken(at, error))?;
    migrate(&mut *transaction, |sql| sql.replace(" INTEGER", " BIGINT"), at).await?;
    transaction.commit().await.map_err(|error| broken(at, error))
}

async fn migrate<C: Migrate>(connection: &mut C, words: fn(&str) -> String, at: &str) -> Result<(), AccountError> {
    let of = |source: MigrateError| AccountError::Migrate { at: at.into(), source: source.into() };
    let known = SCHEMA.iter().map(|migration| migration.version).max().unwrap_or(0);
    connection.ensure_migrations_table(TABLE).await.map_err(of)?;
    let applied = connection.list_applied_migrations(TABLE).await.map_err(of)?;
    let found = applied.iter().map(|migration| migration.version).max().unwrap_or(0);
    if found > known {
        return Err(AccountError::Newer { at: at.into(), found, known });
    }
    let steps = SCHEMA
        .iter()
        .map(|step| Migration { sql: sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(words(step.sql.as_str()))), ..step.clone() });
    let mut migrator = Migrator::with_migrations(steps.collect());
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(TABLE);
    migrator.run_direct(None, connection, false).await.map_err(of)
}
