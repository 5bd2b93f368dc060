//! A server that is killed in the middle: of uploads, of events, of webhooks, of downloads. Its clients go on with the next life of it;
//! nothing is lost, nothing is doubled.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
mod http;
mod receiver;
mod slow;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use farm::Cluster;
use http::{Door, Told, answer, events};
use receiver::{Mood, Receiver};
use serde_json::{Value, json};
use slow::Line;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use support::{SMALL, Studio};

/// Bytes that say nothing.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Waits for it, 30 seconds at most.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: not in 30 s");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const BYTES: usize = 8 << 20;
const HALF: usize = 3 << 20;
const PARTS: &str = "Content-Type: application/offset+octet-stream\r\n";

#[test]
fn an_upload_is_whole_or_not_there() {
    let studio = Studio::new();
    let mut cluster = Cluster::new(&studio);
    let door = Door::new(&cluster.environment());
    let bytes = noise(BYTES);
    let place = format!("/api/v1/assets/{}", hex(&bytes));
    let uploads = studio.path("farm/scratch/uploads");
    let waiting = || -> u64 {
        let files = std::fs::read_dir(&uploads).into_iter().flatten().flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    };

    // All at once: half of it is nothing, and it is sent again.
    let mut stream = door.open("PUT", &place, "", BYTES);
    stream.write_all(&bytes[..HALF]).unwrap();
    until("most of the half is there", || waiting() >= (HALF - (1 << 20)) as u64);
    cluster.server.kill();
    assert_eq!(answer(stream).status, 0, "no answer");
    cluster.restart();
    assert_eq!(door.get(&place).status, 404, "half of it is not there");
    assert_eq!(waiting(), 0, "nothing of it stays");
    assert_eq!(door.ask("PUT", &place, "", &bytes).status, 201);
    assert_eq!(hex(&door.get(&place).body), hex(&bytes));

    // By parts: what had come is not sent again.
    let more = noise(BYTES + 1);
    let new = json!({"name": "noise", "bytes": more.len(), "digest": hex(&more)});
    let url = door.post("/api/v1/assets/upload", &new).json()["url"].as_str().unwrap().to_owned();
    let mut stream = door.open("PATCH", &url, &format!("{PARTS}Upload-Offset: 0\r\n"), more.len());
    stream.write_all(&more[..HALF]).unwrap();
    let offset = |url: &str| door.get(url).header("upload-offset").and_then(|offset| offset.parse::<usize>().ok()).unwrap();
    until("most of the half is there", || offset(&url) >= HALF - (1 << 20));
    cluster.server.kill();
    drop(stream);
    cluster.restart();
    let there = offset(&url);
    assert!((HALF - (1 << 20)..=HALF).contains(&there), "{there}");
    let asset = format!("/api/v1/assets/{}", hex(&more));
    assert_eq!((door.get(&asset).status, door.get("/api/v1/assets").json()["assets"].clone()), (404, json!([])));
    let done = door.ask("PATCH", &url, &format!("{PARTS}Upload-Offset: {there}\r\n"), &more[there..]);
    assert_eq!((done.status, &done.json()["digest"]), (201, &json!(hex(&more))), "{}", done.json());
    // What was answered survives at once.
    cluster.server.kill();
    cluster.restart();
    assert_eq!(hex(&door.get(&asset).body), hex(&more));
    assert_eq!(door.get("/api/v1/assets").json()["assets"][0], done.json());
}

#[test]
fn the_verb_that_brings_a_file_goes_on_by_itself() {
    let studio = Studio::new();
    let mut cluster = Cluster::new(&studio);
    let (door, bytes) = (Door::new(&cluster.environment()), noise(BYTES));
    std::fs::write(studio.path("noise.bin"), &bytes).unwrap();
    let line = Line::to(&door.address);
    let mut add = studio.klieg(&["assets", "add", "noise.bin", "--json"]);
    add.env("HOME", studio.path("home")).env("KLIEG_SERVER", &line.url).env("KLIEG_TOKEN", &door.token);
    let add = add.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start klieg");
    until("a part has gone", || line.up() > 2 << 20);
    cluster.server.kill();
    cluster.restart();
    let output = add.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let brought: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&brought[0]["digest"], &brought[0]["name"]), (&json!(hex(&bytes)), &json!("noise.bin")));
    assert_eq!(hex(&door.get(&format!("/api/v1/assets/{}", hex(&bytes))).body), hex(&bytes));
    assert!(line.up() < (BYTES + HALF) as u64, "{} bytes went up: it did not begin again", line.up());
}

/// A job's events as somebody hears them who comes back whenever they are cut off.
#[derive(Default)]
struct Story {
    told: Vec<Told>,
    /// What was heard of tellings before the last.
    before: Vec<Told>,
    resets: usize,
    /// All that was heard.
    count: Arc<AtomicUsize>,
}

impl Story {
    fn hear(&mut self, told: &Told) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if told.name == "reset" {
            self.before.append(&mut self.told);
            self.resets += 1;
        } else {
            self.told.push(told.clone());
        }
    }

    fn ended(&self) -> bool {
        self.told.last().is_some_and(|told| told.name == "job_ended")
    }

    /// Goes on after the last event, until it has heard so many more, or the end.
    fn go_on(&mut self, door: &Door, path: &str, more: usize) {
        let after = self.told.last().or(self.before.last()).map_or_else(String::new, |told| told.id.clone());
        let mut count = 0;
        events(door, path, &after, |told| {
            self.hear(told);
            count += 1;
            count >= more || self.ended()
        });
    }
}

#[test]
fn events_and_outputs_go_on_with_the_next_life_of_the_server() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let mut cluster = Cluster::new(&studio);
    let _node = cluster.node("box");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let door = Door::new(&cluster.environment());
    let klieg = |url: &str, args: &[&str]| {
        let mut command = studio.klieg(args);
        command.env("HOME", studio.path("home")).env("KLIEG_SERVER", url).env("KLIEG_TOKEN", &door.token);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start klieg")
    };
    let url = format!("http://{}", door.address);
    let submit = klieg(&url, &["submit", "small.fountain", "--quiet", "-s", "size=[64,36]", "-s", "samples=1"]);
    let job = String::from_utf8(submit.wait_with_output().unwrap().stdout).unwrap().trim().to_owned();
    let path = format!("/api/v1/jobs/{job}/events");

    // Cut off by the client: each event once, under one telling.
    let mut story = Story::default();
    for _ in 0..4 {
        story.go_on(&door, &path, 4);
    }
    assert_eq!((story.resets, story.told.len()), (0, 16));
    let ids: BTreeSet<&str> = story.told.iter().map(|told| told.id.as_str()).collect();
    assert_eq!(ids.len(), 16, "none twice");
    // Cut off by the server's end, in the middle of a stream.
    let count = Arc::clone(&story.count);
    let reader = std::thread::spawn({
        let (door, path) = (door.clone(), path.clone());
        move || {
            story.go_on(&door, &path, usize::MAX);
            story
        }
    });
    until("some more have been heard", || count.load(Ordering::SeqCst) >= 24);
    cluster.server.kill();
    let mut story = reader.join().unwrap();
    assert!(!story.ended(), "it was killed in the middle: make the film longer");
    cluster.restart();
    let begun = Instant::now();
    while !story.ended() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the film does not end: {}", cluster.server.log());
        story.go_on(&door, &path, usize::MAX);
    }
    let mut whole = Story::default();
    whole.go_on(&door, &path, usize::MAX);
    assert_eq!(whole.resets, 0);
    assert_eq!(story.told, whole.told, "in pieces as in one");
    assert_eq!(story.resets, 1, "the next life tells it anew, and says so");
    // What had been told is told by the next life, too.
    let done = |story: &[Told]| -> BTreeSet<String> {
        let done = story.iter().filter(|told| matches!(told.name.as_str(), "task_added" | "task_succeeded"));
        let named = |told: &Told| {
            let data: Value = serde_json::from_str(&told.data).unwrap();
            format!("{} {}", told.name, data["task"])
        };
        done.map(named).collect()
    };
    assert!(story.before.len() >= 16 && done(&story.before).is_subset(&done(&story.told)));
    assert_eq!(serde_json::from_str::<Value>(&story.told.last().unwrap().data).unwrap()["state"], "succeeded");

    // What it gives is brought over a slow line, and the server killed in the middle of that.
    let outputs = door.get(&format!("/api/v1/jobs/{job}/outputs")).json();
    let digests: BTreeMap<String, String> = outputs
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["digest"].as_str().unwrap().to_owned()))
        .collect();
    let bytes: u64 = outputs.as_array().unwrap().iter().map(|one| one["bytes"].as_u64().unwrap()).sum();
    let line = Line::to(&door.address);
    let get = klieg(&line.url, &["get", &job, "-o", "brought"]);
    until("a part has come", || line.down() > bytes / 3);
    cluster.server.kill();
    assert!(line.down() < bytes, "it was killed in the middle");
    cluster.restart();
    let output = get.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, digest) in &digests {
        assert_eq!(hex(&std::fs::read(studio.path("brought").join(name)).unwrap()), *digest, "{name}");
    }
    // Four files at a time may each lose what was on its way.
    assert!(line.down() < bytes + bytes / 2, "{} bytes came for {bytes}: it did not begin again", line.down());
}

#[test]
fn webhooks_are_told_of_each_end_under_one_id() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let mut cluster = Cluster::with(&studio, &[("KLIEG_WEBHOOK_ALLOW", "127.0.0.0/8")]);
    let (door, receiver) = (Door::new(&cluster.environment()), Receiver::new());
    let mut added = Value::Null;
    until("webhooks can be added", || {
        added = door.post("/api/v1/webhooks", &json!({"url": receiver.url, "events": ["job.*"]})).json();
        added["secret"].is_string()
    });
    let hook = added["id"].as_str().unwrap();
    let script = door.ask("PUT", &format!("/api/v1/assets/{}", hex(SMALL.as_bytes())), "", SMALL.as_bytes());
    assert_eq!(script.status, 201);
    // A job that ends: no node is there, and it is cancelled.
    let end_one = |label: &str| {
        let params = json!({"file": "small.fountain", "seed": label.len()});
        let job = json!({"kind": "film", "label": label, "params": params, "inputs": {"script": hex(SMALL.as_bytes())}});
        let id = door.post("/api/v1/jobs", &job).json()["id"].as_str().expect("a job").to_owned();
        assert_eq!(door.post(&format!("/api/v1/jobs/{id}/cancel"), &Value::Null).status, 202);
        id
    };
    let mut jobs = vec![end_one("a")];
    receiver.wait(1);
    // Killed while the receiver thinks about it: nobody knows whether it was taken.
    receiver.be(Mood::Silent);
    jobs.push(end_one("ab"));
    receiver.wait(2);
    cluster.server.kill();
    receiver.be(Mood::Takes);
    // What was claimed is tried again when the claim has run out: two minutes later, by the server's clock.
    cluster.restart_later(120);
    let came = receiver.wait(3);
    assert_eq!((&came[2].headers["webhook-id"], &came[2].body), (&came[1].headers["webhook-id"], &came[1].body), "the same again");
    // Killed right behind a job's end: whether it had been told or not, it is told.
    jobs.push(end_one("abc"));
    cluster.server.kill();
    cluster.restart_later(240);
    let ids_of = |job: &str| {
        let about = |body: &str| serde_json::from_str::<Value>(body).unwrap()["data"]["job"]["id"] == job;
        receiver.came().iter().filter(|one| about(&one.body)).map(|one| one.headers["webhook-id"].clone()).collect::<BTreeSet<_>>()
    };
    until("it is told", || !ids_of(&jobs[2]).is_empty());
    let mut deliveries = Value::Null;
    until("all are delivered", || {
        deliveries = door.get(&format!("/api/v1/webhooks/{hook}/deliveries")).json()["deliveries"].clone();
        deliveries.as_array().is_some_and(|all| all.len() == 3 && all.iter().all(|one| one["state"] == "delivered"))
    });
    for job in &jobs {
        assert_eq!(ids_of(job).len(), 1, "one id each, however often it came: {:?}", receiver.came());
    }
    assert_eq!(jobs.iter().flat_map(|job| ids_of(job)).collect::<BTreeSet<_>>().len(), 3);
}
