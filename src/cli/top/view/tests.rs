use super::*;
use crate::cli::top::{
    keys::{Screen, Wish},
    picture,
};
use crossterm::event::{KeyCode, KeyModifiers};
use serde_json::json;

fn device(index: u32, class: &str, state: &str, telemetry: serde_json::Value, tasks: serde_json::Value) -> serde_json::Value {
    json!({
        "index": index, "name": if class == "cpu" { "processor" } else { "NVIDIA H200" }, "class": class, "state": state,
        "reason": (state == "faulty").then_some("Xid 79: it has fallen off the bus"), "memory_bytes": 137_438_953_472_u64,
        "memory_held_bytes": 34_359_738_368_u64, "slots": 2, "slots_held": 1, "tasks": tasks, "gpu": null, "telemetry": telemetry,
    })
}

fn seen() -> Seen {
    let gpu = json!({
        "uuid": "GPU-1", "used_percent": 97, "memory_used_bytes": 68_719_476_736_u64, "memory_bytes": 137_438_953_472_u64,
        "celsius": 88, "milliwatts": 400_000, "milliwatts_max": null, "clock_mhz": null, "memory_clock_mhz": null,
        "ecc_corrected": null, "ecc_uncorrected": null, "throttled": [], "xid": null, "xids": 0,
    });
    let task = json!([{"job": "job-000001", "task": "render/3", "slots": 1, "memory_bytes": 1, "started_at_ms": 1}]);
    let node = |id: &str, state: &str, devices: serde_json::Value| json!({"id": id, "state": state, "reason": null, "devices": devices, "encoders": [], "voices": [], "models": [], "host": null});
    let job = |id: &str, state: &str, progress: f64| {
        json!({
            "id": id, "kind": "film", "label": "wedding.fountain", "project": "ads", "owner": "", "priority": 0, "state": state,
            "submitted_at_ms": 1, "ended_at_ms": null, "progress": progress, "stage": "render 12/46", "eta_seconds": 187.0,
            "tasks": {"total": 46, "done": 12, "running": 2}, "seconds": 10.0, "cost": 1.25, "reason": null,
        })
    };
    Seen {
        queue: serde_json::from_value(json!({
            "ready": 31, "running": 1, "nodes": 1, "slots": 4, "jobs": 2, "oldest_at_ms": 1,
            "classes": {"cpu": {"ready": 0, "running": 0, "nodes": 0, "slots": 0}, "cuda": {"ready": 31, "running": 1, "nodes": 1, "slots": 4}},
        }))
        .expect("a queue"),
        nodes: vec![
            serde_json::from_value(node("render-1", "healthy", json!([device(1, "cuda", "healthy", gpu, task), device(2, "cuda", "faulty", json!(null), json!([]))]))).expect("a node"),
            serde_json::from_value(node("render-2", "draining", json!([device(0, "cpu", "draining", json!(null), json!([]))]))).expect("a node"),
        ],
        jobs: vec![
            serde_json::from_value(job("job-000001", "running", 26.0)).expect("a job"),
            serde_json::from_value(job("job-000002", "queued", 0.0)).expect("a job"),
        ],
    }
}

fn typed(screen: &mut Screen, code: KeyCode) -> Wish {
    screen.key(code, KeyModifiers::NONE)
}

#[test]
fn a_picture_has_everything_that_was_seen() {
    let text = picture(&Screen::of(seen()), 118).unwrap();
    for line in [
        "klieg   2 jobs   1 tasks run on 4 slots   31 wait   1/2 nodes healthy   1 faulty",
        "cuda  ███░░░░░░░     1 run on     4 slots      31 wait",
        "██████████  97 % █████░░░░░ 64.0/128 GiB",
        "88 °C",
        "faulty",
        "Xid 79: it has",
        "render-2     cpu:0 processor      draining",
        "job-000001 render/3",
        "job-000001  running  ███░░░░░░░  26 % render 12/46     3:07 min   1.25      wedding.fountain (ads)",
        "job-000002  queued   ░░░░░░░░░░   0 %",
        "q quit",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("cpu   "), "nobody has or wants that class:\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 118));
    // However narrow it is, nothing panics.
    for wide in [1, 20, 61] {
        picture(&Screen::of(seen()), wide).unwrap();
    }
}

#[test]
fn keys_walk_ask_and_confirm() {
    let mut screen = Screen::of(seen());
    assert_eq!(typed(&mut screen, KeyCode::Up), Wish::Nothing);
    assert_eq!(screen.chosen(), Some((0, 0)));
    typed(&mut screen, KeyCode::Down);
    typed(&mut screen, KeyCode::Enter);
    let over = picture(&screen, 118).unwrap();
    assert!(
        over.contains("render-1 NVIDIA H200: faulty")
            && over.contains("Xid 79: it has fallen off the bus")
            && over.contains("any key closes this"),
        "{over}"
    );
    assert_eq!(typed(&mut screen, KeyCode::Char('q')), Wish::Nothing, "it only closes what stands over the rest");

    typed(&mut screen, KeyCode::Char('d'));
    assert!(picture(&screen, 118).unwrap().contains("Drain render-1?"));
    assert_eq!(typed(&mut screen, KeyCode::Char('n')), Wish::Nothing);
    assert_eq!(screen.over, None);
    typed(&mut screen, KeyCode::Char('d'));
    assert_eq!(typed(&mut screen, KeyCode::Char('y')), Wish::Drain("render-1".into(), true));
    for _ in 0..9 {
        typed(&mut screen, KeyCode::Down);
    }
    assert_eq!(screen.chosen(), Some((1, 0)), "the last one");
    typed(&mut screen, KeyCode::Char('d'));
    assert!(picture(&screen, 118).unwrap().contains("Let render-2 have tasks again?"));
    assert_eq!(typed(&mut screen, KeyCode::Enter), Wish::Drain("render-2".into(), false));

    typed(&mut screen, KeyCode::Tab);
    typed(&mut screen, KeyCode::End);
    assert_eq!(typed(&mut screen, KeyCode::Enter), Wish::Why("job-000002".into()));
    typed(&mut screen, KeyCode::Char('d'));
    assert_eq!(screen.over, None, "jobs are not drained");
    assert_eq!(screen.key(KeyCode::Char('c'), KeyModifiers::CONTROL), Wish::Interrupt);
    assert_eq!(typed(&mut screen, KeyCode::Char('q')), Wish::Quit);
}

#[test]
fn what_is_gone_is_not_chosen_any_more() {
    let mut screen = Screen::of(seen());
    typed(&mut screen, KeyCode::End);
    let mut fewer = seen();
    fewer.nodes.truncate(1);
    fewer.jobs.clear();
    screen.take(fewer);
    assert_eq!(screen.chosen(), Some((0, 1)));
    let mut none = seen();
    none.nodes.clear();
    screen.take(none);
    assert_eq!(screen.chosen(), None);
    typed(&mut screen, KeyCode::Enter);
    typed(&mut screen, KeyCode::Char('d'));
    assert!(picture(&screen, 80).unwrap().contains("no node has joined"));
}
