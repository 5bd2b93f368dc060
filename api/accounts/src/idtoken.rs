//! What another provider says of somebody: its ID token, checked as OpenID Connect Core 1.0 (3.1.3.7) asks.

use crate::{AccountError, Seconds, jws};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::Jwk, jwk::PublicKeyUse};
use serde_json::{Map, Value};

/// With which they may be signed. Nothing else is accepted, whatever a token says.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// How far the provider's clock may be away from ours.
const LEEWAY_S: Seconds = 30;
/// How old a token may be that was asked for just now.
const AGE_MAX_S: Seconds = 600;

/// What a token has to be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider, as it calls itself.
    pub issuer: &'a str,
    /// Us, as the provider calls us.
    pub client: &'a str,
    /// What we said when we asked for it.
    pub nonce: &'a str,
    /// The provider's keys (RFC 7517).
    pub keys: &'a Value,
}

/// What a provider says of somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Who it is: never another's, with this provider.
    pub subject: String,
    pub claims: Map<String, Value>,
}

fn keys_of(set: &Value) -> impl Iterator<Item = Jwk> + '_ {
    // One that cannot be read is for something else.
    let keys = set["keys"].as_array().into_iter().flatten();
    let keys = keys.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    keys.filter(|key| key.common.public_key_use != Some(PublicKeyUse::Encryption))
}

fn header(token: &str) -> Result<Header, AccountError> {
    let header = decode_header(token).map_err(|_| AccountError::BadToken("the provider's answer is no token that is signed"))?;
    let known = ALGORITHMS.contains(&header.alg);
    if known { Ok(header) } else { Err(AccountError::BadToken("it is not signed with RS256, ES256 or EdDSA")) }
}

/// Whether the key that a token names is in the set; if not, the provider may have taken a new one.
pub fn names_key(token: &str, set: &Value) -> Result<bool, AccountError> {
    let header = header(token)?;
    Ok(header.kid.is_none_or(|kid| keys_of(set).any(|key| key.common.key_id.as_ref() == Some(&kid))))
}

/// Checks a token that the provider gave for a code.
pub fn check(token: &str, expected: &Expected<'_>, now: Seconds) -> Result<Said, AccountError> {
    jws::install();
    let bad = AccountError::BadToken;
    let header = header(token)?;
    let mut wanted = Validation::new(header.alg);
    wanted.set_issuer(&[expected.issuer]);
    wanted.set_audience(&[expected.client]);
    wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Times are looked at below, by whoever has a clock.
    wanted.validate_exp = false;
    let fits = |key: &Jwk| header.kid.is_none() || key.common.key_id == header.kid;
    let tried = keys_of(expected.keys).filter(fits).filter_map(|key| DecodingKey::from_jwk(&key).ok());
    let claims = tried.into_iter().find_map(|key| decode::<Map<String, Value>>(token, &key, &wanted).ok());
    let claims = claims.ok_or(bad("its signature, issuer or audience is not the one that was expected"))?.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_f64).filter(|time| time.is_finite());
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a float")]
    let (now, leeway, oldest) = (now as f64, LEEWAY_S as f64, AGE_MAX_S as f64);
    if time("exp").is_none_or(|exp| exp + leeway <= now) {
        return Err(bad("it has expired"));
    }
    if time("iat").is_none_or(|iat| iat > now + leeway || iat + oldest < now) {
        return Err(bad("it was not issued just now; set the servers' clocks"));
    }
    let many = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    if text("azp").is_some_and(|azp| azp != expected.client) || many && text("azp").is_none() {
        return Err(bad("it was given to somebody else"));
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(bad("it belongs to another login"));
    }
    let subject = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= 255).ok_or(bad("it does not say whose it is"))?;
    Ok(Said { subject: subject.to_owned(), claims })
}
