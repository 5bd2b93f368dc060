//! CLIP: texts and pictures in one space (Radford et al. 2021).

use crate::bert::activation;
use crate::block::{self, BlockConfig, Norms, Stack};
use crate::patches::{Patches, even, floats, with_first};
use crate::pooling::unit;
use crate::{Error, Parcel};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use klieg_nn::{LayerNorm, Linear};
use serde::Deserialize;

/// `text_config`; what it leaves out is as in CLIP ViT-B/32.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct TextConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub max_position_embeddings: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
    pub eos_token_id: Option<u32>,
    pub pad_token_id: Option<u32>,
    /// SigLIP's head.
    pub projection_size: Option<usize>,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: "quick_gelu".into(),
            layer_norm_eps: 1e-5,
            eos_token_id: Some(49_407),
            pad_token_id: None,
            projection_size: None,
        }
    }
}

/// `vision_config`; what it leaves out is as in CLIP ViT-B/32.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub image_size: usize,
    pub patch_size: usize,
    pub hidden_act: String,
    pub layer_norm_eps: f64,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            image_size: 224,
            patch_size: 32,
            hidden_act: "quick_gelu".into(),
            layer_norm_eps: 1e-5,
        }
    }
}

/// `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct ClipConfig {
    #[serde(default)]
    pub text_config: TextConfig,
    #[serde(default)]
    pub vision_config: VisionConfig,
    #[serde(default = "projection")]
    pub projection_dim: usize,
}

fn projection() -> usize {
    512
}

impl TextConfig {
    pub(crate) fn block(&self, causal: bool) -> Result<BlockConfig, Error> {
        Ok(BlockConfig {
            width: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            eps: self.layer_norm_eps,
            activation: activation(&self.hidden_act)?,
            norms: Norms::Before,
            causal,
        })
    }
}

impl VisionConfig {
    pub(crate) fn block(&self) -> Result<BlockConfig, Error> {
        Ok(BlockConfig {
            width: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            eps: self.layer_norm_eps,
            activation: activation(&self.hidden_act)?,
            norms: Norms::Before,
            causal: false,
        })
    }
}

/// Tokens to states, causal in CLIP.
pub struct TextTower {
    words: Tensor,
    places: Tensor,
    stack: Stack,
    norm: LayerNorm,
    config: TextConfig,
}

impl TextTower {
    /// Names as under `text_model` of `CLIPModel` and `SiglipModel`.
    pub fn load(config: &TextConfig, causal: bool, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let width = config.hidden_size;
        let embeddings = vb.pp("embeddings");
        let table = |count: usize, name: &str| embeddings.pp(name).get((count, width), "weight");
        Ok(Self {
            words: table(config.vocab_size, "token_embedding")?,
            places: table(config.max_position_embeddings, "position_embedding")?,
            stack: Stack::load(&config.block(causal)?, &block::CLIP, config.num_hidden_layers, &vb.pp("encoder.layers"))?,
            norm: LayerNorm::load(width, config.layer_norm_eps, &vb.pp("final_layer_norm"))?,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &TextConfig {
        &self.config
    }

    /// tokens × width, normed. `seen` hears the embeddings and what each block gives.
    pub fn forward(&self, parcel: &Parcel, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        parcel.check(self.config.vocab_size, self.config.max_position_embeddings)?;
        let row = |table: &Tensor, of: &[u32]| table.index_select(&Tensor::new(of, self.words.device())?, 0);
        let x = (row(&self.words, &parcel.ids)? + row(&self.places, &parcel.places(0))?)?;
        seen(&x);
        Ok(self.norm.forward(&self.stack.forward(x, &parcel.bounds, seen)?)?)
    }

    /// Where each text's pooled token is: the first end of text, or with the ids of the first checkpoints the highest.
    fn ends(&self, parcel: &Parcel) -> Vec<u32> {
        let end = self.config.eos_token_id;
        let one = |w: &[usize]| {
            let ids = &parcel.ids[w[0]..w[1]];
            let peak = if end == Some(2) { ids.iter().max().copied() } else { end };
            w[0] as u32 + ids.iter().position(|id| Some(*id) == peak).unwrap_or(0) as u32
        };
        parcel.bounds.windows(2).map(one).collect()
    }
}

/// Pictures to states.
pub struct VisionTower {
    patches: Patches,
    first: Option<Tensor>,
    places: Tensor,
    before: Option<LayerNorm>,
    stack: Stack,
    after: LayerNorm,
}

impl VisionTower {
    /// Names as under `vision_model` of `CLIPModel` and, without a first token, of `SiglipModel`.
    pub fn load(config: &VisionConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let (width, embeddings) = (config.hidden_size, vb.pp("embeddings"));
        let patches = Patches::load(width, config.patch_size, config.image_size, &embeddings.pp("patch_embedding"))?;
        let first = embeddings.contains_tensor("class_embedding").then(|| embeddings.get(width, "class_embedding")).transpose()?;
        let places = patches.count() + usize::from(first.is_some());
        let norm = |name: &str| LayerNorm::load(width, config.layer_norm_eps, &vb.pp(name));
        Ok(Self {
            places: embeddings.pp("position_embedding").get((places, width), "weight")?,
            // The name is misspelt in all checkpoints.
            before: vb.contains_tensor("pre_layrnorm.weight").then(|| norm("pre_layrnorm")).transpose()?,
            stack: Stack::load(&config.block()?, &block::CLIP, config.num_hidden_layers, &vb.pp("encoder.layers"))?,
            after: norm("post_layernorm")?,
            patches,
            first,
        })
    }

    pub fn side(&self) -> usize {
        self.patches.side()
    }

    /// pictures × 3 × side × side → pictures × tokens × width, not normed yet.
    pub fn forward(&self, pictures: &Tensor, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        let x = self.patches.forward(&floats(pictures, self.places.dtype())?)?;
        let x = match &self.first {
            Some(first) => with_first(first, &x)?,
            None => x,
        };
        let x = x.broadcast_add(&self.places)?;
        let (count, length, width) = x.dims3()?;
        let x = x.reshape((count * length, width))?;
        let x = match &self.before {
            Some(norm) => norm.forward(&x)?,
            None => x,
        };
        seen(&x);
        Ok(self.stack.forward(x, &even(count, length), seen)?.reshape((count, length, width))?)
    }

    /// The norm behind the blocks.
    pub fn norm(&self, x: &Tensor) -> Result<Tensor, Error> {
        Ok(self.after.forward(x)?)
    }
}

/// Both towers and what brings them together.
pub struct Clip {
    pub text: TextTower,
    pub vision: VisionTower,
    text_projection: Linear,
    visual_projection: Linear,
    logit_scale: f64,
}

impl Clip {
    /// Names as in `CLIPModel`.
    pub fn load(config: &ClipConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let to = config.projection_dim;
        Ok(Self {
            text: TextTower::load(&config.text_config, true, &vb.pp("text_model"))?,
            vision: VisionTower::load(&config.vision_config, &vb.pp("vision_model"))?,
            text_projection: Linear::load_without_bias(config.text_config.hidden_size, to, &vb.pp("text_projection"))?,
            visual_projection: Linear::load_without_bias(config.vision_config.hidden_size, to, &vb.pp("visual_projection"))?,
            logit_scale: scalar(vb, "logit_scale")?,
        })
    }

    /// texts × projection, not of unit length.
    pub fn texts(&self, parcel: &Parcel) -> Result<Tensor, Error> {
        let states = self.text.forward(parcel, &mut |_| ())?;
        let pooled = states.index_select(&Tensor::new(self.text.ends(parcel), states.device())?, 0)?;
        Ok(self.text_projection.forward(&pooled)?)
    }

    /// pictures × projection, not of unit length.
    pub fn pictures(&self, pictures: &Tensor) -> Result<Tensor, Error> {
        let first = self.vision.forward(pictures, &mut |_| ())?.narrow(1, 0, 1)?.squeeze(1)?;
        Ok(self.visual_projection.forward(&self.vision.norm(&first)?)?)
    }

    /// pictures × texts: how well each goes with each, before a softmax over texts.
    pub fn logits(&self, texts: &Tensor, pictures: &Tensor) -> Result<Tensor, Error> {
        Ok((unit(pictures)?.matmul(&unit(texts)?.t()?)? * self.logit_scale.exp())?)
    }
}

/// A tensor of one value, of whatever shape.
pub(crate) fn scalar(vb: &VarBuilder<'_>, name: &str) -> Result<f64, Error> {
    let value = vb.get_unchecked(name)?.flatten_all()?.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?;
    value.first().copied().ok_or_else(|| Error::config(name, "it has no value"))
}
