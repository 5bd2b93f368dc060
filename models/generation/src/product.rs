//! Products of rows with weights whose every element is summed in one order, whatever the number of rows, the number of threads and
//! the width of the processor's vectors: sixteen running sums with fused multiply-adds, added up by halves. So a batch equals a
//! single to the bit, which a blocked matrix product does not promise.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Running sums of one element.
const LANES: usize = 16;
/// Columns that one thread takes at a time.
const COLUMNS: usize = 32;

/// Σ over halves: 16 → 8 → 4 → 2 → 1.
#[inline(always)]
fn folded(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// One block of a product: rows of `x` by rows of `w`, all of one length.
type Tile = fn(&[&[f32]], &[&[f32]], &mut [f32]);

/// The plain form, and the reference of the others.
fn plain(x: &[&[f32]], w: &[&[f32]], out: &mut [f32]) {
    for (r, x) in x.iter().enumerate() {
        for (c, w) in w.iter().enumerate() {
            let mut sums = [0.0; LANES];
            for (i, (x, w)) in x.iter().zip(*w).enumerate() {
                sums[i % LANES] = x.mul_add(*w, sums[i % LANES]);
            }
            out[c * COLUMNS_STRIDE + r] = folded(sums);
        }
    }
}

/// Rows of `x` and of `w` in one tile; `out` of a tile is [column][row].
const ROWS: usize = 4;
const COLUMNS_STRIDE: usize = ROWS;

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{COLUMNS_STRIDE, LANES, folded};
    use std::arch::x86_64::*;

    /// The sums that the last, incomplete step adds to.
    #[inline(always)]
    fn rest(sums: &mut [f32; LANES], x: &[f32], w: &[f32]) -> f32 {
        for (lane, (x, w)) in x.iter().zip(w).enumerate() {
            sums[lane] = x.mul_add(*w, sums[lane]);
        }
        folded(*sums)
    }

    #[target_feature(enable = "avx512f,fma")]
    fn tile512<const R: usize, const C: usize>(x: [&[f32]; R], w: [&[f32]; C], out: &mut [f32]) {
        let length = x[0].len();
        let mut sums = [[_mm512_setzero_ps(); C]; R];
        let whole = length - length % LANES;
        for at in (0..whole).step_by(LANES) {
            // SAFETY: every row has `length` elements (checked by the caller's slicing), and at + LANES <= whole <= length.
            let (xs, ws) =
                unsafe { (x.map(|x| _mm512_loadu_ps(x.as_ptr().add(at))), w.map(|w| _mm512_loadu_ps(w.as_ptr().add(at)))) };
            for r in 0..R {
                for c in 0..C {
                    sums[r][c] = _mm512_fmadd_ps(xs[r], ws[c], sums[r][c]);
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                let mut lanes = [0.0; LANES];
                // SAFETY: `lanes` has room for sixteen floats.
                unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), sums[r][c]) };
                out[c * COLUMNS_STRIDE + r] = rest(&mut lanes, &x[r][whole..], &w[c][whole..]);
            }
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn tile256<const R: usize, const C: usize>(x: [&[f32]; R], w: [&[f32]; C], out: &mut [f32]) {
        let length = x[0].len();
        let mut sums = [[(_mm256_setzero_ps(), _mm256_setzero_ps()); C]; R];
        let whole = length - length % LANES;
        for at in (0..whole).step_by(LANES) {
            // SAFETY: every row has `length` elements (checked by the caller's slicing), and at + LANES <= whole <= length.
            let halves =
                |row: &[f32]| unsafe { (_mm256_loadu_ps(row.as_ptr().add(at)), _mm256_loadu_ps(row.as_ptr().add(at + 8))) };
            let (xs, ws) = (x.map(halves), w.map(halves));
            for r in 0..R {
                for c in 0..C {
                    let (low, high) = sums[r][c];
                    sums[r][c] = (_mm256_fmadd_ps(xs[r].0, ws[c].0, low), _mm256_fmadd_ps(xs[r].1, ws[c].1, high));
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                let mut lanes = [0.0; LANES];
                // SAFETY: `lanes` has room for two times eight floats.
                unsafe {
                    _mm256_storeu_ps(lanes.as_mut_ptr(), sums[r][c].0);
                    _mm256_storeu_ps(lanes.as_mut_ptr().add(8), sums[r][c].1);
                }
                out[c * COLUMNS_STRIDE + r] = rest(&mut lanes, &x[r][whole..], &w[c][whole..]);
            }
        }
    }

    #[target_feature(enable = "avx512f,fma")]
    fn any512(x: &[&[f32]], w: &[&[f32]], out: &mut [f32]) {
        match (x, w) {
            (&[a, b, c, d], &[e, f, g, h]) => tile512([a, b, c, d], [e, f, g, h], out),
            (&[a], &[e, f, g, h]) => tile512([a], [e, f, g, h], out),
            _ => singly(x, w, out, |x, w, out| tile512([x], [w], out)),
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn any256(x: &[&[f32]], w: &[&[f32]], out: &mut [f32]) {
        match (x, w) {
            (&[a, b, c, d], &[e, f, g, h]) => {
                tile256([a, b], [e, f], out);
                tile256([c, d], [e, f], &mut out[2..]);
                tile256([a, b], [g, h], &mut out[2 * COLUMNS_STRIDE..]);
                tile256([c, d], [g, h], &mut out[2 * COLUMNS_STRIDE + 2..]);
            }
            (&[a], &[e, f, g, h]) => tile256([a], [e, f, g, h], out),
            _ => singly(x, w, out, |x, w, out| tile256([x], [w], out)),
        }
    }

    #[inline(always)]
    fn singly(x: &[&[f32]], w: &[&[f32]], out: &mut [f32], one: impl Fn(&[f32], &[f32], &mut [f32])) {
        for (r, x) in x.iter().enumerate() {
            for (c, w) in w.iter().enumerate() {
                one(x, w, &mut out[c * COLUMNS_STRIDE + r..]);
            }
        }
    }

    /// The widest form that this processor has.
    pub fn best() -> Option<super::Tile> {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were just found.
            return Some(|x, w, out| unsafe { any512(x, w, out) });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were just found.
            return Some(|x, w, out| unsafe { any256(x, w, out) });
        }
        None
    }
}

fn tile() -> Tile {
    static BEST: std::sync::OnceLock<Tile> = std::sync::OnceLock::new();
    #[cfg(target_arch = "x86_64")]
    let found = *BEST.get_or_init(|| wide::best().unwrap_or(plain));
    #[cfg(not(target_arch = "x86_64"))]
    let found = *BEST.get_or_init(|| plain);
    found
}

/// The product of two vectors of one length.
pub fn dot(x: &[f32], w: &[f32]) -> f32 {
    let mut out = [0.0; ROWS * COLUMNS_STRIDE];
    let length = x.len().min(w.len());
    tile()(&[&x[..length]], &[&w[..length]], &mut out);
    out[0]
}

/// x · wᵀ for `x` (rows, width) and `w` (columns, width): (rows, columns).
pub fn rows_by_rows(x: &[f32], w: &[f32], width: usize) -> Vec<f32> {
    by(tile(), x, w, width)
}

fn by(tile: Tile, x: &[f32], w: &[f32], width: usize) -> Vec<f32> {
    let (rows, columns) = (x.len() / width, w.len() / width);
    // Columns first, so that each thread writes a piece of its own.
    let mut turned = vec![0.0f32; rows * columns];
    turned.par_chunks_mut(COLUMNS * rows).enumerate().for_each(|(chunk, out)| {
        let mut block = [0.0; ROWS * COLUMNS_STRIDE];
        for (group, out) in out.chunks_mut(4 * rows).enumerate() {
            let first = chunk * COLUMNS + group * 4;
            let count = out.len() / rows;
            let ws: Vec<&[f32]> = (first..first + count).map(|c| &w[c * width..(c + 1) * width]).collect();
            for at in (0..rows).step_by(ROWS) {
                let end = (at + ROWS).min(rows);
                let xs: Vec<&[f32]> = (at..end).map(|r| &x[r * width..(r + 1) * width]).collect();
                tile(&xs, &ws, &mut block);
                for c in 0..count {
                    out[c * rows + at..c * rows + end].copy_from_slice(&block[c * COLUMNS_STRIDE..c * COLUMNS_STRIDE + end - at]);
                }
            }
        }
    });
    if rows == 1 {
        return turned;
    }
    let mut out = vec![0.0f32; rows * columns];
    out.par_chunks_mut(columns).enumerate().for_each(|(r, out)| {
        out.iter_mut().enumerate().for_each(|(c, out)| *out = turned[c * rows + r]);
    });
    out
}

/// The product as a candle op, on the processor.
struct RowsByRows;

impl CustomOp2 for RowsByRows {
    fn name(&self) -> &'static str {
        "rows-by-rows"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, w: &CpuStorage, lw: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((rows, width), (columns, inner)) = (lx.shape().dims2()?, lw.shape().dims2()?);
        let (Some((x0, x1)), Some((w0, w1))) = (lx.contiguous_offsets(), lw.contiguous_offsets()) else {
            bail!("rows-by-rows needs contiguous tensors")
        };
        if width != inner || width == 0 {
            bail!("rows-by-rows: {width} and {inner} differ, or are 0")
        }
        let out = rows_by_rows(&x.as_slice::<f32>()?[x0..x1], &w.as_slice::<f32>()?[w0..w1], width);
        Ok((CpuStorage::F32(out), Shape::from((rows, columns))))
    }
}

/// x · wᵀ for `x` (rows, width) and `w` (columns, width), both contiguous: bit-equal for any number of rows on a processor, the device's
/// own matrix product elsewhere.
pub fn product(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() && x.dtype() == candle_core::DType::F32 && w.dtype() == candle_core::DType::F32 {
        return x.contiguous()?.apply_op2_no_bwd(w, &RowsByRows);
    }
    x.matmul(&w.t()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| random.f32() * 2.0 - 1.0).collect()
    }

    #[test]
    fn every_form_gives_the_same_bits_for_any_number_of_rows() {
        for (rows, columns, width) in [(1, 1, 1), (3, 5, 17), (4, 4, 16), (9, 70, 131), (13, 33, 64)] {
            let (x, w) = (noise(rows * width, 1), noise(columns * width, 2));
            let (fast, slow) = (rows_by_rows(&x, &w, width), by(plain, &x, &w, width));
            assert_eq!(fast, slow, "{rows} {columns} {width}");
            for r in 0..rows {
                let single = rows_by_rows(&x[r * width..(r + 1) * width], &w, width);
                assert_eq!(single, fast[r * columns..(r + 1) * columns], "row {r} of {rows}");
            }
        }
    }

    #[test]
    fn it_is_the_product() {
        let (rows, columns, width) = (5, 7, 203);
        let (x, w) = (noise(rows * width, 3), noise(columns * width, 4));
        for (at, value) in rows_by_rows(&x, &w, width).into_iter().enumerate() {
            let (r, c) = (at / columns, at % columns);
            let exact: f64 = (0..width).map(|k| f64::from(x[r * width + k]) * f64::from(w[c * width + k])).sum();
            assert!((f64::from(value) - exact).abs() < 1e-5, "{value} {exact}");
        }
    }
}
