//! How long to wait before the same is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Full jitter: anything between nothing and twice the wait before, at most `cap`. So a thousand that were cut off together do
/// not come back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
pub fn full_jitter(attempt: usize, base: Duration, cap: Duration) -> Duration {
    let doubled = base.saturating_mul(1u32.checked_shl(u32::try_from(attempt).unwrap_or(u32::MAX)).unwrap_or(u32::MAX));
    // A new state has new keys: the standard library's one source of randomness.
    let drawn = RandomState::new().hash_one(attempt) >> 32;
    #[expect(clippy::cast_precision_loss, reason = "32 bits")]
    let fraction = drawn as f64 / f64::from(u32::MAX);
    doubled.min(cap).mul_f64(fraction.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_under_the_cap_and_differ() {
        let (base, cap) = (Duration::from_millis(10), Duration::from_secs(2));
        for attempt in [0, 1, 5, 31, 32, 1_000, usize::MAX] {
            assert!((0..100).all(|_| full_jitter(attempt, base, cap) <= cap));
        }
        assert!((0..100).all(|_| full_jitter(0, base, cap) <= base));
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| full_jitter(9, base, cap)).collect();
        assert!(waits.len() > 50 && waits.last().is_some_and(|longest| *longest > cap / 2));
    }
}
