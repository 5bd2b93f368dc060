//! Work shared out over the threads of the pool that the caller is in.

use rayon::prelude::*;

/// Floats below which it costs more to share than it gains.
pub(crate) const CHUNK: usize = 16 * 1024;

/// `each(number, chunk)` over chunks of `size` floats.
pub(crate) fn chunks(out: &mut [f32], size: usize, each: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() <= size {
        each(0, out);
    } else {
        out.par_chunks_mut(size).enumerate().for_each(|(number, chunk)| each(number, chunk));
    }
}

/// `each(number)` for all of `0..count`; in one thread unless there is enough to do.
pub(crate) fn jobs(count: usize, worth: bool, each: impl Fn(usize) + Sync + Send) {
    if worth && count > 1 {
        (0..count).into_par_iter().for_each(each);
    } else {
        (0..count).for_each(each);
    }
}

/// A pointer that several threads write through, each in a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct Target(*mut f32);

impl Target {
    /// The vector's memory, as far as it reaches, whether it is written yet or not.
    pub(crate) fn of(vector: &mut Vec<f32>) -> Self {
        Self(vector.as_mut_ptr())
    }

    /// # Safety
    /// The offset lies in the capacity of the vector that this was made of.
    pub(crate) unsafe fn at(self, offset: usize) -> *mut f32 {
        unsafe { self.0.add(offset) }
    }
}

// SAFETY: who makes one sees to it that no two threads write to the same place, and that the vector outlives them.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}
