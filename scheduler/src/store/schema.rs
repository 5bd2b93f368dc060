//! Brings a database's schema up to date: the same files for both databases, written in SQLite's words.

use super::StoreError;
use sqlx::{
    AssertSqlSafe, SqlSafeStr, SqlStr,
    migrate::{Migrate, MigrateError, Migration, Migrator},
};

static SCHEMA: Migrator = sqlx::migrate!("./migrations");

/// Applies what is missing. The caller holds whatever lock keeps others from doing the same at the same time.
pub async fn migrate<C: Migrate>(connection: &mut C, translate: fn(&str) -> String, at: &str) -> Result<(), StoreError> {
    let known = SCHEMA.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found = latest(connection).await.map_err(|error| of(error, at))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let mut migrator = Migrator::with_migrations(SCHEMA.iter().map(|migration| translated(migration, translate)).collect());
    migrator.set_locking(false);
    migrator.run_direct(None, connection, false).await.map_err(|error| of(error, at))
}

async fn latest<C: Migrate>(connection: &mut C) -> Result<i64, MigrateError> {
    connection.ensure_migrations_table(&SCHEMA.table_name).await?;
    let applied = connection.list_applied_migrations(&SCHEMA.table_name).await?;
    Ok(applied.iter().map(|migration| migration.version).max().unwrap_or(0))
}

fn translated(migration: &Migration, translate: fn(&str) -> String) -> Migration {
    let sql: SqlStr = AssertSqlSafe(translate(migration.sql.as_str())).into_sql_str();
    // The checksum stays that of the file.
    Migration { sql, ..migration.clone() }
}

fn of(error: MigrateError, at: &str) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => StoreError::of(error, at),
        other => StoreError::Migrate(other),
    }
}

/// PostgreSQL's words for SQLite's types.
pub fn for_postgres(sql: &str) -> String {
    sql.replace(" INTEGER", " BIGINT").replace(" REAL", " DOUBLE PRECISION").replace(" WITHOUT ROWID", "")
}
