//! Where a file comes from: content credentials (C2PA 2.x manifests, c2pa.org) written and read. Nothing here asks a network.
//!
//! A manifest is signed, with a random name and salts and the signer's own key: the same file signed twice has other bytes. So klieg
//! signs when it delivers, outside of tasks and their result cache, and only with a key that somebody configured: a certificate that a
//! program makes for itself is trusted by nobody, and would only look like provenance. What a picture or sound is made by stands in its
//! own metadata, too, signed or not.

mod read;
mod sign;

pub use read::{Credentials, Standing, read};
pub use sign::{Claim, Identity, Source, media_type, sign};

use std::path::PathBuf;

/// Why a file could not be signed or read. Fits behind "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    #[error("read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("write {path}: {source}")]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("use {path}: it has {bytes} bytes, and a key or a certificate chain has fewer than {limit} (PEM_BYTES_MAX)")]
    Pem { path: PathBuf, bytes: u64, limit: u64 },
    #[error(
        "sign with {key} and {chain}: {why}; give a PKCS #8 key (P-256, P-384, P-521, Ed25519 or RSA) and its certificates, the signer's first"
    )]
    Key { key: PathBuf, chain: PathBuf, why: String },
    #[error("sign {path}: content credentials can't stand in a file of this type")]
    Type { path: PathBuf },
    #[error("sign {path}: {source}")]
    Sign { path: PathBuf, source: Box<c2pa::Error> },
    #[error("read the content credentials of {path}: {source}")]
    Credentials { path: PathBuf, source: Box<c2pa::Error> },
}
