//! The keys that access tokens are signed with. The newest signs; all that may still have signed a valid token are accepted.

use crate::{
    AccountError, Seconds,
    database::{Arg, Database},
    jws, secret,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A key signs for so long.
const SIGNS_S: Seconds = 90 * 86_400;
/// And is accepted for so much longer: more than any access token lives.
const ACCEPTED_S: Seconds = 86_400;

/// The keys, as they were read.
#[derive(Clone)]
pub struct Keys {
    /// Of the one that signs.
    pub id: String,
    pub signs: EncodingKey,
    pub public: BTreeMap<String, Public>,
    /// When a new one is due.
    pub until: Seconds,
    pub read_at: Seconds,
}

#[derive(Clone)]
pub struct Public {
    pub check: DecodingKey,
    /// The 32 bytes in base64 as a key set has them.
    x: String,
}

impl Keys {
    /// Reads the keys; makes one where there is none or the newest has signed for long enough.
    pub async fn read(database: &Database, now: Seconds) -> Result<Self, AccountError> {
        jws::install();
        let mut rows = rows(database, now).await?;
        if rows.first().is_none_or(|(_, _, _, created)| created + SIGNS_S <= now) {
            make(database, now).await?;
            rows = self::rows(database, now).await?;
        }
        let unreadable = || AccountError::Sign("a key in the database cannot be read".into());
        let mut public = BTreeMap::new();
        for (id, _, x, _) in &rows {
            let bytes = URL_SAFE_NO_PAD.decode(x).map_err(|_| unreadable())?;
            public.insert(id.clone(), Public { check: DecodingKey::from_ed_der(&bytes), x: x.clone() });
        }
        let (id, private, _, created) = rows.into_iter().next().ok_or_else(unreadable)?;
        let private = STANDARD.decode(private).map_err(|_| unreadable())?;
        Ok(Self { id, signs: EncodingKey::from_ed_der(&private), public, until: created + SIGNS_S, read_at: now })
    }

    /// As a JSON Web Key Set (RFC 7517, RFC 8037).
    pub fn set(&self) -> Value {
        let keys = self
            .public
            .iter()
            .map(|(id, key)| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": id, "x": key.x }));
        json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

/// (id, private, public, made when), the newest first. Of two that servers make at once, all take the same.
async fn rows(database: &Database, now: Seconds) -> Result<Vec<(String, String, String, i64)>, AccountError> {
    let sql = "SELECT id, private, public, created_at FROM account_key WHERE created_at > $1 ORDER BY created_at DESC, id";
    database.rows(sql, &[Arg::Int(now - SIGNS_S - ACCEPTED_S)]).await
}

async fn make(database: &Database, now: Seconds) -> Result<(), AccountError> {
    let failed = |_| AccountError::Sign("an Ed25519 key could not be made".into());
    let private = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(failed)?;
    let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).map_err(|_| failed(ring::error::Unspecified))?;
    let (id, private, public) = (secret::id()?, STANDARD.encode(private.as_ref()), URL_SAFE_NO_PAD.encode(pair.public_key()));
    let sql = "INSERT INTO account_key (id, private, public, created_at) VALUES ($1, $2, $3, $4)";
    database.run(sql, &[Arg::Text(&id), Arg::Text(&private), Arg::Text(&public), Arg::Int(now)]).await?;
    Ok(())
}
