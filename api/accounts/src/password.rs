//! Passwords as argon2id hashes (RFC 9106) in PHC strings.

use crate::AccountError;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// NIST SP 800-63B-4 wants 8 at least where there is a second factor and 15 where there is none; most people's managers make more.
const LEAST: usize = 12;
/// Longer ones cost whoever checks them.
const MOST: usize = 512;

/// m = 19 MiB, t = 2, p = 1: what OWASP's Password Storage Cheat Sheet asks of argon2id at least. RFC 9106 (section 4) recommends 64 MiB,
/// t = 3, p = 4 to machines with little memory; a farm's server has its cores and memory for the farm.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// As RFC 9106 recommends.
const SALT_BYTES: usize = 16;

fn argon2() -> Result<Argon2<'static>, AccountError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| AccountError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Whether it is long enough, and not too long.
pub fn check(password: &str) -> Result<(), AccountError> {
    let found = password.chars().count();
    if (LEAST..=MOST).contains(&found) { Ok(()) } else { Err(AccountError::BadPassword { found, least: LEAST, most: MOST }) }
}

/// Takes tens of milliseconds: call it where that is no matter.
pub fn hash(password: &str) -> Result<String, AccountError> {
    check(password)?;
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(AccountError::Random)?;
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| AccountError::Hash(error.to_string()))
}

/// Whether it is the password. Without a hash it takes as long, so that time does not tell which names there are.
pub fn is(password: &str, kept: Option<&str>) -> Result<bool, AccountError> {
    if password.chars().count() > MOST {
        return Ok(false);
    }
    let Some(kept) = kept else {
        let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &[0; SALT_BYTES]);
        return hash.map(|_| false).map_err(|error| AccountError::Hash(error.to_string()));
    };
    let kept = PasswordHash::new(kept).map_err(|error| AccountError::Hash(error.to_string()))?;
    Ok(argon2()?.verify_password(password.as_bytes(), &kept).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let kept = hash("correct horse battery").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse battery").unwrap(), "salted");
        assert!(is("correct horse battery", Some(&kept)).unwrap());
        assert!(!is("correct horse batterz", Some(&kept)).unwrap());
        assert!(!is("correct horse battery", None).unwrap());
        assert!(!is(&"x".repeat(MOST + 1), Some(&kept)).unwrap());
        assert!(matches!(is("x", Some("nonsense")), Err(AccountError::Hash(_))));
        assert!(matches!(hash("short"), Err(AccountError::BadPassword { found: 5, .. })));
        assert!(matches!(hash(&"x".repeat(MOST + 1)), Err(AccountError::BadPassword { .. })));
    }
}
