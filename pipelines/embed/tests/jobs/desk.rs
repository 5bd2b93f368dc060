//! A shelf with the tiny models of the goldens, and a desk whose artifacts are in memory.

use klieg_embed::Embed;
use klieg_kind::{BadInput, Conform, Desk, Kind, Media, Probe, SegmentEncoder, VideoSpec};
use klieg_models::{Entry, Family, Keep, Part, Shelf};
use klieg_protocol::{Class, Digest, Fault, JobSpec, Plan, Progress, Source, TaskFailure, TaskName, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Puts a folder's files on a shelf.
pub fn shelve(shelf: &Shelf, name: &str, family: Family, root: &Path) {
    let mut files = Vec::new();
    for folder in ["", "1_Pooling"] {
        let Ok(listing) = std::fs::read_dir(root.join(folder)) else { continue };
        for path in listing.map(|entry| entry.expect("a file").path()).filter(|path| path.is_file()) {
            let bytes = std::fs::read(&path).expect("a file");
            let path = path.strip_prefix(root).expect("a file of the folder").to_string_lossy().into_owned();
            files.push(Part { path, bytes: bytes.len() as u64, digest: Digest::of(&bytes) });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let entry = Entry { name: name.into(), family, root: root.to_owned(), files };
    shelf.put(&entry, Keep::Link, &klieg_models::Progress::default()).expect("a model on the shelf");
}

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/golden/encoders").join(name)
}

/// A farm of one thread, without a farm.
pub struct House {
    folder: tempfile::TempDir,
    pub kind: Embed,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl House {
    pub fn new(models: &[(&str, Family, PathBuf)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::open(folder.path().join("models"));
        models.iter().for_each(|(name, family, root)| shelve(&shelf, name, *family, root));
        Self { folder, kind: Embed::new(Arc::new(shelf)), blobs: BTreeMap::new() }
    }

    pub fn keep(&mut self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.blobs.insert(digest, bytes.to_vec());
        digest
    }

    pub fn job(&mut self, params: Value, inputs: &[(&str, &[u8])]) -> JobSpec {
        let inputs = inputs.iter().map(|(name, bytes)| (name.to_string(), self.keep(bytes))).collect();
        JobSpec { kind: klieg_embed::KIND.into(), label: "job".into(), params, inputs }
    }

    pub fn plan(&self, job: &JobSpec) -> Result<Plan, BadInput> {
        self.kind
            .plan(job, Class::Cpu, &|digest| self.blobs.get(digest).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into()))
    }

    /// Runs all tasks, those that are ready in the order that `pick` chooses; → the files that the job gives.
    pub fn run(&mut self, job: &JobSpec, pick: impl Fn(usize) -> usize) -> Result<BTreeMap<String, Vec<u8>>, TaskFailure> {
        let mut waiting = self.plan(job).expect("a plan").tasks;
        let mut outputs: BTreeMap<(TaskName, String), Digest> = BTreeMap::new();
        while !waiting.is_empty() {
            let there = |task: &TaskSpec| task.inputs.values().all(|input| find(&input.from, &outputs).is_some());
            let ready: Vec<usize> = (0..waiting.len()).filter(|i| there(&waiting[*i])).collect();
            let task = waiting.remove(ready[pick(ready.len())]);
            let inputs =
                task.inputs.iter().map(|(name, input)| (name.clone(), find(&input.from, &outputs).expect("ready"))).collect();
            let scratch = tempfile::tempdir_in(self.folder.path()).expect("a folder");
            let mut desk = Hand { blobs: &mut self.blobs, inputs, scratch: scratch.path() };
            let result = self.kind.run(&task, &mut desk)?;
            outputs.extend(result.outputs.into_iter().map(|(name, digest)| ((task.name.clone(), name), digest)));
        }
        let files = self.kind.files(job, &outputs);
        Ok(files.into_iter().map(|file| (file.name, self.blobs[&file.digest].clone())).collect())
    }
}

fn find(source: &Source, outputs: &BTreeMap<(TaskName, String), Digest>) -> Option<Digest> {
    match source {
        Source::Blob(digest) => Some(*digest),
        Source::Output { task, name } => outputs.get(&(task.clone(), name.clone())).copied(),
    }
}

struct Hand<'a> {
    blobs: &'a mut BTreeMap<Digest, Vec<u8>>,
    inputs: BTreeMap<String, Digest>,
    scratch: &'a Path,
}

impl Desk for Hand<'_> {
    fn input(&mut self, name: &str) -> Result<Vec<u8>, TaskFailure> {
        Ok(self.blobs[&self.inputs[name]].clone())
    }
    fn input_path(&mut self, name: &str) -> Result<PathBuf, TaskFailure> {
        let path = self.scratch.join(name.replace('/', "-"));
        std::fs::write(&path, &self.blobs[&self.inputs[name]]).expect("an input");
        Ok(path)
    }
    fn inputs(&self) -> Vec<String> {
        self.inputs.keys().cloned().collect()
    }
    fn store(&mut self, bytes: &[u8]) -> Result<Digest, TaskFailure> {
        self.blobs.insert(Digest::of(bytes), bytes.to_vec());
        Ok(Digest::of(bytes))
    }
    fn store_file(&mut self, path: &Path) -> Result<Digest, TaskFailure> {
        let bytes = std::fs::read(path).expect("a file");
        self.store(&bytes)
    }
    fn scratch(&self) -> &Path {
        self.scratch
    }
    fn progress(&mut self, _: Progress) -> Result<(), TaskFailure> {
        Ok(())
    }
    fn stopped(&self) -> bool {
        false
    }
    fn ending(&mut self, _: std::time::Duration) {}
    fn media(&self) -> &dyn Media {
        &NoMedia
    }
    fn threads(&self) -> usize {
        2
    }
}

struct NoMedia;

fn none<T>() -> Result<T, TaskFailure> {
    Err(TaskFailure { fault: Fault::Node, message: "no media here".into() })
}

impl Media for NoMedia {
    fn encode(&self, _: &Path, _: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure> {
        none()
    }
    fn conform(&self, _: &Path, _: &Conform<'_>) -> Result<(), TaskFailure> {
        none()
    }
    fn probe(&self, _: &Path) -> Result<Probe, TaskFailure> {
        none()
    }
}
