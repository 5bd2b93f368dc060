//! A CUDA device as a [`Target`]: lists are copied there, and back when they end.

use super::Cuda;
use super::memory::Buffer;
use crate::error::KernelError;
use crate::target::{Extent, Kernel, List, Plain, Target};

/// A list on the device and, if it was lent for writing, where on the host it came from.
pub struct Lent<'a, T> {
    here: Buffer<T>,
    host: Option<&'a mut [T]>,
}

impl<T> List<T> for Lent<'_, T> {
    fn at(&self) -> *mut T {
        self.here.as_mut_ptr()
    }
}

impl Target for Cuda {
    type List<'a, T: Plain> = Lent<'a, T>;

    const BAND: u32 = u32::MAX;

    fn lend<'a, T: Plain>(&self, values: &'a [T]) -> Result<Lent<'a, T>, KernelError> {
        Ok(Lent { here: self.roomy(|| self.memory.upload(values))?, host: None })
    }

    fn lend_mut<'a, T: Plain>(&self, values: &'a mut [T]) -> Result<Lent<'a, T>, KernelError> {
        Ok(Lent { here: self.roomy(|| self.memory.upload(values))?, host: Some(values) })
    }

    fn room<T: Plain>(&self, len: usize) -> Result<Lent<'static, T>, KernelError> {
        Ok(Lent { here: self.roomy(|| self.memory.room(len))?, host: None })
    }

    fn take<T: Plain>(&self, room: Lent<'static, T>) -> Result<Vec<T>, KernelError> {
        self.memory.download(&room.here)
    }

    fn give_back<T: Plain>(&self, list: Lent<'_, T>) -> Result<(), KernelError> {
        match list.host {
            Some(host) => self.memory.download_into(&list.here, host),
            None => Ok(()),
        }
    }

    unsafe fn run<V>(&self, kernel: Kernel<V>, view: &V, extent: Extent, _: u32) -> Result<(), KernelError> {
        // SAFETY: the caller's.
        unsafe { self.launch(kernel.name, view, extent) }
    }
}
