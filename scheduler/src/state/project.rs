use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a project may have of the farm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    /// Of two projects with work, one of twice the weight gets twice the device-seconds.
    pub weight: f64,
    /// Device-seconds that a project which was idle may take ahead of its share.
    pub burst_seconds: f64,
    /// Slots that it may hold at a time.
    pub slots_max: Option<u32>,
    /// Unfinished tasks that it may have.
    pub tasks_max: Option<u64>,
    /// Slot-seconds that it may spend in all.
    pub seconds_max: Option<f64>,
}

impl Default for Share {
    fn default() -> Self {
        Self { weight: 1.0, burst_seconds: 60.0, slots_max: None, tasks_max: None, seconds_max: None }
    }
}

/// A project and what it has had.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    pub share: Share,
    /// Virtual time: device-seconds per weight that it was given, or had no use for (Goyal, Vin, Cheng: "Start-time fair
    /// queueing", 1996). The lowest is served next.
    pub served: f64,
    /// It has something to place or running.
    pub active: bool,
    pub slots_held: u32,
    pub open_tasks: u64,
    /// Slot-seconds that its attempts took.
    pub seconds: f64,
    /// What they cost.
    pub cost: f64,
}

impl Project {
    /// Adds device-seconds to what it was given; negative ones are given back.
    pub fn charge(&mut self, device_seconds: f64) {
        self.served += device_seconds / self.share.weight.max(1e-6);
    }
}

/// A project has something to do (again): what it had no use for is gone, but for its burst.
pub fn activate(projects: &mut BTreeMap<String, Project>, name: &str) {
    if projects.get(name).is_some_and(|project| project.active) {
        return;
    }
    let floor = projects.values().filter(|p| p.active).map(|p| p.served).min_by(f64::total_cmp);
    if !projects.contains_key(name) {
        projects.insert(name.into(), Project::default());
    }
    if let Some(project) = projects.get_mut(name) {
        project.active = true;
        if let Some(floor) = floor {
            let ahead = project.share.burst_seconds / project.share.weight.max(1e-6);
            project.served = project.served.max(floor - ahead);
        }
    }
}
