//! Written music: parts of notes, in seconds and (fractional) MIDI keys.

use crate::drums::Drum;

/// A composed cue.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What it is, for credits and the manifest ("raga Mohanam in adi tala").
    pub what: String,
    pub seconds: f32,
    pub parts: Vec<Part>,
    /// Seconds over which the whole dies away at its end.
    pub fade_seconds: f32,
}

/// What one player plays.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub instrument: Instrument,
    /// −1 left … 1 right.
    pub pan: f32,
    /// 0–1.
    pub gain: f32,
    /// Share of the hall, 0–1.
    pub hall: f32,
    pub notes: Vec<Note>,
}

/// What a part is played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// A General MIDI program, from 0.
    Program(u8),
    /// General MIDI percussion (keys are instruments) with the kit of this program (0 standard, 32 jazz, 40 brush, 48 orchestra).
    Kit(u8),
    /// klieg's own drone lute: one note is one plucked string left to ring.
    Tanpura,
    /// klieg's own hand drums: a note's key is a stroke.
    Drum(Drum),
}

/// A note.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// Seconds from the cue's start.
    pub at: f32,
    /// Seconds it is held.
    pub seconds: f32,
    /// MIDI key; a fraction is heard. For a drum the stroke.
    pub key: f32,
    /// 0–1.
    pub velocity: f32,
    /// Bends: (seconds after the start, semitones from `key`), ascending, straight in between.
    pub bends: Vec<(f32, f32)>,
}
