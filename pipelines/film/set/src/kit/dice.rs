//! A stream of seeded numbers with a cursor, for rules that scatter things one after the other.

use klieg_film_words::{mix, unit};

#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    next: u64,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { seed, next: 0 }
    }
    /// A stream of its own: what is drawn from it does not move what is drawn from this one afterwards.
    pub fn fork(&self, name: u64) -> Self {
        Self::new(mix(self.seed ^ mix(name)))
    }
    /// In [0, 1).
    pub fn unit(&mut self) -> f32 {
        self.next += 1;
        unit(self.seed, self.next)
    }
    /// In [low, high).
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }
    /// Around zero, at most `reach` away.
    pub fn off(&mut self, reach: f32) -> f32 {
        self.range(-reach, reach)
    }
    pub fn chance(&mut self, likely: f32) -> bool {
        self.unit() < likely
    }
    /// A whole number below `n` (0 for an empty range).
    pub fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f32) as usize).min(n.saturating_sub(1))
    }
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
    /// A grey factor around one: the wear and dye of things made by hand.
    pub fn shade(&mut self, reach: f32) -> [f32; 3] {
        let s = 1.0 + self.off(reach);
        let warm = self.off(reach * 0.25);
        [s + warm, s, s - warm]
    }
    pub fn seed(&mut self) -> u64 {
        self.next += 1;
        mix(self.seed ^ mix(self.next.wrapping_mul(0x5851_f42d_4c95_7f2d)))
    }
}
