//! What a stream of farm events says about a job's progress. No clock, no terminal: both are handed in.

use klieg_protocol::{Event, TaskName};
use std::collections::BTreeMap;

/// A job as its watcher knows it.
#[derive(Default)]
pub struct Tracker {
    tasks: BTreeMap<TaskName, Task>,
    /// Seconds that finished, not reused tasks were expected to take, and took.
    expected: f64,
    taken: f64,
    /// Film frames rendered since the watch began.
    frames_before: u64,
}

#[derive(Default)]
struct Task {
    step: String,
    seconds: f64,
    fraction: f32,
    frames: u64,
    running: bool,
    done: bool,
    reused: bool,
}

/// Tasks of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub done: usize,
    pub reused: usize,
    pub running: usize,
    pub total: usize,
}

impl Tracker {
    /// Takes in the next event.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::TaskAdded { task, step, seconds, .. } => {
                let known = self.tasks.entry(task.clone()).or_default();
                known.step.clone_from(step);
                known.seconds = *seconds;
            }
            Event::TaskStarted { task, .. } => {
                let task = self.tasks.entry(task.clone()).or_default();
                (task.running, task.fraction, task.frames) = (true, 0.0, 0);
            }
            Event::TaskProgress { task, progress } => {
                let task = self.tasks.entry(task.clone()).or_default();
                task.fraction = task.fraction.max(progress.fraction);
                if task.step == "render" {
                    task.frames = task.frames.max(progress.done);
                }
            }
            Event::TaskSucceeded { task, reused, seconds, .. } => {
                let task = self.tasks.entry(task.clone()).or_default();
                (task.running, task.done, task.reused, task.fraction) = (false, true, *reused, 1.0);
                if !reused {
                    self.expected += task.seconds;
                    self.taken += seconds;
                    self.frames_before += std::mem::take(&mut task.frames);
                }
            }
            Event::TaskFailed { task, .. } => {
                let task = self.tasks.entry(task.clone()).or_default();
                (task.running, task.fraction, task.frames) = (false, 0.0, 0);
            }
            Event::JobEnded { .. } => {}
        }
    }

    /// Tasks by step, in order of the step's name.
    pub fn count(&self, step: &str) -> Count {
        let mut count = Count::default();
        for task in self.tasks.values().filter(|t| step.is_empty() || t.step == step) {
            count.total += 1;
            count.done += usize::from(task.done);
            count.reused += usize::from(task.reused);
            count.running += usize::from(task.running);
        }
        count
    }

    /// Share of the known work that is done, by expected seconds, 0–1.
    pub fn fraction(&self) -> f64 {
        let all: f64 = self.tasks.values().map(|t| t.seconds).sum();
        let done: f64 = self.tasks.values().map(|t| t.seconds * f64::from(t.fraction)).sum();
        if all > 0.0 { done / all } else { 0.0 }
    }

    /// Frames rendered under this watch.
    pub fn frames(&self) -> u64 {
        self.frames_before + self.tasks.values().map(|t| t.frames).sum::<u64>()
    }

    /// Slot-seconds of work left: expected seconds, corrected by how far off the expectation has been so far. `None` until a
    /// task has finished that the correction can rest on, or while the cut isn't made and the rest is unknown.
    pub fn left(&self) -> Option<f64> {
        let uncut = self.count("direct").total > 0 && self.count("conform").total == 0;
        if self.expected <= 0.0 || uncut {
            return None;
        }
        let left: f64 = self.tasks.values().map(|t| t.seconds * f64::from(1.0 - t.fraction)).sum();
        Some(left * self.taken / self.expected)
    }

    /// Seconds until the longest task that must come last alone (mix, then conform) could be done.
    pub fn tail(&self) -> f64 {
        ["mix", "conform"]
            .iter()
            .flat_map(|s| self.tasks.values().filter(move |t| t.step == *s && !t.done))
            .map(|t| t.seconds)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_protocol::Progress;

    fn added(task: &str, step: &str, seconds: f64) -> Event {
        Event::TaskAdded { task: task.into(), step: step.into(), label: String::new(), seconds }
    }
    fn succeeded(task: &str, reused: bool, seconds: f64) -> Event {
        Event::TaskSucceeded { task: task.into(), outputs: BTreeMap::new(), reused, seconds }
    }
    fn progress(task: &str, fraction: f32, done: u64) -> Event {
        Event::TaskProgress { task: task.into(), progress: Progress { fraction, done, note: String::new() } }
    }

    #[test]
    fn what_is_left_follows_what_was_measured() {
        let mut t = Tracker::default();
        for (name, step, seconds) in [("a", "render", 10.0), ("b", "render", 10.0), ("c", "conform", 2.0)] {
            t.take(&added(name, step, seconds));
        }
        assert_eq!(t.left(), None, "nothing measured yet");
        t.take(&succeeded("a", false, 20.0));
        assert_eq!(t.left(), Some(24.0), "twice as slow as expected");
        t.take(&progress("b", 0.5, 24));
        assert_eq!(t.left(), Some(14.0));
        assert_eq!(t.frames(), 24);
    }

    #[test]
    fn progress_never_goes_back_within_an_attempt_and_reuse_counts_as_done() {
        let mut t = Tracker::default();
        t.take(&added("a", "render", 10.0));
        t.take(&added("b", "render", 30.0));
        t.take(&succeeded("b", true, 0.0));
        t.take(&progress("a", 0.5, 2));
        t.take(&progress("a", 0.4, 1));
        assert!((t.fraction() - 0.875).abs() < 1e-6);
        assert_eq!(t.count("render"), Count { done: 1, reused: 1, running: 0, total: 2 });
    }
}
