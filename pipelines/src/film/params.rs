//! What a film job may be asked for.

use crate::kind::{BadInput, Format};
use klieg_protocol::Class;
use serde::{Deserialize, Serialize};

/// Shortest and longest side of a picture in pixels.
pub const SIDE_PIXELS: std::ops::RangeInclusive<u32> = 16..=7680;
/// Samples a pixel that may be asked for.
pub const SAMPLES: std::ops::RangeInclusive<u32> = 1..=4096;

/// How fine the picture is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    #[default]
    Draft,
    Standard,
    Final,
}

impl Quality {
    /// Width and height in pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Quality::Draft => (640, 360),
            Quality::Standard => (1280, 720),
            Quality::Final => (1920, 1080),
        }
    }
    /// Samples a pixel.
    pub fn samples(self) -> u32 {
        match self {
            Quality::Draft | Quality::Standard => 4,
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
    /// Width and height in pixels, both even, instead of the quality's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    /// Samples a pixel, instead of the quality's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
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
    /// What makes the pictures: pixels differ a little from class to class. Whoever plans the film chooses, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Class>,
    /// A look over the whole film; none is the films' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lut: Option<super::LutFile>,
}

impl FilmParams {
    /// Width and height of the film in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size.unwrap_or(self.quality.size())
    }

    /// Samples a pixel.
    pub fn samples(&self) -> u32 {
        self.samples.unwrap_or(self.quality.samples())
    }

    /// Numbers outside their bounds, before anything is computed.
    pub fn check(&self) -> Result<(), BadInput> {
        let bad = |message| Err(BadInput { file: String::new(), line: 0, column: 0, message });
        let (width, height) = self.size();
        let (least, most) = (SIDE_PIXELS.start(), SIDE_PIXELS.end());
        if [width, height].iter().any(|side| !SIDE_PIXELS.contains(side) || side % 2 != 0) {
            return bad(format!("a film of {width}×{height} pixels: both sides must be even numbers from {least} to {most}"));
        }
        if !SAMPLES.contains(&self.samples()) {
            return bad(format!("{} samples a pixel: ask for {} to {}", self.samples(), SAMPLES.start(), SAMPLES.end()));
        }
        Ok(())
    }
}

/// The seed of a film that asks for none.
pub fn default_seed() -> u64 {
    1
}

fn default_format() -> Format {
    Format::Mp4
}
