//! What a day is: devices and their absences, projects, models, jobs and when they come.

use klieg_protocol::Class;
use klieg_scheduler::state::Millis;
use std::ops::Range;

pub const GB: u64 = 1 << 30;
pub const HOUR_MS: Millis = 3_600_000;

/// A node of one device.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub class: Class,
    pub memory: u64,
    pub slots: u32,
    /// Tasks take their seconds ÷ this. No planner is told.
    pub speed: f64,
}

/// What tasks of one sort must be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    pub class: Class,
    pub memory: u64,
    pub slots: u32,
    /// Has to be loaded first where it is not warm.
    pub model: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub job: usize,
    pub need: usize,
    /// What the planners are told.
    pub estimate: f64,
    /// What it takes on a device of speed 1 that has its model.
    pub seconds: f64,
    /// Tasks that have to end first.
    pub after: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub project: usize,
    pub priority: i32,
    pub comes: Millis,
    /// In the order in which they are wanted.
    pub tasks: Range<usize>,
}

/// A device is away from … to ….
#[derive(Clone, Copy, Debug)]
pub struct Absence {
    pub device: usize,
    pub from: Millis,
    pub to: Millis,
}

#[derive(Clone, Debug, Default)]
pub struct Day {
    pub devices: Vec<Device>,
    pub absences: Vec<Absence>,
    /// Of the projects.
    pub weights: Vec<f64>,
    /// Seconds that each takes to load.
    pub models: Vec<f64>,
    pub needs: Vec<Need>,
    /// By the time when they come.
    pub jobs: Vec<Job>,
    pub tasks: Vec<Task>,
}

impl Day {
    pub fn need(&self, task: usize) -> &Need {
        &self.needs[self.tasks[task].need]
    }

    pub fn holds(device: &Device, need: &Need) -> bool {
        device.class == need.class && device.memory >= need.memory && device.slots >= need.slots
    }

    /// The part of a device that a task takes, 0–1.
    pub fn part(device: &Device, need: &Need) -> f64 {
        (f64::from(need.slots) / f64::from(device.slots)).max(need.memory as f64 / device.memory as f64)
    }

    /// What a job takes at least if it has the farm to itself, in seconds: its longest chain of tasks on the fastest devices, or its
    /// work on all devices that can do it, whichever is more.
    pub fn alone(&self, job: &Job) -> f64 {
        let mut ends = vec![0.0f64; job.tasks.len()];
        let mut work = vec![0.0f64; self.needs.len()];
        for task in job.tasks.clone() {
            let Task { need, seconds, after, .. } = &self.tasks[task];
            let fitting = || self.devices.iter().filter(|device| Self::holds(device, &self.needs[*need]));
            let fastest = fitting().map(|device| device.speed).fold(0.0, f64::max);
            let power: f64 = fitting().map(|device| device.speed * f64::from(device.slots)).sum();
            let begins = after.iter().map(|before| ends[before - job.tasks.start]).fold(0.0, f64::max);
            ends[task - job.tasks.start] = begins + seconds / fastest;
            work[*need] += seconds * f64::from(self.needs[*need].slots) / power;
        }
        ends.into_iter().chain(work).fold(0.0, f64::max)
    }
}
