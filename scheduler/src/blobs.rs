//! Artifacts: immutable bytes named by their digest. A port; `Folder` is the embedded implementation.

#[cfg(test)]
mod conformance;
mod folder;

pub use folder::Folder;

use klieg_protocol::Digest;
use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
};

/// Why bytes could not be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("read artifact {0}: it is not there")]
    Missing(Digest),
    #[error("read artifact {0}: its bytes are damaged")]
    Damaged(Digest),
    #[error("write artifacts to {}: the disk is full", .0.display())]
    Full(PathBuf),
    #[error("use {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl BlobError {
    /// What an error of the operating system at `path` means.
    pub fn of(path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(path.into()),
            _ => Self::Io { path: path.into(), source },
        }
    }
}

/// Where artifacts are kept. They become visible whole or not at all.
pub trait Blobs: Send + Sync + 'static {
    /// Keeps bytes; durable when done.
    fn put(&self, bytes: Vec<u8>) -> impl Future<Output = Result<Digest, BlobError>> + Send;
    /// Takes over a file, by rename where it can. `expected`: its bytes must have that digest.
    fn adopt(&self, file: PathBuf, expected: Option<Digest>) -> impl Future<Output = Result<Digest, BlobError>> + Send;
    /// The bytes, checked against the digest. Damaged ones are thrown away.
    fn get(&self, digest: Digest) -> impl Future<Output = Result<Vec<u8>, BlobError>> + Send;
    /// How long it is, if it is there.
    fn size(&self, digest: Digest) -> Option<u64>;
    /// Where it can be read.
    fn path(&self, digest: Digest) -> PathBuf;
    /// Everything that is there: digest and length in bytes.
    fn list(&self) -> impl Future<Output = Result<Vec<(Digest, u64)>, BlobError>> + Send;
    /// Throws one away; not an error when it is not there.
    fn remove(&self, digest: Digest) -> impl Future<Output = Result<(), BlobError>> + Send;
}
