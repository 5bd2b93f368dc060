//! Fused normalisations of networks: GroupNorm with SiLU, LayerNorm of a sum.
//!
//! Within 4e-6 of the exact result, times 1 + the largest |gain| × the largest normalised value, where means are within a deviation of
//! zero; within 16 times that where a mean is a hundred deviations away. Tensors of 16 bits are taken as exact, and results rounded to
//! them. On a GPU a thread works out a stretch of 512 values of a group, or a whole row of LayerNorm.

use crate::element::Element;
use crate::error::KernelError;
use crate::target::{Extent, List, Target, faces, kernel};

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
pub struct Affine<'a, T = f32> {
    pub gain: &'a [T],
    pub shift: &'a [T],
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
    input: *const u8,
    gain: *const u8,
    shift: *const u8,
    out: *mut u8,
    moments: *mut Moments,
    channels: u32,
    groups: u32,
    space: u32,
    stretches: u32,
    least: f32,
}

#[repr(C)]
pub struct LayerView {
    input: *const u8,
    residual: *const u8,
    gain: *const u8,
    shift: *const u8,
    sum: *mut u8,
    out: *mut u8,
    width: u32,
    least: f32,
}

/// As in `norm.cpp`.
const STRETCH: u32 = 512;
const AT_ONCE: u32 = 16;

faces! {
    /// silu(norm(x) · gain + shift), silu(y) = y / (1 + e⁻ʸ).
    ///
    /// # Errors
    /// `Range` where groups don't divide channels or epsilon isn't positive, `Length` for lists that haven't their shape's length,
    /// `TooMany` for tensors of 2³² values and more.
    fn group_norm_silu<T>(shape: &Channels, x: &[T], affine: &Affine<'_, T>) -> Vec<T>
}

fn group_norm_silu<T: Element>(on: &impl Target, shape: &Channels, x: &[T], affine: &Affine<'_, T>) -> Result<Vec<T>, KernelError> {
    let Channels { batch, channels, groups, space } = *shape;
    if groups == 0 || !channels.is_multiple_of(groups) {
        return Err(KernelError::Range { what: "the number of groups", wanted: "a divisor of the channels" });
    }
    let rows = batch as usize * channels as usize;
    check(x, rows, space, channels, affine)?;
    if x.is_empty() {
        return Ok(Vec::new());
    }
    let stretches = (channels / groups * space).div_ceil(STRETCH);
    let moments = on.room::<Moments>((batch * groups * stretches) as usize)?;
    let (out, x, gain, shift) = (on.room::<T>(x.len())?, on.lend(x)?, on.lend(affine.gain)?, on.lend(affine.shift)?);
    let view = GroupView {
        input: x.at().cast(),
        gain: gain.at().cast(),
        shift: shift.at().cast(),
        out: out.at().cast(),
        moments: moments.at(),
        channels,
        groups,
        space,
        stretches,
        least: affine.least,
    };
    let sums = T::form([kernel!(group_stretch), kernel!(group_stretch_half), kernel!(group_stretch_brain)]);
    let norm = T::form([kernel!(group_norm_silu), kernel!(group_norm_silu_half), kernel!(group_norm_silu_brain)]);
    let items = |count| Extent::Items(0, count);
    // SAFETY: lists have their shapes' lengths (checked); each launch writes what the next reads, each item its own.
    unsafe {
        on.run(sums, &view, items(batch * groups * stretches), AT_ONCE)?;
        on.run(kernel!(group_moments), &view, items(batch * groups), AT_ONCE)?;
        on.run(norm, &view, items(batch * channels * space.div_ceil(STRETCH)), AT_ONCE)?;
    }
    on.take(out)
}

faces! {
    /// Adds `x` to `residual`, and gives norm(sum) · gain + shift of each row of `width`. The norm is of the sum as it is stored.
    ///
    /// # Errors
    /// `Range` for an epsilon that isn't positive, `Length` for lists that haven't their shape's length, `TooMany` as above.
    fn layer_norm_residual<T>(width: u32, x: &[T], residual: &mut [T], affine: &Affine<'_, T>) -> Vec<T>
}

fn layer_norm_residual<T: Element>(
    on: &impl Target,
    width: u32,
    x: &[T],
    residual: &mut [T],
    affine: &Affine<'_, T>,
) -> Result<Vec<T>, KernelError> {
    let rows = if width == 0 { 0 } else { x.len() / width as usize };
    check(x, rows, width, width, affine)?;
    if residual.len() != x.len() {
        return Err(KernelError::Length { list: "the residual", found: residual.len(), wanted: x.len() });
    }
    let (out, x, sum) = (on.room::<T>(x.len())?, on.lend(x)?, on.lend_mut(residual)?);
    let (gain, shift) = (on.lend(affine.gain)?, on.lend(affine.shift)?);
    let view = LayerView {
        input: x.at().cast(),
        residual: sum.at().cast(),
        gain: gain.at().cast(),
        shift: shift.at().cast(),
        sum: sum.at().cast(),
        out: out.at().cast(),
        width,
        least: affine.least,
    };
    let kernel = T::form([kernel!(layer_norm), kernel!(layer_norm_half), kernel!(layer_norm_brain)]);
    // SAFETY: as above; an item is a row.
    unsafe { on.run(kernel, &view, Extent::Items(0, rows as u32), AT_ONCE) }?;
    on.give_back(sum)?;
    on.take(out)
}

fn check<T>(x: &[T], rows: usize, width: u32, gains: u32, affine: &Affine<'_, T>) -> Result<(), KernelError> {
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
