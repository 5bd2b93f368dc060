//! What a film job may be asked for.

use crate::kind::Format;
use serde::{Deserialize, Serialize};

/// How fine the picture is. `art.md`'s previz qualities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    Draft,
    #[default]
    Standard,
    Final,
}

impl Quality {
    /// Width and height in pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Quality::Draft => (426, 240),
            Quality::Standard => (640, 360),
            Quality::Final => (1280, 720),
        }
    }
    /// Samples a pixel.
    pub fn samples(self) -> u32 {
        match self {
            Quality::Draft => 2,
            Quality::Standard => 4,
            Quality::Final => 16,
        }
    }
}

/// The loudness the film is delivered at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loudness {
    /// −14 LUFS.
    #[default]
    Web,
    /// EBU R 128, −23 LUFS.
    Ebu,
    /// −27 LUFS, measured on the dialogue.
    Netflix,
}

/// The parameters of a `film` job. The script is its input `script`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmParams {
    /// The script's file name, for messages.
    pub file: String,
    #[serde(default)]
    pub quality: Quality,
    #[serde(default = "default_seed")]
    pub seed: u64,
    #[serde(default)]
    pub on: klieg_film_animate::On,
    /// Only these scenes (`sc020`); empty is the whole film.
    #[serde(default)]
    pub only: Vec<String>,
    /// Only these shots (`sc020_sh010`); empty is all.
    #[serde(default)]
    pub shots: Vec<String>,
    #[serde(default = "default_format")]
    pub format: Format,
    #[serde(default)]
    pub loudness: Loudness,
    /// A look over the whole film; none is the films' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lut: Option<super::LutFile>,
}

/// The seed of a film that asks for none.
pub fn default_seed() -> u64 {
    1
}

fn default_format() -> Format {
    Format::Mp4
}
