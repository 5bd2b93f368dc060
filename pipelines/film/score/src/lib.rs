//! The film's music: [`compose`] writes notes for a scene out of its culture, mood, hour and the film's theme; [`play`] sounds
//! them, on a sampled sound font where there is one and on klieg's own instruments where there is none.

mod brief;
mod compose;
mod drums;
mod font;
mod piece;
mod plain;
mod play;
mod scale;
mod sheet;
mod styles;
mod tanpura;
mod theme;

pub use brief::CueBrief;
pub use compose::compose;
pub use drums::Drum;
pub use font::{FontError, SoundFont, font_path, sound_font};
pub use piece::{Instrument, Note, Part, Piece};
pub use play::play;
