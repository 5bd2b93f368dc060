use super::Linear;
use crate::{error::Result, weights::Scope};
use candle_core::{DType, Device, Tensor};

/// Sinusoids of numbers in f32, one row each: [count, width], cosines first where `flip` says so (Vaswani et al. 2017).
pub(crate) fn sinusoid(numbers: &[f32], width: usize, flip: bool, shift: f32, device: &Device) -> Result<Tensor> {
    let half = width / 2;
    let exponent = |i: usize| -(10_000f64.ln() as f32) * i as f32 / (half as f32 - shift);
    let rates: Vec<f32> = (0..half).map(|i| exponent(i).exp()).collect();
    let mut rows = Vec::with_capacity(numbers.len() * width);
    for number in numbers {
        let sines = rates.iter().map(|rate| (number * rate).sin());
        let cosines = rates.iter().map(|rate| (number * rate).cos());
        match flip {
            true => rows.extend(cosines.chain(sines)),
            false => rows.extend(sines.chain(cosines)),
        }
        rows.resize(rows.len() + width % 2, 0.0);
    }
    Ok(Tensor::from_vec(rows, (numbers.len(), width), device)?)
}

/// `TimestepEmbedding`: two layers with SiLU between.
pub(crate) struct TimeEmbedding(Linear, Linear, DType);

impl TimeEmbedding {
    pub fn new(scope: &Scope, inside: usize, out: usize) -> Result<Self> {
        let first = Linear::new(&scope.at("linear_1"), inside, out, true)?;
        Ok(Self(first, Linear::new(&scope.at("linear_2"), out, out, true)?, scope.dtype()))
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.1.forward(&self.0.forward(&x.to_dtype(self.2)?)?.silu()?)
    }
}
