//! The inner loops, compiled once for each set of instructions and chosen when first asked for.

mod elementwise;
mod tile;

use crate::activation::Activation;
use crate::lanes::{Lanes, Portable};
use std::sync::OnceLock;

/// Most rows of any set's tile.
pub(crate) const ROWS_MAX: usize = 12;

/// Where the sums of a tile begin.
#[derive(Clone, Copy)]
pub(crate) struct Begin {
    /// Null: at zero.
    pub from: *const f32,
    /// Floats from one row to the next; 0: all rows begin alike, with a bias.
    pub stride: usize,
}

/// A block of left-hand rows.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub from: *const f32,
    /// Floats from one row to the next.
    pub stride: usize,
    /// At least 1, at most the set's.
    pub rows: usize,
}

/// Row, weight, bias, eps, out.
type Normalise = unsafe fn(&[f32], &[f32], &[f32], f32, &mut [f32]);
type Tile = unsafe fn(left: Left, panel: *const f32, depth: usize, begin: Begin, out: *mut f32, stride: usize);

pub(crate) struct Kernels {
    pub name: &'static str,
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile: the width of a panel.
    pub columns: usize,
    tile: Tile,
    activate: unsafe fn(Activation, &mut [f32]),
    softmax: unsafe fn(&mut [f32]),
    normalise: Normalise,
}

impl Kernels {
    /// out = begin + left · panel; `panel` is depth × columns.
    ///
    /// # Safety
    /// `left` has `rows` rows of `depth` floats, `begin` and `out` as many of `columns`.
    #[inline(always)]
    pub(crate) unsafe fn tile(&self, left: Left, panel: *const f32, depth: usize, begin: Begin, out: *mut f32, stride: usize) {
        debug_assert!((1..=self.rows).contains(&left.rows));
        unsafe { (self.tile)(left, panel, depth, begin, out, stride) }
    }

    pub(crate) fn activate(&self, activation: Activation, x: &mut [f32]) {
        if activation != Activation::Identity {
            // SAFETY: `get` gave out this set because the processor has its instructions.
            unsafe { (self.activate)(activation, x) }
        }
    }

    /// Softmax of one row, in place.
    pub(crate) fn softmax(&self, row: &mut [f32]) {
        // SAFETY: as above.
        unsafe { (self.softmax)(row) }
    }

    /// Layer norm of one row of as many floats as `weight`, `bias` and `out` have.
    pub(crate) fn normalise(&self, row: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
        assert!(row.len() == weight.len() && row.len() == bias.len() && row.len() == out.len());
        // SAFETY: as above; all lengths are one.
        unsafe { (self.normalise)(row, weight, bias, eps, out) }
    }
}

/// A set of entries, each compiled with the features that its lanes need.
macro_rules! set {
    ($static:ident, $name:literal, $lanes:ty, $rows:literal, $($feature:literal)?) => {
        static $static: Kernels = {
            $(#[target_feature(enable = $feature)])?
            unsafe fn tile(left: Left, panel: *const f32, depth: usize, begin: Begin, out: *mut f32, stride: usize) {
                unsafe { tile::tile::<$lanes, $rows>(left, panel, depth, begin, out, stride) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn activate(activation: Activation, x: &mut [f32]) {
                unsafe { elementwise::activate::<$lanes>(activation, x) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn softmax(row: &mut [f32]) {
                unsafe { elementwise::softmax::<$lanes>(row) }
            }
            $(#[target_feature(enable = $feature)])?
            unsafe fn normalise(row: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
                unsafe { elementwise::normalise::<$lanes>(row, weight, bias, eps, out) }
            }
            Kernels { name: $name, rows: $rows, columns: 2 * <$lanes>::N, tile, activate, softmax, normalise }
        };
    };
}

// 24 sums of 32 registers, and 12 of 16.
#[cfg(target_arch = "x86_64")]
set!(AVX512, "avx512", crate::lanes::Avx512, 12, "avx512f");
#[cfg(target_arch = "x86_64")]
set!(AVX2, "avx2", crate::lanes::Avx2, 6, "avx2,fma");
set!(PORTABLE, "portable", Portable, 4,);

/// The sets that this processor can run, best first.
pub(crate) fn able() -> Vec<&'static Kernels> {
    let mut sets = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            sets.push(&AVX512);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(&AVX2);
        }
    }
    sets.push(&PORTABLE);
    sets
}

/// The best set of this machine, always the same one.
pub(crate) fn get() -> &'static Kernels {
    static CHOSEN: OnceLock<&'static Kernels> = OnceLock::new();
    CHOSEN.get_or_init(|| able()[0])
}
