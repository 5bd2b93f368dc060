//! What content is judged by.
//!
//! The first thirteen are OpenAI's (`omni-moderation` categories), the next five Google Cloud Vision's SafeSearch annotations, which are
//! likelihoods of what a picture shows. The last three are klieg's own and rest on measurement, never on taste.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! categories {
    ($($name:ident $word:literal $family:ident $parent:expr),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Category {
            $(#[serde(rename = $word)] $name),+
        }

        impl Category {
            pub const ALL: &'static [Category] = &[$(Category::$name),+];

            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            pub fn family(self) -> Family {
                match self { $(Self::$name => Family::$family),+ }
            }

            /// The wider category: it scores at least what this one does.
            pub fn parent(self) -> Option<Category> {
                match self { $(Self::$name => $parent),+ }
            }
        }
    };
}

/// Whose words categories are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// OpenAI's moderation categories.
    Content,
    /// SafeSearch likelihoods, of pictures and films only.
    SafeSearch,
    /// What is measured: lists of known files, flashes, file formats.
    Measured,
}

categories! {
    Harassment "harassment" Content None,
    HarassmentThreatening "harassment/threatening" Content Some(Self::Harassment),
    Hate "hate" Content None,
    HateThreatening "hate/threatening" Content Some(Self::Hate),
    Illicit "illicit" Content None,
    IllicitViolent "illicit/violent" Content Some(Self::Illicit),
    SelfHarm "self-harm" Content None,
    SelfHarmIntent "self-harm/intent" Content Some(Self::SelfHarm),
    SelfHarmInstructions "self-harm/instructions" Content Some(Self::SelfHarm),
    Sexual "sexual" Content None,
    SexualMinors "sexual/minors" Content Some(Self::Sexual),
    Violence "violence" Content None,
    ViolenceGraphic "violence/graphic" Content Some(Self::Violence),
    Adult "safesearch/adult" SafeSearch None,
    Spoof "safesearch/spoof" SafeSearch None,
    Medical "safesearch/medical" SafeSearch None,
    ViolentPicture "safesearch/violence" SafeSearch None,
    Racy "safesearch/racy" SafeSearch None,
    KnownContent "known-content" Measured None,
    Photosensitivity "photosensitivity" Measured None,
    FileIntegrity "file-integrity" Measured None,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Category {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|category| category.word() == word);
        found.copied().ok_or_else(|| {
            format!("{word:?} is no category; they are {}", Self::ALL.iter().map(|c| c.word()).collect::<Vec<_>>().join(", "))
        })
    }
}

/// SafeSearch's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Likelihood {
    VeryUnlikely,
    Unlikely,
    Possible,
    Likely,
    VeryLikely,
}

impl Likelihood {
    /// Of a score of 0–1: fifths.
    pub fn of(score: f32) -> Self {
        match score {
            s if s < 0.2 => Self::VeryUnlikely,
            s if s < 0.4 => Self::Unlikely,
            s if s < 0.6 => Self::Possible,
            s if s < 0.8 => Self::Likely,
            _ => Self::VeryLikely,
        }
    }
}
