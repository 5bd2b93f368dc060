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
