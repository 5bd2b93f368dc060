//! Pictures as the pixel kernels take them: borrowed, rows from the top without gap, RGB.

use crate::error::KernelError;
use crate::render::Picture;

/// The longest side of a picture.
pub const SIDE_MAX: u32 = 1 << 17;

/// Red, green and blue of each pixel.
#[derive(Clone, Copy, Debug)]
pub enum Rgb<'a> {
    /// 0–255, width × height × 3.
    Bytes(&'a [u8]),
    /// 0–1 (more is allowed where a kernel says so), width × height.
    Floats(&'a [[f32; 3]]),
}

/// A borrowed picture.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    pub width: u32,
    pub height: u32,
    pub rgb: Rgb<'a>,
}

impl<'a> Pixels<'a> {
    pub fn bytes(width: u32, height: u32, rgb: &'a [u8]) -> Self {
        Self { width, height, rgb: Rgb::Bytes(rgb) }
    }

    pub fn floats(width: u32, height: u32, rgb: &'a [[f32; 3]]) -> Self {
        Self { width, height, rgb: Rgb::Floats(rgb) }
    }

    /// Refuses what isn't a picture of its size.
    pub(crate) fn check(&self) -> Result<(), KernelError> {
        check_side(self.width, self.height)?;
        let pixels = self.width as usize * self.height as usize;
        let (found, wanted) = match self.rgb {
            Rgb::Bytes(bytes) => (bytes.len(), pixels * 3),
            Rgb::Floats(floats) => (floats.len(), pixels),
        };
        if found == wanted { Ok(()) } else { Err(KernelError::Length { list: "rgb", found, wanted }) }
    }

    pub(crate) fn pointer(&self) -> *const u8 {
        match self.rgb {
            Rgb::Bytes(bytes) => bytes.as_ptr(),
            Rgb::Floats(floats) => floats.as_ptr().cast(),
        }
    }
}

impl<'a> From<&'a Picture> for Pixels<'a> {
    fn from(picture: &'a Picture) -> Self {
        Self::bytes(picture.width, picture.height, &picture.rgb)
    }
}

pub(crate) fn check_side(width: u32, height: u32) -> Result<(), KernelError> {
    let fits = |side| (1..=SIDE_MAX).contains(&side);
    if fits(width) && fits(height) { Ok(()) } else { Err(KernelError::Size { width, height, most: SIDE_MAX }) }
}
