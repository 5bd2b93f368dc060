use crate::state::{Aged, Job, Millis, Shape, State};
use klieg_protocol::JobId;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, btree_set},
    iter::Peekable,
    sync::Arc,
};

/// Whose turn it is: the project that was served least for its weight.
pub struct Turns<'a> {
    state: &'a State,
    /// What was served before and in this tick, and slots held.
    served: BTreeMap<&'a str, (f64, u32)>,
    /// Of nonnegative floats, the bits sort as the numbers do.
    turn: BTreeSet<(u64, &'a str)>,
}

impl<'a> Turns<'a> {
    pub fn of(state: &'a State) -> Self {
        Self { state, served: BTreeMap::new(), turn: BTreeSet::new() }
    }

    /// The projects that have something to place at the next level of priority.
    pub fn open(&mut self, projects: impl Iterator<Item = &'a String>) {
        self.turn.clear();
        for name in projects {
            self.queue(name);
        }
    }

    fn queue(&mut self, name: &'a str) {
        self.turn.insert((self.had(name).0.max(0.0).to_bits(), name));
    }

    /// The project whose turn it is.
    pub fn next(&mut self) -> Option<&'a str> {
        self.turn.pop_first().map(|(_, name)| name)
    }

    /// The project placed something.
    pub fn took(&mut self, name: &'a str, device_seconds: f64, slots: u32) {
        let weight = self.state.projects.get(name).map_or(1.0, |p| p.share.weight.max(1e-6));
        let (served, held) = self.had(name);
        self.served.insert(name, (served + device_seconds / weight, held + slots));
    }

    /// The project gets another turn, unless it has reached its cap.
    pub fn again(&mut self, name: &'a str) {
        if self.fits_cap(name, 1) {
            self.queue(name);
        }
    }

    fn had(&self, name: &str) -> (f64, u32) {
        let before = || self.state.projects.get(name).map_or((0.0, 0), |p| (p.served, p.slots_held));
        self.served.get(name).copied().unwrap_or_else(before)
    }

    /// Whether a task of so many slots stays below its project's cap.
    pub fn fits_cap(&self, name: &str, slots: u32) -> bool {
        let cap = self.state.projects.get(name).and_then(|p| p.share.slots_max);
        cap.is_none_or(|cap| self.had(name).1 + slots <= cap)
    }
}

type Ready<'a> = Peekable<btree_set::Iter<'a, (u32, u32)>>;

/// Walks a project's ready tasks in order, leaving out shapes that fit nowhere.
pub struct Cursor<'a> {
    state: &'a State,
    jobs: btree_set::Iter<'a, (Millis, JobId)>,
    job: Option<Open<'a>>,
}

/// A job as it is walked: each shape's tasks, and whose next one comes first.
struct Open<'a> {
    job: &'a Job,
    shapes: Vec<(&'a Arc<Shape>, Ready<'a>)>,
    heads: BinaryHeap<Reverse<((u32, u32), usize)>>,
}

impl<'a> Cursor<'a> {
    pub fn new(state: &'a State, jobs: &'a Aged) -> Self {
        Self { state, jobs: jobs.iter(), job: None }
    }

    /// The next task: its job, its place there, its shape.
    pub fn next(&mut self, blocked: &BTreeSet<&'a Arc<Shape>>) -> Option<(&'a Job, u32, &'a Arc<Shape>)> {
        loop {
            if let Some(open) = &mut self.job
                && let Some((place, shape)) = open.next(blocked)
            {
                return Some((open.job, place, shape));
            }
            let (_, id) = self.jobs.next()?;
            self.job = self.state.jobs.get(id).map(|job| Open::new(job, blocked));
        }
    }
}

impl<'a> Open<'a> {
    fn new(job: &'a Job, blocked: &BTreeSet<&'a Arc<Shape>>) -> Self {
        let free = job.ready.iter().filter(|(shape, _)| !blocked.contains(shape));
        let mut shapes: Vec<(&Arc<Shape>, Ready)> = free.map(|(shape, ready)| (shape, ready.iter().peekable())).collect();
        let heads = shapes.iter_mut().enumerate().filter_map(|(n, (_, ready))| ready.peek().map(|head| Reverse((**head, n))));
        let heads = heads.collect();
        Self { job, shapes, heads }
    }

    fn next(&mut self, blocked: &BTreeSet<&'a Arc<Shape>>) -> Option<(u32, &'a Arc<Shape>)> {
        loop {
            let Reverse(((_, place), n)) = self.heads.pop()?;
            let (shape, ready) = &mut self.shapes[n];
            if blocked.contains(shape) {
                continue;
            }
            ready.next();
            if let Some(head) = ready.peek() {
                self.heads.push(Reverse((**head, n)));
            }
            return Some((place, shape));
        }
    }
}
