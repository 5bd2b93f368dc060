use super::each;
use crate::{adapters::Low, error::Result, ops::PackedConv, weights::Scope};
use candle_core::{DType, Tensor};
use std::sync::Arc;

/// A square convolution over [batch, height, width, in].
#[derive(Clone)]
pub(crate) struct Conv2d {
    form: Form,
    stride: usize,
    padding: usize,
    low: Vec<Low>,
}

#[derive(Clone)]
enum Form {
    /// f32 on a processor.
    Packed(Arc<PackedConv>),
    /// candle's own, which wants channels before rows: [out, in, k, k], and the bias.
    Plain(Tensor, Tensor),
}

impl Conv2d {
    pub fn new(scope: &Scope, inside: usize, out: usize, size: usize, stride: usize, padding: usize) -> Result<Self> {
        let weight = scope.get((out, inside, size, size), "weight")?;
        let bias = scope.get(out, "bias")?;
        let (weight, low) = scope.adapters.apply(scope.path(), weight)?;
        let form = match weight.device().is_cpu() && weight.dtype() == DType::F32 {
            true => Form::Packed(Arc::new(PackedConv::new(&weight, &bias, stride, padding)?)),
            false => Form::Plain(weight, bias),
        };
        Ok(Self { form, stride, padding, low })
    }

    /// 3×3 that keeps the size.
    pub fn same(scope: &Scope, inside: usize, out: usize) -> Result<Self> {
        Self::new(scope, inside, out, 3, 1, 1)
    }

    pub fn pointwise(scope: &Scope, inside: usize, out: usize) -> Result<Self> {
        Self::new(scope, inside, out, 1, 1, 0)
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match &self.form {
            Form::Packed(conv) => conv.forward(x, None)?,
            Form::Plain(weight, bias) => each(x, |x| plain(x, weight, Some(bias), self.padding, self.stride))?,
        };
        self.low.iter().try_fold(y, |y, low| Ok((y + each(x, |x| low.conv(x, self.padding, self.stride))?)?))
    }

    /// The same, added to what is `onto`.
    pub fn forward_onto(&self, x: &Tensor, onto: &Tensor) -> Result<Tensor> {
        match &self.form {
            Form::Packed(conv) if self.low.is_empty() => conv.forward(x, Some(onto)),
            _ => Ok((self.forward(x)? + onto)?),
        }
    }
}

/// candle's convolution: [batch, height, width, in] and [out, in, k, k] to [batch, height, width, out].
pub(crate) fn plain(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, padding: usize, stride: usize) -> Result<Tensor> {
    let y = x.permute((0, 3, 1, 2))?.contiguous()?.conv2d(weight, padding, stride, 1, 1)?;
    let y = y.permute((0, 2, 3, 1))?.contiguous()?;
    match bias {
        Some(bias) => Ok(y.broadcast_add(bias)?),
        None => Ok(y),
    }
}

/// Halves the size.
pub(crate) struct Downsample {
    conv: Conv2d,
    /// The VAE's encoder pads below and to the right only.
    lopsided: bool,
}

impl Downsample {
    pub fn new(scope: &Scope, channels: usize, lopsided: bool) -> Result<Self> {
        let padding = if lopsided { 0 } else { 1 };
        Ok(Self { conv: Conv2d::new(&scope.at("conv"), channels, channels, 3, 2, padding)?, lopsided })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self.lopsided {
            true => self.conv.forward(&x.pad_with_zeros(1, 0, 1)?.pad_with_zeros(2, 0, 1)?),
            false => self.conv.forward(x),
        }
    }
}

/// Nearest pixels, then a convolution.
pub(crate) struct Upsample(Conv2d);

impl Upsample {
    pub fn new(scope: &Scope, channels: usize) -> Result<Self> {
        Ok(Self(Conv2d::same(&scope.at("conv"), channels, channels)?))
    }

    /// To twice the size, or to what `size` (height, width) says.
    pub fn forward(&self, x: &Tensor, size: Option<(usize, usize)>) -> Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        let size = size.unwrap_or((2 * height, 2 * width));
        if size == (2 * height, 2 * width) {
            let spread = x.reshape((batch, height, 1, width, 1, channels))?.broadcast_as((batch, height, 2, width, 2, channels))?;
            return self.0.forward(&spread.reshape((batch, size.0, size.1, channels))?);
        }
        let nearest = |from: usize, to: usize| -> Result<Tensor> {
            let places: Vec<u32> = (0..to).map(|i| (i * from / to) as u32).collect();
            Ok(Tensor::from_vec(places, to, x.device())?)
        };
        self.0.forward(&x.index_select(&nearest(height, size.0)?, 1)?.index_select(&nearest(width, size.1)?, 2)?)
    }
}
