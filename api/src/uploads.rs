//! Uploads that go on where they broke off: a file each in the farm's folder, which outlives the server.

use crate::{
    access::now,
    app::{App, Counts},
    artifacts::disk,
    problem::Trouble,
    sniff::SNIFFED_BYTES,
    stand::Stand,
};
use axum::body::Body;
use futures_util::StreamExt;
use http::StatusCode;
use klieg_assets::{AssetError, Assets};
use klieg_protocol::Digest;
use klieg_scheduler::Farm;
use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::{io::AsyncWriteExt, sync::watch};

/// How long an upload may stand still before its connection is given up.
const STALL: Duration = Duration::from_secs(30);

/// The files of uploads that are under way.
#[derive(Clone)]
pub struct Uploads(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    busy: Mutex<BTreeSet<String>>,
    /// Held while records and the farm's pins are changed together.
    turn: tokio::sync::Mutex<()>,
}

/// The right to write to an upload's file.
pub struct Writing {
    of: Uploads,
    id: String,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.of.busy().remove(&self.id);
    }
}

impl Uploads {
    /// In a folder that may not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Inner { folder, busy: Mutex::default(), turn: tokio::sync::Mutex::default() }))
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One writes at a time.
    pub fn write(&self, id: &str) -> Result<Writing, Trouble> {
        if self.busy().insert(id.to_owned()) {
            return Ok(Writing { of: self.clone(), id: id.to_owned() });
        }
        let detail = "bytes of this upload come by another connection, which may be broken: again in a moment";
        Err(Trouble::later(StatusCode::CONFLICT, detail, Duration::from_secs(1)).coded("upload-busy"))
    }

    /// Held while records and pins are changed together.
    pub async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    /// Where an upload's bytes are. Its id is one of ours: no path can be made of it.
    pub fn path(&self, id: &str) -> PathBuf {
        self.0.folder.join(id)
    }

    /// How many bytes have come; `None`: there is no file.
    pub async fn length(&self, id: &str) -> Result<Option<u64>, Trouble> {
        match tokio::fs::metadata(self.path(id)).await {
            Ok(meta) => Ok(Some(meta.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk(error)),
        }
    }

    /// Throws an upload's bytes away.
    pub async fn clear(&self, id: &str) -> Result<(), Trouble> {
        match tokio::fs::remove_file(self.path(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(error)),
            _ => Ok(()),
        }
    }
}

/// Adds what comes to an upload's file, up to `room` bytes. What has come stays, also when more does not come: it is on disk when this is
/// done. Not stopped in the middle by a caller that goes away.
pub async fn pour(app: &App, writing: Writing, body: Body, room: u64) -> (Writing, Result<(), Trouble>) {
    let app = app.clone();
    let (of, id) = (writing.of.clone(), writing.id.clone());
    let poured = tokio::spawn(async move {
        let poured = append(&app, &writing.of.path(&writing.id), body, room).await;
        (writing, poured)
    });
    match poured.await {
        Ok(done) => done,
        Err(error) => (Writing { of, id }, Err(disk(io::Error::other(error)))),
    }
}

async fn append(app: &App, path: &Path, body: Body, room: u64) -> Result<(), Trouble> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await.map_err(disk)?;
    }
    let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await.map_err(disk)?;
    let came = chunks(app, &mut file, body, room).await;
    file.flush().await.map_err(disk)?;
    file.sync_data().await.map_err(disk)?;
    came
}

async fn chunks(app: &App, file: &mut tokio::fs::File, body: Body, mut room: u64) -> Result<(), Trouble> {
    let broken = |what: String| {
        let detail = format!("the upload broke off: {what}; what has come is kept, and HEAD says how much that is");
        Trouble::new(StatusCode::BAD_REQUEST, detail).coded("upload-broke-off")
    };
    let mut chunks = body.into_data_stream();
    loop {
        let chunk = tokio::time::timeout(STALL, chunks.next()).await;
        let chunk = chunk.map_err(|_| broken(format!("no bytes for {} s", STALL.as_secs())))?;
        let Some(chunk) = chunk.transpose().map_err(|error| broken(error.to_string()))? else { return Ok(()) };
        let count = chunk.len() as u64;
        if count > room {
            let detail = format!("more bytes come than were announced: there was room for {room} more");
            return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, detail).coded("too-many-bytes"));
        }
        file.write_all(&chunk).await.map_err(disk)?;
        room -= count;
        Counts::add(&app.counts.bytes_in, count);
    }
}

/// A file's digest and how it begins.
pub async fn look(path: PathBuf) -> Result<(Digest, Vec<u8>), Trouble> {
    let looked = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(&path)?)?;
        Ok((Digest(*hasher.finalize().as_bytes()), begins(&path)?))
    });
    looked.await.map_err(|error| disk(io::Error::other(error)))?.map_err(disk)
}

/// How a file begins.
pub fn begins(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(SNIFFED_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Throws away what nobody goes on with, as long as the server runs and whenever it leads.
pub async fn tidy(app: App, mut stand: watch::Receiver<Stand>) {
    loop {
        let farm = match &*stand.borrow_and_update() {
            Stand::Leading(farm) => Some(farm.clone()),
            _ => None,
        };
        if let (Some(farm), Ok(assets)) = (farm, app.assets())
            && let Err(error) = sweep(&app, &farm, assets).await
        {
            tracing::warn!(?error, "uploads that nobody goes on with stay for now");
        }
        let changed = tokio::time::timeout(app.limits.uploads_tidied_every, stand.changed()).await;
        if matches!(changed, Ok(Err(_))) {
            return;
        }
    }
}

async fn sweep(app: &App, farm: &Farm, assets: &Assets) -> Result<(), Trouble> {
    let kept = app.limits.upload_kept;
    for upload in assets.stale(now() - i64::try_from(kept.as_secs()).unwrap_or(i64::MAX)).await? {
        let Ok(_writing) = app.uploads.write(&upload.id) else { continue };
        tracing::info!(upload = upload.id, "an upload that nobody went on with is removed");
        app.uploads.clear(&upload.id).await?;
        match assets.end(&upload.id).await {
            Err(AssetError::Missing(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // A file whose record is gone, or that another server's upload of this folder has left.
    for (id, age) in files(&app.uploads.0.folder) {
        if age > kept && matches!(assets.upload(&id).await, Err(AssetError::Missing(_))) {
            app.uploads.clear(&id).await?;
        }
    }
    // What was pinned for a record that did not come to be.
    let _turn = app.uploads.turn().await;
    for digest in farm.kept().await? {
        if !assets.has(&digest.hex()).await? {
            farm.release(digest).await?;
        }
    }
    Ok(())
}

/// The files of a folder by name, and how long ago they were written.
fn files(folder: &Path) -> Vec<(String, Duration)> {
    #[expect(clippy::disallowed_methods, reason = "files have the system's times")]
    let now = SystemTime::now();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let file = |entry: std::fs::DirEntry| {
        let age = now.duration_since(entry.metadata().ok()?.modified().ok()?).unwrap_or_default();
        Some((entry.file_name().into_string().ok()?, age))
    };
    entries.filter_map(file).collect()
}
