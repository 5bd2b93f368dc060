//! Tokens for programs: shown once, with what they may do and until when.

use crate::{AccountError, AccountId, Accounts, Caller, Permission, Role, Seconds, audit::note, secret};
use klieg_database::sql;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "klieg";
/// Of one account, those that have ended or expired not counted.
const TOKENS_MAX: i64 = 1_000;
/// How long ended and expired ones are listed.
const ENDED_KEPT_S: Seconds = 90 * 86_400;
const NAME_CHARACTERS_MAX: usize = 100;

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NewToken {
    pub name: String,
    pub scopes: Vec<Permission>,
    pub expires_at: Option<Seconds>,
}

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

/// A token that has not ended.
#[derive(Clone)]
pub(crate) struct Alive {
    digest: String,
    expires_at: Option<Seconds>,
    caller: Caller,
}

type Row = (String, String, String, i64, Option<i64>, Option<i64>);

fn scopes(text: &str) -> Vec<Permission> {
    // One that a later klieg wrote and this one does not know grants nothing.
    text.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

impl NewToken {
    fn check(&self, now: Seconds) -> Result<(), AccountError> {
        let bad = |what| Err(AccountError::BadNewToken { name: self.name.chars().take(NAME_CHARACTERS_MAX).collect(), what });
        if !(1..=NAME_CHARACTERS_MAX).contains(&self.name.chars().count()) || self.name.chars().any(char::is_control) {
            return bad("a token's name has 1 to 100 characters, none of them a control character");
        }
        if self.scopes.is_empty() {
            return bad("it may do nothing; give it at least one permission");
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return bad("it would have expired already");
        }
        Ok(())
    }
}

impl Accounts {
    /// Makes a token for the caller's own account, which cannot do what the caller cannot; or for a node's account, which cannot log in to
    /// make its own, if the caller manages accounts.
    pub async fn issue(&self, caller: &Caller, owner: &AccountId, new: &NewToken, now: Seconds) -> Result<Issued, AccountError> {
        new.check(now)?;
        self.grants(caller, owner, &new.scopes).await?;
        let count = "SELECT COUNT(*) FROM account_token WHERE account = $1 AND ended_at IS NULL AND COALESCE(expires_at, $2) >= $2";
        let (count,): (i64,) = self.database.row(sql!(count, &owner.0, now)).await?.unwrap_or_default();
        if count >= TOKENS_MAX {
            return Err(AccountError::BadNewToken { name: new.name.clone(), what: "the account has a thousand already; end some" });
        }
        let (id, hidden) = (secret::id()?, secret::secret()?);
        let names: Vec<String> = Permission::ALL.iter().filter(|one| new.scopes.contains(one)).map(ToString::to_string).collect();
        let insert = "INSERT INTO account_token (id, account, name, digest, scopes, created_at, expires_at, ended_at)
            SELECT $1, id, $3, $4, $5, $6, $7, NULL FROM account WHERE id = $2 AND closed_at IS NULL";
        let old = "DELETE FROM account_token WHERE account = $1 AND COALESCE(ended_at, expires_at, $2) < $3";
        let steps = vec![
            sql!(old, &owner.0, now, now - ENDED_KEPT_S),
            sql!(insert, &id, &owner.0, &new.name, secret::digest(&hidden), names.join(" "), now, new.expires_at).must(),
            note(now, &caller.account.0, "token-issued", &id),
        ];
        if !self.database.together(steps).await? {
            return Err(AccountError::Missing("account, or it is closed"));
        }
        Ok(Issued { token: secret::token(PREFIX, &id, &hidden), id })
    }

    async fn grants(&self, caller: &Caller, owner: &AccountId, scopes: &[Permission]) -> Result<(), AccountError> {
        let refuse = |asked: String, why| Err(AccountError::TooMuch { asked, why });
        if caller.account == *owner {
            return match scopes.iter().find(|scope| !caller.may(**scope)) {
                Some(scope) => refuse(scope.to_string(), "whoever grants must have it themselves"),
                None => Ok(()),
            };
        }
        let owner = self.account(owner).await?;
        if owner.closed || owner.role != Role::Node || !caller.may(Permission::ManageAccounts) {
            return refuse("a token of another account".into(), "only nodes are given tokens by others, by who manages accounts");
        }
        match scopes.iter().find(|scope| !owner.role.may(**scope)) {
            Some(scope) => refuse(scope.to_string(), "a node works and does nothing else"),
            None => Ok(()),
        }
    }

    /// The account's tokens, the newest first.
    pub async fn tokens(&self, account: &AccountId) -> Result<Vec<TokenInfo>, AccountError> {
        let query = "SELECT id, name, scopes, created_at, expires_at, ended_at FROM account_token
            WHERE account = $1 ORDER BY created_at DESC, id";
        let rows: Vec<Row> = self.database.rows(sql!(query, &account.0)).await?;
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

    /// Ends a token of an account: here at once, on other servers within seconds. `by`: who does.
    pub async fn end_token(&self, account: &AccountId, id: &str, by: &str, now: Seconds) -> Result<(), AccountError> {
        let end = "UPDATE account_token SET ended_at = $1 WHERE id = $2 AND account = $3 AND ended_at IS NULL";
        let steps = vec![sql!(end, now, id, &account.0).must(), note(now, by, "token-ended", id)];
        let done = self.database.together(steps).await?;
        self.shared.tokens.forget();
        if done { Ok(()) } else { Err(AccountError::Missing("token, or it has been ended")) }
    }

    /// Who shows this token.
    pub(crate) async fn of_token(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        const WRONG: AccountError = AccountError::BadToken("it is not a token of this farm, or it has been ended or has expired");
        let (id, shown) = secret::parts(token, PREFIX).ok_or(WRONG)?;
        let alive = self.token(id, now).await?.ok_or(WRONG)?;
        if !secret::has_digest(shown, &alive.digest) || alive.expires_at.is_some_and(|at| at <= now) {
            return Err(WRONG);
        }
        Ok(alive.caller)
    }

    async fn token(&self, id: &str, now: Seconds) -> Result<Option<Alive>, AccountError> {
        let asked = match self.shared.tokens.get(id, now) {
            Ok(alive) => return Ok(Some(alive)),
            Err(asked) => asked,
        };
        let query = "SELECT t.digest, t.scopes, t.expires_at, a.id, a.role FROM account_token t JOIN account a ON a.id = t.account
            WHERE t.id = $1 AND t.ended_at IS NULL AND a.closed_at IS NULL";
        let row: Option<(String, String, Option<i64>, String, String)> = self.database.row(sql!(query, id)).await?;
        let alive = row.and_then(|(digest, of, expires_at, account, role)| {
            let caller = Caller { account: AccountId(account), role: role.parse().ok()?, scopes: Some(scopes(&of)), session: None };
            Some(Alive { digest, expires_at, caller })
        });
        if let Some(alive) = &alive {
            self.shared.tokens.remember(&asked, id, alive.clone(), now);
        }
        Ok(alive)
    }
}
