//! What people decide of content that moderation held back: a queue by priority, claims that end by themselves, decisions with a reason,
//! escalation, and an appeal by the owner that somebody else than the first reviewer decides.
//!
//! Nobody reviews what is their own, what they have passed on, or an appeal against themselves. No clock is read here: `now` is handed in, in
//! seconds since 1970; nor are ids drawn here. Every change of state is one transaction with the event that tells of it.

mod content;
mod work;

pub use content::{Content, Event, HISTORY_MAX, NewContent, QUEUE_MAX, State};
pub use klieg_database::{Database, DatabaseError};
pub use work::{CLAIM_S, Decision, Outcome, REASON_CHARS_MAX};

use klieg_database::Schema;

/// Seconds since 1970.
pub type Seconds = i64;

static STEPS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
const SCHEMA: Schema = Schema { whose: "reviews", table: "_review_migrations", steps: &STEPS };

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Whether it was done may not be known.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("find the content {0}")]
    Missing(String),
    #[error("{doing} content that is {state}: {remedy}")]
    State { doing: &'static str, state: State, remedy: &'static str },
    #[error("{doing} it: {who} has claimed it until {until} (seconds since 1970); take another, or wait")]
    Claimed { doing: &'static str, who: String, until: Seconds },
    #[error("{0} it: claim it first")]
    NotClaimed(&'static str),
    #[error("review it: {0}; somebody else has to")]
    NotYou(&'static str),
    #[error("appeal: only who brought the content may")]
    NotOwner,
    #[error("appeal: it was appealed before, and that was decided")]
    Appealed,
    #[error("take the reason: it has 1 to {REASON_CHARS_MAX} characters, none of them a control character but line ends")]
    Reason,
}

/// Handle on a farm's reviews. Servers that share a database share them.
#[derive(Clone, Debug)]
pub struct Reviews {
    pub(crate) database: Database,
}

impl Reviews {
    /// Brings the tables up to date.
    pub async fn open(database: Database) -> Result<Self, DatabaseError> {
        database.prepare(&SCHEMA).await?;
        Ok(Self { database })
    }
}
