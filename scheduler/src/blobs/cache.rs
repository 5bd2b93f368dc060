//! Local copies of remote artifacts, within bounds.

use super::{BlobError, Folder};
use klieg_protocol::Digest;
use std::{
    fs::{File, Metadata},
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

/// A copy that somebody fetched stays for so long, even if that exceeds the bound.
const STAY: Duration = Duration::from_secs(600);

/// A folder of artifacts of which the least recently fetched go.
pub struct Cache {
    pub folder: Folder,
    bytes_max: u64,
    /// Since the last look at all of it.
    added: AtomicU64,
}

impl Cache {
    pub fn new(folder: Folder, bytes_max: u64) -> Self {
        // The first addition looks.
        Self { folder, bytes_max, added: AtomicU64::new(bytes_max) }
    }

    /// Where a copy is, which counts as fetched now.
    pub fn hit(&self, digest: Digest) -> Option<PathBuf> {
        let path = self.folder.path(digest);
        let file = File::open(&path).ok()?;
        // A copy that cannot be marked goes earlier.
        let _ = file.set_modified(now(&self.folder)?);
        Some(path)
    }

    /// Makes room after something was added.
    pub async fn added(&self, bytes: u64) -> Result<(), BlobError> {
        if self.added.fetch_add(bytes, Ordering::Relaxed) + bytes < self.bytes_max / 8 {
            return Ok(());
        }
        self.added.store(0, Ordering::Relaxed);
        let folder = self.folder.clone();
        let bytes_max = self.bytes_max;
        let gone = tokio::task::spawn_blocking(move || surplus(&folder, bytes_max));
        for digest in gone.await.unwrap_or_default() {
            super::Blobs::remove(&self.folder, digest).await?;
        }
        Ok(())
    }
}

/// The file system's clock, which is the one that its files' times are compared with.
fn now(folder: &Folder) -> Option<SystemTime> {
    let file = tempfile_in(folder)?;
    let now = file.0.metadata().and_then(|m| m.modified()).ok();
    let _ = std::fs::remove_file(file.1);
    now
}

fn tempfile_in(folder: &Folder) -> Option<(File, PathBuf)> {
    let path = folder.temporary();
    File::create_new(&path).ok().map(|file| (file, path))
}

/// What has to go, oldest first.
fn surplus(folder: &Folder, bytes_max: u64) -> Vec<Digest> {
    let (Some(now), Ok(all)) = (now(folder), folder.list_now()) else { return Vec::new() };
    let age = |meta: &Metadata| meta.modified().ok().and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
    let mut copies: Vec<(Duration, u64, Digest)> = all
        .into_iter()
        .filter_map(|(digest, bytes)| Some((age(&std::fs::metadata(folder.path(digest)).ok()?), bytes, digest)))
        .collect();
    copies.sort_unstable_by(|a, b| b.cmp(a));
    let mut total: u64 = copies.iter().map(|(_, bytes, _)| bytes).sum();
    let mut gone = Vec::new();
    for (age, bytes, digest) in copies {
        if total <= bytes_max || age < STAY {
            break;
        }
        total -= bytes;
        gone.push(digest);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::Blobs;

    #[tokio::test]
    async fn the_least_recently_fetched_go_and_fresh_ones_stay() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let cache = Cache::new(folder.clone(), 2_500);
        let mut all = Vec::new();
        for n in 0..5u8 {
            let digest = folder.put(vec![n; 1_000]).await.unwrap();
            // Hours old, the first the oldest.
            let age = STAY * (20 - u32::from(n));
            File::open(folder.path(digest)).unwrap().set_modified(now(&folder).unwrap() - age).unwrap();
            all.push(digest);
        }
        assert!(cache.hit(all[0]).is_some() && cache.hit(Digest::of(b"none")).is_none());
        cache.added(1_000).await.unwrap();
        let left: Vec<bool> = all.iter().map(|digest| folder.path(*digest).exists()).collect();
        assert_eq!(left, [true, false, false, false, true]);
        let fresh = Cache::new(folder.clone(), 0);
        assert!(fresh.hit(all[4]).is_some());
        fresh.added(1).await.unwrap();
        assert!(folder.path(all[4]).exists() && folder.path(all[0]).exists(), "what was just fetched is in use");
    }
}
