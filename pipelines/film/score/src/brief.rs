//! What a cue is for.

use klieg_film_words::story::{Culture, Mood, Occasion, Period, Place, TimeOfDay};
use serde::{Deserialize, Serialize};

/// A scene's music, ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CueBrief {
    pub culture: Culture,
    pub period: Period,
    pub mood: Mood,
    pub place: Place,
    pub time: TimeOfDay,
    pub occasion: Occasion,
    /// Length of the picture it plays to.
    pub seconds: f32,
    /// The film's theme: the same for all its cues.
    pub film_seed: u64,
    /// This cue's own choices.
    pub seed: u64,
    /// The film's last cue: ends with a cadence.
    pub last: bool,
}
