//! Frames into the encoders' memory, and decoded ones to RGB: BT.709, limited range.

use super::fail;
use ffmpeg_next::{
    self as ffmpeg, color, ffi,
    format::Pixel,
    frame,
    software::scaling::{Context, Flags},
};
use klieg_kind::{Frame, Layout};
use klieg_protocol::TaskFailure;

/// Refuses sizes that 4:2:0 video can't have.
pub(super) fn check_size(width: u32, height: u32) -> Result<(), TaskFailure> {
    let fits = width > 0 && height > 0 && width.is_multiple_of(2) && height.is_multiple_of(2) && width.max(height) <= 16_384;
    let wrong = || fail::task(format!("{width}×{height} is no picture size for video: both sides must be even, at most 16384"));
    if fits { Ok(()) } else { Err(wrong()) }
}

/// A copy of a frame for an encoder of that size and pixel format.
pub(super) fn encodable(from: &Frame, pixel: Pixel, width: u32, height: u32) -> Result<frame::Video, TaskFailure> {
    let mut to = frame::Video::new(pixel, width, height);
    if (from.width, from.height) != (width, height) {
        return Err(fail::task(format!("a frame is {}×{}, {width}×{height} was expected", from.width, from.height)));
    }
    let sizes = from.format.planes(width, height);
    if from.planes.len() != sizes.len() || from.planes.iter().zip(&sizes).any(|(plane, (row, rows))| plane.len() != row * rows) {
        return Err(fail::task("a frame's planes haven't its size"));
    }
    match (from.format, pixel) {
        (Layout::Nv12, Pixel::NV12) | (Layout::Yuv422p10, Pixel::YUV422P10LE) => {
            for (i, (plane, (row, _))) in from.planes.iter().zip(&sizes).enumerate() {
                copy(plane, *row, &mut to, i);
            }
        }
        (Layout::Nv12, Pixel::YUV420P) => {
            copy(&from.planes[0], sizes[0].0, &mut to, 0);
            for i in 0..2 {
                let one: Vec<u8> = from.planes[1].iter().skip(i).step_by(2).copied().collect();
                copy(&one, sizes[1].0 / 2, &mut to, i + 1);
            }
        }
        (layout, pixel) => return Err(fail::task(format!("{layout:?} was given to an encoder of {pixel:?}"))),
    }
    to.set_color_space(color::Space::BT709);
    to.set_color_primaries(color::Primaries::BT709);
    to.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    to.set_color_range(color::Range::MPEG);
    Ok(to)
}

/// A plane of rows without gaps into one with the encoder's.
fn copy(from: &[u8], row: usize, to: &mut frame::Video, plane: usize) {
    let stride = to.stride(plane);
    for (to, from) in to.data_mut(plane).chunks_mut(stride).zip(from.chunks_exact(row)) {
        to[..row].copy_from_slice(from);
    }
}

/// A decoded frame as tightly packed 8-bit RGB.
pub(super) fn rgb(from: &frame::Video) -> Result<Vec<u8>, TaskFailure> {
    let (width, height, pixel) = (from.width(), from.height(), from.format());
    check_size(width, height)?;
    let exact = Flags::BICUBIC | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP | Flags::BITEXACT;
    let failed = |e: ffmpeg::Error| fail::task(format!("failed to convert {pixel:?} to RGB: {e}"));
    let mut scaler = Context::get(pixel, width, height, Pixel::RGB24, width, height, exact).map_err(failed)?;
    // SAFETY: `scaler` holds a live context; the coefficient tables are static arrays of libswscale.
    let set = unsafe {
        let bt709 = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709);
        ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), bt709, 0, bt709, 1, 0, 1 << 16, 1 << 16)
    };
    if set < 0 {
        return Err(fail::task("failed to set the BT.709 matrix of libswscale"));
    }
    let mut packed = frame::Video::new(Pixel::RGB24, width, height);
    scaler.run(from, &mut packed).map_err(failed)?;
    let row = width as usize * 3;
    Ok(packed.data(0).chunks(packed.stride(0)).take(height as usize).flat_map(|r| &r[..row]).copied().collect())
}
