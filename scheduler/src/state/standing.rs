use super::Millis;

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
}

impl Standing {
    /// All its tasks, in estimated seconds.
    pub fn work(&self) -> f64 {
        self.work
    }

    /// Takes another task of the job into account.
    pub fn count(&mut self, seconds: f64) {
        self.longest = self.longest.max(seconds);
        self.work += seconds;
        self.left += seconds;
    }

    /// Finds when the job is due. `slots`: of the whole farm. `pace`: how much of its estimate the longest task takes at best.
    pub fn settle(&mut self, submitted_at: Millis, begun: bool, slots: u64, stretch: f64, pace: f64) {
        // Casts of floats saturate.
        let after = |seconds: f64| submitted_at.saturating_add((seconds * 1000.0) as Millis);
        self.due_begun = after((self.longest * pace + self.work / slots.max(1) as f64) * stretch);
        self.due = if begun { self.due_begun } else { after(self.longest) };
    }
}
