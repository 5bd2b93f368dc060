//! What is known of somebody, for them; and forgetting it.

use crate::{Account, AccountError, AccountId, Accounts, AuditEntry, Seconds, TokenInfo, audit, secret};
use klieg_database::sql;
use serde::Serialize;

/// Audit entries in an export.
const EXPORT_ENTRIES_MAX: i64 = 100_000;

/// Everything that the accounts' tables have about somebody, but for digests of secrets and the hash of the password.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Export {
    pub account: Account,
    pub sessions: Vec<SessionInfo>,
    pub tokens: Vec<TokenInfo>,
    /// What they did and what was done to them, the newest first.
    pub audit: Vec<AuditEntry>,
    /// `false`: there are older entries than these.
    pub audit_whole: bool,
}

/// From a login to its logout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionInfo {
    pub id: String,
    pub created_at: Seconds,
    pub expires_at: Seconds,
    pub ended_at: Option<Seconds>,
}

impl Accounts {
    /// Everything about an account.
    pub async fn export(&self, id: &AccountId) -> Result<Export, AccountError> {
        let account = self.account(id).await?;
        let query = "SELECT id, created_at, expires_at, ended_at FROM account_session WHERE account = $1 ORDER BY created_at, id";
        let sessions: Vec<(String, i64, i64, Option<i64>)> = self.database.rows(sql!(query, &id.0)).await?;
        let query = "SELECT id, at, actor, action, subject FROM account_audit
            WHERE actor = $1 OR subject = $1 OR actor = $2 OR subject = $2 OR subject = $3 ORDER BY id DESC LIMIT $4";
        let guesses = secret::digest(&account.name);
        let query = sql!(query, &id.0, &account.name, guesses, EXPORT_ENTRIES_MAX + 1);
        let mut audit: Vec<AuditEntry> = self.database.rows(query).await?.into_iter().map(audit::entry).collect();
        let audit_whole = audit.len() as i64 <= EXPORT_ENTRIES_MAX;
        audit.truncate(usize::try_from(EXPORT_ENTRIES_MAX).unwrap_or(usize::MAX));
        let session = |(id, created_at, expires_at, ended_at)| SessionInfo { id, created_at, expires_at, ended_at };
        let sessions = sessions.into_iter().map(session).collect();
        Ok(Export { sessions, tokens: self.tokens(id).await?, audit, audit_whole, account })
    }

    /// Forgets who an account was: its name, password, sessions, tokens and identities are gone, and it is closed. What the audit says stays, under
    /// the account's id, which says nothing about anybody.
    pub async fn erase(&self, id: &AccountId, by: &str, now: Seconds) -> Result<(), AccountError> {
        let name = self.account(id).await?.name;
        let nobody = format!("erased {}", id.0);
        let by = if by == name { &nobody } else { by };
        let update = "UPDATE account SET name = $1, password = '', closed_at = COALESCE(closed_at, $2) WHERE id = $3 AND name = $4 AND name <> $1";
        let done = self
            .database
            .together(vec![
                sql!(update, &nobody, now, &id.0, &name).must(),
                sql!("DELETE FROM account_session WHERE account = $1", &id.0),
                sql!("DELETE FROM account_token WHERE account = $1", &id.0),
                sql!("DELETE FROM account_identity WHERE account = $1", &id.0),
                sql!("DELETE FROM account_ticket WHERE account = $1", &id.0),
                sql!("DELETE FROM account_miss WHERE name = $1", secret::digest(&name)),
                sql!("UPDATE account_audit SET actor = $1 WHERE actor = $2", &nobody, &name),
                sql!(
                    "UPDATE account_audit SET subject = $1 WHERE subject = $2 OR subject = $3",
                    &nobody,
                    &name,
                    secret::digest(&name)
                ),
                audit::note(now, by, "account-erased", &id.0),
            ])
            .await?;
        self.forget();
        if done { Ok(()) } else { Err(AccountError::Missing("account, or it is erased already")) }
    }
}
