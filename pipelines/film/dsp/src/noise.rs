//! Seeded noise: white, and slow wandering curves.

use klieg_film_words::mix;

/// White noise of unit peak: an endless iterator, the same for the same seed.
#[derive(Clone, Debug)]
pub struct White {
    seed: u64,
    count: u64,
}

impl White {
    pub fn new(seed: u64) -> Self {
        Self { seed: mix(seed), count: 0 }
    }
}

impl Iterator for White {
    type Item = f32;
    fn next(&mut self) -> Option<f32> {
        self.count += 1;
        Some((mix(self.seed ^ self.count) >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
    }
}

/// Smooth noise in 0…1 at time `t`, wandering about once in `period` (same unit as `t`).
pub fn wander(seed: u64, t: f32, period: f32) -> f32 {
    let x = f64::from(t) / f64::from(period.max(1e-6));
    let cell = x.floor();
    let f = (x - cell) as f32;
    let at = |c: f64| klieg_film_words::unit(seed, (c as i64) as u64);
    let smooth = f * f * (3.0 - 2.0 * f);
    at(cell) + (at(cell + 1.0) - at(cell)) * smooth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_noise_is_centred_and_repeatable() {
        let a: Vec<f32> = White::new(7).take(48_000).collect();
        assert!(a.iter().sum::<f32>().abs() / 48_000.0 < 0.01);
        assert!(a.iter().all(|s| s.abs() <= 1.0));
        assert!(White::new(7).take(10).eq(a[..10].iter().copied()));
        assert!(!White::new(8).take(10).eq(a[..10].iter().copied()));
    }

    #[test]
    fn wandering_is_continuous() {
        let worst =
            (0..1000).map(|i| (wander(1, i as f32 * 0.01, 1.0) - wander(1, (i + 1) as f32 * 0.01, 1.0)).abs()).fold(0.0, f32::max);
        assert!(worst < 0.02, "{worst}");
    }
}
