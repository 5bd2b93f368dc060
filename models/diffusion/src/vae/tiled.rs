//! Pictures larger than memory: tiles that overlap, blended linearly where they do, as diffusers' `tiled_decode`.

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};

/// How a picture is cut. Group norms and the middle's attention see one tile only, so that tiles differ a little from the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tiling {
    /// Latents along a tile's edge.
    pub edge: usize,
    /// The share of an edge that two tiles have in common, above 0 and at most ½.
    pub overlap: f64,
}

impl Tiling {
    /// A quarter of the training's edge in common.
    pub fn of(config: &super::Config) -> Self {
        Self { edge: config.sample_size / config.factor(), overlap: 0.25 }
    }
}

pub(super) fn decode(tiling: Tiling, factor: usize, latents: &Tensor, tile: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let stride = (tiling.edge as f64 * (1.0 - tiling.overlap)) as usize;
    let blend = (tiling.edge as f64 * factor as f64 * tiling.overlap) as usize;
    if !(tiling.overlap > 0.0 && tiling.overlap <= 0.5) || stride == 0 || blend == 0 {
        return Err(Error::wish("tile", format!("{} × {}", tiling.edge, tiling.overlap), "an overlap above 0 and at most 0.5"));
    }
    let keep = tiling.edge * factor - blend;
    let (_, _, height, width) = latents.dims4()?;
    let mut above: Vec<Tensor> = Vec::new();
    let mut rows = Vec::new();
    for top in (0..height).step_by(stride) {
        let band = latents.narrow(2, top, tiling.edge.min(height - top))?;
        let (mut row, mut kept): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
        for (column, left) in (0..width).step_by(stride).enumerate() {
            let mut piece = tile(&band.narrow(3, left, tiling.edge.min(width - left))?.contiguous()?)?;
            if let Some(above) = above.get(column) {
                piece = join(above, &piece, 2, blend)?;
            }
            if let Some(before) = row.last() {
                piece = join(before, &piece, 3, blend)?;
            }
            let (_, _, h, w) = piece.dims4()?;
            kept.push(piece.narrow(2, 0, h.min(keep))?.narrow(3, 0, w.min(keep))?);
            row.push(piece);
        }
        rows.push(Tensor::cat(&kept, 3)?);
        above = row;
    }
    Ok(Tensor::cat(&rows, 2)?)
}

/// `piece`, its first pixels along `dim` blended with the last of the tile `before` it.
fn join(before: &Tensor, piece: &Tensor, dim: usize, blend: usize) -> Result<Tensor> {
    let (end, length) = (before.dim(dim)?, piece.dim(dim)?);
    let blend = blend.min(end).min(length);
    let mut shape = [1; 4];
    shape[dim] = blend;
    let ramp: Vec<f32> = (0..blend).map(|i| i as f32 / blend as f32).collect();
    let ramp = Tensor::from_vec(ramp, &shape, piece.device())?.to_dtype(DType::F32)?;
    let part = |x: &Tensor, start| x.narrow(dim, start, blend)?.to_dtype(DType::F32);
    let old = part(before, end - blend)?.broadcast_mul(&(1.0 - &ramp)?)?;
    let mixed = (old + part(piece, 0)?.broadcast_mul(&ramp)?)?.to_dtype(piece.dtype())?;
    if blend == length {
        return Ok(mixed);
    }
    Ok(Tensor::cat(&[mixed, piece.narrow(dim, blend, length - blend)?], dim)?)
}
