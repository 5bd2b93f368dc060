//! What candle's own ops would do slower on a processor, each with its plain form, which is the reference and runs elsewhere.
//! Every sum has one order, whatever the batch and the threads.

mod conv;
mod norm;
mod pixels;

pub(crate) use conv::PackedConv;
pub(crate) use norm::group_norm;
pub(crate) use pixels::add_to_pixels;

use candle_core::{CpuStorage, Layout, bail};

/// The floats of a contiguous tensor.
fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("a fused layer takes contiguous tensors") };
    Ok(&storage.as_slice::<f32>()?[from..to])
}
