//! `klieg top`: in a terminal, and where there is none.

use crate::{farm::Cluster, support::Studio, until};
use nix::{
    pty::{Winsize, openpty},
    sys::{
        signal::{Signal, kill},
        termios::Termios,
    },
    unistd::Pid,
};
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Write},
    sync::{Arc, Mutex},
};

/// What gives the terminal back: the other screen is left.
const LEAVES: &str = "\u{1b}[?1049l";

/// Runs it in a terminal of 40 lines until it has shown a node, then does `end`; its exit code and all that it wrote.
fn in_a_terminal(studio: &Studio, cluster: &Cluster<'_>, end: impl FnOnce(&mut File, Pid)) -> (Option<i32>, String) {
    let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None::<&Termios>).expect("a terminal");
    let mut command = studio.klieg(&["top", "--every", "0.2"]);
    command.envs(cluster.environment()).env("HOME", studio.path("home")).env("TERM", "xterm");
    command.stdin(pty.slave.try_clone().expect("its side")).stdout(pty.slave);
    let mut child = command.spawn().expect("start klieg");
    // The other side's last copy ends with the program, and then reading does.
    drop(command);
    let mut terminal = File::from(pty.master);
    let mut reader = terminal.try_clone().expect("our side");
    let shown = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&shown);
    let reading = std::thread::spawn(move || {
        let mut some = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut some) {
            kept.lock().unwrap().extend(&some[..count]);
        }
    });
    until("it shows the node", || String::from_utf8_lossy(&shown.lock().unwrap()).contains("healthy"));
    end(&mut terminal, Pid::from_raw(i32::try_from(child.id()).expect("a process")));
    let code = child.wait().expect("it ends").code();
    reading.join().expect("read");
    let all = String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    (code, all)
}

#[test]
fn a_terminal_is_given_back_however_it_ends() {
    let studio = Studio::new();
    let cluster = Cluster::new(&studio);
    let _node = cluster.node("one");
    cluster.wait("it has joined", |backlog| backlog["nodes"] == 1);
    let typed = |keys: &'static [u8]| move |terminal: &mut File, _: Pid| terminal.write_all(keys).expect("typed");
    let (code, shown) = in_a_terminal(&studio, &cluster, typed(b"q"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains(LEAVES), "{shown:?}");
    // As a terminal in raw mode sends Ctrl-C, and as the system ends a program.
    let (code, shown) = in_a_terminal(&studio, &cluster, typed(b"\x03"));
    assert!(code == Some(130) && shown.contains(LEAVES), "{code:?} {shown:?}");
    let (code, shown) = in_a_terminal(&studio, &cluster, |_, pid| kill(pid, Signal::SIGTERM).expect("told"));
    assert!(code == Some(130) && shown.contains(LEAVES), "{code:?} {shown:?}");
    // Drained when that is confirmed, and not before.
    let (code, _) = in_a_terminal(&studio, &cluster, |terminal, _| {
        terminal.write_all(b"dn").expect("typed");
        terminal.write_all(b"dy").expect("typed");
        cluster.wait("it is drained", |backlog| backlog["nodes"] == 0);
        terminal.write_all(b"xq").expect("typed");
    });
    assert_eq!(code, Some(0));
}

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
