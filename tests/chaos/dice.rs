//! Numbers by seed (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).

use std::time::Duration;

pub struct Dice(u64);

impl Dice {
    /// By `KLIEG_CHAOS_SEED`, or 1.
    pub fn new() -> Self {
        Self(std::env::var("KLIEG_CHAOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("it is below a usize")
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Between the two, in seconds.
    pub fn pause(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.below(1_000) as f64 / 1_000.0)
    }
}
