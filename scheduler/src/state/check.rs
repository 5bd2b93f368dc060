use super::{Tasks, sources};
use klieg_protocol::{Split, TaskName, TaskSpec, TaskState};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A plan that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    #[error("accept the plan: two tasks are named {0:?}")]
    Twice(TaskName),
    #[error("accept the plan: {task:?} needs {needs:?}, which is no task of the job")]
    Unknown { task: TaskName, needs: TaskName },
    #[error("accept the plan: {} waits for itself", .0.join(" → "))]
    Circle(Vec<TaskName>),
    #[error("accept the plan: {0:?} has no estimate of its seconds between 0 and {SECONDS_MAX}")]
    Estimate(TaskName),
    #[error("accept the plan: the job would have more than {limit} tasks (tasks_per_job_max)")]
    Many { limit: usize },
    #[error("accept the plan: the parameters of {0:?} are nested deeper than {PARAMS_DEPTH_MAX} (params_depth_max)")]
    Deep(TaskName),
    #[error("split the task: {0:?} asks for no less memory than before")]
    NotSmaller(TaskName),
}

/// The longest that a task may be thought to take, or to have taken: some thirty years. Sums of so much stay exact enough.
pub const SECONDS_MAX: f64 = 1e9;

/// How deeply a task's parameters may be nested: every store reads them back.
pub const PARAMS_DEPTH_MAX: usize = 64;

fn too_deep(params: &Value) -> bool {
    let mut open = vec![(params, 1)];
    while let Some((value, depth)) = open.pop() {
        if depth > PARAMS_DEPTH_MAX {
            return true;
        }
        match value {
            Value::Array(list) => open.extend(list.iter().map(|value| (value, depth + 1))),
            Value::Object(map) => open.extend(map.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    false
}

/// Checks what a task is split into: its parts can join `present`, and they and the whole need only each other and what is done,
/// so that nothing waits for the whole in a circle.
pub fn check_split(split: &Split, present: &Tasks) -> Result<(), BadPlan> {
    check(&split.parts, present)?;
    let whole = &split.whole;
    let known = |need: &TaskName| {
        split.parts.iter().any(|part| part.name == *need)
            || present.get(need).is_some_and(|task| task.state == TaskState::Succeeded)
    };
    let all = split.parts.iter().chain([&**whole]);
    let needs = all.flat_map(|task| sources(&task.inputs).map(|need| (&task.name, need)));
    match needs.into_iter().find(|(_, need)| !known(need)) {
        Some((task, needs)) => Err(BadPlan::Unknown { task: task.clone(), needs: needs.clone() }),
        None if !(0.0..=SECONDS_MAX).contains(&whole.ask.seconds) => Err(BadPlan::Estimate(whole.name.clone())),
        None if too_deep(&whole.params) => Err(BadPlan::Deep(whole.name.clone())),
        None => Ok(()),
    }
}

/// Checks that `added` can join `present`: names are new, dependencies exist, and none waits for itself.
pub fn check(added: &[TaskSpec], present: &Tasks) -> Result<(), BadPlan> {
    let mut names = BTreeMap::new();
    for spec in added {
        if present.contains_key(&spec.name) || names.insert(&spec.name, spec).is_some() {
            return Err(BadPlan::Twice(spec.name.clone()));
        }
        if !(0.0..=SECONDS_MAX).contains(&spec.ask.seconds) {
            return Err(BadPlan::Estimate(spec.name.clone()));
        }
        if too_deep(&spec.params) {
            return Err(BadPlan::Deep(spec.name.clone()));
        }
    }
    let mut waits: BTreeMap<&TaskName, usize> = BTreeMap::new();
    let mut frees: BTreeMap<&TaskName, Vec<&TaskName>> = BTreeMap::new();
    for spec in added {
        let needs: BTreeSet<&TaskName> = sources(&spec.inputs).collect();
        for need in &needs {
            if names.contains_key(need) {
                frees.entry(need).or_default().push(&spec.name);
            } else if !present.contains_key(need) {
                return Err(BadPlan::Unknown { task: spec.name.clone(), needs: (*need).clone() });
            }
        }
        waits.insert(&spec.name, needs.iter().filter(|n| names.contains_key(*n)).count());
    }
    let mut free: Vec<&TaskName> = waits.iter().filter(|(_, n)| **n == 0).map(|(name, _)| *name).collect();
    while let Some(name) = free.pop() {
        waits.remove(name);
        for next in frees.remove(name).unwrap_or_default() {
            if let Some(left) = waits.get_mut(next) {
                *left -= 1;
                if *left == 0 {
                    free.push(next);
                }
            }
        }
    }
    match waits.keys().next() {
        Some(first) => Err(BadPlan::Circle(circle(first, &waits, &names))),
        None => Ok(()),
    }
}

/// The way round: each task waits for the next. Every task in `waits` waits for one in `waits`.
fn circle(first: &TaskName, waits: &BTreeMap<&TaskName, usize>, names: &BTreeMap<&TaskName, &TaskSpec>) -> Vec<TaskName> {
    let mut way = vec![first.clone()];
    loop {
        let last = way.last().and_then(|name| names.get(name));
        let next = last.and_then(|spec| sources(&spec.inputs).find(|need| waits.contains_key(*need)));
        let Some(next) = next else { return way };
        let seen = way.iter().position(|name| name == next);
        way.push(next.clone());
        if let Some(start) = seen {
            return way.split_off(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Task;
    use klieg_protocol::{Ask, Input, Source};

    fn task(name: &str, needs: &[&str]) -> TaskSpec {
        let input = |need: &&str| {
            let from = Source::Output { task: need.to_string(), name: "o".into() };
            (need.to_string(), Input { from })
        };
        let (params, ask) = (serde_json::Value::Null, Ask { seconds: 1.0, ..Ask::default() });
        let inputs = needs.iter().map(input).collect();
        TaskSpec { name: name.into(), step: "s".into(), params, inputs, ask, rank: 0, label: String::new() }
    }

    fn circle(names: &[&str]) -> BadPlan {
        BadPlan::Circle(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn plans_are_checked() {
        let none = Tasks::default();
        assert_eq!(check(&[task("b", &["a"]), task("a", &[])], &none), Ok(()));
        assert_eq!(check(&[task("a", &[]), task("a", &[])], &none), Err(BadPlan::Twice("a".into())));
        let unknown = BadPlan::Unknown { task: "a".into(), needs: "z".into() };
        assert_eq!(check(&[task("a", &["z"])], &none), Err(unknown));
        assert_eq!(check(&[task("a", &["b"]), task("b", &["a"]), task("c", &[])], &none), Err(circle(&["a", "b", "a"])));
        let tail = [task("a", &["b"]), task("b", &["c", "x"]), task("c", &["b"]), task("x", &[])];
        assert_eq!(check(&tail, &none), Err(circle(&["b", "c", "b"])), "what only leads there is not named");
        assert_eq!(circle(&["b", "c", "b"]).to_string(), "accept the plan: b → c → b waits for itself");
        let nested = |depth| (1..depth).fold(serde_json::json!(1), |inner, _| serde_json::json!({ "in": [inner] }));
        let deep = |depth| TaskSpec { params: nested(depth), ..task("a", &[]) };
        assert_eq!(check(&[deep(32)], &none), Ok(()));
        assert_eq!(check(&[deep(33)], &none), Err(BadPlan::Deep("a".into())));
        let spec = deep(32);
        assert_eq!(crate::state::Packed::of(spec.clone()).open(), spec);
        let mut endless = task("a", &[]);
        endless.ask.seconds = f64::INFINITY;
        assert_eq!(check(&[endless], &none), Err(BadPlan::Estimate("a".into())));
        let present: Tasks = [Task::new(task("z", &[]), 0)].into_iter().collect();
        assert_eq!(check(&[task("a", &["z"])], &present), Ok(()));
        assert_eq!(check(&[task("z", &[])], &present), Err(BadPlan::Twice("z".into())));
    }
}
