use crate::subtitles;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use klieg_hearing::{Config, Error, Generation, Listener, Options, Transcript, Whisper, language_token, sound};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read};
use klieg_models::{Family, Record, Shelf};
use klieg_protocol::{Ask, Class, Digest, Fault, Input, JobSpec, Plan, Progress, Source, TaskFailure, TaskResult, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

const MIB: u64 = 1 << 20;
/// What a task takes beside the weights and the sound.
const WORKING_BYTES: u64 = 512 * MIB;
/// Bytes of a sound, and of a configuration or a tokenizer.
const SOUND_BYTES_MAX: usize = 4 << 30;
const SMALL_BYTES_MAX: u64 = 64 << 20;

/// The files that a job gives: each with its media type.
const FILES: [(&str, &str); 5] = [
    ("transcript.txt", "text/plain; charset=utf-8"),
    ("transcript.srt", "application/x-subrip"),
    ("transcript.vtt", "text/vtt"),
    ("transcript.json", "application/json"),
    ("manifest.json", "application/json"),
];
/// The job's input.
const SOUND: &str = "sound";

/// The parameters of a `transcribe` job. The sound is its input `sound`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    model: String,
    /// The sound's file name, for messages.
    #[serde(default)]
    file: String,
    /// ISO 639-1; none: heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// Into English.
    #[serde(default)]
    translate: bool,
    /// Times of words.
    #[serde(default = "yes")]
    words: bool,
    /// Silence is passed over.
    #[serde(default = "yes")]
    skip_silence: bool,
    #[serde(default)]
    seed: u64,
}

fn yes() -> bool {
    true
}

/// What the one task of a job is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Work {
    model: String,
    digest: Digest,
    params: Params,
}

/// The model that was loaded last.
type Kept = Mutex<Option<(Digest, Arc<Listener>)>>;

/// What is said in a sound.
pub struct Transcribe {
    shelf: Arc<Shelf>,
    kept: Kept,
}

fn bad(message: impl Into<String>) -> BadInput {
    BadInput { file: String::new(), line: 0, column: 0, message: message.into() }
}

/// A small file of a model.
fn part(record: &Record, name: &str) -> Result<Vec<u8>, String> {
    let part = record.file(name).ok_or_else(|| format!("{} has no {name}", record.name))?;
    if part.bytes > SMALL_BYTES_MAX {
        return Err(format!("{name} has {} bytes; the limit is {SMALL_BYTES_MAX}", part.bytes));
    }
    std::fs::read(record.path(name)).map_err(|error| format!("failed to read {name}: {error}"))
}

fn configured(record: &Record) -> Result<(Config, Generation), String> {
    let fails = |error: Error| format!("failed to {error}");
    let config = Config::parse(&part(record, "config.json")?).map_err(fails)?;
    let generation = Generation::parse(&part(record, "generation_config.json")?, &config).map_err(fails)?;
    Ok((config, generation))
}

fn load(record: &Record) -> Result<Listener, String> {
    let fails = |error: Error| format!("failed to {error}");
    let (config, generation) = configured(record)?;
    let weights: Vec<PathBuf> =
        record.files.iter().filter(|part| part.path.ends_with(".safetensors")).map(|part| record.path(&part.path)).collect();
    if weights.is_empty() {
        return Err(format!("{} has no safetensors", record.name));
    }
    // SAFETY: the files of a model on a shelf are written once; whoever overwrites one in place breaks the promise of the shelf.
    let vb =
        unsafe { VarBuilder::from_mmaped_safetensors(&weights, DType::F32, &Device::Cpu) }.map_err(|error| error.to_string())?;
    let model = Whisper::load(&vb, config).map_err(fails)?;
    Listener::new(model, generation, &part(record, "tokenizer.json")?).map_err(fails)
}

impl Transcribe {
    pub fn new(shelf: &Arc<Shelf>) -> Self {
        Self { shelf: shelf.clone(), kept: Mutex::default() }
    }

    fn find(&self, name: &str) -> Result<Record, BadInput> {
        let found = self.shelf.find(name).map_err(|error| bad(format!("`model`: {error}")))?;
        let record = found.ok_or_else(|| {
            bad(format!(
                "`model`: there is no model {name:?}; install it: klieg models add PATH --as {name}, or klieg models pull REPO"
            ))
        })?;
        match record.family {
            Family::Whisper => Ok(record),
            other => Err(bad(format!("`model`: {name} is of the family {other}; transcribing needs whisper"))),
        }
    }

    fn loaded(&self, work: &Work) -> Result<Arc<Listener>, TaskFailure> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((digest, listener)) = &*kept
            && *digest == work.digest
        {
            return Ok(listener.clone());
        }
        *kept = None;
        let failed = |fault, message: String| TaskFailure { fault, message: format!("failed to load {}: {message}", work.model) };
        let found = self.shelf.find(&work.model).map_err(|error| failed(Fault::Node, error.to_string()))?;
        let record = found.filter(|record| record.digest == work.digest);
        let record = record.ok_or_else(|| failed(Fault::Node, "this node does not have it, or another of that name".into()))?;
        self.shelf.stands(&record).map_err(|error| failed(Fault::Node, error.to_string()))?;
        let listener = Arc::new(load(&record).map_err(|message| failed(Fault::Input, message))?);
        *kept = Some((work.digest, listener.clone()));
        Ok(listener)
    }

    fn hear(&self, work: &Work, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let failed = |error: Error| {
            let fault = if matches!(error, Error::Candle(_)) { Fault::Task } else { Fault::Input };
            TaskFailure { fault, message: format!("failed to {error}") }
        };
        let listener = self.loaded(work)?;
        let samples = sound::mono(&desk.input(SOUND)?).map_err(failed)?;
        let Params { language, translate, words, skip_silence, seed, .. } = work.params.clone();
        let options =
            Options { language, translate, words, seed, skip_pauses: skip_silence, threads: desk.threads(), ..Options::default() };
        let seconds = samples.len() as f64 / f64::from(sound::RATE);
        let mut stopped = None;
        let heard = listener.hear(&samples, &options, |done| {
            let note = format!("{:.0} of {seconds:.0} s", done * seconds);
            let told = desk.progress(Progress { fraction: done as f32, done: (done * seconds) as u64, note });
            stopped = told.err();
            stopped.is_none()
        });
        match (heard, stopped) {
            (_, Some(failure)) => Err(failure),
            (Err(error), None) => Err(failed(error)),
            (Ok(transcript), None) => given(work, &transcript, desk),
        }
    }
}

/// The transcript in all its forms.
fn given(work: &Work, transcript: &Transcript, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let model = json!({"name": work.model, "digest": work.digest});
    let manifest = json!({
        "kind": "transcribe", "tool": {"name": "klieg", "version": env!("CARGO_PKG_VERSION")}, "made": "by a speech model",
        "model": model, "params": work.params, "language": transcript.language, "seconds": transcript.seconds, "segments": transcript.segments.len(),
    });
    let segments = &transcript.segments;
    let texts = [
        subtitles::text(segments),
        subtitles::srt(segments),
        subtitles::vtt(segments),
        format!("{:#}\n", json!(transcript)),
        format!("{manifest:#}\n"),
    ];
    let mut outputs = BTreeMap::new();
    for ((name, _), text) in FILES.iter().zip(texts) {
        outputs.insert((*name).to_owned(), desk.store(text.as_bytes())?);
    }
    Ok(TaskResult { outputs, adds: Vec::new() })
}

impl Kind for Transcribe {
    fn name(&self) -> &'static str {
        "transcribe"
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let params: Params =
            serde_json::from_value(job.params.clone()).map_err(|error| bad(format!("the job's parameters: {error}")))?;
        let in_file = |message: String| BadInput { file: params.file.clone(), line: 0, column: 0, message };
        let record = self.find(&params.model)?;
        let (_, generation) = configured(&record).map_err(bad)?;
        if let Some(language) = params.language.as_ref().filter(|_| generation.is_multilingual) {
            language_token(&generation, language).map_err(|error| bad(format!("failed to {error}")))?;
        }
        let digest = job.inputs.get(SOUND).or_else(|| job.inputs.get("script")).copied();
        let digest = digest.ok_or_else(|| bad("the job has no input `sound`: give it a WAV file"))?;
        let bytes = read(&digest).map_err(|error| in_file(format!("failed to read it: {error}")))?;
        if bytes.len() > SOUND_BYTES_MAX {
            return Err(in_file(format!("it has {} bytes; the limit is {SOUND_BYTES_MAX}", bytes.len())));
        }
        let form = sound::form(&bytes).map_err(|error| in_file(format!("failed to {error}; sounds are WAV files")))?;
        let needs = vec![record.needs()];
        let memory_bytes = record.bytes * 2 + bytes.len() as u64 * 4 + WORKING_BYTES;
        let seconds = 1.0 + form.seconds * record.bytes as f64 / 2e9;
        let ask = Ask { memory_bytes, seconds, models: needs.clone(), needs, shape: record.name.clone(), ..Ask::default() };
        let work = Work { model: record.name.clone(), digest: record.digest, params };
        let label = format!("{:.0} s of sound", form.seconds);
        let inputs = BTreeMap::from([(SOUND.to_owned(), Input { from: Source::Blob(digest) })]);
        let task = TaskSpec { name: "hear".into(), step: "hear".into(), params: json!(work), inputs, ask, rank: 0, label };
        Ok(Plan { tasks: vec![task] })
    }

    fn files(&self, _: &JobSpec, outputs: &Outputs) -> Vec<File> {
        let file = |(name, media_type): &(&str, &'static str)| {
            let digest = outputs.get(&("hear".to_owned(), (*name).to_owned()))?;
            Some(File { name: (*name).to_owned(), media_type, digest: *digest })
        };
        FILES.iter().filter_map(file).collect()
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let work: Work = serde_json::from_value(task.params.clone()).map_err(|error| TaskFailure {
            fault: Fault::Input,
            message: format!("failed to read the task's parameters: {error}"),
        })?;
        match task.step.as_str() {
            "hear" => self.hear(&work, desk),
            other => {
                Err(TaskFailure { fault: Fault::Input, message: format!("run transcribe step {other:?}: there is no such step") })
            }
        }
    }
}
