//! Resampling: Lanczos-3, any ratio.
//!
//! Each output pixel is the weighted mean of the input around its centre (pixel centres lie at halves; weights are normalised; past
//! an edge it repeats). Where the picture shrinks, the window widens by the ratio. Down the columns first, then across. Floats are
//! within 4e-6 of the exact result times the largest input, bytes within 0.501 before they are rounded.

use std::f64::consts::PI;

use crate::error::KernelError;
use crate::pixels::{Pixels, Rgb, check_side};
use crate::target::{Extent, Kernel, List, Plain, Target, faces, kernel};

/// For each output position, where its window starts and the weights in it.
pub(crate) struct Windows {
    pub first: Vec<u32>,
    /// `taps` for each position.
    pub weights: Vec<f32>,
    pub taps: u32,
}

impl Windows {
    /// From the weights of each position: pairs of an input position, which may lie outside of 0–`len` and then counts as the edge,
    /// and what it weighs.
    pub fn new(len: u32, positions: impl Iterator<Item = Vec<(i64, f64)>>) -> Self {
        let last = i64::from(len) - 1;
        let inside: Vec<_> = positions.map(|weights| folded(&weights, last)).collect();
        let taps = inside.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let mut windows = Self { first: Vec::new(), weights: Vec::new(), taps: taps as u32 };
        for (first, weights) in inside {
            // A short window at the end of the picture starts earlier, with weights of zero.
            let start = first.min(last + 1 - taps as i64);
            let at = windows.weights.len() + (first - start) as usize;
            windows.first.push(start as u32);
            windows.weights.resize(windows.weights.len() + taps, 0.0);
            windows.weights[at..at + weights.len()].iter_mut().zip(weights).for_each(|(to, w)| *to = w as f32);
        }
        windows
    }

    /// Lanczos's of three lobes (Duchon 1979), from `len` pixels to `out`.
    fn lanczos(len: u32, out: u32) -> Self {
        let ratio = f64::from(len) / f64::from(out);
        let widen = ratio.max(1.0);
        let position = |i: u32| {
            let centre = (f64::from(i) + 0.5) * ratio - 0.5;
            let (from, to) = ((centre - 3.0 * widen).ceil() as i64, (centre + 3.0 * widen).floor() as i64);
            let weights: Vec<_> = (from..=to).map(|j| (j, lanczos3((j as f64 - centre) / widen))).collect();
            let sum: f64 = weights.iter().map(|(_, w)| w).sum();
            weights.into_iter().map(|(j, w)| (j, w / sum)).collect()
        };
        Self::new(len, (0..out).map(position))
    }
}

/// Weights with those outside of 0–`last` added to the edges': the first position and the weights from there on.
fn folded(weights: &[(i64, f64)], last: i64) -> (i64, Vec<f64>) {
    let ends = weights.first().zip(weights.last()).map_or((0, 0), |(a, b)| (a.0.clamp(0, last), b.0.clamp(0, last)));
    let mut inside = vec![0.0; (ends.1 - ends.0 + 1) as usize];
    for (at, weight) in weights {
        inside[(at.clamp(&0, &last) - ends.0) as usize] += weight;
    }
    (ends.0, inside)
}

fn lanczos3(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// The record of `scale.cpp`.
#[repr(C)]
pub struct ScaleView {
    input: *const u8,
    output: *mut u8,
    weights: *const f32,
    first: *const u32,
    width: u32,
    in_stride: u32,
    out_stride: u32,
    taps: u32,
    from_row: u32,
}

const ROWS: u32 = 8;

faces! {
    /// Scales a picture of bytes to `width` × `height`.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    fn scale_bytes(rgb: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8>
}

fn scale_bytes(on: &impl Target, rgb: &[u8], from: (u32, u32), to: (u32, u32)) -> Result<Vec<u8>, KernelError> {
    // SAFETY: the kernel writes bytes, three a pixel.
    unsafe { scaled(on, &Pixels::bytes(from.0, from.1, rgb), to, kernel!(scale_across_bytes), 3) }
}

faces! {
    /// Scales a picture of floats, of any range. As the lobes are negative in part, light may come out below zero near an edge.
    ///
    /// # Errors
    /// As for bytes.
    fn scale_floats(rgb: &[[f32; 3]], from: (u32, u32), to: (u32, u32)) -> Vec<[f32; 3]>
}

fn scale_floats(on: &impl Target, rgb: &[[f32; 3]], from: (u32, u32), to: (u32, u32)) -> Result<Vec<[f32; 3]>, KernelError> {
    // SAFETY: the kernel writes three floats a pixel.
    unsafe { scaled(on, &Pixels::floats(from.0, from.1, rgb), to, kernel!(scale_across_floats), 1) }
}

/// # Safety
/// `across` writes `parts` of `T` a pixel.
unsafe fn scaled<T: Plain>(
    on: &impl Target,
    pixels: &Pixels<'_>,
    to: (u32, u32),
    across: Kernel<ScaleView>,
    parts: usize,
) -> Result<Vec<T>, KernelError> {
    check_side(to.0, to.1)?;
    pixels.check()?;
    let out = on.room::<T>(to.0 as usize * to.1 as usize * parts)?;
    let (rows, columns) = (Windows::lanczos(pixels.height, to.1), Windows::lanczos(pixels.width, to.0));
    // SAFETY: `out` holds as many pixels as there are rows and columns.
    unsafe { resample(on, pixels, &rows, &columns, across, out.at().cast()) }?;
    on.take(out)
}

/// Both passes, a band of rows at a time.
///
/// # Safety
/// `out` holds three parts, of the kind that `across` writes, for each row and column.
pub(crate) unsafe fn resample<G: Target>(
    on: &G,
    pixels: &Pixels<'_>,
    rows: &Windows,
    columns: &Windows,
    across: Kernel<ScaleView>,
    out: *mut u8,
) -> Result<(), KernelError> {
    let (bytes, floats);
    let (input, down) = match pixels.rgb {
        Rgb::Bytes(rgb) => {
            bytes = on.lend(rgb)?;
            (bytes.at(), kernel!(scale_down_bytes))
        }
        Rgb::Floats(rgb) => {
            floats = on.lend(rgb)?;
            (floats.at().cast(), kernel!(scale_down_floats))
        }
    };
    let parts = pixels.width * 3;
    let (height, width) = (rows.first.len() as u32, columns.first.len() as u32);
    let band = height.min(G::BAND);
    // One float more: across, the last pixel of a row is read as four.
    let between = on.room::<f32>(parts as usize * band as usize + 1)?;
    let view = |input, output, (weights, first): (&G::List<'_, f32>, &G::List<'_, u32>), taps, width, in_stride, out_stride| {
        ScaleView { input, output, weights: weights.at(), first: first.at(), width, in_stride, out_stride, taps, from_row: 0 }
    };
    let (row_weights, row_first) = (on.lend(&rows.weights)?, on.lend(&rows.first)?);
    let (column_weights, column_first) = (on.lend(&columns.weights)?, on.lend(&columns.first)?);
    let between = between.at().cast::<u8>();
    let mut first = view(input, between, (&row_weights, &row_first), rows.taps, parts, parts, parts);
    let mut second = view(between, out, (&column_weights, &column_first), columns.taps, width, parts, width * 3);
    for from_row in (0..height).step_by(band as usize) {
        (first.from_row, second.from_row) = (from_row, from_row);
        let rows = (height - from_row).min(band);
        // SAFETY: windows lie within the picture; `between` holds the band; each row is written by itself.
        unsafe {
            on.run(down, &first, Extent::Pixels(parts, rows), ROWS)?;
            on.run(across, &second, Extent::Pixels(width, rows), ROWS)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.scale_records), [size_of::<ScaleView>(), offset_of!(ScaleView, from_row)]);
    }
}
