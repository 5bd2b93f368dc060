//! T5 (Raffel et al., "Exploring the limits of transfer learning", 2019) and its 1.1 and FLAN forms. candle-transformers' decoder
//! counts distances both ways, where T5's looks back only, and knows no activation but ReLU in the plain form: this one is
//! transformers' `modeling_t5.py`, one sequence at a time.

use crate::{
    Error, Source,
    weights::{Embedding, Linear},
};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::{rms_norm, softmax};
use serde::Deserialize;

const LAYERS_MAX: usize = 256;
const WIDTH_MAX: usize = 1 << 17;
const VOCABULARY_MAX: usize = 1 << 21;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Config {
    pub vocab_size: usize,
    pub d_model: usize,
    pub d_kv: usize,
    pub d_ff: usize,
    pub num_layers: usize,
    pub num_decoder_layers: Option<usize>,
    pub num_heads: usize,
    pub relative_attention_num_buckets: usize,
    #[serde(default = "distance")]
    pub relative_attention_max_distance: usize,
    #[serde(default = "epsilon")]
    pub layer_norm_epsilon: f64,
    #[serde(default = "relu")]
    pub feed_forward_proj: String,
    #[serde(default = "tied")]
    pub tie_word_embeddings: bool,
    /// Since transformers 5: what `tie_word_embeddings` meant for the decoder's outputs before.
    #[serde(default)]
    pub scale_decoder_outputs: Option<bool>,
    #[serde(default = "one")]
    pub eos_token_id: u32,
    #[serde(default)]
    pub decoder_start_token_id: Option<u32>,
}

fn distance() -> usize {
    128
}

fn epsilon() -> f64 {
    1e-6
}

fn relu() -> String {
    "relu".into()
}

fn tied() -> bool {
    true
}

fn one() -> u32 {
    1
}

/// Between the two halves of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activation {
    Relu,
    /// The tanh form, which T5 1.1 was trained with.
    GeluNew,
    Gelu,
    Silu,
}

impl Config {
    /// Reads and checks `config.json`.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let config: Self = serde_json::from_slice(json).map_err(|error| Error::Config(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Error> {
        let decoder = self.num_decoder_layers.unwrap_or(self.num_layers);
        let numbers = [
            ("vocab_size", self.vocab_size, VOCABULARY_MAX),
            ("d_model", self.d_model, WIDTH_MAX),
            ("d_kv", self.d_kv, 1 << 12),
            ("d_ff", self.d_ff, WIDTH_MAX),
            ("num_layers", self.num_layers, LAYERS_MAX),
            ("num_decoder_layers", decoder, LAYERS_MAX),
            ("num_heads", self.num_heads, 1 << 10),
            ("relative_attention_max_distance", self.relative_attention_max_distance, 1 << 20),
        ];
        for (name, value, max) in numbers {
            if !(1..=max).contains(&value) {
                return Err(Error::Config(format!("`{name}` is {value}; it must be 1 to {max}")));
            }
        }
        if !(4..=4096).contains(&self.relative_attention_num_buckets) || !self.relative_attention_num_buckets.is_multiple_of(4) {
            return Err(Error::Config("`relative_attention_num_buckets` must be a multiple of 4 of 4 to 4096".into()));
        }
        self.activation().map(|_| ())
    }

    fn activation(&self) -> Result<(bool, Activation), Error> {
        let (gated, name) = match self.feed_forward_proj.strip_prefix("gated-") {
            Some(name) => (true, name),
            None => (false, self.feed_forward_proj.as_str()),
        };
        let activation = match (gated, name) {
            (_, "relu") => Activation::Relu,
            (true, "gelu") | (_, "gelu_new") => Activation::GeluNew,
            (false, "gelu") => Activation::Gelu,
            (_, "silu") => Activation::Silu,
            (_, other) => return Err(Error::Config(format!("`feed_forward_proj` {other} is unknown"))),
        };
        Ok((gated, activation))
    }
}

struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    norm: Tensor,
}

struct FeedForward {
    inner: Vec<Linear>,
    outer: Linear,
    norm: Tensor,
    activation: Activation,
}

struct Block {
    own: Attention,
    /// The decoder's look at what the encoder gave.
    cross: Option<Attention>,
    feed: FeedForward,
}

struct Stack {
    blocks: Vec<Block>,
    /// (buckets, heads).
    bias: Tensor,
    norm: Tensor,
    looks_back: bool,
}

type Pair = (Tensor, Tensor);

/// A text on its way through the decoder.
pub struct State {
    cross: Vec<Pair>,
    own: Vec<Option<Pair>>,
    length: usize,
}

pub struct T5 {
    config: Config,
    shared: Embedding,
    encoder: Stack,
    decoder: Stack,
    lm_head: Linear,
    device: Device,
}

impl Attention {
    fn load(source: &Source<'_>, layer: &str, name: &str, config: &Config) -> Result<Self, Error> {
        let (width, heads) = (config.d_model, config.num_heads * config.d_kv);
        let part = |part: &str, out, inner| source.linear(&format!("{layer}.{name}.{part}"), out, inner, false);
        Ok(Self {
            q: part("q", heads, width)?,
            k: part("k", heads, width)?,
            v: part("v", heads, width)?,
            o: part("o", width, heads)?,
            norm: source.vector(&format!("{layer}.layer_norm"), width)?,
        })
    }

    /// (rows, heads · d) to (heads, rows, d).
    fn heads(x: &Tensor, config: &Config) -> candle_core::Result<Tensor> {
        x.reshape((x.dim(0)?, config.num_heads, config.d_kv))?.transpose(0, 1)?.contiguous()
    }

    fn pair(&self, x: &Tensor, config: &Config) -> candle_core::Result<Pair> {
        Ok((Self::heads(&self.k.forward(x)?, config)?, Self::heads(&self.v.forward(x)?, config)?))
    }

    /// `bias`: (heads or 1, rows, keys), or none. T5 does not scale scores.
    fn attend(&self, h: &Tensor, (k, v): &Pair, bias: Option<&Tensor>, config: &Config) -> candle_core::Result<Tensor> {
        let q = Self::heads(&self.q.forward(h)?, config)?;
        let scores = q.matmul(&k.t()?)?;
        let scores = match bias {
            Some(bias) => scores.broadcast_add(bias)?,
            None => scores,
        };
        let weights = softmax(&scores.to_dtype(DType::F32)?, D::Minus1)?.to_dtype(v.dtype())?;
        let x = weights.matmul(v)?.transpose(0, 1)?.contiguous()?.flatten_from(1)?;
        self.o.forward(&x)
    }
}

impl FeedForward {
    fn load(source: &Source<'_>, layer: &str, config: &Config) -> Result<Self, Error> {
        let (gated, activation) = config.activation()?;
        let names: &[&str] = if gated { &["wi_0", "wi_1"] } else { &["wi"] };
        let inner = |name: &&str| source.linear(&format!("{layer}.DenseReluDense.{name}"), config.d_ff, config.d_model, false);
        Ok(Self {
            inner: names.iter().map(inner).collect::<Result<_, _>>()?,
            outer: source.linear(&format!("{layer}.DenseReluDense.wo"), config.d_model, config.d_ff, false)?,
            norm: source.vector(&format!("{layer}.layer_norm"), config.d_model)?,
            activation,
        })
    }

    fn forward(&self, x: &Tensor, eps: f32) -> candle_core::Result<Tensor> {
        let h = rms_norm(x, &self.norm, eps)?;
        let first = self.inner[0].forward(&h)?;
        let first = match self.activation {
            Activation::Relu => first.relu(),
            Activation::GeluNew => first.gelu(),
            Activation::Gelu => first.gelu_erf(),
            Activation::Silu => first.silu(),
        }?;
        let inner = match self.inner.get(1) {
            Some(gate) => (first * gate.forward(&h)?)?,
            None => first,
        };
        x + self.outer.forward(&inner)?
    }
}

impl Stack {
    fn load(source: &Source<'_>, name: &str, layers: usize, looks_back: bool, config: &Config) -> Result<Self, Error> {
        let block = |at: usize| {
            let layer = |part: usize| format!("{name}.block.{at}.layer.{part}");
            let cross = looks_back.then(|| Attention::load(source, &layer(1), "EncDecAttention", config)).transpose()?;
            let feed = FeedForward::load(source, &layer(if looks_back { 2 } else { 1 }), config)?;
            Ok(Block { own: Attention::load(source, &layer(0), "SelfAttention", config)?, cross, feed })
        };
        let table = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias");
        let bias = match source.embedding(&table, config.relative_attention_num_buckets, config.num_heads)? {
            Embedding::Plain(bias) => bias,
            Embedding::Quantised(bias) => bias.dequantize(source.device())?,
        };
        let norm = source.vector(&format!("{name}.final_layer_norm"), config.d_model)?;
        Ok(Self { blocks: (0..layers).map(block).collect::<Result<_, Error>>()?, bias, norm, looks_back })
    }

    /// What distances add to scores, −∞ for what lies ahead of a decoder: (heads, rows, keys).
    fn distances(&self, start: usize, rows: usize, keys: usize, config: &Config) -> candle_core::Result<Tensor> {
        let places = || (start..start + rows).flat_map(|row| (0..keys).map(move |key| (row, key)));
        let buckets: Vec<u32> = places().map(|(row, key)| bucket(row, key, self.looks_back, config)).collect();
        let device = self.bias.device();
        let bias = self.bias.index_select(&Tensor::new(buckets, device)?, 0)?;
        let bias = bias.reshape((rows, keys, config.num_heads))?.permute((2, 0, 1))?.contiguous()?;
        if !self.looks_back || rows == 1 {
            return Ok(bias);
        }
        let ahead = places().map(|(row, key)| if key > row { f32::NEG_INFINITY } else { 0.0 }).collect();
        bias.broadcast_add(&Tensor::from_vec(ahead, (1, rows, keys), device)?.to_dtype(bias.dtype())?)
    }
}

/// Which bucket a distance falls into: the near ones have one each, the far ones share by logarithms.
fn bucket(row: usize, key: usize, looks_back: bool, config: &Config) -> u32 {
    let all = config.relative_attention_num_buckets;
    let (buckets, offset) = match looks_back {
        true => (all, 0),
        false => (all / 2, if key > row { all / 2 } else { 0 }),
    };
    let distance = if looks_back { row.saturating_sub(key) } else { row.abs_diff(key) };
    let exact = buckets / 2;
    let within = match distance < exact {
        true => distance,
        false => {
            let share = (distance as f32 / exact as f32).ln() / (config.relative_attention_max_distance as f32 / exact as f32).ln();
            (exact + (share * (buckets - exact) as f32) as usize).min(buckets - 1)
        }
    };
    (offset + within) as u32
}

impl T5 {
    pub fn load(source: &Source<'_>, config: Config) -> Result<Self, Error> {
        config.check()?;
        let shared = source.embedding("shared", config.vocab_size, config.d_model)?;
        // Whatever the configuration says: a head of its own that is there is used.
        let lm_head = match source.has("lm_head") {
            false => shared.tied()?,
            true => source.linear("lm_head", config.vocab_size, config.d_model, false)?,
        };
        let encoder = Stack::load(source, "encoder", config.num_layers, false, &config)?;
        let layers = config.num_decoder_layers.unwrap_or(config.num_layers);
        let decoder = Stack::load(source, "decoder", layers, true, &config)?;
        Ok(Self { config, shared, encoder, decoder, lm_head, device: source.device().clone() })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    fn embed(&self, tokens: &[u32]) -> Result<Tensor, Error> {
        if tokens.is_empty() || tokens.iter().any(|token| *token as usize >= self.config.vocab_size) {
            let message = format!("it must have tokens, all below {}", self.config.vocab_size);
            return Err(Error::Request { field: "prompt", message });
        }
        Ok(self.shared.forward(&Tensor::new(tokens, &self.device)?)?)
    }

    /// What the encoder makes of a text: (tokens, width). `observe` sees what each block gives.
    pub fn encode(&self, tokens: &[u32], mut observe: impl FnMut(usize, &Tensor)) -> Result<Tensor, Error> {
        let (mut x, eps) = (self.embed(tokens)?, self.config.layer_norm_epsilon as f32);
        let bias = self.encoder.distances(0, tokens.len(), tokens.len(), &self.config)?;
        for (at, block) in self.encoder.blocks.iter().enumerate() {
            let h = rms_norm(&x, &block.own.norm, eps)?;
            let pair = block.own.pair(&h, &self.config)?;
            x = (&x + block.own.attend(&h, &pair, Some(&bias), &self.config)?)?;
            x = block.feed.forward(&x, eps)?;
            observe(at, &x);
        }
        Ok(rms_norm(&x, &self.encoder.norm, eps)?)
    }

    /// A decoder's state over what the encoder gave.
    pub fn begin(&self, encoded: &Tensor) -> Result<State, Error> {
        let crosses = self.decoder.blocks.iter().filter_map(|block| block.cross.as_ref());
        let cross: Vec<Pair> = crosses.map(|cross| cross.pair(encoded, &self.config)).collect::<candle_core::Result<_>>()?;
        let own = self.decoder.blocks.iter().map(|_| None).collect();
        Ok(State { cross, own, length: 0 })
    }

    /// Logits after each of the tokens, which follow those that the state has seen: (tokens, vocabulary).
    pub fn step(&self, state: &mut State, tokens: &[u32]) -> Result<Tensor, Error> {
        let (mut x, eps) = (self.embed(tokens)?, self.config.layer_norm_epsilon as f32);
        let keys = state.length + tokens.len();
        let bias = self.decoder.distances(state.length, tokens.len(), keys, &self.config)?;
        for (at, block) in self.decoder.blocks.iter().enumerate() {
            let h = rms_norm(&x, &block.own.norm, eps)?;
            let (k, v) = block.own.pair(&h, &self.config)?;
            let pair = match &state.own[at] {
                Some((before_k, before_v)) => (Tensor::cat(&[before_k, &k], 1)?, Tensor::cat(&[before_v, &v], 1)?),
                None => (k, v),
            };
            x = (&x + block.own.attend(&h, &pair, Some(&bias), &self.config)?)?;
            state.own[at] = Some(pair);
            if let Some(cross) = &block.cross {
                let h = rms_norm(&x, &cross.norm, eps)?;
                x = (&x + cross.attend(&h, &state.cross[at], None, &self.config)?)?;
            }
            x = block.feed.forward(&x, eps)?;
        }
        state.length = keys;
        let x = rms_norm(&x, &self.decoder.norm, eps)?;
        let x = match self.config.scale_decoder_outputs.unwrap_or(self.config.tie_word_embeddings) {
            true => (x * (self.config.d_model as f64).powf(-0.5))?,
            false => x,
        };
        Ok(self.lm_head.forward(&x)?.to_dtype(DType::F32)?)
    }

    /// The likeliest token after the likeliest token, until the text ends or has so many tokens.
    pub fn greedy(&self, tokens: &[u32], tokens_max: usize) -> Result<Vec<u32>, Error> {
        let mut state = self.begin(&self.encode(tokens, |_, _| {})?)?;
        let mut next = self.config.decoder_start_token_id.unwrap_or(0);
        let mut out = Vec::new();
        while out.len() < tokens_max {
            let logits = self.step(&mut state, &[next])?.flatten_all()?.to_vec1::<f32>()?;
            next = crate::sample::argmax(&logits);
            if next == self.config.eos_token_id {
                break;
            }
            out.push(next);
        }
        Ok(out)
    }
}
