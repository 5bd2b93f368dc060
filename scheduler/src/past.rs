//! What every minute has brought: for charts. In memory only, for a day.

use crate::state::Millis;
use std::collections::VecDeque;

/// A day of minutes.
pub const MINUTES_MAX: usize = 1_440;
const MINUTE_MS: Millis = 60_000;

/// Sums since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    pub succeeded: u64,
    pub reused: u64,
    pub failed: u64,
    pub frames: u64,
    pub cost: f64,
}

/// What a minute has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// When it began, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// How much of it has gone by.
    pub over_ms: Millis,
    /// Tasks that were computed, that the result cache had, that failed for good; frames; what was spent.
    pub brought: Sums,
    /// At its end: tasks that run, and slots that there are.
    pub running: u64,
    pub slots: u64,
}

/// The last minutes, the oldest first. The last one goes on.
#[derive(Debug, Default)]
pub struct Past {
    pub minutes: VecDeque<Minute>,
    /// What there was when the last minute began.
    before: Option<Sums>,
}

impl Past {
    /// Notes how things stand now. What happened while nobody noted counts for the minute in which it is noted; minutes in between are
    /// left out. A clock that goes back makes no minutes.
    pub fn pass(&mut self, sums: Sums, running: u64, slots: u64, now: Millis) {
        let at = now / MINUTE_MS * MINUTE_MS;
        if self.minutes.back().is_none_or(|last| last.at < at) {
            // What was spent before this leader is nothing that its first minute has brought.
            let end = self.minutes.back().zip(self.before).map(|(last, before)| plus(before, last.brought));
            self.before = Some(end.unwrap_or(sums));
            self.minutes.push_back(Minute { at, ..Minute::default() });
            if self.minutes.len() > MINUTES_MAX {
                self.minutes.pop_front();
            }
        }
        let before = self.before.unwrap_or(sums);
        if let Some(last) = self.minutes.back_mut() {
            last.over_ms = now.saturating_sub(last.at).min(MINUTE_MS);
            (last.brought, last.running, last.slots) = (minus(sums, before), running, slots);
        }
    }
}

fn plus(a: Sums, b: Sums) -> Sums {
    Sums {
        succeeded: a.succeeded + b.succeeded,
        reused: a.reused + b.reused,
        failed: a.failed + b.failed,
        frames: a.frames + b.frames,
        cost: a.cost + b.cost,
    }
}

fn minus(a: Sums, b: Sums) -> Sums {
    Sums {
        succeeded: a.succeeded.saturating_sub(b.succeeded),
        reused: a.reused.saturating_sub(b.reused),
        failed: a.failed.saturating_sub(b.failed),
        frames: a.frames.saturating_sub(b.frames),
        cost: (a.cost - b.cost).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(succeeded: u64, cost: f64) -> Sums {
        Sums { succeeded, cost, ..Sums::default() }
    }

    #[test]
    fn each_minute_has_what_it_brought() {
        let mut past = Past::default();
        let begin = 1_000 * MINUTE_MS;
        past.pass(sums(0, 5.0), 0, 4, begin + 10_000);
        past.pass(sums(3, 6.0), 2, 4, begin + 59_000);
        past.pass(sums(4, 6.5), 1, 4, begin + 61_000);
        // Nothing was noted for a while, and then the clock goes back.
        past.pass(sums(10, 7.0), 0, 8, begin + 5 * MINUTE_MS + 1);
        past.pass(sums(11, 7.0), 0, 8, begin);
        let told: Vec<_> =
            past.minutes.iter().map(|m| (m.at - begin, m.brought.succeeded, m.brought.cost, m.running, m.slots)).collect();
        assert_eq!(told, [(0, 3, 1.0, 2, 4), (60_000, 1, 0.5, 1, 4), (300_000, 7, 0.5, 0, 8)]);
        assert_eq!(past.minutes.iter().map(|m| m.over_ms).collect::<Vec<_>>(), [59_000, 1_000, 0]);
    }

    #[test]
    fn a_day_is_kept() {
        let mut past = Past::default();
        for minute in 0..MINUTES_MAX as u64 + 10 {
            past.pass(sums(minute, 0.0), 0, 0, minute * MINUTE_MS);
        }
        assert_eq!(past.minutes.len(), MINUTES_MAX);
        assert_eq!(past.minutes[0].at, 10 * MINUTE_MS);
        assert!(past.minutes.iter().all(|minute| minute.brought.succeeded == 1));
    }
}
