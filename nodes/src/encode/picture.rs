//! RGB to the encoders' planes and back: BT.709 matrix, limited range.

use super::fail;
use ffmpeg_next::{
    self as ffmpeg, color, ffi,
    format::Pixel,
    frame,
    software::scaling::{Context, Flags},
};
use klieg_protocol::TaskFailure;

/// Converts pictures of one size.
pub(super) struct Converter {
    scaler: Context,
    width: u32,
    height: u32,
    pixel: Pixel,
}

// SAFETY: libswscale contexts are not bound to a thread; this one is used through `&mut` only.
unsafe impl Send for Converter {}

impl Converter {
    /// From 8-bit RGB to `pixel`.
    pub(super) fn to(pixel: Pixel, width: u32, height: u32) -> Result<Self, TaskFailure> {
        Self::new(Pixel::RGB24, pixel, width, height)
    }

    /// From `pixel` to 8-bit RGB.
    pub(super) fn from(pixel: Pixel, width: u32, height: u32) -> Result<Self, TaskFailure> {
        Self::new(pixel, Pixel::RGB24, width, height)
    }

    fn new(from: Pixel, to: Pixel, width: u32, height: u32) -> Result<Self, TaskFailure> {
        if width == 0 || height == 0 || !width.is_multiple_of(2) || !height.is_multiple_of(2) || width.max(height) > 16_384 {
            return Err(fail::task(format!(
                "{width}×{height} is no picture size for video: both sides must be even, at most 16384"
            )));
        }
        let exact = Flags::BICUBIC | Flags::ACCURATE_RND | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP | Flags::BITEXACT;
        let failed = |e: ffmpeg::Error| fail::task(format!("failed to convert {from:?} to {to:?}: {e}"));
        let mut scaler = Context::get(from, width, height, to, width, height, exact).map_err(failed)?;
        let full = |pixel| i32::from(pixel == Pixel::RGB24);
        // SAFETY: `scaler` holds a live context; the coefficient tables are static arrays of libswscale.
        let set = unsafe {
            let bt709 = ffi::sws_getCoefficients(ffi::SWS_CS_ITU709);
            ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), bt709, full(from), bt709, full(to), 0, 1 << 16, 1 << 16)
        };
        if set < 0 {
            return Err(fail::task("failed to set the BT.709 matrix of libswscale"));
        }
        Ok(Self { scaler, width, height, pixel: to })
    }

    /// Tightly packed RGB, width × height × 3, to a new frame for an encoder.
    pub(super) fn encode(&mut self, rgb: &[u8]) -> Result<frame::Video, TaskFailure> {
        let row = self.width as usize * 3;
        if rgb.len() != row * self.height as usize {
            return Err(fail::task(format!("a frame has {} bytes, {}×{}×3 were expected", rgb.len(), self.width, self.height)));
        }
        let mut packed = frame::Video::new(Pixel::RGB24, self.width, self.height);
        let stride = packed.stride(0);
        for (to, from) in packed.data_mut(0).chunks_mut(stride).zip(rgb.chunks(row)) {
            to[..row].copy_from_slice(from);
        }
        let mut planes = self.run(&packed)?;
        planes.set_color_space(color::Space::BT709);
        planes.set_color_primaries(color::Primaries::BT709);
        planes.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
        planes.set_color_range(color::Range::MPEG);
        Ok(planes)
    }

    /// A decoded frame to tightly packed RGB.
    pub(super) fn decode(&mut self, planes: &frame::Video) -> Result<Vec<u8>, TaskFailure> {
        let packed = self.run(planes)?;
        let row = self.width as usize * 3;
        Ok(packed.data(0).chunks(packed.stride(0)).take(self.height as usize).flat_map(|r| &r[..row]).copied().collect())
    }

    fn run(&mut self, from: &frame::Video) -> Result<frame::Video, TaskFailure> {
        let mut to = frame::Video::new(self.pixel, self.width, self.height);
        self.scaler.run(from, &mut to).map_err(|e| fail::task(format!("failed to convert a frame: {e}")))?;
        Ok(to)
    }
}
