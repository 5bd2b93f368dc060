//! Artifacts between a node's cache and the farm.

use super::{
    backoff::Backoff,
    cache::Cache,
    link::{Answer, Ask, Link, LinkError, Load},
};
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use klieg_protocol::Digest;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{fs::File, io::AsyncWriteExt};

/// How long a download may stand still before it is begun again where it stopped.
const STALL: Duration = Duration::from_secs(30);
/// How often bytes with another digest are fetched anew.
const DAMAGED_MAX: u32 = 3;

/// Why an artifact could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("read artifact {0}: it is not there")]
    Missing(Digest),
    #[error("read artifact {0}: its bytes come damaged")]
    Damaged(Digest),
    #[error("use {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

fn path_of(digest: Digest) -> String {
    format!("/v1/artifacts/{digest}")
}

/// A half-fetched artifact.
struct Part {
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Part {
    async fn new(path: PathBuf) -> io::Result<Self> {
        let file = File::create(&path).await?;
        Ok(Self { path, file, hasher: blake3::Hasher::new(), bytes: 0 })
    }

    async fn begin_again(&mut self) -> io::Result<()> {
        self.file = File::create(&self.path).await?;
        self.hasher.reset();
        self.bytes = 0;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Renamed away when it was finished.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Brings an artifact into the cache. A connection that breaks is resumed where it broke, for as long as it takes.
pub async fn download(link: &Link, cache: &Cache, digest: Digest) -> Result<PathBuf, TransferError> {
    let path = cache.temporary();
    let at = |source| TransferError::Io { path: path.clone(), source };
    let mut part = Part::new(path.clone()).await.map_err(at)?;
    let (mut backoff, mut damaged) = (Backoff::default(), 0);
    loop {
        match fetch(link, digest, &mut part).await {
            Ok(()) if part.hasher.finalize() == blake3::Hash::from_bytes(digest.0) => break,
            Ok(()) => {
                damaged += 1;
                if damaged >= DAMAGED_MAX {
                    return Err(TransferError::Damaged(digest));
                }
                part.begin_again().await.map_err(at)?;
            }
            Err(TransferError::Link(error)) if error.retryable() => {
                tracing::debug!(%error, %digest, bytes = part.bytes, "a download broke off");
                backoff.wait(error.after()).await;
            }
            Err(error) => return Err(error),
        }
    }
    part.file.flush().await.map_err(at)?;
    let cache = cache.clone();
    let adopted = tokio::task::spawn_blocking(move || cache.adopt(digest, &part.path));
    adopted.await.map_err(|error| at(io::Error::other(error)))?.map_err(at)
}

/// Fetches what is missing of a part.
async fn fetch(link: &Link, digest: Digest, part: &mut Part) -> Result<(), TransferError> {
    let mut ask = Ask::new(Method::GET, path_of(digest));
    if part.bytes > 0
        && let Ok(range) = HeaderValue::try_from(format!("bytes={}-", part.bytes))
    {
        ask.headers.insert(header::RANGE, range);
    }
    let path = part.path.clone();
    let at = |source| TransferError::Io { path: path.clone(), source };
    let answer = match link.call(&ask).await {
        Err(error) if error.status() == Some(404) => return Err(TransferError::Missing(digest)),
        // There is nothing behind what has come: all of it has.
        Err(error) if error.status() == Some(416) => return Ok(()),
        done => done?,
    };
    if part.bytes > 0 && answer.status() != StatusCode::PARTIAL_CONTENT {
        part.begin_again().await.map_err(at)?;
    }
    pour(answer, part).await
}

async fn pour(answer: Answer, part: &mut Part) -> Result<(), TransferError> {
    let away = |what: String| TransferError::Link(LinkError::Away { at: "its server".into(), what });
    let mut body = answer.into_body();
    loop {
        let frame = tokio::time::timeout(STALL, body.frame()).await;
        let frame = match frame.map_err(|_| away(format!("no bytes for {} s", STALL.as_secs())))? {
            None => return Ok(()),
            Some(frame) => frame.map_err(|error| away(error.to_string()))?,
        };
        if let Ok(bytes) = frame.into_data() {
            part.file.write_all(&bytes).await.map_err(|source| TransferError::Io { path: part.path.clone(), source })?;
            part.hasher.update(&bytes);
            part.bytes += bytes.len() as u64;
        }
    }
}

/// Hands an artifact in, unless the farm has it. It is durable there when this is done.
pub async fn upload(link: &Link, digest: Digest, path: &Path, bytes: u64) -> Result<(), LinkError> {
    match link.insist(&Ask::new(Method::HEAD, path_of(digest))).await {
        Ok(_) => return Ok(()),
        Err(error) if error.status() == Some(404) => {}
        Err(error) => return Err(error),
    }
    let load = Load::File { path: path.into(), bytes };
    link.insist(&Ask { load, ..Ask::new(Method::PUT, path_of(digest)) }).await.map(drop)
}
