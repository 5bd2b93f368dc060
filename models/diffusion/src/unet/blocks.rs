use super::Config;
use crate::{
    error::{Error, Result},
    layers::{Downsample, Image, Resnet, Transformer, TransformerShape, Upsample},
    weights::Scope,
};
use candle_core::Tensor;

/// What every block is told.
pub(crate) struct Conditions {
    pub time: Tensor,
    pub text: Tensor,
    pub image: Option<Image>,
}

fn shape(config: &Config, block: usize) -> TransformerShape {
    TransformerShape {
        depth: config.transformer_layers_per_block.at(block),
        heads: config.heads(block),
        context: config.cross_attention_dim,
        groups: config.norm_num_groups,
        upcast: config.upcast_attention == Some(true),
    }
}

fn resnet(scope: &Scope, config: &Config, inside: usize, out: usize) -> Result<Resnet> {
    Resnet::new(scope, inside, out, Some(config.time_width()), config.norm_num_groups, config.norm_eps)
}

/// Resnets, each with its transformer where the block attends.
struct Layers {
    resnets: Vec<Resnet>,
    attentions: Vec<Transformer>,
}

impl Layers {
    fn new(scope: &Scope, config: &Config, block: usize, inside: &[usize]) -> Result<Self> {
        let out = config.block_out_channels[block];
        let resnets = inside.iter().enumerate().map(|(i, &inside)| resnet(&scope.at("resnets").at(i), config, inside, out));
        let attentions = if config.attends(block) { inside.len() } else { 0 };
        let attentions = (0..attentions).map(|i| Transformer::new(&scope.at("attentions").at(i), out, shape(config, block)));
        Ok(Self { resnets: resnets.collect::<Result<_>>()?, attentions: attentions.collect::<Result<_>>()? })
    }

    fn forward(&self, i: usize, x: &Tensor, to: &Conditions) -> Result<Tensor> {
        let x = self.resnets[i].forward(x, Some(&to.time))?;
        match self.attentions.get(i) {
            Some(attention) => attention.forward(&x, &to.text, to.image.as_ref()),
            None => Ok(x),
        }
    }
}

/// `DownBlock2D`, `CrossAttnDownBlock2D`.
pub(crate) struct Down {
    layers: Layers,
    downsample: Option<Downsample>,
}

impl Down {
    pub fn new(scope: &Scope, config: &Config, block: usize) -> Result<Self> {
        let (channels, out) = (&config.block_out_channels, config.block_out_channels[block]);
        let mut inside = vec![out; config.layers_per_block.at(block)];
        inside[0] = channels[block.saturating_sub(1)];
        let last = block + 1 == channels.len();
        let downsample = (!last).then(|| Downsample::new(&scope.at("downsamplers.0"), out, false)).transpose()?;
        Ok(Self { layers: Layers::new(scope, config, block, &inside)?, downsample })
    }

    pub fn forward(&self, x: &Tensor, to: &Conditions, skips: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut x = x.clone();
        for i in 0..self.layers.resnets.len() {
            x = self.layers.forward(i, &x, to)?;
            skips.push(x.clone());
        }
        if let Some(downsample) = &self.downsample {
            x = downsample.forward(&x)?;
            skips.push(x.clone());
        }
        Ok(x)
    }
}

/// `UNetMidBlock2DCrossAttn`.
pub(crate) struct Mid {
    before: Resnet,
    attention: Transformer,
    after: Resnet,
}

impl Mid {
    pub fn new(scope: &Scope, config: &Config) -> Result<Self> {
        let block = config.block_out_channels.len() - 1;
        let channels = config.block_out_channels[block];
        Ok(Self {
            before: resnet(&scope.at("resnets.0"), config, channels, channels)?,
            attention: Transformer::new(&scope.at("attentions.0"), channels, shape(config, block))?,
            after: resnet(&scope.at("resnets.1"), config, channels, channels)?,
        })
    }

    pub fn forward(&self, x: &Tensor, to: &Conditions) -> Result<Tensor> {
        let x = self.before.forward(x, Some(&to.time))?;
        let x = self.attention.forward(&x, &to.text, to.image.as_ref())?;
        self.after.forward(&x, Some(&to.time))
    }
}

/// `UpBlock2D`, `CrossAttnUpBlock2D`.
pub(crate) struct Up {
    layers: Layers,
    upsample: Option<Upsample>,
}

impl Up {
    /// `index` counts from the smallest pictures.
    pub fn new(scope: &Scope, config: &Config, index: usize) -> Result<Self> {
        let channels = &config.block_out_channels;
        let block = channels.len() - 1 - index;
        let (out, skip) = (channels[block], channels[block.saturating_sub(1)]);
        let before = channels[(block + 1).min(channels.len() - 1)];
        let count = config.layers_per_block.at(block) + 1;
        let inside = |i| (if i == 0 { before } else { out }) + (if i + 1 == count { skip } else { out });
        let inside: Vec<_> = (0..count).map(inside).collect();
        let upsample = (block > 0).then(|| Upsample::new(&scope.at("upsamplers.0"), out)).transpose()?;
        Ok(Self { layers: Layers::new(scope, config, block, &inside)?, upsample })
    }

    pub fn forward(&self, x: &Tensor, to: &Conditions, skips: &mut Vec<Tensor>) -> Result<Tensor> {
        let mut x = x.clone();
        for i in 0..self.layers.resnets.len() {
            let skip = skips.pop().ok_or_else(|| Error::config("the UNet", "its skip connections do not come out even"))?;
            x = self.layers.forward(i, &Tensor::cat(&[&x, &skip], 3)?, to)?;
        }
        match &self.upsample {
            // Sizes that are no multiple of the network's stride come back as they went.
            Some(upsample) => {
                let size = skips.last().map(|skip| Ok::<_, candle_core::Error>((skip.dim(1)?, skip.dim(2)?))).transpose()?;
                upsample.forward(&x, size)
            }
            None => Ok(x),
        }
    }
}
