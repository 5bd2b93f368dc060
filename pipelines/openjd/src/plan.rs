//! From a job to tasks of the farm.

use crate::{
    attach::Attachment,
    require,
    share::{Share, shares},
    template::{DocumentType, Places, Prepared, all_extensions, decode, prepare, words},
};
use klieg_kind::BadInput;
use klieg_protocol::{Ask, Digest, Input, JobSpec, Plan, Source, TaskName, TaskSpec};
use openjd_model::{ModelError, StepDependencyGraph, job::Step};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The input that is the template.
pub const TEMPLATE: &str = "template";
/// The input that lists what is attached: JSON, a list of `Attachment`. A job without any has none.
pub const MANIFEST: &str = "manifest";
/// The output with the files that a session, or a whole step, left: an archive (tar).
pub const FILES: &str = "files";
/// The output with what a session's commands printed.
pub const LOG: &str = "log";

/// Parameters of a job of this kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What messages call the template.
    #[serde(default)]
    pub file: String,
    /// The template is strict JSON, not YAML.
    #[serde(default)]
    pub json: bool,
    /// Absolute; defaults of PATH parameters start here.
    #[serde(default)]
    pub directory: String,
    /// Absolute; values of PATH parameters start here.
    #[serde(default)]
    pub working: String,
    /// Job parameters: text, or JSON for what is not.
    #[serde(default)]
    pub values: BTreeMap<String, Value>,
    /// Sessions that a step is cut into at most.
    #[serde(default)]
    pub sessions: Option<u32>,
    /// Tells this submission from an equal one: commands that are submitted again run again.
    #[serde(default)]
    pub run: String,
}

impl Params {
    /// The job that the template and these come to.
    pub fn prepare(&self, template: &str) -> Result<Prepared, ModelError> {
        let document = if self.json { DocumentType::Json } else { DocumentType::Yaml };
        let root = |path: &str| if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        let (directory, working) = (root(&self.directory), root(&self.working));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values = self.values.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        let template = decode(template, document, &all_extensions())?;
        prepare(template, Vec::new(), &values, Places { template: &directory, working: &working })
    }
}

/// What a task does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Runs a share of a step.
    Session { step: usize, share: Share, params: Params },
    /// Joins what the sessions of a step left: whoever waits for the step waits for this.
    Gather { step: String },
}

/// The task that ends a step. Its output `FILES` is everything that the step left.
pub fn gathered(step: &str) -> TaskName {
    format!("{step}/end")
}

/// The plan of a job.
pub fn plan(job: &JobSpec, read: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<Plan, BadInput> {
    let params: Params = serde_json::from_value(job.params.clone()).map_err(|e| bad("", format!("the job's parameters: {e}")))?;
    let wrong = |message: String| bad(&params.file, message);
    let template = job.inputs.get(TEMPLATE).ok_or_else(|| wrong(format!("the job has no input {TEMPLATE:?}")))?;
    let template = read(template).map_err(|e| wrong(format!("read the template: {e}")))?;
    let template = String::from_utf8(template).map_err(|_| wrong("the template is not UTF-8".into()))?;
    let prepared = params.prepare(&template).map_err(|e| wrong(words(&e)))?;
    known(job, read).map_err(&wrong)?;
    let order = StepDependencyGraph::new(&prepared.job).and_then(|graph| graph.topo_sorted()).map_err(|e| wrong(words(&e)))?;
    let steps = &prepared.job.steps;
    let outside = prepared.job.job_environments.is_some();
    let mut before: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut plan = Plan::default();
    for at in order {
        let step = &steps[at];
        let direct = step.dependencies.iter().flatten().map(|dependency| dependency.depends_on.as_str());
        let all = direct.clone().chain(direct.filter_map(|name| before.get(name)).flatten().copied()).collect();
        let sessions = shares(step, outside || step.step_environments.is_some(), params.sessions).map_err(|e| wrong(words(&e)))?;
        let inputs = inputs(job, &all);
        let first = plan.tasks.len();
        for (number, share) in (0..).zip(sessions) {
            let ask = require::ask(step.host_requirements.as_ref(), share.tasks());
            let ask = ask.map_err(|why| wrong(format!("step {:?} {why}", step.name)))?;
            plan.tasks.push(session(step, at, number, share, &params, inputs.clone(), ask));
        }
        let gather = gather(&step.name, &plan.tasks[first..]);
        plan.tasks.push(gather);
        before.insert(&step.name, all);
    }
    for (rank, task) in (0..).zip(&mut plan.tasks) {
        task.rank = rank;
    }
    Ok(plan)
}

fn bad(file: &str, message: String) -> BadInput {
    BadInput { file: file.to_owned(), line: 0, column: 0, message }
}

/// Whether everything that the manifest names is an input of the job.
fn known(job: &JobSpec, read: &dyn Fn(&Digest) -> std::io::Result<Vec<u8>>) -> Result<(), String> {
    let Some(manifest) = job.inputs.get(MANIFEST) else { return Ok(()) };
    let manifest = read(manifest).map_err(|e| format!("read the manifest: {e}"))?;
    let manifest: Vec<Attachment> = serde_json::from_slice(&manifest).map_err(|e| format!("the manifest: {e}"))?;
    let mut entries = manifest.iter().flat_map(|attachment| &attachment.files);
    match entries.find(|entry| job.inputs.get(&entry.input()) != Some(&entry.digest)) {
        Some(entry) => Err(format!("the manifest names {:?}, and the job has no input {:?} for it", entry.path, entry.input())),
        None => Ok(()),
    }
}

/// What every session of a step reads: all that the job has, and what the steps left that it waits for.
fn inputs(job: &JobSpec, before: &BTreeSet<&str>) -> BTreeMap<String, Input> {
    let own = job.inputs.iter().map(|(name, digest)| (name.clone(), Input { from: Source::Blob(*digest) }));
    let left = before.iter().enumerate().map(|(number, step)| {
        let from = Source::Output { task: gathered(step), name: FILES.into() };
        (format!("after-{number:04}"), Input { from })
    });
    own.chain(left).collect()
}

fn session(
    step: &Step,
    at: usize,
    number: usize,
    share: Share,
    params: &Params,
    inputs: BTreeMap<String, Input>,
    ask: Ask,
) -> TaskSpec {
    let label = match share.tasks() {
        1 => step.name.clone(),
        tasks => format!("{}, {tasks} tasks", step.name),
    };
    let params = json!(Work::Session { step: at, share, params: params.clone() });
    TaskSpec { name: format!("{}/{number}", step.name), step: "session".into(), params, inputs, ask, rank: 0, label }
}

fn gather(step: &str, sessions: &[TaskSpec]) -> TaskSpec {
    let left = sessions.iter().enumerate().map(|(number, session)| {
        let from = Source::Output { task: session.name.clone(), name: FILES.into() };
        (format!("{number:06}"), Input { from })
    });
    let ask = Ask { memory_bytes: 64 << 20, seconds: 0.1, needs: vec![require::GIVES.into()], fresh: true, ..Ask::default() };
    TaskSpec {
        name: gathered(step),
        step: "gather".into(),
        params: json!(Work::Gather { step: step.to_owned() }),
        inputs: left.collect(),
        ask,
        rank: 0,
        label: format!("{step}: all of it"),
    }
}
