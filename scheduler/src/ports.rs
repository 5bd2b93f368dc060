//! Which implementation of a port a farm uses, chosen by URL.

use crate::{
    FarmError, FarmOptions,
    blobs::{BlobError, Blobs, Folder, S3, Upload, UploadName},
    bus::{Bus, BusError, Cursor, InProcess, Nats, Page, Request, Stamp},
    state::{Job, Millis},
    step::Attempt,
    store::{Batch, Cached, Epoch, Leadership, Postgres, Sqlite, Standing, Store, StoreError, Summary},
};
use klieg_protocol::{Digest, Event, JobId, Offer};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::mpsc;

/// Events of a job that the embedded bus keeps.
const EVENTS_PER_JOB_MAX: usize = 100_000;

/// A port's two implementations as one type that passes every call on.
macro_rules! any {
    ($(#[$doc:meta])* $any:ident: $port:ident { $near:ident($near_type:ty), $far:ident($far_type:ty) }
     $(fn $name:ident($($arg:ident: $of:ty),*) -> $out:ty;)*) => {
        $(#[$doc])*
        pub enum $any { $near($near_type), $far($far_type) }

        impl $port for $any {
            $(async fn $name(&self, $($arg: $of),*) -> $out {
                match self {
                    Self::$near(it) => it.$name($($arg),*).await,
                    Self::$far(it) => it.$name($($arg),*).await,
                }
            })*
        }
    };
}

any! {
    /// Where the truth is kept.
    AnyStore: Store { Sqlite(Box<Sqlite>), Postgres(Box<Postgres>) }
    fn leadership() -> Result<Leadership, StoreError>;
    fn lead(seen: &Leadership, leader: &str) -> Result<Epoch, StoreError>;
    fn beat(epoch: Epoch) -> Result<(), StoreError>;
    fn resign(epoch: Epoch) -> Result<(), StoreError>;
    fn commit(epoch: Epoch, number: u64, batch: &Batch) -> Result<(), StoreError>;
    fn committed(epoch: Epoch) -> Result<u64, StoreError>;
    fn unfinished() -> Result<Vec<Job>, StoreError>;
    fn job(id: &JobId) -> Result<Option<Job>, StoreError>;
    fn attempts(job: &JobId) -> Result<Vec<Attempt>, StoreError>;
    fn summary(id: &JobId) -> Result<Option<Summary>, StoreError>;
    fn summaries(jobs: &[JobId]) -> Result<Vec<Summary>, StoreError>;
    fn page(before: Option<&JobId>, most: u32) -> Result<Vec<Job>, StoreError>;
    fn list() -> Result<Vec<Summary>, StoreError>;
    fn nodes() -> Result<Vec<Offer>, StoreError>;
    fn standing() -> Result<Standing, StoreError>;
    fn highest() -> Result<(u64, u64), StoreError>;
    fn results(identities: &[Digest]) -> Result<BTreeMap<Digest, Cached>, StoreError>;
    fn all_results() -> Result<Vec<Cached>, StoreError>;
    fn results_bytes() -> Result<u64, StoreError>;
    fn forget(identities: &[Digest]) -> Result<(), StoreError>;
    fn pin(digest: Digest) -> Result<(), StoreError>;
    fn unpin(digest: Digest) -> Result<(), StoreError>;
    fn pins() -> Result<Vec<Digest>, StoreError>;
    fn names(digest: Digest) -> Result<bool, StoreError>;
    fn prune(keep: u32) -> Result<(), StoreError>;
    fn remove(job: &JobId) -> Result<bool, StoreError>;
    fn ask_cancel(job: &JobId, now: Millis) -> Result<(), StoreError>;
    fn cancels() -> Result<Vec<JobId>, StoreError>;
    fn close() -> ();
}

any! {
    /// Where events and messages go.
    AnyBus: Bus { InProcess(InProcess), Nats(Box<Nats>) }
    fn begin(job: &JobId, stamp: Stamp, events: Vec<Event>) -> ();
    fn publish(job: &JobId, stamp: Stamp, events: Vec<Event>) -> ();
    fn knows(job: &JobId) -> bool;
    fn read(job: &JobId, from: Cursor) -> Page;
    fn ask(subject: &str, body: Vec<u8>, patience: Duration) -> Result<Vec<u8>, BusError>;
    fn serve(subject: &str) -> Result<mpsc::Receiver<Request>, BusError>;
    fn tell(subject: &str, body: Vec<u8>) -> ();
    fn listen(subject: &str) -> Result<mpsc::Receiver<Vec<u8>>, BusError>;
    fn close() -> ();
}

any! {
    /// Where artifacts are kept.
    AnyBlobs: Blobs { Folder(Folder), S3(S3) }
    fn put(bytes: Vec<u8>) -> Result<Digest, BlobError>;
    fn adopt(file: PathBuf, expected: Option<Digest>) -> Result<Digest, BlobError>;
    fn get(digest: Digest) -> Result<Vec<u8>, BlobError>;
    fn size(digest: Digest) -> Result<Option<u64>, BlobError>;
    fn missing(digests: BTreeSet<Digest>) -> Result<BTreeSet<Digest>, BlobError>;
    fn fetch(digest: Digest) -> Result<PathBuf, BlobError>;
    fn list() -> Result<Vec<(Digest, u64)>, BlobError>;
    fn remove(digest: Digest) -> Result<(), BlobError>;
    fn link(digest: Digest, valid: Duration) -> Result<Option<String>, BlobError>;
    fn begin(name: UploadName, bytes: u64, valid: Duration) -> Result<Option<Upload>, BlobError>;
    fn finish(upload: &Upload, etags: &[String], digest: Digest) -> Result<(), BlobError>;
    fn abort(upload: &Upload) -> Result<(), BlobError>;
    fn sweep(before: Millis) -> Result<u64, BlobError>;
}

/// A URL that names no implementation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the {port} {url:?}: want {want}")]
pub struct UnknownPort {
    pub port: &'static str,
    pub url: String,
    pub want: &'static str,
}

/// What stands behind a port's URL, by its scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Near,
    Far,
}

fn named(port: &'static str, url: &str, near: bool, far: &[&str], want: &'static str) -> Result<Named, UnknownPort> {
    match (near, far.iter().any(|scheme| url.starts_with(scheme))) {
        (true, _) => Ok(Named::Near),
        (_, true) => Ok(Named::Far),
        _ => Err(UnknownPort { port, url: masked(url), want }),
    }
}

fn store(url: &str) -> Result<Named, UnknownPort> {
    let want = "sqlite:FILE or postgres://USER@HOST/DATABASE";
    named("store", url, url.starts_with("sqlite:"), &["postgres://", "postgresql://"], want)
}

fn bus(url: &str) -> Result<Named, UnknownPort> {
    named("bus", url, url == "in-process", &["nats://", "tls://"], "in-process or nats://HOST")
}

fn blobs(url: &str) -> Result<Named, UnknownPort> {
    named("blobs", url, !url.is_empty() && !url.contains("://"), &["s3://"], "s3://BUCKET/PREFIX or a folder")
}

/// A URL that may be shown: without its password.
fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match place.rsplit_once('@') {
        Some((who, host)) => format!("{scheme}://{}@{host}{path}", who.split(':').next().unwrap_or_default()),
        None => url.into(),
    }
}

/// What is wrong with the URLs of a farm that several servers may share, before anything is opened. Those that share a store have to
/// share the artifacts: a folder is one server's own, and whoever takes over would not find them.
pub fn check(options: &FarmOptions) -> Result<(), UnknownPort> {
    let shared = options.store.as_deref().map(store).transpose()? == Some(Named::Far);
    options.bus.as_deref().map(bus).transpose()?;
    let kept = options.blobs.as_deref().map(blobs).transpose()?.unwrap_or(Named::Near);
    match (shared, kept) {
        (true, Named::Near) => {
            let url = options.blobs.clone().unwrap_or_else(|| "a folder of this server's own".into());
            let want = "s3://BUCKET/PREFIX, because servers that share a store share its artifacts too";
            Err(UnknownPort { port: "blobs", url, want })
        }
        _ => Ok(()),
    }
}

impl AnyStore {
    /// `sqlite:PATH` or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self, FarmError> {
        Ok(match store(url)? {
            Named::Near => Self::Sqlite(Box::new(Sqlite::open(Path::new(url.trim_start_matches("sqlite:"))).await?)),
            Named::Far => Self::Postgres(Box::new(Postgres::open(url).await?)),
        })
    }

    /// Whether other machines may use it too, so that the lead has to be won and kept.
    pub fn shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl AnyBus {
    /// `in-process` or `nats://…`.
    pub async fn open(url: &str) -> Result<Self, FarmError> {
        Ok(match bus(url)? {
            Named::Near => Self::InProcess(InProcess::new(EVENTS_PER_JOB_MAX)),
            Named::Far => Self::Nats(Box::new(Nats::open(url).await?)),
        })
    }
}

impl AnyBlobs {
    /// `s3://BUCKET/PREFIX`, or the path of a folder. `cache`: where copies of what is in S3 are kept, of so many bytes.
    pub async fn open(url: &str, cache: &Path, cache_bytes_max: u64) -> Result<Self, FarmError> {
        Ok(match blobs(url)? {
            Named::Near => Self::Folder(Folder::open(Path::new(url))?),
            Named::Far => Self::S3(S3::open(url, cache, cache_bytes_max).await?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_of_no_implementation_says_what_there_is() {
        let store = AnyStore::open("mysql://x").await.err().map(|e| e.to_string());
        assert_eq!(store.unwrap(), r#"read the store "mysql://x": want sqlite:FILE or postgres://USER@HOST/DATABASE"#);
        let bus = AnyBus::open("redis://x").await.err().map(|e| e.to_string());
        assert_eq!(bus.unwrap(), r#"read the bus "redis://x": want in-process or nats://HOST"#);
        let blobs = AnyBlobs::open("gs://x", Path::new("x"), 0).await.err().map(|e| e.to_string());
        assert_eq!(blobs.unwrap(), r#"read the blobs "gs://x": want s3://BUCKET/PREFIX or a folder"#);
    }

    #[test]
    fn a_farms_urls_are_looked_at_before_anything_is_opened() {
        let of = |store: Option<&str>, bus: Option<&str>, blobs: Option<&str>| {
            let [store, bus, blobs] = [store, bus, blobs].map(|url| url.map(String::from));
            check(&FarmOptions { store, bus, blobs, ..FarmOptions::default() }).map_err(|error| error.to_string())
        };
        let (postgres, s3) = (Some("postgres://klieg:secret@h/d"), Some("s3://b/p"));
        assert_eq!(
            [of(None, None, None), of(postgres, Some("nats://h"), s3), of(None, None, Some("folder"))],
            [Ok(()), Ok(()), Ok(())]
        );
        for blobs in [None, Some("folder")] {
            let told = of(postgres, None, blobs).unwrap_err();
            assert!(told.contains("want s3://BUCKET/PREFIX, because servers that share a store"), "{told}");
        }
        for told in [of(Some("mysql://u:secret@h/d"), None, None), of(None, Some("redis://u:secret@h"), None)] {
            let told = told.unwrap_err();
            assert!(told.contains("://u@h") && !told.contains("secret"), "{told}");
        }
        assert!(of(None, None, Some("ftp://x/y")).unwrap_err().contains("want s3://BUCKET/PREFIX or a folder"));
    }

    #[tokio::test]
    async fn what_cannot_be_reached_is_named_and_may_be_tried_again() {
        // Port 1 is reserved; nothing listens on it.
        let store = AnyStore::open("postgres://klieg:secret@127.0.0.1:1/farm").await.err().unwrap();
        let text = store.to_string();
        assert!(store.retryable() && text.contains("postgres://127.0.0.1:1/farm") && !text.contains("secret"), "{text}");
        let bus = AnyBus::open("nats://klieg:secret@127.0.0.1:1").await.err().unwrap();
        let text = bus.to_string();
        assert!(bus.retryable() && text.contains("nats://127.0.0.1:1") && !text.contains("secret"), "{text}");
    }
}
