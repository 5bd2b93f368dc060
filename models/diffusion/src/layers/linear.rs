use super::each;
use crate::{adapters::Low, error::Result, weights::Scope};
use candle_core::{DType, Tensor};

/// y = x Wᵀ + b, and beside it what low-rank adapters add.
#[derive(Clone)]
pub(crate) struct Linear {
    layer: klieg_nn::Linear,
    /// Its sums have one order, whatever the rows: a batch needs no taking apart.
    steady: bool,
    low: Vec<Low>,
}

impl Linear {
    pub fn new(scope: &Scope, inside: usize, out: usize, bias: bool) -> Result<Self> {
        let weight = scope.matrix(out, inside, "weight")?;
        let bias = bias.then(|| scope.get(out, "bias")).transpose()?;
        let (weight, low) = scope.adapters.apply(scope.path(), weight)?;
        Self::with(weight, bias, low)
    }

    pub fn of(weight: Tensor) -> Result<Self> {
        Self::with(weight, None, Vec::new())
    }

    fn with(weight: Tensor, bias: Option<Tensor>, low: Vec<Low>) -> Result<Self> {
        let steady = (weight.dtype() == DType::F32 || !weight.device().is_cpu()) && low.is_empty();
        Ok(Self { layer: klieg_nn::Linear::new(weight, bias)?, steady, low })
    }

    /// [batch, …, in] → [batch, …, out]
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if self.steady {
            return Ok(self.layer.forward(x)?);
        }
        each(x, |x| {
            let y = self.layer.forward(x)?;
            self.low.iter().try_fold(y, |y, low| Ok((y + low.linear(x)?)?))
        })
    }

    /// The same, added to what is `onto`.
    pub fn forward_onto(&self, x: &Tensor, onto: &Tensor) -> Result<Tensor> {
        match self.steady {
            true => Ok(self.layer.forward_onto(x, onto)?),
            false => Ok((self.forward(x)? + onto)?),
        }
    }
}
