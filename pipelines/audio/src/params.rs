//! What an audio job may be asked for.

use klieg_film_mix::Profile;
use klieg_film_words::story::{Culture, Mood};
use klieg_kind::{BadInput, SoundFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest text that is spoken, and longest description of music, in characters.
pub const TEXT_CHARS_MAX: usize = 50_000;
pub const PROMPT_CHARS_MAX: usize = 2_000;
/// Seconds of music.
pub const SECONDS: std::ops::RangeInclusive<f64> = 1.0..=600.0;
/// Tempo, 1 being the style's own.
pub const TEMPO: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// How the sound is stored. 48 kHz stereo in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// 24 bits.
    #[default]
    Wav,
    /// 24 bits, lossless.
    Flac,
    /// Ogg Opus, 160 kbit/s.
    Opus,
    /// 192 kbit/s.
    Mp3,
}

impl Container {
    /// The file's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Opus => "opus",
            Self::Mp3 => "mp3",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Opus => "audio/ogg",
            Self::Mp3 => "audio/mpeg",
        }
    }

    /// What the node's encoders are asked for; WAV needs none.
    pub fn encoded(self) -> Option<SoundFormat> {
        match self {
            Self::Wav => None,
            Self::Flac => Some(SoundFormat::Flac),
            Self::Opus => Some(SoundFormat::Opus),
            Self::Mp3 => Some(SoundFormat::Mp3),
        }
    }
}

/// The loudness it is delivered at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loudness {
    /// −14 LUFS, −1 dBTP.
    #[default]
    Web,
    /// EBU R 128: −23 LUFS, −1 dBTP.
    Ebu,
    /// −27 LUFS, −2 dBTP.
    Netflix,
}

impl Loudness {
    pub fn profile(self) -> Profile {
        match self {
            Self::Web => Profile::Web,
            Self::Ebu => Profile::Ebu,
            Self::Netflix => Profile::Netflix,
        }
    }
}

/// The parameters of an `audio` job: `text` is spoken, `prompt` (or `mood`, `culture`) is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioParams {
    /// What is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Which music, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Who speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// BCP 47, of the text; what its letters say if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of speech or music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mood: Option<Mood>,
    /// Of music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culture: Option<Culture>,
    /// Length of music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Of music: 1 is the style's own, 2 twice as fast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tempo: Option<f64>,
    #[serde(default = "one")]
    pub seed: u64,
    #[serde(default)]
    pub format: Container,
    #[serde(default)]
    pub loudness: Loudness,
    /// The name of the file that the text is in, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

fn one() -> u64 {
    1
}

pub fn bad(message: impl Into<String>) -> BadInput {
    BadInput { file: String::new(), line: 0, column: 0, message: message.into() }
}

/// What a job makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// This text, spoken.
    Speech(String),
    Music,
}

impl AudioParams {
    /// Reads and checks what was asked for; `script`: the text of the file that came with it.
    pub fn of(params: &Value, script: Option<Vec<u8>>) -> Result<(Self, Wanted), BadInput> {
        let params: Self = serde_json::from_value(params.clone()).map_err(|e| bad(format!("parameters of the sound: {e}")))?;
        if let Some(model) = &params.model {
            return Err(bad(format!(
                "model {model}: this build of klieg makes no sound by trained models yet; leave out `model` to have the film's voices and score"
            )));
        }
        let file = params.file.clone().unwrap_or_else(|| "text".into());
        let read =
            |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| BadInput { file: file.clone(), ..bad("isn't text in UTF-8") });
        let text = match (&params.text, script) {
            (Some(_), Some(_)) => return Err(bad("text: a file is there, too; give one of them")),
            (Some(text), None) => Some(text.clone()),
            (None, Some(bytes)) => Some(read(bytes)?),
            (None, None) => None,
        };
        let wanted = params.wanted(text)?;
        Ok((params, wanted))
    }

    fn wanted(&self, text: Option<String>) -> Result<Wanted, BadInput> {
        let musical = self.prompt.is_some() || self.culture.is_some() || self.seconds.is_some() || self.tempo.is_some();
        match text {
            Some(_) if musical => {
                Err(bad("text: is spoken, and `prompt`, `culture`, `seconds` and `tempo` are for music; submit two jobs"))
            }
            Some(text) => self.check_speech(&text).map(|()| Wanted::Speech(text)),
            None if self.voice.is_some() || self.language.is_some() => Err(bad("text: is missing; a voice needs something to say")),
            None if !musical && self.mood.is_none() => Err(bad(
                "nothing is asked for: give `text` to have it spoken, or `prompt` (\"a sad tune for a rainy night\"), `mood` or `culture` for music",
            )),
            None => self.check_music().map(|()| Wanted::Music),
        }
    }

    fn check_speech(&self, text: &str) -> Result<(), BadInput> {
        let chars = text.chars().count();
        if chars > TEXT_CHARS_MAX {
            return Err(bad(format!("text: has {chars} characters; {TEXT_CHARS_MAX} are spoken in one job")));
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(bad("text: is empty; there is nothing to say"));
        }
        if let Some(tag) = &self.language {
            let primary = tag.split(['-', '_']).next().unwrap_or_default();
            if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
                return Err(bad(format!("language {tag:?}: is no language tag (BCP 47) such as en, ta or ja")));
            }
        }
        Ok(())
    }

    fn check_music(&self) -> Result<(), BadInput> {
        let seconds = self.seconds();
        if !SECONDS.contains(&seconds) {
            return Err(bad(format!("seconds {seconds}: ask for {} to {} of music", SECONDS.start(), SECONDS.end())));
        }
        if let Some(tempo) = self.tempo.filter(|tempo| !TEMPO.contains(tempo)) {
            return Err(bad(format!("tempo {tempo}: ask for {} to {}, 1 being the style's own", TEMPO.start(), TEMPO.end())));
        }
        let chars = self.prompt.as_deref().unwrap_or_default().chars().count();
        if chars > PROMPT_CHARS_MAX {
            return Err(bad(format!("prompt: has {chars} characters; {PROMPT_CHARS_MAX} are read")));
        }
        if self.prompt.as_deref().is_some_and(|prompt| prompt.trim().is_empty()) {
            return Err(bad("prompt: is empty; say which music, such as \"a sad tune for a rainy night\""));
        }
        Ok(())
    }

    /// Length of music.
    pub fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(20.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(params: Value) -> String {
        AudioParams::of(&params, None).unwrap_err().message
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        assert!(refused(json!({})).contains("nothing is asked for"));
        assert!(refused(json!({"text": " ... "})).contains("text: is empty"));
        assert!(refused(json!({"text": "a".repeat(100_000)})).contains("100000 characters; 50000"));
        assert!(refused(json!({"prompt": "sad", "seconds": 0})).contains("seconds 0: ask for 1 to 600"));
        assert!(refused(json!({"prompt": "sad", "seconds": 1e6})).contains("1 to 600"));
        assert!(refused(json!({"mood": "sad", "tempo": 9})).contains("0.5 to 2"));
        assert!(refused(json!({"text": "hello", "seconds": 3})).contains("submit two jobs"));
        assert!(refused(json!({"text": "hello", "language": "klingon"})).contains("BCP 47"));
        assert!(refused(json!({"voice": "woman"})).contains("text: is missing"));
        assert!(refused(json!({"text": "hello", "model": "parler"})).contains("no sound by trained models"));
        assert!(refused(json!({"text": "hello", "pitch": 3})).contains("pitch"));
        assert!(refused(json!({"mood": "grumpy"})).contains("grumpy"));
    }

    #[test]
    fn a_file_is_the_text_too() {
        let (_, wanted) = AudioParams::of(&json!({"file": "a.txt"}), Some(b"Hello.".to_vec())).unwrap();
        assert_eq!(wanted, Wanted::Speech("Hello.".into()));
        let both = AudioParams::of(&json!({"text": "Hello."}), Some(b"Hello.".to_vec()));
        assert!(both.unwrap_err().message.contains("one of them"));
        let binary = AudioParams::of(&json!({"file": "a.bin"}), Some(vec![0xff]));
        assert!(binary.unwrap_err().to_string().starts_with("a.bin: "));
    }
}
