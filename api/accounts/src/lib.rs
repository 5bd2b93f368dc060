//! Who may do what on a farm: accounts with passwords, sessions that are refreshed, tokens for programs, and roles.
//!
//! An access token is a JWT of a quarter of an hour, signed with Ed25519 under a key id; everybody who has the farm's key set can check it. A
//! refresh token works once: each use gives the next, and using one twice ends the session (RFC 9700, 4.14.2). Of secrets only
//! digests are kept, of passwords argon2id hashes; the private keys that sign access tokens are in the database, but a token that is
//! signed with one of them is worth nothing unless its session is in the database too. Every change is written in one transaction with
//! its audit entry. No clock is read here: `now` is handed in, in seconds since 1970.

mod accounts;
mod audit;
mod believed;
mod idtoken;
mod jws;
mod keys;
mod login;
mod oidc;
mod password;
mod privacy;
mod role;
mod secret;
mod sessions;
mod tokens;

pub use accounts::{Account, AccountId, Accounts, Caller};
pub use audit::{AUDIT_PAGE_MAX, AuditEntry, AuditPage};
pub use idtoken::{Expected, Said, check as check_id_token, names_key};
pub use klieg_database::{Database, DatabaseError};
pub use oidc::{Arrival, IdentityInfo, Journey, Kept};
pub use privacy::{Export, SessionInfo};
pub use role::{Permission, Role, Unknown};
pub use sessions::{ACCESS_S, Pair, REFRESH_S, SESSION_S};
pub use tokens::{Issued, NewToken, TokenInfo};

/// Seconds since 1970.
pub type Seconds = i64;

/// Why something about an account does not go.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Whether it was done may not be known.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("use the name {0:?}: a name has 3 to 254 characters, none of them a space or a control character")]
    BadName(String),
    #[error("use that password: it has {found} characters; {least} to {most} are allowed")]
    BadPassword { found: usize, least: usize, most: usize },
    #[error("make the token {name:?}: {what}")]
    BadNewToken { name: String, what: &'static str },
    #[error("make the account {0:?}: there is one of that name")]
    Taken(String),
    #[error("make an account: {0} people have made theirs by themselves, which is the most; ask an admin for one")]
    Crowded(i64),
    /// The same whether the name, the password or the state of the account is wrong: nobody learns which names there are.
    #[error("log in: the name or the password is wrong, or the account is closed")]
    NotThem,
    /// Said of names that nobody has, too.
    #[error("log in as {name:?}: too many wrong passwords; wait {wait} s")]
    Slower { name: String, wait: Seconds },
    #[error("check the password: too many others are being checked; try again in a moment")]
    Busy,
    #[error("accept the token: {0}")]
    BadToken(&'static str),
    #[error("find the {0}")]
    Missing(&'static str),
    #[error("grant {asked}: {why}")]
    TooMuch { asked: String, why: &'static str },
    #[error("draw random numbers: {0}")]
    Random(getrandom::Error),
    #[error("sign a token: {0}")]
    Sign(String),
    #[error("hash a password: {0}")]
    Hash(String),
}
