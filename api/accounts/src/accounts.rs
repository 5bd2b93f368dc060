use crate::{
    AccountError, Database, Permission, Role, Seconds, audit::note, believed::Believed, keys::KeyRing, login::Hashing, password,
    secret, sessions, tokens,
};
use klieg_database::{Schema, sql};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

static STEPS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
const SCHEMA: Schema = Schema { whose: "accounts", table: "_account_migrations", steps: &STEPS };

const INSERT: &str = "INSERT INTO account (id, name, role, password, created_at, closed_at)
    VALUES ($1, $2, $3, $4, $5, NULL) ON CONFLICT (name) DO NOTHING";
/// What the audit says of accounts that people made for themselves.
const JOINED: &str = "account-joined";

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
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub keys: KeyRing,
    pub sessions: Believed<sessions::Alive>,
    pub tokens: Believed<tokens::Alive>,
    pub hashing: Hashing,
}

type Row = (String, String, String, i64, Option<i64>);

fn read((id, name, role, created_at, closed_at): Row) -> Result<Account, AccountError> {
    let role = role.parse().map_err(|_| AccountError::Missing("role of the account in this version of klieg"))?;
    Ok(Account { id: AccountId(id), name, role, created_at, closed: closed_at.is_some() })
}

/// A name as it is kept and compared.
pub(crate) fn cleaned(name: &str) -> Result<String, AccountError> {
    let clean = name.trim().to_lowercase();
    let fits = (3..=254).contains(&clean.chars().count()) && !clean.chars().any(|c| c.is_whitespace() || c.is_control());
    if fits { Ok(clean) } else { Err(AccountError::BadName(name.chars().take(254).collect())) }
}

impl Accounts {
    /// Brings the accounts' tables up to date. `issuer`: what access tokens are issued by: the farm's own name, the same on all its
    /// servers.
    pub async fn open(database: Database, issuer: &str) -> Result<Self, AccountError> {
        database.prepare(&SCHEMA).await?;
        let shared =
            Shared { keys: KeyRing::default(), sessions: Believed::new(), tokens: Believed::new(), hashing: Hashing::default() };
        Ok(Self { database, issuer: issuer.into(), shared: Arc::new(shared) })
    }

    /// Makes an account. `by`: who does.
    pub async fn create(&self, name: &str, password: &str, role: Role, by: &str, now: Seconds) -> Result<Account, AccountError> {
        let (name, id) = (cleaned(name)?, secret::id()?);
        password::check(password)?;
        let hash = self.hash(password).await?;
        let insert = sql!(INSERT, &id, &name, role.to_string(), hash, now).must();
        if !self.database.together(vec![insert, note(now, by, &format!("account-made-{role}"), &id)]).await? {
            return Err(AccountError::Taken(name));
        }
        Ok(Account { id: AccountId(id), name, role, created_at: now, closed: false })
    }

    /// Makes a viewer's account for somebody who asks for it themselves, while there are fewer than `most` such.
    pub async fn join(&self, name: &str, password: &str, most: i64, now: Seconds) -> Result<Account, AccountError> {
        let query = "SELECT COUNT(*) FROM account_audit WHERE action = $1";
        let (count,): (i64,) = self.database.row(sql!(query, JOINED)).await?.unwrap_or_default();
        if count >= most {
            return Err(AccountError::Crowded(most));
        }
        let (name, id) = (cleaned(name)?, secret::id()?);
        password::check(password)?;
        let hash = self.hash(password).await?;
        let insert = sql!(INSERT, &id, &name, Role::Viewer.to_string(), hash, now).must();
        if !self.database.together(vec![insert, note(now, &id, JOINED, &id)]).await? {
            return Err(AccountError::Taken(name));
        }
        Ok(Account { id: AccountId(id), name, role: Role::Viewer, created_at: now, closed: false })
    }

    /// Whether there is any account that is not closed.
    pub async fn any(&self) -> Result<bool, AccountError> {
        Ok(self.database.row::<(String,)>(sql!("SELECT id FROM account WHERE closed_at IS NULL LIMIT 1")).await?.is_some())
    }

    /// All accounts, by name.
    pub async fn all(&self) -> Result<Vec<Account>, AccountError> {
        let query = sql!("SELECT id, name, role, created_at, closed_at FROM account ORDER BY name");
        self.database.rows::<Row>(query).await?.into_iter().map(read).collect()
    }

    pub async fn account(&self, id: &AccountId) -> Result<Account, AccountError> {
        let query = sql!("SELECT id, name, role, created_at, closed_at FROM account WHERE id = $1", &id.0);
        self.database.row::<Row>(query).await?.map_or(Err(AccountError::Missing("account")), read)
    }

    /// Gives an account another role: here at once, on other servers within seconds.
    pub async fn set_role(&self, id: &AccountId, role: Role, by: &str, now: Seconds) -> Result<(), AccountError> {
        let update = sql!("UPDATE account SET role = $1 WHERE id = $2 AND closed_at IS NULL", role.to_string(), &id.0).must();
        let done = self.database.together(vec![update, note(now, by, &format!("role-{role}"), &id.0)]).await?;
        self.forget();
        if done { Ok(()) } else { Err(AccountError::Missing("account, or it is closed")) }
    }

    /// Closes an account: its sessions and tokens are worth nothing from then on, on other servers within seconds.
    pub async fn close(&self, id: &AccountId, by: &str, now: Seconds) -> Result<(), AccountError> {
        let done = self
            .database
            .together(vec![
                sql!("UPDATE account SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL", now, &id.0).must(),
                sql!("UPDATE account_session SET ended_at = $1 WHERE account = $2 AND ended_at IS NULL", now, &id.0),
                sql!("UPDATE account_token SET ended_at = $1 WHERE account = $2 AND ended_at IS NULL", now, &id.0),
                note(now, by, "account-closed", &id.0),
            ])
            .await?;
        self.forget();
        if done { Ok(()) } else { Err(AccountError::Missing("account, or it is closed already")) }
    }

    /// Who shows this: a token of a program or an access token.
    pub async fn caller(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        if token.starts_with("klieg_") { self.of_token(token, now).await } else { self.of_access(token, now).await }
    }

    /// What is believed of sessions and tokens, after something about them has changed.
    pub(crate) fn forget(&self) {
        self.shared.sessions.forget();
        self.shared.tokens.forget();
    }
}
