//! How much there is to do, for those who start machines.

use crate::state::State;
use klieg_protocol::{Class, wire::Backlog, wire::Demand};
use std::collections::{BTreeMap, BTreeSet};

/// Counts ready and running tasks, and the nodes that may be given any, by device class. Tasks of jobs that wait to be asked for
/// again count as neither; a task that waits for others is not ready.
pub fn backlog(state: &State) -> Backlog {
    // Every class is there: autoscalers take a missing one for an error.
    let mut classes: BTreeMap<Class, Demand> =
        [Class::Cpu, Class::Cuda, Class::Wgpu].map(|class| (class, Demand::default())).into();
    for job in state.jobs.values().filter(|job| !job.parked && !job.terminal()) {
        for (shape, ready) in &job.ready {
            classes.entry(shape.class).or_default().ready += ready.len() as u64;
        }
    }
    for node in state.nodes.values() {
        for held in node.held.values() {
            // After a takeover a node's devices are not known before it has joined anew.
            let class = node.offer.devices.get(held.device as usize).map_or(Class::Cpu, |device| device.class);
            classes.entry(class).or_default().running += 1;
        }
    }
    let open = state.nodes.values().filter(|node| node.open()).collect::<Vec<_>>();
    for node in &open {
        for device in &node.offer.devices {
            classes.entry(device.class).or_default().slots += u64::from(device.slots);
        }
        for class in node.offer.devices.iter().map(|device| device.class).collect::<BTreeSet<_>>() {
            classes.entry(class).or_default().nodes += 1;
        }
    }
    Backlog {
        ready: classes.values().map(|demand| demand.ready).sum(),
        running: classes.values().map(|demand| demand.running).sum(),
        nodes: open.len() as u64,
        slots: classes.values().map(|demand| demand.slots).sum(),
        classes: classes.into_iter().map(|(class, demand)| (class.to_string(), demand)).collect(),
    }
}
