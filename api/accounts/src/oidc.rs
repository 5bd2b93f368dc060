//! Logging in by another provider (OpenID Connect): who went there, who came back, and whose account that is.

use crate::{Account, AccountError, AccountId, Accounts, Pair, Role, Seconds, accounts::cleaned, audit::note, secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use klieg_database::sql;
use ring::digest::{SHA256, digest};
use serde::Serialize;

/// How long somebody may be away, and how many at a time.
const JOURNEY_S: Seconds = 600;
const JOURNEYS_MAX: i64 = 10_000;
/// How long whoever came back may take to show their ticket.
const TICKET_S: Seconds = 60;
/// Of a digest in hex.
const DIGEST_CHARACTERS: usize = 64;

/// What somebody takes along to a provider.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The provider hands it back.
    pub state: String,
    /// The provider puts it into its token.
    pub nonce: String,
    /// The provider compares it with the verifier that comes with the code (RFC 7636, S256).
    pub challenge: String,
}

/// What was kept of a journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub nonce: String,
    pub verifier: String,
    page: String,
}

/// Whom a provider has named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub issuer: String,
    pub subject: String,
    /// What they might be called, the best first.
    pub names: Vec<String>,
    pub role: Role,
    /// Whether the provider says what they are at every login, and not only at the first.
    pub follows: bool,
}

/// By which provider somebody is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityInfo {
    pub issuer: String,
    pub subject: String,
    pub linked_at: Seconds,
}

impl Accounts {
    /// Begins a journey. `page`: BLAKE3, in hex, of what only the page that begins it knows.
    pub async fn set_out(&self, page: &str, now: Seconds) -> Result<Journey, AccountError> {
        if page.len() != DIGEST_CHARACTERS || !page.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(AccountError::BadToken("the page that begins has to say 64 hex digits"));
        }
        let (state, nonce, verifier) = (secret::secret()?, secret::secret()?, secret::secret()?);
        let insert = "INSERT INTO account_journey (state, nonce, verifier, page, begun_at) SELECT $1, $2, $3, $4, $5
            WHERE (SELECT COUNT(*) FROM account_journey) < $6";
        let steps = vec![
            sql!("DELETE FROM account_journey WHERE begun_at < $1", now - JOURNEY_S),
            sql!("DELETE FROM account_ticket WHERE made_at < $1", now - TICKET_S),
            sql!(insert, secret::digest(&state), &nonce, &verifier, page.to_lowercase(), now, JOURNEYS_MAX).must(),
        ];
        if !self.database.together(steps).await? {
            return Err(AccountError::Busy);
        }
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        Ok(Journey { state, nonce, challenge })
    }

    /// Ends a journey: each only once.
    pub async fn come_back(&self, state: &str, now: Seconds) -> Result<Kept, AccountError> {
        let unknown = AccountError::BadToken("nobody set out with that state, or it was too long ago; begin again");
        let key = secret::digest(state);
        let query = "SELECT nonce, verifier, page FROM account_journey WHERE state = $1 AND begun_at >= $2";
        let row: Option<(String, String, String)> = self.database.row(sql!(query, &key, now - JOURNEY_S)).await?;
        let gone = self.database.run(sql!("DELETE FROM account_journey WHERE state = $1", &key)).await?;
        match row {
            Some((nonce, verifier, page)) if gone > 0 => Ok(Kept { nonce, verifier, page }),
            _ => Err(unknown),
        }
    }

    /// The account of whom a provider has named; made when they come for the first time. An account that is here under such a name
    /// already is never theirs.
    pub async fn arrive(&self, arrival: &Arrival, now: Seconds) -> Result<Account, AccountError> {
        if let Some(account) = self.known(arrival).await? {
            if account.closed {
                return Err(AccountError::NotThem);
            }
            if !arrival.follows || account.role == arrival.role {
                return Ok(account);
            }
            self.set_role(&account.id, arrival.role, &arrival.issuer, now).await?;
            return Ok(Account { role: arrival.role, ..account });
        }
        let id = secret::id()?;
        let last = format!("{id}@oidc");
        for name in arrival.names.iter().chain([&last]).filter_map(|name| cleaned(name).ok()) {
            let insert = "INSERT INTO account (id, name, role, password, created_at, closed_at)
                VALUES ($1, $2, $3, '', $4, NULL) ON CONFLICT (name) DO NOTHING";
            let link = "INSERT INTO account_identity (issuer, subject, account, linked_at) VALUES ($1, $2, $3, $4)
                ON CONFLICT (issuer, subject) DO NOTHING";
            let steps = vec![
                sql!(insert, &id, &name, arrival.role.to_string(), now).must(),
                sql!(link, &arrival.issuer, &arrival.subject, &id, now).must(),
                note(now, &arrival.issuer, &format!("account-made-{}", arrival.role), &id),
            ];
            if self.database.together(steps).await? {
                return Ok(Account { id: AccountId(id), name, role: arrival.role, created_at: now, closed: false });
            }
            // Another server was faster, or the name is somebody else's.
            if let Some(account) = self.known(arrival).await? {
                return Ok(account);
            }
        }
        Err(AccountError::Busy)
    }

    async fn known(&self, arrival: &Arrival) -> Result<Option<Account>, AccountError> {
        let query = "SELECT account FROM account_identity WHERE issuer = $1 AND subject = $2";
        match self.database.row::<(String,)>(sql!(query, &arrival.issuer, &arrival.subject)).await? {
            Some((id,)) => self.account(&AccountId(id)).await.map(Some),
            None => Ok(None),
        }
    }

    /// What whoever came back is given to show to us, once.
    pub async fn ticket(&self, account: &Account, kept: &Kept, now: Seconds) -> Result<String, AccountError> {
        let ticket = secret::secret()?;
        let insert = "INSERT INTO account_ticket (digest, account, page, made_at) VALUES ($1, $2, $3, $4)";
        self.database.run(sql!(insert, secret::digest(&ticket), &account.id.0, &kept.page, now)).await?;
        Ok(ticket)
    }

    /// Begins a session for a ticket, shown by the page that began the journey: it knows what `page` was the digest of.
    pub async fn redeem(&self, ticket: &str, page: &str, now: Seconds) -> Result<Pair, AccountError> {
        let wrong = || AccountError::BadToken("it is no ticket of this page, or it was shown before, or too late; begin again");
        let key = secret::digest(ticket);
        let query = "SELECT t.account, t.page, t.made_at, a.password FROM account_ticket t JOIN account a ON a.id = t.account
            WHERE t.digest = $1 AND a.closed_at IS NULL";
        let row: Option<(String, String, i64, String)> = self.database.row(sql!(query, &key)).await?;
        let gone = self.database.run(sql!("DELETE FROM account_ticket WHERE digest = $1", &key)).await?;
        let (account, kept, made_at, password) = row.filter(|_| gone > 0).ok_or_else(wrong)?;
        if made_at < now - TICKET_S || !secret::has_digest(page, &kept) {
            return Err(wrong());
        }
        self.begin_session(&self.account(&AccountId(account)).await?, &password, now).await
    }

    /// By which providers somebody is known.
    pub async fn identities(&self, account: &AccountId) -> Result<Vec<IdentityInfo>, AccountError> {
        let query = "SELECT issuer, subject, linked_at FROM account_identity WHERE account = $1 ORDER BY issuer, subject";
        let rows: Vec<(String, String, i64)> = self.database.rows(sql!(query, &account.0)).await?;
        let identity = |(issuer, subject, linked_at)| IdentityInfo { issuer, subject, linked_at };
        Ok(rows.into_iter().map(identity).collect())
    }
}
