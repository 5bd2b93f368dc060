use crate::{kernels, share, views};
use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;

/// Layer norm over the last dimension: the mean and the variance of each row in two passes, as PyTorch's (Ba et al. 2016).
#[derive(Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    /// `weight` and `bias`: as many values as a row has.
    pub fn new(weight: Tensor, bias: Tensor, eps: f64) -> Result<Self> {
        if weight.dims1()? != bias.dims1()? {
            bail!("a layer norm of {} weights has {} biases", weight.dims1()?, bias.dims1()?);
        }
        Ok(Self { weight, bias, eps })
    }

    /// `weight` and `bias` of the builder's prefix.
    pub fn load(size: usize, eps: f64, vb: &VarBuilder<'_>) -> Result<Self> {
        Self::new(vb.get(size, "weight")?, vb.get(size, "bias")?, eps)
    }

    /// x: … × size → the same.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.device().is_cpu() && x.dtype() == DType::F32 && self.weight.dtype() == DType::F32 {
            return x.contiguous()?.apply_op3_no_bwd(&self.weight.contiguous()?, &self.bias.contiguous()?, &Rows(self.eps as f32));
        }
        self.plain(x)
    }

    /// The same in candle's own ops; halves are normalised in f32.
    pub fn plain(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let middle = wide.broadcast_sub(&wide.mean_keepdim(D::Minus1)?)?;
        let scale = (middle.sqr()?.mean_keepdim(D::Minus1)? + self.eps)?.sqrt()?;
        middle.broadcast_div(&scale)?.to_dtype(x.dtype())?.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)
    }
}

struct Rows(f32);

impl CustomOp3 for Rows {
    fn name(&self) -> &'static str {
        "layer-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight, bias) =
            (views::floats(x, x_layout)?, views::floats(weight, weight_layout)?, views::floats(bias, bias_layout)?);
        let size = weight.len();
        if size == 0 || x_layout.dims().last() != Some(&size) {
            bail!("a layer norm of {size} was given rows of {:?}", x_layout.dims().last());
        }
        let mut out = vec![0.0; x.len()];
        let chunk = share::CHUNK.div_ceil(size) * size;
        share::chunks(&mut out, chunk, |number, out| {
            for (out, row) in out.chunks_exact_mut(size).zip(x[number * chunk..].chunks_exact(size)) {
                kernels::get().normalise(row, weight, bias, self.0, out);
            }
        });
        Ok((CpuStorage::F32(out), x_layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn fused_equals_plain() -> Result<()> {
        for (rows, size) in [(1, 1), (3, 7), (50, 384), (400, 129)] {
            let noise = |shape: (usize, usize)| Tensor::randn(3f32, 2.0, shape, &Device::Cpu);
            let norm = LayerNorm::new(noise((1, size))?.squeeze(0)?, noise((1, size))?.squeeze(0)?, 1e-5)?;
            let x = noise((rows, size))?;
            let apart = (norm.forward(&x)? - norm.plain(&x)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(apart < 1e-5, "{rows} × {size}: {apart}");
        }
        Ok(())
    }

    #[test]
    fn rows_of_another_size_are_refused() -> Result<()> {
        let ones = Tensor::ones(4, DType::F32, &Device::Cpu)?;
        let norm = LayerNorm::new(ones.clone(), ones, 1e-5)?;
        assert!(norm.forward(&Tensor::ones((2, 5), DType::F32, &Device::Cpu)?).is_err());
        Ok(())
    }
}
