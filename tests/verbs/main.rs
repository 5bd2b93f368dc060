//! The verbs that speak to a farm's server, as somebody at a terminal uses them, on a farm of several processes.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

#[path = "../cluster/farm.rs"]
#[expect(dead_code, reason = "the cluster's tests need more of it")]
mod farm;
#[path = "../whole/support.rs"]
#[expect(dead_code, reason = "the films' tests need more of it")]
mod support;

use farm::{Cluster, Daemon};
use serde_json::Value;
use std::{
    io::Write,
    process::{Output, Stdio},
};
use support::{SMALL, Studio};

/// Somebody's terminal: a home folder of their own, and what goes into the verb.
struct Terminal<'a> {
    studio: &'a Studio,
    environment: Vec<(String, String)>,
}

impl<'a> Terminal<'a> {
    /// Of somebody who knows the farm by its environment.
    fn of(cluster: &Cluster<'_>, studio: &'a Studio) -> Self {
        Self { studio, environment: cluster.environment().into_iter().collect() }
    }

    fn output(&self, args: &[&str], typed: &str) -> Output {
        let mut command = self.studio.klieg(args);
        command.env("HOME", self.studio.path("home")).envs(self.environment.clone());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start klieg");
        // One that reads nothing may have ended already.
        let _ = child.stdin.take().expect("its input").write_all(typed.as_bytes());
        child.wait_with_output().expect("it ends")
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.output(args, "");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "klieg {args:?}: {out}{err}");
        out.into_owned()
    }

    fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("klieg {args:?}: {e}: {out}"))
    }

    /// What it says when it is wrong, and its exit code.
    fn wrong(&self, args: &[&str]) -> (i32, String) {
        let output = self.output(args, "");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn node(cluster: &Cluster<'_>, studio: &Studio, name: &str) -> Daemon {
    let cache = format!("cache-{name}");
    let environment = cluster.environment();
    let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Daemon::start(studio, name, &["node", "--name", name, "--cpu-slots", "2", "--no-gpus", "--cache", &cache], &environment)
}

const TINY: [&str; 4] = ["-s", "size=[64,36]", "-s", "samples=1"];

#[test]
fn a_film_is_submitted_watched_and_brought() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let cluster = Cluster::new(&studio);
    let _node = node(&cluster, &studio, "box");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let me = Terminal::of(&cluster, &studio);

    let estimate = me.json(&[&["submit", "small.fountain", "--estimate"], &TINY[..]].concat());
    assert_eq!(estimate["plan"]["title"], "Small");
    assert!(estimate["tasks"].as_u64() > Some(5) && estimate["cost"].as_f64() > Some(0.0), "{estimate}");
    let done = me.ok(&[&["submit", "small.fountain", "--wait", "--out", "film", "--project", "p", "--quiet"], &TINY[..]].concat());
    assert!(done.lines().any(|line| line == "film/film.mp4"), "{done}");
    let job = me.json(&["jobs"])[0].clone();
    assert_eq!((job["state"].as_str(), job["project"].as_str()), (Some("succeeded"), Some("p")));
    let id = job["id"].as_str().unwrap();

    // Brought once more, each file is the same.
    me.ok(&["get", id, "-o", "again"]);
    assert_eq!(support::film(&studio.path("again")), support::film(&studio.path("film")));
    assert_eq!(me.ok(&["get", id, "captions/film.srt", "-o", "one"]).trim(), "one/captions/film.srt");
    let (code, said) = me.wrong(&["get", id, "film.avi"]);
    assert!(code == 2 && said.contains("there is film.mp4"), "{said}");

    let shown = me.json(&["show", id]);
    let tasks = shown["tasks"].as_array().unwrap();
    assert!(tasks.iter().all(|task| task["state"] == "succeeded"), "{shown}");
    assert!(me.ok(&["logs", id]).ends_with("the job succeeded\n"));
    assert!(me.ok(&["why", id]).contains("succeeded"));
    assert!(me.ok(&["cost"]).contains('p') && me.json(&["cost", id]).as_array().unwrap().len() == tasks.len());
    assert_eq!(me.json(&["nodes"])[0]["id"], "box");
    assert_eq!(me.json(&["queue"])["jobs"], 0);
    me.ok(&["projects", "p", "--weight", "3"]);
    assert_eq!(me.json(&["projects", "p"])[0]["weight"], 3.0);
    me.ok(&["projects", "p", "--jobs-open-max", "4", "--device-hours-max", "1.5"]);
    me.ok(&["projects", "p", "--jobs-open-max", "none"]);
    let project = me.json(&["projects", "p"])[0].clone();
    assert_eq!((&project["weight"], &project["quota"]["device_hours_per_month_max"]), (&3.0.into(), &1.5.into()), "{project}");
    assert!(project["quota"]["jobs_open_max"].is_null() && project["used"]["jobs_open"] == 0, "{project}");
    assert!(me.ok(&["projects", "p"]).contains("of 1.5 device-hours this month"));
    me.ok(&["remove", id]);
    assert_eq!(me.wrong(&["show", id]).0, 2);
}

#[test]
fn what_waits_is_steered() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let cluster = Cluster::new(&studio);
    let _node = node(&cluster, &studio, "box");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let me = Terminal::of(&cluster, &studio);
    me.ok(&["drain", "box"]);
    assert_eq!(me.json(&["nodes"])[0]["state"], "draining");
    let id = me.ok(&[&["submit", "small.fountain", "--quiet"], &TINY[..]].concat()).trim().to_owned();
    me.ok(&["priority", &id, "-5"]);
    assert_eq!(me.json(&["show", &id])["job"]["priority"], -5);
    assert!(me.ok(&["why", &id]).contains("box is drained"), "it says what it waits for");
    me.ok(&["cancel", &id]);
    assert!(me.wrong(&["watch", &id]).1.contains("cancelled"));
    let again = me.json(&["retry", &id])["job"].as_str().unwrap().to_owned();
    assert_ne!(again, id);
    me.ok(&["undrain", "box"]);
    me.ok(&["watch", &again]);
    let (code, said) = me.wrong(&["drain", "nobody"]);
    assert!(code == 2 && said.contains("no node nobody"), "{said}");
    let (code, said) = me.wrong(&["submit", "small.fountain", "-s", "quality=superb"]);
    assert!(code == 2 && said.contains("expected one of"), "{said}");
}

#[test]
fn somebody_logs_in_and_may_what_their_role_may() {
    let studio = Studio::new();
    studio.script("small.fountain", SMALL);
    let cluster = Cluster::new(&studio);
    cluster.wait("it answers", |_| true);
    let owner = Terminal::of(&cluster, &studio);
    let made = owner.output(&["accounts", "make", "ada@studio", "--role", "creator", "--json"], "correct horse battery\n");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    // On another machine: there is no farm's folder.
    let elsewhere = studio.path("elsewhere").display().to_string();
    let ada = Terminal { studio: &studio, environment: vec![("KLIEG_FARM".into(), elsewhere)] };
    let server = owner.environment.iter().find(|(name, _)| name == "KLIEG_SERVER").expect("the server").1.clone();
    assert_eq!(ada.output(&["login", &server, "--name", "ada@studio"], "wrong horse battery\n").status.code(), Some(2));
    let login = ada.output(&["login", &server, "--name", "ada@studio"], "correct horse battery\n");
    assert!(login.status.success(), "{}", String::from_utf8_lossy(&login.stderr));
    assert!(!String::from_utf8_lossy(&login.stdout).contains("klieg_"), "the token is not shown");
    let id = ada.ok(&["submit", "small.fountain", "--quiet"]).trim().to_owned();
    assert_eq!(ada.json(&["jobs"])[0]["id"], id.as_str());
    let (code, said) = ada.wrong(&["drain", "box"]);
    assert!(code != 0 && said.contains("manage-farm"), "{said}");
    assert_eq!(ada.json(&["tokens", "list"]).as_array().unwrap().len(), 1);
    let audit = owner.json(&["accounts", "audit"]);
    let actions: Vec<&str> = audit.as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"login") && actions.contains(&"token-issued"), "{audit}");
    let file = studio.path("ada.zip").display().to_string();
    ada.ok(&["accounts", "export", "me", "-o", &file]);
    assert!(std::fs::read(&file).unwrap().starts_with(b"PK"), "a ZIP");
    assert_eq!(ada.wrong(&["accounts", "erase", "me"]).0, 2, "it has to be meant");
    ada.ok(&["logout"]);
    let (code, said) = ada.wrong(&["nodes"]);
    assert!(code == 2 && said.contains("klieg serve"), "{said}");
    let accounts = owner.json(&["accounts", "list"]);
    let id = accounts[0]["id"].as_str().unwrap();
    owner.ok(&["accounts", "erase", id, "--yes"]);
    assert!(!owner.ok(&["accounts", "list"]).contains("ada@studio"));
}

#[test]
fn assets_are_brought_named_fetched_and_removed() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    cluster.wait("it answers", |_| true);
    let me = Terminal::of(&cluster, &studio);
    studio.script("plate.png", b"\x89PNG\r\n\x1a\nthe rest");
    studio.script("notes.txt", "nothing much");
    let added = me.json(&["assets", "add", "plate.png", "notes.txt", "--project", "p"]);
    assert_eq!((&added[0]["media_type"], &added[1]["media_type"]), (&"image/png".into(), &"text/plain; charset=utf-8".into()));
    let digest = added[0]["digest"].as_str().unwrap();
    assert_eq!(me.json(&["assets", "add", "plate.png", "--project", "p"])[0], added[0], "twice is once");
    assert_eq!(me.json(&["assets", "list", "--project", "p"]).as_array().unwrap().len(), 2);
    assert_eq!(me.json(&["assets", "list", "--project", "q"]).as_array().unwrap().len(), 0);
    let listed = me.ok(&["assets", "list"]);
    assert!(listed.contains(digest) && listed.contains("notes.txt"), "{listed}");
    me.ok(&["assets", "get", digest, "-o", "back.png"]);
    assert_eq!(std::fs::read(studio.path("back.png")).unwrap(), std::fs::read(studio.path("plate.png")).unwrap());
    // A name is no way out of the folder.
    me.ok(&["assets", "change", digest, "--name", "../../up.png"]);
    assert_eq!(me.ok(&["assets", "get", digest]).trim(), "up.png");
    studio.script("fake.mp4", "no film");
    let (code, said) = me.wrong(&["assets", "add", "fake.mp4", "--type", "video/mp4"]);
    assert!(code != 0 && said.contains("is said to be video/mp4"), "{said}");
    me.ok(&["assets", "remove", digest]);
    let (code, said) = me.wrong(&["assets", "get", digest]);
    assert!(code == 2 && said.contains("asset"), "{said}");
}

#[test]
fn webhooks_are_added_tested_and_removed() {
    let studio = Studio::new();
    let cluster = Cluster::with(&studio, &[("KLIEG_WEBHOOK_ALLOW", "127.0.0.0/8")]);
    cluster.wait("it answers", |_| true);
    let me = Terminal::of(&cluster, &studio);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    // Takes one, and refuses the next.
    let receiver = std::thread::spawn(move || {
        for answer in ["204 No Content", "500 Internal Server Error"] {
            let (mut stream, _) = listener.accept().unwrap();
            let mut text = [0; 65_536];
            let _ = std::io::Read::read(&mut stream, &mut text);
            let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes());
        }
    });
    let hook = me.json(&["webhooks", "add", &url, "--events", "job.failed,job.cancelled"]);
    let id = hook["id"].as_str().unwrap();
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_"));
    let listed = me.json(&["webhooks", "list"]);
    assert_eq!((&listed[0]["id"], &listed[0]["secret"]), (&hook["id"], &Value::Null), "the secret is shown once");
    assert!(me.ok(&["webhooks", "test", id]).contains("webhook.test     delivered"), "whatever it listens to");
    let (code, said) = me.wrong(&["webhooks", "test", id]);
    assert!(code == 1 && said.contains("has not taken"), "{said}");
    receiver.join().unwrap();
    let deliveries = me.json(&["webhooks", "deliveries", id]);
    let states: Vec<_> = deliveries.as_array().unwrap().iter().map(|one| (one["state"].as_str(), one["status"].as_i64())).collect();
    assert_eq!(states, [(Some("waiting"), Some(500)), (Some("delivered"), Some(204))], "the newest first");
    me.ok(&["webhooks", "replay", id, deliveries[1]["id"].as_str().unwrap()]);
    me.ok(&["webhooks", "enable", id]);
    me.ok(&["webhooks", "remove", id]);
    assert_eq!(me.json(&["webhooks", "list"]), serde_json::json!([]));
    assert_eq!(me.wrong(&["webhooks", "test", id]).0, 2);
}

#[test]
fn a_template_is_submitted_as_what_it_is_and_what_waits_says_why() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    cluster.wait("it answers", |_| true);
    let me = Terminal::of(&cluster, &studio);
    let template = "specificationVersion: jobtemplate-2023-09\nname: Greet {{Param.Who}}\nparameterDefinitions:\n- {name: Who, type: STRING}\n\
        steps:\n- name: Say\n  script:\n    actions: {onRun: {command: /bin/echo, args: [\"{{Param.Who}}\"]}}\n";
    studio.script("job.yaml", template);
    studio.script("other.yaml", "a: b\n");
    let submit = ["submit", "job.yaml", "-s", "Who=you", "--project", "p", "--priority", "4"];
    assert_eq!(me.json(&[&submit[..], &["--estimate"]].concat())["tasks"].as_u64().map(|tasks| tasks > 0), Some(true));
    let job = me.json(&submit);
    assert_eq!((&job["kind"], &job["label"]), (&"openjd".into(), &"Greet you".into()), "{job}");
    assert_eq!((&job["project"], &job["priority"]), (&"p".into(), &4.into()));
    let queue = me.json(&["queue"]);
    let cpu = queue["queues"].as_array().unwrap().iter().find(|queue| queue["class"] == "cpu").unwrap().clone();
    assert_eq!((&cpu["oldest_job"], cpu["ready"].as_u64() > Some(0)), (&job["id"], true), "{queue}");
    assert!(cpu["why"].as_str().unwrap().ends_with("no node has joined the farm."), "{cpu}");
    assert!(me.ok(&["queue"]).contains("no node has joined the farm"));
    let (code, said) = me.wrong(&["submit", "other.yaml"]);
    assert!(code == 2 && said.contains("is no Open Job Description template"), "{said}");
    let (code, said) = me.wrong(&["submit", "job.yaml"]);
    assert!(code == 2 && said.contains("Who"), "a parameter is missing: {said}");
}

#[test]
fn a_text_is_moderated() {
    let studio = Studio::new();
    studio.script("letter.txt", "If you come back, I will k1ll you.\n");
    studio.script("empty.txt", " \n");
    let cluster = Cluster::new(&studio);
    let _node = node(&cluster, &studio, "box");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let me = Terminal::of(&cluster, &studio);
    let (code, said) = me.wrong(&["submit", "--kind", "moderation", "empty.txt", "--wait"]);
    assert!(code != 0 && said.contains("empty.txt: the text is empty"), "{said}");
    // with --json the events come first, a line each
    let told = me.ok(&["submit", "--kind", "moderation", "letter.txt", "--wait", "--out", "judged", "--json"]);
    assert!(told.contains("\"judged/moderation.json\"") && told.contains("\"judged/moderation.txt\""), "{told}");
    let report = std::fs::read(studio.path("judged/moderation.json")).expect("the report");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["decision"], "reject", "{report}");
    let findings = report["findings"].as_array().unwrap();
    let threat = findings.iter().find(|finding| finding["category"] == "harassment/threatening").expect("it is looked for");
    assert_eq!(threat["evidence"][0]["place"]["span"], serde_json::json!({"start": 18, "end": 33}), "{threat}");
}

#[test]
fn manual_pages_are_written() {
    let studio = Studio::new();
    studio.ok(&["man", "man1"]);
    let page = |name: &str| std::fs::read_to_string(studio.path("man1").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(page("klieg.1").contains("Turns scripts into films"));
    for (name, flag) in [("klieg-submit.1", "estimate"), ("klieg-assets-add.1", "project"), ("klieg-webhooks-test.1", "webhook")] {
        assert!(page(name).contains(flag), "{name}");
    }
    assert!(!studio.path("man1/klieg-worker.1").exists(), "not for people");
}
