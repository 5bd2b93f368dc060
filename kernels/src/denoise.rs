//! What the denoiser's launches share on every device: `source/denoise.cpp` says what each does.

use crate::abi;

/// Steps of the wavelet and how many deviations of luminance it crosses.
pub const PASSES: [(u32, f32); 4] = [(1, 6.0), (2, 2.0), (4, 2.0), (8, 2.5)];

/// Floats from one row of a plane to the next.
pub fn stride(width: u32) -> u32 {
    width.next_multiple_of(abi::CHUNK) + 2 * abi::PAD
}
