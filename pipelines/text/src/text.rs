//! `text`: a prompt or a conversation to one or many texts.

use crate::{
    desk,
    model::{self, Chosen, Kept, bad},
};
use chrono::NaiveDate;
use klieg_generation::{
    Config, Finish, Message, Request, Template, Vocabulary, grammar, grammars, sample::Sampling, template::Context,
};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read};
use klieg_models::{Record, Shelf};
use klieg_protocol::{Ask, Class, Digest, Fault, Input, JobSpec, Plan, Source, TaskFailure, TaskResult, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Texts of one job, tokens of one text, and texts of one task.
const COUNT_MAX: u32 = 10_000;
const TOKENS_MAX: usize = 65_536;
const TASK_TEXTS: u32 = 16;
/// Messages of a conversation.
const MESSAGES_MAX: usize = 1_000;
/// Bytes of `tokenizer_config.json`.
const WORDS_BYTES_MAX: u64 = 8 << 20;

const ANSWERS: &str = "answers.json";
const TEXT: &str = "text.txt";
const MANIFEST: &str = "manifest.json";

/// The parameters of a `text` job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// The model's name on the shelf.
    model: String,
    /// The file's name, where the prompt is the job's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Either a text to go on with, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// … or a conversation, which the model's own template makes a prompt of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Message>>,
    #[serde(default = "tokens")]
    max_tokens: usize,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    sampling: Sampling,
    #[serde(default)]
    stop: Vec<String>,
    /// A JSON schema that the text must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schema: Option<Value>,
    /// Whether the tokens' probabilities are told.
    #[serde(default)]
    logprobs: bool,
    /// The day that templates are told, as 2026-11-22: a task reads no clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<NaiveDate>,
}

fn tokens() -> usize {
    256
}

fn one() -> u32 {
    1
}

/// What one task writes: some of a job's texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Share {
    model: Chosen,
    prompt: Vec<u32>,
    request: Params,
    texts: Range<u32>,
}

/// One text, as answers.json has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    index: u32,
    text: String,
    finish: Finish,
    tokens: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logprobs: Option<Vec<(u32, f32)>>,
}

/// What is known of a job once all of it is checked.
struct Checked {
    params: Params,
    record: Record,
    prompt: Vec<u32>,
}

/// Completion and chat.
pub struct Text {
    shelf: Arc<Shelf>,
    kept: Kept,
}

impl Text {
    pub fn new(shelf: &Arc<Shelf>) -> Self {
        Self { shelf: shelf.clone(), kept: Kept::default() }
    }

    fn check(&self, job: &JobSpec, read: Read<'_>) -> Result<Checked, BadInput> {
        let mut params: Params =
            serde_json::from_value(job.params.clone()).map_err(|error| bad(format!("the job's parameters: {error}")))?;
        if let (None, None, Some(text)) = (&params.prompt, &params.messages, given(job, params.file.as_deref(), read)?) {
            params.prompt = Some(text);
        }
        params.file = None;
        if !(1..=COUNT_MAX).contains(&params.count) {
            return Err(bad(format!("`count` is {}; it must be 1 to {COUNT_MAX}", params.count)));
        }
        if !(1..=TOKENS_MAX).contains(&params.max_tokens) {
            return Err(bad(format!("`max_tokens` is {}; it must be 1 to {TOKENS_MAX}", params.max_tokens)));
        }
        let fails = |error: klieg_generation::Error| bad(format!("failed to {error}"));
        params.sampling.check().map_err(fails)?;
        params.schema.as_ref().map_or(Ok(()), grammar::check).map_err(fails)?;
        let record = model::find(&self.shelf, &params.model)?;
        let files = model::files(&record).map_err(bad)?;
        let (config, vocabulary) = (files.config().map_err(fails)?, files.vocabulary().map_err(fails)?);
        let prompt = prompt(&params, &record, &vocabulary)?;
        fits(&params, &prompt, &config)?;
        if let Some(schema) = &params.schema {
            grammars(&config, &vocabulary).and_then(|grammars| grammars.schema(schema, params.max_tokens)).map_err(fails)?;
        }
        Ok(Checked { params, record, prompt })
    }

    fn write(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let Share { model, prompt, request, texts } = desk::params(&task.params)?;
        let loaded = self.kept.get(&self.shelf, &model)?;
        let one = |stream: u32| Request {
            prompt: prompt.clone(),
            sampling: request.sampling.clone(),
            tokens_max: request.max_tokens,
            stop: request.stop.clone(),
            seed: request.seed,
            stream: u64::from(stream),
            schema: request.schema.clone(),
            logprobs: 0,
            ignore_eos: false,
        };
        let answers = desk::write(&loaded, texts.clone().map(one).collect(), desk)?;
        let written: Vec<Written> = texts
            .zip(answers)
            .map(|(index, answer)| {
                let logprobs =
                    request.logprobs.then(|| answer.tokens.iter().copied().zip(answer.logprobs.iter().copied()).collect());
                Written { index, text: answer.text, finish: answer.finish, tokens: answer.tokens.len(), logprobs }
            })
            .collect();
        Ok(TaskResult {
            outputs: BTreeMap::from([("written".into(), desk.store(json!(written).to_string().as_bytes())?)]),
            adds: Vec::new(),
        })
    }
}

/// The text that a job brings as its input `prompt` (or `script`, as files are submitted), if it brings one.
pub(crate) fn given(job: &JobSpec, file: Option<&str>, read: Read<'_>) -> Result<Option<String>, BadInput> {
    let Some(digest) = job.inputs.get("prompt").or_else(|| job.inputs.get("script")) else { return Ok(None) };
    let in_file = |message: String| BadInput { file: file.unwrap_or("prompt").into(), line: 0, column: 0, message };
    let bytes = read(digest).map_err(|error| in_file(format!("failed to read it: {error}")))?;
    if bytes.len() > klieg_generation::PROMPT_BYTES_MAX {
        return Err(in_file(format!("it has {} bytes; the limit is {}", bytes.len(), klieg_generation::PROMPT_BYTES_MAX)));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| in_file("it is not UTF-8 text".into()))
}

/// The tokens of what a job gives: `prompt` as the tokenizer takes texts, `messages` by the model's template.
fn prompt(params: &Params, record: &Record, vocabulary: &Vocabulary) -> Result<Vec<u32>, BadInput> {
    let fails = |error: klieg_generation::Error| bad(format!("failed to {error}"));
    let tokens = match (&params.prompt, &params.messages) {
        (Some(prompt), None) if !prompt.trim().is_empty() => vocabulary.encode(prompt, true).map_err(fails)?,
        (None, Some(messages)) if (1..=MESSAGES_MAX).contains(&messages.len()) => {
            let text = conversation(record, messages, params.date)?;
            vocabulary.encode(&text, false).map_err(fails)?
        }
        (Some(_), None) => return Err(bad("`prompt` is empty: give it something to go on with")),
        (None, Some(messages)) => return Err(bad(format!("`messages` has {}; it must have 1 to {MESSAGES_MAX}", messages.len()))),
        _ => return Err(bad("give either `prompt` or `messages`")),
    };
    if tokens.is_empty() {
        return Err(bad("`prompt` has no tokens"));
    }
    Ok(tokens)
}

/// A conversation as the model's `tokenizer_config.json` (or `chat_template.jinja` beside it) would have it.
pub(crate) fn conversation(record: &Record, messages: &[Message], today: Option<NaiveDate>) -> Result<String, BadInput> {
    let none = || bad(format!("{} has no chat template: give `prompt` instead of `messages`", record.name));
    let read = |part: &klieg_models::Part| -> Result<Vec<u8>, BadInput> {
        if part.bytes > WORDS_BYTES_MAX {
            return Err(bad(format!("{} has {} bytes; the limit is {WORDS_BYTES_MAX}", part.path, part.bytes)));
        }
        std::fs::read(record.path(&part.path)).map_err(|error| bad(format!("failed to read {}: {error}", part.path)))
    };
    let words: Value = match record.file("tokenizer_config.json") {
        Some(part) => serde_json::from_slice(&read(part)?).map_err(|error| bad(format!("tokenizer_config.json: {error}")))?,
        None => Value::Null,
    };
    let source = match (record.file("chat_template.jinja"), &words["chat_template"]) {
        (Some(part), _) => String::from_utf8(read(part)?).map_err(|_| bad("chat_template.jinja is not UTF-8"))?,
        (None, Value::String(source)) => source.clone(),
        // Several, by name.
        (None, Value::Array(several)) => {
            let default = several.iter().find(|one| one["name"] == "default").and_then(|one| one["template"].as_str());
            default.ok_or_else(none)?.to_owned()
        }
        _ => return Err(none()),
    };
    let token = |name: &str| {
        let value = &words[name];
        value.as_str().or_else(|| value["content"].as_str()).unwrap_or_default().to_owned()
    };
    let context = Context {
        messages: messages.to_vec(),
        bos_token: token("bos_token"),
        eos_token: token("eos_token"),
        add_generation_prompt: true,
    };
    let rendered = Template::parse(&source, today).and_then(|template| template.render(&context));
    rendered.map_err(|error| bad(format!("failed to {error}")))
}

fn fits(params: &Params, prompt: &[u32], config: &Config) -> Result<(), BadInput> {
    let (holds, wanted) = (config.max_position_embeddings, prompt.len() + params.max_tokens);
    if wanted > holds {
        let message = format!(
            "`max_tokens`: {} tokens of prompt and {} to write are {wanted}; the model holds {holds}",
            prompt.len(),
            params.max_tokens
        );
        return Err(bad(message));
    }
    if let Some(token) = prompt.iter().find(|token| **token as usize >= config.vocab_size) {
        return Err(bad(format!("the tokenizer gives token {token}; the model has {}", config.vocab_size)));
    }
    Ok(())
}

/// Seconds that a text may take: for ETA only, before anything was measured. Two floating-point operations a weight and token, at
/// 20 billion a second.
fn seconds(record: &Record, tokens: usize) -> f64 {
    record.bytes as f64 * tokens as f64 / 20e9
}

impl Kind for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let Checked { params, record, prompt } = self.check(job, read)?;
        let chosen = Chosen { name: record.name.clone(), digest: record.digest };
        let mut tasks = Vec::new();
        let mut inputs = BTreeMap::new();
        for first in (0..params.count).step_by(TASK_TEXTS as usize) {
            let texts = first..(first + TASK_TEXTS).min(params.count);
            let name = format!("write/{first:05}");
            let share = Share { model: chosen.clone(), prompt: prompt.clone(), request: params.clone(), texts: texts.clone() };
            let ask = model::ask(&record, seconds(&record, texts.len() * params.max_tokens + prompt.len()));
            inputs.insert(
                format!("written/{first:05}"),
                Input { from: Source::Output { task: name.clone(), name: "written".into() } },
            );
            let label = format!("texts {} to {}", texts.start + 1, texts.end);
            tasks.push(TaskSpec {
                name,
                step: "write".into(),
                params: json!(share),
                inputs: BTreeMap::new(),
                ask,
                rank: first,
                label,
            });
        }
        let about = json!({"model": chosen, "family": record.family.word(), "prompt_tokens": prompt.len(), "params": params});
        let ask = Ask { memory_bytes: 64 << 20, seconds: 0.1, ..Ask::default() };
        tasks.push(TaskSpec {
            name: "gather".into(),
            step: "gather".into(),
            params: about,
            inputs,
            ask,
            rank: u32::MAX,
            label: "all texts".into(),
        });
        Ok(Plan { tasks })
    }

    fn files(&self, _: &JobSpec, outputs: &Outputs) -> Vec<File> {
        delivered(
            outputs,
            "gather",
            &[(TEXT, "text/plain; charset=utf-8"), (ANSWERS, "application/json"), (MANIFEST, "application/json")],
        )
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        match task.step.as_str() {
            "write" => self.write(task, desk),
            "gather" => gather(task, desk),
            other => Err(TaskFailure { fault: Fault::Input, message: format!("run text step {other:?}: there is no such step") }),
        }
    }
}

/// The files that one task gives in the end, as far as they are there.
pub(crate) fn delivered(outputs: &Outputs, task: &str, files: &[(&str, &'static str)]) -> Vec<File> {
    let file = |(name, media_type): &(&str, &'static str)| -> Option<File> {
        let digest: &Digest = outputs.get(&(task.to_owned(), (*name).to_owned()))?;
        Some(File { name: (*name).to_owned(), media_type, digest: *digest })
    };
    files.iter().filter_map(file).collect()
}

/// The texts of all tasks in their order, one after the other and as JSON, and how they were made.
fn gather(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let mut written: Vec<Written> = Vec::new();
    for name in desk.inputs() {
        let broken = |error| TaskFailure { fault: Fault::Task, message: format!("failed to read {name}: {error}") };
        let share: Vec<Written> = serde_json::from_slice(&desk.input(&name)?).map_err(broken)?;
        written.extend(share);
    }
    let texts: Vec<&str> = written.iter().map(|one| one.text.as_str()).collect();
    let text = texts.join("\n\n");
    let answers = json!({"model": task.params["model"], "answers": written});
    let manifest = json!({
        "kind": "text", "tool": {"name": "klieg", "version": env!("CARGO_PKG_VERSION")}, "made": "by a language model",
        "model": task.params["model"], "family": task.params["family"], "prompt_tokens": task.params["prompt_tokens"],
        "params": task.params["params"], "texts": written.len(),
    });
    let mut outputs = BTreeMap::new();
    outputs.insert(TEXT.into(), desk.store(text.as_bytes())?);
    outputs.insert(ANSWERS.into(), desk.store(pretty(&answers).as_bytes())?);
    outputs.insert(MANIFEST.into(), desk.store(pretty(&manifest).as_bytes())?);
    Ok(TaskResult { outputs, adds: Vec::new() })
}

pub(crate) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
