//! Attention: softmax(Q·Kᵀ·scale + mask)·V.
//!
//! Within 1e-5 of the exact result times the largest value, for scores of up to 60 in size; within 1e-3 for scores of ten thousand.
//! Tensors of 16 bits are taken as exact, and results rounded to them.
//!
//! On a GPU a thread works out a whole query from the device's memory, without tiles that threads share: right, and far from what
//! the device could do. Its sums lie in memory, not in registers, and each query reads all keys and values again.

use crate::element::Element;
use crate::error::KernelError;
use crate::target::{Extent, List, Target, faces, kernel};

/// Shapes: queries and results are batch × heads × queries × dim, keys and values batch × key_heads × keys × dim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    pub batch: u32,
    pub heads: u32,
    /// Divides `heads`: so many heads of queries share one of keys (grouped-query attention).
    pub key_heads: u32,
    pub queries: u32,
    pub keys: u32,
    /// 1–256.
    pub dim: u32,
    /// Scores are multiplied by it; 1/√dim as a rule.
    pub scale: f32,
    /// The last query sees all keys, each before it one fewer; a query that sees none gives zeros.
    pub causal: bool,
}

/// What is added to the scores; −∞ hides a key, and a query with all keys hidden gives zeros.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// (1 or batch) × (1 or heads) × queries × keys.
    pub scores: &'a [f32],
    pub per_batch: bool,
    pub per_head: bool,
}

/// The record of `attention.cpp`.
#[repr(C)]
pub struct AttentionView {
    q: *const u8,
    k: *const u8,
    v: *const u8,
    mask: *const f32,
    out: *mut u8,
    heads: u32,
    key_heads: u32,
    queries: u32,
    keys: u32,
    dim: u32,
    mask_batch: u32,
    mask_head: u32,
    causal: u32,
    scale: f32,
}

const DIM_MAX: u32 = 256;
const AT_ONCE: u32 = 8;

faces! {
    /// Attends. Nothing asked gives nothing; no keys give zeros.
    ///
    /// # Errors
    /// `Range` for a dim, head count or scale that isn't possible, `Length` for lists that haven't their shape's length, `TooMany` for
    /// more than 2³² queries in all.
    fn attention<T>(shape: &Attention, q: &[T], k: &[T], v: &[T], mask: Option<Mask<'_>>) -> Vec<T>
}

fn attention<T: Element>(
    on: &impl Target,
    shape: &Attention,
    q: &[T],
    k: &[T],
    v: &[T],
    mask: Option<Mask<'_>>,
) -> Result<Vec<T>, KernelError> {
    let items = check(shape, (q.len(), k.len(), v.len()), mask)?;
    let planes = |per: bool, count: u32| if per { count } else { 0 };
    let scores = mask.map(|m| on.lend(m.scores)).transpose()?;
    let (out, q, k, v) = (on.room::<T>(q.len())?, on.lend(q)?, on.lend(k)?, on.lend(v)?);
    let view = AttentionView {
        q: q.at().cast(),
        k: k.at().cast(),
        v: v.at().cast(),
        mask: scores.as_ref().map_or(std::ptr::null(), |s| s.at().cast_const()),
        out: out.at().cast(),
        heads: shape.heads,
        key_heads: shape.key_heads,
        queries: shape.queries,
        keys: shape.keys,
        dim: shape.dim,
        mask_batch: mask.map_or(0, |m| planes(m.per_batch, if m.per_head { shape.heads } else { 1 })),
        mask_head: mask.map_or(0, |m| planes(m.per_head, 1)),
        causal: u32::from(shape.causal),
        scale: shape.scale,
    };
    let kernel = T::form([kernel!(attention), kernel!(attention_half), kernel!(attention_brain)]);
    // SAFETY: the lists have the lengths of their shapes (checked); an item is a query, which writes its own result.
    unsafe { on.run(kernel, &view, Extent::Items(0, items), AT_ONCE) }?;
    on.take(out)
}

/// How many queries there are.
fn check(shape: &Attention, (q, k, v): (usize, usize, usize), mask: Option<Mask<'_>>) -> Result<u32, KernelError> {
    let refuse = |what, wanted| Err(KernelError::Range { what, wanted });
    if !(1..=DIM_MAX).contains(&shape.dim) {
        return refuse("attention's dim", "1–256");
    }
    if shape.key_heads == 0 || !shape.heads.is_multiple_of(shape.key_heads) {
        return refuse("attention's key heads", "a divisor of its heads");
    }
    if !shape.scale.is_finite() {
        return refuse("attention's scale", "a number");
    }
    let product = |sides: &[u32]| sides.iter().try_fold(1usize, |all, side| all.checked_mul(*side as usize)).unwrap_or(usize::MAX);
    let one = |per: bool, count: u32| if per { count } else { 1 };
    let shared = product(&[shape.batch, shape.key_heads, shape.keys, shape.dim]);
    let masked =
        mask.map_or(0, |m| product(&[one(m.per_batch, shape.batch), one(m.per_head, shape.heads), shape.queries, shape.keys]));
    let lists = [
        ("queries", q, product(&[shape.batch, shape.heads, shape.queries, shape.dim])),
        ("keys", k, shared),
        ("values", v, shared),
        ("the mask", mask.map_or(0, |m| m.scores.len()), masked),
    ];
    if let Some((list, found, wanted)) = lists.into_iter().find(|(_, found, wanted)| found != wanted) {
        return Err(KernelError::Length { list, found, wanted });
    }
    let items = q / shape.dim as usize;
    u32::try_from(items).map_err(|_| KernelError::TooMany { what: "queries", found: items, most: u32::MAX as usize })
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.attention_records), [size_of::<AttentionView>(), offset_of!(AttentionView, scale)]);
    }
}
