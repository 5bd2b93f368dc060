//! What developing has in common on every device: `source/film.cpp` says what each launch does.

use crate::abi::FilmView;
use crate::grade::{Cdl, Grade};
use crate::render::{Finish, seed_of};

/// Bloom is blurred over so many halvings, fewer where a side would shrink past [`BLOOM_LEAST`].
pub const BLOOM_LEVELS: usize = 6;
pub const BLOOM_LEAST: u32 = 4;
/// How much of a finer level of the bloom stays when a coarser one is added.
pub const BLOOM_KEEP: f32 = 0.45;

/// The brightest that counts for the bloom: a lamp seen directly may be a thousand times white; its glow needn't be.
pub fn glow_most(exposure: f32) -> f32 {
    24.0 / exposure.max(1e-6)
}

/// The last launch's arguments but for the pictures that it reads and writes, and the table's colours.
pub fn view(Finish { look, lut }: Finish<'_>, (width, height): (u32, u32), seed: u64) -> FilmView {
    let cdl = Cdl { slope: look.slope, offset: look.offset, power: look.power, saturation: look.saturation };
    FilmView {
        color: std::ptr::null(),
        bloom: std::ptr::null(),
        rgb: std::ptr::null_mut(),
        width,
        height,
        bloom_width: 0,
        bloom_height: 0,
        // The light of a scene has no white to clamp to.
        grade: Grade::new(&cdl, f32::MAX, lut),
        exposure: look.exposure_ev.exp2(),
        bloom_share: look.bloom.clamp(0.0, 1.0),
        grain: look.grain.max(0.0),
        vignette: look.vignette.clamp(0.0, 1.0),
        seed: seed_of(seed),
    }
}
