//! What names a computation: the digest of everything that its outcome may depend on.

use klieg_protocol::{Digest, JobSpec, Plan, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;

/// Writes `value` with its keys sorted and no spaces, whatever order the map in memory has.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            out.push('{');
            for (i, (key, value)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                canonical(value, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn digest(value: &Value) -> Digest {
    let mut text = String::new();
    canonical(value, &mut text);
    Digest::of(text.as_bytes())
}

/// Names a task's outcome: build, job kind, step, parameters and what its inputs resolved to.
pub fn of_task(build: &str, kind: &str, task: &TaskSpec, inputs: &BTreeMap<String, Digest>) -> Digest {
    let inputs: serde_json::Map<_, _> = inputs.iter().map(|(name, digest)| (name.clone(), digest.hex().into())).collect();
    digest(&serde_json::json!(["task", build, kind, task.step, task.params, inputs]))
}

/// Names a submission: the same again goes on with the unfinished job instead of starting another.
pub fn of_job(build: &str, spec: &JobSpec, plan: &Plan) -> Digest {
    let spec = serde_json::to_value(spec).unwrap_or(Value::Null);
    let plan = serde_json::to_value(plan).unwrap_or(Value::Null);
    digest(&serde_json::json!(["job", build, spec, plan]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::Ask;

    fn task(params: Value) -> TaskSpec {
        let ask = Ask { memory_bytes: 1, seconds: 1.0, ..Ask::default() };
        TaskSpec { name: "a".into(), step: "s".into(), params, inputs: BTreeMap::new(), ask, rank: 0, label: String::new() }
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let mut text = String::new();
        canonical(&serde_json::from_str(r#"{"b":[1,{"z":null,"a":"\n"}],"a":1.5}"#).unwrap(), &mut text);
        assert_eq!(text, r#"{"a":1.5,"b":[1,{"a":"\n","z":null}]}"#);
    }

    #[test]
    fn only_what_changes_the_outcome_counts() {
        let none = BTreeMap::new();
        let one = BTreeMap::from([("x".to_string(), Digest::of(b"1"))]);
        let base = of_task("b", "film", &task(serde_json::json!({"n": 1})), &none);
        let mut renamed = task(serde_json::json!({"n": 1}));
        renamed.name = "other".into();
        renamed.rank = 9;
        renamed.ask.seconds = 7.0;
        assert_eq!(base, of_task("b", "film", &renamed, &none));
        assert_ne!(base, of_task("c", "film", &renamed, &none));
        assert_ne!(base, of_task("b", "text", &renamed, &none));
        assert_ne!(base, of_task("b", "film", &renamed, &one));
        assert_ne!(base, of_task("b", "film", &task(serde_json::json!({"n": 2})), &none));
    }
}
