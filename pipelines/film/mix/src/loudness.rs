//! Delivery targets, and measuring them after ITU-R BS.1770-4 / EBU R 128.

use ebur128::{EbuR128, Mode};
use klieg_film_words::sound::SAMPLE_RATE;
use serde::{Deserialize, Serialize};

/// Who the mix is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Streaming: −14 LUFS, −1 dBTP.
    #[default]
    Web,
    /// EBU R 128 broadcast: −23 LUFS, −1 dBTP.
    Ebu,
    /// −27 LUFS over the dialogue only, −2 dBTP.
    Netflix,
}

impl Profile {
    pub fn target_lufs(self) -> f32 {
        match self {
            Profile::Web => -14.0,
            Profile::Ebu => -23.0,
            Profile::Netflix => -27.0,
        }
    }

    pub fn true_peak_max_dbtp(self) -> f32 {
        match self {
            Profile::Web | Profile::Ebu => -1.0,
            Profile::Netflix => -2.0,
        }
    }

    /// The target is for the stretches in which somebody speaks.
    pub fn dialogue_gated(self) -> bool {
        self == Profile::Netflix
    }
}

/// What was measured on the finished mix. Silence measures −70.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    pub profile: Profile,
    pub integrated_lufs: f32,
    /// Of the mix while somebody speaks; equal to the integrated loudness when nobody does.
    pub dialogue_lufs: f32,
    pub true_peak_dbtp: f32,
    /// Loudness range (EBU Tech 3342).
    pub range_lu: f32,
    /// The static gain that was applied to all stems.
    pub gain_db: f32,
}

/// What silence measures.
pub const SILENCE_LUFS: f32 = -70.0;

fn meter(mode: Mode) -> Option<EbuR128> {
    EbuR128::new(2, SAMPLE_RATE, mode).ok()
}

/// Integrated loudness.
pub fn integrated(samples: &[[f32; 2]]) -> f32 {
    let measured =
        meter(Mode::I).and_then(|mut m| m.add_frames_f32(samples.as_flattened()).ok().and_then(|()| m.loudness_global().ok()));
    measured.filter(|l| l.is_finite()).map_or(SILENCE_LUFS, |l| (l as f32).max(SILENCE_LUFS))
}

/// Loudness of something shorter than the meter's 400 ms blocks too: it is measured padded with repeats of itself.
pub fn of_short(samples: &[[f32; 2]]) -> f32 {
    let wanted = SAMPLE_RATE as usize;
    if samples.is_empty() || samples.len() >= wanted {
        return integrated(samples);
    }
    let padded: Vec<[f32; 2]> = samples.iter().copied().cycle().take(wanted).collect();
    integrated(&padded)
}

/// True peak in dBTP and loudness range in LU.
pub fn peak_and_range(samples: &[[f32; 2]]) -> (f32, f32) {
    let Some(mut m) = meter(Mode::TRUE_PEAK | Mode::LRA) else { return (f32::NEG_INFINITY, 0.0) };
    if m.add_frames_f32(samples.as_flattened()).is_err() {
        return (f32::NEG_INFINITY, 0.0);
    }
    let peak = (0..2).filter_map(|c| m.true_peak(c).ok()).fold(0.0, f64::max);
    (klieg_film_dsp::decibels(peak as f32), m.loudness_range().unwrap_or(0.0) as f32)
}

/// The parts of `samples` in `spans` (sample ranges), end to end.
pub fn within(samples: &[[f32; 2]], spans: &[std::ops::Range<usize>]) -> Vec<[f32; 2]> {
    spans.iter().flat_map(|s| samples[s.start.min(samples.len())..s.end.min(samples.len())].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_tone_measures_what_the_standard_says() {
        // EBU Tech 3341 case 1: a 1 kHz stereo sine at −23 dBFS is −23 LUFS.
        let level = 10f32.powf(-23.0 / 20.0);
        let tone: Vec<[f32; 2]> =
            (0..48_000 * 3).map(|i| [(std::f32::consts::TAU * 1000.0 * i as f32 / 48_000.0).sin() * level; 2]).collect();
        assert!((integrated(&tone) + 23.0).abs() < 0.1, "{}", integrated(&tone));
        assert!((of_short(&tone[..9600]) + 23.0).abs() < 0.3);
        assert_eq!(integrated(&vec![[0.0; 2]; 48_000]), SILENCE_LUFS);
    }
}
