//! PDQ: a hash that hardly changes when a picture is scaled, compressed or graded a little.
//!
//! Facebook's (2019, ThreatExchange `pdq/`): luma is blurred twice by a box of a 128th of each side, sampled at 64 × 64 points, transformed;
//! the 16 × 16 low frequencies give a bit each. Here box, box and sampling are one window of weights for each of the 64 positions, so the
//! picture is read once. Where the reference rounds otherwise, a frequency that equals the median to six digits may fall on the other
//! side of it: on real pictures at most 2 of the 256 bits, in general none.

use std::f64::consts::PI;
use std::fmt;

use crate::error::KernelError;
use crate::pixels::Pixels;
use crate::scale::{Windows, resample};
use crate::target::{Extent, List, Target, faces, kernel};

/// A picture's hash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureHash {
    /// 256 bits, the highest frequency first.
    pub bits: [u8; 32],
    /// How much there is to see, 0–1; below 0.5 pictures resemble each other too easily for the hash to mean much.
    pub quality: f32,
}

impl PictureHash {
    /// In how many bits two pictures differ, 0–256. Facebook takes 31 and fewer as the same picture.
    pub fn distance(&self, other: &Self) -> u32 {
        self.bits.iter().zip(other.bits).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

/// As 64 hexadecimal digits.
impl fmt::Display for PictureHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bits.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The record of `hash.cpp`.
#[repr(C)]
pub struct HashView {
    rgb: *const f32,
    wave: *const f32,
    luma: *mut f32,
    half: *mut f32,
    low: *mut f32,
    gradient: *mut f32,
    bits: *mut u8,
    width: u32,
}

const MEANS: usize = 64;
const LOWS: usize = 16;
/// Bytes of a hash.
const BITS: usize = LOWS * LOWS / 8;
/// The sum of steps that counts as full quality (the reference's, found by trying).
const FULL_GRADIENT: f32 = 90.0;

faces! {
    /// The hash of a picture of bytes, or of floats of 0–255, of any size.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    fn hash(pixels: &Pixels<'_>) -> PictureHash
}

fn hash(on: &impl Target, pixels: &Pixels<'_>) -> Result<PictureHash, KernelError> {
    pixels.check()?;
    let rgb = on.room::<f32>(MEANS * MEANS * 3)?;
    let (rows, columns) = (means(pixels.height), means(pixels.width));
    // SAFETY: `rgb` holds 64 × 64 pixels, as there are windows.
    unsafe { resample(on, pixels, &rows, &columns, kernel!(scale_across_floats), rgb.at().cast()) }?;
    transform(on, rgb.at())
}

/// From 64 × 64 pixels that are on the target.
fn transform(on: &impl Target, rgb: *mut f32) -> Result<PictureHash, KernelError> {
    let (wave, bits, gradient) = (wave(), on.room::<u8>(BITS)?, on.room::<f32>(MEANS)?);
    let (wave, luma) = (on.lend(&wave)?, on.room::<f32>(MEANS * MEANS)?);
    let (half, low) = (on.room::<f32>(LOWS * MEANS)?, on.room::<f32>(LOWS * LOWS)?);
    let mut view = HashView {
        rgb,
        wave: wave.at(),
        luma: luma.at(),
        half: half.at(),
        low: low.at(),
        gradient: gradient.at(),
        bits: bits.at(),
        width: MEANS as u32,
    };
    let (means, lows) = (MEANS as u32, LOWS as u32);
    // SAFETY: the arrays hold what the kernels' record says; each launch writes what the next reads.
    unsafe {
        on.run(kernel!(hash_luma), &view, Extent::Pixels(means, means), means)?;
        on.run(kernel!(hash_gradient), &view, Extent::Items(0, means), means)?;
        on.run(kernel!(hash_half), &view, Extent::Pixels(means, lows), lows)?;
        view.width = lows;
        on.run(kernel!(hash_low), &view, Extent::Pixels(lows, lows), lows)?;
        on.run(kernel!(hash_bits), &view, Extent::Items(0, BITS as u32), BITS as u32)?;
    }
    let bits = on.take(bits)?.try_into().unwrap_or([0; BITS]);
    Ok(PictureHash { bits, quality: (on.take(gradient)?.iter().sum::<f32>() / FULL_GRADIENT).min(1.0) })
}

/// For each of 64 positions, what two boxes of a 128th of `len` weigh there. At an edge a box is cut off and its mean is of what is left.
fn means(len: u32) -> Windows {
    let (len, size) = (i64::from(len), i64::from(len.div_ceil(128)));
    // Seven: three to each side; eight: three before, four behind.
    let boxed = |i: i64| (i - (size - 1) / 2).max(0)..=(i + size / 2).min(len - 1);
    let share = |range: &std::ops::RangeInclusive<i64>| 1.0 / (range.end() - range.start() + 1) as f64;
    let position = |i: i64| {
        let outer = boxed((i * 2 + 1) * len / 128);
        let inner = boxed(*outer.start()).start().to_owned()..=*boxed(*outer.end()).end();
        let weigh = |k: i64| {
            let through = outer.clone().map(boxed).filter(|inner| inner.contains(&k));
            (k, through.map(|inner| share(&inner)).sum::<f64>() * share(&outer))
        };
        inner.map(weigh).collect()
    };
    Windows::new(len as u32, (0..MEANS as i64).map(position))
}

/// The cosine transform's rows 1–16, sample by sample.
fn wave() -> Vec<f32> {
    let at = |k: usize, i: usize| (2.0 / MEANS as f64).sqrt() * (PI / (2 * MEANS) as f64 * ((i + 1) * (2 * k + 1)) as f64).cos();
    (0..MEANS).flat_map(|k| (0..LOWS).map(move |i| at(k, i) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.hash_records), [size_of::<HashView>(), offset_of!(HashView, width)]);
    }
}
