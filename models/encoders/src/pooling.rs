//! States of tokens to one vector a text.

use crate::Error;
use candle_core::{D, Result as Candle, Tensor};

/// How a sentence model makes one vector of its tokens' (sentence-transformers' `Pooling`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// The first token.
    First,
    #[default]
    Mean,
    Max,
    /// Their sum by the root of their number.
    MeanSqrt,
    Last,
}

/// tokens × width of the sequences in `bounds` → sequences × width.
pub fn pool(x: &Tensor, bounds: &[usize], how: Pooling) -> Result<Tensor, Error> {
    let one = |w: &[usize]| -> Candle<Tensor> {
        let count = w[1] - w[0];
        let part = x.narrow(0, w[0], count)?;
        match how {
            Pooling::First => part.narrow(0, 0, 1),
            Pooling::Last => part.narrow(0, count - 1, 1),
            Pooling::Mean => part.sum_keepdim(0)? / count as f64,
            Pooling::MeanSqrt => part.sum_keepdim(0)? / (count as f64).sqrt(),
            Pooling::Max => part.max_keepdim(0),
        }
    };
    Ok(Tensor::cat(&bounds.windows(2).map(one).collect::<Candle<Vec<_>>>()?, 0)?)
}

/// Rows of unit length; one of only zeros stays so.
pub fn unit(x: &Tensor) -> Result<Tensor, Error> {
    let length = x.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
    Ok(x.broadcast_div(&length.maximum(1e-12)?)?)
}
