//! `config.json` and `generation_config.json` as transformers writes them.

use crate::Error;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Spectrogram frames that one encoder position stands for: the strides of its two convolutions.
pub const STRIDE: usize = 2;
/// Seconds of an encoder position, and of a spectrogram frame.
pub const POSITION_SECONDS: f64 = 0.02;
pub const FRAME_SECONDS: f64 = 0.01;

const WIDTH_MAX: usize = 1 << 14;
const LAYERS_MAX: usize = 256;
const POSITIONS_MAX: usize = 1 << 14;
const VOCABULARY_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Config {
    pub num_mel_bins: usize,
    pub max_source_positions: usize,
    pub max_target_positions: usize,
    pub d_model: usize,
    pub encoder_attention_heads: usize,
    pub encoder_layers: usize,
    pub encoder_ffn_dim: usize,
    pub decoder_attention_heads: usize,
    pub decoder_layers: usize,
    pub decoder_ffn_dim: usize,
    pub vocab_size: usize,
    #[serde(default = "gelu")]
    pub activation_function: String,
    #[serde(default)]
    pub scale_embedding: bool,
    #[serde(default = "width")]
    pub median_filter_width: usize,
}

fn gelu() -> String {
    "gelu".into()
}

fn width() -> usize {
    7
}

impl Config {
    /// Reads and checks `config.json`.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let config: Self = serde_json::from_slice(json).map_err(|error| Error::Config(error.to_string()))?;
        let numbers = [
            ("max_source_positions", config.max_source_positions, POSITIONS_MAX),
            ("max_target_positions", config.max_target_positions, POSITIONS_MAX),
            ("d_model", config.d_model, WIDTH_MAX),
            ("encoder_ffn_dim", config.encoder_ffn_dim, 4 * WIDTH_MAX),
            ("decoder_ffn_dim", config.decoder_ffn_dim, 4 * WIDTH_MAX),
            ("encoder_layers", config.encoder_layers, LAYERS_MAX),
            ("decoder_layers", config.decoder_layers, LAYERS_MAX),
            ("vocab_size", config.vocab_size, VOCABULARY_MAX),
        ];
        for (name, value, max) in numbers {
            if !(1..=max).contains(&value) {
                return Err(Error::Config(format!("`{name}` is {value}; it must be 1 to {max}")));
            }
        }
        for heads in [config.encoder_attention_heads, config.decoder_attention_heads] {
            if heads == 0 || !config.d_model.is_multiple_of(heads) {
                return Err(Error::Config(format!("`d_model` of {} does not divide into {heads} heads", config.d_model)));
            }
        }
        if !matches!(config.num_mel_bins, 80 | 128) {
            return Err(Error::Config(format!("`num_mel_bins` is {}; 80 and 128 are known", config.num_mel_bins)));
        }
        if config.activation_function != "gelu" {
            return Err(Error::Config(format!("`activation_function` is `{}`; Whisper uses `gelu`", config.activation_function)));
        }
        if config.median_filter_width.is_multiple_of(2) || config.median_filter_width > 99 {
            return Err(Error::Config("`median_filter_width` must be odd and at most 99".into()));
        }
        Ok(config)
    }

    /// Spectrogram frames of a window.
    pub fn window(&self) -> usize {
        STRIDE * self.max_source_positions
    }
}

/// Tokens with a meaning of their own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Generation {
    pub decoder_start_token_id: u32,
    #[serde(deserialize_with = "first")]
    pub eos_token_id: u32,
    pub no_timestamps_token_id: u32,
    #[serde(default)]
    pub lang_to_id: BTreeMap<String, u32>,
    #[serde(default)]
    pub task_to_id: BTreeMap<String, u32>,
    #[serde(default)]
    pub is_multilingual: bool,
    #[serde(default)]
    pub suppress_tokens: Option<Vec<u32>>,
    #[serde(default)]
    pub begin_suppress_tokens: Option<Vec<u32>>,
    #[serde(default)]
    pub max_initial_timestamp_index: Option<u32>,
    /// (layer, head) pairs whose look at the sound follows the words.
    #[serde(default)]
    pub alignment_heads: Option<Vec<(usize, usize)>>,
}

/// A number, or the first of several.
fn first<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(u32),
        Many(Vec<u32>),
    }
    match Ids::deserialize(from)? {
        Ids::One(id) => Ok(id),
        Ids::Many(ids) => ids.first().copied().ok_or_else(|| serde::de::Error::custom("no token ends a text")),
    }
}

impl Generation {
    /// Reads `generation_config.json` and checks it against the model's.
    pub fn parse(json: &[u8], config: &Config) -> Result<Self, Error> {
        let mut this: Self = serde_json::from_slice(json).map_err(|error| Error::Config(error.to_string()))?;
        let named = [this.decoder_start_token_id, this.eos_token_id, this.no_timestamps_token_id];
        let all = named.iter().chain(this.lang_to_id.values()).chain(this.task_to_id.values());
        if let Some(token) = all.chain(this.suppress_tokens.iter().flatten()).find(|token| **token as usize >= config.vocab_size) {
            return Err(Error::Config(format!("generation_config.json names token {token}; the model has {}", config.vocab_size)));
        }
        if this.no_timestamps_token_id as usize + 1 >= config.vocab_size {
            return Err(Error::Config("the model has no tokens for times: it cannot tell when something was said".into()));
        }
        let fits = |(layer, head): &(usize, usize)| *layer < config.decoder_layers && *head < config.decoder_attention_heads;
        if this.alignment_heads.as_ref().is_some_and(|heads| heads.is_empty() || !heads.iter().all(fits)) {
            return Err(Error::Config("`alignment_heads` names a layer or head that the model has not".into()));
        }
        if this.alignment_heads.is_none() {
            // As the reference: every head of the upper half of the layers.
            let upper = config.decoder_layers / 2..config.decoder_layers;
            this.alignment_heads =
                Some(upper.flat_map(|layer| (0..config.decoder_attention_heads).map(move |head| (layer, head))).collect());
        }
        Ok(this)
    }

    /// The first token that is a time.
    pub fn times_begin(&self) -> u32 {
        self.no_timestamps_token_id + 1
    }

    /// The token that says that nobody speaks.
    pub fn no_speech(&self) -> u32 {
        self.no_timestamps_token_id - 1
    }
}
