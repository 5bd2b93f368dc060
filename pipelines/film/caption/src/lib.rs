//! Captions from the cut: what is said, when it is heard, set in two short lines that can be read in time, and written as
//! SubRip, WebVTT and Advanced SubStation Alpha.
//!
//! The rules are those of broadcasters and streaming services (Netflix Timed Text Style Guide, BBC Subtitle Guidelines); the numbers
//! stand in [`rules`].

mod heard;
pub mod rules;
mod text;
mod time;
mod write;

pub use write::{ass, srt, vtt};

use klieg_film_words::{shot::Cut, story::Story};

/// What stands on the screen from one frame to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Film frames; the end is exclusive.
    pub start_frame: u32,
    pub end_frame: u32,
    /// One or two.
    pub lines: Vec<String>,
    /// Who speaks, as the script writes the name; two names joined by ` & ` when two speak at once.
    pub speaker: String,
}

/// The captions of a film in order; they never overlap. A line that doesn't fit one caption is split at phrases, its time shared
/// in proportion to the text. The name of a speaker whom the picture doesn't show stands before the words.
pub fn captions(cut: &Cut, story: &Story) -> Vec<Caption> {
    let heard = heard::heard(cut, story);
    time::spread(heard, cut.frames())
}
