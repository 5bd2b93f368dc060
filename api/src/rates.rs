//! How often somebody may ask: a bucket for each caller that fills steadily and is emptied by asking.

use crate::limits::Limits;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Callers that are remembered; the fullest buckets go first, which says the same as a new one.
const CALLERS_MAX: usize = 20_000;

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Left {
    pub most: u32,
    pub remaining: u32,
    /// Until the bucket is full again, or until the next request is granted where there is nothing left.
    pub reset: Duration,
    pub granted: bool,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

#[derive(Default)]
pub struct Rates(Mutex<BTreeMap<String, Bucket>>);

impl Rates {
    /// Takes a token of the caller's, if there is one.
    pub fn take(&self, caller: &str, per_second: f64, most: u32, now: Instant) -> Left {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(most);
        let filled =
            |bucket: &Bucket| (bucket.tokens + now.saturating_duration_since(bucket.at).as_secs_f64() * per_second).min(full);
        if buckets.len() >= CALLERS_MAX {
            buckets.retain(|_, bucket| filled(bucket) < full);
        }
        let tokens = buckets.get(caller).map_or(full, filled);
        let granted = tokens >= 1.0;
        let tokens = if granted { tokens - 1.0 } else { tokens };
        // Nobody new is remembered while all that are have asked just now: they are granted what the server's other bounds allow.
        if buckets.len() < CALLERS_MAX || buckets.contains_key(caller) {
            buckets.insert(caller.to_owned(), Bucket { tokens, at: now });
        }
        let wait = if granted { full - tokens } else { 1.0 - tokens } / per_second;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `most`")]
        let remaining = tokens as u32;
        Left { most, remaining, reset: Duration::from_secs_f64(wait.max(0.0)), granted }
    }

    /// For a caller that the farm knows.
    pub fn of_known(&self, caller: &str, limits: &Limits) -> Left {
        self.take(caller, limits.rate_per_second, limits.rate_burst, Instant::now())
    }

    /// For one that it does not, by address.
    pub fn of_stranger(&self, address: &str, limits: &Limits) -> Left {
        self.take(address, limits.stranger_rate_per_second, limits.stranger_rate_burst, Instant::now())
    }
}

impl Left {
    /// As the IETF's draft on RateLimit header fields has them.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let seconds = self.reset.as_secs() + u64::from(self.reset.subsec_nanos() > 0);
        for (name, value) in [
            ("ratelimit-limit", u64::from(self.most)),
            ("ratelimit-remaining", u64::from(self.remaining)),
            ("ratelimit-reset", seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        let (rates, begin) = (Rates::default(), Instant::now());
        let take = |caller: &str, ms| rates.take(caller, 2.0, 3, begin + Duration::from_millis(ms));
        assert_eq!([0, 0, 0].map(|ms| take("a", ms).remaining), [2, 1, 0]);
        let refused = take("a", 0);
        assert!(!refused.granted && refused.reset == Duration::from_millis(500), "{refused:?}");
        assert!(take("b", 0).granted, "everybody has a bucket of their own");
        assert!(!take("a", 400).granted && take("a", 900).granted);
        assert_eq!(take("a", 60_000).remaining, 2, "it is never more than full");
    }
}
