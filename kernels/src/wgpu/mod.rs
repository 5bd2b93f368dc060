//! The WGSL target: any GPU with a Vulkan driver, Mesa's lavapipe among them, through wgpu.
//!
//! The kernels are those of `source/`, written out again in `source/wgsl/` term by term: integers and therefore samples are equal, sums
//! may round otherwise, and a driver may fuse multiplications into them. How far pictures are from the CPU's `tests/wgpu.rs` measures:
//! its constants are the tolerances. The same device gives the same bytes for the same input and seed.

mod denoise;
mod film;
mod gpu;
mod kernel;
mod probe;
mod records;
mod resident;
mod trace;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::gpu::Adapter;
use self::gpu::Gpu;
use self::kernel::{Kernel, Source};
use self::resident::Resident;
use self::trace::Canvas;
use crate::error::KernelError;
use crate::render::{Build, Layers, Picture, Settings, Stage, check_look};
use crate::scene::{Geometry, Look};
use crate::solid::Solid;

/// A Vulkan device. Calls wait for their results, and for each other.
pub struct Wgpu {
    gpu: Gpu,
    held: Mutex<Held>,
}

/// What stays on the device between calls.
#[derive(Default)]
struct Held {
    kernels: HashMap<&'static str, Kernel>,
    resident: Option<Resident>,
    canvas: Option<Canvas>,
}

impl Wgpu {
    /// The devices there are, in the order of [`Self::open`]'s index. None without a driver.
    pub fn list() -> Vec<Adapter> {
        gpu::adapters().iter().map(Adapter::of).collect()
    }

    /// # Errors
    /// `NoDriver`, `NoDevice`, or `Lost` for a device that doesn't start.
    pub fn open(index: u32) -> Result<Self, KernelError> {
        Ok(Self { gpu: Gpu::open(index, false)?, held: Mutex::default() })
    }

    /// For tests: a device whose memory is full of rubbish, so that what a kernel forgets to write shows.
    #[doc(hidden)]
    pub fn open_poisoned(index: u32) -> Result<Self, KernelError> {
        Ok(Self { gpu: Gpu::open(index, true)?, held: Mutex::default() })
    }

    /// Its place in [`Self::list`].
    pub fn index(&self) -> u32 {
        self.gpu.index
    }

    pub fn adapter(&self) -> &Adapter {
        &self.gpu.adapter
    }

    /// As [`crate::Cpu::solid`]. The device gets its copy with the first picture, and keeps it while the next shows the same solids.
    pub fn solid(&self, geometry: &Geometry, build: Build) -> Result<Solid, KernelError> {
        Solid::new(geometry, build)
    }

    /// As [`crate::Cpu::trace`].
    pub fn trace(&self, stage: &Stage<'_>, settings: &Settings) -> Result<Layers, KernelError> {
        let mut held = self.held();
        trace::run(&self.gpu, &mut held, stage, settings)?;
        held.canvas(&self.gpu, settings.width, settings.height)?.layers(&self.gpu)
    }

    /// As [`crate::Cpu::denoise`].
    pub fn denoise(&self, layers: &mut Layers) -> Result<(), KernelError> {
        layers.check()?;
        let mut held = self.held();
        held.canvas(&self.gpu, layers.width, layers.height)?.upload(&self.gpu, layers);
        denoise::run(&self.gpu, &mut held)?;
        layers.color = held.canvas(&self.gpu, layers.width, layers.height)?.color(&self.gpu)?;
        Ok(())
    }

    /// As [`crate::Cpu::develop`].
    pub fn develop(&self, layers: &Layers, look: &Look, seed: u64) -> Result<Picture, KernelError> {
        layers.check()?;
        check_look(look)?;
        let mut held = self.held();
        held.canvas(&self.gpu, layers.width, layers.height)?.upload_color(&self.gpu, layers);
        film::run(&self.gpu, &mut held, look, seed)?;
        film::picture(&self.gpu, &mut held)
    }

    /// Traces, denoises and develops; nothing but the picture leaves the device.
    pub fn picture(&self, stage: &Stage<'_>, settings: &Settings, look: &Look, seed: u64) -> Result<Picture, KernelError> {
        check_look(look)?;
        let mut held = self.held();
        trace::run(&self.gpu, &mut held, stage, settings)?;
        denoise::run(&self.gpu, &mut held)?;
        film::run(&self.gpu, &mut held, look, seed)?;
        film::picture(&self.gpu, &mut held)
    }

    /// A picture as NV12: BT.709, limited range, chroma sited left; the luma plane, then pairs of Cb and Cr, without gaps. Edges
    /// repeat, so odd sizes work. From the exactly computed and rounded code none differs by more than 1.
    pub fn nv12(&self, picture: &Picture) -> Result<Vec<u8>, KernelError> {
        film::nv12(&self.gpu, &mut self.held(), picture)
    }

    /// What a call leaves half done it never reads again, so a panic elsewhere poisons nothing.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// A kernel, made ready at its first use.
    fn kernel(&mut self, gpu: &Gpu, source: &Source) -> Result<Kernel, KernelError> {
        if let Some(kernel) = self.kernels.get(source.name) {
            return Ok(kernel.clone());
        }
        let kernel = Kernel::new(gpu, source)?;
        self.kernels.insert(source.name, kernel.clone());
        Ok(kernel)
    }

    /// The canvas of that size; what the last one of another size held is gone.
    fn canvas(&mut self, gpu: &Gpu, width: u32, height: u32) -> Result<&mut Canvas, KernelError> {
        if self.canvas.as_ref().is_none_or(|c| (c.width, c.height) != (width, height)) {
            self.canvas = None;
            self.canvas = Some(Canvas::new(gpu, width, height)?);
        }
        self.drawn()
    }

    /// The canvas that an earlier step drew on.
    fn drawn(&mut self) -> Result<&mut Canvas, KernelError> {
        self.canvas.as_mut().ok_or(KernelError::Kernel { name: "canvas", reason: "nothing was drawn before".into() })
    }
}
