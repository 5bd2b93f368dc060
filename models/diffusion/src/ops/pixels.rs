use super::floats;
use crate::error::Result;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Shape, Tensor, bail};
use rayon::prelude::*;

/// Adds [batch, channels] to every pixel of [batch, height, width, channels].
pub(crate) fn add_to_pixels(x: &Tensor, row: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() && x.dtype() == DType::F32 {
        return Ok(x.contiguous()?.apply_op2_no_bwd(&row.contiguous()?, &AddRow)?);
    }
    Ok(x.broadcast_add(&row.unsqueeze(1)?.unsqueeze(1)?)?)
}

struct AddRow;

impl CustomOp2 for AddRow {
    fn name(&self) -> &'static str {
        "add-to-pixels"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        row: &CpuStorage,
        row_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, rows) = (floats(x, layout)?, floats(row, row_layout)?);
        let (batch, height, width, channels) = layout.shape().dims4()?;
        if row_layout.dims() != [batch, channels] {
            bail!("rows of {:?} do not fit pixels of {:?}", row_layout.dims(), layout.dims());
        }
        let mut out = x.to_vec();
        let picture = (height * width * channels).max(1);
        out.par_chunks_mut(picture).zip(rows.par_chunks(channels.max(1))).for_each(|(out, row)| {
            for pixel in out.chunks_exact_mut(row.len()) {
                pixel.iter_mut().zip(row).for_each(|(x, add)| *x += add);
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}
