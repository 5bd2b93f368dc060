use super::each;
use crate::{adapters::Low, error::Result, weights::Scope};
use candle_core::Tensor;

/// A square convolution over [batch, in, height, width].
#[derive(Clone)]
pub(crate) struct Conv2d {
    /// [out, in, k, k]
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    padding: usize,
    low: Vec<Low>,
}

impl Conv2d {
    pub fn new(scope: &Scope, inside: usize, out: usize, size: usize, stride: usize, padding: usize) -> Result<Self> {
        let weight = scope.get((out, inside, size, size), "weight")?;
        let bias = scope.get(out, "bias")?.reshape((1, out, 1, 1))?;
        let (weight, low) = scope.adapters.apply(scope.path(), weight)?;
        Ok(Self { weight, bias, stride, padding, low })
    }

    /// 3×3 that keeps the size.
    pub fn same(scope: &Scope, inside: usize, out: usize) -> Result<Self> {
        Self::new(scope, inside, out, 3, 1, 1)
    }

    pub fn pointwise(scope: &Scope, inside: usize, out: usize) -> Result<Self> {
        Self::new(scope, inside, out, 1, 1, 0)
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        each(x, |x| {
            let mut y = x.conv2d(&self.weight, self.padding, self.stride, 1, 1)?;
            for low in &self.low {
                y = (y + low.conv(x, self.padding, self.stride)?)?;
            }
            Ok(y.broadcast_add(&self.bias)?)
        })
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
            true => self.conv.forward(&x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?),
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
        let (_, _, height, width) = x.dims4()?;
        let (height, width) = size.unwrap_or((2 * height, 2 * width));
        self.0.forward(&x.upsample_nearest2d(height, width)?)
    }
}
