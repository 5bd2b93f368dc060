//! Tokens for programs: shown once, with what they may do and until when.

use crate::{AccountError, Accounts, Caller, Permission, Role, Seconds, accounts::AccountId, database::Arg, secret};
use serde::Serialize;

const PREFIX: &str = "klieg";
/// Of one account.
const TOKENS_MAX: i64 = 1_000;

/// A token that has just been made. It is not shown again.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    pub id: String,
    pub token: String,
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TokenInfo {
    pub id: String,
    pub name: String,
    pub scopes: Vec<Permission>,
    pub created_at: Seconds,
    pub expires_at: Option<Seconds>,
    pub ended: bool,
}

type Row = (String, String, String, i64, Option<i64>, Option<i64>);

fn scopes(text: &str) -> Vec<Permission> {
    // One that a later klieg wrote and this one does not know grants nothing.
    text.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

impl Accounts {
    /// Makes a token for the caller's own account. It cannot do what the caller cannot.
    pub async fn issue(
        &self,
        caller: &Caller,
        name: &str,
        scopes: &[Permission],
        expires_at: Option<Seconds>,
        now: Seconds,
    ) -> Result<Issued, AccountError> {
        if let Some(scope) = scopes.iter().find(|scope| !caller.may(**scope)) {
            return Err(AccountError::TooMuch { asked: scope.to_string(), has: caller.role.to_string() });
        }
        let count = "SELECT COUNT(*) FROM account_token WHERE account = $1 AND ended_at IS NULL";
        let (count,): (i64,) = self.database.row(count, &[Arg::Text(&caller.account.0)]).await?.unwrap_or_default();
        if count >= TOKENS_MAX {
            return Err(AccountError::BadToken("the account has a thousand already; end some"));
        }
        let (id, hidden) = (secret::id()?, secret::secret()?);
        let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let (digest, names) = (secret::digest(&hidden), names.join(" "));
        let sql = "INSERT INTO account_token (id, account, name, digest, scopes, created_at, expires_at, ended_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)";
        let (owner, expires) = (Arg::Text(&caller.account.0), Arg::MaybeInt(expires_at));
        let args = [Arg::Text(&id), owner, Arg::Text(name), Arg::Text(&digest), Arg::Text(&names), Arg::Int(now), expires];
        self.database.run(sql, &args).await?;
        self.note(now, &caller.account.0, "token-issued", &id).await?;
        Ok(Issued { token: secret::token(PREFIX, &id, &hidden), id })
    }

    /// The account's tokens, the newest first.
    pub async fn tokens(&self, account: &AccountId) -> Result<Vec<TokenInfo>, AccountError> {
        let sql = "SELECT id, name, scopes, created_at, expires_at, ended_at FROM account_token
            WHERE account = $1 ORDER BY created_at DESC, id";
        let rows: Vec<Row> = self.database.rows(sql, &[Arg::Text(&account.0)]).await?;
        let info = |(id, name, of, created_at, expires_at, ended_at): Row| TokenInfo {
            id,
            name,
            scopes: scopes(&of),
            created_at,
            expires_at,
            ended: ended_at.is_some(),
        };
        Ok(rows.into_iter().map(info).collect())
    }

    /// Ends a token of an account. From the next request on it is refused.
    pub async fn end_token(&self, account: &AccountId, id: &str, now: Seconds) -> Result<(), AccountError> {
        let sql = "UPDATE account_token SET ended_at = $1 WHERE id = $2 AND account = $3 AND ended_at IS NULL";
        if self.database.run(sql, &[Arg::Int(now), Arg::Text(id), Arg::Text(&account.0)]).await? == 0 {
            return Err(AccountError::Missing("token"));
        }
        self.note(now, &account.0, "token-ended", id).await
    }

    /// Who shows this token.
    pub async fn of_token(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        const WRONG: AccountError = AccountError::BadToken("it is not a token of this farm, or it has been ended or has expired");
        let (id, shown) = secret::parts(token, PREFIX).ok_or(WRONG)?;
        let sql = "SELECT t.digest, t.scopes, t.expires_at, a.id, a.role FROM account_token t JOIN account a ON a.id = t.account
            WHERE t.id = $1 AND t.ended_at IS NULL AND a.closed_at IS NULL";
        let row: Option<(String, String, Option<i64>, String, String)> = self.database.row(sql, &[Arg::Text(id)]).await?;
        let (digest, of, expires_at, account, role) = row.ok_or(WRONG)?;
        if !secret::has_digest(shown, &digest) || expires_at.is_some_and(|at| at <= now) {
            return Err(WRONG);
        }
        let role: Role = role.parse().map_err(|_| WRONG)?;
        Ok(Caller { account: AccountId(account), role, scopes: Some(scopes(&of)), session: None })
    }
}
