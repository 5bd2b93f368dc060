//! Fused normalisations of networks: GroupNorm with SiLU, LayerNorm of a sum.
//!
//! Within 4e-6 of the exact result, times 1 + the largest |gain| × the largest normalised value, where means are within a deviation of
//! zero; within 16 times that where a mean is a hundred deviations away.

use crate::Cpu;
use crate::error::KernelError;

/// A tensor of batch × channels × space (height × width of a picture).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    pub batch: u32,
    pub channels: u32,
    /// Divides `channels`.
    pub groups: u32,
    pub space: u32,
}

/// What a normalised value is multiplied by and what is added to it: one number a channel or column.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    pub gain: &'a [f32],
    pub shift: &'a [f32],
    /// Added to the variance (epsilon), above 0.
    pub least: f32,
}

/// The records of `norm.cpp`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Moments {
    count: f32,
    mean: f32,
    square: f32,
}

#[repr(C)]
pub struct GroupView {
    input: *const f32,
    gain: *const f32,
    shift: *const f32,
    out: *mut f32,
    moments: *mut Moments,
    channels: u32,
    groups: u32,
    space: u32,
    stretches: u32,
    least: f32,
}

#[repr(C)]
pub struct LayerView {
    input: *const f32,
    residual: *const f32,
    gain: *const f32,
    shift: *const f32,
    sum: *mut f32,
    out: *mut f32,
    width: u32,
    least: f32,
}

/// As in `norm.cpp`.
const STRETCH: u32 = 512;
const AT_ONCE: u32 = 16;

impl Cpu {
    /// silu(norm(x) · gain + shift), silu(y) = y / (1 + e⁻ʸ).
    ///
    /// # Errors
    /// `Range` where groups don't divide channels or epsilon isn't positive, `Length` for lists that haven't their shape's length,
    /// `TooMany` for tensors of 2³² values and more.
    pub fn group_norm_silu(&self, shape: &Channels, x: &[f32], affine: &Affine<'_>) -> Result<Vec<f32>, KernelError> {
        let Channels { batch, channels, groups, space } = *shape;
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(KernelError::Range { what: "the number of groups", wanted: "a divisor of the channels" });
        }
        let rows = batch as usize * channels as usize;
        check(x, rows, space, channels, affine)?;
        let mut out = vec![0.0f32; x.len()];
        if x.is_empty() {
            return Ok(out);
        }
        let stretches = (channels / groups * space).div_ceil(STRETCH);
        let mut moments = vec![Moments::default(); (batch * groups * stretches) as usize];
        let view = GroupView {
            input: x.as_ptr(),
            gain: affine.gain.as_ptr(),
            shift: affine.shift.as_ptr(),
            out: out.as_mut_ptr(),
            moments: moments.as_mut_ptr(),
            channels,
            groups,
            space,
            stretches,
            least: affine.least,
        };
        let k = &self.kernels;
        // SAFETY: lists have their shapes' lengths (checked); each launch writes what the next reads, each item its own.
        unsafe {
            self.launch(k.group_stretch, &view, batch * groups * stretches, AT_ONCE);
            self.launch(k.group_moments, &view, batch * groups, AT_ONCE);
            self.launch(k.group_norm_silu, &view, batch * channels * space.div_ceil(STRETCH), AT_ONCE);
        }
        Ok(out)
    }

    /// Adds `x` to `residual`, and gives norm(sum) · gain + shift of each row of `width`.
    ///
    /// # Errors
    /// `Range` for an epsilon that isn't positive, `Length` for lists that haven't their shape's length, `TooMany` as above.
    pub fn layer_norm_residual(
        &self,
        width: u32,
        x: &[f32],
        residual: &mut [f32],
        affine: &Affine<'_>,
    ) -> Result<Vec<f32>, KernelError> {
        let rows = if width == 0 { 0 } else { x.len() / width as usize };
        check(x, rows, width, width, affine)?;
        if residual.len() != x.len() {
            return Err(KernelError::Length { list: "the residual", found: residual.len(), wanted: x.len() });
        }
        let mut out = vec![0.0f32; x.len()];
        let sum = residual.as_mut_ptr();
        let view = LayerView {
            input: x.as_ptr(),
            residual: sum,
            gain: affine.gain.as_ptr(),
            shift: affine.shift.as_ptr(),
            sum,
            out: out.as_mut_ptr(),
            width,
            least: affine.least,
        };
        // SAFETY: as above; each row is done by one thread.
        unsafe { self.launch(self.kernels.layer_norm, &view, rows as u32, AT_ONCE) };
        Ok(out)
    }
}

fn check(x: &[f32], rows: usize, width: u32, gains: u32, affine: &Affine<'_>) -> Result<(), KernelError> {
    if !(affine.least.is_finite() && affine.least > 0.0) {
        return Err(KernelError::Range { what: "the norm's epsilon", wanted: "a number above 0" });
    }
    let lists = [
        ("the tensor", x.len(), rows.saturating_mul(width as usize)),
        ("gains", affine.gain.len(), gains as usize),
        ("shifts", affine.shift.len(), gains as usize),
    ];
    if let Some((list, found, wanted)) = lists.into_iter().find(|(_, found, wanted)| found != wanted) {
        return Err(KernelError::Length { list, found, wanted });
    }
    let most = u32::MAX as usize;
    if x.len() > most { Err(KernelError::TooMany { what: "values", found: x.len(), most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_records_are_laid_out_as_the_kernels_think() {
        let ours = [
            size_of::<GroupView>(),
            offset_of!(GroupView, least),
            size_of::<LayerView>(),
            offset_of!(LayerView, least),
            size_of::<Moments>(),
        ];
        assert_eq!(records(|k| k.norm_records), ours);
    }
}
