//! Device memory: a stream, the pool behind it, typed buffers, and pinned host memory for what comes back.

use std::marker::PhantomData;
use std::ptr::from_mut;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::{self, cudaError_enum as code};
use cudarc::driver::{CudaContext, CudaSlice, CudaStream, DevicePtr, DriverError, PinnedHostSlice, result};

use super::driver::meaning;
use crate::error::KernelError;
use crate::target::Plain;

/// Freed memory that the pool keeps for the next picture; what is over goes back to the driver when the stream is idle.
const POOL_KEEPS_BYTES: u64 = 1 << 30;
/// Pictures come back through so much pinned memory at a time.
const STAGING_BYTES: usize = 32 << 20;

fn bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: plain records are their bytes.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// So many `T` on the device; given back to the pool when dropped, once the stream has passed.
pub struct Buffer<T> {
    memory: CudaSlice<u8>,
    address: u64,
    len: usize,
    kind: PhantomData<T>,
}

impl<T> Buffer<T> {
    /// For kernels only.
    pub fn as_ptr(&self) -> *const T {
        self.address as *const T
    }

    /// For kernels only, which may all write it: the stream keeps them apart.
    pub fn as_mut_ptr(&self) -> *mut T {
        self.address as *mut T
    }

    /// Where a stretch of it begins.
    pub fn at(&self, first: usize) -> *mut T {
        self.as_mut_ptr().wrapping_add(first)
    }
}

pub struct Memory {
    context: Arc<CudaContext>,
    pub stream: Arc<CudaStream>,
    /// Whether new room is filled with what is no number, so that a kernel that reads what it should have written is found.
    pub poisoned: bool,
    staging: Mutex<Option<PinnedHostSlice<u8>>>,
}

impl Memory {
    pub fn new(context: Arc<CudaContext>) -> Result<Self, KernelError> {
        // SAFETY: one stream does everything, in order, so that nothing has to be tracked between streams.
        unsafe { context.disable_event_tracking() };
        let stream = context.new_stream().map_err(|e| meaning("cuStreamCreate", e))?;
        let memory = Self { context, stream, poisoned: false, staging: Mutex::new(None) };
        if memory.context.has_async_alloc() {
            let mut keep = POOL_KEEPS_BYTES;
            let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            // SAFETY: the pool is this device's, and the attribute is one 64-bit number.
            memory.pool(|pool| unsafe { result::mem_pool::set_attribute(pool, attribute, from_mut(&mut keep).cast()) })?;
        }
        Ok(memory)
    }

    fn pool(&self, act: impl FnOnce(sys::CUmemoryPool) -> Result<(), DriverError>) -> Result<(), KernelError> {
        let pool = self.context.bind_to_thread().and_then(|()| {
            // SAFETY: the device is the context's.
            unsafe { result::device::get_default_mem_pool(self.context.cu_device()) }
        });
        pool.and_then(act).map_err(|e| meaning("cuMemPool", e))
    }

    /// Gives everything that nobody uses back to the driver.
    pub fn trim(&self) -> Result<(), KernelError> {
        self.wait()?;
        if !self.context.has_async_alloc() {
            return Ok(());
        }
        // SAFETY: the stream is idle.
        self.pool(|pool| unsafe { result::mem_pool::trim_to(pool, 0) })
    }

    /// Room for so many values, with anything in it.
    pub fn room<T: Plain>(&self, len: usize) -> Result<Buffer<T>, KernelError> {
        let asked = len.saturating_mul(size_of::<T>()).max(1);
        // SAFETY: kernels write before they read, which tests prove with poisoned memory.
        let memory = unsafe { self.stream.alloc::<u8>(asked) }.map_err(|e| match e.0 {
            code::CUDA_ERROR_OUT_OF_MEMORY => KernelError::OutOfMemory { asked: asked as u64, free: self.free() },
            _ => meaning("cuMemAllocAsync", e),
        })?;
        let address = memory.device_ptr(&self.stream).0;
        if self.poisoned {
            // SAFETY: the memory is that large.
            let filled = unsafe { result::memset_d8_async(address, 0xff, asked, self.stream.cu_stream()) };
            filled.map_err(|e| meaning("cuMemsetD8Async", e))?;
        }
        Ok(Buffer { memory, address, len, kind: PhantomData })
    }

    pub fn attribute(&self, which: sys::CUdevice_attribute) -> Result<i32, KernelError> {
        self.context.attribute(which).map_err(|e| meaning("cuDeviceGetAttribute", e))
    }

    pub fn free(&self) -> u64 {
        self.context.mem_get_info().map_or(0, |(free, _)| free as u64)
    }

    pub fn upload<T: Plain>(&self, values: &[T]) -> Result<Buffer<T>, KernelError> {
        let mut buffer = self.room(values.len())?;
        if !values.is_empty() {
            self.stream.memcpy_htod(bytes(values), &mut buffer.memory).map_err(|e| meaning("cuMemcpyHtoDAsync", e))?;
        }
        Ok(buffer)
    }

    /// What a buffer holds, once every launch before has ended.
    pub fn download<T: Plain>(&self, buffer: &Buffer<T>) -> Result<Vec<T>, KernelError> {
        let mut values: Vec<T> = Vec::with_capacity(buffer.len);
        // SAFETY: there is room for as many, and all of them are written; plain records may be any bytes.
        unsafe {
            self.copy_back(buffer, values.as_mut_ptr())?;
            values.set_len(buffer.len);
        }
        Ok(values)
    }

    /// The same into a list of that length.
    pub fn download_into<T: Plain>(&self, buffer: &Buffer<T>, values: &mut [T]) -> Result<(), KernelError> {
        if values.len() != buffer.len {
            return Err(KernelError::Length { list: "what comes back", found: values.len(), wanted: buffer.len });
        }
        // SAFETY: there is room for as many.
        unsafe { self.copy_back(buffer, values.as_mut_ptr()) }
    }

    /// # Safety
    /// There is room for the whole buffer.
    unsafe fn copy_back<T: Plain>(&self, buffer: &Buffer<T>, to: *mut T) -> Result<(), KernelError> {
        let wrong = |e| meaning("cuMemcpyDtoHAsync", e);
        let total = buffer.len * size_of::<T>();
        let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
        if staging.is_none() {
            // Not write-combined, which cudarc's own shorthand asks for: the processor reads it.
            // SAFETY: it is written before it is read.
            *staging =
                Some(unsafe { self.context.alloc_pinned_with_flags(STAGING_BYTES, 0) }.map_err(|e| meaning("cuMemHostAlloc", e))?);
        }
        let Some(staging) = staging.as_mut() else { return Ok(()) };
        for first in (0..total).step_by(STAGING_BYTES) {
            let size = STAGING_BYTES.min(total - first);
            let here = staging.as_mut_slice().map_err(wrong)?;
            // cudarc's own copy would read as much as the whole of the staging memory holds.
            // SAFETY: the buffer holds `total` bytes, and nobody looks at the staging memory until the stream has passed.
            unsafe { result::memcpy_dtoh_async(&mut here[..size], buffer.address + first as u64, self.stream.cu_stream()) }
                .map_err(wrong)?;
            self.wait()?;
            // SAFETY: the caller's.
            unsafe { std::ptr::copy_nonoverlapping(here.as_ptr(), to.cast::<u8>().add(first), size) };
        }
        Ok(())
    }

    /// Waits for everything that was asked; what went wrong in a kernel is known from here on.
    pub fn wait(&self) -> Result<(), KernelError> {
        self.stream.synchronize().map_err(|e| meaning("cuStreamSynchronize", e))
    }
}
