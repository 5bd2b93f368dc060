//! Who did what, newest first.

use crate::{AccountError, Accounts, Seconds};
use klieg_database::{Statement, sql};
use serde::Serialize;

/// Entries of a page at most.
pub const AUDIT_PAGE_MAX: i64 = 500;

/// Of who, what and to whom; what is longer is cut.
const NOTE_CHARACTERS_MAX: usize = 300;

/// That somebody did something. Accounts stand in it by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// Counts up.
    pub id: i64,
    pub at: Seconds,
    pub actor: String,
    pub action: String,
    pub subject: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Give it as `before` for the page after; `None` if there is none.
    pub next: Option<i64>,
}

pub(crate) type Row = (i64, i64, String, String, String);

pub(crate) fn entry((id, at, actor, action, subject): Row) -> AuditEntry {
    AuditEntry { id, at, actor, action, subject }
}

pub(crate) fn note(now: Seconds, actor: &str, action: &str, subject: &str) -> Statement {
    let cut = |text: &str| text.chars().take(NOTE_CHARACTERS_MAX).collect::<String>();
    let insert = "INSERT INTO account_audit (at, actor, action, subject) VALUES ($1, $2, $3, $4)";
    sql!(insert, now, cut(actor), cut(action), cut(subject))
}

impl Accounts {
    /// Writes down who did what to whom, for changes that others make.
    pub async fn note(&self, now: Seconds, actor: &str, action: &str, subject: &str) -> Result<(), AccountError> {
        self.database.run(note(now, actor, action, subject)).await?;
        Ok(())
    }

    /// The newest entries before the one with that id, or of all; 1 to `AUDIT_PAGE_MAX` of them.
    pub async fn audit(&self, limit: i64, before: Option<i64>) -> Result<AuditPage, AccountError> {
        let limit = limit.clamp(1, AUDIT_PAGE_MAX);
        let (query, before) = (
            "SELECT id, at, actor, action, subject FROM account_audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
            before.unwrap_or(i64::MAX),
        );
        let rows: Vec<Row> = self.database.rows(sql!(query, before, limit + 1)).await?;
        let more = rows.len() as i64 > limit;
        let entries: Vec<AuditEntry> = rows.into_iter().take(usize::try_from(limit).unwrap_or(0)).map(entry).collect();
        let next = entries.last().filter(|_| more).map(|last| last.id);
        Ok(AuditPage { entries, next })
    }

    /// Deletes entries from before a time, and notes how many if there were any.
    pub async fn trim_audit(&self, before: Seconds, by: &str, now: Seconds) -> Result<u64, AccountError> {
        let gone = self.database.run(sql!("DELETE FROM account_audit WHERE at < $1", before)).await?;
        if gone > 0 {
            self.note(now, by, "audit-trimmed", &format!("{gone} entries from before {before}")).await?;
        }
        Ok(gone)
    }
}
