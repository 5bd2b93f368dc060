//! The product of a few rows with a panel: all sums stay in registers, from the first to the last of the depth.

use super::{Begin, Left, ROWS_MAX};
use crate::lanes::Lanes;

/// Steps of the depth by which the panel is asked for ahead.
const AHEAD: usize = 16;

/// As `Kernels::tile`, with at most `MOST` rows.
#[inline(always)]
pub(super) unsafe fn tile<L: Lanes, const MOST: usize>(
    left: Left,
    panel: *const f32,
    depth: usize,
    begin: Begin,
    out: *mut f32,
    stride: usize,
) {
    const { assert!(MOST <= ROWS_MAX) };
    macro_rules! rows {
        ($($rows:literal)*) => {
            match left.rows {
                $($rows if $rows <= MOST => unsafe { exact::<L, $rows>(left, panel, depth, begin, out, stride) },)*
                _ => unreachable!("a tile has at most {MOST} rows"),
            }
        };
    }
    rows!(12 11 10 9 8 7 6 5 4 3 2 1)
}

/// Exactly `R` rows, two vectors wide.
#[inline(always)]
unsafe fn exact<L: Lanes, const R: usize>(left: Left, panel: *const f32, depth: usize, begin: Begin, out: *mut f32, stride: usize) {
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; R];
        if !begin.from.is_null() {
            for (r, sums) in sums.iter_mut().enumerate() {
                let from = begin.from.add(r * begin.stride);
                *sums = [L::load(from), L::load(from.add(L::N))];
            }
        }
        let mut panel = panel;
        for k in 0..depth {
            ahead(panel.wrapping_add(AHEAD * 2 * L::N));
            let (first, second) = (L::load(panel), L::load(panel.add(L::N)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let x = L::splat(*left.from.add(r * left.stride + k));
                *sums = [x.fma(first, sums[0]), x.fma(second, sums[1])];
            }
            panel = panel.add(2 * L::N);
        }
        for (r, sums) in sums.iter().enumerate() {
            let to = out.add(r * stride);
            sums[0].store(to);
            sums[1].store(to.add(L::N));
        }
    }
}

/// Asks for two cache lines, wherever they are.
#[inline(always)]
fn ahead(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
        _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(16).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
