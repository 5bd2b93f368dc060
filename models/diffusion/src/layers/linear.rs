use super::each;
use crate::{adapters::Low, error::Result, weights::Scope};
use candle_core::Tensor;

/// y = x Wᵀ + b, and beside it what low-rank adapters add.
#[derive(Clone)]
pub(crate) struct Linear {
    /// [out, in]
    weight: Tensor,
    bias: Option<Tensor>,
    low: Vec<Low>,
}

impl Linear {
    pub fn new(scope: &Scope, inside: usize, out: usize, bias: bool) -> Result<Self> {
        let weight = scope.matrix(out, inside, "weight")?;
        let bias = bias.then(|| scope.get(out, "bias")).transpose()?;
        let (weight, low) = scope.adapters.apply(scope.path(), weight)?;
        Ok(Self { weight, bias, low })
    }

    pub fn of(weight: Tensor) -> Self {
        Self { weight, bias: None, low: Vec::new() }
    }

    /// [batch, …, in] → [batch, …, out]
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        each(x, |x| self.one(x))
    }

    fn one(&self, x: &Tensor) -> Result<Tensor> {
        let mut dims = x.dims().to_vec();
        let inside = dims.pop().unwrap_or(1);
        dims.push(self.weight.dim(0)?);
        let rows = x.reshape(((), inside))?;
        let mut y = rows.matmul(&self.weight.t()?)?;
        for low in &self.low {
            y = (y + low.linear(&rows)?)?;
        }
        if let Some(bias) = &self.bias {
            y = y.broadcast_add(bias)?;
        }
        Ok(y.reshape(dims)?)
    }
}
