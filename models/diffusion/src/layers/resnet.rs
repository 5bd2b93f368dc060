use super::{Conv2d, GroupNorm, Linear};
use crate::{error::Result, ops, weights::Scope};
use candle_core::Tensor;

/// `ResnetBlock2D` over [batch, height, width, channels].
pub(crate) struct Resnet {
    norm1: GroupNorm,
    conv1: Conv2d,
    time: Option<Linear>,
    norm2: GroupNorm,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

impl Resnet {
    /// `time`: the width of the time embedding, if it has one.
    pub fn new(scope: &Scope, inside: usize, out: usize, time: Option<usize>, groups: usize, eps: f64) -> Result<Self> {
        Ok(Self {
            norm1: GroupNorm::new(&scope.at("norm1"), groups, inside, eps)?,
            conv1: Conv2d::same(&scope.at("conv1"), inside, out)?,
            time: time.map(|width| Linear::new(&scope.at("time_emb_proj"), width, out, true)).transpose()?,
            norm2: GroupNorm::new(&scope.at("norm2"), groups, out, eps)?,
            conv2: Conv2d::same(&scope.at("conv2"), out, out)?,
            shortcut: (inside != out).then(|| Conv2d::pointwise(&scope.at("conv_shortcut"), inside, out)).transpose()?,
        })
    }

    /// `time`: [batch, width] after its SiLU.
    pub fn forward(&self, x: &Tensor, time: Option<&Tensor>) -> Result<Tensor> {
        let mut y = self.conv1.forward(&self.norm1.silu(x)?)?;
        if let (Some(linear), Some(time)) = (&self.time, time) {
            y = ops::add_to_pixels(&y, &linear.forward(time)?)?;
        }
        let y = self.norm2.silu(&y)?;
        match &self.shortcut {
            Some(shortcut) => self.conv2.forward_onto(&y, &shortcut.forward(x)?),
            None => self.conv2.forward_onto(&y, x),
        }
    }
}
