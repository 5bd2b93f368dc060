use crate::{Activation, After, Packed, views};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, DType, Layout, Result, Shape, Tensor, bail};
use candle_nn::VarBuilder;
use std::sync::Arc;

/// y = x · weightᵀ + bias, as candle's own; f32 weights on a processor are packed when the layer is made.
#[derive(Clone)]
pub struct Linear {
    weights: Weights,
    width: usize,
    depth: usize,
}

#[derive(Clone)]
enum Weights {
    Packed(Arc<Packed>),
    Plain { weight: Tensor, bias: Option<Tensor> },
}

impl Linear {
    /// `weight`: width × depth; `bias`: width.
    pub fn new(weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        if !weight.device().is_cpu() || weight.dtype() != DType::F32 {
            return Self::plain(weight, bias);
        }
        let (width, depth) = shape(&weight, bias.as_ref())?;
        let floats = weight.flatten_all()?.to_vec1::<f32>()?;
        let bias = bias.map(|bias| bias.to_vec1::<f32>()).transpose()?.unwrap_or_default();
        Ok(Self { weights: Weights::Packed(Arc::new(Packed::new(&floats, width, depth, &bias))), width, depth })
    }

    /// The same, left to candle's own product: the reference, and what runs elsewhere.
    pub fn plain(weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        let (width, depth) = shape(&weight, bias.as_ref())?;
        Ok(Self { weights: Weights::Plain { weight, bias }, width, depth })
    }

    /// `weight` and `bias` of the builder's prefix.
    pub fn load(depth: usize, width: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        Self::new(vb.get((width, depth), "weight")?, Some(vb.get(width, "bias")?))
    }

    /// `weight` alone.
    pub fn load_without_bias(depth: usize, width: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        Self::new(vb.get((width, depth), "weight")?, None)
    }

    /// Several layers of one input as one, their outputs side by side: queries, keys and values. Each has `width` outputs.
    pub fn load_joined(depth: usize, width: usize, parts: &[VarBuilder<'_>]) -> Result<Self> {
        let weights = parts.iter().map(|vb| vb.get((width, depth), "weight")).collect::<Result<Vec<_>>>()?;
        let with_bias = parts.iter().any(|vb| vb.contains_tensor("bias"));
        let bias = |vb: &VarBuilder<'_>| match vb.contains_tensor("bias") {
            true => vb.get(width, "bias"),
            false => Tensor::zeros(width, vb.dtype(), vb.device()),
        };
        let biases = with_bias.then(|| parts.iter().map(bias).collect::<Result<Vec<_>>>().and_then(|all| Tensor::cat(&all, 0)));
        Self::new(Tensor::cat(&weights, 0)?, biases.transpose()?)
    }

    /// Outputs of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Inputs of a row.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// x: … × depth → … × width.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.forward_with(x, Activation::Identity)
    }

    /// activation(x · weightᵀ + bias).
    pub fn forward_with(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(packed) => self.rows(x)?.apply_op1_no_bwd(&Product { packed, activation }),
            Weights::Plain { weight, bias } => activation.of(&plain(x, weight, bias.as_ref())?),
        }
    }

    /// x · weightᵀ + bias + onto, the residual of a block: … × width.
    pub fn forward_onto(&self, x: &Tensor, onto: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Weights::Packed(packed) => {
                let onto = onto.contiguous()?;
                self.rows(x)?.apply_op2_no_bwd(&onto, &Product { packed, activation: Activation::Identity })
            }
            Weights::Plain { weight, bias } => plain(x, weight, bias.as_ref())? + onto,
        }
    }

    fn rows(&self, x: &Tensor) -> Result<Tensor> {
        let depth = x.dim(D::Minus1)?;
        if depth != self.depth || x.dtype() != DType::F32 {
            bail!("a layer of {} f32 inputs was given {depth} of {:?}", self.depth, x.dtype());
        }
        x.contiguous()
    }
}

fn shape(weight: &Tensor, bias: Option<&Tensor>) -> Result<(usize, usize)> {
    let (width, depth) = weight.dims2()?;
    if let Some(bias) = bias
        && bias.dims1()? != width
    {
        bail!("a layer of {width} outputs has a bias of {}", bias.dims1()?);
    }
    Ok((width, depth))
}

fn plain(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (width, depth) = weight.dims2()?;
    let mut to = x.dims().to_vec();
    to.pop();
    to.push(width);
    let y = x.reshape(((), depth))?.matmul(&weight.t()?)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    y.reshape(to)
}

struct Product<'a> {
    packed: &'a Packed,
    activation: Activation,
}

impl Product<'_> {
    fn of(&self, x: &CpuStorage, layout: &Layout, plus: Option<&[f32]>) -> Result<(CpuStorage, Shape)> {
        let x = views::floats(x, layout)?;
        let mut dims = layout.dims().to_vec();
        dims.pop();
        let rows: usize = dims.iter().product();
        dims.push(self.packed.width());
        if plus.is_some_and(|plus| plus.len() != rows * self.packed.width()) {
            bail!("what a product is added to has another shape");
        }
        let out = self.packed.product(x, rows, After { activation: self.activation, plus });
        Ok((CpuStorage::F32(out), Shape::from_dims(&dims)))
    }
}

impl CustomOp1 for Product<'_> {
    fn name(&self) -> &'static str {
        "packed-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.of(x, layout, None)
    }
}

impl CustomOp2 for Product<'_> {
    fn name(&self) -> &'static str {
        "packed-linear-onto"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_layout: &Layout, onto: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.of(x, x_layout, Some(views::floats(onto, layout)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn noise(shape: impl Into<Shape>) -> Result<Tensor> {
        Tensor::randn(0f32, 1.0, shape, &Device::Cpu)
    }

    fn difference(a: &Tensor, b: &Tensor) -> Result<f32> {
        (a - b)?.abs()?.max_all()?.to_scalar()
    }

    #[test]
    fn packed_equals_plain() -> Result<()> {
        for (rows, depth, width) in [(1, 1, 1), (3, 17, 33), (13, 384, 97), (130, 600, 64), (2, 1030, 5)] {
            let (weight, bias) = ((noise((width, depth))? * 0.05)?, noise(width)?);
            let (packed, plain) = (Linear::new(weight.clone(), Some(bias.clone()))?, Linear::plain(weight, Some(bias))?);
            let (x, onto) = (noise((rows, 2, depth))?, noise((rows, 2, width))?);
            for activation in [Activation::Identity, Activation::Gelu, Activation::QuickGelu] {
                let (ours, theirs) = (packed.forward_with(&x, activation)?, plain.forward_with(&x, activation)?);
                assert_eq!(ours.dims(), [rows, 2, width]);
                assert!(difference(&ours, &theirs)? < 1e-5, "{rows} × {depth} × {width}, {activation:?}");
            }
            assert!(difference(&packed.forward_onto(&x, &onto)?, &plain.forward_onto(&x, &onto)?)? < 1e-5);
        }
        Ok(())
    }

    #[test]
    fn a_view_that_is_not_contiguous_is_taken_as_it_looks() -> Result<()> {
        let layer = Linear::new(noise((6, 4))?, None)?;
        let x = noise((4, 5))?;
        assert_eq!(layer.forward(&x.t()?)?.to_vec2::<f32>()?, layer.forward(&x.t()?.contiguous()?)?.to_vec2::<f32>()?);
        Ok(())
    }

    #[test]
    fn wrong_shapes_are_refused() -> Result<()> {
        let layer = Linear::new(noise((6, 4))?, None)?;
        assert!(layer.forward(&noise((2, 5))?).is_err());
        assert!(layer.forward_onto(&noise((2, 4))?, &noise((2, 5))?).is_err());
        assert!(Linear::new(noise((6, 4))?, Some(noise(5)?)).is_err());
        Ok(())
    }
}
