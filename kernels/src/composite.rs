//! One picture over another: Porter and Duff's "over" (1984), for titles, captions and layers.
//!
//! Colours and opacity are 0–1 as floats, 0–255 as bytes. Floats are within 1e-6 of the exact result (straight over straight: 1e-5);
//! bytes within 0.501 before they are rounded.

use crate::error::KernelError;
use crate::pixels::check_side;
use crate::target::{Extent, Kernel, List, Plain, Target, faces, kernel};

/// Whether colours are already multiplied by their opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpha {
    Premultiplied,
    Straight,
}

/// What the picture below consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Three parts a pixel: opaque.
    Rgb,
    /// Four, with the same kind of opacity as the picture above.
    Rgba,
}

/// The record of `composite.cpp`.
#[repr(C)]
pub struct OverView {
    top: *const u8,
    under: *mut u8,
    width: u32,
    straight: u32,
}

const ROWS: u32 = 8;

faces! {
    /// Puts RGBA bytes over a picture of the same size.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    fn over_bytes(size: (u32, u32), top: &[u8], alpha: Alpha, under: &mut [u8], below: Below) -> ()
}

fn over_bytes(
    on: &impl Target,
    size: (u32, u32),
    top: &[u8],
    alpha: Alpha,
    under: &mut [u8],
    below: Below,
) -> Result<(), KernelError> {
    over(on, [kernel!(over_rgb_bytes), kernel!(over_rgba_bytes)], size, top, alpha, under, below)
}

faces! {
    /// Puts RGBA floats over a picture of the same size. Colours may be brighter than 1.
    ///
    /// # Errors
    /// As for bytes.
    fn over_floats(size: (u32, u32), top: &[f32], alpha: Alpha, under: &mut [f32], below: Below) -> ()
}

fn over_floats(
    on: &impl Target,
    size: (u32, u32),
    top: &[f32],
    alpha: Alpha,
    under: &mut [f32],
    below: Below,
) -> Result<(), KernelError> {
    over(on, [kernel!(over_rgb_floats), kernel!(over_rgba_floats)], size, top, alpha, under, below)
}

/// By the kernels for three and four parts below, of the kind that the pictures have.
fn over<T: Plain>(
    on: &impl Target,
    [rgb, rgba]: [Kernel<OverView>; 2],
    (width, height): (u32, u32),
    top: &[T],
    alpha: Alpha,
    under: &mut [T],
    below: Below,
) -> Result<(), KernelError> {
    check(width, height, top.len(), under.len(), below)?;
    let (top, under) = (on.lend(top)?, on.lend_mut(under)?);
    let view = OverView { top: top.at().cast(), under: under.at().cast(), width, straight: u32::from(alpha == Alpha::Straight) };
    let kernel = if below == Below::Rgb { rgb } else { rgba };
    // SAFETY: both hold width × height pixels (checked).
    unsafe { on.run(kernel, &view, Extent::Pixels(width, height), ROWS) }?;
    on.give_back(under)
}

fn check(width: u32, height: u32, top: usize, under: usize, below: Below) -> Result<(), KernelError> {
    check_side(width, height)?;
    let pixels = width as usize * height as usize;
    let parts = if below == Below::Rgb { 3 } else { 4 };
    match [("the picture above", top, pixels * 4), ("the picture below", under, pixels * parts)]
        .into_iter()
        .find(|(_, found, wanted)| found != wanted)
    {
        Some((list, found, wanted)) => Err(KernelError::Length { list, found, wanted }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.composite_records), [size_of::<OverView>(), offset_of!(OverView, straight)]);
    }
}
