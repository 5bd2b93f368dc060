//! From RGB to what encoders read.
//!
//! BT.709's matrix and limited range (luma 16–235, chroma 16–240, times four in 10 bits). Chroma is sited left (as H.264 and HEVC
//! have it by default): across, at the even pixels, each the 1-2-1 mean of three; down, in 4:2:0, midway between two rows. Pixels
//! past an edge repeat it, so odd sizes work. From the exactly computed and rounded code a code differs by at most 1, and by
//! more than 0.55 from the unrounded one never (bytes) or 0.6 (floats).

use crate::Cpu;
use crate::abi::Launch;
use crate::error::KernelError;
use crate::pixels::{Pixels, Rgb, check_side};

/// How codes lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 4:2:0, 8 bits: a plane of luma, a plane of blue and red chroma in turn.
    Nv12,
    /// 4:2:0, 10 bits in the upper part of 16, little-endian: planes as in NV12.
    P010,
    /// 4:2:2, 10 bits in the lower part of 16, little-endian: planes of luma, blue and red chroma.
    Yuv422p10,
}

impl Format {
    /// Bytes a row and rows of each plane, for a picture of that size.
    pub fn planes(self, width: u32, height: u32) -> Vec<(usize, usize)> {
        let (w, h) = (width as usize, height as usize);
        let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
        match self {
            Self::Nv12 => vec![(w, h), (half_w * 2, half_h)],
            Self::P010 => vec![(w * 2, h), (half_w * 4, half_h)],
            Self::Yuv422p10 => vec![(w * 2, h), (half_w * 2, h), (half_w * 2, h)],
        }
    }

    fn bytes_a_code(self) -> usize {
        if self == Self::Nv12 { 1 } else { 2 }
    }
}

/// The curve from linear light to codes that floats are stored with. Bytes are taken as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// The floats are no longer linear.
    Coded = 0,
    /// sRGB's, so that floats give the codes of the bytes that `develop` makes.
    Srgb = 1,
    /// BT.709's camera curve.
    Bt709 = 2,
}

/// A plane to be written: rows of `stride` bytes.
pub struct PlaneMut<'a> {
    pub bytes: &'a mut [u8],
    pub stride: usize,
}

/// A converted picture without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub format: Format,
    pub width: u32,
    pub height: u32,
    /// As `Format::planes` says.
    pub planes: Vec<Vec<u8>>,
}

/// The record of `convert.cpp`.
#[repr(C)]
pub struct ConvertView {
    rgb: *const u8,
    luma: *mut u8,
    blue: *mut u8,
    red: *mut u8,
    luma_stride: u32,
    chroma_stride: u32,
    width: u32,
    rgb_width: u32,
    rgb_height: u32,
    transfer: u32,
}

const ROWS: u32 = 8;

impl Cpu {
    /// Converts a picture. Floats are clamped to 0–1, and what isn't a number counts as 0.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    pub fn convert(&self, pixels: &Pixels<'_>, transfer: Transfer, format: Format) -> Result<Frame, KernelError> {
        check_side(pixels.width, pixels.height)?;
        let sizes = format.planes(pixels.width, pixels.height);
        let mut planes: Vec<_> = sizes.iter().map(|(stride, rows)| vec![0; stride * rows]).collect();
        let mut lent: Vec<_> =
            planes.iter_mut().zip(&sizes).map(|(bytes, (stride, _))| PlaneMut { bytes, stride: *stride }).collect();
        self.convert_into(pixels, transfer, format, &mut lent)?;
        Ok(Frame { format, width: pixels.width, height: pixels.height, planes })
    }

    /// The same into planes that are there, such as an encoder's. What lies between the end of a row and its stride isn't touched.
    ///
    /// # Errors
    /// Also `Length` for the wrong number of planes, and for planes or strides that are too short or not aligned to codes.
    pub fn convert_into(
        &self,
        pixels: &Pixels<'_>,
        transfer: Transfer,
        format: Format,
        planes: &mut [PlaneMut<'_>],
    ) -> Result<(), KernelError> {
        pixels.check()?;
        check_planes(format, pixels, planes)?;
        let mut pointers = planes.iter_mut().map(|p| p.bytes.as_mut_ptr());
        let mut next = || pointers.next().unwrap_or(std::ptr::null_mut());
        let view = ConvertView {
            rgb: pixels.pointer(),
            luma: next(),
            blue: next(),
            red: next(),
            luma_stride: planes[0].stride as u32,
            chroma_stride: planes[1].stride as u32,
            width: pixels.width.div_ceil(2),
            rgb_width: pixels.width,
            rgb_height: pixels.height,
            transfer: transfer as u32,
        };
        let rows = if format == Format::Yuv422p10 { pixels.height } else { pixels.height.div_ceil(2) };
        // SAFETY: the planes hold as many rows as the format has (checked above); each row is written by one thread.
        unsafe { self.launch(self.converter(format, pixels.rgb), &view, rows, ROWS) };
        Ok(())
    }

    fn converter(&self, format: Format, rgb: Rgb<'_>) -> Launch<ConvertView> {
        let k = &self.kernels;
        match (format, rgb) {
            (Format::Nv12, Rgb::Bytes(_)) => k.convert_nv12_bytes,
            (Format::Nv12, Rgb::Floats(_)) => k.convert_nv12_floats,
            (Format::P010, Rgb::Bytes(_)) => k.convert_p010_bytes,
            (Format::P010, Rgb::Floats(_)) => k.convert_p010_floats,
            (Format::Yuv422p10, Rgb::Bytes(_)) => k.convert_422p10_bytes,
            (Format::Yuv422p10, Rgb::Floats(_)) => k.convert_422p10_floats,
        }
    }
}

fn check_planes(format: Format, pixels: &Pixels<'_>, planes: &[PlaneMut<'_>]) -> Result<(), KernelError> {
    let sizes = format.planes(pixels.width, pixels.height);
    let code = format.bytes_a_code();
    if planes.len() != sizes.len() {
        return Err(KernelError::Length { list: "planes", found: planes.len(), wanted: sizes.len() });
    }
    for (plane, (row, rows)) in planes.iter().zip(&sizes) {
        if plane.stride < *row || plane.stride > u32::MAX as usize || !plane.stride.is_multiple_of(code) {
            return Err(KernelError::Length { list: "a plane's stride", found: plane.stride, wanted: *row });
        }
        let wanted = plane.stride * (rows - 1) + row;
        if plane.bytes.len() < wanted {
            return Err(KernelError::Length { list: "a plane", found: plane.bytes.len(), wanted });
        }
        if !(plane.bytes.as_ptr() as usize).is_multiple_of(code) {
            return Err(KernelError::Unaligned { what: "a plane", to: code });
        }
    }
    if format == Format::Yuv422p10 && planes[1].stride != planes[2].stride {
        return Err(KernelError::Length { list: "the red plane's stride", found: planes[2].stride, wanted: planes[1].stride });
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
        assert_eq!(records(|k| k.convert_records), [size_of::<ConvertView>(), offset_of!(ConvertView, transfer)]);
    }
}
