//! Weights under transformers' names, from safetensors or from GGUF.

use crate::{Config, Error, config::Architecture, product::product};
use candle_core::{
    DType, Device, Module, Tensor,
    quantized::{QMatMul, QTensor, gguf_file},
};
use candle_nn::VarBuilder;
use std::{io::Cursor, sync::Arc};

/// A linear layer: y = x · wᵀ + b.
pub struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
}

enum Weight {
    Plain(Tensor),
    Quantised(QMatMul),
}

impl Linear {
    pub fn plain(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Plain(weight), bias }
    }

    /// (rows, in) to (rows, out).
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = match &self.weight {
            Weight::Plain(weight) => product(x, weight)?,
            Weight::Quantised(weight) => weight.forward(&x.contiguous()?)?,
        };
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

/// The table of token vectors.
pub enum Embedding {
    Plain(Tensor),
    Quantised(Arc<QTensor>),
}

impl Embedding {
    /// (tokens, width).
    pub fn forward(&self, tokens: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Plain(table) => table.index_select(tokens, 0),
            Self::Quantised(table) => table.embedding(tokens),
        }
    }

    /// The same table as the layer that gives logits.
    pub fn tied(&self) -> Result<Linear, Error> {
        Ok(match self {
            Self::Plain(table) => Linear::plain(table.clone(), None),
            Self::Quantised(table) => Linear { weight: Weight::Quantised(QMatMul::from_arc(table.clone())?), bias: None },
        })
    }
}

/// Where a model's weights are.
pub enum Source<'a> {
    /// Under the names that transformers gives, without the prefix of a wrapper.
    Safetensors(VarBuilder<'a>),
    Gguf(Gguf<'a>),
}

/// A GGUF file's directory and its bytes.
pub struct Gguf<'a> {
    content: gguf_file::Content,
    bytes: &'a [u8],
    device: Device,
}

/// GGUF's names of the layers' parts, by transformers'.
const GGUF_PARTS: [(&str, &str); 9] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
];

/// `model.layers.3.mlp.up_proj` → `blk.3.ffn_up`.
fn gguf_name(name: &str) -> Option<String> {
    match name {
        "model.embed_tokens" => return Some("token_embd".into()),
        "model.norm" => return Some("output_norm".into()),
        "lm_head" => return Some("output".into()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (_, part) = GGUF_PARTS.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("blk.{layer}.{part}"))
}

impl<'a> Gguf<'a> {
    /// Reads the directory of a GGUF file that is in memory (or mapped into it).
    pub fn open(bytes: &'a [u8], device: &Device) -> Result<Self, Error> {
        check_alignment(bytes)?;
        let content = gguf_file::Content::read(&mut Cursor::new(bytes)).map_err(|error| Error::Weights(error.to_string()))?;
        Ok(Self { content, bytes, device: device.clone() })
    }

    fn number(&self, key: &str) -> Option<f64> {
        use gguf_file::Value::*;
        match self.content.metadata.get(key)? {
            U8(n) => Some(f64::from(*n)),
            U16(n) => Some(f64::from(*n)),
            U32(n) => Some(f64::from(*n)),
            I32(n) => Some(f64::from(*n)),
            U64(n) => Some(*n as f64),
            I64(n) => Some(*n as f64),
            F32(n) => Some(f64::from(*n)),
            F64(n) => Some(*n),
            _ => None,
        }
    }

    /// The configuration that the file's metadata describe (GGUF specification, "Standardized key-value pairs").
    pub fn config(&self) -> Result<Config, Error> {
        let text = |key: &str| match self.content.metadata.get(key) {
            Some(gguf_file::Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let architecture = text("general.architecture").unwrap_or_default();
        let model_type = match architecture {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            other => return Err(Error::Config(format!("GGUF architecture `{other}` is unknown; known: llama, qwen2"))),
        };
        let key = |name: &str| self.number(&format!("{architecture}.{name}"));
        let count = |name: &str| {
            let number = key(name).filter(|n| *n >= 1.0 && *n <= f64::from(u32::MAX));
            number.map(|n| n as usize).ok_or_else(|| Error::Config(format!("GGUF metadata `{architecture}.{name}` is missing")))
        };
        let vocabulary = self.content.tensor_infos.get("token_embd.weight").and_then(|info| info.shape.dims().first().copied());
        if text(&format!("{architecture}.rope.scaling.type")).is_some_and(|kind| kind != "none")
            || self.content.tensor_infos.contains_key("rope_freqs.weight")
        {
            return Err(Error::Config("GGUF files with scaled positions are not read; use the model's safetensors".into()));
        }
        let config = Config {
            model_type,
            vocab_size: vocabulary.ok_or_else(|| Error::Weights("tensor `token_embd.weight` is missing".into()))?,
            hidden_size: count("embedding_length")?,
            intermediate_size: count("feed_forward_length")?,
            num_hidden_layers: count("block_count")?,
            num_attention_heads: count("attention.head_count")?,
            num_key_value_heads: count("attention.head_count_kv").ok(),
            head_dim: count("attention.key_length").ok(),
            rms_norm_eps: key("attention.layer_norm_rms_epsilon").unwrap_or(1e-6),
            max_position_embeddings: count("context_length")?,
            rope_theta: key("rope.freq_base"),
            rope_scaling: None,
            rope_parameters: None,
            sliding_window: None,
            use_sliding_window: None,
            max_window_layers: None,
            layer_types: None,
            tie_word_embeddings: !self.content.tensor_infos.contains_key("output.weight"),
            attention_bias: false,
            mlp_bias: false,
            hidden_act: "silu".into(),
            eos_token_id: self.number("tokenizer.ggml.eos_token_id").map(|id| crate::config::Ids::One(id as u32)),
        };
        config.check()?;
        Ok(config)
    }

    fn tensor(&self, name: &str, suffix: &str, shape: &[usize]) -> Result<QTensor, Error> {
        let full = gguf_name(name).map(|name| format!("{name}.{suffix}")).unwrap_or_else(|| name.into());
        let info = self.content.tensor_infos.get(&full).ok_or_else(|| Error::Weights(format!("tensor `{full}` is missing")))?;
        if info.shape.dims() != shape {
            let message = format!("tensor `{full}` has shape {:?}; the configuration says {shape:?}", info.shape.dims());
            return Err(Error::Weights(message));
        }
        let mut reader = Cursor::new(self.bytes);
        self.content.tensor(&mut reader, &full, &self.device).map_err(|error| Error::Weights(format!("{full}: {error}")))
    }
}

/// GGUF's `general.alignment` of 0 would be divided by: it is looked for before the directory is read.
fn check_alignment(bytes: &[u8]) -> Result<(), Error> {
    const KEY: &[u8] = b"general.alignment";
    let head = &bytes[..bytes.len().min(1 << 20)];
    let zero = head.windows(KEY.len()).position(|window| window == KEY).is_some_and(|at| {
        let value = head.get(at + KEY.len() + 4..).unwrap_or_default();
        value.len() < 4 || value[..4].iter().all(|byte| *byte == 0)
    });
    match zero {
        true => Err(Error::Weights("`general.alignment` is 0; it must be a multiple of 8".into())),
        false => Ok(()),
    }
}

impl Source<'_> {
    pub fn device(&self) -> &Device {
        match self {
            Self::Safetensors(vb) => vb.device(),
            Self::Gguf(gguf) => &gguf.device,
        }
    }

    /// The type that activations have.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Safetensors(vb) => vb.dtype(),
            Self::Gguf(_) => DType::F32,
        }
    }

    /// Whether the rows of queries and keys come in GGUF's order, pairs beside each other: llama.cpp's converter turns LLaMA's so.
    pub fn turned(&self, config: &Config) -> bool {
        matches!(self, Self::Gguf(_)) && config.model_type == Architecture::Llama
    }

    /// Whether there is a weight of that name.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Safetensors(vb) => vb.pp(name).contains_tensor("weight"),
            Self::Gguf(gguf) => {
                gguf_name(name).is_some_and(|name| gguf.content.tensor_infos.contains_key(&format!("{name}.weight")))
            }
        }
    }

    pub fn vector(&self, name: &str, length: usize) -> Result<Tensor, Error> {
        self.named(name, "weight", length)
    }

    fn named(&self, name: &str, suffix: &str, length: usize) -> Result<Tensor, Error> {
        match self {
            Self::Safetensors(vb) => vb.pp(name).get(length, suffix).map_err(|error| Error::Weights(error.to_string())),
            Self::Gguf(gguf) => Ok(gguf.tensor(name, suffix, &[length])?.dequantize(&gguf.device)?),
        }
    }

    /// A layer of shape (out, in), with a bias if `bias`.
    pub fn linear(&self, name: &str, out: usize, inner: usize, bias: bool) -> Result<Linear, Error> {
        let weight = match self {
            Self::Safetensors(vb) => {
                let weight = vb.pp(name).get((out, inner), "weight").map_err(|error| Error::Weights(error.to_string()))?;
                Weight::Plain(weight.contiguous()?)
            }
            Self::Gguf(gguf) => match QMatMul::from_qtensor(gguf.tensor(name, "weight", &[out, inner])?)? {
                QMatMul::Tensor(weight) => Weight::Plain(weight),
                other => Weight::Quantised(other),
            },
        };
        let bias = bias.then(|| self.named(name, "bias", out)).transpose()?;
        Ok(Linear { weight, bias })
    }

    pub fn embedding(&self, name: &str, rows: usize, width: usize) -> Result<Embedding, Error> {
        match self {
            Self::Safetensors(vb) => {
                let table = vb.pp(name).get((rows, width), "weight").map_err(|error| Error::Weights(error.to_string()))?;
                Ok(Embedding::Plain(table))
            }
            Self::Gguf(gguf) => {
                let table = gguf.tensor(name, "weight", &[rows, width])?;
                match table.dtype().block_size() {
                    1 => Ok(Embedding::Plain(table.dequantize(&gguf.device)?)),
                    _ => Ok(Embedding::Quantised(Arc::new(table))),
                }
            }
        }
    }
}
