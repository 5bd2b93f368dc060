//! The largest of many scores, and the vectors nearest to one by their dot product.
//!
//! Selection is exact. A dot product is within 1e-6 of the exact one times the sum of its terms' sizes, up to a dim of 768.

use crate::Cpu;
use crate::error::KernelError;

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

/// As in `top.cpp`.
const STRETCH: usize = 4096;
const NOWHERE: u32 = u32::MAX;
const MOST: usize = 1024;
const AT_ONCE: u32 = 256;

impl Cpu {
    /// The `most` largest scores, the largest first, of equal ones the one with the lower index. What isn't a number is left out;
    /// there may be fewer than asked for.
    ///
    /// # Errors
    /// `TooMany` for more than 1024 asked, or 2³² − 1 scores and more.
    pub fn top_k(&self, scores: &[f32], most: usize) -> Result<Vec<Best>, KernelError> {
        check(scores.len(), most)?;
        if most == 0 || scores.is_empty() {
            return Ok(Vec::new());
        }
        let lists = scores.len().div_ceil(STRETCH);
        let (mut best, mut merged) = (vec![0.0f32; lists * most], vec![0.0f32; lists.div_ceil(2) * most]);
        let (mut place, mut merged_place) = (vec![0u32; lists * most], vec![0u32; lists.div_ceil(2) * most]);
        let mut view = TopView {
            query: std::ptr::null(),
            vectors: std::ptr::null(),
            scores: scores.as_ptr().cast_mut(),
            best: best.as_mut_ptr(),
            merged: merged.as_mut_ptr(),
            place: place.as_mut_ptr(),
            merged_place: merged_place.as_mut_ptr(),
            dim: 0,
            count: scores.len() as u32,
            most: most as u32,
            lists: lists as u32,
        };
        // SAFETY: scores are only read; each list is written by one thread, from lists that the launch before has finished.
        unsafe {
            self.launch(self.kernels.top_stretch, &view, view.lists, 1);
            while view.lists > 1 {
                let merged = view.lists.div_ceil(2);
                self.launch(self.kernels.top_merge, &view, merged, 1);
                view.lists = merged;
                (view.best, view.merged) = (view.merged, view.best);
                (view.place, view.merged_place) = (view.merged_place, view.place);
            }
        }
        let in_first = std::ptr::eq(view.best, best.as_ptr());
        let (best, place) = if in_first { (best, place) } else { (merged, merged_place) };
        let list = place.into_iter().zip(best).take(most).take_while(|(index, _)| *index != NOWHERE);
        Ok(list.map(|(index, score)| Best { index, score }).collect())
    }

    /// The `most` vectors with the largest dot products with `query`; `vectors` are as long as it, one after another.
    ///
    /// # Errors
    /// `Length` where `vectors` aren't whole vectors, `Range` for an empty query, `TooMany` as above.
    pub fn nearest_vectors(&self, query: &[f32], vectors: &[f32], most: usize) -> Result<Vec<Best>, KernelError> {
        if query.is_empty() || query.len() > u32::MAX as usize {
            return Err(KernelError::Range { what: "the length of a vector", wanted: "1–2³² − 1" });
        }
        let count = vectors.len() / query.len();
        if count * query.len() != vectors.len() {
            return Err(KernelError::Length { list: "vectors", found: vectors.len(), wanted: count * query.len() });
        }
        check(count, most)?;
        let mut scores = vec![0.0f32; count];
        let view = TopView {
            query: query.as_ptr(),
            vectors: vectors.as_ptr(),
            scores: scores.as_mut_ptr(),
            best: std::ptr::null_mut(),
            merged: std::ptr::null_mut(),
            place: std::ptr::null_mut(),
            merged_place: std::ptr::null_mut(),
            dim: query.len() as u32,
            count: count as u32,
            most: 0,
            lists: 0,
        };
        // SAFETY: `vectors` hold `count` vectors; each score is written by one thread.
        unsafe { self.launch(self.kernels.top_scores, &view, view.count, AT_ONCE) };
        self.top_k(&scores, most)
    }
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
