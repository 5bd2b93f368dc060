/// Milliseconds since the Unix epoch, handed in.
pub type Millis = u64;

/// The most that one step may move the steady clock on. A scheduler that steps less often than this hears nobody either, so
/// that time is not held against the nodes.
const STRIDE_MAX_MS: Millis = 2_000;

/// A clock that only goes forward, and never far at once, whatever the machine's does. Leases and waits are measured by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    wall: Option<Millis>,
    steady: Millis,
}

impl Clock {
    /// Learns the wall clock's time.
    pub fn advance(&mut self, now: Millis) {
        let stride = self.wall.map_or(0, |before| now.saturating_sub(before));
        self.steady += stride.min(STRIDE_MAX_MS);
        self.wall = Some(now);
    }

    /// Milliseconds since some beginning.
    pub fn steady(&self) -> Millis {
        self.steady
    }
}

/// Randomness, handed in: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Our own
/// because a seed must replay to the same trace for ever, whatever a crate's next version does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(pub u64);

impl Dice {
    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias is below 2⁻³² for bounds that fit 32 bits, which all of ours do.
        ((u128::from(self.roll()) * u128::from(bound)) >> 64) as u64
    }

    /// How long to wait before try number `tries` (1 for the first retry): full jitter (Brooker, "Exponential backoff and
    /// jitter", 2015).
    pub fn backoff(&mut self, base_ms: Millis, cap_ms: Millis, tries: u32) -> Millis {
        let most = base_ms.saturating_mul(1 << tries.saturating_sub(1).min(30)).min(cap_ms);
        self.below(most.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_the_wall_clock_do_not_move_the_steady_one_far() {
        let mut clock = Clock::default();
        clock.advance(1_000_000);
        clock.advance(1_000_300);
        assert_eq!(clock.steady(), 300);
        clock.advance(1_000_300 + 3_600_000);
        assert_eq!(clock.steady(), 2_300, "an hour forward is not an hour");
        clock.advance(1_000_400);
        clock.advance(1_000_500);
        assert_eq!(clock.steady(), 2_400, "it goes on after the way back");
    }

    #[test]
    fn waits_grow_to_their_cap() {
        let mut dice = Dice(7);
        let longest = |dice: &mut Dice, tries| (0..1_000).map(|_| dice.backoff(100, 1_000, tries)).max().unwrap();
        assert!((90..=100).contains(&longest(&mut dice, 1)));
        assert!((360..=400).contains(&longest(&mut dice, 3)));
        assert!((900..=1_000).contains(&longest(&mut dice, 60)));
    }
}
