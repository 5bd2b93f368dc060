//! What the active scheduler counts, for those who watch the farm. In memory only: it begins anew with each leader.

use crate::{
    past::{Minute, Past, Sums},
    state::{Millis, State},
    step::Effect,
};
use klieg_protocol::{Class, Event, Fault, JobId, JobState, TaskId};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long something took, counted by bounds as Prometheus wants it.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds in seconds, rising.
    bounds: &'static [f64],
    /// One for each bound, and one for what is above all of them.
    counts: Vec<AtomicU64>,
    sum_micros: AtomicU64,
}

/// From what passes unnoticed to what somebody should look into.
const DISPATCH_BOUNDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0];
const WRITE_BOUNDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

impl Histogram {
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, counts, sum_micros: AtomicU64::new(0) }
    }

    pub fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// (bound, how many were not above it), and at last those of no bound, which is all; with the sum of seconds.
    pub fn read(&self) -> (Vec<(f64, u64)>, f64) {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut sum = 0;
        let rising = self.counts.iter().map(|count| {
            sum += count.load(Ordering::Relaxed);
            sum
        });
        let buckets = bounds.zip(rising).collect();
        (buckets, Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)).as_secs_f64())
    }
}

/// Counts by a word of a small set.
pub type Counts = BTreeMap<&'static str, u64>;

/// How often things have happened since this scheduler leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Tasks that have ended: succeeded, reused (the result cache had them), failed.
    pub tasks: Counts,
    /// Jobs that have ended: succeeded, failed, cancelled.
    pub jobs: Counts,
    /// Attempts that failed, by whose fault it was.
    pub failures: Counts,
    /// Questions to the result cache: hit, miss.
    pub cache: Counts,
    /// Reports of fenced attempts.
    pub refused: u64,
    /// Promises of the farm that were found broken.
    pub broken: u64,
    /// Frames that were made, also by attempts that came to nothing.
    pub frames: u64,
}

/// What running attempts have told of their frames, and what every minute has brought.
#[derive(Debug, Default)]
struct Ledger {
    counted: Counted,
    frames: BTreeMap<TaskId, u64>,
    past: Past,
}

/// The counts of one leader.
#[derive(Debug)]
pub struct Tally {
    ledger: Mutex<Ledger>,
    /// From ready to started, by the class that the task asks for.
    dispatch: [(Class, Histogram); 3],
    /// Group commits that were taken.
    pub commit: Histogram,
    /// Events told to the bus.
    pub publish: Histogram,
}

impl Default for Tally {
    fn default() -> Self {
        let dispatch = [Class::Cpu, Class::Cuda, Class::Wgpu].map(|class| (class, Histogram::new(DISPATCH_BOUNDS)));
        Self { ledger: Mutex::default(), dispatch, commit: Histogram::new(WRITE_BOUNDS), publish: Histogram::new(WRITE_BOUNDS) }
    }
}

impl Tally {
    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        self.ledger().counted.clone()
    }

    /// How long tasks were ready before they were started, by class.
    pub fn dispatch(&self) -> impl Iterator<Item = (Class, &Histogram)> {
        self.dispatch.iter().map(|(class, histogram)| (*class, histogram))
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts answers of the result cache.
    pub(crate) fn looked_up(&self, hits: u64, misses: u64) {
        let mut ledger = self.ledger();
        *ledger.counted.cache.entry("hit").or_default() += hits;
        *ledger.counted.cache.entry("miss").or_default() += misses;
    }

    pub(crate) fn broken(&self) {
        self.ledger().counted.broken += 1;
    }

    /// Counts what a round has brought. `state`: after it.
    pub(crate) fn take(&self, state: &State, effects: &[Effect]) {
        let mut ledger = self.ledger();
        for effect in effects {
            match effect {
                Effect::Tell { job, event } => {
                    if let Event::TaskStarted { task, .. } = event {
                        self.started(state, &TaskId { job: job.clone(), task: task.clone() });
                    }
                    ledger.told(job, event);
                }
                Effect::SaveAttempt(attempt) => {
                    if let Some(failure) = &attempt.failure {
                        *ledger.counted.failures.entry(word(failure.fault)).or_default() += 1;
                    }
                }
                Effect::Refused { .. } => ledger.counted.refused += 1,
                _ => {}
            }
        }
    }

    /// What each of the last minutes has brought, the oldest first; the last one has only begun.
    pub fn minutes(&self) -> Vec<Minute> {
        self.ledger().past.minutes.iter().copied().collect()
    }

    /// Notes what this minute has brought so far.
    pub(crate) fn pass(&self, state: &State, now: Millis) {
        let mut ledger = self.ledger();
        let count = |counts: &Counts, word: &str| counts.get(word).copied().unwrap_or(0);
        let counted = &ledger.counted;
        let sums = Sums {
            succeeded: count(&counted.tasks, "succeeded"),
            reused: count(&counted.tasks, "reused"),
            failed: count(&counted.tasks, "failed"),
            frames: counted.frames,
            cost: state.projects.values().map(|project| project.cost).sum(),
        };
        let running = state.nodes.values().map(|node| node.held.len() as u64).sum();
        ledger.past.pass(sums, running, state.slots, now);
    }

    fn started(&self, state: &State, id: &TaskId) {
        let Some(task) = state.task(id) else { return };
        let Some(class) = task.shape.as_ref().map(|shape| shape.class) else { return };
        let waited = Duration::from_millis(state.clock.steady().saturating_sub(task.ready_at));
        if let Some((_, histogram)) = self.dispatch.iter().find(|(other, _)| *other == class) {
            histogram.note(waited);
        }
    }
}

/// What the progress of a task that makes frames is called.
const FRAMES: &str = "frames";

impl Ledger {
    fn told(&mut self, job: &JobId, event: &Event) {
        let id = |task: &String| TaskId { job: job.clone(), task: task.clone() };
        let counted = &mut self.counted;
        match event {
            Event::TaskProgress { task, progress } if progress.note == FRAMES => {
                let before = self.frames.entry(id(task)).or_default();
                counted.frames += progress.done.saturating_sub(*before);
                *before = progress.done.max(*before);
            }
            Event::TaskStarted { task, .. } => drop(self.frames.remove(&id(task))),
            Event::TaskSucceeded { task, reused, .. } => {
                self.frames.remove(&id(task));
                *counted.tasks.entry(if *reused { "reused" } else { "succeeded" }).or_default() += 1;
            }
            Event::TaskFailed { task, again, .. } => {
                self.frames.remove(&id(task));
                *counted.tasks.entry("failed").or_default() += u64::from(!again);
            }
            Event::JobEnded { state, .. } => {
                self.frames.retain(|other, _| other.job != *job);
                *counted.jobs.entry(ending(*state)).or_default() += 1;
            }
            _ => {}
        }
    }
}

fn ending(state: JobState) -> &'static str {
    match state {
        JobState::Succeeded => "succeeded",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Queued | JobState::Running => "open",
    }
}

fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::Task => "task",
        Fault::Node => "node",
        Fault::Input => "input",
        Fault::Memory => "memory",
        Fault::Nobody => "nobody",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::Progress;

    #[test]
    fn what_took_as_long_as_a_bound_is_not_above_it() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for ms in [100, 101, 1_000, 5_000] {
            histogram.note(Duration::from_millis(ms));
        }
        let (buckets, sum) = histogram.read();
        assert_eq!(buckets, [(0.1, 1), (1.0, 3), (f64::INFINITY, 4)]);
        assert!((sum - 6.201).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn frames_are_counted_as_they_come_and_once() {
        let tally = Tally::default();
        let tell = |event| tally.take(&State::default(), &[Effect::Tell { job: JobId("j".into()), event }]);
        let frames =
            |done| Event::TaskProgress { task: "t".into(), progress: Progress { fraction: 0.5, done, note: FRAMES.into() } };
        let started = || Event::TaskStarted { task: "t".into(), attempt: 1, worker: 0 };
        for event in [started(), frames(3), frames(2), frames(5), started(), frames(4)] {
            tell(event);
        }
        assert_eq!(tally.counted().frames, 9, "five of the first attempt, four of the second");
        tell(Event::JobEnded { state: JobState::Cancelled, reason: None });
        assert!(tally.ledger().frames.is_empty());
        assert_eq!(tally.counted().jobs, Counts::from([("cancelled", 1)]));
    }
}
