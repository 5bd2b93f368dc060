//! A farm of several processes, as its operators run it: servers and nodes that are killed while they render.
#![expect(clippy::disallowed_methods, reason = "processes are waited for")]

mod farm;
mod shared;
#[path = "../whole/support.rs"]
mod support;

use farm::{Cluster, Daemon, refused};
use std::time::{Duration, Instant};
use support::{SMALL, Studio, film, result};

/// Small, so that the test run stays short; nothing else differs from a full-size film.
const SMALL_FILM: [&str; 8] = ["render", "small.fountain", "--size", "320x180", "--spp", "2", "--shots", "sc010_sh030"];

#[test]
fn a_farm_whose_server_and_node_are_killed_renders_the_same_film() {
    let (calm, far) = (Studio::new(), Studio::new());
    for studio in [&calm, &far] {
        studio.script("small.fountain", SMALL);
    }
    calm.ok(&[&SMALL_FILM[..], &["--quiet", "--workers", "2", "--out", "out"]].concat());

    let mut cluster = Cluster::new(&far);
    // Clocks are nobody's business: one is an hour ahead, the other an hour behind.
    let (mut one, _two) = (cluster.node_at("one", 3_600), cluster.node_at("two", -3_600));
    let mut render = far.klieg(&SMALL_FILM);
    render.args(["--json", "--out", "out"]).envs(cluster.environment());
    let render = std::thread::spawn(move || render.output().expect("start klieg"));
    cluster.wait("a node has something to do", |backlog| backlog["running"].as_u64() > Some(0));
    one.kill();
    cluster.wait("the other one has too", |backlog| backlog["running"].as_u64() > Some(0));
    cluster.server.kill();
    cluster.restart();
    let _three = cluster.node("three");
    let output = render.join().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(film(&calm.path("out")), film(&far.path("out")), "the same film, byte for byte");
    let done = result(&String::from_utf8(output.stdout).unwrap());
    assert!(done["tasks"].as_u64() > Some(0));
    for name in ["dialogue", "music", "effects", "ambience", "mix"] {
        let stem = |studio: &Studio| std::fs::read(studio.path("out/stems").join(format!("{name}.wav"))).unwrap();
        assert!(stem(&calm) == stem(&far), "{name} differs");
    }
}

#[test]
fn a_node_that_is_told_to_end_leaves_nothing_behind() {
    let studio = Studio::new();
    let mut cluster = Cluster::new(&studio);
    let mut node = cluster.node("one");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let begun = Instant::now();
    assert_eq!(node.end(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    cluster.wait("it has left", |backlog| backlog["nodes"] == 0);
    let left = |name: &str| std::fs::read_dir(studio.path("cache-one").join(name)).unwrap().count();
    assert_eq!([left("scratch"), left("temp"), left("outbox")], [0, 0, 0]);
    assert_eq!(cluster.server.end(), Some(0));
}

#[test]
fn the_wrong_token_or_server_is_told_and_ends_with_2() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let (status, told) =
        refused(&studio, &["node", "--cache", "c"], &[("KLIEG_SERVER", &cluster.url), ("KLIEG_TOKEN", "not-this-farms-token")]);
    assert!(status == Some(2) && told.contains("the token is not this farm's"), "{told}");
    let (status, told) = refused(&studio, &["node", "--cache", "c"], &[("KLIEG_SERVER", &cluster.url)]);
    assert!(status == Some(2) && told.contains("the farm wants a token"), "{told}");
    let (status, told) =
        refused(&studio, &["node", "--cache", "c", "--server", "farm:1"], &[("KLIEG_TOKEN", "not-this-farms-token")]);
    assert!(status == Some(2) && told.contains("farm:1"), "{told}");
    studio.script("klieg.toml", "[node]\nslotz = 2\n");
    let (status, told) = refused(&studio, &["node"], &[]);
    assert!(status == Some(2) && told.contains("klieg.toml:2: unknown setting slotz in [node]; did you mean slots?"), "{told}");
    let log = cluster.server.log();
    let token = std::fs::read_to_string(studio.path("farm/token")).unwrap();
    assert!(!log.contains(token.trim()), "the log has the token");
}

#[test]
fn a_script_with_a_mistake_is_refused_by_the_farm_with_its_line() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    studio.script("small.fountain", SMALL);
    let asked = |args: &[&str]| {
        let output = studio.klieg(args).envs(cluster.environment()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, told) = asked(&["render", "small.fountain", "--shots", "sc999_sh010", "--out", "o"]);
    assert!(status == Some(2) && told.contains("sc999_sh010"), "{told}");
}

/// Waits for it, five seconds at most.
fn until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: not in five seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_second_server_takes_over_within_five_seconds() {
    let studio = Studio::new();
    let mut cluster = Cluster::new(&studio);
    let second = Daemon::start(&studio, "second", &["serve", "--json", "--listen", "127.0.0.1:0"], &[]);
    let url = second.said()["url"].as_str().unwrap().to_owned();
    until("it stands by", || farm::status(&url, "/ready").1.contains("standby"));
    let _node = cluster.node_of("one", &[&url]);
    cluster.wait("the node finds the leader by the standby", |backlog| backlog["nodes"] == 1);
    cluster.server.kill();
    until("it leads", || farm::status(&url, "/ready").1.contains("leading"));
    cluster.url = url;
    cluster.wait("the node is with the new leader", |backlog| backlog["nodes"] == 1);
}
