//! The WGSL target: any GPU with a Vulkan driver, Mesa's lavapipe among them, through wgpu.
//!
//! The kernels are those of `source/`, written out again in `source/wgsl/` term by term: integers and therefore samples are equal, sums
//! may round otherwise, and a driver may fuse multiplications into them. How far pictures are from the CPU's `tests/wgpu.rs` measures:
//! its constants are the tolerances. The same device gives the same bytes for the same input and seed.

mod convert;
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
use crate::convert::{Format, Frame, Transfer};
use crate::cube::Lut;
use crate::error::KernelError;
use crate::grade::Cdl;
use crate::pixels::Pixels;
use crate::render::{Build, Finish, Layers, Picture, Settings, Stage, check_look};
use crate::scene::Geometry;
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
    pub fn develop<'a>(&self, layers: &Layers, finish: impl Into<Finish<'a>>, seed: u64) -> Result<Picture, KernelError> {
        let finish = finish.into();
        layers.check()?;
        check_look(finish.look)?;
        let mut held = self.held();
        held.canvas(&self.gpu, layers.width, layers.height)?.upload_color(&self.gpu, layers);
        film::run(&self.gpu, &mut held, finish, seed)?;
        film::picture(&self.gpu, &mut held)
    }

    /// Traces, denoises and develops; nothing but the picture leaves the device.
    pub fn picture<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
    ) -> Result<Picture, KernelError> {
        film::picture(&self.gpu, &mut *self.made(stage, settings, finish.into(), seed)?)
    }

    /// The picture in an encoder's format; nothing else leaves the device.
    pub fn frame<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
        format: Format,
    ) -> Result<Frame, KernelError> {
        convert::canvas(&self.gpu, &mut *self.made(stage, settings, finish.into(), seed)?, format)
    }

    /// The canvas with the finished picture.
    fn made(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: Finish<'_>,
        seed: u64,
    ) -> Result<MutexGuard<'_, Held>, KernelError> {
        check_look(finish.look)?;
        let mut held = self.held();
        trace::run(&self.gpu, &mut held, stage, settings)?;
        denoise::run(&self.gpu, &mut held)?;
        film::run(&self.gpu, &mut held, finish, seed)?;
        Ok(held)
    }

    /// As [`crate::Cpu::convert`]; of bytes, with the same bytes.
    pub fn convert(&self, pixels: &Pixels<'_>, transfer: Transfer, format: Format) -> Result<Frame, KernelError> {
        convert::run(&self.gpu, &mut self.held(), pixels, transfer, format)
    }

    /// As [`crate::Cpu::grade`].
    pub fn grade(&self, size: (u32, u32), rgb: &mut [[f32; 3]], cdl: &Cdl, lut: Option<&Lut>) -> Result<(), KernelError> {
        film::grade(&self.gpu, &mut self.held(), size, rgb, cdl, lut)
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
