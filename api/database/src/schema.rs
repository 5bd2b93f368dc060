use crate::{Database, DatabaseError, Pool};
use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    migrate::{Migrate, MigrateError, Migration, Migrator},
};

/// One crate's tables.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Whose they are, in the plural: for messages.
    pub whose: &'static str,
    /// Where the migrations that were done are noted. Each crate has its own.
    pub table: &'static str,
    /// Written in SQLite's words, of which `INTEGER`, `INTEGER PRIMARY KEY AUTOINCREMENT` and `TEXT` are known here.
    pub steps: &'static Migrator,
}

/// Of PostgreSQL's advisory locks: one process migrates at a time ("kliegapi").
const LOCK: &str = "SELECT pg_advisory_xact_lock(7740677743790092393)";

impl Database {
    /// Brings a crate's tables up to date; refuses those of a later klieg.
    pub async fn prepare(&self, schema: &Schema) -> Result<(), DatabaseError> {
        let failed = |error| self.failed(error);
        match &self.pool {
            Pool::Sqlite(pool) => {
                // One transaction around all steps: of two processes, the second waits and finds nothing to do.
                let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
                migrate(&mut *transaction, schema, str::to_owned, &self.at).await?;
                transaction.commit().await.map_err(failed)
            }
            Pool::Postgres(pool) => {
                let mut transaction = pool.begin().await.map_err(failed)?;
                sqlx::query(LOCK).execute(&mut *transaction).await.map_err(failed)?;
                migrate(&mut *transaction, schema, for_postgres, &self.at).await?;
                transaction.commit().await.map_err(failed)
            }
        }
    }
}

async fn migrate<C: Migrate>(
    connection: &mut C,
    schema: &Schema,
    words: fn(&str) -> String,
    at: &str,
) -> Result<(), DatabaseError> {
    let whose = schema.whose;
    let of = |source: MigrateError| DatabaseError::Migrate { whose, at: at.into(), source: source.into() };
    let latest = |versions: &mut dyn Iterator<Item = i64>| versions.max().unwrap_or(0);
    let known = latest(&mut schema.steps.iter().map(|step| step.version));
    connection.ensure_migrations_table(schema.table).await.map_err(of)?;
    let applied = connection.list_applied_migrations(schema.table).await.map_err(of)?;
    let found = latest(&mut applied.iter().map(|step| step.version));
    if found > known {
        return Err(DatabaseError::Newer { whose, at: at.into(), found, known });
    }
    let mut migrator = Migrator::with_migrations(schema.steps.iter().map(|step| translated(step, words)).collect());
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(schema.table);
    migrator.run_direct(None, connection, false).await.map_err(of)
}

/// The checksum stays that of the file.
fn translated(step: &Migration, words: fn(&str) -> String) -> Migration {
    Migration { sql: AssertSqlSafe(words(step.sql.as_str())).into_sql_str(), ..step.clone() }
}

/// PostgreSQL's words for SQLite's types.
fn for_postgres(sql: &str) -> String {
    sql.replace(" INTEGER PRIMARY KEY AUTOINCREMENT", " BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        .replace(" INTEGER", " BIGINT")
}
