use super::Config;
use crate::{
    error::Result,
    layers::{Attention, Conv2d, Downsample, GroupNorm, Resnet, Upsample},
    weights::Scope,
};
use candle_core::Tensor;

const EPS: f64 = 1e-6;

fn resnet(scope: &Scope, config: &Config, inside: usize, out: usize) -> Result<Resnet> {
    Resnet::new(scope, inside, out, None, config.norm_num_groups, EPS)
}

/// `UNetMidBlock2D`: one head over all pixels.
struct Mid {
    before: Resnet,
    attention: Option<(GroupNorm, Attention)>,
    after: Resnet,
}

impl Mid {
    fn new(scope: &Scope, config: &Config, channels: usize) -> Result<Self> {
        let attention = || -> Result<_> {
            let scope = scope.at("attentions.0");
            let norm = GroupNorm::new(&scope.at("group_norm"), config.norm_num_groups, channels, EPS)?;
            Ok((norm, Attention::new(&scope, channels, channels, 1, true, false)?))
        };
        Ok(Self {
            before: resnet(&scope.at("resnets.0"), config, channels, channels)?,
            attention: config.mid_block_add_attention.then(attention).transpose()?,
            after: resnet(&scope.at("resnets.1"), config, channels, channels)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.before.forward(x, None)?;
        if let Some((norm, attention)) = &self.attention {
            let (batch, height, width, channels) = x.dims4()?;
            let tokens = |x: &Tensor| x.reshape((batch, height * width, channels));
            x = attention.forward_onto(&tokens(&norm.forward(&x)?)?, None, None, &tokens(&x)?)?.reshape(x.shape())?;
        }
        self.after.forward(&x, None)
    }
}

pub(super) struct Encoder {
    conv_in: Conv2d,
    down: Vec<(Vec<Resnet>, Option<Downsample>)>,
    mid: Mid,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    pub fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let channels = &config.block_out_channels;
        let last = channels.len() - 1;
        let block = |i: usize| -> Result<_> {
            let (scope, out) = (scope.at("down_blocks").at(i), channels[i]);
            let inside = |j: usize| if j == 0 { channels[i.saturating_sub(1)] } else { out };
            let resnets = (0..config.layers_per_block).map(|j| resnet(&scope.at("resnets").at(j), config, inside(j), out));
            let downsample = (i < last).then(|| Downsample::new(&scope.at("downsamplers.0"), out, true)).transpose()?;
            Ok((resnets.collect::<Result<_>>()?, downsample))
        };
        Ok(Self {
            conv_in: Conv2d::same(&scope.at("conv_in"), config.in_channels, channels[0])?,
            down: (0..=last).map(block).collect::<Result<_>>()?,
            mid: Mid::new(&scope.at("mid_block"), config, channels[last])?,
            norm_out: GroupNorm::new(&scope.at("conv_norm_out"), config.norm_num_groups, channels[last], EPS)?,
            conv_out: Conv2d::same(&scope.at("conv_out"), channels[last], 2 * config.latent_channels)?,
        })
    }

    pub fn forward(&self, pixels: &Tensor) -> Result<Tensor> {
        let mut x = self.conv_in.forward(pixels)?;
        for (resnets, downsample) in &self.down {
            for resnet in resnets {
                x = resnet.forward(&x, None)?;
            }
            if let Some(downsample) = downsample {
                x = downsample.forward(&x)?;
            }
        }
        self.conv_out.forward(&self.norm_out.silu(&self.mid.forward(&x)?)?)
    }
}

pub(super) struct Decoder {
    conv_in: Conv2d,
    mid: Mid,
    up: Vec<(Vec<Resnet>, Option<Upsample>)>,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let channels: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let last = channels.len() - 1;
        let block = |i: usize| -> Result<_> {
            let (scope, out) = (scope.at("up_blocks").at(i), channels[i]);
            let inside = |j: usize| if j == 0 { channels[i.saturating_sub(1)] } else { out };
            let resnets = (0..=config.layers_per_block).map(|j| resnet(&scope.at("resnets").at(j), config, inside(j), out));
            let upsample = (i < last).then(|| Upsample::new(&scope.at("upsamplers.0"), out)).transpose()?;
            Ok((resnets.collect::<Result<_>>()?, upsample))
        };
        Ok(Self {
            conv_in: Conv2d::same(&scope.at("conv_in"), config.latent_channels, channels[0])?,
            mid: Mid::new(&scope.at("mid_block"), config, channels[0])?,
            up: (0..=last).map(block).collect::<Result<_>>()?,
            norm_out: GroupNorm::new(&scope.at("conv_norm_out"), config.norm_num_groups, channels[last], EPS)?,
            conv_out: Conv2d::same(&scope.at("conv_out"), channels[last], config.out_channels)?,
        })
    }

    pub fn forward(&self, latents: &Tensor) -> Result<Tensor> {
        let mut x = self.mid.forward(&self.conv_in.forward(latents)?)?;
        for (resnets, upsample) in &self.up {
            for resnet in resnets {
                x = resnet.forward(&x, None)?;
            }
            if let Some(upsample) = upsample {
                x = upsample.forward(&x, None)?;
            }
        }
        self.conv_out.forward(&self.norm_out.silu(&x)?)
    }
}
