use crate::store::Epoch;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("write to the farm's store: the disk is full")]
    Full(#[source] Option<sqlx::Error>),
    #[error("write to the farm's store: another scheduler has taken over")]
    Fenced,
    /// The store could not be asked how the commit came out.
    #[error("write to the farm's store: whether it was written is not known ({0})")]
    Unknown(#[source] sqlx::Error),
    #[error("write to the farm's store: batch {number} does not follow batch {last} of epoch {}", .epoch.0)]
    OutOfOrder { epoch: Epoch, number: u64, last: u64 },
    #[error("read the farm's store: {what} is damaged")]
    Damaged { what: String },
    #[error(
        "open the farm's store: its schema is version {found}, and this klieg knows {known}: use the klieg that wrote it, or a newer one"
    )]
    Newer { found: i64, known: i64 },
    #[error("prepare the farm's store: {0}")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// Worth trying again later.
    #[error("reach the farm's store at {at}: {source}")]
    Unreachable { at: String, source: sqlx::Error },
    #[error("use the farm's store: {0}")]
    Other(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same may go well later without anybody doing anything.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Unknown(_) | Self::Unreachable { .. })
    }

    /// What an error of a database at `at` means.
    pub(super) fn of(error: sqlx::Error, at: &str) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if is_full(&code) {
                    Self::Full(Some(error))
                } else if is_away(&code) {
                    Self::Unreachable { at: at.into(), source: error }
                } else {
                    Self::Other(error)
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => {
                Self::Unreachable { at: at.into(), source: error }
            }
            _ => Self::Other(error),
        }
    }
}

/// SQLITE_FULL; IOERR_WRITE and kin are what a full quota or file-size limit gives. PostgreSQL: disk_full.
fn is_full(code: &str) -> bool {
    matches!(code, "13" | "778" | "1034" | "1290" | "53100")
}

/// PostgreSQL's classes for lost connections, shortage, and intervention by the operator (appendix A of its manual): among them
/// too_many_connections, admin_shutdown, cannot_connect_now, idle_in_transaction_session_timeout, lock_not_available.
/// SQLite: BUSY, and BUSY_SNAPSHOT.
fn is_away(code: &str) -> bool {
    let away = ["08", "53", "57"].iter().any(|class| code.len() == 5 && code.starts_with(class));
    away || matches!(code, "25P03" | "55P03" | "40001" | "40P01" | "5" | "517")
}
