//! Jobs of language and hearing on a farm of several processes, with tiny models on a shelf, as somebody at a terminal submits them.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use farm::{Cluster, Daemon};
use klieg_models::{Entry, Family, Keep, Part, Progress, Record, Shelf};
use klieg_protocol::Digest;
use serde_json::Value;
use std::{path::PathBuf, process::Output};
use support::Studio;

/// Puts a model of the goldens on the studio's shelf.
fn model(studio: &Studio, name: &str, family: Family, from: &str) -> Record {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/golden").join(from);
    let mut files = Vec::new();
    for file in std::fs::read_dir(&root).expect("a golden model") {
        let file = file.expect("a file");
        let bytes = std::fs::read(file.path()).expect("its bytes");
        let path = file.file_name().into_string().expect("UTF-8");
        files.push(Part { path, bytes: bytes.len() as u64, digest: Digest::of(&bytes) });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let entry = Entry { name: name.into(), family, root, files };
    Shelf::open(studio.path("models")).put(&entry, Keep::Copy, &Progress::default()).expect("on the shelf")
}

fn run(cluster: &Cluster<'_>, studio: &Studio, args: &[&str]) -> Output {
    studio.klieg(args).envs(cluster.environment()).env("HOME", studio.path("home")).output().expect("start klieg")
}

fn ok(cluster: &Cluster<'_>, studio: &Studio, args: &[&str]) {
    let output = run(cluster, studio, args);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "klieg {args:?}: {out}{err}");
}

#[test]
fn texts_scripts_and_transcripts_are_submitted_and_brought() {
    let studio = Studio::new();
    let shelf = studio.path("models").display().to_string();
    let records = [
        model(&studio, "tiny", Family::Qwen2, "generation/qwen2"),
        model(&studio, "writer", Family::Llama, "generation/writer"),
        model(&studio, "ear", Family::Whisper, "hearing/model"),
    ];
    let cluster = Cluster::with(&studio, &[("KLIEG_MODELS", &shelf)]);
    let environment = cluster.environment();
    let mut environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("KLIEG_MODELS", &shelf));
    let gives = records.map(|record| record.needs()).join(",");
    let args =
        ["node", "--name", "box", "--cpu-slots", "2", "--no-gpus", "--cache", "cache", "--allow", "openjd", "--gives", &gives];
    let _node = Daemon::start(&studio, "box", &args, &environment);
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);

    studio.script("prompt.txt", "INT. KITCHEN");
    ok(
        &cluster,
        &studio,
        &[
            "submit",
            "prompt.txt",
            "--kind",
            "text",
            "-s",
            "model=tiny",
            "-s",
            "max_tokens=12",
            "-s",
            "count=2",
            "--wait",
            "--quiet",
            "--out",
            "text",
        ],
    );
    let answers: Value = serde_json::from_slice(&std::fs::read(studio.path("text/answers.json")).expect("answers")).expect("JSON");
    assert_eq!(answers["answers"].as_array().map(Vec::len), Some(2));

    studio.script("idea.txt", "A bell that nobody rings.");
    ok(
        &cluster,
        &studio,
        &[
            "submit",
            "idea.txt",
            "--kind",
            "script",
            "-s",
            "model=writer",
            "-s",
            "scenes=1",
            "-s",
            "max_tokens=600",
            "--wait",
            "--quiet",
            "--out",
            "script",
        ],
    );
    // What was written can be planned as a film.
    let film = studio.path("script/script.fountain").display().to_string();
    let planned = studio.run(&["plan", &film]);
    assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));

    let sound = std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/golden/hearing/sound.wav")).expect("a sound");
    studio.script("sound.wav", sound);
    ok(
        &cluster,
        &studio,
        &[
            "submit",
            "sound.wav",
            "--kind",
            "transcribe",
            "-s",
            "model=ear",
            "-s",
            "language=en",
            "--wait",
            "--quiet",
            "--out",
            "heard",
        ],
    );
    assert!(std::fs::read_to_string(studio.path("heard/transcript.vtt")).expect("subtitles").starts_with("WEBVTT"));

    let refused = run(&cluster, &studio, &["submit", "prompt.txt", "--kind", "text", "-s", "model=absent"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("klieg models add PATH --as absent"), "{said}");
}
