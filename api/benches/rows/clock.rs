//! The benchmark's one clock.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Time since a beginning.
#[derive(Clone, Copy, Debug)]
pub struct Watch(Instant);

impl Watch {
    pub fn start() -> Self {
        Self(now())
    }

    pub fn elapsed(self) -> Duration {
        now() - self.0
    }

    pub fn seconds(self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
