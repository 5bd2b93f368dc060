//! The denoising network of SD 1.5, SD 2.1 and SDXL (`UNet2DConditionModel`).

mod blocks;
mod config;

pub use config::{Config, PerBlock};

pub(crate) use blocks::{Conditions, Down, Mid};

use crate::{
    adapters::Adapters,
    error::{Error, Result},
    layers::{Conv2d, GroupNorm, Image, TimeEmbedding, channels_first, channels_last, sinusoid},
    weights::{Scope, Weights},
};
use blocks::Up;
use candle_core::{DType, Tensor};

/// What a network is told beside its latents, a row for each of them.
#[derive(Clone)]
pub struct Context {
    /// Training steps, f32.
    pub timesteps: Vec<f32>,
    /// The prompt's hidden states: [batch, tokens, `cross_attention_dim`].
    pub text: Tensor,
    /// SDXL: the pooled prompt [batch, width] and six sizes a row.
    pub added: Option<(Tensor, Vec<[f32; 6]>)>,
    /// An image prompt's tokens [batch, tokens, `cross_attention_dim`], and each row's scale.
    pub image: Option<(Tensor, Vec<f32>)>,
}

/// What ControlNets add: to each skip connection, in order, and to the middle. Channels are last.
pub struct Residuals {
    pub down: Vec<Tensor>,
    pub mid: Tensor,
}

/// Sees a block's output, channels last, by its name: `conv_in`, `down_blocks.0`, `mid_block`, `up_blocks.0`, `conv_out`.
pub type Probe<'a> = &'a mut dyn FnMut(&str, &Tensor) -> Result<()>;

/// Time and, of SDXL, the added conditions, as one embedding.
pub(crate) struct Embedding {
    time: TimeEmbedding,
    added: Option<TimeEmbedding>,
    config: Config,
}

impl Embedding {
    pub fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let width = config.time_width();
        let time = TimeEmbedding::new(&scope.at("time_embedding"), config.block_out_channels[0], width)?;
        let added = config.added_width().map(|inside| TimeEmbedding::new(&scope.at("add_embedding"), inside, width)).transpose()?;
        Ok(Self { time, added, config: config.clone() })
    }

    /// [batch, width] after the SiLU that every block begins with.
    pub fn forward(&self, context: &Context, dtype: DType) -> Result<Tensor> {
        let device = context.text.device();
        let rows = |numbers: &[f32], width| sinusoid(numbers, width, self.config.flip_sin_to_cos, self.config.freq_shift, device);
        let mut time = self.time.forward(&rows(&context.timesteps, self.config.block_out_channels[0])?)?;
        if let Some(layer) = &self.added {
            let Some((pooled, sizes)) = &context.added else {
                return Err(Error::config("the UNet", "it wants a pooled prompt and sizes, and the request has none"));
            };
            let sizes = rows(&sizes.concat(), self.config.addition_time_embed_dim.unwrap_or(0))?.reshape((pooled.dim(0)?, ()))?;
            let added = Tensor::cat(&[pooled.to_dtype(DType::F32)?, sizes], 1)?;
            time = (time + layer.forward(&added)?)?;
        }
        Ok(time.to_dtype(dtype)?.silu()?)
    }
}

/// The network, ready to run.
pub struct Unet {
    config: Config,
    dtype: DType,
    embedding: Embedding,
    conv_in: Conv2d,
    down: Vec<Down>,
    mid: Mid,
    up: Vec<Up>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Unet {
    pub fn new(weights: &Weights, config: &Config, adapters: &Adapters) -> Result<Self> {
        config.check()?;
        let scope = &weights.scope(adapters);
        let (first, last) = (config.block_out_channels[0], config.block_out_channels.len() - 1);
        let down = |i| Down::new(&scope.at("down_blocks").at(i), config, i);
        Ok(Self {
            dtype: weights.dtype(),
            embedding: Embedding::new(scope, config)?,
            conv_in: Conv2d::same(&scope.at("conv_in"), config.in_channels, first)?,
            down: (0..=last).map(down).collect::<Result<_>>()?,
            mid: Mid::new(&scope.at("mid_block"), config)?,
            up: (0..=last).map(|i| Up::new(&scope.at("up_blocks").at(i), config, i)).collect::<Result<_>>()?,
            norm_out: GroupNorm::new(&scope.at("conv_norm_out"), config.norm_num_groups, first, config.norm_eps)?,
            conv_out: Conv2d::same(&scope.at("conv_out"), first, config.out_channels)?,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// [batch, `in_channels`, height, width] → [batch, `out_channels`, height, width].
    pub fn forward(&self, sample: &Tensor, context: &Context, residuals: Option<&Residuals>) -> Result<Tensor> {
        self.probed(sample, context, residuals, &mut |_, _| Ok(()))
    }

    /// The same, and `probe` sees what each block gives.
    pub fn probed(&self, sample: &Tensor, context: &Context, residuals: Option<&Residuals>, probe: Probe) -> Result<Tensor> {
        let conditions = conditions(&self.embedding, context, self.dtype)?;
        let mut x = self.conv_in.forward(&channels_last(&sample.to_dtype(self.dtype)?)?)?;
        probe("conv_in", &x)?;
        let mut skips = vec![x.clone()];
        for (i, block) in self.down.iter().enumerate() {
            x = block.forward(&x, &conditions, &mut skips)?;
            probe(&format!("down_blocks.{i}"), &x)?;
        }
        x = self.mid.forward(&x, &conditions)?;
        if let Some(residuals) = residuals {
            add(&mut skips, &residuals.down)?;
            x = (x + &residuals.mid)?;
        }
        probe("mid_block", &x)?;
        for (i, block) in self.up.iter().enumerate() {
            x = block.forward(&x, &conditions, &mut skips)?;
            probe(&format!("up_blocks.{i}"), &x)?;
        }
        let x = self.conv_out.forward(&self.norm_out.silu(&x)?)?;
        probe("conv_out", &x)?;
        channels_first(&x)
    }
}

pub(crate) fn conditions(embedding: &Embedding, context: &Context, dtype: DType) -> Result<Conditions> {
    let time = embedding.forward(context, dtype)?;
    let image = match &context.image {
        Some((tokens, scales)) => {
            let scale = Tensor::from_slice(scales, (scales.len(), 1, 1), tokens.device())?;
            Some(Image { tokens: tokens.to_dtype(dtype)?, scale })
        }
        None => None,
    };
    Ok(Conditions { time, text: context.text.to_dtype(dtype)?.contiguous()?, image })
}

fn add(skips: &mut [Tensor], residuals: &[Tensor]) -> Result<()> {
    if skips.len() != residuals.len() {
        let what = format!("it gives {} residuals to {} skip connections", residuals.len(), skips.len());
        return Err(Error::config("the ControlNet", what));
    }
    for (skip, residual) in skips.iter_mut().zip(residuals) {
        *skip = (&*skip + residual)?;
    }
    Ok(())
}
