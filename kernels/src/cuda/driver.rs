//! The driver: whether it is there, which devices it has, and what its errors mean.

use std::sync::Arc;

use cudarc::driver::sys::{self, CUdevice_attribute, CUresult, cudaError_enum as code};
use cudarc::driver::{CudaContext, DriverError, result};

use crate::device::{Choice, Info};
use crate::error::KernelError;

/// What the toolkit of the embedded machine code asks for, as the driver counts: 1000 × major + 10 × minor.
const NEEDED: i32 = 13_000;

/// Past these a context gives nothing but the same error again, in this process.
const STICKY: [CUresult; 14] = [
    code::CUDA_ERROR_ECC_UNCORRECTABLE,
    code::CUDA_ERROR_NVLINK_UNCORRECTABLE,
    code::CUDA_ERROR_DEVICE_UNAVAILABLE,
    code::CUDA_ERROR_CONTEXT_IS_DESTROYED,
    code::CUDA_ERROR_ILLEGAL_ADDRESS,
    code::CUDA_ERROR_LAUNCH_TIMEOUT,
    code::CUDA_ERROR_ASSERT,
    code::CUDA_ERROR_HARDWARE_STACK_ERROR,
    code::CUDA_ERROR_ILLEGAL_INSTRUCTION,
    code::CUDA_ERROR_MISALIGNED_ADDRESS,
    code::CUDA_ERROR_INVALID_ADDRESS_SPACE,
    code::CUDA_ERROR_INVALID_PC,
    code::CUDA_ERROR_LAUNCH_FAILED,
    code::CUDA_ERROR_UNKNOWN,
];

/// What an error of the driver means to whoever asked for `name`.
pub fn meaning(name: &'static str, error: DriverError) -> KernelError {
    let reason = format!("{:?}", error.0);
    if STICKY.contains(&error.0) {
        return KernelError::Lost { reason: format!("{reason} at {name}") };
    }
    KernelError::Kernel { name, reason }
}

/// The number of devices, once the driver is there and new enough.
pub fn count() -> Result<u32, KernelError> {
    // SAFETY: opening a library runs its initialisers, and the driver's are those of every CUDA program.
    if !unsafe { sys::is_culib_present() } {
        return Err(KernelError::NoDriver { target: "CUDA" });
    }
    let version = version()?;
    if version < NEEDED {
        return Err(KernelError::DriverTooOld { target: "CUDA", found: dotted(version), needed: dotted(NEEDED) });
    }
    match result::init().and_then(|()| result::device::get_count()) {
        Ok(count) => Ok(count.unsigned_abs()),
        Err(DriverError(code::CUDA_ERROR_NO_DEVICE)) => Ok(0),
        // A stub library, or a library without its kernel module, is no driver.
        Err(DriverError(code::CUDA_ERROR_STUB_LIBRARY)) => Err(KernelError::NoDriver { target: "CUDA" }),
        Err(error) => Err(meaning("cuInit", error)),
    }
}

fn version() -> Result<i32, KernelError> {
    let mut version = 0;
    // SAFETY: the driver writes one number.
    unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(|e| meaning("cuDriverGetVersion", e))?;
    Ok(version)
}

fn dotted(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

/// Every device that a program can open.
pub fn list() -> Result<Vec<Info>, KernelError> {
    (0..count()?).map(info).collect()
}

fn info(index: u32) -> Result<Info, KernelError> {
    let wrong = |e| meaning("cuDeviceGet", e);
    let device = result::device::get(index as i32).map_err(wrong)?;
    let name = result::device::get_name(device).map_err(wrong)?;
    let attribute = |which| {
        // SAFETY: the device was given by the driver.
        unsafe { result::device::get_attribute(device, which) }.map(i32::unsigned_abs).map_err(wrong)
    };
    let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    // SAFETY: as above.
    let memory_bytes = Some(unsafe { result::device::total_mem(device) }.map_err(wrong)? as u64);
    let driver = format!("CUDA {}", dotted(version()?));
    Ok(Info { choice: Choice::Cuda(index), name, memory_bytes, compute_capability: Some((major, minor)), driver })
}

/// A context on a device, and what is known of it.
pub fn open(index: u32) -> Result<(Arc<CudaContext>, Info), KernelError> {
    let count = count()?;
    if index >= count {
        return Err(KernelError::NoDevice { target: "CUDA", asked: index, count });
    }
    let context = CudaContext::new(index as usize).map_err(|e| meaning("cuDevicePrimaryCtxRetain", e))?;
    Ok((context, info(index)?))
}
