//! GEGLU: values times the GELU of gates, with the exact error function.
//!
//! Within 3e-6 of the exact result times |value| · max(|gate|, 1). Tensors of 16 bits are taken as exact, and results rounded to them.

use crate::element::Element;
use crate::error::KernelError;
use crate::target::{Extent, List, Target, faces, kernel};

/// The record of `geglu.cpp`.
#[repr(C)]
pub struct GegluView {
    input: *const u8,
    out: *mut u8,
    width: u32,
}

const ROWS: u32 = 4;

faces! {
    /// Of rows of `2 · width`, values first and gates behind, rows of `width`.
    ///
    /// # Errors
    /// `Length` where `x` isn't whole rows, `TooMany` for more than 2³² rows.
    fn geglu<T>(width: u32, x: &[T]) -> Vec<T>
}

fn geglu<T: Element>(on: &impl Target, width: u32, x: &[T]) -> Result<Vec<T>, KernelError> {
    let row = width as usize * 2;
    let rows = x.len().checked_div(row).unwrap_or(0);
    if rows * row != x.len() {
        return Err(KernelError::Length { list: "the tensor", found: x.len(), wanted: rows * row });
    }
    let count = u32::try_from(rows).map_err(|_| KernelError::TooMany { what: "rows", found: rows, most: u32::MAX as usize })?;
    let (x, out) = (on.lend(x)?, on.room::<T>(x.len() / 2)?);
    let view = GegluView { input: x.at().cast(), out: out.at().cast(), width };
    let kernel = T::form([kernel!(geglu), kernel!(geglu_half), kernel!(geglu_brain)]);
    // SAFETY: `x` holds `rows` rows (checked), `out` half of each.
    unsafe { on.run(kernel, &view, Extent::Pixels(width, count), ROWS) }?;
    on.take(out)
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.geglu_records), [size_of::<GegluView>(), offset_of!(GegluView, width)]);
    }
}
