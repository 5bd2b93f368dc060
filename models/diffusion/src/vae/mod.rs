//! Between pixels and latents: `AutoencoderKL`.

mod coders;
mod tiled;

pub use tiled::Tiling;

use crate::{
    adapters::Adapters,
    error::{Error, Result},
    layers::{Linear, channels_first, channels_last},
    weights::{Scope, Weights},
};
use candle_core::{DType, Device, Tensor};
use coders::{Decoder, Encoder};
use serde::{Deserialize, Serialize};

/// `vae/config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub in_channels: usize,
    pub out_channels: usize,
    pub block_out_channels: Vec<usize>,
    pub layers_per_block: usize,
    pub latent_channels: usize,
    pub norm_num_groups: usize,
    /// Pixels' edge that it was trained on: the tiles' size.
    pub sample_size: usize,
    pub scaling_factor: f64,
    pub shift_factor: Option<f64>,
    pub latents_mean: Option<Vec<f64>>,
    /// Its activations exceed f16: it runs in f32 beside a network in f16 (SDXL's does, by up to 2¹⁷).
    pub force_upcast: bool,
    pub use_quant_conv: bool,
    pub use_post_quant_conv: bool,
    pub mid_block_add_attention: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            in_channels: 3,
            out_channels: 3,
            block_out_channels: vec![128, 256, 512, 512],
            layers_per_block: 2,
            latent_channels: 4,
            norm_num_groups: 32,
            sample_size: 512,
            scaling_factor: 0.18215,
            shift_factor: None,
            latents_mean: None,
            force_upcast: true,
            use_quant_conv: true,
            use_post_quant_conv: true,
            mid_block_add_attention: true,
        }
    }
}

const BLOCKS_MAX: usize = 8;

impl Config {
    pub fn sdxl() -> Self {
        Self { sample_size: 1024, scaling_factor: 0.13025, ..Self::default() }
    }

    /// Pixels by latents, along an edge.
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len().clamp(1, BLOCKS_MAX) - 1)
    }

    /// The type that it runs in beside a network of `dtype`.
    pub fn dtype_beside(&self, dtype: DType) -> DType {
        if self.force_upcast { DType::F32 } else { dtype }
    }

    fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::config("the VAE", what));
        let (blocks, groups) = (self.block_out_channels.len(), self.norm_num_groups.max(1));
        if !(1..=BLOCKS_MAX).contains(&blocks) || self.block_out_channels.iter().any(|&c| c == 0 || c % groups != 0) {
            return refuse(format!("{blocks} blocks (1 to {BLOCKS_MAX}), each of channels that {groups} groups divide"));
        }
        if self.latents_mean.is_some() {
            return refuse("latents_mean is not supported".into());
        }
        if self.in_channels != 3 || self.out_channels != 3 || !(1..=16).contains(&self.layers_per_block) {
            return refuse("it wants 3 channels in and out and 1 to 16 layers a block".into());
        }
        if !(self.scaling_factor.is_finite() && self.scaling_factor > 0.0) || self.sample_size < self.factor() {
            return refuse(format!("scaling_factor = {}, sample_size = {}", self.scaling_factor, self.sample_size));
        }
        Ok(())
    }
}

pub struct Vae {
    config: Config,
    dtype: DType,
    device: Device,
    encoder: Encoder,
    decoder: Decoder,
    quant: Option<Linear>,
    post_quant: Option<Linear>,
}

impl Vae {
    pub fn new(weights: &Weights, config: &Config) -> Result<Self> {
        config.check()?;
        let none = Adapters::default();
        let scope: &Scope = &weights.scope(&none);
        let latents = config.latent_channels;
        let linear = |there: bool, name: &str, width| there.then(|| Linear::new(&scope.at(name), width, width, true)).transpose();
        Ok(Self {
            dtype: weights.dtype(),
            device: weights.device().clone(),
            encoder: Encoder::new(&scope.at("encoder"), config)?,
            decoder: Decoder::new(&scope.at("decoder"), config)?,
            quant: linear(config.use_quant_conv, "quant_conv", 2 * latents)?,
            post_quant: linear(config.use_post_quant_conv, "post_quant_conv", latents)?,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Pixels [batch, 3, height, width] in −1…1 to the posterior's mean and standard deviation, unscaled, f32.
    pub fn encode(&self, pixels: &Tensor) -> Result<(Tensor, Tensor)> {
        let mut moments = self.encoder.forward(&channels_last(&pixels.to_dtype(self.dtype)?)?)?;
        if let Some(quant) = &self.quant {
            moments = quant.forward(&moments)?;
        }
        let halves = channels_first(&moments)?.to_dtype(DType::F32)?.chunk(2, 1)?;
        let deviation = (halves[1].clamp(-30f32, 20f32)? * 0.5)?.exp()?;
        Ok((halves[0].contiguous()?, deviation))
    }

    /// Unscaled latents as the UNet wants them.
    pub fn scale(&self, latents: &Tensor) -> Result<Tensor> {
        Ok(((latents - self.config.shift_factor.unwrap_or(0.0))? * self.config.scaling_factor)?)
    }

    /// The UNet's latents to pixels [batch, 3, height, width] about −1…1, f32; in tiles where they are larger than one.
    pub fn decode(&self, latents: &Tensor, tiling: Option<Tiling>) -> Result<Tensor> {
        let latents = ((latents / self.config.scaling_factor)? + self.config.shift_factor.unwrap_or(0.0))?.to_dtype(self.dtype)?;
        let (_, _, height, width) = latents.dims4()?;
        let pixels = match tiling.filter(|tiling| height > tiling.edge || width > tiling.edge) {
            Some(tiling) => tiled::decode(tiling, self.config.factor(), &latents, &|tile| self.decode_whole(tile)),
            None => self.decode_whole(&latents),
        }?;
        Ok(pixels.to_dtype(DType::F32)?)
    }

    fn decode_whole(&self, latents: &Tensor) -> Result<Tensor> {
        let latents = channels_last(latents)?;
        let pixels = match &self.post_quant {
            Some(layer) => self.decoder.forward(&layer.forward(&latents)?),
            None => self.decoder.forward(&latents),
        }?;
        channels_first(&pixels)
    }
}
