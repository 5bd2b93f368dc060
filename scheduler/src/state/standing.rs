use super::{Millis, Reach, reach};
use klieg_protocol::Ask;

/// A job is long if it would take longer alone on the farm, in seconds.
const LONG_SECONDS: f64 = 150.0;
/// By which power of how long it is a long job is due later still: small jobs need not wait behind it when it is overdue.
const LONG_POWER: f64 = 0.4;
/// Sizes of tasks of a job that are told apart.
const SIZES: usize = 6;

/// Where a job stands among its project's jobs of one priority: the one that is due first is served first. It is due so many times
/// its own length after its submission, so that no job waits out of proportion to what it is, and none is overtaken for ever: earliest
/// deadline first with such deadlines makes the worst of all stretches least (Bender, Chakrabarti, Muthukrishnan: "Flow and stretch
/// metrics for scheduling continuous job streams", 1998). Before anything of it has begun it is due after
/// its longest task's time, so that every job soon has something to show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    pub due: Millis,
    /// The same once something of it has begun.
    pub due_begun: Millis,
    /// Its longest task, in estimated seconds.
    longest: f64,
    /// All its tasks, in estimated seconds.
    work: f64,
    /// Those of them that have not ended.
    pub left: f64,
    /// The same as `work`, by what the tasks ask for.
    sizes: [Option<(reach::Size, f64)>; SIZES],
}

/// What the whole farm is like when a job's standing is found.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    pub slots: u64,
    /// How many times its length after its submission a job is due.
    pub stretch: f64,
    /// How much of its estimate a task takes on the fastest device.
    pub pace: f64,
    pub reach: &'a Reach,
}

impl Standing {
    /// All its tasks, in estimated seconds.
    pub fn work(&self) -> f64 {
        self.work
    }

    /// Takes another task of the job into account.
    pub fn count(&mut self, ask: &Ask) {
        let (seconds, size) = (ask.seconds, reach::size(ask));
        self.longest = self.longest.max(seconds);
        self.work += seconds;
        self.left += seconds;
        let known = self.sizes.iter_mut().find(|known| known.is_none_or(|(known, _)| known == size));
        if let Some(known) = known {
            *known = Some((size, known.map_or(0.0, |(_, sum)| sum) + seconds));
        }
    }

    /// Finds when the job is due.
    pub fn settle(&mut self, submitted_at: Millis, begun: bool, farm: Surroundings<'_>) {
        // Casts of floats saturate.
        let after = |seconds: f64| submitted_at.saturating_add((seconds * 1000.0) as Millis);
        let length = self.longest * farm.pace + self.work / farm.slots.max(1) as f64;
        let long = (length / LONG_SECONDS).max(1.0);
        // Long jobs that only a part of the farm can work on are due sooner, so that they do not remain when all else has ended and leave
        // the rest of it idle.
        let scarce = self.reach(farm.reach).powf((long - 1.0).min(1.0));
        self.due_begun = after(length * long.powf(LONG_POWER) * scarce * farm.stretch);
        self.due = if begun { self.due_begun } else { after(self.longest).min(self.due_begun) };
    }

    /// The part of the farm that can work on it. Tasks that take several slots do not count: room is kept for those.
    fn reach(&self, reach: &Reach) -> f64 {
        let part = |(class, slots, memory_bytes)| if slots > 1 { 1.0 } else { reach.part(class, memory_bytes) };
        let (mut usable, mut all) = (0.0, 0.0);
        for (size, seconds) in self.sizes.iter().flatten() {
            usable += part(*size) * seconds;
            all += seconds;
        }
        // What no device can do is due none the less.
        if all > 0.0 { (usable / all).max(0.02) } else { 1.0 }
    }
}
