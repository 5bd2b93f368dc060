//! `klieg top` where there is no terminal: one picture, or JSON.

use crate::{farm::Cluster, support::Studio};
use serde_json::Value;

#[test]
fn one_picture_and_json_of_a_farm_with_a_node() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let _node = cluster.node("one");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let run = |args: &[&str]| {
        let output = studio.klieg(args).envs(cluster.environment()).env("HOME", studio.path("home")).output().expect("start klieg");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
        (output.status.code(), out, err)
    };
    let (code, picture, err) = run(&["top", "--once"]);
    assert_eq!(code, Some(0), "{err}");
    for part in ["klieg   0 jobs   0 tasks run on 1 slots", "1/1 nodes healthy", "one ", "cpu:0", "0/1", "nothing is to be done"] {
        assert!(picture.contains(part), "{part} is not in\n{picture}");
    }
    assert!(!picture.contains('\u{1b}'), "no terminal's codes");
    let (code, json, err) = run(&["top", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    let seen: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&seen["nodes"][0]["id"], &seen["queue"]["slots"]), (&"one".into(), &1.into()));
    let (code, _, err) = run(&["top"]);
    assert!(code == Some(2) && err.contains("--once") && err.contains("--json"), "{err}");
}
