//! Artifacts: immutable bytes named by their digest. A port; `Folder` is the embedded implementation, `S3` that of a cluster.

mod cache;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod folder;
mod s3;

pub use folder::Folder;
pub use s3::S3;

use crate::state::Millis;
use klieg_protocol::{Digest, TaskId, Token};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    future::Future,
    io,
    path::{Path, PathBuf},
    time::Duration,
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
    /// Worth trying again later: the client has tried several times.
    #[error("reach the artifacts at {at}: {what}")]
    Unreachable { at: String, what: String },
    #[error("use the artifacts at {at}: {what}")]
    Refused { at: String, what: String },
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

/// Names what one attempt uploads. Two attempts never share one, so a fenced attempt that goes on writing harms nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UploadName {
    pub task: TaskId,
    pub token: Token,
    /// Which of its files.
    pub file: u32,
}

/// Where an attempt puts its bytes by itself, without passing them through the scheduler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub name: UploadName,
    /// `None`: the one URL takes all bytes at once.
    pub id: Option<String>,
    /// URLs for an HTTP PUT each, of `part_bytes` in order, the last one of the rest. The `ETag` headers of the answers are what
    /// `finish` wants.
    pub urls: Vec<String>,
    pub part_bytes: u64,
    /// Of the whole.
    pub bytes: u64,
}

/// Where artifacts are kept.
///
/// They become visible whole or not at all, and what is under a digest never changes. A write is durable when its future is done
/// with `Ok`; after `Err`, or when the future is dropped, it may have happened, and doing it again is harmless. What a write
/// that died has left is thrown away by `sweep`.
pub trait Blobs: Send + Sync + 'static {
    /// Keeps bytes.
    fn put(&self, bytes: Vec<u8>) -> impl Future<Output = Result<Digest, BlobError>> + Send;
    /// Takes over a file, by rename where it can. `expected`: its bytes must have that digest.
    fn adopt(&self, file: PathBuf, expected: Option<Digest>) -> impl Future<Output = Result<Digest, BlobError>> + Send;
    /// The bytes, checked against the digest. Damaged ones are thrown away.
    fn get(&self, digest: Digest) -> impl Future<Output = Result<Vec<u8>, BlobError>> + Send;
    /// How long it is, if it is there.
    fn size(&self, digest: Digest) -> impl Future<Output = Result<Option<u64>, BlobError>> + Send;
    /// Those of `digests` that are not there.
    fn missing(&self, digests: BTreeSet<Digest>) -> impl Future<Output = Result<BTreeSet<Digest>, BlobError>> + Send;
    /// A local file with the bytes, to be read only. One that had to be brought was checked against the digest. It stays for ten
    /// minutes at least.
    fn fetch(&self, digest: Digest) -> impl Future<Output = Result<PathBuf, BlobError>> + Send;
    /// Everything that is there: digest and length in bytes, sorted.
    fn list(&self) -> impl Future<Output = Result<Vec<(Digest, u64)>, BlobError>> + Send;
    /// Throws one away; not an error when it is not there.
    fn remove(&self, digest: Digest) -> impl Future<Output = Result<(), BlobError>> + Send;
    /// A URL from which anybody can GET the bytes for so long. `None`: these artifacts have none, and pass through klieg.
    fn link(&self, digest: Digest, valid: Duration) -> impl Future<Output = Result<Option<String>, BlobError>> + Send;
    /// Opens an upload of `bytes` bytes whose URLs work for so long. `None`: bytes pass through klieg.
    fn begin(
        &self,
        name: UploadName,
        bytes: u64,
        valid: Duration,
    ) -> impl Future<Output = Result<Option<Upload>, BlobError>> + Send;
    /// Makes what was uploaded an artifact, if it has that digest and length; `Damaged` if not, and it is gone then. `etags`: of
    /// the parts, in order.
    fn finish(&self, upload: &Upload, etags: &[String], digest: Digest) -> impl Future<Output = Result<(), BlobError>> + Send;
    /// Throws an unfinished upload away; not an error when there is none.
    fn abort(&self, upload: &Upload) -> impl Future<Output = Result<(), BlobError>> + Send;
    /// Throws away what unfinished uploads that began before a moment have left. Gives how many.
    fn sweep(&self, before: Millis) -> impl Future<Output = Result<u64, BlobError>> + Send;
}
