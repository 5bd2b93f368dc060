//! What is heard: spoken lines with phoneme times, and the audio buffers that pass between speech, score and mix.

use serde::{Deserialize, Serialize};

/// Samples a second of everything after speech synthesis.
pub const SAMPLE_RATE: u32 = 48_000;

crate::story::words!(/// Mouth shapes as Rhubarb Lip Sync names them (after Hanna-Barbera).
MouthShape {
    /// Closed, P B M.
    A = "a",
    /// Slightly open, clenched teeth: K S T, EE.
    B = "b",
    /// Open: EH AE.
    C = "c",
    /// Wide open: AA.
    D = "d",
    /// Slightly rounded: AO ER.
    E = "e",
    /// Puckered: UW OW W.
    F = "f",
    /// Teeth on lip: F V.
    G = "g",
    /// Tongue up: L.
    H = "h",
    /// At rest.
    X = "x",
});

/// A phone with its time in the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phone {
    /// The synthesiser's own symbol.
    pub symbol: String,
    /// Seconds from the line's first sample.
    pub start: f32,
    pub end: f32,
    pub mouth: MouthShape,
    /// Starts a stressed syllable: where a gesture or nod may land.
    pub stressed: bool,
}

/// A line as it was spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spoken {
    /// Seconds, silence at both ends trimmed to 20 ms.
    pub seconds: f32,
    /// In time order, pauses as [`MouthShape::X`].
    pub phones: Vec<Phone>,
    /// The voice that spoke ("flite/slt", "espeak/ta+f3").
    pub voice: String,
    /// Why another voice than the one asked for spoke, if so.
    pub fallback: Option<String>,
}

/// Interleaved stereo at [`SAMPLE_RATE`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stereo {
    pub samples: Vec<[f32; 2]>,
}

impl Stereo {
    pub fn silence(seconds: f32) -> Self {
        Self { samples: vec![[0.0; 2]; (seconds * SAMPLE_RATE as f32).round() as usize] }
    }
    pub fn seconds(&self) -> f32 {
        self.samples.len() as f32 / SAMPLE_RATE as f32
    }
    /// Adds `other` from `at` seconds on, with `gain`; what reaches past the end is cut.
    pub fn add(&mut self, other: &[[f32; 2]], at: f32, gain: f32) {
        let first = (at * SAMPLE_RATE as f32).round() as i64;
        for (i, s) in other.iter().enumerate() {
            if let Ok(at) = usize::try_from(first + i as i64)
                && let Some(out) = self.samples.get_mut(at)
            {
                out[0] += s[0] * gain;
                out[1] += s[1] * gain;
            }
        }
    }
}
