//! Nodes: joined, heard of, lost, drained, forgiven.

use super::{Effect, Step};
use crate::{
    admit,
    state::{Bug, Device, Health, Held, Node, Rules},
};
use klieg_protocol::{Beat, Beaten, Charge, DeviceBeat, Fault, Incarnation, NodeId, Offer, TaskFailure, TaskId, TaskState, Token};

use std::collections::BTreeSet;

impl Step<'_> {
    pub(super) fn joined(&mut self, offer: Offer) {
        let (id, rules) = (offer.node.clone(), self.state.rules);
        let full = !self.state.nodes.contains_key(&id) && self.state.nodes.len() >= rules.nodes_max;
        let reason = full.then(|| format!("the farm has {} nodes, its limit (nodes_max)", rules.nodes_max));
        if let Some(reason) = reason.or_else(|| excess(&offer, &rules)) {
            return self.effects.push(Effect::TurnedAway { node: id, reason });
        }
        if self.state.nodes.get(&id).is_some_and(|node| node.offer.incarnation != offer.incarnation) {
            self.gone(&id, "came back as another");
        }
        let session = self.state.begin_session();
        let mut node = Node::new(offer, self.state.clock.steady() + rules.lease_ms, session);
        self.state.slots += node.slots();
        self.state.reach.add(&node.offer.devices);
        if let Some(before) = self.state.nodes.remove(&id) {
            self.state.slots = self.state.slots.saturating_sub(before.slots());
            self.state.reach.remove(&before.offer.devices);
            node.inherit(before);
        }
        self.state.nodes.insert(id, node);
        self.fail_unplaceable();
    }

    pub(super) fn left(&mut self, node: &NodeId, incarnation: Incarnation) {
        if self.state.nodes.get(node).is_some_and(|known| known.offer.incarnation == incarnation) {
            self.gone(node, "left the farm");
        }
    }

    /// Nothing of the node lives any more: what it held is free, and what ran on it is lost.
    fn gone(&mut self, node: &NodeId, how: &str) {
        self.lose(node, how);
        let Some(gone) = self.state.nodes.get(node) else { return };
        let tokens: Vec<(Token, u64)> = gone.held.iter().map(|(token, held)| (*token, held.since)).collect();
        for (token, since) in tokens {
            self.release(node, token, self.now.saturating_sub(since) as f64 / 1000.0);
        }
        if let Some(gone) = self.state.nodes.remove(node) {
            self.state.slots = self.state.slots.saturating_sub(gone.slots());
            self.state.reach.remove(&gone.offer.devices);
        }
    }

    /// The attempts that run on a node are lost; what they hold stays held.
    fn lose(&mut self, node: &NodeId, how: &str) {
        let Some(host) = self.state.nodes.get(node) else { return };
        let held: Vec<(Token, TaskId, u64)> = host.held.iter().map(|(token, held)| (*token, held.id.clone(), held.since)).collect();
        for (token, id, since) in held {
            if !self.task(&id).is_some_and(|task| task.token == token && task.run.is_some()) {
                continue;
            }
            if self.state.rules.has(Bug::ForgetLost) {
                if let Some(task) = self.task(&id) {
                    (task.run, task.state) = (None, TaskState::Ready);
                }
                continue;
            }
            let seconds = self.now.saturating_sub(since) as f64 / 1000.0;
            let failure = TaskFailure { fault: Fault::Nobody, message: format!("node {} {how}", node.0) };
            self.failed(&id, failure, seconds, false);
        }
    }

    pub(super) fn beat(&mut self, beat: Beat) {
        let Beat { node: id, incarnation, draining, devices, session, attempts, telemetry: _ } = beat;
        let lease_until = self.state.clock.steady() + self.state.rules.lease_ms;
        let answer = match self.state.nodes.get_mut(&id) {
            Some(node) if node.offer.incarnation == incarnation => {
                node.lease_until = lease_until;
                node.lapsed = false;
                node.leaving = draining;
                for (device, beat) in node.devices.iter_mut().zip(devices) {
                    heard(device, beat);
                }
                // After a takeover its offer is not known.
                if node.joined { Beaten::Known } else { Beaten::Unknown }
            }
            Some(node) if node.joined => Beaten::Replaced,
            _ => Beaten::Unknown,
        };
        let current = self.state.session_of(Some(&id).filter(|_| answer == Beaten::Known));
        self.effects.push(Effect::Answer { node: id.clone(), incarnation, answer, session: current });
        if answer == Beaten::Known && session == current {
            self.open(&id, &attempts);
        }
        self.reconcile(&id, &attempts, answer);
    }

    /// With the first heartbeat of a session it is known what the node has, what nobody wants any more included.
    fn open(&mut self, id: &NodeId, attempts: &[Charge]) {
        let (now, steady) = (self.now, self.state.clock.steady());
        let Some(node) = self.state.nodes.get_mut(id) else { return };
        if std::mem::replace(&mut node.heard, true) {
            return;
        }
        for Charge { id, token, device, slots, memory_bytes } in attempts {
            let free =
                node.devices.get(*device as usize).zip(node.offer.devices.get(*device as usize)).is_some_and(|(d, offer)| {
                    slots.iter().all(|slot| *slot < offer.slots && !d.taken.contains(slot)) && d.memory_free(offer) >= *memory_bytes
                });
            // What was held before is known better.
            if free && !node.held.contains_key(token) {
                let held = Held {
                    id: id.clone(),
                    project: String::new(),
                    device: *device,
                    slots: slots.clone(),
                    memory_bytes: *memory_bytes,
                    limits: Vec::new(),
                    since: now,
                    since_steady: steady,
                    seconds: 0.0,
                    part: 0.0,
                };
                let project = self.state.projects.entry(String::new()).or_default();
                project.slots_held += u32::try_from(slots.len()).unwrap_or(u32::MAX);
                node.hold(*token, held);
            }
        }
    }

    /// Stops what a node has and nobody wants, and sends again what it should have and has not.
    fn reconcile(&mut self, id: &NodeId, attempts: &[Charge], answer: Beaten) {
        for Charge { id: task, token, .. } in attempts {
            let wanted = self.state.task(task).is_some_and(|t| {
                let here = t.run.as_ref().is_some_and(|run| run.node == *id);
                t.token == *token && here && answer != Beaten::Replaced
            });
            if !wanted {
                self.stop(id.clone(), task.clone(), *token);
            }
        }
        let oldest = self.state.clock.steady().saturating_sub(self.state.rules.dispatch_grace_ms);
        let Some(node) = self.state.nodes.get(id).filter(|_| answer == Beaten::Known) else { return };
        let listed: BTreeSet<Token> = attempts.iter().map(|charge| charge.token).collect();
        let unheard = node.held.iter().filter(|(token, held)| held.since_steady < oldest && !listed.contains(token));
        let unheard: Vec<(Token, TaskId)> = unheard.map(|(token, held)| (*token, held.id.clone())).collect();
        for (token, task) in unheard {
            match self.state.task(&task).is_some_and(|t| t.token == token && t.run.is_some()) {
                true => self.dispatch(&task),
                // What it holds is free when the node says that it has ended, or that it has not begun and will not.
                false => self.stop(id.clone(), task, token),
            }
        }
    }

    pub(super) fn drain(&mut self, node: &NodeId, drained: bool) {
        if let Some(node) = self.state.nodes.get_mut(node) {
            node.drained = drained;
        }
    }

    /// Nodes that were not heard of for longer than their lease lose their attempts; after the grace they are gone.
    pub(super) fn lapse(&mut self) {
        if self.state.rules.has(Bug::EndlessLease) {
            return;
        }
        let (steady, grace) = (self.state.clock.steady(), self.state.rules.grace_ms);
        let over = self.state.nodes.iter().filter(|(_, node)| node.lease_until < steady);
        let over: Vec<(NodeId, bool, bool)> =
            over.map(|(id, node)| (id.clone(), node.lapsed, node.lease_until + grace < steady)).collect();
        for (id, lapsed, dead) in over {
            if dead {
                self.gone(&id, "was not heard of any more");
            } else if !lapsed {
                if let Some(node) = self.state.nodes.get_mut(&id) {
                    node.lapsed = true;
                }
                self.lose(&id, "was not heard of any more");
            }
        }
    }

    /// Drained devices whose wait is over get one attempt.
    pub(super) fn try_again(&mut self) {
        let steady = self.state.clock.steady();
        for device in self.state.nodes.values_mut().flat_map(|node| &mut node.devices) {
            if let Health::Faulty { reason, until: Some(until) } = &device.health
                && *until <= steady
            {
                device.health = Health::Trial { reason: reason.clone() };
            }
        }
    }

    /// With every node there is, tasks that fit none of them fail at once, if the farm is not to wait for larger nodes.
    fn fail_unplaceable(&mut self) {
        if !self.state.rules.fail_unplaceable {
            return;
        }
        let mut failures = Vec::new();
        for job in self.state.jobs.values().filter(|job| self.state.line.has(job)) {
            let too_large = job.ready.iter().find_map(|(shape, ready)| {
                let (_, place) = ready.first()?;
                let task = job.tasks.at(*place)?;
                let refusal = admit::fits(self.state, &task.spec.name, shape).err()?;
                Some((TaskId { job: job.id.clone(), task: task.spec.name.to_string() }, refusal))
            });
            failures.extend(too_large);
        }
        for (id, refusal) in failures {
            let message = format!("failed to {refusal}; lower the quality or run it on a larger machine");
            self.fail(&id, TaskFailure { fault: Fault::Input, message }, None);
        }
    }
}

/// What of an offer is more than a node may bring.
fn excess(offer: &Offer, rules: &Rules) -> Option<String> {
    let (devices, slots) = (offer.devices.len(), offer.devices.iter().map(|device| device.slots).max().unwrap_or(0));
    if devices > rules.devices_per_node_max {
        return Some(format!("it offers {devices} devices; the limit is {} (devices_per_node_max)", rules.devices_per_node_max));
    }
    if slots > rules.slots_per_device_max {
        return Some(format!(
            "it offers {slots} slots of a device; the limit is {} (slots_per_device_max)",
            rules.slots_per_device_max
        ));
    }
    let name = offer.node.0.len();
    if !(1..=rules.node_name_max).contains(&name) {
        return Some(format!("its name has {name} bytes; 1 to {} are allowed (node_name_max)", rules.node_name_max));
    }
    None
}

/// Takes over what a node says of a device.
fn heard(device: &mut Device, beat: DeviceBeat) {
    device.warm = beat.warm.into_iter().collect();
    match (beat.fault, &device.health) {
        (Some(reason), _) => device.health = Health::Faulty { reason, until: None },
        (None, Health::Faulty { reason, until: None }) => device.health = Health::Trial { reason: reason.clone() },
        (None, _) => {}
    }
}
