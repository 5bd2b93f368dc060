use crate::{error::Result, ops, weights::Scope};
use candle_core::Tensor;
use klieg_nn::Activation;

/// Group normalisation over [batch, …, channels], optionally followed by SiLU.
pub(crate) struct GroupNorm {
    weight: Tensor,
    bias: Tensor,
    groups: usize,
    eps: f64,
}

impl GroupNorm {
    pub fn new(scope: &Scope, groups: usize, channels: usize, eps: f64) -> Result<Self> {
        Ok(Self { weight: scope.get(channels, "weight")?, bias: scope.get(channels, "bias")?, groups, eps })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::group_norm(x, &self.weight, &self.bias, self.groups, self.eps)
    }

    pub fn silu(&self, x: &Tensor) -> Result<Tensor> {
        Ok(Activation::Silu.of(&self.forward(x)?)?)
    }
}

pub(crate) struct LayerNorm(klieg_nn::LayerNorm);

impl LayerNorm {
    pub fn new(scope: &Scope, channels: usize, eps: f64) -> Result<Self> {
        Ok(Self(klieg_nn::LayerNorm::new(scope.get(channels, "weight")?, scope.get(channels, "bias")?, eps)?))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.0.forward(x)?)
    }
}
