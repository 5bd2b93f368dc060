//! What names a computation: the digest of everything that its outcome may depend on.

use klieg_protocol::{Digest, JobSpec, Plan, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;

/// Writes `value` with its keys sorted and no spaces, whatever order the map in memory has.
fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            listed(b"{}", entries, out, |(key, value), out| {
                text(key, out);
                out.push(b':');
                canonical(value, out);
            });
        }
        Value::Array(items) => listed(b"[]", items, out, canonical),
        plain => out.extend(plain.to_string().as_bytes()),
    }
}

/// Items between brackets, a comma between each two.
fn listed<T>(brackets: &[u8; 2], items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(brackets[1]);
}

/// A JSON string.
fn text(text: &str, out: &mut Vec<u8>) {
    let before = out.len();
    // Nothing that is written to memory fails.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(before);
    }
}

/// Names a task's outcome: build, job kind, step, parameters and what its inputs resolved to. There may be a million of them to name
/// after a takeover: the text of `["task", build, kind, step, params, {input: digest}]` is written without making the value.
pub fn of_task(build: &str, kind: &str, task: &TaskSpec, inputs: &BTreeMap<String, Digest>) -> Digest {
    let mut out = Vec::with_capacity(512);
    out.extend(b"[\"task\",");
    for word in [build, kind, &task.step] {
        text(word, &mut out);
        out.push(b',');
    }
    canonical(&task.params, &mut out);
    out.push(b',');
    listed(b"{}", inputs, &mut out, |(name, digest), out| {
        text(name, out);
        out.push(b':');
        text(&digest.hex(), out);
    });
    out.push(b']');
    Digest::of(&out)
}

/// Names a submission: the same again goes on with the unfinished job instead of starting another.
pub fn of_job(build: &str, spec: &JobSpec, plan: &Plan) -> Digest {
    let spec = serde_json::to_value(spec).unwrap_or(Value::Null);
    let plan = serde_json::to_value(plan).unwrap_or(Value::Null);
    let mut out = Vec::new();
    canonical(&serde_json::json!(["job", build, spec, plan]), &mut out);
    Digest::of(&out)
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
        let mut out = Vec::new();
        canonical(&serde_json::from_str(r#"{"b":[1,{"z":null,"a":"\n"}],"a":1.5}"#).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":1.5,"b":[1,{"a":"\n","z":null}]}"#);
    }

    #[test]
    fn a_task_is_named_by_the_text_of_one_value() {
        let inputs = BTreeMap::from([("b\"".to_string(), Digest::of(b"1")), ("a".to_string(), Digest::of(b"2"))]);
        let task = task(serde_json::json!({"z": [1, 2.5], "a": {"y": "\u{e9}", "x": null}}));
        let named: serde_json::Map<_, _> = inputs.iter().map(|(name, digest)| (name.clone(), digest.hex().into())).collect();
        let mut whole = Vec::new();
        canonical(&serde_json::json!(["task", "build", "film", task.step, task.params, named]), &mut whole);
        assert_eq!(of_task("build", "film", &task, &inputs), Digest::of(&whole));
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
