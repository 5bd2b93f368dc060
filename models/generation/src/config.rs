//! `config.json` as transformers writes it for LLaMA, Qwen2 and Mistral, with every number checked before it sizes anything.

use crate::Error;
use serde::Deserialize;

/// Layers, width and vocabulary that a configuration may name: what lies has a limit.
const LAYERS_MAX: usize = 512;
const WIDTH_MAX: usize = 1 << 17;
const VOCABULARY_MAX: usize = 1 << 21;

/// Which of the three it is: they differ in biases and in who has a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    Llama,
    Qwen2,
    Mistral,
}

/// How positions beyond the trained ones are turned (`rope_scaling`, or `rope_parameters` since transformers 5).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct RopeScaling {
    pub rope_type: Option<String>,
    /// What `rope_type` was called before; some files have both.
    #[serde(rename = "type")]
    pub old_type: Option<String>,
    pub rope_theta: Option<f64>,
    pub factor: Option<f64>,
    pub low_freq_factor: Option<f64>,
    pub high_freq_factor: Option<f64>,
    pub original_max_position_embeddings: Option<usize>,
}

impl RopeScaling {
    pub fn kind(&self) -> &str {
        self.rope_type.as_deref().or(self.old_type.as_deref()).unwrap_or("default")
    }
}

/// A number or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Ids {
    One(u32),
    Many(Vec<u32>),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Config {
    pub model_type: Architecture,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: Option<usize>,
    pub head_dim: Option<usize>,
    #[serde(default = "epsilon")]
    pub rms_norm_eps: f64,
    #[serde(default = "positions")]
    pub max_position_embeddings: usize,
    pub rope_theta: Option<f64>,
    pub rope_scaling: Option<RopeScaling>,
    pub rope_parameters: Option<RopeScaling>,
    pub sliding_window: Option<usize>,
    pub use_sliding_window: Option<bool>,
    pub max_window_layers: Option<usize>,
    pub layer_types: Option<Vec<String>>,
    #[serde(default)]
    pub tie_word_embeddings: bool,
    #[serde(default)]
    pub attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    #[serde(default = "activation")]
    pub hidden_act: String,
    pub eos_token_id: Option<Ids>,
}

fn epsilon() -> f64 {
    1e-6
}

fn positions() -> usize {
    2048
}

fn activation() -> String {
    "silu".into()
}

impl Config {
    /// Reads and checks `config.json`.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let config: Self = serde_json::from_slice(json).map_err(|error| Error::Config(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Whether the numbers fit each other and their limits.
    pub fn check(&self) -> Result<(), Error> {
        let within = |name: &str, value: usize, max: usize| match (1..=max).contains(&value) {
            true => Ok(()),
            false => Err(Error::Config(format!("`{name}` is {value}; it must be 1 to {max}"))),
        };
        within("vocab_size", self.vocab_size, VOCABULARY_MAX)?;
        within("hidden_size", self.hidden_size, WIDTH_MAX)?;
        within("intermediate_size", self.intermediate_size, WIDTH_MAX)?;
        within("num_hidden_layers", self.num_hidden_layers, LAYERS_MAX)?;
        within("num_attention_heads", self.num_attention_heads, self.hidden_size)?;
        within("num_key_value_heads", self.kv_heads(), self.num_attention_heads)?;
        within("max_position_embeddings", self.max_position_embeddings, 1 << 24)?;
        within("head_dim", self.head_dim(), 1 << 12)?;
        if !self.num_attention_heads.is_multiple_of(self.kv_heads()) {
            return Err(Error::Config("`num_attention_heads` must be a multiple of `num_key_value_heads`".into()));
        }
        if !self.head_dim().is_multiple_of(2) {
            return Err(Error::Config("the width of a head must be even, as positions turn pairs of it".into()));
        }
        if self.hidden_act != "silu" {
            return Err(Error::Config(format!("`hidden_act` is `{}`; these models use `silu`", self.hidden_act)));
        }
        if self.layer_types.as_ref().is_some_and(|types| types.len() != self.num_hidden_layers) {
            return Err(Error::Config("`layer_types` must name one type for each layer".into()));
        }
        Ok(())
    }

    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    pub fn head_dim(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    pub fn theta(&self) -> f64 {
        let nested = self.rope_parameters.as_ref().and_then(|rope| rope.rope_theta);
        nested.or(self.rope_theta).unwrap_or(10_000.0)
    }

    /// The scaling, if there is one that is not `default`.
    pub fn scaling(&self) -> Option<&RopeScaling> {
        let scaling = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref())?;
        (scaling.kind() != "default").then_some(scaling)
    }

    /// Positions that a layer looks back at, its own included; `None`: all.
    pub fn window(&self, layer: usize) -> Option<usize> {
        let slides = match (&self.layer_types, self.model_type) {
            (Some(types), _) => types[layer] == "sliding_attention",
            (None, Architecture::Mistral) => true,
            (None, Architecture::Qwen2) => self.use_sliding_window == Some(true) && layer >= self.max_window_layers.unwrap_or(28),
            (None, Architecture::Llama) => false,
        };
        self.sliding_window.filter(|_| slides)
    }

    pub fn qkv_bias(&self) -> bool {
        self.attention_bias || self.model_type == Architecture::Qwen2
    }

    /// Whether the attention's output has a bias: LLaMA's `attention_bias` means all four projections.
    pub fn output_bias(&self) -> bool {
        self.attention_bias && self.model_type == Architecture::Llama
    }

    /// Tokens that end a text.
    pub fn eos(&self) -> Vec<u32> {
        match &self.eos_token_id {
            None => Vec::new(),
            Some(Ids::One(id)) => vec![*id],
            Some(Ids::Many(ids)) => ids.clone(),
        }
    }
}
