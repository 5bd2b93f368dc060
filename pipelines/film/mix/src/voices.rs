//! People in the background: murmur that nobody can understand. Each voice is a buzz through two wandering vowel resonances, in
//! syllables and phrases of its own; a sixth of the sample rate of the film is enough for voices across a room.

use crate::beds::Bed;
use klieg_film_dsp::noise::{White, wander};
use klieg_film_dsp::{RATE, pan_gains, samples};
use klieg_film_words::{between, mix, pick, unit};

const EVERY: usize = 4;
const SLOW: f32 = RATE / EVERY as f32;

/// What the crowd is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crowd {
    /// Voices that are modelled; more people than eight sound alike.
    pub voices: u32,
    /// Middle of the pitch range in hertz: children 290, a mixed crowd 160.
    pub hz: f32,
    /// 0 whispering … 1 shouting.
    pub spirit: f32,
}

/// Resonances of vowels (Peterson & Barney 1952, men).
const VOWELS: [(f32, f32); 7] =
    [(270.0, 2290.0), (390.0, 1990.0), (530.0, 1840.0), (660.0, 1720.0), (730.0, 1090.0), (570.0, 840.0), (300.0, 870.0)];

/// The murmur for `seconds`.
pub fn murmur(seed: u64, seconds: f32, crowd: &Crowd) -> Bed {
    let mut bed = vec![[0.0f32; 2]; samples(seconds)];
    for v in 0..u64::from(crowd.voices.clamp(1, 12)) {
        let voice = speaker(mix(seed ^ (v << 20)), seconds, crowd);
        let side = pan_gains(between(seed, v, -0.9, 0.9));
        let level = between(seed, 50 + v, 0.4, 1.0);
        for (i, s) in bed.iter_mut().enumerate() {
            let (k, x) = (i / EVERY, (i % EVERY) as f32 / EVERY as f32);
            let a = voice[k.min(voice.len() - 1)];
            let b = voice[(k + 1).min(voice.len() - 1)];
            let out = (a + (b - a) * x) * level;
            *s = [s[0] + out * side[0], s[1] + out * side[1]];
        }
    }
    bed
}

/// A resonator: two poles at `hz` with `width`.
struct Resonance {
    a: [f32; 2],
    gain: f32,
    state: [f32; 2],
}

impl Resonance {
    fn tune(&mut self, hz: f32, width: f32) {
        let r = (-std::f32::consts::PI * width / SLOW).exp();
        self.a = [2.0 * r * (std::f32::consts::TAU * hz / SLOW).cos(), -r * r];
        self.gain = 1.0 - r;
    }
    fn run(&mut self, x: f32) -> f32 {
        let y = x * self.gain + self.a[0] * self.state[0] + self.a[1] * self.state[1];
        self.state = [y, self.state[0]];
        y
    }
}

fn speaker(seed: u64, seconds: f32, crowd: &Crowd) -> Vec<f32> {
    let count = (seconds * SLOW) as usize + 2;
    let own = crowd.hz * between(seed, 1, 0.62, 1.45);
    let size = (own / 130.0).powf(0.22);
    let mut white = White::new(seed);
    let [mut low, mut high] = [0, 1].map(|_| Resonance { a: [0.0; 2], gain: 0.0, state: [0.0; 2] });
    let (mut phase, mut syllable, mut until, mut level) = (0.0f32, 0u64, 0usize, 0.0f32);
    let mut target = 0.0;
    let mut out = Vec::with_capacity(count);
    for i in 0..count {
        let t = i as f32 / SLOW;
        if i >= until {
            syllable += 1;
            until = i + (between(seed, syllable * 5, 0.11, 0.26) * SLOW) as usize;
            // Phrases of a second or three, and as long silences while others have the word.
            let talking = wander(seed ^ 77, t, 1.6) > 0.42;
            target = if talking { between(seed, syllable * 5 + 1, 0.45, 1.0) } else { 0.0 };
            let (f1, f2) = *pick(seed, syllable * 5 + 2, &VOWELS);
            low.tune(f1 * size, 80.0);
            high.tune((f2 * size).min(SLOW * 0.42), 150.0);
        }
        let left = until.saturating_sub(i) as f32 / SLOW;
        let wanted = if left < 0.05 { target * 0.15 } else { target };
        level += (wanted - level) * 0.0025;
        let hz = own * (0.85 + 0.3 * wander(seed ^ 5, t, 0.5) + 0.1 * crowd.spirit * unit(seed, syllable));
        phase = (phase + hz / SLOW).fract();
        let buzz = 1.0 - 2.0 * phase + 0.25 * white.next().unwrap_or(0.0);
        out.push((low.run(buzz) + high.run(buzz) * (0.35 + 0.4 * crowd.spirit)) * level);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_talks_all_the_time_and_in_the_band_of_speech() {
        let bed = murmur(3, 6.0, &Crowd { voices: 8, hz: 160.0, spirit: 0.4 });
        let level = crate::beds::rms(&bed);
        assert!(bed.iter().flatten().all(|s| s.is_finite()));
        for second in bed.chunks_exact(48_000) {
            assert!(crate::beds::rms(&second.to_vec()) > level * 0.25);
        }
        let mut high: Bed = bed.clone();
        klieg_film_dsp::filter::Biquad::high_pass(5000.0, 0.7).stereo(&mut high);
        assert!(crate::beds::rms(&high) < level * 0.2, "murmur is not hiss");
    }
}
