//! ViT: pictures to classes (Dosovitskiy et al. 2020).

use crate::bert::{activation, under};
use crate::block::{self, BlockConfig, Norms, Stack};
use crate::heads::{Labels, rows};
use crate::patches::{Patches, even, floats, with_first};
use crate::{Error, Folder, Scores};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use klieg_nn::{LayerNorm, Linear};
use serde::Deserialize;

/// `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct VitConfig {
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "gelu")]
    pub hidden_act: String,
    #[serde(default = "eps")]
    pub layer_norm_eps: f64,
    pub image_size: usize,
    pub patch_size: usize,
}

fn gelu() -> String {
    "gelu".into()
}

fn eps() -> f64 {
    1e-12
}

/// A classifier of pictures (`ViTForImageClassification`), or a body alone (`ViTModel`).
pub struct Vit {
    patches: Patches,
    first: Tensor,
    places: Tensor,
    stack: Stack,
    norm: LayerNorm,
    classifier: Option<Linear>,
    labels: Vec<String>,
    config: VitConfig,
}

impl Vit {
    pub fn load(folder: &Folder, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let config: VitConfig = folder.json("config.json")?;
        let labels = folder.json::<Labels>("config.json")?.names()?;
        let inner = under(vb, "vit", "embeddings.cls_token");
        let width = config.hidden_size;
        let embeddings = inner.pp("embeddings");
        let projection = embeddings.pp("patch_embeddings.projection");
        let patches = Patches::load(width, config.patch_size, config.image_size, &projection)?;
        let block = BlockConfig {
            width,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            eps: config.layer_norm_eps,
            activation: activation(&config.hidden_act)?,
            norms: Norms::Before,
            causal: false,
        };
        Ok(Self {
            first: embeddings.get((1, 1, width), "cls_token")?,
            places: embeddings.get((1, patches.count() + 1, width), "position_embeddings")?,
            stack: Stack::load(&block, &block::VIT, config.num_hidden_layers, &inner.pp("encoder.layer"))?,
            norm: LayerNorm::load(width, config.layer_norm_eps, &inner.pp("layernorm"))?,
            classifier: vb
                .contains_tensor("classifier.weight")
                .then(|| Linear::load(width, labels.len(), &vb.pp("classifier")))
                .transpose()?,
            patches,
            labels,
            config,
        })
    }

    /// Names of the classes.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Side of the pictures that it takes, in pixels.
    pub fn side(&self) -> usize {
        self.config.image_size
    }

    /// pictures × 3 × side × side → pictures × (patches + 1) × width. `seen` hears the embeddings and what each block gives.
    pub fn states(&self, pictures: &Tensor, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        let x = self.patches.forward(&floats(pictures, self.first.dtype())?)?;
        let x = with_first(&self.first, &x)?.broadcast_add(&self.places)?;
        let (count, length, width) = x.dims3()?;
        let x = x.reshape((count * length, width))?;
        seen(&x);
        let x = self.stack.forward(x, &even(count, length), seen)?;
        Ok(self.norm.forward(&x)?.reshape((count, length, width))?)
    }

    /// Classes of each picture.
    pub fn classify(&self, pictures: &Tensor) -> Result<Vec<Scores>, Error> {
        let Some(classifier) = &self.classifier else { return Err(Error::Unable("classify: the model has no classifier".into())) };
        let first = self.states(pictures, &mut |_| ())?.narrow(1, 0, 1)?.squeeze(1)?;
        Ok(rows(&classifier.forward(&first)?)?.into_iter().map(|logits| Scores { logits }).collect())
    }
}
