//! SigLIP: CLIP with a sigmoid for each pair, and pictures pooled by attention (Zhai et al. 2023).

use crate::bert::activation;
use crate::clip::scalar;
use crate::pooling::unit;
use crate::{Error, Parcel, TextConfig, TextTower, VisionConfig, VisionTower};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use klieg_nn::{Activation, Attend, LayerNorm, Linear, attend};
use serde::Deserialize;
use serde_json::{Map, Value};

/// `config.json`; what it leaves out is as in SigLIP base.
#[derive(Clone, Debug)]
pub struct SiglipConfig {
    pub text_config: TextConfig,
    pub vision_config: VisionConfig,
}

impl<'de> Deserialize<'de> for SiglipConfig {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            text_config: Map<String, Value>,
            #[serde(default)]
            vision_config: Map<String, Value>,
        }
        let raw = Raw::deserialize(from)?;
        let with = |given: Map<String, Value>, defaults: Value| {
            let mut all = defaults.as_object().cloned().unwrap_or_default();
            all.extend(given);
            Value::Object(all)
        };
        let shared = serde_json::json!({
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
            "vocab_size": 32_000, "max_position_embeddings": 64, "pad_token_id": 1, "eos_token_id": 1,
            "image_size": 224, "patch_size": 16,
        });
        Ok(Self {
            text_config: serde_json::from_value(with(raw.text_config, shared.clone())).map_err(serde::de::Error::custom)?,
            vision_config: serde_json::from_value(with(raw.vision_config, shared)).map_err(serde::de::Error::custom)?,
        })
    }
}

/// Both towers and what brings them together.
pub struct Siglip {
    pub text: TextTower,
    pub vision: VisionTower,
    head: Linear,
    pool: AttentionPool,
    logit_scale: f64,
    logit_bias: f64,
}

impl Siglip {
    /// Names as in `SiglipModel`.
    pub fn load(config: &SiglipConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let text = &config.text_config;
        let to = text.projection_size.unwrap_or(text.hidden_size);
        Ok(Self {
            text: TextTower::load(text, false, &vb.pp("text_model"))?,
            vision: VisionTower::load(&config.vision_config, &vb.pp("vision_model"))?,
            head: Linear::load(text.hidden_size, to, &vb.pp("text_model.head"))?,
            pool: AttentionPool::load(&config.vision_config, &vb.pp("vision_model.head"))?,
            logit_scale: scalar(vb, "logit_scale")?,
            logit_bias: scalar(vb, "logit_bias")?,
        })
    }

    /// texts × projection, not of unit length. Texts are as long as the model was trained with: padded to
    /// `max_position_embeddings`, and padding is seen; the last token is pooled.
    pub fn texts(&self, parcel: &Parcel) -> Result<Tensor, Error> {
        let states = self.text.forward(parcel, &mut |_| ())?;
        let last: Vec<u32> = parcel.bounds.iter().skip(1).map(|end| *end as u32 - 1).collect();
        Ok(self.head.forward(&states.index_select(&Tensor::new(last, states.device())?, 0)?)?)
    }

    /// pictures × projection, not of unit length.
    pub fn pictures(&self, pictures: &Tensor) -> Result<Tensor, Error> {
        let states = self.vision.norm(&self.vision.forward(pictures, &mut |_| ())?)?;
        self.pool.forward(&states)
    }

    /// pictures × texts: how well each goes with each, before a sigmoid of each.
    pub fn logits(&self, texts: &Tensor, pictures: &Tensor) -> Result<Tensor, Error> {
        let product = unit(pictures)?.matmul(&unit(texts)?.t()?)?;
        Ok(((product * self.logit_scale.exp())? + self.logit_bias)?)
    }
}

/// One learned query attends to all patches; then a feed-forward part.
struct AttentionPool {
    /// 1 × width, already through the query's layer.
    query: Tensor,
    keys: Linear,
    values: Linear,
    out: Linear,
    norm: LayerNorm,
    up: Linear,
    down: Linear,
    activation: Activation,
    heads: usize,
}

impl AttentionPool {
    fn load(config: &VisionConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let width = config.hidden_size;
        let (attention, mlp) = (vb.pp("attention"), vb.pp("mlp"));
        let (weight, bias) = (attention.get((3 * width, width), "in_proj_weight")?, attention.get(3 * width, "in_proj_bias")?);
        let part = |i: usize| {
            let weight = weight.narrow(0, i * width, width)?.contiguous()?;
            Linear::new(weight, Some(bias.narrow(0, i * width, width)?.contiguous()?))
        };
        let probe = vb.get((1, 1, width), "probe")?.reshape((1, width))?;
        Ok(Self {
            query: part(0)?.forward(&probe)?,
            keys: part(1)?,
            values: part(2)?,
            out: Linear::load(width, width, &attention.pp("out_proj"))?,
            norm: LayerNorm::load(width, config.layer_norm_eps, &vb.pp("layernorm"))?,
            up: Linear::load(width, config.intermediate_size, &mlp.pp("fc1"))?,
            down: Linear::load(config.intermediate_size, width, &mlp.pp("fc2"))?,
            activation: activation(&config.hidden_act)?,
            heads: config.num_attention_heads,
        })
    }

    /// pictures × patches × width → pictures × width.
    fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let (count, length, width) = x.dims3()?;
        let (heads, dim) = (self.heads, width / self.heads);
        let split = |x: Tensor| x.reshape((count, length, heads, dim))?.transpose(1, 2)?.contiguous();
        let query = self.query.reshape((1, heads, 1, dim))?.expand((count, heads, 1, dim))?.contiguous()?;
        let how = Attend { heads, scale: (dim as f32).powf(-0.5), causal: false };
        let pooled = attend(&query, &split(self.keys.forward(x)?)?, &split(self.values.forward(x)?)?, how)?;
        let pooled = self.out.forward(&pooled.reshape((count, width))?)?;
        let inner = self.up.forward_with(&self.norm.forward(&pooled)?, self.activation)?;
        Ok(self.down.forward_onto(&inner, &pooled)?)
    }
}
