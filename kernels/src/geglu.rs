//! GEGLU: values times the GELU of gates, with the exact error function.
//!
//! Within 3e-6 of the exact result times |value| · max(|gate|, 1).

use crate::Cpu;
use crate::error::KernelError;

/// The record of `geglu.cpp`.
#[repr(C)]
pub struct GegluView {
    input: *const f32,
    out: *mut f32,
    width: u32,
}

const ROWS: u32 = 4;

impl Cpu {
    /// Of rows of `2 · width`, values first and gates behind, rows of `width`.
    ///
    /// # Errors
    /// `Length` where `x` isn't whole rows, `TooMany` for more than 2³² rows.
    pub fn geglu(&self, width: u32, x: &[f32]) -> Result<Vec<f32>, KernelError> {
        let row = width as usize * 2;
        let rows = x.len().checked_div(row).unwrap_or(0);
        if rows * row != x.len() {
            return Err(KernelError::Length { list: "the tensor", found: x.len(), wanted: rows * row });
        }
        let count = u32::try_from(rows).map_err(|_| KernelError::TooMany { what: "rows", found: rows, most: u32::MAX as usize })?;
        let mut out = vec![0.0f32; x.len() / 2];
        let view = GegluView { input: x.as_ptr(), out: out.as_mut_ptr(), width };
        // SAFETY: `x` holds `rows` rows (checked), `out` half of each; each row is written by one thread.
        unsafe { self.launch(self.kernels.geglu, &view, count, ROWS) };
        Ok(out)
    }
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
