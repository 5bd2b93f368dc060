//! The kernels' machine code on a device, and how they are launched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, DeviceRepr, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::Ptx;

use super::driver::meaning;
use super::memory::Memory;
use super::nvrtc;
use crate::device::Info;
use crate::error::KernelError;

/// A kernel source as the program carries it; `build/cuda.rs` writes the list.
pub struct Code {
    pub name: &'static str,
    pub source: &'static str,
    /// For sm_80 and sm_90, and PTX for what comes after; none when klieg was built without nvcc.
    pub fatbin: Option<&'static [u8]>,
    pub entries: &'static [&'static str],
}

pub const CODE: &[Code] = &include!(concat!(env!("OUT_DIR"), "/cuda_code.rs"));

/// The oldest that the fatbins hold code for.
const OLDEST: (u32, u32) = (8, 0);

/// What a launch counts: items in a line, or pixels in rows, one thread each.
#[derive(Clone, Copy)]
pub enum Extent {
    /// From, to.
    Items(u32, u32),
    /// Width, height.
    Pixels(u32, u32),
}

/// Threads of a block: 128 leave every kernel the registers that it wants (`ptxas.md`).
const BLOCK: u32 = 128;
const TILE: (u32, u32) = (32, 4);

impl Extent {
    fn grid(self) -> LaunchConfig {
        let (grid, block) = match self {
            Self::Items(from, to) => ((to.saturating_sub(from).div_ceil(BLOCK), 1, 1), (BLOCK, 1, 1)),
            Self::Pixels(width, height) => ((width.div_ceil(TILE.0), height.div_ceil(TILE.1), 1), (TILE.0, TILE.1, 1)),
        };
        LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes: 0 }
    }

    fn stretch(self) -> (u32, u32) {
        match self {
            Self::Items(from, to) => (from, to),
            Self::Pixels(_, height) => (0, height),
        }
    }
}

/// Modules are loaded when a kernel of theirs is first launched.
pub struct Functions {
    context: Arc<CudaContext>,
    architecture: (u32, u32),
    driver: String,
    modules: Mutex<HashMap<&'static str, Arc<CudaModule>>>,
    functions: Mutex<HashMap<&'static str, CudaFunction>>,
}

/// A launch function's view as an argument.
#[repr(transparent)]
struct Argument<V>(V);
// SAFETY: views are plain records of numbers and device addresses; `abi` proves their layout.
unsafe impl<V> DeviceRepr for Argument<V> {}

impl Functions {
    pub fn new(context: Arc<CudaContext>, info: &Info) -> Self {
        let architecture = info.compute_capability.unwrap_or(OLDEST);
        Self { context, architecture, driver: info.driver.clone(), modules: Mutex::default(), functions: Mutex::default() }
    }

    /// Asks for a launch; it happens after everything that was asked before.
    ///
    /// # Safety
    /// The view is the kernel's own, and what it points at is on the device and holds what the kernel reads and writes there.
    pub unsafe fn launch<V>(&self, memory: &Memory, name: &'static str, view: &V, extent: Extent) -> Result<(), KernelError> {
        let (grid, (from, to)) = (extent.grid(), extent.stretch());
        if grid.grid_dim.0 == 0 || grid.grid_dim.1 == 0 {
            return Ok(());
        }
        let function = self.function(name)?;
        // SAFETY: transparent.
        let view = unsafe { &*std::ptr::from_ref(view).cast::<Argument<V>>() };
        let mut launch = memory.stream.launch_builder(&function);
        // SAFETY: the caller's.
        unsafe { launch.arg(view).arg(&from).arg(&to).launch(grid) }.map(drop).map_err(|e| meaning(name, e))
    }

    fn function(&self, name: &'static str) -> Result<CudaFunction, KernelError> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = functions.get(name) {
            return Ok(known.clone());
        }
        let missing = || KernelError::Kernel { name, reason: "the program doesn't carry it".into() };
        let code = CODE.iter().find(|code| code.entries.contains(&name)).ok_or_else(missing)?;
        let function = self.module(code)?.load_function(&format!("klieg_{name}")).map_err(|e| meaning(name, e))?;
        functions.insert(name, function.clone());
        Ok(function)
    }

    fn module(&self, code: &'static Code) -> Result<Arc<CudaModule>, KernelError> {
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = modules.get(code.name) {
            return Ok(known.clone());
        }
        let module = self.context.load_module(Ptx::from_binary(self.image(code)?)).map_err(|e| meaning(code.name, e))?;
        modules.insert(code.name, module.clone());
        Ok(module)
    }

    fn image(&self, code: &Code) -> Result<Vec<u8>, KernelError> {
        match code.fatbin {
            Some(fatbin) if self.architecture >= OLDEST => Ok(fatbin.to_vec()),
            _ => {
                let (major, minor) = self.architecture;
                nvrtc::cubin(code, &format!("sm_{major}{minor}"), &self.driver)
            }
        }
    }
}
