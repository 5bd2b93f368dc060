//! A language model of the shelf: found at submission, loaded by the worker and kept for its next task.

use klieg_generation::{Files, Loaded};
use klieg_kind::BadInput;
use klieg_models::{Family, Record, Shelf};
use klieg_protocol::{Ask, Digest, Fault, TaskFailure};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};

const MIB: u64 = 1 << 20;
/// What a task takes beside weights and cache.
const WORKING_BYTES: u64 = 256 * MIB;
/// Keys and values of all sequences of a task.
pub const CACHE_BYTES_MAX: u64 = 1024 * MIB;

/// A model by name and content: a task's parameters hold it, so another model of that name is another task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    pub name: String,
    pub digest: Digest,
}

/// Bad input that is about no file.
pub fn bad(message: impl Into<String>) -> BadInput {
    BadInput { file: String::new(), line: 0, column: 0, message: message.into() }
}

/// The model that a job names, if it is there and writes text.
pub fn find(shelf: &Shelf, name: &str) -> Result<Record, BadInput> {
    let found = shelf.find(name).map_err(|error| bad(format!("`model`: {error}")))?;
    let record = found.ok_or_else(|| {
        bad(format!(
            "`model`: there is no model {name:?}; install it: klieg models add PATH --as {name}, or klieg models pull REPO"
        ))
    })?;
    match record.family {
        Family::Llama | Family::Qwen2 | Family::Mistral => Ok(record),
        other => Err(bad(format!("`model`: {name} is of the family {other}; text needs llama, qwen2 or mistral"))),
    }
}

/// Where a model's files are.
pub fn files(record: &Record) -> Result<Files, String> {
    let optional = |name: &str| record.file(name).map(|part| record.path(&part.path));
    let of = |extension: &str| {
        record.files.iter().filter(|part| part.path.ends_with(extension)).map(|part| record.path(&part.path)).collect::<Vec<_>>()
    };
    let weights = match of(".safetensors") {
        weights if weights.is_empty() => of(".gguf"),
        weights => weights,
    };
    if weights.is_empty() {
        return Err(format!("{} has neither safetensors nor GGUF", record.name));
    }
    let tokenizer = optional("tokenizer.json").ok_or_else(|| format!("{} has no tokenizer.json", record.name))?;
    Ok(Files { config: optional("config.json"), generation: optional("generation_config.json"), tokenizer, weights })
}

/// What a task with the model asks for.
pub fn ask(record: &Record, seconds: f64) -> Ask {
    // Halves become singles in memory.
    let memory_bytes = record.bytes * 2 + CACHE_BYTES_MAX + WORKING_BYTES;
    let needs = vec![record.needs()];
    Ask { memory_bytes, seconds, models: needs.clone(), needs, shape: record.name.clone(), ..Ask::default() }
}

/// The model that was loaded last.
#[derive(Default)]
pub struct Kept(Mutex<Option<(Digest, Arc<Loaded>)>>);

impl Kept {
    pub fn get(&self, shelf: &Shelf, chosen: &Chosen) -> Result<Arc<Loaded>, TaskFailure> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((digest, loaded)) = &*kept
            && *digest == chosen.digest
        {
            return Ok(loaded.clone());
        }
        *kept = None;
        let failed = |fault, message: String| TaskFailure { fault, message: format!("failed to load {}: {message}", chosen.name) };
        let found = shelf.find(&chosen.name).map_err(|error| failed(Fault::Node, error.to_string()))?;
        let record = found.filter(|record| record.digest == chosen.digest);
        let record = record.ok_or_else(|| failed(Fault::Node, "this node does not have it, or another of that name".into()))?;
        shelf.stands(&record).map_err(|error| failed(Fault::Node, error.to_string()))?;
        let files = files(&record).map_err(|message| failed(Fault::Input, message))?;
        let loaded = Arc::new(files.load().map_err(|error| failed(Fault::Input, error.to_string()))?);
        *kept = Some((chosen.digest, loaded.clone()));
        Ok(loaded)
    }
}
