//! Content and its history, as they are kept.

use crate::{ReviewError, Reviews, Seconds};
use klieg_database::{Statement, sql};
use std::{fmt, str::FromStr};

/// Contents of the queue that are told at a time.
pub const QUEUE_MAX: i64 = 200;
/// Events of one content that are told.
pub const HISTORY_MAX: i64 = 500;

/// How content stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its moderation job has not ended.
    Judging,
    /// A person has to look.
    Waiting,
    Approved,
    Rejected,
    /// Its moderation job failed: nothing is known of it.
    Failed,
}

impl State {
    const ALL: [Self; 5] = [Self::Judging, Self::Waiting, Self::Approved, Self::Rejected, Self::Failed];

    pub fn word(self) -> &'static str {
        match self {
            Self::Judging => "judging",
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(())
    }
}

/// What is given to moderation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContent {
    /// Random.
    pub id: String,
    pub digest: String,
    pub name: String,
    pub media_type: String,
    pub project: String,
    pub owner: String,
    pub job: String,
}

/// Content as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub id: String,
    pub digest: String,
    pub name: String,
    pub media_type: String,
    pub project: String,
    pub owner: String,
    pub job: String,
    pub state: State,
    /// Higher is looked at first: 0–1000 by risk, 1000 more by escalation, 2000 more by appeal.
    pub priority: i64,
    /// 0–1000.
    pub risk: Option<i64>,
    pub report: Option<String>,
    pub created_at: Seconds,
    pub updated_at: Seconds,
    pub claimed_by: Option<String>,
    pub claimed_until: Seconds,
    pub decided_by: Option<String>,
    pub reason: String,
    pub escalated_by: Option<String>,
    pub appeal: Option<String>,
}

/// That something happened to content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Seconds,
    pub actor: String,
    pub action: String,
    pub reason: String,
}

/// A row as it stands in the table.
#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    digest: String,
    name: String,
    media_type: String,
    project: String,
    owner: String,
    job: String,
    state: String,
    priority: i64,
    risk: Option<i64>,
    report: Option<String>,
    created_at: i64,
    updated_at: i64,
    claimed_by: Option<String>,
    claimed_until: i64,
    decided_by: Option<String>,
    reason: String,
    escalated_by: Option<String>,
    appeal: Option<String>,
}

impl From<Row> for Content {
    fn from(row: Row) -> Self {
        Self {
            // a state of a later klieg is one that nobody here may act on
            state: row.state.parse().unwrap_or(State::Failed),
            id: row.id,
            digest: row.digest,
            name: row.name,
            media_type: row.media_type,
            project: row.project,
            owner: row.owner,
            job: row.job,
            priority: row.priority,
            risk: row.risk,
            report: row.report,
            created_at: row.created_at,
            updated_at: row.updated_at,
            claimed_by: row.claimed_by,
            claimed_until: row.claimed_until,
            decided_by: row.decided_by,
            reason: row.reason,
            escalated_by: row.escalated_by,
            appeal: row.appeal,
        }
    }
}

impl NewContent {
    fn insert(&self, now: Seconds) -> Statement {
        let insert = "INSERT INTO review_content (id, digest, name, media_type, project, owner, job, state, priority, created_at, updated_at,
            claimed_until, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, 'judging', 0, $8, $8, 0, '')";
        sql!(insert, &self.id, &self.digest, &self.name, &self.media_type, &self.project, &self.owner, &self.job, now)
    }
}

pub(crate) fn event(content: &str, now: Seconds, actor: &str, action: &str, reason: &str) -> Statement {
    let insert = "INSERT INTO review_event (content, at, actor, action, reason) VALUES ($1, $2, $3, $4, $5)";
    sql!(insert, content, now, actor, action, reason)
}

impl Reviews {
    /// Notes content whose moderation job is submitted.
    pub async fn add(&self, content: &NewContent, now: Seconds) -> Result<(), ReviewError> {
        let told = event(&content.id, now, &content.owner, "submitted", "");
        self.database.together(vec![content.insert(now), told]).await?;
        Ok(())
    }

    /// Content by its id.
    pub async fn content(&self, id: &str) -> Result<Content, ReviewError> {
        let row: Option<Row> = self.database.row(sql!("SELECT * FROM review_content WHERE id = $1", id)).await?;
        row.map(Content::from).ok_or_else(|| ReviewError::Missing(id.to_owned()))
    }

    /// What waits for a person: the most urgent first, at most `limit` of `QUEUE_MAX`.
    pub async fn queue(&self, limit: i64) -> Result<Vec<Content>, ReviewError> {
        self.of_state(State::Waiting, limit).await
    }

    /// What is being judged, the oldest first.
    pub async fn judging(&self, limit: i64) -> Result<Vec<Content>, ReviewError> {
        self.of_state(State::Judging, limit).await
    }

    async fn of_state(&self, state: State, limit: i64) -> Result<Vec<Content>, ReviewError> {
        let query = "SELECT * FROM review_content WHERE state = $1 ORDER BY priority DESC, number LIMIT $2";
        let rows: Vec<Row> = self.database.rows(sql!(query, state.word(), limit.clamp(1, QUEUE_MAX))).await?;
        Ok(rows.into_iter().map(Content::from).collect())
    }

    /// What somebody has brought, the newest first.
    pub async fn of_owner(&self, owner: &str, limit: i64) -> Result<Vec<Content>, ReviewError> {
        let query = "SELECT * FROM review_content WHERE owner = $1 ORDER BY number DESC LIMIT $2";
        let rows: Vec<Row> = self.database.rows(sql!(query, owner, limit.clamp(1, QUEUE_MAX))).await?;
        Ok(rows.into_iter().map(Content::from).collect())
    }

    /// What happened to content, in order.
    pub async fn history(&self, id: &str) -> Result<Vec<Event>, ReviewError> {
        let query = "SELECT at, actor, action, reason FROM review_event WHERE content = $1 ORDER BY number LIMIT $2";
        let rows: Vec<(i64, String, String, String)> = self.database.rows(sql!(query, id, HISTORY_MAX)).await?;
        Ok(rows.into_iter().map(|(at, actor, action, reason)| Event { at, actor, action, reason }).collect())
    }
}
