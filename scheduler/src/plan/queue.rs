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
    /// By how much a project may be ahead of another, in device-seconds per weight.
    lead: f64,
}

impl<'a> Turns<'a> {
    pub fn of(state: &'a State) -> Self {
        Self { state, served: BTreeMap::new(), turn: BTreeSet::new(), lead: lead(state) }
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

    /// The project whose turn it is: of those that were served little more than the least served one, the one whose next job is due
    /// first. `due`: when that is; a project without one gets no more turns.
    pub fn next(&mut self, mut due: impl FnMut(&'a str) -> Option<Millis>) -> Option<&'a str> {
        let mut first: Option<(Millis, u64, &'a str)> = None;
        let (mut last, mut done) = (u64::MAX, Vec::new());
        for (served, name) in &self.turn {
            if *served > last {
                break;
            }
            match due(name) {
                Some(due) => first = Some(first.map_or((due, *served, *name), |first| first.min((due, *served, *name)))),
                None => {
                    done.push((*served, *name));
                    continue;
                }
            }
            if last == u64::MAX {
                last = (f64::from_bits(*served) + self.lead).to_bits();
            }
        }
        for project in done {
            self.turn.remove(&project);
        }
        let (_, served, name) = first?;
        self.turn.remove(&(served, name));
        Some(name)
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

/// What the farm gives a unit of weight in the time that a project may be ahead.
fn lead(state: &State) -> f64 {
    let devices: usize = state.nodes.values().map(|node| node.devices.len()).sum();
    let weights: f64 = state.projects.values().filter(|project| project.active).map(|project| project.share.weight).sum();
    state.rules.lead_seconds * devices as f64 / weights.max(1e-6)
}

type Ready<'a> = Peekable<btree_set::Iter<'a, (u32, u32)>>;

/// Walks a project's ready tasks in order, leaving out shapes that fit nowhere.
pub struct Cursor<'a> {
    state: &'a State,
    jobs: Peekable<btree_set::Iter<'a, (Millis, JobId)>>,
    /// Those that are being walked, by when they are due.
    open: BTreeMap<(Millis, &'a JobId), Open<'a>>,
    peeked: Option<(Millis, Next<'a>)>,
}

/// A task: its job, its place there, its shape.
type Next<'a> = (&'a Job, u32, &'a Arc<Shape>);

/// A job as it is walked: each shape's tasks, and whose next one comes first.
struct Open<'a> {
    job: &'a Job,
    shapes: Vec<(&'a Arc<Shape>, Ready<'a>)>,
    heads: BinaryHeap<Reverse<((u32, u32), usize)>>,
}

impl<'a> Cursor<'a> {
    pub fn new(state: &'a State, jobs: &'a Aged) -> Self {
        Self { state, jobs: jobs.iter().peekable(), open: BTreeMap::new(), peeked: None }
    }

    /// The next task.
    pub fn next(&mut self, blocked: &BTreeSet<&'a Arc<Shape>>) -> Option<Next<'a>> {
        self.due(blocked)?;
        self.peeked.take().map(|(_, next)| next)
    }

    /// When the job of the next task is due.
    pub fn due(&mut self, blocked: &BTreeSet<&'a Arc<Shape>>) -> Option<Millis> {
        if self.peeked.is_none_or(|(_, (_, _, shape))| blocked.contains(shape)) {
            self.peeked = self.find(blocked);
        }
        self.peeked.map(|(due, _)| due)
    }

    fn find(&mut self, blocked: &BTreeSet<&'a Arc<Shape>>) -> Option<(Millis, Next<'a>)> {
        loop {
            while let Some((due, id)) = self.jobs.peek()
                && self.open.first_key_value().is_none_or(|(first, _)| (*due, id) < *first)
            {
                if let Some(job) = self.state.jobs.get(id) {
                    self.open.insert((*due, id), Open::new(job, blocked));
                }
                self.jobs.next();
            }
            let ((due, id), mut open) = self.open.pop_first()?;
            if let Some((place, shape)) = open.next(blocked) {
                let job = open.job;
                // The first task of a job has its own turn.
                self.open.insert((due.max(job.standing.due_begun), id), open);
                return Some((due, (job, place, shape)));
            }
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
