//! Who may do what on a farm: accounts with passwords, sessions that are refreshed, tokens for programs, and roles.
//!
//! An access token is a JWT of a quarter of an hour, signed with Ed25519 under a key id; everybody who has the farm's key set can check it. A refresh
//! token works once: each use gives the next, and using one twice ends the session (RFC 9700, 4.14.2). Of secrets only digests are
//! kept, of passwords argon2id hashes. No clock is read here: `now` is handed in, in seconds since 1970.

mod accounts;
mod database;
mod jws;
mod keys;
mod password;
mod role;
mod secret;
mod sessions;
mod tokens;

pub use accounts::{Account, AccountId, Accounts, Caller};
pub use database::Database;
pub use role::{Permission, Role};
pub use sessions::{ACCESS_S, Pair, REFRESH_S};
pub use tokens::{Issued, TokenInfo};

/// Seconds since 1970.
pub type Seconds = i64;

/// Why something about an account does not go.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("reach the accounts in {at}: {source}")]
    Database { at: String, source: Box<sqlx::Error> },
    #[error("bring the accounts in {at} up to date: {source}")]
    Migrate { at: String, source: Box<sqlx::migrate::MigrateError> },
    #[error(
        "use the accounts in {at}: their schema {found} is newer than this klieg's {known}; install the klieg that wrote it, or a later one"
    )]
    Newer { at: String, found: i64, known: i64 },
    #[error("use the name {0:?}: a name has 3 to 254 characters, none of them a space or a control character")]
    BadName(String),
    #[error("use that password: it has {found} characters; {least} to {most} are allowed")]
    BadPassword { found: usize, least: usize, most: usize },
    #[error("make the account {0:?}: there is one of that name")]
    Taken(String),
    /// The same whether the name, the password or the state of the account is wrong: nobody learns which names there are.
    #[error("log in: the name or the password is wrong, or the account is closed")]
    NotThem,
    #[error("log in as {name:?}: too many wrong passwords; wait {wait} s")]
    Slower { name: String, wait: Seconds },
    #[error("accept the token: {0}")]
    BadToken(&'static str),
    #[error("find the {0}")]
    Missing(&'static str),
    #[error("grant {asked}: whoever grants must have it; this caller is {has}")]
    TooMuch { asked: String, has: String },
    #[error("draw random numbers: {0}")]
    Random(getrandom::Error),
    #[error("sign a token: {0}")]
    Sign(String),
    #[error("hash a password: {0}")]
    Hash(String),
}
