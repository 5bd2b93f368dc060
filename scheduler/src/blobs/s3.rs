use super::{BlobError, Blobs, Folder, Upload, UploadName, cache::Cache, folder::digest_of};
use crate::state::Millis;
use aws_config::{BehaviorVersion, Region, meta::region::RegionProviderChain, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::{
    Client,
    config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::{ByteStream, Length},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::{StreamExt, TryStreamExt, stream};
use klieg_protocol::Digest;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::io::AsyncWriteExt;

/// Larger objects go in parts of this size, or of whatever makes at most `PARTS_MAX`.
const PART_BYTES: u64 = 16 << 20;
const PARTS_MAX: u64 = 10_000;
/// Parts, and questions, under way at a time.
const PARALLEL: usize = 8;
/// Above so many digests it is quicker to list everything than to ask for each.
const ASK_MAX: usize = 2_000;
/// The largest object that S3 copies in one request.
const COPY_MAX: u64 = 5 << 30;
/// How often a request is tried; the client waits between with jitter.
const TRIES_MAX: u32 = 6;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long the server may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// `prefix/blobs/ab/cdef…` and `prefix/uploads/…` in a bucket, with local copies of what is read as files.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

struct Inner {
    client: Client,
    /// Signs URLs for others, who add no checksums.
    signer: Client,
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    cache: Cache,
    at: String,
}

/// What `s3://bucket/prefix?endpoint=…&region=…` says.
#[derive(Debug, PartialEq)]
struct Place {
    bucket: String,
    prefix: String,
    settings: BTreeMap<String, String>,
}

fn place(url: &str) -> Result<Place, BlobError> {
    let bad = |what: String| BlobError::Refused { at: url.into(), what };
    let rest = url.strip_prefix("s3://").ok_or_else(|| bad("want s3://bucket/prefix".into()))?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    if bucket.is_empty() {
        return Err(bad("want s3://bucket/prefix".into()));
    }
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let mut settings = BTreeMap::new();
    for setting in query.split('&').filter(|setting| !setting.is_empty()) {
        match setting.split_once('=') {
            Some((name @ ("endpoint" | "region"), value)) => settings.insert(name.to_string(), value.to_string()),
            _ => return Err(bad(format!("{setting} is no setting; there are endpoint=URL and region=NAME"))),
        };
    }
    Ok(Place { bucket: bucket.into(), prefix, settings })
}

impl S3 {
    /// Opens `s3://bucket/prefix`. Credentials, region and endpoint come as the AWS tools find them (`AWS_ACCESS_KEY_ID`,
    /// `AWS_ENDPOINT_URL_S3`, profiles, the machine's role), or `?endpoint=…&region=…`; another endpoint is addressed path-style.
    /// `cache`: a folder of this process alone for local copies, of so many bytes.
    pub async fn open(url: &str, cache: &Path, cache_bytes_max: u64) -> Result<Self, BlobError> {
        Self::open_as(url, None, cache, cache_bytes_max).await
    }

    /// As `open`, with an access key and its secret.
    pub async fn open_as(url: &str, keys: Option<(&str, &str)>, cache: &Path, cache_bytes_max: u64) -> Result<Self, BlobError> {
        let Place { bucket, prefix, settings } = place(url)?;
        let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let region = settings.get("region").cloned().map(Region::new);
        let region = RegionProviderChain::first_try(region).or_default_provider().or_else(Region::new("us-east-1"));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https)
            .region(region)
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES_MAX))
            .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT_MAX).read_timeout(SILENCE_MAX).build());
        if let Some(endpoint) = settings.get("endpoint") {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((access, secret)) = keys {
            loader = loader.credentials_provider(Credentials::new(access, secret, None, None, "klieg"));
        }
        let config = loader.load().await;
        let elsewhere = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        // Ours is BLAKE3, on whatever is read.
        let config = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(elsewhere)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        let signer = config.clone().request_checksum_calculation(RequestChecksumCalculation::WhenRequired).build();
        let at = format!("s3://{bucket}/{prefix}");
        let cache = Cache::new(Folder::open(cache)?, cache_bytes_max);
        let (client, signer) = (Client::from_conf(config.build()), Client::from_conf(signer));
        // Whoever opens it says soon that it cannot be reached, and tries again by itself.
        let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::standard().with_max_attempts(2));
        let found = client.head_bucket().bucket(&bucket).customize().config_override(once).send().await;
        found.map_err(|error| failed(&at, &error))?;
        Ok(Self(Arc::new(Inner { client, signer, bucket, prefix, cache, at })))
    }
}

/// Whether there is no such thing. An answer to HEAD carries no code; a bucket that is gone is another matter.
fn absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let not_found = matches!(error, SdkError::ServiceError(answer) if answer.raw().status().as_u16() == 404);
    not_found && error.code() != Some("NoSuchBucket")
}

/// What an error means, in a sentence for people; what the library says of it goes to the log.
fn failed<E: std::error::Error + ProvideErrorMetadata + 'static>(at: &str, error: &SdkError<E>) -> BlobError {
    tracing::debug!(error = %DisplayErrorContext(error), at, "S3 did not do it");
    let at = at.to_string();
    let away = |what: String| BlobError::Unreachable { at: at.clone(), what };
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let what = refusal(status, error.code(), error.message());
            // Its own trouble, or too much at a time, or a clock that is being set.
            let passes = status >= 500 || matches!(status, 408 | 429) || error.code() == Some("RequestTimeTooSkewed");
            if passes { away(what) } else { BlobError::Refused { at, what } }
        }
        SdkError::TimeoutError(_) => away("it did not answer in time; see that it runs and that this machine reaches it".into()),
        SdkError::ResponseError(_) => away("its answer broke off, or was not S3's; see that the endpoint is one of S3".into()),
        other => {
            let deepest = deepest(other);
            let keys = deepest.contains("credential") || deepest.contains("identity");
            if keys {
                let what = "no access key was found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE";
                return BlobError::Refused { at, what: what.into() };
            }
            away(format!("{deepest}; see that it runs and that this machine reaches it"))
        }
    }
}

/// What S3 means by an answer, and what to do about it.
fn refusal(status: u16, code: Option<&str>, message: Option<&str>) -> String {
    let named = code.map_or(String::new(), |code| format!(", {code}"));
    match (status, code.unwrap_or_default()) {
        (_, "RequestTimeTooSkewed") => "it says that this machine's clock is wrong; set it".into(),
        (403, _) => format!(
            "it does not let this access key in (403{named}); see the key, its secret, and what they may do with the bucket"
        ),
        (301 | 307, _) => {
            format!("the bucket is in another region or at another endpoint ({status}{named}); give ?region= or ?endpoint=")
        }
        (404, _) => format!("there is no such bucket ({status}{named}); make it, or name another"),
        (429 | 503, _) => format!("it is asked too much at a time ({status}{named})"),
        (500.., _) => format!("it has trouble of its own ({status}{named}); see its log"),
        _ => format!("it refuses ({status}{named}){}", message.map_or(String::new(), |message| format!(": {message}"))),
    }
}

/// What lies at the bottom of an error.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut bottom = error;
    while let Some(next) = bottom.source() {
        bottom = next;
    }
    bottom.to_string()
}

fn broken(at: &str, error: impl std::error::Error) -> BlobError {
    tracing::debug!(error = %DisplayErrorContext(&error), at, "a download from S3 broke off");
    BlobError::Unreachable { at: at.into(), what: format!("a download broke off: {}", deepest(&error)) }
}

/// An open multipart upload of this process: aborted if it is dropped unfinished.
struct Multipart<'a> {
    inner: &'a Arc<Inner>,
    key: String,
    id: String,
    open: bool,
}

impl Drop for Multipart<'_> {
    fn drop(&mut self) {
        if self.open {
            let (inner, key, id) = (Arc::clone(self.inner), self.key.clone(), self.id.clone());
            tokio::spawn(async move {
                if let Err(error) = inner.abort(&key, &id).await {
                    tracing::warn!(%error, key, "a multipart upload is left for the sweep");
                }
            });
        }
    }
}

fn part_bytes(bytes: u64) -> u64 {
    PART_BYTES.max(bytes.div_ceil(PARTS_MAX))
}

/// Beginning and length of each part.
fn parts(bytes: u64) -> Vec<(u64, u64)> {
    let part = part_bytes(bytes);
    (0..bytes.div_ceil(part)).map(|n| (n * part, part.min(bytes - n * part))).collect()
}

/// S3 counts parts from 1.
fn part_number(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}

fn completed(etags: &[String]) -> CompletedMultipartUpload {
    let part = |(index, etag): (usize, &String)| CompletedPart::builder().part_number(part_number(index)).e_tag(etag).build();
    CompletedMultipartUpload::builder().set_parts(Some(etags.iter().enumerate().map(part).collect())).build()
}

impl Inner {
    fn key(&self, digest: Digest) -> String {
        let hex = digest.hex();
        format!("{}blobs/{}/{}", self.prefix, &hex[..2], &hex[2..])
    }

    /// The task's name is only there as a digest: names are never paths.
    fn upload_key(&self, name: &UploadName) -> String {
        let task = Digest::of(format!("{}\n{}", name.task.job.0, name.task.task).as_bytes()).hex();
        format!("{}uploads/{}/{}-{}", self.prefix, &task[..32], name.token.0, name.file)
    }

    async fn size_of(&self, key: &str) -> Result<Option<u64>, BlobError> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => Ok(found.content_length().and_then(|bytes| u64::try_from(bytes).ok())),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(failed(&self.at, &error)),
        }
    }

    /// One request, which is atomic by itself: the object is there whole, with its checksum right, or not at all.
    async fn put_object(&self, key: &str, body: ByteStream) -> Result<(), BlobError> {
        let put = self.client.put_object().bucket(&self.bucket).key(key).checksum_algorithm(ChecksumAlgorithm::Crc32).body(body);
        put.send().await.map(drop).map_err(|error| failed(&self.at, &error))
    }

    async fn create(self: &Arc<Self>, key: &str, checksums: bool) -> Result<String, BlobError> {
        let mut create = self.client.create_multipart_upload().bucket(&self.bucket).key(key);
        if checksums {
            create = create.checksum_algorithm(ChecksumAlgorithm::Crc32);
        }
        let made = create.send().await.map_err(|error| failed(&self.at, &error))?;
        let none = || BlobError::Refused { at: self.at.clone(), what: "it names no upload".into() };
        made.upload_id.ok_or_else(none)
    }

    async fn complete(&self, key: &str, id: &str, parts: CompletedMultipartUpload) -> Result<(), BlobError> {
        let complete = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(id).multipart_upload(parts);
        complete.send().await.map(drop).map_err(|error| failed(&self.at, &error))
    }

    async fn abort(&self, key: &str, id: &str) -> Result<(), BlobError> {
        match self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(id).send().await {
            Err(error) if !absent(&error) => Err(failed(&self.at, &error)),
            _ => Ok(()),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        match self.client.delete_object().bucket(&self.bucket).key(key).send().await {
            Err(error) if !absent(&error) => Err(failed(&self.at, &error)),
            _ => Ok(()),
        }
    }

    async fn upload(self: &Arc<Self>, file: &Path, bytes: u64, key: &str) -> Result<(), BlobError> {
        let stream = |offset, length| async move {
            let stream = ByteStream::read_from().path(file).offset(offset).length(Length::Exact(length)).build().await;
            stream.map_err(|error| BlobError::of(file, std::io::Error::other(error)))
        };
        if bytes <= PART_BYTES {
            return self.put_object(key, stream(0, bytes).await?).await;
        }
        let id = self.create(key, true).await?;
        let mut upload = Multipart { inner: self, key: key.into(), id, open: true };
        let send = |(index, (offset, length))| {
            let id = upload.id.clone();
            async move {
                let part = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(&id);
                let part = part.part_number(part_number(index)).checksum_algorithm(ChecksumAlgorithm::Crc32);
                let done = part.body(stream(offset, length).await?).send().await.map_err(|error| failed(&self.at, &error))?;
                let crc = done.checksum_crc32;
                Ok::<_, BlobError>(
                    CompletedPart::builder().part_number(part_number(index)).set_e_tag(done.e_tag).set_checksum_crc32(crc).build(),
                )
            }
        };
        let sent = stream::iter(parts(bytes).into_iter().enumerate()).map(send).buffered(PARALLEL);
        let sent: Vec<CompletedPart> = sent.try_collect().await?;
        self.complete(key, &upload.id, CompletedMultipartUpload::builder().set_parts(Some(sent)).build()).await?;
        upload.open = false;
        Ok(())
    }

    /// Passes an object's bytes on as they come, and gives their digest and number. `None`: there is no such object.
    async fn read<F: Future<Output = Result<(), BlobError>> + Send>(
        &self,
        key: &str,
        mut each: impl FnMut(bytes::Bytes) -> F + Send,
    ) -> Result<Option<(Digest, u64)>, BlobError> {
        let mut body = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(found) => found.body,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(failed(&self.at, &error)),
        };
        let (mut hasher, mut length) = (blake3::Hasher::new(), 0);
        while let Some(bytes) = body.try_next().await.map_err(|error| broken(&self.at, error))? {
            hasher.update(&bytes);
            length += bytes.len() as u64;
            each(bytes).await?;
        }
        Ok(Some((Digest(*hasher.finalize().as_bytes()), length)))
    }

    async fn copy(self: &Arc<Self>, from: &str, to: &str, bytes: u64) -> Result<(), BlobError> {
        let source = format!("{}/{from}", self.bucket);
        if bytes <= COPY_MAX {
            let copy = self.client.copy_object().bucket(&self.bucket).key(to).copy_source(source);
            return copy.send().await.map(drop).map_err(|error| failed(&self.at, &error));
        }
        let id = self.create(to, false).await?;
        let mut upload = Multipart { inner: self, key: to.into(), id, open: true };
        let send = |(index, (offset, length)): (usize, (u64, u64))| {
            let (id, source) = (upload.id.clone(), source.clone());
            async move {
                let range = format!("bytes={offset}-{}", offset + length - 1);
                let part = self.client.upload_part_copy().bucket(&self.bucket).key(to).upload_id(id).copy_source(source);
                let done = part.copy_source_range(range).part_number(part_number(index)).send().await;
                let done = done.map_err(|error| failed(&self.at, &error))?;
                Ok::<_, BlobError>(done.copy_part_result.and_then(|part| part.e_tag).unwrap_or_default())
            }
        };
        let sent = stream::iter(parts(bytes).into_iter().enumerate()).map(send).buffered(PARALLEL);
        let etags: Vec<String> = sent.try_collect().await?;
        self.complete(to, &upload.id, completed(&etags)).await?;
        upload.open = false;
        Ok(())
    }

    /// Everything under a part of the prefix: key, length, and when it was written.
    async fn list(&self, under: &str) -> Result<Vec<(String, u64, Millis)>, BlobError> {
        let prefix = format!("{}{under}/", self.prefix);
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for object in page.map_err(|error| failed(&self.at, &error))?.contents.unwrap_or_default() {
                let written = object.last_modified.and_then(|at| at.to_millis().ok()).and_then(|at| at.try_into().ok());
                let bytes = object.size.and_then(|bytes| bytes.try_into().ok()).unwrap_or(0);
                found.push((object.key.unwrap_or_default(), bytes, written.unwrap_or(0)));
            }
        }
        Ok(found)
    }

    /// Open multipart uploads under the prefix: key, id, and when they began. Ours alone are under it.
    async fn uploads(&self) -> Result<Vec<(String, String, Millis)>, BlobError> {
        let (mut found, mut after) = (Vec::new(), (None, None));
        loop {
            let ask = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(&self.prefix);
            let page = ask.set_key_marker(after.0).set_upload_id_marker(after.1).send().await;
            let page = page.map_err(|error| failed(&self.at, &error))?;
            for upload in page.uploads.unwrap_or_default() {
                let begun = upload.initiated.and_then(|at| at.to_millis().ok()).and_then(|at| at.try_into().ok());
                if let (Some(key), Some(id)) = (upload.key, upload.upload_id) {
                    found.push((key, id, begun.unwrap_or(0)));
                }
            }
            if !page.is_truncated.unwrap_or(false) {
                return Ok(found);
            }
            after = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    /// Brings a local copy.
    async fn bring(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        let folder = &self.cache.folder;
        let temporary = folder.temporary();
        let at = |error| BlobError::of(&temporary, error);
        let file = tokio::fs::File::create_new(&temporary).await.map_err(at)?;
        let file = Arc::new(tokio::sync::Mutex::new(file));
        let write = |bytes: bytes::Bytes| {
            let (file, path) = (Arc::clone(&file), temporary.clone());
            async move { file.lock().await.write_all(&bytes).await.map_err(|error| BlobError::of(&path, error)) }
        };
        let found = self.read(&self.key(digest), write).await;
        let flushed = file.lock().await.flush().await.map_err(at);
        let checked = match (found, flushed) {
            (Ok(None), _) => Err(BlobError::Missing(digest)),
            (Ok(Some((found, _))), Ok(())) if found != digest => Err(BlobError::Damaged(digest)),
            (Ok(Some((_, bytes))), Ok(())) => Ok(bytes),
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        match checked {
            Ok(bytes) => {
                folder.adopt(temporary, Some(digest)).await?;
                self.cache.added(bytes).await?;
                Ok(folder.path(digest))
            }
            Err(error) => {
                let _ = tokio::fs::remove_file(&temporary).await;
                if matches!(error, BlobError::Damaged(_)) {
                    self.delete(&self.key(digest)).await?;
                }
                Err(error)
            }
        }
    }

    /// The bytes that were uploaded become the artifact, if they are the right ones.
    async fn claim(self: &Arc<Self>, key: &str, bytes: u64, digest: Digest) -> Result<(), BlobError> {
        let found = self.read(key, |_| async { Ok(()) }).await?;
        if found == Some((digest, bytes)) {
            self.copy(key, &self.key(digest), bytes).await?;
        } else if found.is_none() && self.size_of(&self.key(digest)).await? == Some(bytes) {
            // An earlier call has finished it, and its answer was lost.
            return Ok(());
        }
        self.delete(key).await?;
        if found == Some((digest, bytes)) { Ok(()) } else { Err(BlobError::Damaged(digest)) }
    }
}

impl Blobs for S3 {
    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, BlobError> {
        let inner = &self.0;
        let digest = Digest::of(&bytes);
        if (bytes.len() as u64) <= PART_BYTES {
            inner.put_object(&inner.key(digest), ByteStream::from(bytes)).await?;
            return Ok(digest);
        }
        let cached = inner.cache.folder.put(bytes).await?;
        self.adopt(inner.cache.folder.path(cached), Some(digest)).await
    }

    async fn adopt(&self, file: PathBuf, expected: Option<Digest>) -> Result<Digest, BlobError> {
        let inner = &self.0;
        let path = file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let mut open = std::fs::File::open(&path)?;
            Ok::<_, std::io::Error>((digest_of(&mut open)?, open.metadata()?.len()))
        });
        let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let (digest, bytes) = read.map_err(|error| BlobError::of(&file, error))?;
        if let Some(expected) = expected
            && expected != digest
        {
            return Err(BlobError::Damaged(expected));
        }
        let key = inner.key(digest);
        if inner.size_of(&key).await? != Some(bytes) {
            inner.upload(&file, bytes, &key).await?;
        }
        // Whoever made it may be who reads it next.
        inner.cache.folder.adopt(file, Some(digest)).await?;
        inner.cache.added(bytes).await?;
        Ok(digest)
    }

    async fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let inner = &self.0;
        let key = inner.key(digest);
        let all = Arc::new(std::sync::Mutex::new(Vec::new()));
        let keep = |bytes: bytes::Bytes| {
            all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend_from_slice(&bytes);
            async { Ok(()) }
        };
        let Some((found, _)) = inner.read(&key, keep).await? else { return Err(BlobError::Missing(digest)) };
        if found != digest {
            inner.delete(&key).await?;
            return Err(BlobError::Damaged(digest));
        }
        Ok(std::mem::take(&mut *all.lock().unwrap_or_else(std::sync::PoisonError::into_inner)))
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        self.0.size_of(&self.0.key(digest)).await
    }

    async fn missing(&self, digests: BTreeSet<Digest>) -> Result<BTreeSet<Digest>, BlobError> {
        if digests.len() > ASK_MAX {
            let here: BTreeSet<Digest> = self.list().await?.into_iter().map(|(digest, _)| digest).collect();
            return Ok(digests.difference(&here).copied().collect());
        }
        let ask = |digest| async move { Ok::<_, BlobError>(self.size(digest).await?.is_none().then_some(digest)) };
        let asked = stream::iter(digests).map(ask).buffer_unordered(PARALLEL);
        asked.try_filter_map(|gone| async move { Ok(gone) }).try_collect().await
    }

    async fn fetch(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        match self.0.cache.hit(digest) {
            Some(path) => Ok(path),
            None => self.0.bring(digest).await,
        }
    }

    async fn list(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        let all = self.0.list("blobs").await?;
        let digest = |key: &str| {
            let (start, end) = key.rsplit_once('/')?;
            format!("{}{end}", start.rsplit('/').next()?).parse().ok()
        };
        let mut found: Vec<(Digest, u64)> = all.iter().filter_map(|(key, bytes, _)| Some((digest(key)?, *bytes))).collect();
        found.sort_unstable();
        Ok(found)
    }

    async fn remove(&self, digest: Digest) -> Result<(), BlobError> {
        self.0.cache.folder.remove(digest).await?;
        self.0.delete(&self.0.key(digest)).await
    }

    async fn link(&self, digest: Digest, valid: Duration) -> Result<Option<String>, BlobError> {
        let inner = &self.0;
        let config = presigning(&inner.at, valid)?;
        let get = inner.signer.get_object().bucket(&inner.bucket).key(inner.key(digest)).presigned(config).await;
        Ok(Some(get.map_err(|error| failed(&inner.at, &error))?.uri().into()))
    }

    async fn begin(&self, name: UploadName, bytes: u64, valid: Duration) -> Result<Option<Upload>, BlobError> {
        let inner = &self.0;
        let (key, config) = (inner.upload_key(&name), presigning(&inner.at, valid)?);
        if bytes <= PART_BYTES {
            let put = inner.signer.put_object().bucket(&inner.bucket).key(key).presigned(config).await;
            let url = put.map_err(|error| failed(&inner.at, &error))?.uri().into();
            return Ok(Some(Upload { name, id: None, urls: vec![url], part_bytes: PART_BYTES, bytes }));
        }
        let id = inner.create(&key, false).await?;
        let mut guard = Multipart { inner, key: key.clone(), id: id.clone(), open: true };
        let mut urls = Vec::new();
        for index in 0..parts(bytes).len() {
            let part = inner.signer.upload_part().bucket(&inner.bucket).key(&key).upload_id(&id).part_number(part_number(index));
            let part = part.presigned(config.clone()).await;
            urls.push(part.map_err(|error| failed(&inner.at, &error))?.uri().into());
        }
        guard.open = false;
        Ok(Some(Upload { name, id: Some(id), urls, part_bytes: part_bytes(bytes), bytes }))
    }

    async fn finish(&self, upload: &Upload, etags: &[String], digest: Digest) -> Result<(), BlobError> {
        let inner = &self.0;
        let key = inner.upload_key(&upload.name);
        if let Some(id) = &upload.id {
            match inner.complete(&key, id, completed(etags)).await {
                // Completed before, or never: the claim tells.
                Ok(()) | Err(BlobError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let claimed = inner.claim(&key, upload.bytes, digest).await;
        if let (Err(BlobError::Damaged(_)), Some(id)) = (&claimed, &upload.id) {
            inner.abort(&key, id).await?;
        }
        claimed
    }

    async fn abort(&self, upload: &Upload) -> Result<(), BlobError> {
        let key = self.0.upload_key(&upload.name);
        if let Some(id) = &upload.id {
            self.0.abort(&key, id).await?;
        }
        self.0.delete(&key).await
    }

    async fn sweep(&self, before: Millis) -> Result<u64, BlobError> {
        let mut swept = 0;
        for (key, id, _) in self.0.uploads().await?.into_iter().filter(|(_, _, begun)| *begun < before) {
            self.0.abort(&key, &id).await?;
            swept += 1;
        }
        for (key, ..) in self.0.list("uploads").await?.into_iter().filter(|(_, _, written)| *written < before) {
            self.0.delete(&key).await?;
            swept += 1;
        }
        Ok(swept)
    }
}

fn presigning(at: &str, valid: Duration) -> Result<PresigningConfig, BlobError> {
    PresigningConfig::expires_in(valid).map_err(|error| BlobError::Refused { at: at.into(), what: error.to_string() })
}
