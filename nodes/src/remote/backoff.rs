use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Waits between tries: full jitter (Brooker, "Exponential backoff and jitter", 2015).
pub struct Backoff {
    tries: u32,
    base: Duration,
    cap: Duration,
}

impl Default for Backoff {
    /// From 100 ms, doubling to 2 s: well below a node's lease, so that a server that is back finds its nodes.
    fn default() -> Self {
        Self { tries: 0, base: Duration::from_millis(100), cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// How long to wait before the next try.
    pub fn pause(&mut self) -> Duration {
        let most = self.base.saturating_mul(1 << self.tries.min(16)).min(self.cap);
        self.tries = self.tries.saturating_add(1);
        // The standard library keys its hashers at random; the top 53 bits make a number from 0 to 1.
        let dice = RandomState::new().build_hasher().finish() >> 11;
        most.mul_f64(dice as f64 / (1u64 << 53) as f64)
    }

    /// Waits before the next try, `least` at least.
    pub async fn wait(&mut self, least: Duration) {
        tokio::time::sleep(self.pause().max(least)).await;
    }

    /// A try went well.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_cap_and_differ() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..200).map(|_| backoff.pause()).collect();
        assert!(waits[0] <= Duration::from_millis(100));
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(2)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(1_500)), "{waits:?}");
        assert!(waits[10..].iter().any(|wait| *wait < Duration::from_millis(500)), "{waits:?}");
    }
}
