use crate::{
    agent::fault_of,
    clock,
    talk::{Word, Work},
    worker::Voice,
};
use klieg_kind::{Desk, Media};
use klieg_protocol::{Digest, Fault, Progress, TaskFailure, TaskSpec};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How often progress is passed on at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// What a running task has at hand.
pub struct Bench<'a> {
    work: Work,
    /// The task's own folder, beside what it has stored.
    scratch: PathBuf,
    stored: PathBuf,
    files: BTreeMap<Digest, PathBuf>,
    damaged: Vec<Digest>,
    voice: Voice,
    cancelled: Arc<AtomicBool>,
    told: Option<Instant>,
    media: &'a dyn Media,
}

impl<'a> Bench<'a> {
    pub fn new(work: Work, voice: Voice, cancelled: Arc<AtomicBool>, media: &'a dyn Media) -> Self {
        let (scratch, stored) = (work.folder.join("scratch"), work.folder.join("stored"));
        Self { work, scratch, stored, files: BTreeMap::new(), damaged: Vec::new(), voice, cancelled, told: None, media }
    }

    /// Makes the folders.
    pub fn open(&self) -> Result<(), TaskFailure> {
        for folder in [&self.scratch, &self.stored] {
            fs::create_dir_all(folder).map_err(|error| fault_of(folder, &error))?;
        }
        Ok(())
    }

    pub fn kind(&self) -> &str {
        &self.work.kind
    }
    pub fn task(&self) -> &TaskSpec {
        &self.work.task
    }
    /// Everything that was stored.
    pub fn files(&mut self) -> Vec<(Digest, PathBuf)> {
        std::mem::take(&mut self.files).into_iter().collect()
    }
    /// Inputs whose bytes did not have their digest.
    pub fn damaged(&mut self) -> Vec<Digest> {
        std::mem::take(&mut self.damaged)
    }

    fn find(&self, name: &str) -> Result<(Digest, PathBuf), TaskFailure> {
        self.work.inputs.get(name).cloned().ok_or_else(|| {
            let message = format!("failed to find the input {name:?} of task {}", self.work.task.name);
            TaskFailure { fault: Fault::Task, message }
        })
    }

    fn check(&mut self, name: &str, wanted: Digest, found: Digest) -> Result<(), TaskFailure> {
        if wanted == found {
            return Ok(());
        }
        self.damaged.push(wanted);
        let message = format!("failed to read the input {name:?}: its bytes are damaged; run the same again to compute them anew");
        Err(TaskFailure { fault: Fault::Input, message })
    }
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest(*hasher.finalize().as_bytes())),
            n => hasher.update(&buffer[..n]),
        };
    }
}

impl Desk for Bench<'_> {
    fn input(&mut self, name: &str) -> Result<Vec<u8>, TaskFailure> {
        let (digest, path) = self.find(name)?;
        let bytes = fs::read(&path).map_err(|error| fault_of(&path, &error))?;
        self.check(name, digest, Digest::of(&bytes))?;
        Ok(bytes)
    }

    fn input_path(&mut self, name: &str) -> Result<PathBuf, TaskFailure> {
        let (digest, path) = self.find(name)?;
        let found = digest_of(&path).map_err(|error| fault_of(&path, &error))?;
        self.check(name, digest, found)?;
        Ok(path)
    }

    fn inputs(&self) -> Vec<String> {
        self.work.inputs.keys().cloned().collect()
    }

    fn store(&mut self, bytes: &[u8]) -> Result<Digest, TaskFailure> {
        let digest = Digest::of(bytes);
        if !self.files.contains_key(&digest) {
            let path = self.stored.join(digest.hex());
            fs::write(&path, bytes).map_err(|error| fault_of(&path, &error))?;
            self.files.insert(digest, path);
        }
        Ok(digest)
    }

    fn store_file(&mut self, path: &Path) -> Result<Digest, TaskFailure> {
        let digest = digest_of(path).map_err(|error| fault_of(path, &error))?;
        let to = self.stored.join(digest.hex());
        let moved = match fs::rename(path, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => fs::copy(path, &to).and_then(|_| fs::remove_file(path)),
            done => done,
        };
        moved.map_err(|error| fault_of(path, &error))?;
        self.files.insert(digest, to);
        Ok(digest)
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }

    fn progress(&mut self, progress: Progress) -> Result<(), TaskFailure> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(TaskFailure { fault: Fault::Nobody, message: "it was stopped".into() });
        }
        let now = clock::now();
        let due = self.told.is_none_or(|told| now.duration_since(told) >= PROGRESS_EVERY);
        if due || progress.fraction >= 1.0 {
            self.told = Some(now);
            // An agent that does not listen is gone, and the worker ends with it.
            let _ = self.voice.say(&Word::Progress(progress));
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn ending(&mut self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let _ = self.voice.say(&Word::Ending { millis });
    }

    fn media(&self) -> &dyn Media {
        self.media
    }

    fn threads(&self) -> usize {
        self.work.threads
    }
}
