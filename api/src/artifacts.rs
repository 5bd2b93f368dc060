//! `/v1/artifacts/{digest}`: bytes in and out.

use crate::{
    access::Who,
    app::{App, Counts},
    problem::Trouble,
    quotas,
};
use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use klieg_protocol::{Digest, Dispatcher};
use klieg_scheduler::{Farm, blobs::BlobError};
use std::{
    collections::BTreeSet,
    io::{self, SeekFrom},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};
use tokio_util::io::ReaderStream;

/// How long a link to an artifact works.
const LINK_VALID: Duration = Duration::from_secs(900);

pub fn routes() -> Router<App> {
    Router::new().route("/{digest}", get(give).put(take))
}

fn digest_of(text: &str) -> Result<Digest, Trouble> {
    text.parse().map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("failed to {error}")))
}

/// Streams an artifact, or what of it is asked for: `Range: bytes=FIRST-` with or without an end.
async fn give(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(digest): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    serve(&app, &farm, digest_of(&digest)?, &method, &headers).await
}

/// The same for any route that gives an artifact.
pub async fn serve(app: &App, farm: &Farm, digest: Digest, method: &Method, headers: &HeaderMap) -> Result<Response, Trouble> {
    if app.direct
        && method == Method::GET
        && let Some(there) = elsewhere(farm, digest).await?
    {
        return Ok(there);
    }
    let permit = app.transfers.enter()?;
    let missing = |what: String| Trouble::new(StatusCode::NOT_FOUND, format!("failed to read artifact {digest}: {what}"));
    let path = farm.fetch(digest).await.map_err(|failure| missing(failure.message))?;
    serve_file(app, Served { path, tag: digest.hex(), permit }, headers).await
}

/// A file that is given, and what it is known by: another tag, other bytes.
pub struct Served {
    pub path: PathBuf,
    pub tag: String,
    /// It counts as a transfer from before it is looked for.
    pub permit: OwnedSemaphorePermit,
}

/// Streams a file, or what of it is asked for. Whoever has it is told so.
pub async fn serve_file(app: &App, file: Served, headers: &HeaderMap) -> Result<Response, Trouble> {
    let Served { path, tag, permit } = file;
    let tag = format!("\"{tag}\"");
    let asked = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if asked(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|known| known.trim() == tag || known.trim() == "*")) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        put_header(&mut response, header::ETAG, tag);
        return Ok(response);
    }
    let missing = |error: io::Error| Trouble::new(StatusCode::NOT_FOUND, format!("failed to read what {tag} names: {error}"));
    let mut file = File::open(&path).await.map_err(missing)?;
    let length = file.metadata().await.map_err(missing)?.len();
    // A range of what has changed since is not wanted (RFC 9110, 13.1.5).
    let same = asked(header::IF_RANGE).is_none_or(|known| known.trim() == tag);
    let wanted = asked(header::RANGE).filter(|_| same).and_then(|text| range(text, length));
    let (first, count) = match wanted {
        None => (0, length),
        Some(Some(range)) => range,
        Some(None) => {
            let mut response = Trouble::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("{tag} has {length} bytes")).into_response();
            put_header(&mut response, header::CONTENT_RANGE, format!("bytes */{length}"));
            return Ok(response);
        }
    };
    file.seek(SeekFrom::Start(first)).await.map_err(missing)?;
    let counted = app.clone();
    let chunks = ReaderStream::with_capacity(file.take(count), 1 << 18).map(move |chunk| {
        let _held = &permit;
        Counts::add(&counted.counts.bytes_out, chunk.as_ref().map_or(0, |bytes| bytes.len() as u64));
        chunk
    });
    let mut response = Response::new(Body::from_stream(chunks));
    put_header(&mut response, header::CONTENT_LENGTH, count.to_string());
    put_header(&mut response, header::ACCEPT_RANGES, "bytes".into());
    put_header(&mut response, header::ETAG, tag);
    // What others made is never run as a page.
    put_header(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff".into());
    put_header(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if wanted.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        put_header(&mut response, header::CONTENT_RANGE, format!("bytes {first}-{}/{length}", first + count.max(1) - 1));
    }
    Ok(response)
}

/// Sends the caller to where an artifact lies, if that is a place of its own.
async fn elsewhere(farm: &Farm, digest: Digest) -> Result<Option<Response>, Trouble> {
    if !farm.missing(BTreeSet::from([digest])).await?.is_empty() {
        return Ok(None);
    }
    let Some(url) = farm.blob_link(digest, LINK_VALID).await? else { return Ok(None) };
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    put_header(&mut response, header::LOCATION, url);
    Ok(Some(response))
}

fn put_header(response: &mut Response, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// First byte and count of a range. `None`: not one that is understood here, which a server may ignore (RFC 9110, 14.2).
/// `Some(None)`: nothing lies there.
fn range(text: &str, length: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.trim().parse().ok()?;
    let last = match last.trim() {
        "" => length.saturating_sub(1),
        last => last.parse::<u64>().ok()?.min(length.saturating_sub(1)),
    };
    Some((first < length && first <= last).then(|| (first, last - first + 1)))
}

/// An upload in the making; gone unless it was taken over.
struct Temporary(PathBuf);

impl Temporary {
    /// Nobody else's.
    async fn new(farm: &Farm) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = farm.scratch().join("uploads");
        tokio::fs::create_dir_all(&folder).await?;
        Ok(Self(folder.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn take(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(digest): Path<String>,
    request: Request,
) -> Result<StatusCode, Trouble> {
    let digest = digest_of(&digest)?;
    if quotas::counts(&who) {
        // Of the default project: this route is the agents' own, and knows no other.
        let counted = quotas::upload(&app, &who, "", digest, length_of(&app, &request)?).await?;
        accept(&app, &farm, digest, request).await?;
        counted.kept();
    } else {
        accept(&app, &farm, digest, request).await?;
    }
    Ok(StatusCode::CREATED)
}

/// How long an upload says that it is.
pub fn length_of(app: &App, request: &Request) -> Result<u64, Trouble> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let length =
        length.ok_or_else(|| Trouble::new(StatusCode::LENGTH_REQUIRED, "an upload says how long it is (Content-Length)"))?;
    let most = app.limits.artifact_bytes_max;
    if length > most {
        let detail = format!("the artifact has {length} bytes; the limit is {most} (artifact_bytes_max)");
        return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(length)
}

/// Takes an artifact: visible under its digest when all of its bytes have come and have that digest, and durable when answered.
pub async fn accept(app: &App, farm: &Farm, digest: Digest, request: Request) -> Result<(), Trouble> {
    let length = length_of(app, &request)?;
    let _permit = app.transfers.enter()?;
    let temporary = Temporary::new(farm).await.map_err(disk)?;
    let found = pour(app, request.into_body(), &temporary, length).await?;
    if found != digest {
        let detail = format!("the bytes that came have the digest {found}, not {digest}");
        return Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    farm.adopt(digest, temporary.0.clone()).await?;
    Ok(())
}

async fn pour(app: &App, body: Body, temporary: &Temporary, length: u64) -> Result<Digest, Trouble> {
    let limits = &app.limits;
    let stall = limits.upload_stall_max;
    let most = stall + Duration::from_secs(length / limits.upload_rate_min.max(1));
    let slow = |what: String| Trouble::new(StatusCode::REQUEST_TIMEOUT, format!("the upload broke off: {what}"));
    let crawls = |_| slow(format!("it came slower than {} bytes a second (upload_rate_min)", limits.upload_rate_min));
    let stands = || slow(format!("no bytes for {} s (upload_stall_max)", stall.as_secs()));
    tokio::time::timeout(most, poured(app, body, temporary, length, stands)).await.map_err(crawls)?
}

async fn poured(
    app: &App,
    body: Body,
    temporary: &Temporary,
    length: u64,
    stands: impl Fn() -> Trouble,
) -> Result<Digest, Trouble> {
    let broken = |what: String| Trouble::new(StatusCode::BAD_REQUEST, format!("the upload broke off: {what}"));
    let mut file = File::create(&temporary.0).await.map_err(disk)?;
    let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = tokio::time::timeout(app.limits.upload_stall_max, chunks.next()).await.map_err(|_| stands())? {
        let chunk = chunk.map_err(|error| broken(error.to_string()))?;
        bytes += chunk.len() as u64;
        hasher.update(&chunk);
        file.write_all(&chunk).await.map_err(disk)?;
        Counts::add(&app.counts.bytes_in, chunk.len() as u64);
    }
    file.flush().await.map_err(disk)?;
    if bytes != length {
        return Err(broken(format!("{bytes} of {length} bytes came")));
    }
    Ok(Digest(*hasher.finalize().as_bytes()))
}

pub fn disk(error: io::Error) -> Trouble {
    klieg_scheduler::FarmError::Blob(BlobError::of(std::path::Path::new("uploads"), error)).into()
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges() {
        assert_eq!(range("bytes=0-", 10), Some(Some((0, 10))));
        assert_eq!(range("bytes=4-", 10), Some(Some((4, 6))));
        assert_eq!(range("bytes=4-5", 10), Some(Some((4, 2))));
        assert_eq!(range("bytes=4-99", 10), Some(Some((4, 6))));
        assert_eq!(range("bytes=10-", 10), Some(None));
        assert_eq!(range("bytes=0-", 0), Some(None));
        assert_eq!(range("bytes=5-4", 10), Some(None));
        for ignored in ["bytes=-5", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4"] {
            assert_eq!(range(ignored, 10), None, "{ignored}");
        }
    }
}
