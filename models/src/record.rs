//! What is known of a model on a shelf.

use crate::Error;
use klieg_protocol::Digest;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Digits of the digest by which tasks ask for a model.
const NEED_DIGITS: usize = 16;
/// The longest name of a model, in bytes.
const NAME_BYTES_MAX: usize = 96;

/// Architectures that klieg can run. Named on disk and in `--json` by the words of [`Family::word`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    #[serde(rename = "stable-diffusion")]
    StableDiffusion,
    #[serde(rename = "stable-diffusion-xl")]
    StableDiffusionXl,
    #[serde(rename = "lora")]
    Lora,
    #[serde(rename = "controlnet")]
    ControlNet,
    #[serde(rename = "ip-adapter")]
    IpAdapter,
    #[serde(rename = "bert")]
    Bert,
    #[serde(rename = "xlm-roberta")]
    XlmRoberta,
    #[serde(rename = "deberta")]
    Deberta,
    #[serde(rename = "clip")]
    Clip,
    #[serde(rename = "siglip")]
    Siglip,
    #[serde(rename = "vit")]
    Vit,
    #[serde(rename = "whisper")]
    Whisper,
    #[serde(rename = "llama")]
    Llama,
    #[serde(rename = "qwen2")]
    Qwen2,
    #[serde(rename = "mistral")]
    Mistral,
    #[serde(rename = "t5")]
    T5,
    #[serde(rename = "musicgen")]
    MusicGen,
    #[serde(rename = "parler-tts")]
    ParlerTts,
}

impl Family {
    pub const ALL: [Self; 18] = [
        Self::StableDiffusion,
        Self::StableDiffusionXl,
        Self::Lora,
        Self::ControlNet,
        Self::IpAdapter,
        Self::Bert,
        Self::XlmRoberta,
        Self::Deberta,
        Self::Clip,
        Self::Siglip,
        Self::Vit,
        Self::Whisper,
        Self::Llama,
        Self::Qwen2,
        Self::Mistral,
        Self::T5,
        Self::MusicGen,
        Self::ParlerTts,
    ];

    /// Its name on disk, in `--json` and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::StableDiffusion => "stable-diffusion",
            Self::StableDiffusionXl => "stable-diffusion-xl",
            Self::Lora => "lora",
            Self::ControlNet => "controlnet",
            Self::IpAdapter => "ip-adapter",
            Self::Bert => "bert",
            Self::XlmRoberta => "xlm-roberta",
            Self::Deberta => "deberta",
            Self::Clip => "clip",
            Self::Siglip => "siglip",
            Self::Vit => "vit",
            Self::Whisper => "whisper",
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
            Self::Mistral => "mistral",
            Self::T5 => "t5",
            Self::MusicGen => "musicgen",
            Self::ParlerTts => "parler-tts",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it is under the model's root, as in a Hugging Face repository: `unet/config.json`.
    pub path: String,
    pub bytes: u64,
    pub digest: Digest,
}

/// A model on a shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    pub name: String,
    pub family: Family,
    /// Of all its files and what they are called: [`Record::digest_of`].
    pub digest: Digest,
    /// Of all its files.
    pub bytes: u64,
    /// The folder that the files are in.
    pub root: PathBuf,
    /// Sorted by path.
    pub files: Vec<Part>,
}

impl Record {
    /// Where a file of it is, whether it is there or not. Paths lead nowhere but into the root.
    pub fn path(&self, path: &str) -> PathBuf {
        path.split('/').filter(|word| !matches!(*word, "" | "." | "..")).fold(self.root.clone(), |at, word| at.join(word))
    }

    /// The file of that path, if the model has one.
    pub fn file(&self, path: &str) -> Option<&Part> {
        self.files.iter().find(|part| part.path == path)
    }

    /// What tasks that use it need of a node (`Ask::needs`), and what a node that holds it gives: `model:NAME@0123456789abcdef`.
    pub fn needs(&self) -> String {
        format!("model:{}@{}", self.name, &self.digest.hex()[..NEED_DIGITS])
    }

    /// The digest of a model with these files: of a line of path, length and digest for each, sorted by path. The name that
    /// somebody has given it plays no part, so the same weights are the same model everywhere.
    pub fn digest_of(files: &[Part]) -> Digest {
        let mut lines: Vec<String> = files.iter().map(|part| format!("{}\0{}\0{}\n", part.path, part.bytes, part.digest)).collect();
        lines.sort_unstable();
        Digest::of(lines.concat().as_bytes())
    }
}

/// Whether a model may be called so.
pub fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    letters && name.len() <= NAME_BYTES_MAX && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// The name, if it is one.
pub(crate) fn named(name: &str) -> Result<&str, Error> {
    if is_name(name) { Ok(name) } else { Err(Error::BadName(name.into())) }
}

/// Whether a path in a record or a repository stays under its root: words joined by single slashes, none of them `.` or `..`.
pub fn is_inside(path: &str) -> bool {
    let word = |word: &str| !matches!(word, "" | "." | "..") && !word.contains(['\\', '\0']);
    !path.is_empty() && path.split('/').all(word) && Path::new(path).is_relative()
}
