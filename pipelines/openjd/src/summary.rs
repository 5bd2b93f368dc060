//! What a job comes to, in the words of the reference's `openjd summary`.

use crate::template::Prepared;
use openjd_expr::ExprValue;
use openjd_model::{
    StepParameterSpaceIterator,
    job::{Environment, Job, JobParameter, Step, TaskParameter},
    template::JobParameterDefinition,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write};

/// Text for people, and the same as fields for programs.
pub type Summary = (String, Vec<(&'static str, Value)>);

/// The tasks of a step, each value of a chunked parameter counted as one.
fn tasks(step: &Step) -> u64 {
    let space = step.parameter_space.as_ref();
    let iterator = space.map(|space| StepParameterSpaceIterator::new_with_chunk_override(space, Some(1)));
    iterator.map_or(1, |iterator| iterator.map_or(0, |iterator| iterator.len() as u64))
}

fn type_of(parameter: &TaskParameter) -> &'static str {
    match parameter {
        TaskParameter::Int { .. } => "INT",
        TaskParameter::Float { .. } => "FLOAT",
        TaskParameter::String { .. } => "STRING",
        TaskParameter::Path { .. } => "PATH",
        TaskParameter::ChunkInt { .. } => "CHUNK[INT]",
    }
}

/// (name, type)
fn parameters(step: &Step) -> Vec<(&str, &'static str)> {
    let definitions = step.parameter_space.iter().flat_map(|space| &space.task_parameter_definitions);
    definitions.map(|(name, parameter)| (name.as_str(), type_of(parameter))).collect()
}

fn environments(environments: Option<&Vec<Environment>>, parent: &str) -> Vec<Value> {
    let one = |e: &Environment| json!({"name": e.name, "description": e.description, "parent": parent});
    environments.into_iter().flatten().map(one).collect()
}

fn dependencies(step: &Step) -> Vec<&str> {
    step.dependencies.iter().flatten().map(|dependency| dependency.depends_on.as_str()).collect()
}

fn environment_lines(list: &[Value], padding: &str) -> String {
    list.iter().fold(String::new(), |mut text, one| {
        let _ =
            writeln!(text, "{padding}- {} (from '{}')", one["name"].as_str().unwrap_or(""), one["parent"].as_str().unwrap_or(""));
        text
    })
}

fn shown_value(value: &ExprValue) -> String {
    match value {
        ExprValue::Bool(true) => "True".into(),
        ExprValue::Bool(false) => "False".into(),
        other => other.to_display_string(),
    }
}

/// The job's parameters in the order in which the template, and then the environments beside it, define them. The job itself has them in
/// any order.
fn job_parameters(prepared: &Prepared) -> impl Iterator<Item = (&str, &JobParameter)> {
    let beside = prepared.environments.iter().flat_map(|environment| environment.parameter_definitions.iter().flatten());
    let names = prepared.template.parameter_definitions_list().iter().chain(beside).map(JobParameterDefinition::name);
    let mut seen = BTreeSet::new();
    names.filter(move |name| seen.insert(*name)).filter_map(|name| Some((name, prepared.job.parameters.get(name)?)))
}

/// Of a whole job.
pub fn of_job(prepared: &Prepared) -> Summary {
    let job = &prepared.job;
    let message = format!("Summary for '{}'", job.name);
    let root = environments(job.job_environments.as_ref(), "root");
    let of_steps: Vec<Vec<Value>> =
        job.steps.iter().map(|step| environments(step.step_environments.as_ref(), &step.name)).collect();
    let total_environments = root.len() + of_steps.iter().map(Vec::len).sum::<usize>();
    let total_tasks: u64 = job.steps.iter().map(tasks).sum();
    let mut text = format!("\n--- {message} ---\n");
    if !job.parameters.is_empty() {
        text += "\nParameters:\n";
    }
    let mut values = Vec::new();
    for (name, parameter) in job_parameters(prepared) {
        let (kind, value) = (parameter.param_type.as_spec_str(), shown_value(&parameter.value));
        let shown = if value.is_empty() { String::new() } else { format!(": {value}") };
        let _ = writeln!(text, "  - {name} ({kind}){shown}");
        values.push(json!({"name": name, "type": kind, "value": value}));
    }
    let _ = write!(
        text,
        "\nTotal steps: {}\nTotal tasks: {total_tasks}\nTotal environments: {total_environments}\n\n--- Steps in '{}' ---\n\n",
        job.steps.len(),
        job.name
    );
    for (number, (step, environments)) in (1..).zip(job.steps.iter().zip(&of_steps)) {
        let _ = writeln!(text, "{number}. {}", step_lines(step, environments));
    }
    if total_environments > 0 {
        let _ = writeln!(text, "\n--- Environments in '{}' ---", job.name);
        text += &environment_lines(&root, "  ");
        of_steps.iter().for_each(|list| text += &environment_lines(list, "  "));
    }
    let steps: Vec<Value> = job.steps.iter().map(of).collect();
    let fields = vec![
        ("message", message.into()),
        ("name", job.name.clone().into()),
        ("parameter_definitions", values.into()),
        ("total_steps", job.steps.len().into()),
        ("total_tasks", total_tasks.into()),
        ("total_environments", total_environments.into()),
        ("root_environments", root.into()),
        ("steps", steps.into()),
    ];
    (text, fields)
}

fn step_lines(step: &Step, environments: &[Value]) -> String {
    let mut text = format!("'{}' ({} total Tasks)\n", step.name, tasks(step));
    let parameters = parameters(step);
    if !parameters.is_empty() {
        text += "  Task parameters:\n";
    }
    for (name, kind) in parameters {
        let _ = writeln!(text, "    - {name} ({kind})");
    }
    if !environments.is_empty() {
        let _ = writeln!(text, "  {} environments", environments.len());
    }
    let dependencies = dependencies(step).len();
    if dependencies > 0 {
        let _ = writeln!(text, "  {dependencies} dependencies");
    }
    text
}

fn of(step: &Step) -> Value {
    let parameters: Vec<Value> = parameters(step).iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let dependencies: Vec<Value> = dependencies(step).iter().map(|name| json!({"step_name": name})).collect();
    json!({
        "name": step.name, "total_tasks": tasks(step), "parameter_definitions": parameters,
        "environments": environments(step.step_environments.as_ref(), &step.name), "dependencies": dependencies,
    })
}

/// Of one step, if the job has it.
pub fn of_step(job: &Job, name: &str) -> Result<Summary, String> {
    let step = job.steps.iter().find(|step| step.name == name);
    let step = step.ok_or_else(|| format!("Step '{name}' does not exist in Job '{}'.", job.name))?;
    let message = format!("Summary for Step '{name}' in Job '{}'", job.name);
    let (parameters, environments) = (parameters(step), environments(step.step_environments.as_ref(), name));
    let mut text = format!(
        "\n--- {message} ---\n\nTotal tasks: {}\nTotal task parameters: {}\nTotal environments: {}\n",
        tasks(step),
        parameters.len(),
        environments.len()
    );
    let dependencies = dependencies(step);
    if !dependencies.is_empty() {
        let lines: String = dependencies.iter().map(|name| format!("- '{name}'\n")).collect();
        let _ = write!(text, "\nDependencies ({}):\n{lines}", dependencies.len());
    }
    if !parameters.is_empty() {
        let lines: String = parameters.iter().map(|(name, kind)| format!("- {name} ({kind})\n")).collect();
        let _ = write!(text, "\nParameters:\n{lines}");
    }
    if !environments.is_empty() {
        let _ = write!(text, "\nEnvironments:\n{}", environment_lines(&environments, ""));
    }
    let whole = of(step);
    let fields = vec![
        ("message", message.into()),
        ("job_name", job.name.clone().into()),
        ("step_name", name.into()),
        ("total_parameters", parameters.len().into()),
        ("parameter_definitions", whole["parameter_definitions"].clone()),
        ("total_tasks", tasks(step).into()),
        ("total_environments", environments.len().into()),
        ("environments", whole["environments"].clone()),
        ("dependencies", whole["dependencies"].clone()),
    ];
    Ok((text, fields))
}
