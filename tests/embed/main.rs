//! Texts that somebody submits become vectors, on a farm of a server and a node, by a tiny model of its shelf.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use farm::{Cluster, Daemon};
use klieg_models::{Entry, Family, Keep, Part, Progress, Shelf};
use klieg_protocol::Digest;
use std::path::Path;
use std::process::Output;
use support::Studio;

/// Puts the golden BERT on the studio's shelf.
fn shelve(studio: &Studio) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/golden/encoders/bert");
    let names = ["1_Pooling/config.json", "config.json", "model.safetensors", "modules.json", "tokenizer.json"];
    let part = |name: &&str| {
        let bytes = std::fs::read(root.join(name)).expect("a golden file");
        Part { path: name.to_string(), bytes: bytes.len() as u64, digest: Digest::of(&bytes) }
    };
    let entry = Entry { name: "tiny".into(), family: Family::Bert, files: names.iter().map(part).collect(), root: root.clone() };
    Shelf::open(studio.path("farm/models")).put(&entry, Keep::Copy, &Progress::default()).expect("a model");
}

fn klieg(studio: &Studio, cluster: &Cluster<'_>, args: &[&str]) -> Output {
    studio.klieg(args).env("HOME", studio.path("home")).envs(cluster.environment()).output().expect("start klieg")
}

#[test]
fn texts_are_submitted_and_vectors_are_brought() {
    let studio = Studio::new();
    shelve(&studio);
    studio.script("lines.txt", "A temple at dusk.\nrain\nthe drums begin again\n");
    studio.script("bad.txt", b"fine\n\xff\n");
    let cluster = Cluster::new(&studio);
    let environment = cluster.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let _node = Daemon::start(
        &studio,
        "box",
        &["node", "--name", "box", "--cpu-slots", "2", "--no-gpus", "--cache", "cache"],
        &environment,
    );
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);

    let submit = ["submit", "--kind", "embed", "lines.txt", "-s", "model=tiny", "-s", "format=jsonl", "-s", "rows_a_task=1"];
    let done = klieg(&studio, &cluster, &[&submit[..], &["--wait", "--quiet", "--out", "vectors"]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let rows = std::fs::read_to_string(studio.path("vectors/vectors.jsonl")).expect("vectors");
    let lines: Vec<u64> = rows
        .lines()
        .map(|row| serde_json::from_str::<serde_json::Value>(row).expect("a row")["line"].as_u64().expect("a line"))
        .collect();
    assert_eq!(lines, [1, 2, 3]);
    let manifest = std::fs::read(studio.path("vectors/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    assert!(manifest["rows"] == 3 && manifest["width"] == 48 && manifest["model"]["name"] == "tiny", "{manifest}");

    let bad = klieg(&studio, &cluster, &["submit", "--kind", "embed", "bad.txt", "-s", "model=tiny"]);
    let said = String::from_utf8_lossy(&bad.stderr);
    assert!(!bad.status.success() && said.contains("bad.txt:2:1") && said.contains("UTF-8"), "{said}");
    let none = klieg(&studio, &cluster, &["submit", "--kind", "embed", "lines.txt", "-s", "model=nowhere"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("klieg models add"), "{}", String::from_utf8_lossy(&none.stderr));
}
