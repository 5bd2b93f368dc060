//! Whose turn it is: deficit round robin (Shreedhar and Varghese, 1995), in which those who ride along in others' batches pay, too.
//!
//! Flows stand in a ring. The first has a turn: it gets a quantum, leads batches while what it has suffices for its next step, and
//! goes to the end. A step that rides along is paid as well, down to a bounded debt.
//!
//! **No starvation.** Let a flow have a step of cost c ≤ C that may run, with debt at most D. Each round it gets a quantum Q, so after
//! ⌈(C + D) / Q⌉ rounds it leads. In a round each of the n − 1 others leads at most Q + C of its own steps' cost: no turn begins with
//! more. So before its next step others lead at most ⌈(C + D) / Q⌉ · (n − 1) · (Q + C) — [`Ring::wait_max`] — of cost.

use crate::words::Flow;
use std::collections::{BTreeMap, VecDeque};

/// Flows that left and still owe something. Past it their debts are forgotten.
const DEBTORS_MAX: usize = 4096;

/// Flows that have something to do, in the order of their turns.
#[derive(Clone, Debug)]
pub struct Ring {
    quantum: i128,
    debt_max: i128,
    order: VecDeque<Flow>,
    /// What each may spend; below zero: what it owes. A flow that left the ring owes still.
    deficits: BTreeMap<Flow, i128>,
    /// Whether the first has got its quantum.
    begun: bool,
}

impl Ring {
    pub fn new(quantum: u64, debt_max: u64) -> Self {
        let (order, deficits) = (VecDeque::new(), BTreeMap::new());
        Self { quantum: i128::from(quantum.max(1)), debt_max: debt_max.into(), order, deficits, begun: false }
    }

    /// A flow has something to do.
    pub fn join(&mut self, flow: &Flow) {
        if !self.order.contains(flow) {
            self.order.push_back(flow.clone());
            self.deficits.entry(flow.clone()).or_insert(0);
        }
    }

    /// A flow has nothing to do any more. What it did not spend is gone; what it owes stays until others have had a turn.
    pub fn leave(&mut self, flow: &Flow) {
        if self.order.front() == Some(flow) {
            self.begun = false;
        }
        self.order.retain(|other| other != flow);
        match self.deficits.get_mut(flow) {
            Some(deficit) if *deficit < 0 && !self.order.is_empty() => {}
            _ => drop(self.deficits.remove(flow)),
        }
        // Nobody may be left to whom it could be owed.
        if self.order.is_empty() || self.deficits.len() > self.order.len() + DEBTORS_MAX {
            let here = &self.order;
            self.deficits.retain(|flow, _| here.contains(flow));
        }
    }

    /// The flow that leads now. `cost`: of a flow's next step that may run; `None` if none may. Flows that cannot run keep their
    /// place and get nothing.
    pub fn leader(&mut self, cost: impl Fn(&Flow) -> Option<u64>) -> Option<Flow> {
        let costs: BTreeMap<Flow, i128> =
            self.order.iter().filter_map(|flow| Some((flow.clone(), i128::from(cost(flow)?.max(1))))).collect();
        if costs.is_empty() {
            return None;
        }
        loop {
            let flow = self.order.front()?.clone();
            let deficit = self.deficits.entry(flow.clone()).or_insert(0);
            if let Some(cost) = costs.get(&flow) {
                if !self.begun {
                    // Who could not spend it does not hoard it.
                    *deficit = (*deficit + self.quantum).min(self.quantum + cost);
                    self.begun = true;
                }
                if *deficit >= *cost {
                    return Some(flow);
                }
            }
            self.order.rotate_left(1);
            self.begun = false;
        }
    }

    /// Flows in the order in which they may ride along: the leader first.
    pub fn riders(&self) -> impl Iterator<Item = &Flow> {
        self.order.iter()
    }

    /// Whether a flow may pay for a step that rides along.
    pub fn may_ride(&self, flow: &Flow, cost: u64) -> bool {
        self.deficits.get(flow).is_none_or(|deficit| deficit - i128::from(cost.max(1)) >= -self.debt_max)
    }

    /// A flow pays for a step.
    pub fn pay(&mut self, flow: &Flow, cost: u64) {
        *self.deficits.entry(flow.clone()).or_insert(0) -= i128::from(cost.max(1));
    }

    /// Of others' steps that they lead, the most that a flow waits for while one of its own may run: `flows` in the ring, no step
    /// above `cost_max`. One round more, for turns that had begun when it came.
    pub fn wait_max(&self, flows: u64, cost_max: u64) -> u64 {
        let (quantum, debt) = (self.quantum.unsigned_abs() as u64, self.debt_max.unsigned_abs() as u64);
        let rounds = (cost_max + debt).div_ceil(quantum) + 1;
        rounds * flows.saturating_sub(1) * (quantum + cost_max)
    }

    /// What is wrong, if anything.
    pub fn broken(&self) -> Option<String> {
        let deep = self.deficits.iter().find(|(_, deficit)| **deficit < -self.debt_max);
        deep.map(|(flow, deficit)| format!("{flow:?} owes {} and may owe {}", -deficit, self.debt_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_get_shares_whatever_their_steps_cost() {
        let mut ring = Ring::new(10, 0);
        let costs: BTreeMap<Flow, u64> = [("a", 1), ("b", 7), ("c", 25)].map(|(name, cost)| (Flow(name.into()), cost)).into();
        costs.keys().for_each(|flow| ring.join(flow));
        let mut spent: BTreeMap<Flow, u64> = BTreeMap::new();
        for _ in 0..3000 {
            let flow = ring.leader(|flow| costs.get(flow).copied()).expect("a leader");
            ring.pay(&flow, costs[&flow]);
            *spent.entry(flow.clone()).or_default() += costs[&flow];
        }
        let (least, most) = (spent.values().min().expect("some"), spent.values().max().expect("some"));
        assert!(most - least <= 2 * (10 + 25), "{spent:?}");
    }

    #[test]
    fn who_cannot_run_hoards_nothing_and_who_left_still_owes() {
        let mut ring = Ring::new(10, 20);
        let [a, b] = ["a", "b"].map(|name| Flow(name.into()));
        ring.join(&a);
        ring.join(&b);
        for _ in 0..5 {
            let flow = ring.leader(|flow| (*flow == a).then_some(10)).expect("a leader");
            assert_eq!(flow, a);
            ring.pay(&a, 10);
        }
        assert!(ring.may_ride(&b, 20) && !ring.may_ride(&b, 21));
        ring.pay(&b, 20);
        ring.leave(&b);
        ring.join(&b);
        assert!(!ring.may_ride(&b, 1), "leaving pays no debt");
        assert_eq!(ring.broken(), None);
        assert_eq!(ring.leader(|_| None), None);
    }
}
