//! Things that are struck: a sum of decaying modes and a burst of noise. Drums, bells, cups, doors.

use crate::filter::Biquad;
use crate::noise::White;
use crate::{RATE, samples};

/// One decaying sine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    pub hz: f32,
    pub gain: f32,
    /// Time to fall by 60 dB.
    pub seconds: f32,
}

/// The noise of the contact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    pub hz: f32,
    pub q: f32,
    pub gain: f32,
    /// Time to fall by 60 dB.
    pub seconds: f32,
}

/// A blow.
#[derive(Clone, Debug, PartialEq)]
pub struct Blow {
    pub modes: Vec<Mode>,
    /// Semitones by which the modes start away from their pitch (a loose head is sharp, a pressed one flat), and the time in
    /// which they arrive.
    pub glide: (f32, f32),
    pub bursts: Vec<Burst>,
}

impl Blow {
    /// Its sound, mono; `seed` makes the noise.
    pub fn sound(&self, seed: u64) -> Vec<f32> {
        let longest = self.modes.iter().map(|m| m.seconds).chain(self.bursts.iter().map(|b| b.seconds)).fold(0.02, f32::max);
        let mut out = vec![0.0f32; samples(longest.min(12.0))];
        for (i, mode) in self.modes.iter().enumerate().filter(|(_, m)| m.hz < RATE * 0.45) {
            self.ring(mode, crate::noise::White::new(seed ^ i as u64).next().unwrap_or(0.0), &mut out);
        }
        for (i, burst) in self.bursts.iter().enumerate() {
            let mut filter = Biquad::band_pass(burst.hz, burst.q);
            let fall = fall_a_sample(burst.seconds);
            let mut level = burst.gain;
            for (s, n) in out.iter_mut().zip(White::new(seed.wrapping_add(77 + i as u64))).take(samples(burst.seconds)) {
                *s += filter.run(n) * level;
                level *= fall;
            }
        }
        // The first 0.5 ms rises: a step would click.
        for (i, s) in out.iter_mut().take(24).enumerate() {
            *s *= i as f32 / 24.0;
        }
        out
    }

    fn ring(&self, mode: &Mode, phase: f32, out: &mut [f32]) {
        let (semitones, arrive) = self.glide;
        let fall = fall_a_sample(mode.seconds);
        let (mut level, mut angle) = (mode.gain, phase * 0.6);
        // The glide is followed in steps of 64 samples.
        for (block, part) in out.chunks_mut(64).take(samples(mode.seconds) / 64 + 1).enumerate() {
            let t = block as f32 * 64.0 / RATE;
            let bend = if arrive > 0.0 { semitones * (-t / arrive * 3.0).exp() } else { 0.0 };
            let step = std::f32::consts::TAU * mode.hz * 2f32.powf(bend / 12.0) / RATE;
            for s in part {
                *s += angle.sin() * level;
                angle += step;
                level *= fall;
            }
            angle %= std::f32::consts::TAU;
        }
    }
}

/// The factor a sample that takes 60 dB off in `seconds`.
pub fn fall_a_sample(seconds: f32) -> f32 {
    10f32.powf(-3.0 / (seconds.max(1e-3) * RATE))
}

/// Modes of `hz` times `ratios`, each quieter and shorter than the one before.
pub fn modes(hz: f32, ratios: &[f32], gain: f32, seconds: f32, tilt: f32) -> Vec<Mode> {
    ratios
        .iter()
        .enumerate()
        .map(|(i, r)| Mode { hz: hz * r, gain: gain * tilt.powi(i as i32), seconds: seconds / (1.0 + 0.35 * i as f32) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blow_rings_and_dies() {
        let blow = Blow {
            modes: modes(200.0, &[1.0, 1.59], 1.0, 0.5, 0.5),
            glide: (2.0, 0.05),
            bursts: vec![Burst { hz: 3000.0, q: 1.0, gain: 0.3, seconds: 0.05 }],
        };
        let sound = blow.sound(1);
        let power = |r: std::ops::Range<usize>| sound[r.clone()].iter().map(|s| s * s).sum::<f32>() / r.len() as f32;
        assert!(power(0..2000) > 100.0 * power(20_000..24_000));
        assert_eq!(sound, blow.sound(1));
    }
}
