//! `script`: an idea to a screenplay in Fountain. First an outline, then every scene of it, each in the form of a schema, so that what
//! comes out is a screenplay whatever the model makes of the idea.

use crate::{
    desk,
    model::{self, Chosen, Kept, bad},
    screenplay::{self, Outline, Scene},
    text::{conversation, delivered, given, pretty},
};
use chrono::NaiveDate;
use klieg_generation::{Message, Request, sample::Sampling};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read};
use klieg_models::{Record, Shelf};
use klieg_protocol::{Ask, Class, Fault, Input, JobSpec, Plan, Source, TaskFailure, TaskResult, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

/// Characters of an idea, scenes of a script, and tokens of an outline or a scene.
const IDEA_MAX: usize = 20_000;
const SCENES_MAX: u32 = 40;
const TOKENS: std::ops::RangeInclusive<usize> = 128..=8192;

const FOUNTAIN: &str = "script.fountain";
const MANIFEST: &str = "manifest.json";

/// The parameters of a `script` job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    model: String,
    /// The file's name, where the idea is the job's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default)]
    idea: String,
    #[serde(default = "scenes")]
    scenes: u32,
    #[serde(default)]
    seed: u64,
    /// Tokens of the outline, and of each scene.
    #[serde(default = "tokens")]
    max_tokens: usize,
    #[serde(default = "sampling")]
    sampling: Sampling,
    /// The day that templates are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<NaiveDate>,
}

fn scenes() -> u32 {
    3
}

fn tokens() -> usize {
    1024
}

fn sampling() -> Sampling {
    Sampling { temperature: 0.8, top_p: 0.95, ..Sampling::default() }
}

/// What every task of a job is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Work {
    model: Chosen,
    params: Params,
    /// Which scene; none for the outline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scene: Option<u32>,
}

pub struct Script {
    shelf: Arc<Shelf>,
    kept: Kept,
}

fn said(text: String) -> Vec<Message> {
    let system = "You write screenplays. You answer with JSON alone.";
    vec![Message { role: "system".into(), content: system.into() }, Message { role: "user".into(), content: text }]
}

fn outline_prompt(params: &Params) -> String {
    format!(
        "Idea: {}\n\nOutline a screenplay of {} scenes: a title, the names of its people in capitals, and for each scene whether it is inside, \
         the place in capitals, the time of day and one sentence of what happens.",
        params.idea.trim(),
        params.scenes
    )
}

fn scene_prompt(params: &Params, outline: &Outline, at: usize) -> String {
    let listed: Vec<String> =
        outline.scenes.iter().enumerate().map(|(at, scene)| format!("{}. {} — {}", at + 1, scene.place, scene.summary)).collect();
    format!(
        "Idea: {}\n\nThe screenplay \"{}\" with {} has these scenes:\n{}\n\nWrite scene {}: what is seen, and who says what and how. At most sixteen beats.",
        params.idea.trim(),
        outline.title,
        outline.cast.join(", "),
        listed.join("\n"),
        at + 1
    )
}

impl Script {
    pub fn new(shelf: &Arc<Shelf>) -> Self {
        Self { shelf: shelf.clone(), kept: Kept::default() }
    }

    fn check(&self, job: &JobSpec, read: Read<'_>) -> Result<(Params, Record), BadInput> {
        let mut params: Params =
            serde_json::from_value(job.params.clone()).map_err(|error| bad(format!("the job's parameters: {error}")))?;
        if params.idea.is_empty() {
            params.idea = given(job, params.file.as_deref(), read)?.unwrap_or_default();
        }
        params.file = None;
        let characters = params.idea.chars().count();
        if params.idea.trim().is_empty() || characters > IDEA_MAX {
            return Err(bad(format!("`idea` has {characters} characters; it must have something in it, and at most {IDEA_MAX}")));
        }
        if !(1..=SCENES_MAX).contains(&params.scenes) {
            return Err(bad(format!("`scenes` is {}; it must be 1 to {SCENES_MAX}", params.scenes)));
        }
        if !TOKENS.contains(&params.max_tokens) {
            return Err(bad(format!("`max_tokens` is {}; it must be {} to {}", params.max_tokens, TOKENS.start(), TOKENS.end())));
        }
        let fails = |error: klieg_generation::Error| bad(format!("failed to {error}"));
        params.sampling.check().map_err(fails)?;
        let record = model::find(&self.shelf, &params.model)?;
        let files = model::files(&record).map_err(bad)?;
        let (config, vocabulary) = (files.config().map_err(fails)?, files.vocabulary().map_err(fails)?);
        let text = prompted(&record, outline_prompt(&params), params.date)?;
        let wanted = vocabulary.encode(&text, false).map_err(fails)?.len() + params.max_tokens;
        if wanted > config.max_position_embeddings {
            let message = format!(
                "`max_tokens`: the idea and what is written of it are {wanted} tokens; the model holds {}",
                config.max_position_embeddings
            );
            return Err(bad(message));
        }
        let schema = screenplay::outline_schema(params.scenes);
        klieg_generation::grammars(&config, &vocabulary)
            .and_then(|grammars| grammars.schema(&schema, params.max_tokens))
            .map_err(fails)?;
        Ok((params, record))
    }

    /// What the model writes in the form of a schema.
    fn ask(&self, work: &Work, stream: u64, text: String, schema: Value, desk: &mut dyn Desk) -> Result<Value, TaskFailure> {
        let loaded = self.kept.get(&self.shelf, &work.model)?;
        let broken = |message: String| TaskFailure { fault: Fault::Input, message };
        let record = self.shelf.find(&work.model.name).ok().flatten();
        let record =
            record.ok_or_else(|| TaskFailure { fault: Fault::Node, message: format!("failed to find {}", work.model.name) })?;
        let text = prompted(&record, text, work.params.date).map_err(|error| broken(error.message))?;
        let request = Request {
            prompt: loaded.vocabulary.encode(&text, false).map_err(desk::failure)?,
            sampling: work.params.sampling.clone(),
            tokens_max: work.params.max_tokens,
            seed: work.params.seed,
            stream,
            schema: Some(schema),
            ..Request::default()
        };
        let answers = desk::write(&loaded, vec![request], desk)?;
        let answer = answers.first().map(|answer| answer.text.as_str()).unwrap_or_default();
        serde_json::from_str(answer).map_err(|error| broken(format!("failed to read what the model wrote: {error}")))
    }

    fn outline(&self, work: &Work, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let params = &work.params;
        let outline = self.ask(work, 0, outline_prompt(params), screenplay::outline_schema(params.scenes), desk)?;
        let digest = desk.store(pretty(&outline).as_bytes())?;
        Ok(TaskResult { outputs: BTreeMap::from([("outline".into(), digest)]), adds: Vec::new() })
    }

    fn scene(&self, work: &Work, at: u32, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let outline: Outline = read(desk, "outline")?;
        let text = scene_prompt(&work.params, &outline, at as usize);
        let scene = self.ask(work, u64::from(at) + 1, text, screenplay::scene_schema(&outline.cast), desk)?;
        let digest = desk.store(pretty(&scene).as_bytes())?;
        Ok(TaskResult { outputs: BTreeMap::from([("scene".into(), digest)]), adds: Vec::new() })
    }
}

/// By the model's template, or as plain text where it has none.
fn prompted(record: &Record, text: String, today: Option<NaiveDate>) -> Result<String, BadInput> {
    let has_template = record.file("tokenizer_config.json").is_some() || record.file("chat_template.jinja").is_some();
    if has_template { conversation(record, &said(text), today) } else { Ok(format!("{text}\n\nJSON:\n")) }
}

fn read<T: serde::de::DeserializeOwned>(desk: &mut dyn Desk, name: &str) -> Result<T, TaskFailure> {
    let broken = |error| TaskFailure { fault: Fault::Task, message: format!("failed to read {name}: {error}") };
    serde_json::from_slice(&desk.input(name)?).map_err(broken)
}

/// The outline and its scenes as one screenplay.
fn join(work: &Work, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let outline: Outline = read(desk, "outline")?;
    let scenes: Vec<Scene> = (0..work.params.scenes).map(|at| read(desk, &scene_name(at))).collect::<Result<_, _>>()?;
    let refused = |message: String| TaskFailure {
        fault: Fault::Input,
        message: format!("failed to make a screenplay of it: {message}; another seed may do"),
    };
    let fountain = screenplay::written(&outline, &scenes).map_err(refused)?;
    let manifest = json!({
        "kind": "script", "tool": {"name": "klieg", "version": env!("CARGO_PKG_VERSION")}, "made": "by a language model",
        "model": work.model, "params": work.params, "outline": outline,
    });
    let outputs = [(FOUNTAIN, fountain), (MANIFEST, pretty(&manifest))];
    let stored = outputs
        .into_iter()
        .map(|(name, text)| Ok((name.to_owned(), desk.store(text.as_bytes())?)))
        .collect::<Result<_, TaskFailure>>()?;
    Ok(TaskResult { outputs: stored, adds: Vec::new() })
}

fn scene_name(at: u32) -> String {
    format!("scene/{at:03}")
}

impl Kind for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let (params, record) = self.check(job, read)?;
        let model = Chosen { name: record.name.clone(), digest: record.digest };
        let seconds = record.bytes as f64 * params.max_tokens as f64 / 20e9;
        let work = |scene| json!(Work { model: model.clone(), params: params.clone(), scene });
        let output = |task: &str, name: &str| Input { from: Source::Output { task: task.into(), name: name.into() } };
        let outline = BTreeMap::from([("outline".to_owned(), output("outline", "outline"))]);
        let task = |name: String, step: &str, scene, inputs, ask, rank, label: String| TaskSpec {
            name,
            step: step.into(),
            params: work(scene),
            inputs,
            ask,
            rank,
            label,
        };
        let mut tasks =
            vec![task("outline".into(), "outline", None, BTreeMap::new(), model::ask(&record, seconds), 0, "outline".into())];
        let mut all = outline.clone();
        for at in 0..params.scenes {
            let name = scene_name(at);
            all.insert(name.clone(), output(&name, "scene"));
            tasks.push(task(
                name,
                "scene",
                Some(at),
                outline.clone(),
                model::ask(&record, seconds),
                at + 1,
                format!("scene {}", at + 1),
            ));
        }
        let ask = Ask { memory_bytes: 64 << 20, seconds: 0.1, ..Ask::default() };
        tasks.push(task("join".into(), "join", None, all, ask, u32::MAX, "the screenplay".into()));
        Ok(Plan { tasks })
    }

    fn files(&self, _: &JobSpec, outputs: &Outputs) -> Vec<File> {
        delivered(outputs, "join", &[(FOUNTAIN, "text/plain; charset=utf-8"), (MANIFEST, "application/json")])
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let work: Work = desk::params(&task.params)?;
        match (task.step.as_str(), work.scene) {
            ("outline", _) => self.outline(&work, desk),
            ("scene", Some(at)) => self.scene(&work, at, desk),
            ("join", _) => join(&work, desk),
            (other, _) => {
                Err(TaskFailure { fault: Fault::Input, message: format!("run script step {other:?}: there is no such step") })
            }
        }
    }
}
