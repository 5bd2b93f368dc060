//! Where somebody may be speaking, by energy: a stretch is silent when it is far below the sound's loud parts. It only ever skips
//! what is certainly silent; what is said in a whisper beside a shout may be lost, which is why it can be switched off.

use crate::sound::RATE;
use std::ops::Range;

/// Samples of one measurement: 20 ms.
const STEP: usize = RATE as usize / 50;
/// How far below the loud parts (95th percentile) speech may be, and what is silence in any sound, both in dB.
const BELOW_DB: f32 = 40.0;
const SILENCE_DB: f32 = -65.0;
/// What is kept around speech, and the shortest pause, in steps: 300 ms.
const MARGIN: usize = 15;

/// Stretches of samples with more than silence in them, in order, apart from each other.
pub fn speech(samples: &[f32]) -> Vec<Range<usize>> {
    let level = |step: &[f32]| 10.0 * (step.iter().map(|sample| sample * sample).sum::<f32>() / step.len() as f32 + 1e-12).log10();
    let levels: Vec<f32> = samples.chunks(STEP).map(level).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let loud = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(SILENCE_DB);
    let least = (loud - BELOW_DB).max(SILENCE_DB);
    let mut out: Vec<Range<usize>> = Vec::new();
    for at in (0..levels.len()).filter(|at| levels[*at] > least) {
        let (start, end) = (at.saturating_sub(MARGIN) * STEP, ((at + MARGIN + 1) * STEP).min(samples.len()));
        match out.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => out.push(start..end),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_with_a_pause_are_two_stretches() {
        let loud = |at: usize| 0.3 * (at as f32 * 0.2).sin();
        let sound: Vec<f32> = (0..48_000)
            .map(|at| if (8_000..16_000).contains(&at) || (32_000..40_000).contains(&at) { loud(at) } else { 1e-5 })
            .collect();
        let found = speech(&sound);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains(&8_000) && found[0].contains(&15_999) && !found[0].contains(&24_000), "{found:?}");
        assert!(found[1].contains(&32_000) && found[1].contains(&39_999), "{found:?}");
        assert!(speech(&[0.0; 16_000]).is_empty());
        assert!(speech(&[]).is_empty());
    }
}
