//! Spoken lines: who sounds how ([`voices`]), and a line's samples with the time and mouth shape of every phone ([`speak`]).
//!
//! Two synthesisers, both separate programs: `flite` for English, and `klieg-speech-helper` (espeak-ng, GPL-3.0-or-later,
//! built from `pipelines/speech-helper`) for every other language. Neither is linked into klieg.

mod doctor;
mod espeak;
mod flite;
mod language;
mod mouth;
mod program;
mod signal;
mod speak;
mod text;
mod voice;

pub use doctor::{Availability, available};
pub use language::of_script;
pub use program::SpeechError;
pub use speak::{Utterance, speak};
pub use voice::{Engine, Voice, voices};
