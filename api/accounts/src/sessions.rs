//! From a login to its logout: access tokens that anybody can check, refresh tokens that work once.

use crate::{
    AccountError, Accounts, Caller, Role, Seconds,
    accounts::{Account, AccountId},
    database::Arg,
    keys::Keys,
    secret,
};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

/// How long an access token works.
pub const ACCESS_S: Seconds = 15 * 60;
/// How long a session lasts that is not refreshed.
pub const REFRESH_S: Seconds = 7 * 86_400;
/// How far the clock of another server that signed may be ahead.
const LEEWAY_S: Seconds = 30;
const AUDIENCE: &str = "klieg";
const PREFIX: &str = "kliegr";
/// That a session has not ended is believed for so long by a server that did not end it.
const BELIEVED_S: Seconds = 5;
/// Sessions whose state is remembered.
pub(crate) const REMEMBERED_MAX: usize = 100_000;

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
    role: Role,
    iat: Seconds,
    exp: Seconds,
}

impl Accounts {
    pub(crate) async fn begin_session(&self, account: &Account, now: Seconds) -> Result<Pair, AccountError> {
        let (id, hidden) = (secret::id()?, secret::secret()?);
        let sql =
            "INSERT INTO account_session (id, account, digest, created_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, $5, NULL)";
        let digest = secret::digest(&hidden);
        let args = [Arg::Text(&id), Arg::Text(&account.id.0), Arg::Text(&digest), Arg::Int(now), Arg::Int(now + REFRESH_S)];
        self.database.run(sql, &args).await?;
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
        const WRONG: AccountError =
            AccountError::BadToken("it is not a refresh token of this farm, or its session has ended; log in again");
        let (session, shown) = secret::parts(token, PREFIX).ok_or(WRONG)?;
        let next = secret::secret()?;
        let sql = "UPDATE account_session SET digest = $1, expires_at = $2
            WHERE id = $3 AND digest = $4 AND ended_at IS NULL AND expires_at > $5";
        let (new, old) = (secret::digest(&next), secret::digest(shown));
        let args = [Arg::Text(&new), Arg::Int(now + REFRESH_S), Arg::Text(session), Arg::Text(&old), Arg::Int(now)];
        if self.database.run(sql, &args).await? == 0 {
            if self.end_session(session, now).await? {
                self.note(now, session, "session-ended", "a refresh token was shown twice").await?;
            }
            return Err(WRONG);
        }
        let sql = "SELECT account FROM account_session WHERE id = $1";
        let (account,): (String,) = self.database.row(sql, &[Arg::Text(session)]).await?.ok_or(WRONG)?;
        let account = self.account(&AccountId(account)).await?;
        if account.closed {
            return Err(WRONG);
        }
        self.pair(&account, session, &next, now).await
    }

    /// Ends the session of an access token: here at once, on other servers within seconds.
    pub async fn logout(&self, caller: &Caller, now: Seconds) -> Result<(), AccountError> {
        let Some(session) = &caller.session else { return Ok(()) };
        self.end_session(session, now).await?;
        self.note(now, &caller.account.0, "logout", session).await
    }

    /// Whether it had not ended before.
    async fn end_session(&self, session: &str, now: Seconds) -> Result<bool, AccountError> {
        let sql = "UPDATE account_session SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL";
        let ended = self.database.run(sql, &[Arg::Int(now), Arg::Text(session)]).await? > 0;
        self.forget(session);
        Ok(ended)
    }

    /// Who shows this access token.
    pub async fn of_access(&self, token: &str, now: Seconds) -> Result<Caller, AccountError> {
        let bad = AccountError::BadToken;
        let header = decode_header(token).map_err(|_| bad("it is not a token of this farm"))?;
        let mut keys = self.keys(now).await?;
        let named = header.kid.ok_or(bad("it names no key"))?;
        if !keys.public.contains_key(&named) && keys.read_at + BELIEVED_S <= now {
            // Another server may have made a key meanwhile. Whoever makes up names of keys does not make us read all the time.
            keys = self.reread_keys(now).await?;
        }
        let claims = claims(&keys, &named, &self.issuer, token)?;
        if claims.iat > now + LEEWAY_S {
            return Err(bad("it begins in the future; set the servers' clocks"));
        }
        if claims.exp <= now {
            return Err(bad("it has expired; refresh it or log in again"));
        }
        if !self.lives(&claims.sid, now).await? {
            return Err(bad("its session has ended; log in again"));
        }
        Ok(Caller { account: AccountId(claims.sub), role: claims.role, scopes: None, session: Some(claims.sid) })
    }

    async fn lives(&self, session: &str, now: Seconds) -> Result<bool, AccountError> {
        if self.remembers(session, now - BELIEVED_S) {
            return Ok(true);
        }
        let sql = "SELECT s.id FROM account_session s JOIN account a ON a.id = s.account
            WHERE s.id = $1 AND s.ended_at IS NULL AND a.closed_at IS NULL";
        let lives = self.database.row::<(String,)>(sql, &[Arg::Text(session)]).await?.is_some();
        if lives {
            self.remember(session, now);
        }
        Ok(lives)
    }
}

/// The algorithm is ours, whatever the token says, and times are looked at by whoever has a clock.
fn claims(keys: &Keys, named: &str, issuer: &str, token: &str) -> Result<Claims, AccountError> {
    let unknown = AccountError::BadToken("it is signed with a key that this farm does not have");
    let key = keys.public.get(named).ok_or(unknown)?;
    let mut wanted = Validation::new(Algorithm::EdDSA);
    wanted.set_issuer(&[issuer]);
    wanted.set_audience(&[AUDIENCE]);
    wanted.validate_exp = false;
    wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let checked = decode::<Claims>(token, &key.check, &wanted);
    checked.map(|data| data.claims).map_err(|_| AccountError::BadToken("its signature, issuer or audience is not this farm's"))
}
