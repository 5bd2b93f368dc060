//! Control networks (Zhang et al. 2023): a copy of the UNet's first half that looks at a picture (depth, edges, pose, …).

use crate::{
    adapters::Adapters,
    error::{Error, Result},
    layers::{Conv2d, channels_last},
    unet::{Conditions, Config, Context, Down, Embedding, Mid, Residuals, conditions},
    weights::{Scope, Weights},
};
use candle_core::{DType, Tensor};

/// The picture's way from pixels to latents' size.
struct Eye {
    conv_in: Conv2d,
    blocks: Vec<Conv2d>,
    conv_out: Conv2d,
}

impl Eye {
    fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let channels = &config.conditioning_embedding_out_channels;
        let (Some(&first), Some(&last)) = (channels.first(), channels.last()) else {
            return Err(Error::config("the ControlNet", "conditioning_embedding_out_channels is empty"));
        };
        let mut blocks = Vec::new();
        for pair in channels.windows(2) {
            let at = |i: usize| scope.at("blocks").at(i);
            blocks.push(Conv2d::same(&at(blocks.len()), pair[0], pair[0])?);
            blocks.push(Conv2d::new(&at(blocks.len()), pair[0], pair[1], 3, 2, 1)?);
        }
        let conv_in = Conv2d::same(&scope.at("conv_in"), config.conditioning_channels, first)?;
        Ok(Self { conv_in, blocks, conv_out: Conv2d::same(&scope.at("conv_out"), last, config.block_out_channels[0])? })
    }

    fn forward(&self, picture: &Tensor) -> Result<Tensor> {
        let mut x = self.conv_in.forward(picture)?.silu()?;
        for block in &self.blocks {
            x = block.forward(&x)?.silu()?;
        }
        self.conv_out.forward(&x)
    }
}

pub struct ControlNet {
    dtype: DType,
    embedding: Embedding,
    conv_in: Conv2d,
    eye: Eye,
    down: Vec<Down>,
    mid: Mid,
    taps: Vec<Conv2d>,
    mid_tap: Conv2d,
}

/// How a ControlNet counts in one request.
#[derive(Clone, Debug)]
pub struct Control {
    /// [1, 3, height, width], 0…1.
    pub picture: Tensor,
    pub scale: f32,
    /// The shares of the steps at which it begins and ends to count.
    pub start: f64,
    pub end: f64,
}

impl Control {
    /// Its scale at a step of `steps`: none outside its time.
    pub fn scale_at(&self, step: usize, steps: usize) -> f32 {
        let (begin, end) = (step as f64 / steps as f64, (step + 1) as f64 / steps as f64);
        if begin < self.start || end > self.end { 0.0 } else { self.scale }
    }

    pub(crate) fn check(&self, height: usize, width: usize) -> Result<()> {
        if self.picture.dims() != [1, 3, height, width] {
            return Err(Error::wish("control picture", format!("{:?}", self.picture.dims()), format!("[1, 3, {height}, {width}]")));
        }
        if !(0.0..=1.0).contains(&self.start) || !(0.0..=1.0).contains(&self.end) || self.start >= self.end {
            return Err(Error::wish("control start and end", format!("{}…{}", self.start, self.end), "0 ≤ start < end ≤ 1"));
        }
        match self.scale.is_finite() && (0.0..=10.0).contains(&self.scale) {
            true => Ok(()),
            false => Err(Error::wish("control scale", self.scale, "from 0 to 10")),
        }
    }
}

impl ControlNet {
    pub fn new(weights: &Weights, config: &Config) -> Result<Self> {
        let mut config = config.clone();
        // A ControlNet has no second half; its configuration names none.
        let attends = |name: &String| if name == "CrossAttnDownBlock2D" { "CrossAttnUpBlock2D" } else { "UpBlock2D" };
        config.up_block_types = config.down_block_types.iter().rev().map(|name| attends(name).to_owned()).collect();
        config.check()?;
        let none = Adapters::default();
        let scope = &weights.scope(&none);
        let channels = &config.block_out_channels;
        let down = |i| Down::new(&scope.at("down_blocks").at(i), &config, i);
        let mut widths = vec![channels[0]];
        for (i, &width) in channels.iter().enumerate() {
            let last = i + 1 == channels.len();
            widths.extend(std::iter::repeat_n(width, config.layers_per_block.at(i) + usize::from(!last)));
        }
        let tap = |(i, &width): (usize, &usize)| Conv2d::pointwise(&scope.at("controlnet_down_blocks").at(i), width, width);
        let last = channels[channels.len() - 1];
        Ok(Self {
            dtype: weights.dtype(),
            embedding: Embedding::new(scope, &config)?,
            conv_in: Conv2d::same(&scope.at("conv_in"), config.in_channels, channels[0])?,
            eye: Eye::new(&scope.at("controlnet_cond_embedding"), &config)?,
            down: (0..channels.len()).map(down).collect::<Result<_>>()?,
            mid: Mid::new(&scope.at("mid_block"), &config)?,
            taps: widths.iter().enumerate().map(tap).collect::<Result<_>>()?,
            mid_tap: Conv2d::pointwise(&scope.at("controlnet_mid_block"), last, last)?,
        })
    }

    /// `picture`: [batch, 3, height, width] in 0…1; `scales`: how much it counts, a row each.
    pub fn forward(&self, sample: &Tensor, picture: &Tensor, context: &Context, scales: &[f32]) -> Result<Residuals> {
        let to: Conditions = conditions(&self.embedding, &Context { image: None, ..context.clone() }, self.dtype)?;
        let seen = self.eye.forward(&channels_last(&picture.to_dtype(self.dtype)?)?)?;
        let x = self.conv_in.forward(&channels_last(&sample.to_dtype(self.dtype)?)?)?;
        if seen.dims() != x.dims() {
            return Err(Error::config(
                "the ControlNet",
                format!("its picture comes to {:?} beside latents of {:?}", seen.dims(), x.dims()),
            ));
        }
        let mut x = (x + seen)?;
        let mut skips = vec![x.clone()];
        for block in &self.down {
            x = block.forward(&x, &to, &mut skips)?;
        }
        x = self.mid.forward(&x, &to)?;
        let scales = Tensor::from_slice(scales, (scales.len(), 1, 1, 1), x.device())?.to_dtype(self.dtype)?;
        let tapped = |(tap, skip): (&Conv2d, &Tensor)| Ok(tap.forward(skip)?.broadcast_mul(&scales)?);
        let down = self.taps.iter().zip(&skips).map(tapped).collect::<Result<_>>()?;
        Ok(Residuals { down, mid: self.mid_tap.forward(&x)?.broadcast_mul(&scales)? })
    }
}

impl Residuals {
    /// What several say together.
    pub fn and(self, other: Self) -> Result<Self> {
        let down = self.down.iter().zip(&other.down).map(|(a, b)| Ok((a + b)?)).collect::<Result<_>>()?;
        Ok(Self { down, mid: (self.mid + other.mid)? })
    }
}
