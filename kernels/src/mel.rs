//! The log-mel spectrogram that Whisper hears.
//!
//! As `openai/whisper` and transformers' `WhisperFeatureExtractor` make it: 16 kHz mono, Hann windows of 400 samples every 160 (centred,
//! the sound mirrored at its ends, the last frame dropped), power, 80 or 128 mel filters of Slaney's scale and area, log₁₀ of at least
//! 1e-10, at most 8 below the peak, (x + 4)/4. Padding to 30 seconds is the caller's. Within 2e-5 of the exact result where a mel has
//! more than a millionth of the peak's power, within 2e-3 below.

use std::f64::consts::TAU;

use crate::error::KernelError;
use crate::scale::Windows;
use crate::target::{Extent, List, Target, faces, kernel};

/// A spectrogram: `mels` rows of `frames`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mel {
    pub mels: u32,
    /// One each 10 ms.
    pub frames: u32,
    pub levels: Vec<f32>,
}

/// The record of `mel.cpp`.
#[repr(C)]
pub struct MelView {
    samples: *const f32,
    window: *const f32,
    cosine: *const f32,
    sine: *const f32,
    filters: *const f32,
    first: *const u32,
    folded: *mut f32,
    power: *mut f32,
    out: *mut f32,
    peaks: *mut f32,
    count: u32,
    width: u32,
    taps: u32,
    frames: u32,
    least: f32,
}

const RATE: f64 = 16_000.0;
const WINDOW: usize = 400;
const HOP: usize = 160;
const FOLDED: usize = WINDOW / 2 + 1;
const BINS: usize = 208;
/// Ten hours.
const SAMPLES_MAX: usize = 16_000 * 36_000;
const DECADES: f32 = 8.0;
const FRAMES: u32 = 16;
const MELS: u32 = 4;

faces! {
    /// The spectrogram of samples of −1 to 1 at 16 kHz. Fewer than 160 samples have no frame.
    ///
    /// # Errors
    /// `Range` for a number of mels other than 80 and 128, `TooMany` for more than ten hours, `NotFinite` for a sample that isn't a number.
    fn mel(samples: &[f32], mels: u32) -> Mel
}

fn mel(on: &impl Target, samples: &[f32], mels: u32) -> Result<Mel, KernelError> {
    check(samples, mels)?;
    let frames = samples.len() / HOP;
    let levels = if frames > 0 { levels(on, samples, mels, frames)? } else { Vec::new() };
    Ok(Mel { mels, frames: frames as u32, levels })
}

fn levels(on: &impl Target, samples: &[f32], mels: u32, frames: usize) -> Result<Vec<f32>, KernelError> {
    let (window, cosine, sine, filters) = (window(), wave(f64::cos), wave(f64::sin), filters(mels));
    let (heard, window, cosine, sine) = (on.lend(samples)?, on.lend(&window)?, on.lend(&cosine)?, on.lend(&sine)?);
    let (weights, first) = (on.lend(&filters.weights)?, on.lend(&filters.first)?);
    let (folded, power) = (on.room::<f32>(frames * 2 * FOLDED)?, on.room::<f32>(frames * BINS)?);
    let (out, peaks) = (on.room::<f32>(mels as usize * frames)?, on.room::<f32>(mels as usize)?);
    let frames = frames as u32;
    let mut view = MelView {
        samples: heard.at(),
        window: window.at(),
        cosine: cosine.at(),
        sine: sine.at(),
        filters: weights.at(),
        first: first.at(),
        folded: folded.at(),
        power: power.at(),
        out: out.at(),
        peaks: peaks.at(),
        count: samples.len() as u32,
        width: FOLDED as u32,
        taps: filters.taps,
        frames,
        least: 0.0,
    };
    // SAFETY: the lists hold what the kernels' record says; each launch writes what the next reads, each row its own.
    unsafe {
        on.run(kernel!(mel_fold), &view, Extent::Pixels(view.width, frames), FRAMES)?;
        view.width = BINS as u32;
        on.run(kernel!(mel_power), &view, Extent::Pixels(view.width, frames), FRAMES)?;
        view.width = frames;
        on.run(kernel!(mel_log), &view, Extent::Pixels(frames, mels), MELS)?;
        on.run(kernel!(mel_peak), &view, Extent::Items(0, mels), MELS)?;
    }
    view.least = on.take(peaks)?.into_iter().fold(f32::NEG_INFINITY, f32::max) - DECADES;
    // SAFETY: as above.
    unsafe { on.run(kernel!(mel_level), &view, Extent::Pixels(frames, mels), MELS) }?;
    on.take(out)
}

fn check(samples: &[f32], mels: u32) -> Result<(), KernelError> {
    if mels != 80 && mels != 128 {
        return Err(KernelError::Range { what: "the number of mels", wanted: "80 or 128" });
    }
    if samples.len() > SAMPLES_MAX {
        return Err(KernelError::TooMany { what: "samples", found: samples.len(), most: SAMPLES_MAX });
    }
    match samples.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(KernelError::NotFinite { list: "samples", at }),
        None => Ok(()),
    }
}

/// Hann's periodic window, up to its middle.
fn window() -> Vec<f32> {
    (0..FOLDED).map(|n| (0.5 - 0.5 * (TAU * n as f64 / WINDOW as f64).cos()) as f32).collect()
}

/// Sample by sample, each bin's wave there.
fn wave(of: fn(f64) -> f64) -> Vec<f32> {
    // The phase is whole turns and a rest; only the rest matters, and is exact.
    let at = |n: usize, bin: usize| if bin < FOLDED { of(TAU * (n * bin % WINDOW) as f64 / WINDOW as f64) as f32 } else { 0.0 };
    (0..FOLDED).flat_map(|n| (0..BINS).map(move |bin| at(n, bin))).collect()
}

/// Slaney's scale: linear up to 1 kHz (15 mel), then logarithmic.
fn hertz(mel: f64) -> f64 {
    if mel < 15.0 { mel * 200.0 / 3.0 } else { 1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp() }
}

/// Triangles between neighbours of evenly spaced mels from 0 Hz to 8 kHz, of the same area each.
fn filters(mels: u32) -> Windows {
    let top = 15.0 + 27.0 * (RATE / 2.0 / 1000.0).ln() / 6.4f64.ln();
    let corner = |i: u32| hertz(top * f64::from(i) / f64::from(mels + 1));
    let triangle = |i: u32| {
        let (low, middle, high) = (corner(i), corner(i + 1), corner(i + 2));
        let weigh = |bin: i64| {
            let f = bin as f64 * RATE / WINDOW as f64;
            ((f - low) / (middle - low)).min((high - f) / (high - middle)).max(0.0) * 2.0 / (high - low)
        };
        (0..FOLDED as i64).map(|bin| (bin, weigh(bin))).filter(|(_, w)| *w > 0.0).collect()
    };
    Windows::new(FOLDED as u32, (0..mels).map(triangle))
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.mel_records), [size_of::<MelView>(), offset_of!(MelView, least)]);
    }

    /// Entries of `mel_80` in openai/whisper's `mel_filters.npz`: mel, bin, weight.
    #[test]
    fn the_filters_are_whispers_own() {
        let filters = filters(80);
        let taps = filters.taps as usize;
        let weight = |mel: usize, bin: usize| {
            let at = bin.checked_sub(filters.first[mel] as usize).filter(|at| *at < taps);
            at.map_or(0.0, |at| filters.weights[mel * taps + at])
        };
        let published = [
            (0, 1, 0.024_862_595),
            (1, 1, 0.001_990_822),
            (1, 2, 0.022_871_772),
            (33, 33, 0.018_177_473),
            (79, 190, 0.002_232_055),
            (79, 199, 0.000_448_759),
            (0, 2, 0.0),
            (0, 0, 0.0),
        ];
        for (mel, bin, wanted) in published {
            assert!((weight(mel, bin) - wanted).abs() < 2e-9, "mel {mel}, bin {bin}: {} or {wanted}", weight(mel, bin));
        }
    }
}
