//! The planners that klieg is measured against. All of them honour priorities, know estimates, prefer devices with the model warm and
//! pack tightly; what differs is the order in which tasks go, and whether others may go while the first does not fit.

use crate::{
    day::Day,
    play::{Farm, Policy},
};
use klieg_scheduler::state::{Dice, Millis};
use std::{cmp::Reverse, collections::BTreeSet};

/// Priority, then the planner's own order, then age.
type Key = (Reverse<i32>, u64, usize);

fn key(day: &Day, task: usize, order: u64) -> Key {
    (Reverse(day.jobs[day.tasks[task].job].priority), order, task)
}

/// Takes what fits out of a queue, in its order.
struct Round<'a> {
    day: &'a Day,
    farm: Farm,
    /// Needs that fit nowhere in this round.
    blocked: Vec<bool>,
    placed: Vec<(usize, usize)>,
}

impl<'a> Round<'a> {
    fn new(day: &'a Day, farm: &Farm) -> Self {
        Self { day, farm: farm.clone(), blocked: vec![false; day.needs.len()], placed: Vec::new() }
    }

    fn place(&mut self, task: usize) -> bool {
        let need = self.day.tasks[task].need;
        if self.blocked[need] {
            return false;
        }
        match self.farm.best(self.day, &self.day.needs[need]) {
            Some(device) => {
                self.farm.take(self.day, device, &self.day.needs[need]);
                self.placed.push((task, device));
                true
            }
            None => {
                self.blocked[need] = true;
                false
            }
        }
    }

    fn over(&self) -> bool {
        self.blocked.iter().all(|blocked| *blocked)
    }
}

/// One queue in one order.
pub struct Queue {
    name: &'static str,
    order: fn(&Day, usize) -> u64,
    /// Whatever fits goes, not only the first.
    skips: bool,
    waiting: BTreeSet<Key>,
}

impl Queue {
    /// First come, first served: what does not fit holds up all that came later for the same class of device.
    pub fn fifo() -> Self {
        Self { name: "fifo", order: |_, _| 0, skips: false, waiting: BTreeSet::new() }
    }
    /// First come, first served, but whatever fits goes.
    pub fn backfill() -> Self {
        Self { name: "fifo-backfill", order: |_, _| 0, skips: true, waiting: BTreeSet::new() }
    }
    /// The task of the shortest estimate that fits.
    pub fn shortest() -> Self {
        let order = |day: &Day, task: usize| (day.tasks[task].estimate * 1000.0) as u64;
        Self { name: "shortest", order, skips: true, waiting: BTreeSet::new() }
    }
    /// The largest task that fits: memory × slots × estimate.
    pub fn largest() -> Self {
        let order = |day: &Day, task: usize| {
            let (need, estimate) = (day.need(task), day.tasks[task].estimate);
            u64::MAX / 2 - (need.memory as f64 / (1 << 20) as f64 * f64::from(need.slots) * estimate) as u64
        };
        Self { name: "largest", order, skips: true, waiting: BTreeSet::new() }
    }
}

impl Policy for Queue {
    fn name(&self) -> &'static str {
        self.name
    }
    fn ready(&mut self, day: &Day, task: usize) {
        self.waiting.insert(key(day, task, (self.order)(day, task)));
    }
    fn choose(&mut self, day: &Day, farm: &Farm, _: Millis) -> Vec<(usize, usize)> {
        let mut round = Round::new(day, farm);
        for (_, _, task) in &self.waiting {
            if round.over() {
                break;
            }
            if !round.place(*task) && !self.skips {
                let class = day.need(*task).class;
                for (blocked, need) in round.blocked.iter_mut().zip(&day.needs) {
                    *blocked |= need.class == class;
                }
            }
        }
        for (task, _) in &round.placed {
            self.waiting.remove(&key(day, *task, (self.order)(day, *task)));
        }
        round.placed
    }
}

/// A project is drawn by its weight; its first task that fits goes (Waldspurger, Weihl: "Lottery scheduling", 1994).
pub struct Lottery {
    waiting: Vec<BTreeSet<Key>>,
    dice: Dice,
}

impl Lottery {
    pub fn new(day: &Day, seed: u64) -> Self {
        Self { waiting: vec![BTreeSet::new(); day.weights.len()], dice: Dice(seed) }
    }
}

/// One of the projects that have work of the highest priority there is.
fn draw(day: &Day, heads: &[Option<Key>], dice: &mut Dice) -> Option<usize> {
    let highest = heads.iter().flatten().map(|head| head.0).min()?;
    let open = |project: &usize| heads[*project].is_some_and(|head| head.0 == highest);
    let total: f64 = (0..heads.len()).filter(open).map(|project| day.weights[project]).sum();
    let mut ticket = dice.below(1 << 30) as f64 / f64::from(1 << 30) * total;
    for project in (0..heads.len()).filter(open) {
        ticket -= day.weights[project];
        if ticket < 0.0 {
            return Some(project);
        }
    }
    (0..heads.len()).rfind(open)
}

impl Policy for Lottery {
    fn name(&self) -> &'static str {
        "lottery"
    }
    fn ready(&mut self, day: &Day, task: usize) {
        let project = day.jobs[day.tasks[task].job].project;
        self.waiting[project].insert(key(day, task, 0));
    }
    fn choose(&mut self, day: &Day, farm: &Farm, _: Millis) -> Vec<(usize, usize)> {
        let mut round = Round::new(day, farm);
        let Self { waiting, dice } = self;
        let mut queues: Vec<_> = waiting.iter().map(|queue| queue.iter().peekable()).collect();
        loop {
            for queue in &mut queues {
                while queue.next_if(|(_, _, task)| round.blocked[day.tasks[*task].need]).is_some() {}
            }
            let heads: Vec<Option<Key>> = queues.iter_mut().map(|queue| queue.peek().map(|head| **head)).collect();
            let Some(project) = draw(day, &heads, dice) else { break };
            if let Some((_, _, task)) = heads[project]
                && round.place(task)
            {
                queues[project].next();
            }
        }
        for (task, _) in &round.placed {
            waiting[day.jobs[day.tasks[*task].job].project].remove(&key(day, *task, 0));
        }
        round.placed
    }
}
