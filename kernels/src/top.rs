//! The largest of many scores, and the vectors nearest to one by their dot product.
//!
//! Selection is exact. A dot product is within 1e-6 of the exact one times the sum of its terms' sizes, up to a dim of 768.

use crate::error::KernelError;
use crate::target::{Extent, List, Target, faces, kernel};

/// One of the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    pub index: u32,
    pub score: f32,
}

/// The record of `top.cpp`.
#[repr(C)]
pub struct TopView {
    query: *const f32,
    vectors: *const f32,
    scores: *mut f32,
    best: *mut f32,
    merged: *mut f32,
    place: *mut u32,
    merged_place: *mut u32,
    dim: u32,
    count: u32,
    most: u32,
    lists: u32,
}

const EMPTY: TopView = TopView {
    query: std::ptr::null(),
    vectors: std::ptr::null(),
    scores: std::ptr::null_mut(),
    best: std::ptr::null_mut(),
    merged: std::ptr::null_mut(),
    place: std::ptr::null_mut(),
    merged_place: std::ptr::null_mut(),
    dim: 0,
    count: 0,
    most: 0,
    lists: 0,
};

/// As in `top.cpp`.
const STRETCH: usize = 4096;
const NOWHERE: u32 = u32::MAX;
const MOST: usize = 1024;
const AT_ONCE: u32 = 256;

faces! {
    /// The `most` largest scores, the largest first, of equal ones the one with the lower index. What isn't a number is left out;
    /// there may be fewer than asked for.
    ///
    /// # Errors
    /// `TooMany` for more than 1024 asked, or 2³² − 1 scores and more.
    fn top_k(scores: &[f32], most: usize) -> Vec<Best>
}

fn top_k(on: &impl Target, scores: &[f32], most: usize) -> Result<Vec<Best>, KernelError> {
    check(scores.len(), most)?;
    let here = on.lend(scores)?;
    best(on, here.at(), scores.len(), most)
}

/// Of scores that are on the target.
fn best(on: &impl Target, scores: *mut f32, count: usize, most: usize) -> Result<Vec<Best>, KernelError> {
    if most == 0 || count == 0 {
        return Ok(Vec::new());
    }
    let lists = count.div_ceil(STRETCH);
    let (mut best, mut merged) = (on.room::<f32>(lists * most)?, on.room::<f32>(lists.div_ceil(2) * most)?);
    let (mut place, mut merged_place) = (on.room::<u32>(lists * most)?, on.room::<u32>(lists.div_ceil(2) * most)?);
    let mut view = TopView { scores, count: count as u32, most: most as u32, lists: lists as u32, ..EMPTY };
    loop {
        (view.best, view.merged) = (best.at(), merged.at());
        (view.place, view.merged_place) = (place.at(), merged_place.at());
        if view.lists == lists as u32 {
            // SAFETY: scores are only read; an item writes a list of its own.
            unsafe { on.run(kernel!(top_stretch), &view, Extent::Items(0, view.lists), 1) }?;
        }
        if view.lists == 1 {
            break;
        }
        let halved = view.lists.div_ceil(2);
        // SAFETY: the same, from lists that the launch before has finished.
        unsafe { on.run(kernel!(top_merge), &view, Extent::Items(0, halved), 1) }?;
        view.lists = halved;
        std::mem::swap(&mut best, &mut merged);
        std::mem::swap(&mut place, &mut merged_place);
    }
    let list = on.take(place)?.into_iter().zip(on.take(best)?).take(most).take_while(|(index, _)| *index != NOWHERE);
    Ok(list.map(|(index, score)| Best { index, score }).collect())
}

faces! {
    /// The `most` vectors with the largest dot products with `query`; `vectors` are as long as it, one after another.
    ///
    /// # Errors
    /// `Length` where `vectors` aren't whole vectors, `Range` for an empty query, `TooMany` as above.
    fn nearest_vectors(query: &[f32], vectors: &[f32], most: usize) -> Vec<Best>
}

fn nearest_vectors(on: &impl Target, query: &[f32], vectors: &[f32], most: usize) -> Result<Vec<Best>, KernelError> {
    if query.is_empty() || query.len() > u32::MAX as usize {
        return Err(KernelError::Range { what: "the length of a vector", wanted: "1–2³² − 1" });
    }
    let count = vectors.len() / query.len();
    if count * query.len() != vectors.len() {
        return Err(KernelError::Length { list: "vectors", found: vectors.len(), wanted: count * query.len() });
    }
    check(count, most)?;
    let dim = query.len() as u32;
    let (scores, query, vectors) = (on.room::<f32>(count)?, on.lend(query)?, on.lend(vectors)?);
    let view = TopView { query: query.at(), vectors: vectors.at(), scores: scores.at(), dim, count: count as u32, ..EMPTY };
    // SAFETY: `vectors` hold `count` vectors; an item writes its own score.
    unsafe { on.run(kernel!(top_scores), &view, Extent::Items(0, view.count), AT_ONCE) }?;
    best(on, scores.at(), count, most)
}

fn check(count: usize, most: usize) -> Result<(), KernelError> {
    if most > MOST {
        return Err(KernelError::TooMany { what: "the largest", found: most, most: MOST });
    }
    let possible = u32::MAX as usize - STRETCH;
    if count > possible { Err(KernelError::TooMany { what: "scores", found: count, most: possible }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;
    use crate::abi::records;

    #[test]
    fn the_record_is_laid_out_as_the_kernel_thinks() {
        assert_eq!(records(|k| k.top_records), [size_of::<TopView>(), offset_of!(TopView, lists)]);
    }
}
