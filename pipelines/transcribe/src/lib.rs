//! The job kind `transcribe`: what is said in a sound, with times, by a Whisper model of the shelf.
//!
//! Sounds are WAV files: the port between kinds and nodes decodes no other format.

mod kind;
mod subtitles;

pub use kind::Transcribe;
