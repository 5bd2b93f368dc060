//! What the simulated farm computes: random graphs of tasks whose outputs depend on their names alone.

use klieg_protocol::{Ask, Class, Digest, Input, JobSpec, Plan, Source, Split, TaskResult, TaskSpec};
use klieg_scheduler::state::Dice;
use std::collections::BTreeMap;

fn text(key: &str, task: &str) -> Vec<u8> {
    format!("{key} {task}").into_bytes()
}

/// The one output of a task.
pub fn output(key: &str, task: &str) -> Digest {
    Digest::of(&text(key, task))
}

/// Its bytes.
pub fn bytes(spec: &TaskSpec) -> Vec<u8> {
    text(key(spec), &spec.name)
}

fn task(key: &str, name: &str, needs: &[&str], dice: &mut Dice) -> TaskSpec {
    let input = |need: &&str| (need.to_string(), Input { from: Source::Output { task: need.to_string(), name: "o".into() } });
    let class = if dice.below(3) == 0 { Class::Cuda } else { Class::Cpu };
    let limits = if dice.below(8) == 0 { vec!["licence".to_string()] } else { Vec::new() };
    let models = if dice.below(4) == 0 { vec!["sdxl".to_string()] } else { Vec::new() };
    let ask = Ask {
        memory_bytes: 1 + dice.below(8),
        seconds: 1.0 + dice.below(5) as f64,
        class,
        slots: 1 + u32::try_from(dice.below(2)).unwrap_or(0),
        models,
        limits,
        ..Ask::default()
    };
    TaskSpec {
        name: name.into(),
        step: if dice.below(4) == 0 { "grow".into() } else { "plain".into() },
        params: serde_json::json!([key, name]),
        inputs: needs.iter().map(input).collect(),
        ask,
        rank: u32::try_from(dice.below(3)).unwrap_or(0),
        label: String::new(),
    }
}

/// A job of one to eight tasks.
pub fn job(key: &str, dice: &mut Dice) -> (JobSpec, Plan) {
    let names: Vec<String> = (0..1 + dice.below(8)).map(|n| format!("t{n}")).collect();
    let mut plan = Plan::default();
    for (n, name) in names.iter().enumerate() {
        let needs: Vec<&str> = names[..n].iter().filter(|_| dice.below(3) == 0).map(String::as_str).collect();
        plan.tasks.push(task(key, name, &needs, dice));
    }
    let spec = JobSpec { kind: "sim".into(), label: key.into(), params: key.into(), inputs: BTreeMap::new() };
    (spec, plan)
}

fn key(spec: &TaskSpec) -> &str {
    spec.params[0].as_str().unwrap_or_default()
}

/// What a task gives.
pub fn result(spec: &TaskSpec) -> TaskResult {
    let outputs = BTreeMap::from([("o".to_string(), output(key(spec), &spec.name))]);
    let mut adds = Vec::new();
    if spec.step == "grow" {
        let name = format!("x{}", spec.name);
        // Of the task alone: every attempt adds the same.
        let mut more = task(key(spec), &name, &[&spec.name], &mut Dice(spec.name.len() as u64));
        more.step = "plain".into();
        adds.push(more);
    }
    TaskResult { outputs, adds }
}

/// What a task becomes when its device has too little memory.
pub fn split(spec: &TaskSpec) -> Option<Split> {
    if spec.ask.memory_bytes < 2 {
        return None;
    }
    let smaller = Ask { memory_bytes: spec.ask.memory_bytes / 2, slots: 1, ..spec.ask.clone() };
    let names: Vec<String> = (0..2).map(|n| format!("{}/{}.{n}", spec.name, spec.ask.memory_bytes)).collect();
    let part = |name: &String| TaskSpec {
        name: name.clone(),
        step: "plain".into(),
        params: serde_json::json!([key(spec), name]),
        ask: smaller.clone(),
        ..spec.clone()
    };
    let parts: Vec<TaskSpec> = names.iter().map(part).collect();
    let mut whole = TaskSpec { ask: smaller.clone(), ..spec.clone() };
    for name in &names {
        whole.inputs.insert(name.clone(), Input { from: Source::Output { task: name.clone(), name: "o".into() } });
    }
    Some(Split { parts, whole: Box::new(whole) })
}
