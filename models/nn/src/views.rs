//! What candle hands to an op, as slices.

use candle_core::{CpuStorage, Layout, Result, bail};

/// The floats of a contiguous tensor.
pub(crate) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((from, to)) = layout.contiguous_offsets() else { bail!("a fused layer takes contiguous tensors") };
    Ok(&storage.as_slice::<f32>()?[from..to])
}
