//! Layers that the networks share. Names and orders are diffusers'.
//!
//! Pictures lie with their channels last: [batch, height, width, channels]. Only what enters and leaves a network has them first.
//!
//! On a processor every layer computes each picture of a batch by itself, in the same order as alone: what comes out does not depend on
//! the company.

mod attention;
mod conv;
mod linear;
mod norm;
mod resnet;
mod time;
mod transformer;

pub(crate) use attention::{Attention, Image, attend};
pub(crate) use conv::plain as plain_conv;
pub(crate) use conv::{Conv2d, Downsample, Upsample};
pub(crate) use linear::Linear;
pub(crate) use norm::{GroupNorm, LayerNorm};
pub(crate) use resnet::Resnet;
pub(crate) use time::{TimeEmbedding, sinusoid};
pub(crate) use transformer::{Transformer, TransformerShape};

use crate::error::Result;
use candle_core::Tensor;

/// Runs `work` on each picture of a batch where the device's matrix product depends on how many there are.
pub(crate) fn each(batch: &Tensor, work: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let count = batch.dim(0)?;
    if count == 1 || !batch.device().is_cpu() {
        return work(batch);
    }
    let parts = (0..count).map(|i| work(&batch.narrow(0, i, 1)?.contiguous()?)).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&parts, 0)?)
}

/// [batch, channels, height, width] → [batch, height, width, channels]
pub(crate) fn channels_last(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 2, 3, 1))?.contiguous()?)
}

/// The other way.
pub(crate) fn channels_first(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 3, 1, 2))?.contiguous()?)
}
