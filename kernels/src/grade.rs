//! Grading with an ASC CDL and a 3D look-up table.
//!
//! Within 4e-6 of the exact result, times the steepest step of the table between neighbouring entries.

use crate::Cpu;
use crate::cube::Lut;
use crate::error::KernelError;
use crate::pixels::check_side;

/// A colour decision list (ASC CDL 1.2): clamp(in · slope + offset) to the power, then saturation around BT.709's luma, clamped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cdl {
    /// From 0.
    pub slope: [f32; 3],
    pub offset: [f32; 3],
    /// Above 0.
    pub power: [f32; 3],
    /// From 0; 1 leaves colours as they are.
    pub saturation: f32,
}

impl Default for Cdl {
    fn default() -> Self {
        Self { slope: [1.0; 3], offset: [0.0; 3], power: [1.0; 3], saturation: 1.0 }
    }
}

/// The record of `grade.cpp`.
#[repr(C)]
pub struct GradeView {
    input: *const f32,
    output: *mut f32,
    lut: *const f32,
    width: u32,
    size: u32,
    slope: [f32; 3],
    offset: [f32; 3],
    power: [f32; 3],
    saturation: f32,
    low: [f32; 3],
    scale: [f32; 3],
}

const ROWS: u32 = 8;

impl Cpu {
    /// Grades a picture in place: first the decision list, then the table. Colours outside of 0–1 are clamped; what isn't a number
    /// counts as 0.
    ///
    /// # Errors
    /// `Size`, `Length`; `Range` for a list with a negative slope or saturation, a power that isn't positive, or anything not finite.
    pub fn grade(
        &self,
        (width, height): (u32, u32),
        rgb: &mut [[f32; 3]],
        cdl: &Cdl,
        lut: Option<&Lut>,
    ) -> Result<(), KernelError> {
        check_side(width, height)?;
        let wanted = width as usize * height as usize;
        if rgb.len() != wanted {
            return Err(KernelError::Length { list: "rgb", found: rgb.len(), wanted });
        }
        check(cdl)?;
        let Cdl { slope, offset, power, saturation } = *cdl;
        let view = GradeView {
            input: rgb.as_ptr().cast(),
            output: rgb.as_mut_ptr().cast(),
            lut: lut.map_or(std::ptr::null(), |l| l.colors().as_ptr().cast()),
            width,
            size: lut.map_or(0, Lut::size),
            slope,
            offset,
            power,
            saturation,
            low: lut.map_or([0.0; 3], |l| l.domain().0),
            scale: lut.map_or([0.0; 3], Lut::scale),
        };
        // SAFETY: the picture holds width × height pixels, the table size³ colours; each row is written by one thread.
        unsafe { self.launch(self.kernels.grade, &view, height, ROWS) };
        Ok(())
    }
}

fn check(cdl: &Cdl) -> Result<(), KernelError> {
    let refuse = |what, wanted| Err(KernelError::Range { what, wanted });
    if !cdl.slope.iter().all(|x| x.is_finite() && *x >= 0.0) {
        return refuse("a slope", "a number from 0");
    }
    if !cdl.offset.iter().all(|x| x.is_finite()) {
        return refuse("an offset", "a number");
    }
    if !cdl.power.iter().all(|x| x.is_finite() && *x > 0.0) {
        return refuse("a power", "a number above 0");
    }
    if !(cdl.saturation.is_finite() && cdl.saturation >= 0.0) {
        return refuse("the saturation", "a number from 0");
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
        assert_eq!(records(|k| k.grade_records), [size_of::<GradeView>(), offset_of!(GradeView, scale)]);
    }
}
