//! The job kind: one file in, a report out.

mod judge;

use crate::{
    Classifier, Lists,
    file::{self, Kind as FileKind},
    known::LISTS_PREFIX,
    policy::Versioned,
    text::{LANGUAGES, Lexicon, LexiconError, TEXT_CHARS_MAX},
};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read, Takes};
use klieg_protocol::{Ask, Class, Digest, Fault, Input, JobSpec, Plan, Source, TaskFailure, TaskResult, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

/// The word users submit it by.
pub const NAME: &str = "moderation";
/// The largest file that is moderated.
pub const CONTENT_BYTES_MAX: u64 = 4 << 30;
/// The step of the one task, and its name.
const STEP: &str = "judge";
/// The input that is a policy.
const POLICY: &str = "policy";
/// The task's input that is judged, whatever the job calls it.
const CONTENT: &str = "content";
/// Seconds of a film or sound.
pub const MEDIA_SECONDS_MAX: f64 = 4.0 * 3600.0;

/// What somebody may say of a job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobParams {
    /// The file's name, for people and for what it says of its type.
    #[serde(default)]
    file: String,
    /// The policy by name, where none is an input; `default` is the one that is built in.
    #[serde(default)]
    policy: Option<String>,
    /// A text is fiction, whether it looks like a screenplay or not.
    #[serde(default)]
    fiction: bool,
}

/// What changes a report, and no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct TaskParams {
    file: String,
    fiction: bool,
    kind: FileKind,
    media_type: String,
    /// The content's digest, which the report names.
    digest: Digest,
}

/// The job kind `moderation`.
#[derive(Default)]
pub struct Moderation {
    classifiers: Vec<Arc<dyn Classifier>>,
    lexicon: OnceLock<Lexicon>,
}

fn bad(file: &str, message: String) -> BadInput {
    BadInput { file: file.to_owned(), line: 0, column: 0, message }
}

fn failed(fault: Fault, message: impl Into<String>) -> TaskFailure {
    TaskFailure { fault, message: message.into() }
}

impl Moderation {
    /// With models beside what needs none.
    pub fn with(classifiers: Vec<Arc<dyn Classifier>>) -> Self {
        Self { classifiers, lexicon: OnceLock::new() }
    }

    fn lexicon(&self) -> Result<&Lexicon, TaskFailure> {
        if let Some(lexicon) = self.lexicon.get() {
            return Ok(lexicon);
        }
        let lexicon = Lexicon::of(LANGUAGES).map_err(|e: LexiconError| failed(Fault::Task, format!("failed to {e}")))?;
        Ok(self.lexicon.get_or_init(|| lexicon))
    }
}

/// The inputs of a job by what they are.
struct Inputs<'a> {
    content: (&'a str, Digest),
    policy: Option<Digest>,
    lists: BTreeMap<&'a str, Digest>,
}

impl<'a> Inputs<'a> {
    fn of(job: &'a JobSpec) -> Result<Self, BadInput> {
        let (mut content, mut policy, mut lists) = (Vec::new(), None, BTreeMap::new());
        for (name, digest) in &job.inputs {
            match (name.as_str(), name.strip_prefix(LISTS_PREFIX)) {
                (POLICY, _) => policy = Some(*digest),
                (_, Some(list)) => _ = lists.insert(list, *digest),
                (name, None) => content.push((name, *digest)),
            }
        }
        match content[..] {
            [content] => Ok(Self { content, policy, lists }),
            _ => {
                let message =
                    format!("a moderation job has one file, and `policy` and `list/NAME` beside it; it has {}", content.len());
                Err(bad("inputs", message))
            }
        }
    }
}

/// The policy of a job, read and checked.
fn policy(params: &JobParams, inputs: &Inputs<'_>, read: Read<'_>) -> Result<Versioned, BadInput> {
    let policy = match (inputs.policy, params.policy.as_deref()) {
        (Some(digest), _) => {
            let bytes = read(&digest).map_err(|e| bad(POLICY, format!("failed to read it: {e}")))?;
            Versioned::read("policy.toml", &bytes)?
        }
        (None, None | Some("default")) => Versioned::default_policy()?,
        (None, Some(name)) => {
            let message =
                format!("no policy {name:?} is built in; the only one is `default`, others are given as the input `{POLICY}`");
            return Err(bad("params.policy", message));
        }
    };
    if let Some(list) = policy.policy.lists.iter().find(|list| !inputs.lists.contains_key(list.as_str())) {
        return Err(bad(
            POLICY,
            format!("it looks into the list {list:?}, which the job has not; give it as the input `{LISTS_PREFIX}{list}`"),
        ));
    }
    Ok(policy)
}

impl Kind for Moderation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn takes(&self) -> Takes {
        Takes { input: CONTENT, bytes_max: CONTENT_BYTES_MAX, ..Takes::default() }
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let params = match &job.params {
            Value::Null => JobParams::default(),
            params => serde_json::from_value(params.clone()).map_err(|e| bad("params", format!("failed to read them: {e}")))?,
        };
        let inputs = Inputs::of(job)?;
        let policy = policy(&params, &inputs, read)?;
        for name in &policy.policy.lists {
            let bytes = read(&inputs.lists[name.as_str()]).map_err(|e| bad(name, format!("failed to read it: {e}")))?;
            Lists::check(name, &bytes)?;
        }
        let (input, digest) = inputs.content;
        let name = if params.file.is_empty() { input } else { &params.file };
        let bytes = read(&digest).map_err(|e| bad(name, format!("failed to read it: {e}")))?;
        let found = checked(name, &bytes)?;
        let params = TaskParams {
            file: name.to_owned(),
            fiction: params.fiction,
            kind: found.kind,
            media_type: found.media_type.to_owned(),
            digest,
        };
        let blob = |digest: Digest| Input { from: Source::Blob(digest) };
        let mut wanted = BTreeMap::from([(CONTENT.to_owned(), blob(digest))]);
        wanted.extend(inputs.policy.map(|digest| (POLICY.to_owned(), blob(digest))));
        let used = policy.policy.lists.iter().map(|list| (format!("{LISTS_PREFIX}{list}"), blob(inputs.lists[list.as_str()])));
        wanted.extend(used);
        let (memory_bytes, seconds) = cost(found.kind, bytes.len());
        let task = TaskSpec {
            name: STEP.into(),
            step: STEP.into(),
            params: serde_json::to_value(&params).map_err(|e| bad(name, format!("failed to plan: {e}")))?,
            inputs: wanted,
            ask: Ask { memory_bytes, seconds, shape: found.media_type.to_owned(), ..Ask::default() },
            rank: 0,
            label: format!("{name}, {}", found.media_type),
        };
        Ok(Plan { tasks: vec![task] })
    }

    fn files(&self, _: &JobSpec, outputs: &Outputs) -> Vec<File> {
        let known = [
            ("moderation.json", "application/json"),
            ("moderation.txt", "text/plain; charset=utf-8"),
            ("frames.vpdq.csv", "text/csv"),
            ("sound.chromaprint", "text/tab-separated-values"),
        ];
        let there = |(name, media_type): (&str, &'static str)| {
            let digest = *outputs.get(&(STEP.to_owned(), name.to_owned()))?;
            Some(File { name: name.to_owned(), media_type, digest })
        };
        known.into_iter().filter_map(there).collect()
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        if task.step != STEP {
            return Err(failed(Fault::Input, format!("failed to run the moderation step {:?}: there is no such step", task.step)));
        }
        judge::run(self, task, desk)
    }
}

/// A file's type; what could not be moderated is refused.
fn checked(name: &str, bytes: &[u8]) -> Result<file::Type, BadInput> {
    if bytes.len() as u64 > CONTENT_BYTES_MAX {
        return Err(bad(name, format!("the file has {} bytes; {CONTENT_BYTES_MAX} are the most", bytes.len())));
    }
    let found = file::sniff(name, bytes)?;
    match found.kind {
        FileKind::Image => file::check_picture(name, found.media_type, bytes)?,
        FileKind::Text => {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            if text.trim().is_empty() {
                return Err(bad(name, "the text is empty; give at least one character that is seen".into()));
            }
            let chars = text.chars().count();
            if chars > TEXT_CHARS_MAX {
                return Err(bad(name, format!("the text has {chars} characters; {TEXT_CHARS_MAX} are the most: split it")));
            }
        }
        FileKind::Audio | FileKind::Video => {}
    }
    Ok(found)
}

/// Bytes of memory and seconds that a file of that kind and length takes, on the safe side.
fn cost(kind: FileKind, bytes: usize) -> (u64, f64) {
    let (bytes, mib) = (bytes as u64, 1 << 20);
    match kind {
        FileKind::Text => (128 * mib, 0.2),
        FileKind::Image => (256 * mib + 3 * file::PIXELS_MAX, 1.0),
        FileKind::Audio | FileKind::Video => (512 * mib + bytes.min(64 * mib), 2.0 + bytes as f64 / 5e6),
    }
}
