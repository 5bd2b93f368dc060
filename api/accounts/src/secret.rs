//! Secrets that are shown once: `klieg_ID_SECRET`, of which the digest is kept.

use crate::AccountError;

/// 128 bits for naming, 256 for keeping.
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

fn random<const N: usize>() -> Result<String, AccountError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(AccountError::Random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A name that nobody else has.
pub fn id() -> Result<String, AccountError> {
    random::<ID_BYTES>()
}

pub fn secret() -> Result<String, AccountError> {
    random::<SECRET_BYTES>()
}

/// What is kept of a secret. Secrets are random and long: no slow hash is needed.
pub fn digest(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Whether a secret has that digest, in the same time whatever they are.
pub fn has_digest(secret: &str, kept: &str) -> bool {
    blake3::Hash::from_hex(kept).is_ok_and(|kept| blake3::hash(secret.as_bytes()) == kept)
}

/// A token as its owner gets it. The prefix lets scanners of leaked secrets find it.
pub fn token(prefix: &str, id: &str, secret: &str) -> String {
    format!("{prefix}_{id}_{secret}")
}

/// The id and the secret of such a token.
pub fn parts<'a>(token: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let (id, secret) = token.strip_prefix(prefix)?.strip_prefix('_')?.split_once('_')?;
    (id.len() == ID_BYTES * 2 && secret.len() == SECRET_BYTES * 2).then_some((id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_apart_and_checked() {
        let (id, secret) = (id().unwrap(), secret().unwrap());
        let token = token("klieg", &id, &secret);
        assert_eq!(parts(&token, "klieg"), Some((id.as_str(), secret.as_str())));
        assert!(has_digest(&secret, &digest(&secret)) && !has_digest("x", &digest(&secret)) && !has_digest(&secret, "not hex"));
        for bad in ["", "klieg", "klieg_", "klieg_a_b", &token[1..], &token[..token.len() - 1], &token.replace("klieg", "other")] {
            assert_eq!(parts(bad, "klieg"), None, "{bad}");
        }
    }
}
