//! Image prompts (Ye et al. 2023): tokens made of an image's embedding, with keys and values of their own.

use crate::{
    adapters::Adapters,
    error::{Error, Result},
    layers::{LayerNorm, Linear},
    weights::Weights,
};
use candle_core::{DType, Tensor};
use std::collections::HashMap;

const TOKENS_MAX: usize = 64;

/// The base form, with tokens projected from the pooled CLIP image embedding. (The plus form resamples all hidden states: refused.)
pub struct IpAdapter {
    weights: Weights,
    projection: Linear,
    norm: LayerNorm,
    tokens: usize,
    width: usize,
    inside: usize,
}

impl IpAdapter {
    /// From a file's tensors: `image_proj.*`, `ip_adapter.N.to_k_ip.weight`, `ip_adapter.N.to_v_ip.weight`.
    pub fn new(weights: Weights) -> Result<Self> {
        let missing = |name: &str, what: &str| Error::weights(weights.part(), name, what);
        if weights.tensors().contains_key("image_proj.latents") {
            return Err(missing("image_proj.latents", "is of the plus form, which is not supported; use the base form"));
        }
        let find = |name: &str| weights.tensors().get(name).ok_or_else(|| missing(name, "is not there"));
        let (out, inside) = find("image_proj.proj.weight")?.dims2()?;
        let width = find("image_proj.norm.weight")?.dim(0)?;
        let tokens = out / width.max(1);
        if !(1..=TOKENS_MAX).contains(&tokens) || tokens * width != out {
            return Err(missing(
                "image_proj.proj.weight",
                &format!("gives {out} numbers; a multiple of {width}, at most {TOKENS_MAX}"),
            ));
        }
        let none = Adapters::default();
        let scope = weights.scope(&none).at("image_proj");
        let projection = Linear::new(&scope.at("proj"), inside, out, true)?;
        let norm = LayerNorm::new(&scope.at("norm"), width, 1e-5)?;
        Ok(Self { projection, norm, tokens, width, inside, weights })
    }

    /// The width of the image embedding that it wants.
    pub fn inside(&self) -> usize {
        self.inside
    }

    /// An image's embedding [batch, `inside`] to its tokens [batch, tokens, width]. Zeros stand for no image.
    pub fn tokens(&self, embedding: &Tensor) -> Result<Tensor> {
        let (batch, inside) = embedding.dims2()?;
        if inside != self.inside {
            return Err(Error::wish("image prompt", inside, format!("an embedding of {}", self.inside)));
        }
        let flat = self.projection.forward(&embedding.to_dtype(self.weights.dtype())?)?;
        Ok(self.norm.forward(&flat.reshape((batch, self.tokens, self.width))?)?.to_dtype(DType::F32)?)
    }

    /// Keys and values by the paths of a base's cross attentions: odd numbers in the order down, up, middle.
    pub(super) fn over(&self, base: &Weights) -> Result<HashMap<String, (Tensor, Tensor)>> {
        let mut paths: Vec<(u8, Vec<usize>, String)> = Vec::new();
        for name in base.tensors().keys() {
            let Some(path) = name.strip_suffix(".to_k.weight").filter(|path| path.ends_with(".attn2")) else { continue };
            let group =
                ["down_blocks", "up_blocks", "mid_block"].iter().position(|start| path.starts_with(start)).unwrap_or(3) as u8;
            paths.push((group, path.split('.').filter_map(|part| part.parse().ok()).collect(), path.to_owned()));
        }
        paths.sort();
        let pair = |(i, (_, _, path)): (usize, (u8, Vec<usize>, String))| {
            let there = base.tensors()[&format!("{path}.to_k.weight")].dim(0)?;
            let get = |kind: &str| -> Result<Tensor> {
                let name = format!("ip_adapter.{}.to_{kind}_ip.weight", 2 * i + 1);
                let refuse = |what: String| Error::weights(self.weights.part(), &name, what);
                let tensor = self.weights.tensors().get(&name).ok_or_else(|| refuse(format!("is not there; {path} wants it")))?;
                if tensor.dims() != [there, self.width] {
                    return Err(refuse(format!(
                        "{:?} is not {:?}: it was made for another base",
                        tensor.dims(),
                        [there, self.width]
                    )));
                }
                Ok(tensor.to_device(base.device())?.to_dtype(base.dtype())?)
            };
            let pair = (get("k")?, get("v")?);
            Ok((path, pair))
        };
        paths.into_iter().enumerate().map(pair).collect()
    }
}
