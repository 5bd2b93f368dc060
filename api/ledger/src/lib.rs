//! What a farm's front door remembers of requests, across crashes and on all of its servers: what was answered to whom under which
//! idempotency key, what projects may have, and what of it they have had.
//!
//! No clock is read here: `now` is handed in, in seconds since 1970.

mod quota;
mod request;

pub use klieg_database::{Database, DatabaseError};
pub use quota::{Quota, Room, UploadInfo, month};
pub use request::{Answer, Begun, CLAIM_S, Claim, KEPT_S, KEYS_MAX, RequestInfo, digest_of};

use klieg_database::Schema;

/// Seconds since 1970.
pub type Seconds = i64;

static STEPS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
const SCHEMA: Schema = Schema { whose: "requests and quotas", table: "_ledger_migrations", steps: &STEPS };

/// Why something is not remembered, or not known.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Whether it was done may not be known.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("draw random numbers: {0}")]
    Random(getrandom::Error),
}

/// Handle on a farm's ledger. Servers that share a database share it.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) database: Database,
}

impl Ledger {
    /// Brings its tables up to date.
    pub async fn open(database: Database) -> Result<Self, LedgerError> {
        database.prepare(&SCHEMA).await?;
        Ok(Self { database })
    }
}
