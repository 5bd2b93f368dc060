use crate::{error::Result, weights::Scope};
use candle_core::Tensor;
use candle_nn::Module;

/// Group normalisation over [batch, channels, …], optionally followed by SiLU.
pub(crate) struct GroupNorm(candle_nn::GroupNorm);

impl GroupNorm {
    pub fn new(scope: &Scope, groups: usize, channels: usize, eps: f64) -> Result<Self> {
        let (weight, bias) = (scope.get(channels, "weight")?, scope.get(channels, "bias")?);
        Ok(Self(candle_nn::GroupNorm::new(weight, bias, channels, groups, eps)?))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.0.forward(x)?)
    }

    pub fn silu(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.0.forward(x)?.silu()?)
    }
}

pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl LayerNorm {
    pub fn new(scope: &Scope, channels: usize, eps: f32) -> Result<Self> {
        Ok(Self { weight: scope.get(channels, "weight")?, bias: scope.get(channels, "bias")?, eps })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(candle_nn::ops::layer_norm(&x.contiguous()?, &self.weight, &self.bias, self.eps)?)
    }
}
