//! The CPU device: solids, tracing, denoising, developing, free rays. The same stage, settings and seed give the same bytes,
//! whatever the number of threads or the instruction set.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use crate::abi::{self, DenoiseView, FilmView, Kernels, Launch, LayersView, Probing, Resize, Shared, TILE, Tracing};
use crate::convert::{Format, Frame, Transfer};
use crate::device::{Choice, Info};
use crate::error::KernelError;
use crate::grade::Grade;
use crate::pixels::Pixels;
use crate::rays::{self, Hit, RawHit, Ray};
use crate::render::{Build, Finish, LAYERS_BYTES, Layers, Picture, Settings, Stage, check_look, check_stage};
use crate::scene::Geometry;
use crate::solid::Solid;
use crate::stage::Set;
use crate::target::{Extent, Kernel, List, Plain, Target};
use crate::{denoise, film};

/// Rows that one thread takes at a time.
const ROWS: u32 = 8;
/// Rays that one thread takes at a time.
const RAYS_AT_ONCE: u32 = 4096;

/// Pictures below this are worked on without asking how much memory is free.
const SMALL_BYTES: u64 = 256 << 20;

/// What the CPU is called, its memory, and the widest instruction set that its kernels use.
pub(crate) fn info() -> Info {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let set = Kernels::sets().pop().map_or("plain", |(set, _)| set);
    Info {
        choice: Choice::Cpu,
        name: model.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).into(),
        memory_bytes: memory("MemTotal:"),
        compute_capability: None,
        driver: set.into(),
    }
}

/// A line of what Linux says of its memory, in bytes.
fn memory(line: &str) -> Option<u64> {
    let all = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = all.lines().find_map(|l| l.strip_prefix(line))?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kilobytes * 1024)
}

/// Refuses what would have the system end the process, and perhaps others, for want of memory.
fn check_room(asked: u64) -> Result<(), KernelError> {
    let free = if asked < SMALL_BYTES { None } else { memory("MemAvailable:") };
    match free {
        Some(free) if free < asked => Err(KernelError::OutOfMemory { asked, free }),
        _ => Ok(()),
    }
}

/// The CPU as a device.
///
/// It has threads of its own; a call waits for all of them.
pub struct Cpu {
    /// None where the caller's thread does the work.
    pool: Option<rayon::ThreadPool>,
    kernels: Kernels,
    /// What room is filled with before a kernel writes it.
    fill: u8,
}

impl Cpu {
    /// A device of that many threads, at least one.
    ///
    /// # Errors
    /// `NoThread` when the system refuses one.
    pub fn open(threads: usize) -> Result<Self, KernelError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool = pool.map_err(|e| KernelError::NoThread { reason: e.to_string() })?;
        Ok(Self { pool: Some(pool), kernels: Kernels::best(), fill: 0 })
    }

    /// The same where nobody is there to tell: what the system refuses of threads the caller's own does.
    pub fn new(threads: usize) -> Self {
        Self::open(threads).unwrap_or_else(|_| Self { pool: None, kernels: Kernels::best(), fill: 0 })
    }

    /// The same, with the instruction set that every machine has: slower, the same bytes.
    pub fn plain(threads: usize) -> Self {
        Self { kernels: Kernels::plain(), ..Self::new(threads) }
    }

    /// One device for each instruction set that this machine has, the narrowest first. All give the same bytes.
    pub fn of_every_set(threads: usize) -> Vec<Self> {
        Kernels::sets().into_iter().map(|(_, kernels)| Self { kernels, ..Self::new(threads) }).collect()
    }

    /// The same, with all room full of what is no number before a kernel writes it: for tests.
    #[doc(hidden)]
    pub fn poisoned(self) -> Self {
        Self { fill: 0xff, ..self }
    }

    /// Runs a kernel over a range of items, a stretch of `at_once` at a time, on all threads.
    ///
    /// # Safety
    /// What the view points at holds what the kernel reads and writes for each item, and nobody else writes it meanwhile.
    unsafe fn launch<V>(&self, kernel: Launch<V>, view: &V, Range { start, end }: Range<u32>, at_once: u32) {
        let Some(pool) = &self.pool else {
            // SAFETY: the caller's.
            return unsafe { kernel(view, start, end) };
        };
        let view = Shared::new(std::ptr::from_ref(view));
        let stretches = (0..end.saturating_sub(start).div_ceil(at_once)).into_par_iter().with_max_len(1);
        let from = |i: u32| end.min(start.saturating_add(i.saturating_mul(at_once)));
        // SAFETY: each item is done by one thread, and writes its own results only.
        pool.install(|| stretches.for_each(|i| unsafe { kernel(view.get(), from(i), from(i + 1)) }));
    }

    /// The same, a band of rows at a time.
    ///
    /// # Safety
    /// As for `launch`.
    unsafe fn rows<V>(&self, kernel: Launch<V>, view: &V, height: u32) {
        // SAFETY: the caller's.
        unsafe { self.launch(kernel, view, 0..height, ROWS) };
    }

    /// Checks geometry and builds its tree. Empty geometry is fine and never hit.
    pub fn solid(&self, geometry: &Geometry, build: Build) -> Result<Solid, KernelError> {
        Solid::new(geometry, build)
    }

    /// Traces a stage.
    pub fn trace(&self, stage: &Stage<'_>, settings: &Settings) -> Result<Layers, KernelError> {
        check_stage(stage, settings)?;
        let Settings { width, height, .. } = *settings;
        let solids: Vec<_> = stage.solids.iter().map(|s| s.view()).collect();
        let set = Set::new(stage, width, height)?;
        let view = set.view(solids.as_ptr(), set.lamps.as_ptr(), &*set.table, settings);
        check_room(u64::from(width) * u64::from(height) * LAYERS_BYTES)?;
        let mut layers = Layers::new(width, height);
        let tracing = Tracing { view, out: layers_view(&mut layers) };
        let tiles = width.div_ceil(TILE) * height.div_ceil(TILE);
        // SAFETY: the view's pointers live until the end of this function.
        unsafe { self.launch(self.kernels.trace, &tracing, 0..tiles * TILE * TILE, TILE * TILE) };
        Ok(layers)
    }

    /// Smooths the noise in `color`, keeping edges of normal, depth and albedo. The other layers stay.
    pub fn denoise(&self, layers: &mut Layers) -> Result<(), KernelError> {
        layers.check()?;
        let (width, height) = (layers.width, layers.height);
        let stride = denoise::stride(width);
        let plane = stride as usize * height as usize;
        check_room(plane as u64 * (abi::PLANES as u64 + 4) * 4)?;
        let mut scratch = vec![0.0f32; plane * (abi::PLANES + 4)];
        let mut result = vec![[0.0f32; 3]; width as usize * height as usize];
        let mut parts = scratch.chunks_exact_mut(plane).map(|c| c.as_mut_ptr());
        let planes = std::array::from_fn(|_| parts.next().unwrap_or(std::ptr::null_mut()));
        let other = std::array::from_fn(|_| parts.next().unwrap_or(std::ptr::null_mut()));
        let mut view = DenoiseView {
            color: layers.color.as_ptr().cast(),
            clear: layers.clear.as_ptr().cast(),
            albedo: layers.albedo.as_ptr().cast(),
            normal: layers.normal.as_ptr().cast(),
            depth: layers.depth.as_ptr(),
            variance: layers.variance.as_ptr(),
            result: result.as_mut_ptr().cast(),
            planes,
            other,
            width,
            height,
            stride,
            step: 0,
            from_other: 1,
            stop: 0.0,
        };
        let k = &self.kernels;
        // SAFETY: every plane holds `plane` floats; a row is written by one thread, from rows that the launch before has finished.
        unsafe {
            self.rows(k.denoise_split, &view, height);
            self.rows(k.denoise_prepare, &view, height);
            for (step, stop) in denoise::PASSES {
                (view.step, view.stop) = (step, stop);
                self.rows(k.denoise_pass, &view, height);
                view.from_other ^= 1;
            }
            self.rows(k.denoise_mend, &view, height);
            view.from_other ^= 1;
            self.rows(k.denoise_join, &view, height);
        }
        layers.color = result;
        Ok(())
    }

    /// Makes a picture: bloom, exposure, decision list (ASC CDL), tone curve (Khronos PBR Neutral), vignette, sRGB, table, grain.
    pub fn develop<'a>(&self, layers: &Layers, finish: impl Into<Finish<'a>>, seed: u64) -> Result<Picture, KernelError> {
        let finish = finish.into();
        let look = finish.look;
        layers.check()?;
        check_look(look)?;
        let (width, height) = (layers.width, layers.height);
        let bloom = if look.bloom > 0.0 { self.bloom(layers, look.exposure_ev.exp2()) } else { Plane::default() };
        let mut rgb = vec![0u8; width as usize * height as usize * 3];
        let blank = film::view(finish, (width, height), seed);
        let view = FilmView {
            color: layers.color.as_ptr().cast(),
            bloom: if bloom.pixels.is_empty() { std::ptr::null() } else { bloom.pixels.as_ptr().cast() },
            rgb: rgb.as_mut_ptr(),
            bloom_width: bloom.width,
            bloom_height: bloom.height,
            grade: Grade { lut: finish.lut.map_or(std::ptr::null(), |lut| lut.colors().as_ptr().cast()), ..blank.grade },
            ..blank
        };
        // SAFETY: the view's pointers live until the end of this function.
        unsafe { self.rows(self.kernels.film_finish, &view, height) };
        Ok(Picture { width, height, rgb })
    }

    /// Traces, denoises and develops.
    pub fn picture<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
    ) -> Result<Picture, KernelError> {
        let finish = finish.into();
        check_look(finish.look)?;
        let mut layers = self.trace(stage, settings)?;
        self.denoise(&mut layers)?;
        self.develop(&layers, finish, seed)
    }

    /// The picture in an encoder's format.
    pub fn frame<'a>(
        &self,
        stage: &Stage<'_>,
        settings: &Settings,
        finish: impl Into<Finish<'a>>,
        seed: u64,
        format: Format,
    ) -> Result<Frame, KernelError> {
        let picture = self.picture(stage, settings, finish, seed)?;
        self.convert(&Pixels::from(&picture), Transfer::Coded, format)
    }

    /// The picture blurred over six scales, at half the size. Each blur keeps the mean, so mixing it in keeps the energy.
    fn bloom(&self, layers: &Layers, exposure: f32) -> Plane {
        let most = film::glow_most(exposure);
        let mut levels = vec![self.halved(&layers.color, layers.width, layers.height, most)];
        while levels.len() < film::BLOOM_LEVELS && levels.last().is_some_and(|l| l.width.min(l.height) > film::BLOOM_LEAST) {
            let last = &levels[levels.len() - 1];
            levels.push(self.halved(&last.pixels, last.width, last.height, most));
        }
        while levels.len() > 1 {
            let Some(coarse) = levels.pop() else { break };
            let Some(fine) = levels.last_mut() else { break };
            let resize = Resize {
                input: coarse.pixels.as_ptr().cast(),
                output: fine.pixels.as_mut_ptr().cast(),
                width: fine.width,
                height: fine.height,
                in_width: coarse.width,
                in_height: coarse.height,
                most,
                keep: film::BLOOM_KEEP,
            };
            // SAFETY: both planes hold width × height × 3 floats.
            unsafe { self.rows(self.kernels.film_double, &resize, fine.height) };
        }
        levels.pop().unwrap_or_default()
    }

    fn halved(&self, input: &[[f32; 3]], in_width: u32, in_height: u32, most: f32) -> Plane {
        let (width, height) = (in_width.div_ceil(2), in_height.div_ceil(2));
        let mut pixels = vec![[0.0; 3]; width as usize * height as usize];
        let (input, output) = (input.as_ptr().cast(), pixels.as_mut_ptr().cast());
        let resize = Resize { input, output, width, height, in_width, in_height, most, keep: 0.0 };
        // SAFETY: the input holds as many pixels as it says, the output a quarter of that, rounded up.
        unsafe { self.rows(self.kernels.film_halve, &resize, height) };
        Plane { width, height, pixels }
    }

    /// The first hit of each ray; panes of glass count, cut-out parts of textures don't.
    pub fn nearest(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<Option<Hit>>, KernelError> {
        let hits = self.probe(solids, rays, RawHit::NONE, self.kernels.nearest, |hits| (hits, std::ptr::null_mut()))?;
        Ok(hits.into_iter().map(RawHit::hit).collect())
    }

    /// The share of light, by colour, that passes along each ray: zero behind opaque triangles, tinted by panes.
    pub fn passed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<[f32; 3]>, KernelError> {
        self.probe(solids, rays, [0.0; 3], self.kernels.passed, |shares| (std::ptr::null_mut(), shares))
    }

    /// One answer a ray; `place` says which of the kernel's two answers `T` is.
    fn probe<T: Copy>(
        &self,
        solids: &[&Solid],
        rays: &[Ray],
        empty: T,
        kernel: Launch<Probing>,
        place: impl Fn(*mut T) -> (*mut RawHit, *mut [f32; 3]),
    ) -> Result<Vec<T>, KernelError> {
        let count = rays::check(solids, rays)?;
        let views: Vec<_> = solids.iter().map(|s| s.view()).collect();
        let mut out = vec![empty; rays.len()];
        let (hits, shares) = place(out.as_mut_ptr());
        let probing = Probing { view: rays::bare_view(views.as_ptr(), views.len()), rays: rays.as_ptr(), hits, shares };
        // SAFETY: rays and answers are `count` long, and outlive the call.
        unsafe { self.launch(kernel, &probing, 0..count, RAYS_AT_ONCE) };
        Ok(out)
    }
}

/// A list of the caller's, or room of its own.
pub struct Here<'a, T> {
    at: *mut T,
    own: Vec<T>,
    lent: PhantomData<&'a mut [T]>,
}

impl<T> List<T> for Here<'_, T> {
    fn at(&self) -> *mut T {
        self.at
    }
}

impl Target for Cpu {
    type List<'a, T: Plain> = Here<'a, T>;

    const BAND: u32 = 32;

    fn lend<'a, T: Plain>(&self, values: &'a [T]) -> Result<Here<'a, T>, KernelError> {
        Ok(Here { at: values.as_ptr().cast_mut(), own: Vec::new(), lent: PhantomData })
    }

    fn lend_mut<'a, T: Plain>(&self, values: &'a mut [T]) -> Result<Here<'a, T>, KernelError> {
        Ok(Here { at: values.as_mut_ptr(), own: Vec::new(), lent: PhantomData })
    }

    fn room<T: Plain>(&self, len: usize) -> Result<Here<'static, T>, KernelError> {
        check_room((len as u64).saturating_mul(size_of::<T>() as u64))?;
        // SAFETY: zeros are a valid value of a plain record, and so is what `fill` makes of it.
        let mut own = unsafe {
            let mut own = vec![std::mem::zeroed::<T>(); len];
            if self.fill != 0 {
                own.as_mut_ptr().write_bytes(self.fill, len);
            }
            own
        };
        Ok(Here { at: own.as_mut_ptr(), own, lent: PhantomData })
    }

    fn take<T: Plain>(&self, room: Here<'static, T>) -> Result<Vec<T>, KernelError> {
        Ok(room.own)
    }

    fn give_back<T: Plain>(&self, _: Here<'_, T>) -> Result<(), KernelError> {
        Ok(())
    }

    unsafe fn run<V>(&self, kernel: Kernel<V>, view: &V, extent: Extent, at_once: u32) -> Result<(), KernelError> {
        let (from, to) = match extent {
            Extent::Items(from, to) => (from, to),
            Extent::Pixels(_, height) => (0, height),
        };
        // SAFETY: the caller's.
        unsafe { self.launch((kernel.of)(&self.kernels), view, from..to, at_once) };
        Ok(())
    }
}

#[derive(Default)]
struct Plane {
    width: u32,
    height: u32,
    pixels: Vec<[f32; 3]>,
}

fn layers_view(layers: &mut Layers) -> LayersView {
    LayersView {
        color: layers.color.as_mut_ptr().cast(),
        clear: layers.clear.as_mut_ptr().cast(),
        albedo: layers.albedo.as_mut_ptr().cast(),
        normal: layers.normal.as_mut_ptr().cast(),
        depth: layers.depth.as_mut_ptr(),
        variance: layers.variance.as_mut_ptr(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Look;

    fn tone(c: [f32; 3]) -> [f32; 3] {
        let mut out = [0.0; 3];
        // SAFETY: the launch function reads and writes one colour.
        unsafe { (Kernels::best().tone)(&abi::Tones { colors: &c, out: &mut out }, 0, 1) };
        out
    }

    /// Worked by hand from the published shader: offset 0.04, start 0.76, desaturation 0.15.
    #[test]
    fn the_tone_curve_is_khronos_pbr_neutral() {
        let close = |a: [f32; 3], b: [f32; 3]| assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-5), "{a:?} or {b:?}");
        close(tone([0.0; 3]), [0.0; 3]);
        close(tone([0.04; 3]), [0.01; 3]);
        close(tone([0.5, 0.3, 0.2]), [0.46, 0.26, 0.16]);
        close(tone([0.8; 3]), [0.76; 3]);
        close(tone([1.0; 3]), [0.869_090_9; 3]);
        // Red 2, others 0: no offset, peak 2 → 1 − 0.0576/1.48 = 0.961081, then a share of 0.134827 towards white.
        close(tone([2.0, 0.0, 0.0]), [0.961_081, 0.129_580, 0.129_580]);
        assert!(tone([1e6; 3]).iter().all(|&x| x <= 1.0 && x > 0.999));
    }

    fn flat(width: u32, height: u32, color: [f32; 3]) -> Layers {
        let mut layers = Layers::new(width, height);
        layers.color.fill(color);
        layers.albedo.fill([0.5; 3]);
        layers.normal.fill([0.0, 0.0, 1.0]);
        layers.depth.fill(3.0);
        layers
    }

    #[test]
    fn bloom_keeps_the_energy_of_a_flat_picture_and_spreads_a_light() {
        let plain = Look { bloom: 0.0, grain: 0.0, vignette: 0.0, ..Look::default() };
        let cpu = Cpu::new(1);
        let even = flat(37, 23, [0.3, 0.2, 0.1]);
        let (a, b) = (cpu.develop(&even, &plain, 0).unwrap(), cpu.develop(&even, &Look { bloom: 0.5, ..plain }, 0).unwrap());
        assert!(a.rgb.iter().zip(&b.rgb).all(|(a, b)| a.abs_diff(*b) <= 1));
        let mut lamp = flat(64, 64, [0.01; 3]);
        lamp.color[32 * 64 + 32] = [20.0; 3];
        let (a, b) = (cpu.develop(&lamp, &plain, 0).unwrap(), cpu.develop(&lamp, &Look { bloom: 0.3, ..plain }, 0).unwrap());
        let at = |p: &Picture, x: usize, y: usize| p.rgb[(y * 64 + x) * 3];
        assert!(at(&b, 36, 32) > at(&a, 36, 32) + 4 && at(&b, 32, 27) > at(&a, 32, 27) + 4);
    }

    #[test]
    fn vignette_darkens_corners_and_grain_has_the_deviation_it_says() {
        let cpu = Cpu::new(1);
        let even = flat(200, 120, [0.25; 3]);
        let clean = Look { bloom: 0.0, grain: 0.0, vignette: 0.0, ..Look::default() };
        let dark = cpu.develop(&even, &Look { vignette: 0.5, ..clean }, 0).unwrap();
        assert!(dark.rgb[0] + 8 < dark.rgb[(60 * 200 + 100) * 3]);
        let deviation = |grain: f32| {
            let p = cpu.develop(&even, &Look { grain, ..clean }, 5).unwrap();
            let mean = p.rgb.iter().map(|&v| f64::from(v)).sum::<f64>() / p.rgb.len() as f64;
            (p.rgb.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / p.rgb.len() as f64).sqrt()
        };
        assert!(deviation(0.0) < 0.6);
        assert!((deviation(4.0) / 4.0 - 0.95).abs() < 0.15, "{}", deviation(4.0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn more_memory_than_there_is_is_refused_before_it_is_taken() {
        let Err(KernelError::OutOfMemory { asked, free }) = check_room(1 << 60) else { panic!("it fits") };
        assert!(asked == 1 << 60 && free > 1 << 20);
        assert_eq!(check_room(SMALL_BYTES - 1), Ok(()));
        assert!(memory("MemTotal:").unwrap() >= free);
    }

    #[test]
    fn impossible_requests_are_refused_by_name() {
        let cpu = Cpu::new(1);
        let mut broken = flat(4, 4, [0.1; 3]);
        broken.depth.pop();
        assert_eq!(cpu.denoise(&mut broken), Err(KernelError::Length { list: "depth", found: 15, wanted: 16 }));
        let look = Look { exposure_ev: f32::NAN, ..Look::default() };
        assert_eq!(cpu.develop(&flat(2, 2, [0.1; 3]), &look, 0), Err(KernelError::Parameter { what: "the look" }));
    }
}
