//! How much memory a million queued tasks take, and how long the planner's tick is with 1,200 nodes. Run it alone in a process.

use crate::{clock::Watch, row::Row, work::Load};
use klieg_protocol::{Beat, Class, DeviceBeat, DeviceOffer, Incarnation, NodeId, Offer, Tools};
use klieg_scheduler::{
    plan::plan,
    state::{Dice, Rules, State},
    step::{Effect, Happened, step},
};

/// What was found.
#[derive(Debug)]
pub struct Found {
    pub queued: u64,
    pub resident_mb: f64,
    pub submitted_s: f64,
    /// How many the first tick of an idle farm places.
    pub first_placements: usize,
    pub first_tick_ms: f64,
    /// Of a full farm in which some nodes have just become free.
    pub busy_tick_worst_ms: f64,
    /// Placements of the busy ticks.
    pub busy_placements: usize,
}

/// Resident memory of this process.
pub fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

/// Four GPUs and a processor, and it has been heard.
fn join(state: &mut State, number: usize, dice: &mut Dice) {
    let gpu = DeviceOffer { name: "gpu".into(), class: Class::Cuda, memory_bytes: 24 << 30, slots: 4, gpu: None };
    let cpu = DeviceOffer { name: "cpu".into(), class: Class::Cpu, memory_bytes: 64 << 30, slots: 8, gpu: None };
    let devices = vec![cpu, gpu.clone(), gpu.clone(), gpu.clone(), gpu];
    let (node, incarnation) = (NodeId(format!("node-{number:04}")), Incarnation(1));
    let beats = vec![DeviceBeat::default(); devices.len()];
    step(state, Happened::NodeJoined(Offer { node: node.clone(), incarnation, devices, tools: Tools::default() }), 2_000, dice);
    let session = state.session_of(Some(&node));
    let beat = Beat { node, incarnation, draining: false, devices: beats, session, attempts: Vec::new(), telemetry: None };
    step(state, Happened::Beat(beat), 2_000, dice);
}

/// Gives back what one attempt each of so many nodes holds, as if it had ended.
fn free_some(state: &mut State, nodes: usize, round: usize) {
    for node in state.nodes.values_mut().skip(round * nodes).take(nodes) {
        if let Some(token) = node.held.keys().next().copied() {
            node.release(token);
        }
    }
}

pub fn measure(load: Load, nodes: usize) -> Found {
    let (mut state, mut dice) = (State::new(Rules { fail_unplaceable: false, ..Rules::default() }), Dice(1));
    let (before, submitting) = (resident_mb(), Watch::start());
    (0..load.jobs).for_each(|job| drop(load.submit(&mut state, job, &mut dice)));
    let (resident_mb, submitted_s, queued) = (resident_mb() - before, submitting.seconds(), state.open_tasks);
    (0..nodes).for_each(|number| join(&mut state, number, &mut dice));
    let first = Watch::start();
    let first_placements = plan(&state, 3_000).placements.len();
    let first_tick_ms = first.seconds() * 1e3;
    // The nodes fill over some ticks; then a tick is what a busy farm's is.
    while step(&mut state, Happened::Tick, 3_000, &mut dice).iter().any(|e| matches!(e, Effect::Run { .. })) {}
    let (mut busy_tick_worst_ms, mut busy_placements) = (0f64, 0);
    for round in 0..20 {
        free_some(&mut state, nodes.div_ceil(20), round);
        let tick = Watch::start();
        busy_placements += plan(&state, 4_000).placements.len();
        busy_tick_worst_ms = busy_tick_worst_ms.max(tick.seconds() * 1e3);
        step(&mut state, Happened::Tick, 4_000, &mut dice);
    }
    Found { queued, resident_mb, submitted_s, first_placements, first_tick_ms, busy_tick_worst_ms, busy_placements }
}

pub fn rows(load: Load, nodes: usize) {
    let found = measure(load, nodes);
    let tasks = load.tasks();
    assert_eq!(found.queued, tasks as u64, "all of them are queued");
    Row::of(format!("{tasks} queued tasks: until the scheduler's core has them"), format!("{:.1} s", found.submitted_s)).print();
    Row::at_most(format!("{tasks} queued tasks: memory"), found.resident_mb, 600.0, "MB").print();
    let what = format!("{tasks} queued tasks, {nodes} nodes: a planner's tick, the worst of 20 in a busy farm");
    Row::at_most(what, found.busy_tick_worst_ms, 50.0, "ms").print();
    Row::of("placements of those ticks", format!("{}", found.busy_placements)).print();
    let first = format!("{:.0} ms for {} placements", found.first_tick_ms, found.first_placements);
    Row::of("the first tick when all those nodes are idle", first).print();
}
