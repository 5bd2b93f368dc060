//! Artifacts on a node's disk: what was fetched, and what was made here until the farm has it.

use klieg_protocol::Digest;
use nix::{
    fcntl::AT_FDCWD,
    sys::{
        stat::{UtimensatFlags, utimensat},
        time::TimeSpec,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("use the cache {}: another klieg uses it; give this one its own with --cache DIR", .0.display())]
    Busy(PathBuf),
    #[error("use the cache {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// A folder of artifacts with a bound, shared by all clones. Past the bound the least recently used one goes, but none that is
/// pinned: what an attempt at hand uses, and what the farm has not yet.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    root: PathBuf,
    bytes_max: u64,
    next: AtomicU64,
    shelf: Mutex<Shelf>,
    #[expect(dead_code, reason = "held for its lock")]
    lock: File,
}

#[derive(Default)]
struct Shelf {
    /// Length, and when it was used last.
    files: BTreeMap<Digest, (u64, u64)>,
    by_use: BTreeSet<(u64, Digest)>,
    pins: BTreeMap<Digest, u32>,
    bytes: u64,
    uses: u64,
}

impl Cache {
    /// Opens or creates a cache for this process alone. What an earlier one left half-written is thrown away.
    pub fn open(root: &Path, bytes_max: u64) -> Result<Self, CacheError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { path, source }
        };
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join("lock");
        let lock = File::options().write(true).create(true).truncate(false).open(&path).map_err(at(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CacheError::Busy(root.into())),
            Err(TryLockError::Error(source)) => return Err(CacheError::Io { path, source }),
        }
        let (temp, scratch) = (root.join("temp"), root.join("scratch"));
        match fs::remove_dir_all(&temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&temp)(error)),
            _ => fs::create_dir_all(&temp).map_err(at(&temp))?,
        }
        // What dead agents have left there the next one ends and removes.
        fs::create_dir_all(&scratch).map_err(at(&scratch))?;
        let artifacts = root.join("artifacts");
        fs::create_dir_all(&artifacts).map_err(at(&artifacts))?;
        let mut shelf = Shelf::default();
        for (_, digest, bytes) in scan(&artifacts).map_err(at(&artifacts))? {
            shelf.add(digest, bytes);
        }
        let inner = Inner { root: root.into(), bytes_max, next: AtomicU64::new(0), shelf: Mutex::new(shelf), lock };
        let cache = Self(Arc::new(inner));
        cache.evict();
        Ok(cache)
    }

    /// A folder for attempts' files, on the same file system.
    pub fn scratch(&self) -> PathBuf {
        self.0.root.join("scratch")
    }

    /// A path for a file in the making; nobody else gets the same.
    pub fn temporary(&self) -> PathBuf {
        self.0.root.join("temp").join(self.0.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    fn place(&self, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        self.0.root.join("artifacts").join(&hex[..2]).join(&hex[2..])
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where an artifact lies, if it does. Notes the use.
    pub fn get(&self, digest: Digest) -> Option<PathBuf> {
        let mut shelf = self.shelf();
        let (bytes, _) = *shelf.files.get(&digest)?;
        let place = self.place(digest);
        if !fs::metadata(&place).is_ok_and(|meta| meta.len() == bytes) {
            shelf.remove(digest);
            return None;
        }
        shelf.touch(digest);
        // For the order after a restart only.
        let _ = utimensat(AT_FDCWD, &place, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW, UtimensatFlags::FollowSymlink);
        Some(place)
    }

    /// How long it is, if it is there.
    pub fn size(&self, digest: Digest) -> Option<u64> {
        self.shelf().files.get(&digest).map(|(bytes, _)| *bytes)
    }

    /// Takes over a finished file whose bytes have that digest, by rename; durable when done. Gives its place.
    pub fn adopt(&self, digest: Digest, file: &Path) -> io::Result<PathBuf> {
        let place = self.place(digest);
        let open = File::open(file)?;
        let bytes = open.metadata()?.len();
        open.sync_all()?;
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
            fs::rename(file, &place)?;
            File::open(parent)?.sync_all()?;
        }
        self.shelf().add(digest, bytes);
        self.evict();
        Ok(place)
    }

    /// Throws an artifact away, pinned or not: its bytes are damaged.
    pub fn remove(&self, digest: Digest) {
        self.shelf().remove(digest);
        let _ = fs::remove_file(self.place(digest));
    }

    /// Keeps an artifact, there or not yet, until it is unpinned as often.
    pub fn pin(&self, digest: Digest) {
        *self.shelf().pins.entry(digest).or_default() += 1;
    }

    /// Takes one pin back.
    pub fn unpin(&self, digest: Digest) {
        let mut shelf = self.shelf();
        if let Some(pins) = shelf.pins.get_mut(&digest) {
            *pins -= 1;
            if *pins == 0 {
                shelf.pins.remove(&digest);
            }
        }
        drop(shelf);
        self.evict();
    }

    /// Bytes of everything that is there.
    pub fn bytes(&self) -> u64 {
        self.shelf().bytes
    }

    fn evict(&self) {
        let mut shelf = self.shelf();
        while shelf.bytes > self.0.bytes_max {
            let Some(oldest) = shelf.by_use.iter().map(|(_, digest)| *digest).find(|digest| !shelf.pins.contains_key(digest))
            else {
                return;
            };
            shelf.remove(oldest);
            let _ = fs::remove_file(self.place(oldest));
        }
    }
}

impl Shelf {
    fn add(&mut self, digest: Digest, bytes: u64) {
        self.remove(digest);
        self.bytes += bytes;
        self.uses += 1;
        self.files.insert(digest, (bytes, self.uses));
        self.by_use.insert((self.uses, digest));
    }

    fn touch(&mut self, digest: Digest) {
        if let Some((bytes, _)) = self.files.get(&digest).copied() {
            self.add(digest, bytes);
        }
    }

    fn remove(&mut self, digest: Digest) {
        if let Some((bytes, used)) = self.files.remove(&digest) {
            self.bytes -= bytes;
            self.by_use.remove(&(used, digest));
        }
    }
}

/// Everything there, least recently used first.
fn scan(artifacts: &Path) -> io::Result<Vec<(std::time::SystemTime, Digest, u64)>> {
    let mut found = Vec::new();
    for shelf in fs::read_dir(artifacts)? {
        let shelf = shelf?;
        if !shelf.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(shelf.path())? {
            let file = file?;
            let name = format!("{}{}", shelf.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            if let (Ok(digest), Ok(meta)) = (name.parse(), file.metadata()) {
                found.push((meta.modified()?, digest, meta.len()));
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(cache: &Cache, bytes: &[u8]) -> Digest {
        let file = cache.temporary();
        fs::write(&file, bytes).unwrap();
        let digest = Digest::of(bytes);
        cache.adopt(digest, &file).unwrap();
        digest
    }

    #[test]
    fn the_least_recently_used_goes_and_what_is_pinned_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 30).unwrap();
        let (one, two) = (put(&cache, b"0123456789"), put(&cache, b"1123456789"));
        cache.pin(two);
        let three = put(&cache, b"2123456789");
        assert!(cache.get(one).is_some(), "used again");
        let four = put(&cache, b"3123456789");
        assert_eq!([one, two, three, four].map(|digest| cache.get(digest).is_some()), [true, true, false, true]);
        assert_eq!(cache.bytes(), 30);
        cache.pin(one);
        cache.pin(four);
        let five = put(&cache, &[5; 20]);
        assert!(cache.get(one).is_some() && cache.get(two).is_some() && cache.get(four).is_some());
        assert!(cache.get(five).is_none(), "the only one that may go");
        cache.unpin(two);
        cache.unpin(one);
        put(&cache, &[6; 15]);
        assert!(cache.bytes() <= 30 && cache.get(four).is_some());
    }

    #[test]
    fn it_is_found_again_and_belongs_to_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), 100).unwrap();
        let kept = put(&cache, b"kept");
        fs::write(cache.temporary(), "half").unwrap();
        assert!(matches!(Cache::open(folder.path(), 100), Err(CacheError::Busy(_))));
        drop(cache);
        let cache = Cache::open(folder.path(), 100).unwrap();
        assert_eq!(fs::read(cache.get(kept).unwrap()).unwrap(), b"kept");
        assert_eq!(fs::read_dir(folder.path().join("temp")).unwrap().count(), 0);
        fs::write(cache.get(kept).unwrap(), "shorter or longer").unwrap();
        assert_eq!(cache.get(kept), None, "what has another length is not it");
    }
}
