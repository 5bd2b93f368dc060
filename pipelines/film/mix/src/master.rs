//! The last stage: one static gain to the target and a look-ahead true-peak limiter. Both are one gain curve, applied to all
//! stems alike, so that the stems still sum to the mix.

use crate::loudness::{Loudness, Profile, SILENCE_LUFS, integrated, peak_and_range, within};
use crate::wav::quantise;
use klieg_film_dsp::{gain, samples};
use klieg_film_words::sound::Stereo;
use std::ops::Range;

/// How far the limiter sees, in seconds.
const LOOK_AHEAD: f32 = 0.004;
const RELEASE_SECONDS: f32 = 0.12;
/// Below the delivery's peak, for what the four-times oversampling does not see and what AAC adds (0.4 dB measured on the noir).
const SAFETY_DB: f32 = 0.8;
/// More gain than this would only lift noise.
const GAIN_MAX_DB: f32 = 24.0;
const ROUNDS: usize = 5;

/// Brings `stems` to the profile's loudness and peak in place, puts them on the 24-bit grid, and answers their sum.
pub fn master(stems: &mut [Stereo; 4], spoken: &[Range<usize>], profile: Profile) -> (Stereo, Loudness) {
    let dry = sum(stems);
    let (gain_db, curve) = settle(&dry, spoken, profile);
    for stem in stems.iter_mut() {
        for (s, g) in stem.samples.iter_mut().zip(&curve) {
            *s = [s[0] * g, s[1] * g];
        }
        quantise(stem);
    }
    let film = Stereo { samples: sum(stems) };
    let (true_peak_dbtp, range_lu) = peak_and_range(&film.samples);
    let integrated_lufs = integrated(&film.samples);
    let dialogue_lufs = gated(&film.samples, spoken, integrated_lufs);
    (film, Loudness { profile, integrated_lufs, dialogue_lufs, true_peak_dbtp, range_lu, gain_db })
}

/// Brings one sound to the profile's loudness and peak, and puts it on the 24-bit grid.
pub fn alone(sound: Stereo, profile: Profile) -> (Stereo, Loudness) {
    let mut stems = [sound, Stereo::default(), Stereo::default(), Stereo::default()];
    master(&mut stems, &[], profile)
}

fn sum(stems: &[Stereo; 4]) -> Vec<[f32; 2]> {
    let length = stems.iter().map(|s| s.samples.len()).max().unwrap_or(0);
    let mut all = vec![[0.0f32; 2]; length];
    for stem in stems {
        for (a, s) in all.iter_mut().zip(&stem.samples) {
            *a = [a[0] + s[0], a[1] + s[1]];
        }
    }
    all
}

fn gated(film: &[[f32; 2]], spoken: &[Range<usize>], otherwise: f32) -> f32 {
    if spoken.is_empty() { otherwise } else { integrated(&within(film, spoken)) }
}

/// The static gain in decibels and the whole curve. Limiting takes loudness away, so the gain is corrected until it stays.
fn settle(dry: &[[f32; 2]], spoken: &[Range<usize>], profile: Profile) -> (f32, Vec<f32>) {
    let measure = |film: &[[f32; 2]]| {
        let all = integrated(film);
        if profile.dialogue_gated() { gated(film, spoken, all) } else { all }
    };
    let start = measure(dry);
    if start <= SILENCE_LUFS {
        return (0.0, vec![1.0; dry.len()]);
    }
    let ceiling = gain(profile.true_peak_max_dbtp() - SAFETY_DB);
    let mut gain_db = (profile.target_lufs() - start).min(GAIN_MAX_DB);
    let peaks = true_peaks(dry);
    let mut curve = limit(&peaks, gain(gain_db), ceiling);
    for _ in 0..ROUNDS {
        let film: Vec<[f32; 2]> = dry.iter().zip(&curve).map(|(s, g)| [s[0] * g, s[1] * g]).collect();
        let miss = profile.target_lufs() - measure(&film);
        if miss.abs() < 0.05 {
            break;
        }
        gain_db = (gain_db + miss.clamp(-3.0, 3.0)).min(GAIN_MAX_DB);
        curve = limit(&peaks, gain(gain_db), ceiling);
    }
    (gain_db, curve)
}

/// The louder side's peak around every sample: itself and three points between it and the next, by a windowed sinc of 16 taps.
fn true_peaks(film: &[[f32; 2]]) -> Vec<f32> {
    let taps = between_taps();
    let mut peaks: Vec<f32> = film.iter().map(|s| s[0].abs().max(s[1].abs())).collect();
    let loudest = peaks.iter().fold(0.0f32, |p, s| p.max(*s));
    // Between quiet samples nothing peaks that the limiter would have to know.
    for (i, peak) in peaks.iter_mut().enumerate().filter(|(_, p)| **p >= loudest * 0.2) {
        for row in &taps {
            let mut at = [0.0f32; 2];
            for (k, t) in row.iter().enumerate() {
                if let Some(s) = (i + k).checked_sub(HALF - 1).and_then(|j| film.get(j)) {
                    at = [at[0] + s[0] * t, at[1] + s[1] * t];
                }
            }
            *peak = peak.max(at[0].abs()).max(at[1].abs());
        }
    }
    peaks
}

const HALF: usize = 8;

/// Filters for a quarter, a half and three quarters of a sample.
fn between_taps() -> [[f32; 2 * HALF]; 3] {
    [0.25f32, 0.5, 0.75].map(|x| {
        std::array::from_fn(|k| {
            let d = k as f32 - (HALF - 1) as f32 - x;
            let window = 0.5 + 0.5 * (std::f32::consts::PI * d / HALF as f32).cos();
            let arg = std::f32::consts::PI * d;
            arg.sin() / arg * window
        })
    })
}

/// The curve that keeps `peaks` under `ceiling` at `static_gain`: the smallest gain needed within the window, released slowly,
/// then averaged over the window, so that it has arrived when the peak does.
fn limit(peaks: &[f32], static_gain: f32, ceiling: f32) -> Vec<f32> {
    let window = samples(LOOK_AHEAD).max(1);
    let needed: Vec<f32> =
        peaks.iter().map(|p| if p * static_gain > ceiling { ceiling / (p * static_gain) } else { 1.0 }).collect();
    let held = sliding_minimum(&needed, window);
    let release = 1.0 - (-1.0 / (RELEASE_SECONDS * klieg_film_dsp::RATE)).exp();
    let mut now = 1.0f32;
    let released: Vec<f32> = held
        .iter()
        .map(|&h| {
            now = if h < now { h } else { now + (h - now) * release };
            now
        })
        .collect();
    averaged(&released, window).into_iter().map(|g| g * static_gain).collect()
}

/// The minimum of each sample and the `window` after it.
fn sliding_minimum(x: &[f32], window: usize) -> Vec<f32> {
    let mut queue: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    let mut out = vec![1.0; x.len()];
    for i in (0..x.len()).rev() {
        while queue.back().is_some_and(|&j| x[j] >= x[i]) {
            queue.pop_back();
        }
        queue.push_back(i);
        while queue.front().is_some_and(|&j| j > i + window) {
            queue.pop_front();
        }
        out[i] = queue.front().map_or(1.0, |&j| x[j]);
    }
    out
}

/// The mean of each sample and the `window` before it. At a peak the whole window has held the gain that it needs.
fn averaged(x: &[f32], window: usize) -> Vec<f32> {
    let count = window as f64 + 1.0;
    // Before the film the gain is what its first sample needs.
    let first = f64::from(x.first().copied().unwrap_or(1.0));
    let mut sum = count * first;
    (0..x.len())
        .map(|i| {
            sum += f64::from(x[i]) - i.checked_sub(window + 1).map_or(first, |j| f64::from(x[j]));
            (sum / count) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spiky() -> Vec<[f32; 2]> {
        (0..48_000 * 4)
            .map(|i| {
                let t = i as f32 / 48_000.0;
                let tone = (std::f32::consts::TAU * 440.0 * t).sin() * 0.1;
                let spike = if i % 24_000 < 300 { (std::f32::consts::TAU * 11_990.0 * t).sin() * 0.9 } else { 0.0 };
                [tone + spike, tone]
            })
            .collect()
    }

    #[test]
    fn true_peaks_are_kept_and_the_rest_left_alone() {
        let film = spiky();
        let curve = limit(&true_peaks(&film), 2.0, gain(-1.25));
        let out: Vec<[f32; 2]> = film.iter().zip(&curve).map(|(s, g)| [s[0] * g, s[1] * g]).collect();
        let (peak, _) = peak_and_range(&out);
        assert!(peak <= -1.0, "{peak}");
        let deepest = curve.iter().fold(f32::MAX, |m, g| m.min(*g)) / 2.0;
        assert!(deepest < 0.56, "the spikes are turned down: {deepest}");
        assert!(curve[20_000] > 1.9, "between the spikes the gain comes back");
    }

    #[test]
    fn silence_stays_silence() {
        let mut stems: [Stereo; 4] = std::array::from_fn(|_| Stereo::silence(1.0));
        let (film, loudness) = master(&mut stems, &[], Profile::Web);
        assert!(film.samples.iter().flatten().all(|s| *s == 0.0));
        assert_eq!((loudness.gain_db, loudness.integrated_lufs), (0.0, SILENCE_LUFS));
    }
}
