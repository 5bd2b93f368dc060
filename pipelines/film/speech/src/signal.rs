//! Samples of a spoken line: reading, resampling to 48 kHz, trimming, and finding the stressed syllables.

use crate::mouth::Articulation;
use crate::program::SpeechError;
use klieg_film_words::sound::SAMPLE_RATE;
use std::path::Path;

/// What a synthesiser gave: mono at its own rate.
pub struct Raw {
    pub samples: Vec<f32>,
    /// Not a whole number after a formant shift.
    pub sample_rate: f32,
    pub phones: Vec<RawPhone>,
}

/// Times in seconds at `sample_rate`.
#[derive(Clone, Debug)]
pub struct RawPhone {
    pub symbol: String,
    pub start: f32,
    pub end: f32,
    pub mouth: Articulation,
}

impl Raw {
    /// Plays it `factor` times faster: pitch and resonances rise, times shrink.
    pub fn faster(mut self, factor: f32) -> Self {
        self.sample_rate *= factor;
        for phone in &mut self.phones {
            phone.start /= factor;
            phone.end /= factor;
        }
        self
    }
}

/// A 16-bit mono file as samples in −1…1 and their rate.
pub fn read_wav(path: &Path, program: &str) -> Result<(Vec<f32>, u32), SpeechError> {
    let unreadable = |source| SpeechError::Sound { program: program.into(), source };
    let mut reader = hound::WavReader::open(path).map_err(unreadable)?;
    let rate = reader.spec().sample_rate;
    let samples =
        reader.samples::<i16>().map(|s| s.map(|s| f32::from(s) / 32768.0)).collect::<Result<_, _>>().map_err(unreadable)?;
    Ok((samples, rate))
}

/// Half the taps of the resampling filter, in input samples.
const HALF_TAPS: i64 = 24;
const PHASES: usize = 256;

/// `samples` at `rate` (below 48 kHz) as 48 kHz, by a windowed sinc. Written here and not taken from rubato, which picks its
/// arithmetic by the processor it runs on: a line's digest must not depend on the node that spoke it.
pub fn to_48k(samples: &[f32], rate: f32) -> Vec<f32> {
    let step = f64::from(rate) / f64::from(SAMPLE_RATE);
    let table = sinc_table();
    let length = (samples.len() as f64 / step).floor() as usize;
    let width = 2 * HALF_TAPS as usize;
    (0..length)
        .map(|i| {
            let at = i as f64 * step;
            let phase = (at.fract() * PHASES as f64) as f32;
            // A fraction that rounds up to a whole sample stays in the last row.
            let row = (phase as usize).min(PHASES - 1);
            let mix = phase - row as f32;
            let (a, b) = (&table[row * width..][..width], &table[(row + 1) * width..][..width]);
            let first = at as i64 - HALF_TAPS + 1;
            let taps = (0..width).filter_map(|k| {
                let s = samples.get(usize::try_from(first + k as i64).ok()?)?;
                Some(s * (a[k] + (b[k] - a[k]) * mix))
            });
            taps.sum()
        })
        .collect()
}

/// `PHASES + 1` rows of `2 · HALF_TAPS` taps: a sinc cut off at 94 % of the input's band under a Blackman window.
fn sinc_table() -> Vec<f32> {
    let cutoff = 0.94f64;
    let mut table = Vec::with_capacity((PHASES + 1) * 2 * HALF_TAPS as usize);
    for phase in 0..=PHASES {
        for k in 0..2 * HALF_TAPS {
            let x = (k - HALF_TAPS + 1) as f64 - phase as f64 / PHASES as f64;
            let u = x / HALF_TAPS as f64;
            let window = if u.abs() >= 1.0 {
                0.0
            } else {
                0.42 + 0.5 * (std::f64::consts::PI * u).cos() + 0.08 * (std::f64::consts::TAU * u).cos()
            };
            let arg = std::f64::consts::PI * x * cutoff;
            let sinc = if arg.abs() < 1e-9 { 1.0 } else { arg.sin() / arg };
            table.push((cutoff * sinc * window) as f32);
        }
    }
    table
}

/// How long before its end the voice of a question begins to rise, in seconds, and by how much it has risen then.
const RISE_SECONDS: f32 = 0.42;
const RISE: f32 = 0.15;

/// Lets the end of a line rise as that of a question does, which flite's voices do not: the last 0.4 s are played ever faster.
/// The resonances rise along, by two semitones at most and only at the very end.
pub fn rise(samples: &mut Vec<f32>, phones: &mut [RawPhone]) {
    let audible = audible(samples);
    let span = ((RISE_SECONDS * SAMPLE_RATE as f32) as usize).min(audible.len() / 2);
    let from = audible.end - span;
    // Input position after `x` output samples: its speed goes from 1 to 1 + RISE over the span.
    let slope = RISE / span.max(1) as f32;
    let read = |x: f32| x + 0.5 * slope * x * x;
    let source = samples[from..].to_vec();
    samples.truncate(from);
    for i in 0.. {
        let at = read(i as f32);
        let Some(pair) = source.get(at as usize..at as usize + 2) else { break };
        samples.push(pair[0] + (pair[1] - pair[0]) * at.fract());
    }
    let start = from as f32 / SAMPLE_RATE as f32;
    let warp = |t: f32| {
        let input = (t - start) * SAMPLE_RATE as f32;
        if input <= 0.0 { t } else { start + (((1.0 + 2.0 * slope * input).sqrt() - 1.0) / slope) / SAMPLE_RATE as f32 }
    };
    for phone in phones {
        (phone.start, phone.end) = (warp(phone.start), warp(phone.end));
    }
}

/// Silence left at both ends, in seconds.
pub const MARGIN_SECONDS: f32 = 0.02;

/// The first and last sample worth keeping: 20 ms around what is louder than −45 dB of the peak.
pub fn audible(samples: &[f32]) -> std::ops::Range<usize> {
    let peak = samples.iter().fold(0.0f32, |p, s| p.max(s.abs()));
    let gate = peak * 0.0056;
    let margin = (MARGIN_SECONDS * SAMPLE_RATE as f32) as usize;
    let Some(first) = samples.iter().position(|s| s.abs() > gate) else { return 0..0 };
    let last = samples.iter().rposition(|s| s.abs() > gate).unwrap_or(first);
    first.saturating_sub(margin)..(last + 1 + margin).min(samples.len())
}

/// Fades the first and last 5 ms, so that a cut within breath noise does not click.
pub fn soften_ends(samples: &mut [f32]) {
    let ramp = (SAMPLE_RATE as usize / 200).min(samples.len() / 2);
    let length = samples.len();
    for i in 0..ramp {
        let gain = i as f32 / ramp as f32;
        samples[i] *= gain;
        samples[length - 1 - i] *= gain;
    }
}

/// For each phone whether it begins a stressed syllable. The synthesisers do not say; the ear goes by length and loudness, so a
/// vowel counts that outdoes the line's middle and the vowel on either side. The syllable begins with the consonant before it.
pub fn stresses(phones: &[RawPhone], samples: &[f32]) -> Vec<bool> {
    let weight = |p: &RawPhone| {
        let span = |t: f32| ((t * SAMPLE_RATE as f32) as usize).min(samples.len());
        let part = &samples[span(p.start)..span(p.end).max(span(p.start))];
        let power = part.iter().map(|s| s * s).sum::<f32>() / part.len().max(1) as f32;
        (p.end - p.start).min(0.25) * power.sqrt()
    };
    let vowels: Vec<(usize, f32)> = phones.iter().enumerate().filter(|(_, p)| p.mouth.vowel).map(|(i, p)| (i, weight(p))).collect();
    let mut sorted: Vec<f32> = vowels.iter().map(|v| v.1).collect();
    sorted.sort_by(f32::total_cmp);
    let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let mut marked = vec![false; phones.len()];
    for (n, &(i, w)) in vowels.iter().enumerate() {
        let beats = |other: Option<&(usize, f32)>| other.is_none_or(|o| w >= o.1);
        let before = n.checked_sub(1).and_then(|k| vowels.get(k));
        if w >= middle && w > 0.0 && beats(before) && beats(vowels.get(n + 1)) {
            let onset = i > 0 && !phones[i - 1].mouth.vowel && phones[i - 1].mouth.first != klieg_film_words::sound::MouthShape::X;
            marked[if onset { i - 1 } else { i }] = true;
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, rate: f32, seconds: f32) -> Vec<f32> {
        (0..(rate * seconds) as usize).map(|i| (std::f32::consts::TAU * hz * i as f32 / rate).sin() * 0.5).collect()
    }

    #[test]
    fn resampling_keeps_a_tone_and_its_length() {
        let out = to_48k(&tone(1000.0, 16_000.0, 0.5), 16_000.0);
        assert_eq!(out.len(), 24_000);
        let wanted = tone(1000.0, 48_000.0, 0.5);
        let worst = out[2000..22_000].iter().zip(&wanted[2000..22_000]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 2e-3, "{worst}");
    }

    #[test]
    fn odd_rates_read_nothing_beyond_the_table() {
        for rate in [22_050.0, 20_286.0, 16_000.0 * 1.29, 22_050.0 * 0.92, 14_560.0, 18_880.0] {
            assert!(to_48k(&tone(300.0, rate, 4.0), rate).iter().all(|s| s.abs() < 0.6), "{rate}");
        }
    }

    #[test]
    fn a_question_rises_and_its_phones_with_it() {
        let mut samples = tone(200.0, 48_000.0, 1.0);
        let phone = |start: f32, end: f32| RawPhone { symbol: "aa".into(), start, end, mouth: crate::mouth::of_flite("aa") };
        let mut phones = [phone(0.0, 0.5), phone(0.5, 1.0)];
        rise(&mut samples, &mut phones);
        let crossings = |part: &[f32]| part.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
        let end = samples.len();
        assert!(crossings(&samples[end - 4800..]) > crossings(&samples[..4800]) + 3);
        let seconds = end as f32 / 48_000.0;
        assert!((phones[1].end - seconds).abs() < 0.002 && phones[0].end == 0.5, "{phones:?} in {seconds} s");
        assert!((0.95..0.99).contains(&seconds));
    }

    #[test]
    fn silence_is_trimmed_to_the_margin() {
        let mut samples = vec![0.0; 48_000];
        samples[20_000..30_000].fill(0.3);
        assert_eq!(audible(&samples), 20_000 - 960..30_000 + 960);
        assert_eq!(audible(&[0.0; 100]), 0..0);
    }

    #[test]
    fn the_long_loud_vowel_is_stressed() {
        let vowel = |start: f32, end: f32| RawPhone { symbol: "aa".into(), start, end, mouth: crate::mouth::of_flite("aa") };
        let consonant = |start: f32, end: f32| RawPhone { symbol: "n".into(), start, end, mouth: crate::mouth::of_flite("n") };
        let phones = [vowel(0.0, 0.05), consonant(0.05, 0.1), vowel(0.1, 0.3), consonant(0.3, 0.35), vowel(0.35, 0.4)];
        assert_eq!(stresses(&phones, &tone(200.0, 48_000.0, 0.4)), [false, true, false, false, false]);
    }
}
