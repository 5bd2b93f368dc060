//! Grading with an ASC CDL and a 3D look-up table.
//!
//! Within 4e-6 of the exact result, times the steepest step of the table between neighbouring entries.

use crate::cube::Lut;
use crate::error::KernelError;
use crate::pixels::check_side;
use crate::target::{Extent, List, Target, faces, kernel};

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

/// The record of `grade.h`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Grade {
    /// Where the target has the table's colours.
    pub lut: *const f32,
    pub size: u32,
    pub slope: [f32; 3],
    pub offset: [f32; 3],
    pub power: [f32; 3],
    pub saturation: f32,
    pub most: f32,
    pub low: [f32; 3],
    pub scale: [f32; 3],
}

impl Grade {
    /// Without the table's colours yet. The list clamps to 0–`most`.
    pub fn new(cdl: &Cdl, most: f32, lut: Option<&Lut>) -> Self {
        let Cdl { slope, offset, power, saturation } = *cdl;
        Self {
            lut: std::ptr::null(),
            size: lut.map_or(0, Lut::size),
            slope,
            offset,
            power,
            saturation,
            most,
            low: lut.map_or([0.0; 3], |l| l.domain().0),
            scale: lut.map_or([0.0; 3], Lut::scale),
        }
    }
}

/// The record of `grade.cpp`.
#[repr(C)]
pub struct GradeView {
    input: *const f32,
    output: *mut f32,
    grade: Grade,
    width: u32,
}

const ROWS: u32 = 8;

faces! {
    /// Grades a picture in place: first the decision list, then the table. Colours outside of 0–1 are clamped; what isn't a number
    /// counts as 0.
    ///
    /// # Errors
    /// `Size`, `Length`; `Range` for a list with a negative slope or saturation, a power that isn't positive, or anything not finite.
    fn grade(size: (u32, u32), rgb: &mut [[f32; 3]], cdl: &Cdl, lut: Option<&Lut>) -> (); also wgsl
}

fn grade(on: &impl Target, size: (u32, u32), rgb: &mut [[f32; 3]], cdl: &Cdl, lut: Option<&Lut>) -> Result<(), KernelError> {
    check(size, rgb.len(), cdl)?;
    let (here, colors) = (on.lend_mut(rgb)?, lut.map(|lut| on.lend(lut.colors())).transpose()?);
    let grade = Grade { lut: colors.as_ref().map_or(std::ptr::null_mut(), |c| c.at().cast()), ..Grade::new(cdl, 1.0, lut) };
    let view = GradeView { input: here.at().cast(), output: here.at().cast(), grade, width: size.0 };
    // SAFETY: the picture holds width × height pixels (checked), the table size³ colours.
    unsafe { on.run(kernel!(grade), &view, Extent::Pixels(size.0, size.1), ROWS) }?;
    on.give_back(here)
}

/// Refuses what is no picture of so many pixels, and no list.
pub(crate) fn check((width, height): (u32, u32), found: usize, cdl: &Cdl) -> Result<(), KernelError> {
    check_side(width, height)?;
    let wanted = width as usize * height as usize;
    if found != wanted {
        return Err(KernelError::Length { list: "rgb", found, wanted });
    }
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
        let ours = [size_of::<GradeView>(), offset_of!(GradeView, width), size_of::<Grade>(), offset_of!(Grade, scale)];
        assert_eq!(records(|k| k.grade_records), ours);
    }
}
