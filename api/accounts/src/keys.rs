//! The keys that access tokens are signed with: one signs, the next is shown before it does, the last is accepted a while longer.

use crate::{AccountError, Accounts, Database, Seconds, audit::note, jws, secret};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use klieg_database::sql;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// When a key has been there for so long, the next is made.
const KEY_S: Seconds = 90 * 86_400;
/// The next is in the key set for so long before it signs, so that whoever keeps a copy of the set has it by then.
const SHOWN_S: Seconds = 86_400;
/// After that the last is accepted for so long: more than any access token lives.
const ACCEPTED_S: Seconds = 86_400;
/// How long keys are believed without looking again.
const KEYS_BELIEVED_S: Seconds = 60;
/// Whoever makes up names of keys does not make us look more often than this.
const LOOK_S: Seconds = 5;

/// The keys, as they were read.
pub struct Keys {
    /// Of the one that signs.
    pub id: String,
    pub signs: EncodingKey,
    public: BTreeMap<String, Public>,
    read_at: Seconds,
}

struct Public {
    check: DecodingKey,
    /// The 32 bytes in base64 as a key set has them.
    x: String,
}

/// The keys of a server.
#[derive(Default)]
pub struct KeyRing {
    known: Mutex<Option<Arc<Keys>>>,
}

impl KeyRing {
    fn known(&self) -> Option<Arc<Keys>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, keys: Option<Arc<Keys>>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// (number, id, private, public, made when).
type Row = (i64, String, String, String, i64);

impl Keys {
    /// Whoever has the key of that name signed it.
    pub fn check(&self, id: &str) -> Option<&DecodingKey> {
        self.public.get(id).map(|key| &key.check)
    }

    /// As a JSON Web Key Set (RFC 7517, RFC 8037).
    fn set(&self) -> Value {
        let keys = self
            .public
            .iter()
            .map(|(id, key)| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": key.x }));
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// `rows`: the newest first.
    fn of(rows: Vec<Row>, now: Seconds) -> Result<Self, AccountError> {
        let unreadable = || AccountError::Sign("a key in the database cannot be read".into());
        let (mut public, mut signing, mut replaced_at) = (BTreeMap::new(), None, None);
        for (_, id, private, x, created_at) in rows {
            if replaced_at.is_some_and(|at: Seconds| at + ACCEPTED_S <= now) {
                break;
            }
            // The newest that has been shown for long enough signs; the oldest if none has.
            if replaced_at.is_none_or(|at| now < at) {
                signing = Some((id.clone(), private));
            }
            let bytes = URL_SAFE_NO_PAD.decode(&x).map_err(|_| unreadable())?;
            public.insert(id, Public { check: DecodingKey::from_ed_der(&bytes), x });
            replaced_at = Some(created_at + SHOWN_S);
        }
        let (id, private) = signing.ok_or_else(unreadable)?;
        let private = STANDARD.decode(private).map_err(|_| unreadable())?;
        Ok(Self { id, signs: EncodingKey::from_ed_der(&private), public, read_at: now })
    }
}

impl Accounts {
    /// The keys with which anybody can check access tokens.
    pub async fn jwks(&self, now: Seconds) -> Result<Value, AccountError> {
        Ok(self.keys(now).await?.set())
    }

    /// Takes all keys away and makes a new one, as when one has leaked. Access tokens are worth nothing until they are refreshed: here at
    /// once, on other servers within a minute.
    pub async fn renew_keys(&self, by: &str, now: Seconds) -> Result<(), AccountError> {
        let last = rows(&self.database).await?.first().map_or(0, |row| row.0);
        let steps =
            vec![sql!("DELETE FROM account_key WHERE number <= $1", last), next(last, now)?, note(now, by, "keys-renewed", "")];
        self.database.together(steps).await?;
        self.shared.keys.know(None);
        Ok(())
    }

    pub(crate) async fn keys(&self, now: Seconds) -> Result<Arc<Keys>, AccountError> {
        match self.shared.keys.known() {
            Some(keys) if (keys.read_at..keys.read_at + KEYS_BELIEVED_S).contains(&now) => Ok(keys),
            _ => self.read_keys(now).await,
        }
    }

    /// The keys, with that one among them if there is such a key: another server may have made it just now.
    pub(crate) async fn keys_with(&self, id: &str, now: Seconds) -> Result<Arc<Keys>, AccountError> {
        let keys = self.keys(now).await?;
        if keys.public.contains_key(id) || now < keys.read_at + LOOK_S { Ok(keys) } else { self.read_keys(now).await }
    }

    /// Reads the keys; makes the next where it is due.
    async fn read_keys(&self, now: Seconds) -> Result<Arc<Keys>, AccountError> {
        jws::install();
        let mut found = rows(&self.database).await?;
        let last = found.first().map_or((0, None), |row| (row.0, Some(row.4)));
        if last.1.is_none_or(|created_at| created_at + KEY_S - SHOWN_S <= now) {
            // What came before the one that signs has not been accepted for long.
            let steps = vec![next(last.0, now)?, sql!("DELETE FROM account_key WHERE number < $1", last.0)];
            self.database.together(steps).await?;
            found = rows(&self.database).await?;
        }
        let keys = Arc::new(Keys::of(found, now)?);
        self.shared.keys.know(Some(Arc::clone(&keys)));
        Ok(keys)
    }
}

async fn rows(database: &Database) -> Result<Vec<Row>, AccountError> {
    let query = "SELECT number, id, private, public, created_at FROM account_key ORDER BY number DESC LIMIT 8";
    Ok(database.rows(sql!(query)).await?)
}

/// Of two servers that make the next at once, one does, and both read it then.
fn next(last: i64, now: Seconds) -> Result<klieg_database::Statement, AccountError> {
    let failed = |_| AccountError::Sign("an Ed25519 key could not be made".into());
    let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
    let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).map_err(|_| failed(ring::error::Unspecified))?;
    let insert = "INSERT INTO account_key (number, id, private, public, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (number) DO NOTHING";
    Ok(sql!(insert, last + 1, secret::id()?, STANDARD.encode(private.as_ref()), URL_SAFE_NO_PAD.encode(pair.public_key()), now))
}
