//! From a login to its logout: access tokens that anybody can check, refresh tokens that work once.

use crate::{Account, AccountError, AccountId, Accounts, Caller, Role, Seconds, audit::note, keys::Keys, secret};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use klieg_database::sql;
use serde::{Deserialize, Serialize};

/// How long an access token works.
pub const ACCESS_S: Seconds = 15 * 60;
/// How long a session lasts that is not refreshed.
pub const REFRESH_S: Seconds = 7 * 86_400;
/// And however often it is refreshed; then the password is asked for.
pub const SESSION_S: Seconds = 90 * 86_400;
/// How far the clock of another server that signed may be ahead.
const LEEWAY_S: Seconds = 30;
const AUDIENCE: &str = "klieg";
const PREFIX: &str = "kliegr";
/// Of one account; one more login ends the oldest.
const SESSIONS_MAX: i64 = 100;
/// Used refresh tokens of one session that are known again; older ones are refused like any other wrong one.
const USED_MAX: i64 = 1_000;

/// What a login gives.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    pub access_token: String,
    pub refresh_token: String,
    /// Seconds until the access token is worth nothing.
    pub expires_in: Seconds,
    pub role: Role,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    /// The session.
    sid: String,
    /// For others who check the token. Here the account's role is looked up, which may have changed.
    role: Role,
    iat: Seconds,
    exp: Seconds,
}

/// Of a session that has not ended: whose it is.
pub(crate) type Alive = (AccountId, Role);

const WRONG: AccountError =
    AccountError::BadToken("it is not a refresh token of this farm, or its session has ended; log in again");

impl Accounts {
    /// `kept`: the hash that the password was found to have; if it is another by now, or the account is closed, nothing begins.
    pub(crate) async fn begin_session(&self, account: &Account, kept: &str, now: Seconds) -> Result<Pair, AccountError> {
        let (id, hidden) = (secret::id()?, secret::secret()?);
        let insert = "INSERT INTO account_session (id, account, number, digest, created_at, expires_at, ended_at)
            SELECT $1, id, 0, $3, $4, $5, NULL FROM account WHERE id = $2 AND password = $6 AND closed_at IS NULL";
        let over = "DELETE FROM account_session WHERE account = $1 AND (ended_at IS NOT NULL OR expires_at <= $2 OR id NOT IN
            (SELECT id FROM account_session WHERE account = $1 ORDER BY created_at DESC, id LIMIT $3))";
        let owner = &account.id.0;
        let steps = vec![
            sql!(over, owner, now, SESSIONS_MAX - 1),
            sql!(insert, &id, owner, secret::digest(&hidden), now, now + REFRESH_S, kept).must(),
            note(now, owner, "login", &id),
        ];
        if !self.database.together(steps).await? {
            return Err(AccountError::NotThem);
        }
        self.pair(account, &id, &hidden, now).await
    }

    async fn pair(&self, account: &Account, session: &str, hidden: &str, now: Seconds) -> Result<Pair, AccountError> {
        let keys = self.keys(now).await?;
        let (iss, aud, sub, sid) = (self.issuer.clone(), AUDIENCE.into(), account.id.0.clone(), session.into());
        let claims = Claims { iss, aud, sub, sid, role: account.role, iat: now, exp: now + ACCESS_S };
        let header = Header { kid: Some(keys.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let access_token = encode(&header, &claims, &keys.signs).map_err(|error| AccountError::Sign(error.to_string()))?;
        Ok(Pair { access_token, refresh_token: secret::token(PREFIX, session, hidden), expires_in: ACCESS_S, role: account.role })
    }

    /// Gives the next pair for a refresh token, which then works no more. Whoever shows one a second time ends the session: either they
    /// or the one before them stole it.
    pub async fn refresh(&self, token: &str, now: Seconds) -> Result<Pair, AccountError> {
        let (session, shown) = secret::parts(token, PREFIX).ok_or(WRONG)?;
        let shown = secret::digest(shown);
        let query = "SELECT s.account, s.number, s.created_at FROM account_session s JOIN account a ON a.id = s.account
            WHERE s.id = $1 AND s.digest = $2 AND s.ended_at IS NULL AND s.expires_at > $3 AND a.closed_at IS NULL";
        let row: Option<(String, i64, i64)> = self.database.row(sql!(query, session, &shown, now)).await?;
        let Some((account, number, created_at)) = row else { return self.reused(session, &shown, now).await };
        let account = self.account(&AccountId(account)).await?;
        let hidden = secret::secret()?;
        let turn = "UPDATE account_session SET digest = $1, number = number + 1, expires_at = $2
            WHERE id = $3 AND digest = $4 AND ended_at IS NULL";
        let expires_at = (now + REFRESH_S).min(created_at + SESSION_S);
        let steps = vec![
            sql!(turn, secret::digest(&hidden), expires_at, session, &shown).must(),
            sql!("INSERT INTO account_refresh (session, number, digest) VALUES ($1, $2, $3)", session, number, &shown),
            sql!("DELETE FROM account_refresh WHERE session = $1 AND number <= $2", session, number - USED_MAX),
        ];
        if !self.database.together(steps).await? {
            // Somebody else has used it meanwhile.
            return self.reused(session, &shown, now).await;
        }
        self.pair(&account, session, &hidden, now).await
    }

    /// Ends the session if this is a refresh token that it has had.
    async fn reused(&self, session: &str, shown: &str, now: Seconds) -> Result<Pair, AccountError> {
        let query = "SELECT s.account FROM account_refresh r JOIN account_session s ON s.id = r.session
            WHERE r.session = $1 AND r.digest = $2";
        if let Some((account,)) = self.database.row::<(String,)>(sql!(query, session, shown)).await? {
            self.end_session(session, &account, "refresh-token-reused", now).await?;
        }
        Err(WRONG)
    }

    /// Ends the session of an access token: here at once, on other servers within seconds.
    pub async fn logout(&self, caller: &Caller, now: Seconds) -> Result<(), AccountError> {
        let Some(session) = &caller.session else { return Ok(()) };
        self.end_session(session, &caller.account.0, "logout", now).await
    }

    async fn end_session(&self, session: &str, actor: &str, why: &str, now: Seconds) -> Result<(), AccountError> {
        let end = sql!("UPDATE account_session SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL", now, session).must();
        self.database.together(vec![end, note(now, actor, why, session)]).await?;
        self.shared.sessions.forget();
        Ok(())
    }

    /// Who shows this access token.
    pub(crate) async fn of_access(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        let bad = AccountError::BadToken;
        let header = decode_header(token).map_err(|_| bad("it is not a token of this farm"))?;
        let named = header.kid.ok_or(bad("it names no key"))?;
        let keys = self.keys_with(&named, now).await?;
        let claims = claims(&keys, &named, &self.issuer, token)?;
        if claims.iat > now + LEEWAY_S {
            return Err(bad("it begins in the future; set the servers' clocks"));
        }
        if claims.exp <= now {
            return Err(bad("it has expired; refresh it or log in again"));
        }
        match self.alive(&claims.sid, now).await? {
            Some((account, role)) if account.0 == claims.sub => {
                Ok(Caller { account, role, scopes: None, session: Some(claims.sid) })
            }
            _ => Err(bad("its session has ended; log in again")),
        }
    }

    async fn alive(&self, session: &str, now: Seconds) -> Result<Option<Alive>, AccountError> {
        let asked = match self.shared.sessions.get(session, now) {
            Ok(alive) => return Ok(Some(alive)),
            Err(asked) => asked,
        };
        let query = "SELECT a.id, a.role FROM account_session s JOIN account a ON a.id = s.account
            WHERE s.id = $1 AND s.ended_at IS NULL AND a.closed_at IS NULL";
        let row: Option<(String, String)> = self.database.row(sql!(query, session)).await?;
        let alive = row.and_then(|(account, role)| Some((AccountId(account), role.parse().ok()?)));
        if let Some(alive) = &alive {
            self.shared.sessions.remember(&asked, session, alive.clone(), now);
        }
        Ok(alive)
    }
}

/// The algorithm is ours, whatever the token says, and times are looked at by whoever has a clock.
fn claims(keys: &Keys, named: &str, issuer: &str, token: &str) -> Result<Claims, AccountError> {
    let unknown = AccountError::BadToken("it is signed with a key that this farm does not have");
    let key = keys.check(named).ok_or(unknown)?;
    let mut wanted = Validation::new(Algorithm::EdDSA);
    wanted.set_issuer(&[issuer]);
    wanted.set_audience(&[AUDIENCE]);
    wanted.validate_exp = false;
    wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let checked = decode::<Claims>(token, key, &wanted);
    checked.map(|data| data.claims).map_err(|_| AccountError::BadToken("its signature, issuer or audience is not this farm's"))
}
