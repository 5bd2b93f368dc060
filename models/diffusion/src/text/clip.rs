//! `CLIPTextModel` and `CLIPTextModelWithProjection`: CLIP-L, and OpenCLIP's H and bigG in transformers' form.

use crate::{
    adapters::Adapters,
    error::{Error, Result},
    layers::{LayerNorm, Linear, attend},
    weights::{Scope, Weights},
};
use candle_core::Tensor;
use klieg_nn::Activation;
use serde::{Deserialize, Serialize};

/// `text_encoder/config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub max_position_embeddings: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
    pub projection_dim: usize,
    /// 2 is what old configurations say; then the pooled state is that of the highest id.
    pub eos_token_id: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            vocab_size: 49408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".into(),
            layer_norm_eps: 1e-5,
            projection_dim: 512,
            eos_token_id: 49407,
        }
    }
}

impl Config {
    /// CLIP ViT-L/14: SD 1.5, and SDXL's first.
    pub fn clip_l() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_attention_heads: 12,
            projection_dim: 768,
            eos_token_id: 2,
            ..Self::default()
        }
    }

    /// OpenCLIP ViT-H/14 without its last layer: SD 2.1.
    pub fn open_clip_h() -> Self {
        let base = Self { hidden_size: 1024, intermediate_size: 4096, num_hidden_layers: 23, ..Self::default() };
        Self { num_attention_heads: 16, hidden_act: "gelu".into(), projection_dim: 1024, eos_token_id: 2, ..base }
    }

    /// OpenCLIP ViT-bigG/14: SDXL's second.
    pub fn open_clip_g() -> Self {
        let base = Self { hidden_size: 1280, intermediate_size: 5120, num_hidden_layers: 32, ..Self::default() };
        Self { num_attention_heads: 20, hidden_act: "gelu".into(), projection_dim: 1280, eos_token_id: 2, ..base }
    }

    fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::config("the text encoder", what));
        if self.num_attention_heads == 0 || !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return refuse(format!("{} heads for a width of {}", self.num_attention_heads, self.hidden_size));
        }
        if !(1..=256).contains(&self.num_hidden_layers) || self.max_position_embeddings < super::tokens::WINDOW {
            return refuse(format!(
                "{} layers (1 to 256), {} places (77 or more)",
                self.num_hidden_layers, self.max_position_embeddings
            ));
        }
        match self.hidden_act.as_str() {
            "quick_gelu" | "gelu" => Ok(()),
            other => refuse(format!("hidden_act {other}; quick_gelu or gelu")),
        }
    }
}

struct Layer {
    norm1: LayerNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

pub struct ClipText {
    config: Config,
    tokens: Tensor,
    places: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
    projection: Option<Linear>,
}

impl ClipText {
    pub fn new(weights: &Weights, config: &Config, adapters: &Adapters) -> Result<Self> {
        config.check()?;
        let root = weights.scope(adapters);
        // transformers 5 writes the model without the name of the one part that it has.
        let scope = if root.has("embeddings.token_embedding.weight") { root.clone() } else { root.at("text_model") };
        let width = config.hidden_size;
        let projection = root.has("text_projection.weight");
        let embeddings = scope.at("embeddings");
        Ok(Self {
            tokens: embeddings.get((config.vocab_size, width), "token_embedding.weight")?,
            places: embeddings.get((config.max_position_embeddings, width), "position_embedding.weight")?,
            layers: (0..config.num_hidden_layers)
                .map(|i| Layer::new(&scope.at("encoder.layers").at(i), config))
                .collect::<Result<_>>()?,
            norm: LayerNorm::new(&scope.at("final_layer_norm"), width, config.layer_norm_eps)?,
            projection: projection
                .then(|| Linear::new(&root.at("text_projection"), width, config.projection_dim, false))
                .transpose()?,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// One sequence of ids to [tokens, width], `skip` layers before the last, and to its pooled state [projection] if there is one.
    pub fn forward(&self, ids: &[u32], skip: usize, normed: bool) -> Result<(Tensor, Option<Tensor>)> {
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.config.vocab_size) {
            return Err(Error::Tokenizer(format!("the token {id} is not among the encoder's {}", self.config.vocab_size)));
        }
        let device = self.tokens.device();
        let tokens = self.tokens.index_select(&Tensor::new(ids, device)?, 0)?;
        let mut x = (tokens + self.places.narrow(0, 0, ids.len())?)?.unsqueeze(0)?;
        let mut chosen = None;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x, &self.config)?;
            if i + 1 + skip == self.layers.len() {
                chosen = Some(x.clone());
            }
        }
        let last = self.norm.forward(&x)?;
        let pooled = match &self.projection {
            Some(projection) => Some(projection.forward(&last.narrow(1, self.pooled_at(ids), 1)?.contiguous()?)?.flatten_all()?),
            None => None,
        };
        let states = match chosen {
            _ if skip == 0 && normed => last,
            Some(chosen) if normed => self.norm.forward(&chosen)?,
            Some(chosen) => chosen,
            None => return Err(Error::wish("clip_skip", skip, "below the encoder's layers")),
        };
        Ok((states.squeeze(0)?, pooled))
    }

    fn pooled_at(&self, ids: &[u32]) -> usize {
        let wanted = match self.config.eos_token_id {
            2 => ids.iter().max().copied().unwrap_or(0),
            eos => eos,
        };
        ids.iter().position(|&id| id == wanted).unwrap_or(0)
    }
}

impl Layer {
    fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let (width, inner, eps) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let attention = |name: &str| Linear::new(&scope.at("self_attn").at(name), width, width, true);
        Ok(Self {
            norm1: LayerNorm::new(&scope.at("layer_norm1"), width, eps)?,
            q: attention("q_proj")?,
            k: attention("k_proj")?,
            v: attention("v_proj")?,
            out: attention("out_proj")?,
            norm2: LayerNorm::new(&scope.at("layer_norm2"), width, eps)?,
            fc1: Linear::new(&scope.at("mlp.fc1"), width, inner, true)?,
            fc2: Linear::new(&scope.at("mlp.fc2"), inner, width, true)?,
        })
    }

    fn forward(&self, x: &Tensor, config: &Config) -> Result<Tensor> {
        let y = self.norm1.forward(x)?;
        let (q, k, v) = (self.q.forward(&y)?, self.k.forward(&y)?, self.v.forward(&y)?);
        let x = self.out.forward_onto(&attend(&q, &k, &v, config.num_attention_heads, true)?, x)?;
        let y = self.fc1.forward(&self.norm2.forward(&x)?)?;
        let act = Activation::named(&config.hidden_act).unwrap_or_default();
        self.fc2.forward_onto(&act.of(&y)?, &x)
    }
}
