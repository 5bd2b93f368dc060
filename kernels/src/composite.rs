//! One picture over another: Porter and Duff's "over" (1984), for titles, captions and layers.
//!
//! Colours and opacity are 0–1 as floats, 0–255 as bytes. Floats are within 1e-6 of the exact result (straight over straight: 1e-5);
//! bytes within 0.501 before they are rounded.

use crate::Cpu;
use crate::abi::Launch;
use crate::error::KernelError;
use crate::pixels::check_side;

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

impl Cpu {
    /// Puts RGBA bytes over a picture of the same size.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    pub fn over_bytes(
        &self,
        (width, height): (u32, u32),
        top: &[u8],
        alpha: Alpha,
        under: &mut [u8],
        below: Below,
    ) -> Result<(), KernelError> {
        check(width, height, top.len(), under.len(), below)?;
        let kernel = if below == Below::Rgb { self.kernels.over_rgb_bytes } else { self.kernels.over_rgba_bytes };
        // SAFETY: both hold width × height pixels.
        unsafe { self.over(kernel, (width, height), top.as_ptr(), alpha, under.as_mut_ptr()) };
        Ok(())
    }

    /// Puts RGBA floats over a picture of the same size. Colours may be brighter than 1.
    ///
    /// # Errors
    /// As for bytes.
    pub fn over_floats(
        &self,
        (width, height): (u32, u32),
        top: &[f32],
        alpha: Alpha,
        under: &mut [f32],
        below: Below,
    ) -> Result<(), KernelError> {
        check(width, height, top.len(), under.len(), below)?;
        let kernel = if below == Below::Rgb { self.kernels.over_rgb_floats } else { self.kernels.over_rgba_floats };
        // SAFETY: as above.
        unsafe { self.over(kernel, (width, height), top.as_ptr().cast(), alpha, under.as_mut_ptr().cast()) };
        Ok(())
    }

    /// # Safety
    /// Both pictures hold as many parts as the kernel reads.
    unsafe fn over(&self, kernel: Launch<OverView>, (width, height): (u32, u32), top: *const u8, alpha: Alpha, under: *mut u8) {
        let view = OverView { top, under, width, straight: u32::from(alpha == Alpha::Straight) };
        // SAFETY: the caller's; each row is written by one thread.
        unsafe { self.launch(kernel, &view, height, ROWS) };
    }
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
