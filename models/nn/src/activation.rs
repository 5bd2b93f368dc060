use crate::{kernels, share, views};
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};

/// What follows a linear layer, by transformers' names (`hidden_act`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    Relu,
    /// x·Φ(x) with the error function: `gelu`.
    Gelu,
    /// Its approximation by tanh: `gelu_new`, `gelu_pytorch_tanh`.
    GeluTanh,
    /// x·σ(1.702 x): `quick_gelu`.
    QuickGelu,
    /// x·σ(x): `silu`, `swish`.
    Silu,
    Tanh,
}

impl Activation {
    /// By transformers' name; `None` for one that is not here.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "linear" | "identity" => Self::Identity,
            "relu" => Self::Relu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_approximate" => Self::GeluTanh,
            "quick_gelu" => Self::QuickGelu,
            "silu" | "swish" => Self::Silu,
            "tanh" => Self::Tanh,
            _ => return None,
        })
    }

    /// Of each value: fused for f32 on a processor, plain elsewhere.
    pub fn of(self, x: &Tensor) -> Result<Tensor> {
        if self == Self::Identity {
            return Ok(x.clone());
        }
        if x.device().is_cpu() && x.dtype() == DType::F32 {
            return x.contiguous()?.apply_op1_no_bwd(&Each(self));
        }
        self.plain(x)
    }

    /// The same in candle's own ops.
    pub fn plain(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::Gelu => x.gelu_erf(),
            Self::GeluTanh => x.gelu(),
            Self::QuickGelu => x * candle_nn::ops::sigmoid(&(x * 1.702)?)?,
            Self::Silu => x.silu(),
            Self::Tanh => x.tanh(),
        }
    }
}

struct Each(Activation);

impl CustomOp1 for Each {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = views::floats(x, layout)?.to_vec();
        share::chunks(&mut out, share::CHUNK, |_, part| kernels::get().activate(self.0, part));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    const ALL: [Activation; 7] = [
        Activation::Identity,
        Activation::Relu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Silu,
        Activation::Tanh,
    ];

    #[test]
    fn fused_ones_equal_candles_everywhere() -> Result<()> {
        // Beyond the range where they change, too, and a length that fills no vector.
        let values: Vec<f32> = (-30_001..=30_001).map(|i| i as f32 * 4e-3).chain([0.0, -0.0, 1e-30, -1e-30, 3e38, -3e38]).collect();
        let count = values.len();
        let x = Tensor::from_vec(values.clone(), count, &Device::Cpu)?;
        for activation in ALL {
            let (ours, plain) = (activation.of(&x)?.to_vec1::<f32>()?, activation.plain(&x)?.to_vec1::<f32>()?);
            for ((x, ours), plain) in values.iter().zip(ours).zip(plain) {
                // candle's own tanh form overflows to NaN nowhere in this range; large values differ by their last bit.
                let bound = 3e-7 * x.abs().max(1.0);
                assert!((ours - plain).abs() <= bound || ours == plain, "{activation:?}({x}) is {ours}, in candle {plain}");
            }
        }
        Ok(())
    }

    #[test]
    fn what_comes_in_as_nan_stays_nan() -> Result<()> {
        let x = Tensor::new(&[f32::NAN; 3], &Device::Cpu)?;
        for activation in ALL.into_iter().filter(|activation| *activation != Activation::Relu) {
            assert!(activation.of(&x)?.to_vec1::<f32>()?.iter().all(|y| y.is_nan()), "{activation:?} hides NaN");
        }
        Ok(())
    }

    #[test]
    fn names_are_transformers() {
        assert_eq!(Activation::named("gelu"), Some(Activation::Gelu));
        assert_eq!(Activation::named("gelu_pytorch_tanh"), Some(Activation::GeluTanh));
        assert_eq!(Activation::named("mish"), None);
    }
}
