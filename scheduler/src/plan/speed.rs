//! How much memory a million queued tasks take, and how long a tick with 1,200 nodes. Run it alone, in release:
//! `cargo nextest run --release -p klieg-scheduler --run-ignored only --no-capture a_million`.

use super::plan;
use crate::{
    state::{Dice, Rules, State},
    step::{Effect, Happened, NewJob, step},
};
use klieg_protocol::{
    Ask, Beat, Class, DeviceBeat, DeviceOffer, Digest, Incarnation, Input, JobId, JobSpec, NodeId, Offer, Plan, Source, TaskSpec,
    Tools,
};
use std::{collections::BTreeMap, time::Instant};

const JOBS: usize = 1_000;
const TASKS_A_JOB: usize = 1_000;
const NODES: usize = 1_200;
/// The goals of issue 4.
const RESIDENT_MAX_MB: u64 = 600;
const TICK_MAX_MS: u128 = 50;

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() / 1024
}

/// As the film's render tasks are: a range of frames of a shot.
fn render(job: usize, n: usize) -> TaskSpec {
    let brief = Input { from: Source::Blob(Digest::of(&(job * TASKS_A_JOB + n).to_le_bytes())) };
    let class = if n.is_multiple_of(3) { Class::Cpu } else { Class::Cuda };
    let ask = Ask { memory_bytes: (1 + n as u64 % 7) << 30, seconds: 10.0 + (n % 50) as f64, class, ..Ask::default() };
    TaskSpec {
        name: format!("render/sc{:03}_sh{:03}/0", n / 50, n % 50),
        step: "render".into(),
        params: serde_json::json!({"width": 1280, "height": 720, "first": n, "frames": 48}),
        inputs: BTreeMap::from([("brief".into(), brief)]),
        ask,
        rank: u32::try_from(n).unwrap(),
        label: format!("sc{:03}_sh{:03}, 48 frames", n / 50, n % 50),
    }
}

fn submit(state: &mut State, job: usize, dice: &mut Dice) {
    let spec = JobSpec { kind: "film".into(), label: format!("{job}"), params: job.into(), inputs: BTreeMap::new() };
    let plan = Plan { tasks: (0..TASKS_A_JOB).map(|n| render(job, n)).collect() };
    let (id, identity) = (JobId(format!("job-{job:06}")), Digest::of(&job.to_le_bytes()));
    let project = format!("project {}", job % 20);
    let new = NewJob { id, identity, build: "b".into(), spec, plan, project, priority: (job % 3) as i32, price: 1.0 };
    for effect in step(state, Happened::Submitted(Box::new(new)), job as u64, dice) {
        if let Effect::LookUp { id, identity } = effect {
            step(state, Happened::CacheAnswered { id, identity, hit: None }, job as u64, dice);
        }
    }
}

fn join(state: &mut State, number: usize, dice: &mut Dice) {
    let gpu = DeviceOffer { name: "gpu".into(), class: Class::Cuda, memory_bytes: 24 << 30, slots: 4, gpu: None };
    let cpu = DeviceOffer { name: "cpu".into(), class: Class::Cpu, memory_bytes: 64 << 30, slots: 8, gpu: None };
    let devices = vec![cpu, gpu.clone(), gpu.clone(), gpu.clone(), gpu];
    let (node, incarnation) = (NodeId(format!("node-{number:04}")), Incarnation(1));
    let beats = vec![DeviceBeat::default(); devices.len()];
    step(state, Happened::NodeJoined(Offer { node: node.clone(), incarnation, devices, tools: Tools::default() }), 2_000, dice);
    let beat = Beat {
        node,
        incarnation,
        draining: false,
        devices: beats,
        session: number as u64 + 1,
        attempts: Vec::new(),
        telemetry: None,
    };
    step(state, Happened::Beat(beat), 2_000, dice);
}

#[test]
#[ignore = "a measurement: takes seconds and a gigabyte"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn a_million_tasks_and_1200_nodes() {
    let (mut state, mut dice) = (State::new(Rules { fail_unplaceable: false, ..Rules::default() }), Dice(1));
    let before = resident_mb();
    let begun = Instant::now();
    (0..JOBS).for_each(|job| submit(&mut state, job, &mut dice));
    let resident = resident_mb() - before;
    println!("{} tasks queued: {resident} MB resident more, in {:.1} s", state.open_tasks, begun.elapsed().as_secs_f64());
    (0..NODES).for_each(|number| join(&mut state, number, &mut dice));
    let first = Instant::now();
    let placed = plan(&state, 3_000).placements.len();
    println!("first tick (all idle): {placed} placements in {} ms", first.elapsed().as_millis());
    // The nodes fill over some ticks; then a tick is what a busy farm's is.
    let mut ticks = 0;
    while step(&mut state, Happened::Tick, 3_000, &mut dice).iter().any(|e| matches!(e, Effect::Run { .. })) {
        ticks += 1;
    }
    let mut worst = 0;
    for round in 0..20 {
        free_some(&mut state, 60, round);
        let begun = Instant::now();
        let placed = plan(&state, 4_000).placements.len();
        let took = begun.elapsed();
        worst = worst.max(took.as_millis());
        step(&mut state, Happened::Tick, 4_000, &mut dice);
        if round % 5 == 0 {
            println!("busy tick: {placed} placements in {:.1} ms (full after {ticks} ticks)", took.as_secs_f64() * 1000.0);
        }
    }
    println!("worst busy tick: {worst} ms");
    assert!(resident <= RESIDENT_MAX_MB, "{resident} MB");
    assert!(worst <= TICK_MAX_MS, "{worst} ms");
}

/// Gives back what one attempt each of so many nodes holds, as if it had ended.
fn free_some(state: &mut State, nodes: usize, round: usize) {
    for node in state.nodes.values_mut().skip(round * nodes).take(nodes) {
        if let Some(token) = node.held.keys().next().copied() {
            node.release(token);
        }
    }
}
