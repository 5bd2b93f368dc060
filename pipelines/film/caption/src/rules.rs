//! The numbers that captions keep.

use klieg_film_words::FPS;

/// Characters (grapheme clusters) on a line.
pub const LINE_CHARACTERS: usize = 42;
/// Lines on the screen.
pub const LINES: usize = 2;
/// Characters a second that viewers read without effort.
pub const CHARACTERS_A_SECOND: u32 = 17;
/// Five sixths of a second.
pub const SHORTEST_FRAMES: u32 = FPS * 5 / 6;
/// Seven seconds.
pub const LONGEST_FRAMES: u32 = FPS * 7;
/// Between two captions, so that the eye sees the change.
pub const GAP_FRAMES: u32 = 2;
/// A longer pause than [`GAP_FRAMES`] but shorter than this flickers: it is closed.
pub const FLICKER_FRAMES: u32 = FPS / 2;
/// How long before the first sound a caption may stand when its words need the time.
pub const LEAD_FRAMES: u32 = FPS / 2;
