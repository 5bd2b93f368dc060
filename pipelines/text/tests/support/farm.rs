//! A farm of one thread: tasks in the order of their inputs, artifacts in memory, models of the goldens on a shelf.
#![allow(dead_code, reason = "each test program uses a part of it")]

use klieg_kind::{Conform, Desk, Kind, Media, Outputs, Probe, SegmentEncoder, VideoSpec};
use klieg_models::{Entry, Family, Keep, Part, Shelf};
use klieg_protocol::{Class, Digest, Fault, JobSpec, Plan, Progress, Source, TaskFailure, TaskResult, TaskSpec};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

type Store = Rc<RefCell<BTreeMap<Digest, Vec<u8>>>>;

pub struct Farm {
    pub shelf: Arc<Shelf>,
    folder: tempfile::TempDir,
    store: Store,
    outputs: RefCell<Outputs>,
}

/// A shelf with models of `models/golden/`: (name, family, folder).
pub fn shelf(models: &[(&str, Family, &str)]) -> Farm {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path().join("models"));
    for (name, family, from) in models {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/golden").join(from);
        let mut files = Vec::new();
        for file in std::fs::read_dir(&root).unwrap() {
            let file = file.unwrap();
            let bytes = std::fs::read(file.path()).unwrap();
            let path = file.file_name().into_string().unwrap();
            files.push(Part { path, bytes: bytes.len() as u64, digest: Digest::of(&bytes) });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let entry = Entry { name: (*name).into(), family: *family, root, files };
        shelf.put(&entry, Keep::Copy, &klieg_models::Progress::default()).unwrap();
    }
    Farm { shelf: Arc::new(shelf), folder, store: Store::default(), outputs: RefCell::default() }
}

impl Farm {
    fn spec(&self, kind: &dyn Kind, params: &Value, inputs: &[(&str, &[u8])]) -> JobSpec {
        let put = |bytes: &[u8]| {
            let digest = Digest::of(bytes);
            self.store.borrow_mut().insert(digest, bytes.to_vec());
            digest
        };
        let inputs = inputs.iter().map(|(name, bytes)| ((*name).to_owned(), put(bytes))).collect();
        JobSpec { kind: kind.name().into(), label: "test".into(), params: params.clone(), inputs }
    }

    pub fn plan(&self, kind: &dyn Kind, params: &Value, inputs: &[(&str, &[u8])]) -> Result<Plan, String> {
        let spec = self.spec(kind, params, inputs);
        let read = |digest: &Digest| Ok(self.store.borrow()[digest].clone());
        kind.plan(&spec, Class::Cpu, &read).map_err(|error| error.to_string())
    }

    pub fn desk(&self, task: &TaskSpec, stop_after: Option<u32>) -> Bench {
        let digest = |source: &Source| match source {
            Source::Blob(digest) => *digest,
            Source::Output { task, name } => self.outputs.borrow()[&(task.clone(), name.clone())],
        };
        let inputs = task.inputs.iter().map(|(name, input)| (name.clone(), digest(&input.from))).collect();
        let scratch = self.folder.path().join("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        Bench { inputs, store: self.store.clone(), scratch, stop_after, told: 0 }
    }

    /// A whole job; its files by name.
    pub fn job(&self, kind: &dyn Kind, params: &Value, inputs: &[(&str, &[u8])]) -> Result<Vec<(String, String)>, String> {
        let plan = self.plan(kind, params, inputs)?;
        self.outputs.borrow_mut().clear();
        let mut waiting = plan.tasks;
        while !waiting.is_empty() {
            let ready = |task: &TaskSpec| {
                task.inputs.values().all(|input| match &input.from {
                    Source::Blob(_) => true,
                    Source::Output { task, name } => self.outputs.borrow().contains_key(&(task.clone(), name.clone())),
                })
            };
            let at = waiting.iter().position(ready).ok_or("no task is ready")?;
            let task = waiting.remove(at);
            let TaskResult { outputs, adds } = kind.run(&task, &mut self.desk(&task, None)).map_err(|failure| failure.message)?;
            self.outputs.borrow_mut().extend(outputs.into_iter().map(|(name, digest)| ((task.name.clone(), name), digest)));
            waiting.extend(adds);
        }
        let files = kind.files(&self.spec(kind, params, inputs), &self.outputs.borrow());
        let text = |digest: &Digest| String::from_utf8_lossy(&self.store.borrow()[digest]).into_owned();
        Ok(files.into_iter().map(|file| (file.name, text(&file.digest))).collect())
    }
}

pub struct Bench {
    inputs: BTreeMap<String, Digest>,
    store: Store,
    scratch: PathBuf,
    stop_after: Option<u32>,
    told: u32,
}

impl Desk for Bench {
    fn input(&mut self, name: &str) -> Result<Vec<u8>, TaskFailure> {
        Ok(self.store.borrow()[&self.inputs[name]].clone())
    }
    fn input_path(&mut self, name: &str) -> Result<PathBuf, TaskFailure> {
        let path = self.scratch.join("input");
        std::fs::write(&path, self.input(name)?).unwrap();
        Ok(path)
    }
    fn inputs(&self) -> Vec<String> {
        self.inputs.keys().cloned().collect()
    }
    fn store(&mut self, bytes: &[u8]) -> Result<Digest, TaskFailure> {
        let digest = Digest::of(bytes);
        self.store.borrow_mut().insert(digest, bytes.to_vec());
        Ok(digest)
    }
    fn store_file(&mut self, path: &Path) -> Result<Digest, TaskFailure> {
        self.store(&std::fs::read(path).unwrap())
    }
    fn scratch(&self) -> &Path {
        &self.scratch
    }
    fn progress(&mut self, progress: Progress) -> Result<(), TaskFailure> {
        assert!((0.0..=1.0).contains(&progress.fraction));
        self.told += 1;
        match self.stop_after.is_some_and(|after| self.told > after) {
            true => Err(TaskFailure { fault: Fault::Nobody, message: "stopped".into() }),
            false => Ok(()),
        }
    }
    fn stopped(&self) -> bool {
        false
    }
    fn ending(&mut self, _: std::time::Duration) {}
    fn media(&self) -> &dyn Media {
        &NoMedia
    }
    fn threads(&self) -> usize {
        1
    }
}

struct NoMedia;

impl Media for NoMedia {
    fn encode(&self, _: &Path, _: &VideoSpec) -> Result<Box<dyn SegmentEncoder>, TaskFailure> {
        unreachable!("nothing is encoded")
    }
    fn conform(&self, _: &Path, _: &Conform<'_>) -> Result<(), TaskFailure> {
        unreachable!("nothing is joined")
    }
    fn probe(&self, _: &Path) -> Result<Probe, TaskFailure> {
        unreachable!("nothing is probed")
    }
}
