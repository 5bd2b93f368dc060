//! From RGB to what encoders read.
//!
//! BT.709's matrix and limited range (luma 16–235, chroma 16–240, times four in 10 bits). Chroma is sited left (as H.264 and HEVC
//! have it by default): across, at the even pixels, each the 1-2-1 mean of three; down, in 4:2:0, midway between two rows. Pixels
//! past an edge repeat it, so odd sizes work. From the exactly computed and rounded code a code differs by at most 1, and by
//! more than 0.55 from the unrounded one never (bytes) or 0.6 (floats).

use crate::Cpu;
use crate::error::KernelError;
use crate::pixels::{Pixels, Rgb};
use crate::target::{Extent, Kernel, List, Target, faces, kernel};

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

    /// Rows of chroma, each with its one or two of luma.
    fn chroma_rows(self, height: u32) -> u32 {
        if self == Self::Yuv422p10 { height } else { height.div_ceil(2) }
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

faces! {
    /// Converts a picture. Floats are clamped to 0–1, and what isn't a number counts as 0.
    ///
    /// # Errors
    /// `Size` for an empty or too large picture, `Length` where the pixels aren't as many as its size says.
    fn convert(pixels: &Pixels<'_>, transfer: Transfer, format: Format) -> Frame; also wgsl
}

fn convert(on: &impl Target, pixels: &Pixels<'_>, transfer: Transfer, format: Format) -> Result<Frame, KernelError> {
    pixels.check()?;
    let Pixels { width, height, rgb } = *pixels;
    match rgb {
        Rgb::Bytes(rgb) => converted(on, on.lend(rgb)?.at(), (width, height), None, format),
        Rgb::Floats(rgb) => converted(on, on.lend(rgb)?.at().cast(), (width, height), Some(transfer), format),
    }
}

/// Converts pixels that are on the target: bytes or, if they have a transfer, floats.
pub(crate) fn converted(
    on: &impl Target,
    rgb: *mut u8,
    (width, height): (u32, u32),
    floats: Option<Transfer>,
    format: Format,
) -> Result<Frame, KernelError> {
    let sizes = format.planes(width, height);
    let planes = sizes.iter().map(|(stride, rows)| on.room::<u8>(stride * rows)).collect::<Result<Vec<_>, _>>()?;
    let at = |i: usize| (planes.get(i).map_or(std::ptr::null_mut(), List::at), sizes.get(i).map_or(0, |size| size.0));
    let view = ConvertView::new(rgb, (width, height), floats, [at(0), at(1), at(2)]);
    // SAFETY: the planes hold as many rows as the format has; each row is written by itself.
    unsafe { on.run(converter(format, floats.is_some()), &view, Extent::Pixels(view.width, format.chroma_rows(height)), ROWS) }?;
    let planes = planes.into_iter().map(|plane| on.take(plane)).collect::<Result<_, _>>()?;
    Ok(Frame { format, width, height, planes })
}

impl Cpu {
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
        let floats = matches!(pixels.rgb, Rgb::Floats(_)).then_some(transfer);
        let mut lent = planes.iter_mut().map(|p| (p.bytes.as_mut_ptr(), p.stride));
        let mut next = || lent.next().unwrap_or((std::ptr::null_mut(), 0));
        let size = (pixels.width, pixels.height);
        let view = ConvertView::new(pixels.pointer().cast_mut(), size, floats, [next(), next(), next()]);
        let extent = Extent::Pixels(view.width, format.chroma_rows(pixels.height));
        // SAFETY: the planes hold as many rows as the format has (checked); each row is written by one thread.
        unsafe { self.run(converter(format, floats.is_some()), &view, extent, ROWS) }
    }
}

impl ConvertView {
    /// Of planes of so many bytes a row.
    fn new(rgb: *const u8, (width, height): (u32, u32), floats: Option<Transfer>, planes: [(*mut u8, usize); 3]) -> Self {
        let [(luma, luma_stride), (blue, chroma_stride), (red, _)] = planes;
        Self {
            rgb,
            luma,
            blue,
            red,
            luma_stride: luma_stride as u32,
            chroma_stride: chroma_stride as u32,
            width: width.div_ceil(2),
            rgb_width: width,
            rgb_height: height,
            transfer: floats.map_or(0, |transfer| transfer as u32),
        }
    }
}

fn converter(format: Format, floats: bool) -> Kernel<ConvertView> {
    match (format, floats) {
        (Format::Nv12, false) => kernel!(convert_nv12_bytes),
        (Format::Nv12, true) => kernel!(convert_nv12_floats),
        (Format::P010, false) => kernel!(convert_p010_bytes),
        (Format::P010, true) => kernel!(convert_p010_floats),
        (Format::Yuv422p10, false) => kernel!(convert_422p10_bytes),
        (Format::Yuv422p10, true) => kernel!(convert_422p10_floats),
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
