use crate::{
    AccountError, Database, Pair, Permission, Role, Seconds, database::Arg, keys::Keys, password, secret, sessions::REMEMBERED_MAX,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Passwords that are hashed at a time: each takes 19 MiB and tens of milliseconds.
const HASHES_MAX: usize = 2;
/// So many wrong passwords in a row cost nothing; then a second, two, four, up to the cap.
const MISSES_FREE: i64 = 5;
const MISS_WAIT_MAX_S: Seconds = 300;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub String);

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub role: Role,
    pub created_at: Seconds,
    pub closed: bool,
}

/// Who asks for something.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    pub account: AccountId,
    pub role: Role,
    /// What a token is limited to.
    pub scopes: Option<Vec<Permission>>,
    /// What an access token belongs to.
    pub session: Option<String>,
}

impl Caller {
    /// Both the role and the token must allow it.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission) && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&permission))
    }
}

/// Handle on a farm's accounts. Servers that share a database share them.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) database: Database,
    /// Named in access tokens; those of another farm are refused.
    pub(crate) issuer: String,
    shared: Arc<Shared>,
}

struct Shared {
    keys: Mutex<Option<Keys>>,
    /// Sessions that had not ended at a time.
    lives: Mutex<BTreeMap<String, Seconds>>,
    hashes: Semaphore,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic is done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Row = (String, String, String, i64, Option<i64>);

fn read((id, name, role, created_at, closed_at): Row) -> Result<Account, AccountError> {
    let role = role.parse().map_err(|_| AccountError::Missing("role of the account in this version of klieg"))?;
    Ok(Account { id: AccountId(id), name, role, created_at, closed: closed_at.is_some() })
}

fn cleaned(name: &str) -> Result<String, AccountError> {
    let clean = name.trim().to_lowercase();
    let fits = (3..=254).contains(&clean.chars().count()) && !clean.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits { Ok(clean) } else { Err(AccountError::BadName(name.into())) }
}

impl Accounts {
    /// `issuer`: what access tokens are issued by: the farm's own name, the same on all its servers.
    pub fn new(database: Database, issuer: &str) -> Self {
        let shared = Shared { keys: Mutex::default(), lives: Mutex::default(), hashes: Semaphore::new(HASHES_MAX) };
        Self { database, issuer: issuer.into(), shared: Arc::new(shared) }
    }

    /// Makes an account. `by`: who does.
    pub async fn create(&self, name: &str, password: &str, role: Role, by: &str, now: Seconds) -> Result<Account, AccountError> {
        let (name, id) = (cleaned(name)?, secret::id()?);
        let hash = self.hash(password).await?;
        let sql = "INSERT INTO account (id, name, role, password, created_at, closed_at, misses, missed_at)
            VALUES ($1, $2, $3, $4, $5, NULL, 0, 0) ON CONFLICT (name) DO NOTHING";
        let role_name = role.to_string();
        let args = [Arg::Text(&id), Arg::Text(&name), Arg::Text(&role_name), Arg::Text(&hash), Arg::Int(now)];
        if self.database.run(sql, &args).await? == 0 {
            return Err(AccountError::Taken(name));
        }
        self.note(now, by, "account-made", &id).await?;
        Ok(Account { id: AccountId(id), name, role, created_at: now, closed: false })
    }

    /// All accounts, by name.
    pub async fn all(&self) -> Result<Vec<Account>, AccountError> {
        let sql = "SELECT id, name, role, created_at, closed_at FROM account ORDER BY name";
        self.database.rows::<Row>(sql, &[]).await?.into_iter().map(read).collect()
    }

    pub async fn account(&self, id: &AccountId) -> Result<Account, AccountError> {
        let sql = "SELECT id, name, role, created_at, closed_at FROM account WHERE id = $1";
        self.database.row::<Row>(sql, &[Arg::Text(&id.0)]).await?.map_or(Err(AccountError::Missing("account")), read)
    }

    /// Begins a session for whoever knows the password.
    pub async fn login(&self, name: &str, password: &str, now: Seconds) -> Result<Pair, AccountError> {
        let Ok(name) = cleaned(name) else { return Err(AccountError::NotThem) };
        let sql = "SELECT id, password, misses, missed_at, closed_at FROM account WHERE name = $1";
        let row: Option<(String, String, i64, i64, Option<i64>)> = self.database.row(sql, &[Arg::Text(&name)]).await?;
        if let Some((_, _, misses, missed_at, _)) = &row {
            let wait = missed_at + pause(*misses) - now;
            if wait > 0 {
                return Err(AccountError::Slower { name, wait });
            }
        }
        let open = row.filter(|(_, hash, _, _, closed)| closed.is_none() && !hash.is_empty());
        let right = self.is(password, open.as_ref().map(|(_, hash, ..)| hash.clone())).await?;
        let Some((id, ..)) = open else { return Err(AccountError::NotThem) };
        if !right {
            let sql = "UPDATE account SET misses = misses + 1, missed_at = $1 WHERE id = $2";
            self.database.run(sql, &[Arg::Int(now), Arg::Text(&id)]).await?;
            self.note(now, &id, "wrong-password", &id).await?;
            return Err(AccountError::NotThem);
        }
        self.database.run("UPDATE account SET misses = 0 WHERE id = $1", &[Arg::Text(&id)]).await?;
        let account = self.account(&AccountId(id)).await?;
        self.note(now, &account.id.0, "login", &account.id.0).await?;
        self.begin_session(&account, now).await
    }

    /// Closes an account: its sessions and tokens are worth nothing from then on, on other servers within seconds.
    pub async fn close(&self, id: &AccountId, by: &str, now: Seconds) -> Result<(), AccountError> {
        let sql = "UPDATE account SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL";
        if self.database.run(sql, &[Arg::Int(now), Arg::Text(&id.0)]).await? == 0 {
            return Err(AccountError::Missing("account, or it is closed already"));
        }
        locked(&self.shared.lives).clear();
        self.note(now, by, "account-closed", &id.0).await
    }

    /// Who shows this: a token of a program or an access token.
    pub async fn caller(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        if token.starts_with("klieg_") { self.of_token(token, now).await } else { self.of_access(token, now).await }
    }

    /// The keys with which anybody can check access tokens.
    pub async fn key_set(&self, now: Seconds) -> Result<serde_json::Value, AccountError> {
        Ok(self.keys(now).await?.set())
    }

    /// Writes down who did what to whom.
    pub async fn note(&self, now: Seconds, actor: &str, action: &str, subject: &str) -> Result<(), AccountError> {
        let sql = "INSERT INTO account_audit (id, at, actor, action, subject) VALUES ($1, $2, $3, $4, $5)";
        let id = secret::id()?;
        let args = [Arg::Text(&id), Arg::Int(now), Arg::Text(actor), Arg::Text(action), Arg::Text(subject)];
        self.database.run(sql, &args).await.map(|_| ())
    }

    /// (when, who, what, to whom), the newest first.
    pub async fn audit(&self, before: Seconds, most: i64) -> Result<Vec<(Seconds, String, String, String)>, AccountError> {
        let sql = "SELECT at, actor, action, subject FROM account_audit WHERE at < $1 ORDER BY at DESC, id LIMIT $2";
        self.database.rows(sql, &[Arg::Int(before), Arg::Int(most)]).await
    }

    pub(crate) async fn keys(&self, now: Seconds) -> Result<Keys, AccountError> {
        let known = locked(&self.shared.keys).clone();
        match known {
            Some(keys) if now < keys.until => Ok(keys),
            _ => self.reread_keys(now).await,
        }
    }

    pub(crate) async fn reread_keys(&self, now: Seconds) -> Result<Keys, AccountError> {
        let keys = Keys::read(&self.database, now).await?;
        *locked(&self.shared.keys) = Some(keys.clone());
        Ok(keys)
    }

    pub(crate) fn remembers(&self, session: &str, since: Seconds) -> bool {
        locked(&self.shared.lives).get(session).is_some_and(|at| *at >= since)
    }

    pub(crate) fn remember(&self, session: &str, now: Seconds) {
        let mut lives = locked(&self.shared.lives);
        if lives.len() >= REMEMBERED_MAX {
            lives.clear();
        }
        lives.insert(session.into(), now);
    }

    pub(crate) fn forget(&self, session: &str) {
        locked(&self.shared.lives).remove(session);
    }

    async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let password = password.to_owned();
        self.aside(move || password::hash(&password)).await
    }

    async fn is(&self, password: &str, kept: Option<String>) -> Result<bool, AccountError> {
        let password = password.to_owned();
        self.aside(move || password::is(&password, kept.as_deref())).await
    }

    /// Away from the threads that answer requests, and not too many at a time.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccountError> + Send + 'static,
    ) -> Result<T, AccountError> {
        let failed = |error: &dyn std::fmt::Display| AccountError::Hash(error.to_string());
        let _turn = self.shared.hashes.acquire().await.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| failed(&error))?
    }
}

/// How long after the last of so many wrong passwords the next try is looked at.
fn pause(misses: i64) -> Seconds {
    let beyond = u32::try_from(misses - MISSES_FREE).ok();
    beyond.map_or(0, |beyond| 1_i64.checked_shl(beyond).filter(|s| *s > 0).map_or(MISS_WAIT_MAX_S, |s| s.min(MISS_WAIT_MAX_S)))
}
