//! Pictures cut into squares, each a token.

use crate::Error;
use candle_core::{DType, Result as Candle, Tensor};
use candle_nn::VarBuilder;
use klieg_nn::Linear;

/// A convolution whose stride is its size, which is a linear layer of each square.
pub struct Patches {
    layer: Linear,
    size: usize,
    /// Side of the picture.
    side: usize,
}

/// Colours of a pixel.
const CHANNELS: usize = 3;

impl Patches {
    /// `weight`: width × 3 × size × size, and perhaps `bias`, of the builder's prefix.
    pub fn load(width: usize, size: usize, side: usize, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        if size == 0 || side < size {
            return Err(Error::config("config.json", format!("pictures of {side} pixels have no patches of {size}")));
        }
        let weight = vb.get((width, CHANNELS, size, size), "weight")?.reshape((width, CHANNELS * size * size))?;
        let bias = vb.contains_tensor("bias").then(|| vb.get(width, "bias")).transpose()?;
        Ok(Self { layer: Linear::new(weight, bias)?, size, side })
    }

    /// Patches of a picture.
    pub fn count(&self) -> usize {
        (self.side / self.size).pow(2)
    }

    pub fn side(&self) -> usize {
        self.side
    }

    /// pictures × 3 × side × side → pictures × patches × width, row by row.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let (count, channels, height, width) = x.dims4()?;
        if (channels, height, width) != (CHANNELS, self.side, self.side) {
            let side = self.side;
            return Err(Error::Picture(format!("it is {channels} × {width} × {height}, the model takes 3 × {side} × {side}")));
        }
        let (across, size) = (self.side / self.size, self.size);
        let x = x.narrow(2, 0, across * size)?.narrow(3, 0, across * size)?.contiguous()?;
        let x = x.reshape((count * CHANNELS, across, size, across, size))?.permute((0, 1, 3, 2, 4))?.contiguous()?;
        let x = x.reshape((count, CHANNELS, across * across, size * size))?.transpose(1, 2)?.contiguous()?;
        Ok(self.layer.forward(&x.reshape((count, across * across, CHANNELS * size * size))?)?)
    }
}

/// pictures × patches × width with a token before each picture's: → pictures × (patches + 1) × width.
pub(crate) fn with_first(first: &Tensor, x: &Tensor) -> Candle<Tensor> {
    let (count, _, width) = x.dims3()?;
    Tensor::cat(&[&first.reshape((1, 1, width))?.expand((count, 1, width))?.contiguous()?, x], 1)
}

/// Bounds of `count` sequences of one length.
pub(crate) fn even(count: usize, length: usize) -> Vec<usize> {
    (0..=count).map(|i| i * length).collect()
}

/// The halves that a checkpoint may have become f32 where there is no faster way.
pub(crate) fn floats(x: &Tensor, dtype: DType) -> Candle<Tensor> {
    if x.dtype() == dtype { Ok(x.clone()) } else { x.to_dtype(dtype) }
}
