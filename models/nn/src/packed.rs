//! A weight matrix laid out for the tiles: panels of as many columns as a tile is wide, cut in depth so that a block of left-hand
//! rows stays in the first cache and a block of panels in the second (Goto and van de Geijn 2008).

use crate::activation::Activation;
use crate::kernels::{self, Begin, Kernels, Left, ROWS_MAX};
use crate::share::{self, Target};

/// Deepest block, in floats: 12 rows of it take 24 KiB of the first cache.
const DEPTH_MAX: usize = 512;
/// Floats of a block of panels, at most: half of a second cache of 1 MiB.
const PANELS_FLOATS_MAX: usize = 128 * 1024;
/// Rows that one job of a large product does.
const JOB_ROWS: usize = 96;
/// Multiplications below which a product is not shared out.
const WORTH: usize = 1 << 20;
/// Widest tile.
const COLUMNS_MAX: usize = 32;

/// A matrix of `width` × `depth` (as a linear layer stores it: a row an output), packed for the right-hand side of a product.
pub struct Packed {
    kernels: &'static Kernels,
    width: usize,
    depth: usize,
    /// Block by block of the depth, panel by panel, step by step of the depth, the tile's columns; columns beyond `width` are 0.
    floats: Vec<f32>,
    /// Padded to whole panels; empty when there is none.
    bias: Vec<f32>,
}

/// What is done to a product before it is let go.
#[derive(Clone, Copy, Default)]
pub struct After<'a> {
    pub activation: Activation,
    /// Added after the activation: rows × width.
    pub plus: Option<&'a [f32]>,
}

impl Packed {
    /// `weight`: width × depth, row-major; `bias`: width, or empty.
    ///
    /// # Panics
    /// When the lengths don't fit.
    pub fn new(weight: &[f32], width: usize, depth: usize, bias: &[f32]) -> Self {
        Self::with(kernels::get(), weight, width, depth, bias)
    }

    fn with(kernels: &'static Kernels, weight: &[f32], width: usize, depth: usize, bias: &[f32]) -> Self {
        assert!(weight.len() == width * depth && (bias.is_empty() || bias.len() == width));
        let columns = kernels.columns;
        let panels = width.div_ceil(columns);
        let mut floats = vec![0.0; panels * columns * depth];
        let mut at = 0;
        for (from, len) in blocks(depth) {
            for panel in 0..panels {
                let wide = columns.min(width - panel * columns);
                for column in 0..wide {
                    let row = &weight[(panel * columns + column) * depth + from..][..len];
                    for (k, value) in row.iter().enumerate() {
                        floats[at + k * columns + column] = *value;
                    }
                }
                at += len * columns;
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(if bias.is_empty() { 0 } else { panels * columns }, 0.0);
        Self { kernels, width, depth, floats, bias: padded }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        (self.floats.len() + self.bias.len()) * size_of::<f32>()
    }

    /// activation(left · weightᵀ + bias) + plus, rows × width, for `left` of rows × depth. Uses the threads of the pool it is called in.
    ///
    /// # Panics
    /// When the lengths don't fit.
    pub fn product(&self, left: &[f32], rows: usize, after: After<'_>) -> Vec<f32> {
        let count = rows * self.width;
        assert!(left.len() == rows * self.depth && after.plus.is_none_or(|plus| plus.len() == count));
        let mut out = Vec::with_capacity(count);
        let panels = self.width.div_ceil(self.kernels.columns);
        // Few rows (a decoder's step) are shared out by columns, many by rows.
        let worth = count * self.depth >= WORTH;
        let strips = if worth && rows < 2 * JOB_ROWS { panels.min(rayon::current_num_threads()) } else { 1 };
        let bands = rows.div_ceil(JOB_ROWS);
        let target = Target::of(&mut out);
        share::jobs(bands * strips, worth, |job| {
            let (band, strip) = (job / strips, job % strips);
            let rows = band * JOB_ROWS..rows.min((band + 1) * JOB_ROWS);
            let panels = panels * strip / strips..panels * (strip + 1) / strips;
            // SAFETY: the lengths were checked, there is room for all, and no other job has these rows and panels.
            unsafe { self.job(left, rows, panels, target, after) }
        });
        // SAFETY: together the jobs have written every panel of every row.
        unsafe { out.set_len(count) };
        out
    }

    /// Some rows of some panels.
    ///
    /// # Safety
    /// `out` has room for rows × width, and nobody else writes these rows of these panels.
    unsafe fn job(
        &self,
        left: &[f32],
        rows: std::ops::Range<usize>,
        panels: std::ops::Range<usize>,
        out: Target,
        after: After<'_>,
    ) {
        let columns = self.kernels.columns;
        let padded = self.width.div_ceil(columns) * columns;
        let deepest = self.depth.clamp(1, DEPTH_MAX);
        let group = (PANELS_FLOATS_MAX / (deepest * columns)).max(1);
        for first in panels.clone().step_by(group) {
            let group = first..panels.end.min(first + group);
            for (from, len) in blocks(self.depth) {
                for row in rows.clone().step_by(self.kernels.rows) {
                    let count = self.kernels.rows.min(rows.end - row);
                    let left = Left { from: left[row * self.depth + from..].as_ptr(), stride: self.depth, rows: count };
                    for panel in group.clone() {
                        let floats = &self.floats[from * padded + panel * len * columns..][..len * columns];
                        // SAFETY: `left` has these rows of at least `len` floats; the caller gave us the tile.
                        unsafe { self.tile(left, floats, Block { row, panel, from, len }, out, after) }
                    }
                }
            }
        }
    }

    /// One block of one tile.
    ///
    /// # Safety
    /// As `job`.
    unsafe fn tile(&self, left: Left, floats: &[f32], block: Block, out: Target, after: After<'_>) {
        let columns = self.kernels.columns;
        let Block { row, panel, from, len } = block;
        let wide = columns.min(self.width - panel * columns);
        // A panel that is not full is computed beside and copied.
        let mut beside = [0.0; ROWS_MAX * COLUMNS_MAX];
        // SAFETY: the caller's; only the tile's own floats are touched.
        unsafe {
            let place = out.at(row * self.width + panel * columns);
            let (to, stride) = if wide == columns { (place, self.width) } else { (beside.as_mut_ptr(), columns) };
            if from > 0 && wide < columns {
                (0..left.rows).for_each(|r| place.add(r * self.width).copy_to(to.add(r * stride), wide));
            }
            let begin = match self.bias.is_empty() {
                _ if from > 0 => Begin { from: to, stride },
                false => Begin { from: self.bias[panel * columns..].as_ptr(), stride: 0 },
                true => Begin { from: std::ptr::null(), stride: 0 },
            };
            self.kernels.tile(left, floats.as_ptr(), len, begin, to, stride);
            if wide < columns {
                (0..left.rows).for_each(|r| to.add(r * stride).copy_to(place.add(r * self.width), wide));
            }
            if from + len == self.depth {
                (0..left.rows).for_each(|r| self.finish(row + r, panel * columns, wide, out, after));
            }
        }
    }

    /// What comes after the last block, for `wide` columns of a row.
    ///
    /// # Safety
    /// As `job`.
    unsafe fn finish(&self, row: usize, column: usize, wide: usize, out: Target, after: After<'_>) {
        let offset = row * self.width + column;
        // SAFETY: the caller's.
        let out = unsafe { std::slice::from_raw_parts_mut(out.at(offset), wide) };
        self.kernels.activate(after.activation, out);
        if let Some(plus) = after.plus {
            out.iter_mut().zip(&plus[offset..]).for_each(|(out, plus)| *out += plus);
        }
    }
}

/// A tile's place: its first row, its panel, and the block of the depth.
#[derive(Clone, Copy)]
struct Block {
    row: usize,
    panel: usize,
    from: usize,
    len: usize,
}

/// The depth in blocks of about one length: (from, length). One empty block if there is no depth, so that the bias is still written.
fn blocks(depth: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = depth.div_ceil(DEPTH_MAX).max(1);
    (0..count).map(move |i| (depth * i / count, depth * (i + 1) / count - depth * i / count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers in [-1, 1) that differ from place to place.
    fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mix = |i: u64| {
            let mut x = (i ^ seed.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            x ^= x >> 29;
            x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((x >> 40) as f32) / (1 << 23) as f32 - 1.0
        };
        (0..count as u64).map(mix).collect()
    }

    fn expected(left: &[f32], weight: &[f32], bias: &[f32], plus: &[f32], width: usize, depth: usize) -> Vec<f64> {
        let rows = plus.len() / width;
        let one = |i: usize| {
            let (r, c) = (i / width, i % width);
            let dot: f64 = (0..depth).map(|k| f64::from(left[r * depth + k]) * f64::from(weight[c * depth + k])).sum();
            dot + bias.get(c).map_or(0.0, |b| f64::from(*b)) + f64::from(plus[i])
        };
        (0..rows * width).map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_set_gives_the_product_of_any_shape(
            rows in 1usize..120, width in 1usize..100, depth in 0usize..1100, with_bias: bool, seed: u64,
        ) {
            let (left, weight) = (numbers(seed, rows * depth), numbers(seed ^ 1, width * depth));
            let bias = numbers(seed ^ 2, if with_bias { width } else { 0 });
            let plus = numbers(seed ^ 3, rows * width);
            let expected = expected(&left, &weight, &bias, &plus, width, depth);
            for kernels in kernels::able() {
                let packed = Packed::with(kernels, &weight, width, depth, &bias);
                let out = packed.product(&left, rows, After { plus: Some(&plus), ..After::default() });
                let bound = 1e-6 * (depth as f64).max(4.0);
                for (i, (ours, right)) in out.iter().zip(&expected).enumerate() {
                    prop_assert!((f64::from(*ours) - right).abs() <= bound, "{} at {i}: {ours}, not {right}", kernels.name);
                }
            }
        }

        #[test]
        fn a_row_is_the_same_alone_and_in_any_batch(rows in 2usize..200, width in 1usize..70, depth in 1usize..1100, seed: u64) {
            let (left, weight) = (numbers(seed, rows * depth), numbers(seed ^ 1, width * depth));
            for kernels in kernels::able() {
                let packed = Packed::with(kernels, &weight, width, depth, &[]);
                let all = packed.product(&left, rows, After::default());
                for row in [0, rows / 2, rows - 1] {
                    let alone = packed.product(&left[row * depth..][..depth], 1, After::default());
                    prop_assert_eq!(&alone[..], &all[row * width..][..width], "{}", kernels.name);
                }
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() -> Result<(), rayon::ThreadPoolBuildError> {
        let (rows, width, depth) = (257, 130, 700);
        let (left, packed) = (numbers(7, rows * depth), Packed::new(&numbers(8, width * depth), width, depth, &numbers(9, width)));
        let run = |threads: usize| -> Result<Vec<f32>, rayon::ThreadPoolBuildError> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            Ok(pool.install(|| packed.product(&left, rows, After { activation: Activation::Gelu, plus: None })))
        };
        let one = run(1)?;
        assert!(run(2)? == one && run(5)? == one);
        Ok(())
    }
}
