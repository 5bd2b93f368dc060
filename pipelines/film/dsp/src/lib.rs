//! Sound out of numbers: what the score's own instruments and the mix's ambience, effects and rooms are made of. Everything is
//! seeded and single-threaded, so the same call gives the same samples.

pub mod filter;
pub mod gesture;
pub mod noise;
pub mod room;
pub mod struck;

/// Samples a second as a float.
pub const RATE: f32 = klieg_film_words::sound::SAMPLE_RATE as f32;

/// Decibels as a factor.
pub fn gain(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// A factor as decibels; silence is −120.
pub fn decibels(gain: f32) -> f32 {
    20.0 * gain.max(1e-6).log10()
}

/// Left and right gains of equal power for `pan` from −1 (left) to 1 (right).
pub fn pan_gains(pan: f32) -> [f32; 2] {
    let angle = (pan.clamp(-1.0, 1.0) + 1.0) * std::f32::consts::FRAC_PI_4;
    [angle.cos(), angle.sin()]
}

/// `seconds` as a number of samples.
pub fn samples(seconds: f32) -> usize {
    (seconds.max(0.0) * RATE).round() as usize
}
