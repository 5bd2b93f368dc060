//! Sounds drawn as curves: noise or a tone whose pitch and loudness pass through given points.

use crate::filter::Biquad;
use crate::noise::White;
use crate::{RATE, samples};

/// A point that a gesture passes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds.
    pub at: f32,
    pub hz: f32,
    pub gain: f32,
}

/// `(seconds, hertz, gain)` as points.
pub const fn point((at, hz, gain): (f32, f32, f32)) -> Point {
    Point { at, hz, gain }
}

/// How often the curves are followed, in samples.
const STEP: usize = 32;

fn at_time(points: &[Point], t: f32) -> (f32, f32) {
    let after = points.partition_point(|p| p.at <= t);
    match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
        (Some(a), Some(b)) => {
            let x = (t - a.at) / (b.at - a.at).max(1e-6);
            (a.hz + (b.hz - a.hz) * x, a.gain + (b.gain - a.gain) * x)
        }
        (Some(p), None) | (None, Some(p)) => (p.hz, p.gain),
        (None, None) => (1000.0, 0.0),
    }
}

fn length(points: &[Point]) -> usize {
    samples(points.last().map_or(0.0, |p| p.at))
}

/// Band-passed noise along `points`, mono, as long as the last of them.
pub fn noise(seed: u64, points: &[Point], q: f32) -> Vec<f32> {
    let mut white = White::new(seed);
    let mut filter = Biquad::band_pass(1000.0, q);
    let mut out = vec![0.0f32; length(points)];
    let mut before = points.first().map_or(0.0, |p| p.gain);
    for (block, part) in out.chunks_mut(STEP).enumerate() {
        let (hz, gain) = at_time(points, (block + 1) as f32 * STEP as f32 / RATE);
        filter.retune(&Biquad::band_pass(hz, q));
        let slope = (gain - before) / part.len() as f32;
        for s in part {
            before += slope;
            *s = filter.run(white.next().unwrap_or(0.0)) * before;
        }
    }
    out
}

/// A tone along `points` with the levels of its partials, mono.
pub fn tone(points: &[Point], partials: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0f32; length(points)];
    let mut phase = 0.0f32;
    let mut before = points.first().map_or(0.0, |p| p.gain);
    for (block, part) in out.chunks_mut(STEP).enumerate() {
        let (hz, gain) = at_time(points, (block + 1) as f32 * STEP as f32 / RATE);
        let slope = (gain - before) / part.len() as f32;
        let step = std::f32::consts::TAU * hz / RATE;
        for s in part {
            before += slope;
            let sum: f32 = partials.iter().enumerate().map(|(i, level)| level * ((i + 1) as f32 * phase).sin()).sum();
            *s = sum * before;
            phase = (phase + step) % std::f32::consts::TAU;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gestures_follow_their_points() {
        let points = [point((0.0, 500.0, 0.0)), point((0.1, 2000.0, 1.0)), point((0.3, 2000.0, 0.0))];
        for sound in [noise(1, &points, 2.0), tone(&points, &[1.0, 0.2])] {
            assert_eq!(sound.len(), 14_400);
            let power = |r: std::ops::Range<usize>| sound[r.clone()].iter().map(|s| s * s).sum::<f32>() / r.len() as f32;
            assert!(power(4000..6000) > 8.0 * power(0..800) && power(4000..6000) > 8.0 * power(13_600..14_400));
        }
    }
}
