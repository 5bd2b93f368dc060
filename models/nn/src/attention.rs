//! softmax(Q·Kᵀ·scale)·V, a tile of queries at a time: of the scores only a tile's rows are ever there.

use crate::kernels::{self, Begin, Kernels, Left};
use crate::share::{self, Target};
use crate::views;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};

/// Multiplications below which heads are not shared out.
const WORTH: usize = 1 << 20;
/// Queries of one job, about.
const QUERIES: usize = 512;

/// How a layer attends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attend {
    pub heads: usize,
    /// Usually 1/√(size of a head).
    pub scale: f32,
    /// A query sees the keys up to its own place, the last query all of them.
    pub causal: bool,
}

/// Self-attention of sequences that lie one after the other, without padding.
///
/// `x`: tokens × 3·width, queries, keys and values of a token side by side; `bounds`: where each sequence begins, and the end
/// of the last; → tokens × width.
pub fn attend_packed(x: &Tensor, bounds: &[usize], how: Attend) -> Result<Tensor> {
    check(x, bounds, how)?;
    if x.device().is_cpu() && x.dtype() == DType::F32 {
        return x.contiguous()?.apply_op1_no_bwd(&Sequences { bounds, how });
    }
    attend_packed_plain(x, bounds, how)
}

/// The same in candle's own ops: sequences of one length at once, others one by one.
pub fn attend_packed_plain(x: &Tensor, bounds: &[usize], how: Attend) -> Result<Tensor> {
    check(x, bounds, how)?;
    let (tokens, wide) = x.dims2()?;
    let (width, dim) = (wide / 3, wide / 3 / how.heads);
    let attend = |from: usize, count: usize, length: usize| {
        let part = x.narrow(0, from, count * length)?.reshape((count, length, 3, how.heads, dim))?;
        let one = |i: usize| part.narrow(2, i, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
        attend_plain(&one(0)?, &one(1)?, &one(2)?, how)?.transpose(1, 2)?.reshape((count * length, width))
    };
    let lengths: Vec<usize> = bounds.windows(2).map(|w| w[1] - w[0]).collect();
    let mut parts = Vec::new();
    let mut at = 0;
    for run in lengths.chunk_by(|a, b| a == b).filter(|run| run[0] > 0) {
        parts.push(attend(at, run.len(), run[0])?);
        at += run.len() * run[0];
    }
    match parts.is_empty() {
        true => Tensor::zeros((tokens, width), x.dtype(), x.device()),
        false => Tensor::cat(&parts, 0),
    }
}

/// Attention of queries to keys that may be another sequence's: q batch × heads × queries × dim, k and v batch × heads of their
/// own, which the queries' share evenly (Ainslie et al. 2023), × keys × dim.
pub fn attend(q: &Tensor, k: &Tensor, v: &Tensor, how: Attend) -> Result<Tensor> {
    if q.device().is_cpu() && q.dtype() == DType::F32 {
        return q.contiguous()?.apply_op3_no_bwd(&k.contiguous()?, &v.contiguous()?, &Heads(how));
    }
    attend_plain(q, k, v, how)
}

/// The same in candle's own ops.
pub fn attend_plain(q: &Tensor, k: &Tensor, v: &Tensor, how: Attend) -> Result<Tensor> {
    let (batch, heads, queries, _) = q.dims4()?;
    let (_, shared, keys, dim) = k.dims4()?;
    let each = |x: &Tensor| {
        let x = x.unsqueeze(2)?.expand((batch, shared, heads / shared.max(1), keys, dim))?;
        x.reshape((batch, heads, keys, dim))
    };
    let scores = (q.matmul(&each(k)?.t()?.contiguous()?)? * f64::from(how.scale))?;
    let scores = match how.causal {
        false => scores,
        true => {
            let hidden = |i: usize, j: usize| if j + queries > i + keys { f32::NEG_INFINITY } else { 0.0 };
            let mask: Vec<f32> = (0..queries * keys).map(|at| hidden(at / keys, at % keys)).collect();
            let mask = Tensor::from_vec(mask, (queries, keys), q.device())?.to_dtype(q.dtype())?;
            scores.broadcast_add(&mask)?
        }
    };
    let shares = candle_nn::ops::softmax(&scores.to_dtype(DType::F32)?, D::Minus1)?.to_dtype(q.dtype())?;
    shares.matmul(&each(v)?.contiguous()?)
}

fn check(x: &Tensor, bounds: &[usize], how: Attend) -> Result<()> {
    let (tokens, wide) = x.dims2()?;
    if how.heads == 0 || wide % (3 * how.heads) != 0 {
        bail!("{wide} columns are no queries, keys and values of {} heads", how.heads);
    }
    if bounds.first() != Some(&0) || bounds.last() != Some(&tokens) || !bounds.is_sorted() {
        bail!("the sequences' bounds {bounds:?} do not go from 0 to {tokens} tokens");
    }
    Ok(())
}

/// Rows of floats, `stride` from one to the next.
#[derive(Clone, Copy)]
struct Rows<'a> {
    floats: &'a [f32],
    stride: usize,
}

impl<'a> Rows<'a> {
    /// Rows of `dim` floats, one after the other, from `row` on.
    fn of(floats: &'a [f32], row: usize, dim: usize) -> Self {
        Self { floats: &floats[row * dim..], stride: dim }
    }

    fn row(&self, row: usize, len: usize) -> &'a [f32] {
        &self.floats[row * self.stride..][..len]
    }
}

/// One head of one sequence.
struct Head<'a> {
    q: Rows<'a>,
    k: Rows<'a>,
    v: Rows<'a>,
    queries: usize,
    keys: usize,
    dim: usize,
}

impl Head<'_> {
    /// Panels of keys: dim × columns each, scaled.
    fn pack_keys(&self, kernels: &Kernels, scale: f32) -> Vec<f32> {
        let columns = kernels.columns;
        let mut panels = vec![0.0; self.keys.div_ceil(columns) * columns * self.dim];
        for key in 0..self.keys {
            let panel = &mut panels[key / columns * columns * self.dim + key % columns..];
            let from = self.k.row(key, self.dim);
            panel.iter_mut().step_by(columns).zip(from).for_each(|(to, from)| *to = from * scale);
        }
        panels
    }

    /// Panels of values: keys × columns each.
    fn pack_values(&self, kernels: &Kernels) -> Vec<f32> {
        let columns = kernels.columns;
        let mut panels = vec![0.0; self.dim.div_ceil(columns) * columns * self.keys];
        for (number, panel) in panels.chunks_exact_mut(columns * self.keys.max(1)).enumerate() {
            let wide = columns.min(self.dim - number * columns);
            for (key, to) in panel.chunks_exact_mut(columns).enumerate() {
                to[..wide].copy_from_slice(&self.v.row(key, self.dim)[number * columns..][..wide]);
            }
        }
        panels
    }

    /// Writes queries × dim floats, `stride` from one row to the next.
    ///
    /// # Safety
    /// `out` has that many, and nobody else writes them.
    unsafe fn attend(&self, kernels: &Kernels, how: Attend, out: *mut f32, stride: usize) {
        let (columns, most) = (kernels.columns, kernels.rows);
        let (keys, values) = (self.pack_keys(kernels, how.scale), self.pack_values(kernels));
        let padded = self.keys.div_ceil(columns) * columns;
        let mut scores = vec![0.0f32; most * padded];
        let mut beside = vec![0.0f32; most * columns];
        let zero = Begin { from: std::ptr::null(), stride: 0 };
        for first in (0..self.queries).step_by(most) {
            let rows = most.min(self.queries - first);
            let seen = |row: usize| match how.causal {
                true => (first + row + 1 + self.keys).saturating_sub(self.queries).min(self.keys),
                false => self.keys,
            };
            let depth = seen(rows - 1);
            let left = Left { from: self.q.floats[first * self.q.stride..].as_ptr(), stride: self.q.stride, rows };
            for panel in 0..depth.div_ceil(columns) {
                let floats = &keys[panel * columns * self.dim..][..columns * self.dim];
                // SAFETY: the queries' rows are there, and `scores` has as many of `padded`.
                unsafe { kernels.tile(left, floats.as_ptr(), self.dim, zero, scores[panel * columns..].as_mut_ptr(), padded) };
            }
            for (row, scores) in scores.chunks_exact_mut(padded.max(1)).take(rows).enumerate() {
                let (shown, hidden) = scores.split_at_mut(seen(row));
                kernels.softmax(shown);
                hidden.fill(0.0);
            }
            let left = Left { from: scores.as_ptr(), stride: padded, rows };
            for (number, panel) in values.chunks_exact(columns * self.keys.max(1)).enumerate() {
                // SAFETY: `scores` has `rows` rows of at least `depth`, `beside` as many of a tile; the caller gave us `out`.
                unsafe {
                    kernels.tile(left, panel.as_ptr(), depth, zero, beside.as_mut_ptr(), columns);
                    let wide = columns.min(self.dim - number * columns);
                    for row in 0..rows {
                        let to = out.add((first + row) * stride + number * columns);
                        beside.as_ptr().add(row * columns).copy_to_nonoverlapping(to, wide);
                    }
                }
            }
        }
    }
}

struct Sequences<'a> {
    bounds: &'a [usize],
    how: Attend,
}

impl CustomOp1 for Sequences<'_> {
    fn name(&self) -> &'static str {
        "attend-packed"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = views::floats(x, layout)?;
        let (tokens, wide) = layout.shape().dims2()?;
        let (width, heads) = (wide / 3, self.how.heads);
        let dim = width / heads;
        let mut out = Vec::with_capacity(tokens * width);
        let target = Target::of(&mut out);
        let longest = self.bounds.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        let worth = tokens * longest * width >= WORTH;
        share::jobs((self.bounds.len() - 1) * heads, worth, |job| {
            let (sequence, head) = (job / heads, job % heads);
            let (from, to) = (self.bounds[sequence], self.bounds[sequence + 1]);
            if from == to {
                return;
            }
            let part = |i: usize| Rows { floats: &x[from * wide + i * width + head * dim..], stride: wide };
            let head_of = Head { q: part(0), k: part(1), v: part(2), queries: to - from, keys: to - from, dim };
            // SAFETY: the head's columns of the sequence's rows are this job's alone.
            unsafe { head_of.attend(kernels::get(), self.how, target.at(from * width + head * dim), width) }
        });
        // SAFETY: the bounds reach over all tokens, and the heads over all columns: together the jobs have written all.
        unsafe { out.set_len(tokens * width) };
        Ok((CpuStorage::F32(out), Shape::from_dims(&[tokens, width])))
    }
}

struct Heads(Attend);

impl CustomOp3 for Heads {
    fn name(&self) -> &'static str {
        "attend"
    }

    fn cpu_fwd(
        &self,
        q: &CpuStorage,
        q_layout: &Layout,
        k: &CpuStorage,
        k_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, heads, queries, dim) = q_layout.shape().dims4()?;
        let (_, shared, keys, _) = k_layout.shape().dims4()?;
        if k_layout.dims() != v_layout.dims() || k_layout.dims() != [batch, shared, keys, dim] || keys == 0 {
            bail!("queries {:?} cannot attend to keys {:?} of values {:?}", q_layout.dims(), k_layout.dims(), v_layout.dims());
        }
        if shared == 0 || heads % shared != 0 || heads != self.0.heads {
            bail!("{heads} heads of queries (of {}) cannot share {shared} of keys", self.0.heads);
        }
        let (q, k, v) = (views::floats(q, q_layout)?, views::floats(k, k_layout)?, views::floats(v, v_layout)?);
        let mut out = vec![0.0; batch * heads * queries * dim];
        let target = Target::of(&mut out);
        let worth = batch * heads * queries * keys * dim >= WORTH;
        // Many queries of few heads are shared out, too.
        let cut = queries.div_ceil(if worth { QUERIES } else { queries.max(1) }).max(1);
        let cut = if self.0.causal { 1 } else { cut };
        share::jobs(batch * heads * cut, worth, |job| {
            let (plane, part) = (job / cut, job % cut);
            let (from, to) = (queries * part / cut, queries * (part + 1) / cut);
            let other = plane / heads * shared + plane % heads / (heads / shared);
            let (q, k, v) =
                (Rows::of(q, plane * queries + from, dim), Rows::of(k, other * keys, dim), Rows::of(v, other * keys, dim));
            let head = Head { q, k, v, queries: to - from, keys, dim };
            // SAFETY: these queries of this head are this job's alone.
            unsafe { head.attend(kernels::get(), self.0, target.at((plane * queries + from) * dim), dim) }
        });
        Ok((CpuStorage::F32(out), q_layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn noise(shape: impl Into<Shape>) -> Result<Tensor> {
        Tensor::randn(0f32, 1.0, shape, &Device::Cpu)
    }

    fn apart(a: &Tensor, b: &Tensor) -> Result<f32> {
        assert_eq!(a.dims(), b.dims());
        (a - b)?.abs()?.max_all()?.to_scalar()
    }

    #[test]
    fn packed_equals_plain() -> Result<()> {
        for (heads, dim) in [(1, 1), (3, 8), (2, 33), (12, 32), (2, 80)] {
            for bounds in [vec![0, 1], vec![0, 5, 5, 37], vec![0, 128, 256], vec![0, 3, 300]] {
                let x = noise((bounds[bounds.len() - 1], 3 * heads * dim))?;
                for causal in [false, true] {
                    let how = Attend { heads, scale: (dim as f32).powf(-0.5), causal };
                    let apart = apart(&attend_packed(&x, &bounds, how)?, &attend_packed_plain(&x, &bounds, how)?)?;
                    assert!(apart < 1e-5, "{heads} heads of {dim}, {bounds:?}, causal {causal}: {apart}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn attention_to_another_sequence_equals_plain() -> Result<()> {
        for (heads, shared, queries, keys, dim) in [(2, 2, 7, 77, 40), (4, 2, 1, 19, 16), (8, 8, 1100, 33, 8), (4, 1, 5, 9, 3)] {
            let (q, k, v) = (noise((2, heads, queries, dim))?, noise((2, shared, keys, dim))?, noise((2, shared, keys, dim))?);
            for causal in [false, true].into_iter().filter(|causal| !causal || queries <= keys) {
                let how = Attend { heads, scale: 0.3, causal };
                let apart = apart(&attend(&q, &k, &v, how)?, &attend_plain(&q, &k, &v, how)?)?;
                assert!(apart < 1e-5, "{heads}/{shared} heads, {queries} to {keys}, causal {causal}: {apart}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_sequence_does_not_know_its_neighbours() -> Result<()> {
        let how = Attend { heads: 4, scale: 0.25, causal: false };
        let x = noise((90, 192))?;
        let all = attend_packed(&x, &[0, 17, 50, 90], how)?;
        let alone = attend_packed(&x.narrow(0, 17, 33)?, &[0, 33], how)?;
        assert_eq!(all.narrow(0, 17, 33)?.to_vec2::<f32>()?, alone.to_vec2::<f32>()?);
        Ok(())
    }

    #[test]
    fn bounds_and_heads_that_do_not_fit_are_refused() -> Result<()> {
        let x = noise((6, 24))?;
        let how = Attend { heads: 2, scale: 1.0, causal: false };
        for bounds in [&[][..], &[0, 5], &[1, 6], &[0, 4, 3, 6]] {
            assert!(attend_packed(&x, bounds, how).is_err(), "{bounds:?}");
        }
        assert!(attend_packed(&x, &[0, 6], Attend { heads: 3, ..how }).is_err());
        assert!(attend_packed(&x, &[0, 6], Attend { heads: 0, ..how }).is_err());
        Ok(())
    }
}
