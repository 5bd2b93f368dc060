//! CUDA devices: the same calls as the CPU's, by the same kernels, one thread an item or pixel.
//!
//! A device has one stream. What is asked of it happens in the order that it is asked, so buffers may be dropped as soon as the last
//! launch that uses them is asked for. A picture stays on the device from the first ray to its bytes ([`Cuda::picture`]).

mod code;
mod driver;
mod memory;
mod nvrtc;
mod resident;
mod target;

use std::sync::Arc;

use cudarc::driver::{CudaEvent, sys};

use self::code::Functions;
use self::memory::{Buffer, Memory};
use self::resident::{OnDevice, Residents};
use crate::abi::{self, DenoiseView, FilmView, Lamp, LampTable, LayersView, Probing, Resize, SolidView, TILE, Tracing, View};
use crate::convert::{Format, Frame, converted};
use crate::device::Info;
use crate::error::KernelError;
use crate::grade::Grade;
use crate::rays::{self, Hit, RawHit, Ray};
use crate::render::{Build, Finish, Layers, Picture, Settings, Stage, check_look, check_stage};
use crate::scene::Geometry;
use crate::solid::Solid;
use crate::stage::Set;
use crate::target::{Extent, Plain};
use crate::{denoise, film};

pub(crate) use driver::list;

/// Paths that one launch traces at most: launches this long neither starve the screen of a workstation nor wait for each other.
const PATHS_AT_ONCE: u32 = 1 << 26;

/// A CUDA device.
pub struct Cuda {
    info: Info,
    memory: Memory,
    functions: Functions,
    residents: Residents,
    paths_at_once: u32,
}

/// Milliseconds that the device took for the parts of a picture, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Solids and lights that weren't on the device yet.
    pub upload: f32,
    pub trace: f32,
    pub denoise: f32,
    pub develop: f32,
}

impl Cuda {
    /// The device of that number, counted from 0 as the driver does.
    pub fn open(index: u32) -> Result<Self, KernelError> {
        let (context, info) = driver::open(index)?;
        let memory = Memory::new(context.clone())?;
        Ok(Self {
            functions: Functions::new(context, &info),
            info,
            memory,
            residents: Residents::default(),
            paths_at_once: PATHS_AT_ONCE,
        })
    }

    /// The same, with all memory full of what is no number before a kernel writes it: for tests.
    pub fn open_poisoned(index: u32) -> Result<Self, KernelError> {
        let mut cuda = Self::open(index)?;
        cuda.memory.poisoned = true;
        Ok(cuda)
    }

    /// With launches of so many paths at most: for a GPU that a screen waits for. Pictures stay the same to the bit.
    pub fn with_paths_at_once(mut self, paths: u32) -> Self {
        self.paths_at_once = paths;
        self
    }

    pub fn info(&self) -> &Info {
        &self.info
    }

    /// How many solids are on the device now.
    pub fn residents(&self) -> usize {
        self.residents.count()
    }

    /// Device memory that nobody has taken, in bytes.
    pub fn free_bytes(&self) -> u64 {
        self.memory.free()
    }

    /// Bytes a second that the device's memory can move at most, by what the driver says of its clock and width.
    pub fn memory_bandwidth(&self) -> Result<f64, KernelError> {
        let clock_khz = self.memory.attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?;
        let width_bits = self.memory.attribute(sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?;
        Ok(2.0 * 1e3 * f64::from(clock_khz) * f64::from(width_bits) / 8.0)
    }

    /// Checks geometry and builds its tree, on the host. It goes to the device when it is first seen.
    pub fn solid(&self, geometry: &Geometry, build: Build) -> Result<Solid, KernelError> {
        Solid::new(geometry, build)
    }

    /// Traces a stage.
    pub fn trace(&self, stage: &Stage<'_>, settings: &Settings) -> Result<Layers, KernelError> {
        check_stage(stage, settings)?;
        self.roomy(|| {
            let staged = self.stage(stage, settings)?;
            self.traced(&staged, settings)?.download(&self.memory)
        })
    }

    /// Smooths the noise in `color`, keeping edges of normal, depth and albedo. The other layers stay.
    pub fn denoise(&self, layers: &mut Layers) -> Result<(), KernelError> {
        layers.check()?;
        layers.color = self.roomy(|| {
            let here = Plates::upload(&self.memory, layers)?;
            self.memory.download(&self.denoised(&here)?)
        })?;
        Ok(())
    }

    /// Makes a picture: bloom, exposure, decision list (ASC CDL), tone curve (Khronos PBR Neutral), vignette, sRGB, table, grain.
    pub fn develop<'a>(&self, layers: &Layers, finish: impl Into<Finish<'a>>, seed: u64) -> Result<Picture, KernelError> {
        let finish = finish.into();
        layers.check()?;
        check_look(finish.look)?;
        self.roomy(|| {
            let size = (layers.width, layers.height);
            let color = self.memory.upload(&layers.color)?;
            let rgb = self.memory.download(&self.developed(&color, size, finish, seed)?)?;
            Ok(Picture { width: size.0, height: size.1, rgb })
        })
    }

    /// Traces, denoises and develops; nothing leaves the device between.
    pub fn picture<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
    ) -> Result<Picture, KernelError> {
        self.picture_timed(stage, settings, finish, seed).map(|(picture, _)| picture)
    }

    /// The same, with the time that each part took on the device.
    pub fn picture_timed<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
    ) -> Result<(Picture, Times), KernelError> {
        let (width, height) = (settings.width, settings.height);
        self.made(stage, settings, finish.into(), seed, |rgb| Ok(Picture { width, height, rgb: self.memory.download(rgb)? }))
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
        let size = (settings.width, settings.height);
        let convert = |rgb: &Buffer<u8>| converted(self, rgb.as_mut_ptr(), size, None, format);
        self.made(stage, settings, finish.into(), seed, convert).map(|(frame, _)| frame)
    }

    /// What `end` makes of the finished bytes on the device.
    fn made<T>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: Finish<'_>,
        seed: u64,
        end: impl Fn(&Buffer<u8>) -> Result<T, KernelError>,
    ) -> Result<(T, Times), KernelError> {
        check_stage(stage, settings)?;
        check_look(finish.look)?;
        self.roomy(|| {
            let begun = self.mark()?;
            let staged = self.stage(stage, settings)?;
            let staged_at = self.mark()?;
            let plates = self.traced(&staged, settings)?;
            let traced_at = self.mark()?;
            let color = self.denoised(&plates)?;
            let denoised_at = self.mark()?;
            let rgb = self.developed(&color, (settings.width, settings.height), finish, seed)?;
            let developed_at = self.mark()?;
            let made = end(&rgb)?;
            let times = Times {
                upload: elapsed(&begun, &staged_at)?,
                trace: elapsed(&staged_at, &traced_at)?,
                denoise: elapsed(&traced_at, &denoised_at)?,
                develop: elapsed(&denoised_at, &developed_at)?,
            };
            Ok((made, times))
        })
    }

    /// The first hit of each ray; panes of glass count, cut-out parts of textures don't.
    pub fn nearest(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<Option<Hit>>, KernelError> {
        let place = |hits: *mut RawHit| (hits, std::ptr::null_mut());
        let hits = self.probe("nearest", solids, rays, place)?.0;
        Ok(hits.into_iter().map(RawHit::hit).collect())
    }

    /// The same, with the milliseconds that the device took for it, rays and answers lying on it.
    pub fn nearest_timed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<(Vec<Option<Hit>>, f32), KernelError> {
        let (hits, took) = self.probe("nearest", solids, rays, |hits: *mut RawHit| (hits, std::ptr::null_mut()))?;
        Ok((hits.into_iter().map(RawHit::hit).collect(), took))
    }

    /// The share of light, by colour, that passes along each ray: zero behind opaque triangles, tinted by panes.
    pub fn passed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<[f32; 3]>, KernelError> {
        Ok(self.probe("passed", solids, rays, |shares| (std::ptr::null_mut(), shares))?.0)
    }

    fn probe<T: Plain>(
        &self,
        kernel: &'static str,
        solids: &[&Solid],
        rays: &[Ray],
        place: impl Fn(*mut T) -> (*mut RawHit, *mut [f32; 3]),
    ) -> Result<(Vec<T>, f32), KernelError> {
        let count = rays::check(solids, rays)?;
        self.roomy(|| {
            let (_residents, views) = self.solids(solids)?;
            let (asked, out) = (self.memory.upload(rays)?, self.memory.room::<T>(rays.len())?);
            let (hits, shares) = place(out.as_mut_ptr());
            let probing = Probing { view: rays::bare_view(views.as_ptr(), solids.len()), rays: asked.as_ptr(), hits, shares };
            let begun = self.mark()?;
            // SAFETY: rays and answers are `count` long, and on the device.
            unsafe { self.launch(kernel, &probing, Extent::Items(0, count)) }?;
            let ended = self.mark()?;
            Ok((self.memory.download(&out)?, elapsed(&begun, &ended)?))
        })
    }

    /// Tries once more after giving up every solid that isn't in use, when memory is short.
    fn roomy<T>(&self, work: impl Fn() -> Result<T, KernelError>) -> Result<T, KernelError> {
        match work() {
            Err(KernelError::OutOfMemory { .. }) if self.residents.evict() => {
                self.memory.trim()?;
                work()
            }
            answer => answer,
        }
    }

    /// Asks for a launch; it happens after everything that was asked before.
    ///
    /// # Safety
    /// As for `Functions::launch`.
    unsafe fn launch<V>(&self, kernel: &'static str, view: &V, extent: Extent) -> Result<(), KernelError> {
        // SAFETY: the caller's.
        unsafe { self.functions.launch(&self.memory, kernel, view, extent) }
    }

    fn mark(&self) -> Result<CudaEvent, KernelError> {
        let event = self.memory.stream.record_event(Some(sys::CUevent_flags::CU_EVENT_DEFAULT));
        event.map_err(|e| driver::meaning("cuEventRecord", e))
    }

    fn solids(&self, solids: &[&Solid]) -> Result<(Vec<Arc<OnDevice>>, Buffer<SolidView>), KernelError> {
        let here = solids.iter().map(|s| self.residents.of(&self.memory, s)).collect::<Result<Vec<_>, _>>()?;
        let views: Vec<_> = here.iter().map(|s| s.view).collect();
        let views = self.memory.upload(&views)?;
        Ok((here, views))
    }

    fn stage(&self, stage: &Stage<'_>, settings: &Settings) -> Result<Staged, KernelError> {
        let set = Set::new(stage, settings.width, settings.height)?;
        let (residents, solids) = self.solids(stage.solids)?;
        let (lamps, table) = (self.memory.upload(&set.lamps)?, self.memory.upload(std::slice::from_ref(&*set.table))?);
        let view = set.view(solids.as_ptr(), lamps.as_ptr(), table.as_ptr(), settings);
        Ok(Staged { view, _residents: residents, _solids: solids, _lamps: lamps, _table: table })
    }

    fn traced(&self, staged: &Staged, settings: &Settings) -> Result<Plates, KernelError> {
        let Settings { width, height, samples, .. } = *settings;
        let plates = Plates::room(&self.memory, width, height)?;
        let tracing = Tracing { view: staged.view, out: plates.view() };
        let count = width.div_ceil(TILE) * height.div_ceil(TILE) * TILE * TILE;
        let at_once = (self.paths_at_once / samples).max(1).next_multiple_of(TILE * TILE);
        for from in (0..count).step_by(at_once as usize) {
            // SAFETY: everything that the view names is on the device, and the layers hold width × height pixels.
            unsafe { self.launch("trace", &tracing, Extent::Items(from, count.min(from.saturating_add(at_once)))) }?;
        }
        Ok(plates)
    }

    fn denoised(&self, plates: &Plates) -> Result<Buffer<[f32; 3]>, KernelError> {
        let (width, height) = (plates.width, plates.height);
        let stride = denoise::stride(width);
        let plane = stride as usize * height as usize;
        let scratch = self.memory.room::<f32>(plane * (abi::PLANES + 4))?;
        let result = self.memory.room::<[f32; 3]>(width as usize * height as usize)?;
        let layers = plates.view();
        let mut view = DenoiseView {
            color: layers.color,
            clear: layers.clear,
            albedo: layers.albedo,
            normal: layers.normal,
            depth: layers.depth,
            variance: layers.variance,
            result: result.as_mut_ptr().cast(),
            planes: std::array::from_fn(|i| scratch.at(plane * i)),
            other: std::array::from_fn(|i| scratch.at(plane * (abi::PLANES + i))),
            width,
            height,
            stride,
            step: 0,
            from_other: 1,
            stop: 0.0,
        };
        let rows = Extent::Pixels(width, height);
        // SAFETY: every plane holds `plane` floats; a launch reads what launches before it have written.
        unsafe {
            self.launch("denoise_split", &view, rows)?;
            self.launch("denoise_prepare", &view, rows)?;
            for (step, stop) in denoise::PASSES {
                (view.step, view.stop) = (step, stop);
                self.launch("denoise_pass", &view, rows)?;
                view.from_other ^= 1;
            }
            self.launch("denoise_mend", &view, rows)?;
            view.from_other ^= 1;
            self.launch("denoise_join", &view, rows)?;
        }
        Ok(result)
    }

    fn developed(
        &self,
        color: &Buffer<[f32; 3]>,
        size: (u32, u32),
        finish: Finish<'_>,
        seed: u64,
    ) -> Result<Buffer<u8>, KernelError> {
        let look = finish.look;
        let lut = finish.lut.map(|lut| self.memory.upload(lut.colors())).transpose()?;
        let blank = film::view(finish, size, seed);
        let bloom = if look.bloom > 0.0 { Some(self.bloom(color, size, look.exposure_ev.exp2())?) } else { None };
        let rgb = self.memory.room::<u8>(size.0 as usize * size.1 as usize * 3)?;
        let view = FilmView {
            color: color.as_ptr().cast(),
            bloom: bloom.as_ref().map_or(std::ptr::null(), |b| b.pixels.as_ptr().cast()),
            rgb: rgb.as_mut_ptr(),
            bloom_width: bloom.as_ref().map_or(0, |b| b.width),
            bloom_height: bloom.as_ref().map_or(0, |b| b.height),
            grade: Grade { lut: lut.as_ref().map_or(std::ptr::null(), |lut| lut.as_ptr().cast()), ..blank.grade },
            ..blank
        };
        // SAFETY: colour, bloom and picture are as large as the view says.
        unsafe { self.launch("film_finish", &view, Extent::Pixels(size.0, size.1)) }?;
        Ok(rgb)
    }

    /// The picture blurred over six scales, at half the size, as `Cpu::bloom` does it.
    fn bloom(&self, color: &Buffer<[f32; 3]>, size: (u32, u32), exposure: f32) -> Result<Level, KernelError> {
        let most = film::glow_most(exposure);
        let mut fine = self.halved(color, size, most)?;
        let mut finer = Vec::new();
        while finer.len() + 1 < film::BLOOM_LEVELS && fine.width.min(fine.height) > film::BLOOM_LEAST {
            let coarse = self.halved(&fine.pixels, (fine.width, fine.height), most)?;
            finer.push(std::mem::replace(&mut fine, coarse));
        }
        let mut coarse = fine;
        while let Some(fine) = finer.pop() {
            let (width, height) = (fine.width, fine.height);
            let (input, output) = (coarse.pixels.as_ptr().cast(), fine.pixels.as_mut_ptr().cast());
            let (in_width, in_height) = (coarse.width, coarse.height);
            let resize = Resize { input, output, width, height, in_width, in_height, most, keep: film::BLOOM_KEEP };
            // SAFETY: both levels hold width × height colours.
            unsafe { self.launch("film_double", &resize, Extent::Pixels(width, height)) }?;
            coarse = fine;
        }
        Ok(coarse)
    }

    fn halved(&self, from: &Buffer<[f32; 3]>, (in_width, in_height): (u32, u32), most: f32) -> Result<Level, KernelError> {
        let (width, height) = (in_width.div_ceil(2), in_height.div_ceil(2));
        let pixels = self.memory.room::<[f32; 3]>(width as usize * height as usize)?;
        let (input, output) = (from.as_ptr().cast(), pixels.as_mut_ptr().cast());
        let resize = Resize { input, output, width, height, in_width, in_height, most, keep: 0.0 };
        // SAFETY: the input holds as many pixels as it says, the output a quarter of that, rounded up.
        unsafe { self.launch("film_halve", &resize, Extent::Pixels(width, height)) }?;
        Ok(Level { width, height, pixels })
    }
}

/// Milliseconds from one mark to another, both passed.
fn elapsed(from: &CudaEvent, to: &CudaEvent) -> Result<f32, KernelError> {
    from.elapsed_ms(to).map_err(|e| driver::meaning("cuEventElapsedTime", e))
}

/// A stage on the device; it stays there until the last launch that sees it is asked for.
struct Staged {
    view: View,
    _residents: Vec<Arc<OnDevice>>,
    _solids: Buffer<SolidView>,
    _lamps: Buffer<Lamp>,
    _table: Buffer<LampTable>,
}

/// Layers on the device.
struct Plates {
    width: u32,
    height: u32,
    color: Buffer<[f32; 3]>,
    clear: Buffer<[f32; 3]>,
    albedo: Buffer<[f32; 3]>,
    normal: Buffer<[f32; 3]>,
    depth: Buffer<f32>,
    variance: Buffer<f32>,
}

impl Plates {
    fn room(memory: &Memory, width: u32, height: u32) -> Result<Self, KernelError> {
        let pixels = width as usize * height as usize;
        Ok(Self {
            width,
            height,
            color: memory.room(pixels)?,
            clear: memory.room(pixels)?,
            albedo: memory.room(pixels)?,
            normal: memory.room(pixels)?,
            depth: memory.room(pixels)?,
            variance: memory.room(pixels)?,
        })
    }

    fn upload(memory: &Memory, layers: &Layers) -> Result<Self, KernelError> {
        Ok(Self {
            width: layers.width,
            height: layers.height,
            color: memory.upload(&layers.color)?,
            clear: memory.upload(&layers.clear)?,
            albedo: memory.upload(&layers.albedo)?,
            normal: memory.upload(&layers.normal)?,
            depth: memory.upload(&layers.depth)?,
            variance: memory.upload(&layers.variance)?,
        })
    }

    fn download(&self, memory: &Memory) -> Result<Layers, KernelError> {
        Ok(Layers {
            width: self.width,
            height: self.height,
            color: memory.download(&self.color)?,
            clear: memory.download(&self.clear)?,
            albedo: memory.download(&self.albedo)?,
            normal: memory.download(&self.normal)?,
            depth: memory.download(&self.depth)?,
            variance: memory.download(&self.variance)?,
        })
    }

    fn view(&self) -> LayersView {
        LayersView {
            color: self.color.as_mut_ptr().cast(),
            clear: self.clear.as_mut_ptr().cast(),
            albedo: self.albedo.as_mut_ptr().cast(),
            normal: self.normal.as_mut_ptr().cast(),
            depth: self.depth.as_mut_ptr(),
            variance: self.variance.as_mut_ptr(),
        }
    }
}

/// A level of the bloom.
struct Level {
    width: u32,
    height: u32,
    pixels: Buffer<[f32; 3]>,
}
