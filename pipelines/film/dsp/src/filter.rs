//! Second-order filters after Robert Bristow-Johnson's "Audio EQ Cookbook".

use crate::RATE;

/// One second-order section, transposed direct form II.
#[derive(Clone, Debug)]
pub struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Biquad {
    fn new(b: [f64; 3], a: [f64; 3]) -> Self {
        let over = |x: f64| (x / a[0]) as f32;
        Self { b: b.map(over), a: [over(a[1]), over(a[2])], state: [0.0; 2] }
    }

    fn shape(hz: f32, q: f32) -> (f64, f64) {
        let w = std::f64::consts::TAU * f64::from(hz.clamp(5.0, RATE * 0.49)) / f64::from(RATE);
        (w.cos(), w.sin() / (2.0 * f64::from(q.max(0.05))))
    }

    pub fn low_pass(hz: f32, q: f32) -> Self {
        let (cos, alpha) = Self::shape(hz, q);
        Self::new([(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub fn high_pass(hz: f32, q: f32) -> Self {
        let (cos, alpha) = Self::shape(hz, q);
        Self::new([(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// 0 dB at its centre.
    pub fn band_pass(hz: f32, q: f32) -> Self {
        let (cos, alpha) = Self::shape(hz, q);
        Self::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    pub fn peak(hz: f32, q: f32, db: f32) -> Self {
        let (cos, alpha) = Self::shape(hz, q);
        let a = 10f64.powf(f64::from(db) / 40.0);
        Self::new([1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a], [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a])
    }

    pub fn high_shelf(hz: f32, db: f32) -> Self {
        let (cos, alpha) = Self::shape(hz, std::f32::consts::FRAC_1_SQRT_2);
        let a = 10f64.powf(f64::from(db) / 40.0);
        let root = 2.0 * a.sqrt() * alpha;
        let (up, down) = (a + 1.0, a - 1.0);
        Self::new(
            [a * (up + down * cos + root), -2.0 * a * (down + up * cos), a * (up + down * cos - root)],
            [up - down * cos + root, 2.0 * (down - up * cos), up - down * cos - root],
        )
    }

    /// Takes over the shape of `other` and keeps sounding.
    pub fn retune(&mut self, other: &Self) {
        (self.b, self.a) = (other.b, other.a);
    }

    pub fn run(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Filters a whole mono buffer in place.
    pub fn mono(mut self, samples: &mut [f32]) {
        for s in samples {
            *s = self.run(*s);
        }
    }

    /// Filters both sides of a stereo buffer in place.
    pub fn stereo(self, samples: &mut [[f32; 2]]) {
        let (mut left, mut right) = (self.clone(), self);
        for s in samples {
            *s = [left.run(s[0]), right.run(s[1])];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(filter: Biquad, hz: f32) -> f32 {
        let mut tone: Vec<f32> = (0..24_000).map(|i| (std::f32::consts::TAU * hz * i as f32 / RATE).sin()).collect();
        filter.mono(&mut tone);
        crate::decibels(tone[12_000..].iter().fold(0.0, |p, s| s.abs().max(p)))
    }

    #[test]
    fn each_passes_what_it_should() {
        assert!(through(Biquad::low_pass(500.0, 0.707), 100.0) > -0.1 && through(Biquad::low_pass(500.0, 0.707), 5000.0) < -35.0);
        assert!(through(Biquad::high_pass(80.0, 0.707), 1000.0) > -0.1 && through(Biquad::high_pass(80.0, 0.707), 20.0) < -22.0);
        assert!(
            through(Biquad::band_pass(1000.0, 2.0), 1000.0).abs() < 0.1 && through(Biquad::band_pass(1000.0, 2.0), 100.0) < -20.0
        );
        assert!((through(Biquad::peak(1000.0, 1.0, 6.0), 1000.0) - 6.0).abs() < 0.1);
        assert!((through(Biquad::high_shelf(3000.0, -6.0), 15_000.0) + 6.0).abs() < 0.3);
    }
}
