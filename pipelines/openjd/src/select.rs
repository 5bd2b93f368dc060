//! Which steps and tasks are run at the command line.

use crate::document;
use openjd_expr::{ExprValue, PathFormat, RangeExpr, value::Float64};
use openjd_model::{
    StepDependencyGraph, StepParameterSpaceIterator, TaskParameterSet, TaskParameterType, TaskParameterValue,
    job::{Job, Step, TaskParameter},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A task's parameters, as they were given.
pub type Given = BTreeMap<String, String>;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Steps in order, by their places.
    pub steps: Vec<usize>,
    /// The one that was meant; the others are those that it depends on. `None`: all.
    pub chosen: Option<usize>,
}

/// The steps to run: the one named, or the only one, perhaps after those that it depends on; otherwise all.
pub fn steps(job: &Job, named: Option<&str>, dependencies: bool) -> Result<Selection, String> {
    let chosen = match named {
        Some(name) => {
            let at = job.steps.iter().position(|step| step.name == name);
            Some(at.ok_or_else(|| format!("No Step with name '{name}' is defined in the given Job Template."))?)
        }
        None if job.steps.len() == 1 => Some(0),
        None => None,
    };
    let all = StepDependencyGraph::new(job).and_then(|graph| graph.topo_sorted()).map_err(|e| e.to_string())?;
    let steps = match chosen {
        None => all,
        Some(chosen) if !dependencies => vec![chosen],
        Some(chosen) => {
            let wanted = needed(job, chosen);
            all.into_iter().filter(|step| wanted.contains(step)).collect()
        }
    };
    Ok(Selection { steps, chosen })
}

/// A step with everything that it depends on.
fn needed(job: &Job, step: usize) -> BTreeSet<usize> {
    let (mut wanted, mut open) = (BTreeSet::new(), vec![step]);
    while let Some(at) = open.pop() {
        if wanted.insert(at) {
            let names = job.steps[at].dependencies.iter().flatten().map(|dependency| &dependency.depends_on);
            open.extend(names.filter_map(|name| job.steps.iter().position(|step| step.name == *name)));
        }
    }
    wanted
}

/// One task, as `NAME=VALUE` each.
pub fn one_task(arguments: &[String]) -> Result<Given, String> {
    let (mut given, mut errors) = (Given::new(), Vec::new());
    for argument in arguments {
        match argument.trim_start().split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                if given.insert(name.to_owned(), value.to_owned()).is_some() {
                    errors.push(format!("Task parameter '{name}' has been defined more than once."));
                }
            }
            _ => errors.push(format!("Task parameter '{argument}' defined incorrectly. Expected '<NAME>=<VALUE>' format.")),
        }
    }
    if errors.is_empty() {
        return Ok(given);
    }
    Err(format!("Found the following errors collecting Task parameters:\n - {}", errors.join("\n - ")))
}

/// Several tasks, as JSON or in a file.
pub fn many_tasks(argument: &str) -> Result<Vec<Given>, String> {
    const FORM: &str = "--task argument must be a list of maps from string to string when decoded.";
    let argument = argument.trim();
    let value = match document::named(argument) {
        Some(path) => document::read(&path).map_err(|e| format!("Parameter file '{}': {e}", path.display()))?,
        None => serde_json::from_str(argument)
            .map_err(|_| "--task argument must be a JSON encoded list of maps or a string with the file:// prefix.".to_owned())?,
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let one =
        |item: &Value| item.as_object()?.iter().map(|(name, value)| Some((name.clone(), text(value)?))).collect::<Option<Given>>();
    let all = value.as_array().and_then(|items| items.iter().map(one).collect::<Option<Vec<_>>>());
    all.ok_or_else(|| FORM.to_owned())
}

/// Tasks of a step out of what was given, each of which must be one of the step's.
pub fn tasks(step: &Step, given: &[Given]) -> Result<Vec<TaskParameterSet>, String> {
    let Some(space) = &step.parameter_space else {
        return Err(format!("Step '{}' does not define a parameterSpace.", step.name));
    };
    let iterator = StepParameterSpaceIterator::new(space).map_err(|e| e.to_string())?;
    let (mut sets, mut errors) = (Vec::new(), Vec::new());
    for (number, task) in given.iter().enumerate() {
        let known = &space.task_parameter_definitions;
        let extra: Vec<&str> = task.keys().filter(|name| !known.contains_key(*name)).map(String::as_str).collect();
        let mut missing: Vec<&str> = known.keys().filter(|name| !task.contains_key(*name)).map(String::as_str).collect();
        missing.sort_unstable();
        if !extra.is_empty() {
            errors.push(format!("Task {number} defines unknown parameters: {}", extra.join(", ")));
        }
        if !missing.is_empty() {
            errors.push(format!("Task {number} is missing values for parameters: {}", missing.join(", ")));
        }
        if !extra.is_empty() || !missing.is_empty() {
            continue;
        }
        let set = known.iter().map(|(name, parameter)| Ok((name.clone(), typed(name, parameter, &task[name])?)));
        match set.collect::<Result<TaskParameterSet, String>>().and_then(|set| iterator.validate_containment(&set).map(|()| set)) {
            Ok(set) => sets.push(set),
            Err(error) => errors.push(format!("Task {number}: {error}")),
        }
    }
    if errors.is_empty() {
        return Ok(sets);
    }
    Err(format!("Errors defining task parameter values:\n - {}", errors.join("\n - ")))
}

fn typed(name: &str, parameter: &TaskParameter, text: &str) -> Result<TaskParameterValue, String> {
    let wrong = |kind: &str| format!("Task parameter '{name}': expected {kind}, got '{text}'");
    let (param_type, value) = match parameter {
        TaskParameter::Int { .. } => (TaskParameterType::Int, ExprValue::Int(text.parse().map_err(|_| wrong("INT"))?)),
        TaskParameter::Float { .. } => {
            let value = text.parse().ok().and_then(|value| Float64::new(value).ok()).ok_or_else(|| wrong("FLOAT"))?;
            (TaskParameterType::Float, ExprValue::Float(value))
        }
        TaskParameter::String { .. } => (TaskParameterType::String, ExprValue::String(text.to_owned())),
        TaskParameter::Path { .. } => (TaskParameterType::Path, ExprValue::new_path(text.to_owned(), PathFormat::host())),
        TaskParameter::ChunkInt { .. } => {
            let values: RangeExpr = text.parse().map_err(|e| format!("{}: {e}", wrong("a range expression")))?;
            (TaskParameterType::ChunkInt, ExprValue::RangeExpr(values))
        }
    };
    Ok(TaskParameterValue { param_type, value })
}
