//! Where the API's own records are kept: a SQLite file, or the farm's PostgreSQL, with the same statements.
//!
//! Statements are written in what both understand; values are `$1`, `$2`, … What a call answers with `Ok` after writing survives a
//! power cut. Several crates keep tables in one database, each with migrations of its own (`Schema`).

mod open;
mod schema;
mod statement;

pub use schema::Schema;
pub use statement::{Arg, Readable, Statement};

use sqlx::{
    Connection, PgPool, SqlitePool,
    postgres::{PgArguments, PgConnection},
    sqlite::{SqliteArguments, SqliteConnection},
};
use statement::arguments;

/// A handle on the database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    /// Where it is, without a password.
    at: String,
}

#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("open the database: expected sqlite:FILE or postgres://USER@HOST/DATABASE, and got {0:?}")]
    BadUrl(String),
    #[error("make the database {at}: {source}")]
    Io { at: String, source: std::io::Error },
    #[error("use the database {at}: {source}")]
    Failed { at: String, source: Box<sqlx::Error> },
    #[error("prepare the {whose} in {at}: {source}")]
    Migrate { whose: &'static str, at: String, source: Box<sqlx::migrate::MigrateError> },
    #[error(
        "open the {whose} in {at}: their schema is version {found}, and this klieg knows {known}: use the klieg that wrote it, or a newer one"
    )]
    Newer { whose: &'static str, at: String, found: i64, known: i64 },
}

impl Database {
    /// Runs a statement; gives how many rows it changed.
    pub async fn run(&self, statement: Statement) -> Result<u64, DatabaseError> {
        let Statement { sql, args, .. } = statement;
        let done = match &self.pool {
            Pool::Sqlite(pool) => {
                let args = arguments::<SqliteArguments>(args).map_err(|error| self.failed(error))?;
                sqlx::query_with(sql, args).execute(pool).await.map(|done| done.rows_affected())
            }
            Pool::Postgres(pool) => {
                let args = arguments::<PgArguments>(args).map_err(|error| self.failed(error))?;
                sqlx::query_with(sql, args).execute(pool).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(|error| self.failed(error))
    }

    /// Runs statements in one transaction. `false`: one that must change something did not, and nothing was written.
    pub async fn together(&self, statements: Vec<Statement>) -> Result<bool, DatabaseError> {
        let done = match &self.pool {
            Pool::Sqlite(pool) => match pool.acquire().await {
                Ok(mut connection) => {
                    let done = in_sqlite(&mut connection, statements).await;
                    if done.is_err() {
                        // A full disk makes SQLite roll back by itself, and sqlx loses count of its transactions.
                        connection.close_on_drop();
                    }
                    done
                }
                Err(error) => Err(error),
            },
            Pool::Postgres(pool) => match pool.acquire().await {
                Ok(mut connection) => in_postgres(&mut connection, statements).await,
                Err(error) => Err(error),
            },
        };
        done.map_err(|error| self.failed(error))
    }

    /// All that a query finds: give it a `LIMIT`.
    pub async fn rows<T: Readable>(&self, query: Statement) -> Result<Vec<T>, DatabaseError> {
        let Statement { sql, args, .. } = query;
        let rows = match &self.pool {
            Pool::Sqlite(pool) => {
                let args = arguments::<SqliteArguments>(args).map_err(|error| self.failed(error))?;
                sqlx::query_as_with(sql, args).fetch_all(pool).await
            }
            Pool::Postgres(pool) => {
                let args = arguments::<PgArguments>(args).map_err(|error| self.failed(error))?;
                sqlx::query_as_with(sql, args).fetch_all(pool).await
            }
        };
        rows.map_err(|error| self.failed(error))
    }

    /// The first that a query finds.
    pub async fn row<T: Readable>(&self, query: Statement) -> Result<Option<T>, DatabaseError> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    fn failed(&self, error: sqlx::Error) -> DatabaseError {
        DatabaseError::Failed { at: self.at.clone(), source: error.into() }
    }
}

macro_rules! in_transaction {
    ($name:ident, $connection:ty, $arguments:ty, $begin:literal) => {
        async fn $name(connection: &mut $connection, statements: Vec<Statement>) -> Result<bool, sqlx::Error> {
            let mut transaction = connection.begin_with($begin).await?;
            for Statement { sql, args, must } in statements {
                let done = sqlx::query_with(sql, arguments::<$arguments>(args)?).execute(&mut *transaction).await?;
                if must && done.rows_affected() == 0 {
                    transaction.rollback().await?;
                    return Ok(false);
                }
            }
            transaction.commit().await?;
            Ok(true)
        }
    };
}

// IMMEDIATE: it waits for other writers at its beginning, where it can, and not in the middle, where it cannot.
in_transaction!(in_sqlite, SqliteConnection, SqliteArguments, "BEGIN IMMEDIATE");
in_transaction!(in_postgres, PgConnection, PgArguments, "BEGIN ISOLATION LEVEL READ COMMITTED");
