//! What a text says, by lexicons: folded, undisguised, read with its context.

mod context;
mod fold;
mod language;
mod lexicon;
mod scan;
mod tokens;

pub use context::Context;
pub use language::{LANGUAGES, Language};
pub use lexicon::{Lexicon, LexiconError, code, decode};
pub use scan::{Setting, scan};

/// The longest text that is read, in characters.
pub const TEXT_CHARS_MAX: usize = 100_000;
