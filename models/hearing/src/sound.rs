//! WAV bytes to what Whisper hears: one channel at 16 kHz.

use crate::Error;
use std::io::Cursor;

/// Samples in a second.
pub const RATE: u32 = 16_000;
/// What a sound may be: longer is refused before anything is computed.
pub const SECONDS_MAX: u64 = 10 * 3600;
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
const CHANNELS_MAX: u16 = 32;

/// What a WAV file says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    pub rate: u32,
    pub channels: u16,
    pub seconds: f64,
}

fn failed(message: impl std::fmt::Display) -> Error {
    Error::Sound(message.to_string())
}

/// Reads and checks a WAV file's header: what it promises must be there.
pub fn form(bytes: &[u8]) -> Result<Form, Error> {
    let reader = hound::WavReader::new(Cursor::new(bytes)).map_err(failed)?;
    let (spec, frames) = (reader.spec(), reader.duration());
    if !RATES.contains(&spec.sample_rate) {
        return Err(failed(format!("{} Hz; {} to {} Hz are read", spec.sample_rate, RATES.start(), RATES.end())));
    }
    if !(1..=CHANNELS_MAX).contains(&spec.channels) {
        return Err(failed(format!("{} channels; 1 to {CHANNELS_MAX} are read", spec.channels)));
    }
    let promised = u64::from(frames) * u64::from(spec.channels) * u64::from(spec.bits_per_sample.div_ceil(8));
    if promised > bytes.len() as u64 {
        return Err(failed(format!("its header promises {promised} bytes of sound; the whole file has {}", bytes.len())));
    }
    let seconds = f64::from(frames) / f64::from(spec.sample_rate);
    if frames == 0 {
        return Err(failed("it has no sound in it"));
    }
    if seconds > SECONDS_MAX as f64 {
        return Err(failed(format!("{seconds:.0} seconds; the limit is {SECONDS_MAX}")));
    }
    Ok(Form { rate: spec.sample_rate, channels: spec.channels, seconds })
}

/// The mean of a WAV file's channels, −1 to 1, at 16 kHz.
pub fn mono(bytes: &[u8]) -> Result<Vec<f32>, Error> {
    let Form { rate, channels, .. } = form(bytes)?;
    let mut reader = hound::WavReader::new(Cursor::new(bytes)).map_err(failed)?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>().map_err(failed)?,
        hound::SampleFormat::Int => {
            let full = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|sample| sample as f32 / full))
                .collect::<Result<_, _>>()
                .map_err(failed)?
        }
    };
    if samples.iter().any(|sample| !sample.is_finite()) {
        return Err(failed("it has samples that are no numbers"));
    }
    let mixed: Vec<f32> =
        samples.chunks_exact(usize::from(channels)).map(|frame| frame.iter().sum::<f32>() / f32::from(channels)).collect();
    Ok(resampled(&mixed, rate))
}

/// Zero crossings of the sinc on each side, in periods of the lower rate.
const CROSSINGS: f64 = 24.0;

/// At 16 kHz, by a sinc under a Hann window; the same samples on every machine.
fn resampled(samples: &[f32], rate: u32) -> Vec<f32> {
    if rate == RATE {
        return samples.to_vec();
    }
    let (from, to) = (f64::from(rate), f64::from(RATE));
    // The lower rate's band, as a share of the sound's own.
    let band = (to / from).min(1.0);
    let reach = CROSSINGS / band;
    let count = (samples.len() as f64 * to / from) as usize;
    let phases = RATE / gcd(rate, RATE);
    let taps: Vec<Vec<f32>> = (0..phases)
        .map(|phase| {
            let shift = (f64::from(phase) * from / to).fract();
            taps(shift, band, reach)
        })
        .collect();
    let value = |at: usize| {
        let middle = at as f64 * from / to;
        let first = (at as u64 * u64::from(rate) / u64::from(RATE)) as isize - reach.ceil() as isize;
        let taps = &taps[at % phases as usize];
        debug_assert!(middle >= 0.0);
        taps.iter()
            .enumerate()
            .map(|(i, tap)| tap * samples.get((first + i as isize).max(-1) as usize).copied().unwrap_or(0.0))
            .sum()
    };
    (0..count).map(value).collect()
}

/// Weights of the samples around a place that is `shift` of a sample past one: from `reach` before to `reach` after, together 1.
fn taps(shift: f64, band: f64, reach: f64) -> Vec<f32> {
    use std::f64::consts::PI;
    let half = reach.ceil() as i64;
    let weight = |i: i64| {
        let x = i as f64 - shift;
        let angle = PI * x * band;
        let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
        let window = if x.abs() < reach { 0.5 + 0.5 * (PI * x / reach).cos() } else { 0.0 };
        sinc * window
    };
    let weights: Vec<f64> = (-half..=half + 1).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / total) as f32).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate: u32, channels: u16, seconds: f64, of: impl Fn(f64) -> f64) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for at in 0..(seconds * f64::from(rate)) as u32 {
            (0..channels).for_each(|_| writer.write_sample((of(f64::from(at) / f64::from(rate)) * 32767.0) as i16).unwrap());
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_tone_is_the_same_tone_at_16_khz() {
        let tone = |t: f64| 0.5 * (std::f64::consts::TAU * 440.0 * t).sin();
        for rate in [8_000, 16_000, 22_050, 44_100, 48_000] {
            let samples = mono(&wav(rate, 2, 0.5, tone)).unwrap();
            assert!(samples.len().abs_diff(8000) <= 1, "{rate}: {}", samples.len());
            let far = (400..7600).map(|at| (f64::from(samples[at]) - tone(at as f64 / 16_000.0)).abs()).fold(0.0, f64::max);
            assert!(far < 2e-3, "{rate}: {far}");
        }
    }

    #[test]
    fn what_is_above_the_band_is_gone() {
        let samples = mono(&wav(48_000, 1, 0.5, |t| 0.5 * (std::f64::consts::TAU * 11_000.0 * t).sin())).unwrap();
        let loudest = samples[400..7600].iter().fold(0.0f32, |top, sample| top.max(sample.abs()));
        assert!(loudest < 2e-3, "{loudest}");
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let good = wav(16_000, 1, 0.1, |_| 0.1);
        assert!(mono(&good).is_ok());
        // Each field of the header with each of some values: never a panic, and never more sound than there are bytes.
        for at in 0..44 {
            for value in [0, 1, 2, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                if let Ok(samples) = mono(&bytes) {
                    assert!(samples.len() <= 4 * bytes.len(), "byte {at} = {value}: {}", samples.len());
                }
            }
        }
        let mut longer = good.clone();
        longer[40..44].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
        let error = mono(&longer).unwrap_err().to_string();
        assert!(error.contains("promises"), "{error}");
        assert!(mono(&good[..30]).is_err());
        assert!(mono(b"RIFFnothing").is_err());
        assert!(form(&wav(16_000, 1, 0.0, |_| 0.0)).unwrap_err().to_string().contains("no sound"));
    }
}
