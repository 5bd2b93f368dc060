//! Order, packing, backfill, reasons.

use super::*;
use crate::{
    state::Dice,
    step::{Effect, Happened, NewJob, step},
};
use klieg_protocol::{Ask, Beat, DeviceBeat, Digest, Dispatch, Incarnation, JobId, JobSpec, Offer, TaskSpec};

/// (name, memory, seconds, rank)
type Ask4<'a> = (&'a str, u64, f64, u32);

fn task(&(name, memory_bytes, seconds, rank): &Ask4<'_>) -> TaskSpec {
    TaskSpec {
        name: name.into(),
        step: "s".into(),
        params: name.into(),
        inputs: BTreeMap::new(),
        ask: Ask { memory_bytes, seconds, ..Ask::default() },
        rank,
        label: String::new(),
    }
}

fn submit(state: &mut State, id: &str, priority: i32, now: Millis, tasks: &[Ask4<'_>]) {
    let spec = JobSpec { kind: "k".into(), label: id.into(), params: id.into(), inputs: BTreeMap::new() };
    let plan = klieg_protocol::Plan { tasks: tasks.iter().map(task).collect() };
    let id = JobId(id.into());
    let job = NewJob {
        id,
        identity: Digest::of(b"j"),
        build: "b".into(),
        spec,
        plan,
        project: String::new(),
        owner: String::new(),
        priority,
        price: 0.0,
    };
    for effect in step(state, Happened::Submitted(Box::new(job)), now, &mut Dice(1)) {
        if let Effect::LookUp { id, identity } = effect {
            step(state, Happened::CacheAnswered { id, identity, hit: None }, now, &mut Dice(1));
        }
    }
}

/// A node joins and is heard of.
fn join(state: &mut State, offer: Offer) {
    let (node, incarnation) = (offer.node.clone(), offer.incarnation);
    let devices = vec![DeviceBeat::default(); offer.devices.len()];
    step(state, Happened::NodeJoined(offer), 0, &mut Dice(1));
    let session = state.session_of(Some(&node));
    let beat = Beat { node, incarnation, draining: false, devices, session, attempts: Vec::new(), telemetry: None };
    step(state, Happened::Beat(beat), 0, &mut Dice(1));
}

fn farm(slots: u32, memory_bytes: u64) -> State {
    let mut state = State::default();
    let offer = Offer::of_cpu(NodeId("n".into()), Incarnation(1), slots, memory_bytes);
    join(&mut state, offer);
    state
}

fn names(state: &State, now: Millis) -> Vec<String> {
    plan(state, now).placements.into_iter().map(|placement| placement.id.task).collect()
}

fn tick(state: &mut State, now: Millis) -> Vec<Dispatch> {
    let effects = step(state, Happened::Tick, now, &mut Dice(1));
    effects.into_iter().filter_map(|e| if let Effect::Run { dispatch, .. } = e { Some(*dispatch) } else { None }).collect()
}

#[test]
fn priority_then_first_tasks_then_what_is_due_then_rank() {
    let mut state = farm(6, 100);
    submit(&mut state, "young", 0, 20, &[("y", 1, 1.0, 0)]);
    submit(&mut state, "old", 0, 10, &[("o2", 1, 1.0, 2), ("o0", 1, 1.0, 0), ("o1a", 1, 1.0, 1), ("o1b", 1, 1.0, 1)]);
    submit(&mut state, "urgent", 5, 30, &[("u", 1, 1.0, 9)]);
    assert_eq!(names(&state, 40), ["u", "o0", "y", "o1a", "o1b", "o2"]);
}

#[test]
fn memory_bounds_what_runs_together() {
    let mut state = farm(4, 10);
    submit(&mut state, "j", 0, 0, &[("a", 4, 1.0, 0), ("b", 4, 1.0, 1), ("c", 4, 1.0, 2), ("d", 2, 1.0, 3)]);
    assert_eq!(names(&state, 0), ["a", "b", "d"], "c does not fit, d fills the rest");
}

#[test]
fn a_large_task_is_not_starved() {
    let mut state = farm(2, 10);
    submit(&mut state, "first", 0, 0, &[("half", 6, 10.0, 0)]);
    assert_eq!(tick(&mut state, 0).len(), 1);
    submit(&mut state, "large", 0, 1, &[("whole", 10, 5.0, 0)]);
    submit(&mut state, "small", 0, 2, &[("long", 1, 60.0, 0), ("short", 1, 3.0, 1)]);
    assert_eq!(names(&state, 1_000), ["short"], "only what ends before the large task can begin goes ahead");
    assert_eq!(names(&state, 8_000), [""; 0]);
}

#[test]
fn kept_room_moves_when_what_is_there_takes_far_longer_than_was_thought() {
    let mut state = State::default();
    for name in ["m", "n"] {
        join(&mut state, Offer::of_cpu(NodeId(name.into()), Incarnation(1), 2, 10));
    }
    submit(&mut state, "first", 0, 0, &[("soon", 6, 10.0, 0), ("later", 6, 100.0, 1)]);
    assert_eq!(tick(&mut state, 0).len(), 2);
    submit(&mut state, "large", 0, 1, &[("whole", 10, 5.0, 0)]);
    let kept = |state: &mut State, now| {
        tick(state, now);
        state.kept.keys().map(|(node, _)| node.0.clone()).collect::<Vec<_>>()
    };
    let runs =
        |state: &State, task: &str| state.task(&TaskId { job: JobId("first".into()), task: task.into() }).unwrap().run.clone();
    let [soon, later] = ["soon", "later"].map(|task| runs(&state, task).unwrap().node.0);
    assert_eq!(kept(&mut state, 1_000), std::slice::from_ref(&soon));
    assert_eq!(kept(&mut state, 60_000), [soon], "late by 50 s, it may be 50 s more: the other is not much sooner");
    assert_eq!(kept(&mut state, 90_000), [later], "late by 80 s, it may be 80 s more; the other ends in 10 s");
}

#[test]
fn what_fits_no_device_is_refused_with_the_largest() {
    let mut state = farm(1, 10);
    submit(&mut state, "huge", 0, 0, &[("a", 11_000_000, 1.0, 0)]);
    assert!(state.jobs.is_empty(), "nothing of it was kept");
    let plan = klieg_protocol::Plan { tasks: vec![task(&("a", 11, 1.0, 0))] };
    let refusal = crate::admit::admit(&state, "", &plan, 0.0).unwrap_err().to_string();
    assert!(refusal.contains("asks for 11 bytes and 1 slots of one cpu; the largest is processor on n with 10 bytes"), "{refusal}");
}

#[test]
fn what_fits_no_device_fails_its_job_when_the_devices_come() {
    let mut state = State::default();
    submit(&mut state, "huge", 0, 0, &[("a", 11_000_000, 1.0, 0)]);
    let offer = Offer::of_cpu(NodeId("n".into()), Incarnation(1), 1, 10);
    step(&mut state, Happened::NodeJoined(offer), 0, &mut Dice(1));
    let reason = state.jobs[&JobId("huge".into())].reason.clone().unwrap_or_default();
    assert!(reason.contains("asks for 11000000 bytes"), "{reason}");
}

#[test]
fn why_says_what_is_in_the_way() {
    let mut state = farm(1, 10);
    submit(&mut state, "j", 0, 0, &[("a", 4, 30.0, 0), ("b", 4, 600.0, 1), ("c", 4, 1.0, 2)]);
    tick(&mut state, 0);
    let why = crate::why::why(&state, &JobId("j".into()), None, 10_000);
    assert_eq!(
        why,
        [
            "j runs: 0 of 3 tasks are done, 1 run, 2 wait; about 11 min are left.",
            "a runs on n since 10 s (attempt 1), about 20 s are left.",
            "b waits because every slot is taken; it is expected to begin in about 20 s.",
            "c waits because every slot is taken; it is expected to begin in about 11 min.",
        ]
    );
    assert_eq!(crate::why::why(&state, &JobId("j".into()), Some("x"), 0), ["j has no task x."]);
    let empty = State { nodes: BTreeMap::new(), ..state };
    let why = crate::why::why(&empty, &JobId("j".into()), Some("b"), 0);
    assert_eq!(why, ["b waits because no node has joined the farm; when it begins is not known."]);
}

#[test]
fn a_task_goes_only_where_its_needs_are_met_and_a_fresh_one_asks_no_cache() {
    let mut state = State::new(crate::state::Rules { fail_unplaceable: false, ..Default::default() });
    let offer = |name: &str, gives: &[&str]| {
        let mut offer = Offer::of_cpu(NodeId(name.into()), Incarnation(1), 4, 100);
        offer.tools.gives = gives.iter().map(ToString::to_string).collect();
        offer
    };
    join(&mut state, offer("plain", &[]));
    let needs = vec!["openjd".to_owned(), "attr.os=linux|attr.os=macos".to_owned()];
    let ask = Ask { memory_bytes: 1, seconds: 1.0, needs, fresh: true, ..Ask::default() };
    let spec = JobSpec { kind: "k".into(), label: "j".into(), params: "j".into(), inputs: BTreeMap::new() };
    let plan = klieg_protocol::Plan { tasks: vec![TaskSpec { ask, ..task(&("a", 1, 1.0, 0)) }] };
    let (id, identity, project) = (JobId("j".into()), Digest::of(b"j"), String::new());
    let new = NewJob { id, identity, build: "b".into(), spec, plan, project, owner: String::new(), priority: 0, price: 0.0 };
    let effects = step(&mut state, Happened::Submitted(Box::new(new)), 0, &mut Dice(1));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::LookUp { .. })), "the cache is not asked");
    assert!(names(&state, 1).is_empty());
    join(&mut state, offer("half", &["openjd"]));
    assert!(names(&state, 1).is_empty());
    join(&mut state, offer("open", &["attr.os=macos", "openjd"]));
    let placed = super::plan(&state, 1).placements;
    assert_eq!(placed.iter().map(|p| (p.id.task.as_str(), p.node.0.as_str())).collect::<Vec<_>>(), [("a", "open")]);
}
