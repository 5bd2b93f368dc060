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
use crate::target::Extent;

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

/// Threads of a block: 128 leave every kernel the registers that it wants (`ptxas.md`).
const BLOCK: u32 = 128;
const TILE: (u32, u32) = (32, 4);

/// The most blocks that a launch has from top to bottom.
const BLOCKS_DOWN: u32 = 65_535;

/// The launches of an extent: blocks and threads, and the stretch of items or rows. One, but for pictures of very many rows.
fn launches(extent: Extent) -> impl Iterator<Item = (LaunchConfig, u32, u32)> {
    let of = |grid_dim, block_dim| LaunchConfig { grid_dim, block_dim, shared_mem_bytes: 0 };
    let (from, to, at_once) = match extent {
        Extent::Items(from, to) => (from, to, u32::MAX),
        Extent::Pixels(0, _) => (0, 0, 1),
        Extent::Pixels(_, height) => (0, height, BLOCKS_DOWN * TILE.1),
    };
    (from..to).step_by(at_once as usize).map(move |from| {
        let to = to.min(from.saturating_add(at_once));
        let config = match extent {
            Extent::Items(..) => of(((to - from).div_ceil(BLOCK), 1, 1), (BLOCK, 1, 1)),
            Extent::Pixels(width, _) => of((width.div_ceil(TILE.0), (to - from).div_ceil(TILE.1), 1), (TILE.0, TILE.1, 1)),
        };
        (config, from, to)
    })
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
        // SAFETY: transparent.
        let view = unsafe { &*std::ptr::from_ref(view).cast::<Argument<V>>() };
        for (config, from, to) in launches(extent) {
            let function = self.function(name)?;
            let mut launch = memory.stream.launch_builder(&function);
            // SAFETY: the caller's.
            unsafe { launch.arg(view).arg(&from).arg(&to).launch(config) }.map_err(|e| meaning(name, e))?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi;

    /// `K_RECORDS` makes kernels for tests of the CPU's alone.
    #[test]
    fn every_kernel_is_carried_for_cuda_under_its_name() {
        let carried: Vec<_> = CODE.iter().flat_map(|code| code.entries).copied().collect();
        let missing: Vec<_> = abi::NAMES.iter().filter(|name| !carried.contains(*name) && !name.ends_with("_records")).collect();
        assert!(missing.is_empty(), "{missing:?}: each needs its K_ITEMS or K_PIXELS at the start of a line");
    }

    #[test]
    fn launches_cover_their_extent_and_no_driver_refuses_them() {
        let all = |extent| launches(extent).map(|(c, from, to)| (c.grid_dim, from, to)).collect::<Vec<_>>();
        assert_eq!(all(Extent::Items(5, 5)), []);
        assert_eq!(all(Extent::Items(3, 200)), [((2, 1, 1), 3, 200)]);
        assert_eq!(all(Extent::Items(0, u32::MAX)), [((1 << 25, 1, 1), 0, u32::MAX)]);
        assert_eq!((all(Extent::Pixels(0, 9)), all(Extent::Pixels(9, 0))), (vec![], vec![]));
        assert_eq!(all(Extent::Pixels(33, 5)), [((2, 2, 1), 0, 5)]);
        assert_eq!(all(Extent::Pixels(1, 262_145)), [((1, 65_535, 1), 0, 262_140), ((1, 2, 1), 262_140, 262_145)]);
    }
}
