use super::{BlobError, Blobs, Upload, UploadName};
use crate::state::Millis;
use klieg_protocol::Digest;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// `ab/cdef…` under one folder. A file is written in `temp/` beside them, synced, and renamed to its name.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    root: PathBuf,
    temp: PathBuf,
    next: AtomicU64,
}

impl Folder {
    /// Opens or creates the folder, and throws away what writers that died have left in `temp/`. There must be one owner.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let temp = root.join("temp");
        match fs::remove_dir_all(&temp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BlobError::of(&temp, error)),
            _ => fs::create_dir_all(&temp).map_err(|e| BlobError::of(&temp, e))?,
        }
        Ok(Self(Arc::new(Inner { root: root.into(), temp, next: AtomicU64::new(0) })))
    }

    /// Where `digest` is kept under `root`, open or not.
    pub fn place(root: &Path, digest: Digest) -> PathBuf {
        let hex = digest.hex();
        root.join(&hex[..2]).join(&hex[2..])
    }

    /// Where it is kept, there or not.
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.0.place(digest)
    }

    /// A name for a file that is to be adopted. What stays there is thrown away at the next start.
    pub(super) fn temporary(&self) -> PathBuf {
        self.0.temporary()
    }

    /// `list`, at once.
    pub(super) fn list_now(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        self.0.list()
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let inner = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(done) => done,
            Err(error) => Err(BlobError::Io { path: self.0.root.clone(), source: io::Error::other(error) }),
        }
    }
}

impl Inner {
    fn place(&self, digest: Digest) -> PathBuf {
        Folder::place(&self.root, digest)
    }

    fn temporary(&self) -> PathBuf {
        self.temp.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        let place = self.place(digest);
        match fs::metadata(&place) {
            Ok(meta) => Ok(meta.is_file().then_some(meta.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BlobError::of(&place, error)),
        }
    }

    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = Digest::of(bytes);
        let place = self.place(digest);
        if fs::metadata(&place).is_ok_and(|m| m.len() == bytes.len() as u64) {
            return Ok(digest);
        }
        let temporary = self.temporary();
        let written = File::create_new(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        match written {
            Ok(()) => self.settle(&temporary, &place).map(|()| digest),
            Err(error) => {
                // The write's error is the one to tell; what stays is thrown away at the next start.
                let _ = fs::remove_file(&temporary);
                Err(BlobError::of(&self.root, error))
            }
        }
    }

    /// Renames a synced file to its place and makes the name durable.
    fn settle(&self, from: &Path, place: &Path) -> Result<(), BlobError> {
        let parent = place.parent().unwrap_or(&self.root);
        let settled =
            fs::create_dir_all(parent).and_then(|()| fs::rename(from, place)).and_then(|()| File::open(parent)?.sync_all());
        settled.map_err(|e| BlobError::of(place, e))
    }

    fn adopt(&self, file: &Path, expected: Option<Digest>) -> Result<Digest, BlobError> {
        let at = |e| BlobError::of(file, e);
        let mut open = File::open(file).map_err(at)?;
        let digest = digest_of(&mut open).map_err(at)?;
        if let Some(expected) = expected
            && expected != digest
        {
            return Err(BlobError::Damaged(expected));
        }
        let place = self.place(digest);
        open.sync_all().map_err(at)?;
        match self.settle(file, &place) {
            Err(BlobError::Io { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => self.copy(file, &place)?,
            other => other?,
        }
        Ok(digest)
    }

    fn copy(&self, file: &Path, place: &Path) -> Result<(), BlobError> {
        let temporary = self.temporary();
        let copied = fs::copy(file, &temporary).and_then(|_| File::open(&temporary)?.sync_all());
        if let Err(error) = copied {
            let _ = fs::remove_file(&temporary);
            return Err(BlobError::of(&self.root, error));
        }
        self.settle(&temporary, place)?;
        fs::remove_file(file).map_err(|e| BlobError::of(file, e))
    }

    fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let place = self.place(digest);
        let bytes = match fs::read(&place) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::Missing(digest)),
            Err(error) => return Err(BlobError::of(&place, error)),
        };
        if Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        self.remove(digest)?;
        Err(BlobError::Damaged(digest))
    }

    fn remove(&self, digest: Digest) -> Result<(), BlobError> {
        let place = self.place(digest);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::of(&place, error)),
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        let mut found = Vec::new();
        for shelf in read_dir(&self.root)? {
            let Some(start) = shelf.file_name().and_then(|n| n.to_str()).filter(|n| n.len() == 2).map(String::from) else {
                continue;
            };
            for file in read_dir(&shelf)? {
                let name = file.file_name().and_then(|n| n.to_str()).unwrap_or_default();
                // It may be removed while we look.
                if let (Ok(digest), Ok(meta)) = (format!("{start}{name}").parse(), fs::metadata(&file)) {
                    found.push((digest, meta.len()));
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

fn read_dir(path: &Path) -> Result<Vec<PathBuf>, BlobError> {
    let entries = fs::read_dir(path).and_then(|all| all.map(|e| e.map(|e| e.path())).collect());
    entries.map_err(|e| BlobError::of(path, e))
}

pub(super) fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest(*hasher.finalize().as_bytes())),
            n => hasher.update(&buffer[..n]),
        };
    }
}

impl Blobs for Folder {
    async fn put(&self, bytes: Vec<u8>) -> Result<Digest, BlobError> {
        self.work(move |inner| inner.put(&bytes)).await
    }
    async fn adopt(&self, file: PathBuf, expected: Option<Digest>) -> Result<Digest, BlobError> {
        self.work(move |inner| inner.adopt(&file, expected)).await
    }
    async fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        self.work(move |inner| inner.get(digest)).await
    }
    async fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        self.0.size(digest)
    }
    async fn missing(&self, digests: BTreeSet<Digest>) -> Result<BTreeSet<Digest>, BlobError> {
        self.work(move |inner| {
            let mut missing = BTreeSet::new();
            for digest in digests {
                if inner.size(digest)?.is_none() {
                    missing.insert(digest);
                }
            }
            Ok(missing)
        })
        .await
    }
    async fn fetch(&self, digest: Digest) -> Result<PathBuf, BlobError> {
        match self.0.size(digest)? {
            Some(_) => Ok(self.path(digest)),
            None => Err(BlobError::Missing(digest)),
        }
    }
    async fn list(&self) -> Result<Vec<(Digest, u64)>, BlobError> {
        self.work(Inner::list).await
    }
    async fn remove(&self, digest: Digest) -> Result<(), BlobError> {
        self.work(move |inner| inner.remove(digest)).await
    }
    async fn link(&self, _: Digest, _: Duration) -> Result<Option<String>, BlobError> {
        Ok(None)
    }
    async fn begin(&self, _: UploadName, _: u64, _: Duration) -> Result<Option<Upload>, BlobError> {
        Ok(None)
    }
    /// None was ever begun here.
    async fn finish(&self, upload: &Upload, _: &[String], _: Digest) -> Result<(), BlobError> {
        Err(BlobError::Refused { at: self.0.root.display().to_string(), what: format!("there is no upload {:?}", upload.name) })
    }
    async fn abort(&self, _: &Upload) -> Result<(), BlobError> {
        Ok(())
    }
    /// Opening the folder has thrown away what there was.
    async fn sweep(&self, _: Millis) -> Result<u64, BlobError> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::conformance;
    use nix::sys::{
        resource::{Resource, setrlimit},
        signal::{SigHandler, Signal, signal},
    };
    use std::process::Command;

    #[tokio::test]
    async fn a_folder_conforms() {
        let root = tempfile::tempdir().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let blobs = Folder::open(root.path()).unwrap();
        conformance::check(&blobs, scratch.path(), |digest, bytes| fs::write(blobs.path(digest), bytes).unwrap()).await;
    }

    #[tokio::test]
    async fn what_dead_writers_left_is_thrown_away() {
        let root = tempfile::tempdir().unwrap();
        let kept = Folder::open(root.path()).unwrap().put(b"kept".to_vec()).await.unwrap();
        fs::write(root.path().join("temp/7"), "half").unwrap();
        let blobs = Folder::open(root.path()).unwrap();
        assert_eq!(fs::read_dir(root.path().join("temp")).unwrap().count(), 0);
        assert_eq!(blobs.get(kept).await.unwrap(), b"kept");
    }

    #[tokio::test]
    async fn a_name_that_is_too_short_or_foreign_is_not_listed() {
        let root = tempfile::tempdir().unwrap();
        let blobs = Folder::open(root.path()).unwrap();
        fs::create_dir_all(root.path().join("ab")).unwrap();
        fs::write(root.path().join("ab/notes.txt"), "mine").unwrap();
        assert_eq!(blobs.list().await.unwrap(), []);
    }

    const FULL: &str = "KLIEG_TEST_FULL_DISK";

    /// Not a test: a process that may write no file larger than 100 kB.
    #[tokio::test]
    #[ignore = "a_full_disk_is_told starts it"]
    async fn with_little_room() {
        // SAFETY: ignoring a signal runs no handler.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.unwrap();
        setrlimit(Resource::RLIMIT_FSIZE, 100_000, 100_000).unwrap();
        let root = PathBuf::from(std::env::var_os(FULL).unwrap());
        let blobs = Folder::open(&root).unwrap();
        let small = blobs.put(vec![1; 50_000]).await.unwrap();
        let full = blobs.put(vec![2; 500_000]).await;
        assert!(matches!(full, Err(BlobError::Full(_))), "{full:?}");
        assert_eq!(blobs.size(Digest::of(&[2; 500_000])).await.unwrap(), None, "nothing half-written is visible");
        assert_eq!(fs::read_dir(root.join("temp")).unwrap().count(), 0);
        assert_eq!(blobs.get(small).await.unwrap(), [1; 50_000]);
    }

    #[test]
    fn a_full_disk_is_told() {
        let root = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "blobs::folder::tests::with_little_room", "--ignored"]).env(FULL, root.path());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}
