//! The denoiser's launches.

use wgpu::Buffer;

use super::Held;
use super::gpu::Gpu;
use super::kernel::{DENOISE, MATH, Source, squares};
use super::records::Pass;
use crate::denoise::PASSES;
use crate::error::KernelError;

const MODULES: [&str; 2] = [MATH, DENOISE];
const SPLIT: Source = Source { name: "denoise_split", modules: &MODULES, bindings: &[0, 1, 2, 4, 5] };
const PREPARE: Source = Source { name: "denoise_prepare", modules: &MODULES, bindings: &[0, 1, 2, 3, 4, 6] };
const PASS: Source = Source { name: "denoise_pass", modules: &MODULES, bindings: &[0, 2, 3, 4, 5, 6, 7] };
const MEND: Source = Source { name: "denoise_mend", modules: &MODULES, bindings: &[0, 1, 2, 3, 4, 7] };
const JOIN: Source = Source { name: "denoise_join", modules: &MODULES, bindings: &[0, 1, 2, 5, 7] };

/// What filtering needs beside the layers.
pub struct Planes {
    light: [Buffer; 2],
    normal_and_depth: Buffer,
    albedo: Buffer,
    slope: Buffer,
    company: Buffer,
}

impl Planes {
    fn new(gpu: &Gpu, pixels: u64) -> Result<Self, KernelError> {
        let of = |floats: u64| gpu.storage(pixels * floats * 4);
        Ok(Self { light: [of(4)?, of(4)?], normal_and_depth: of(4)?, albedo: of(4)?, slope: of(2)?, company: of(1)? })
    }
}

/// Filters the canvas: its colour is replaced.
pub fn run(gpu: &Gpu, held: &mut Held) -> Result<(), KernelError> {
    let sources = [SPLIT, PREPARE, PASS, MEND, JOIN];
    let mut kernels = Vec::with_capacity(sources.len());
    for source in &sources {
        kernels.push(held.kernel(gpu, source)?);
    }
    let [split, prepare, filter, mend, join] = &kernels[..] else { return Ok(()) };
    let canvas = held.drawn()?;
    let (width, height, pixels) = (canvas.width, canvas.height, canvas.pixels());
    if canvas.denoising.is_none() {
        canvas.denoising = Some(Planes::new(gpu, pixels)?);
    }
    let Some(Planes { light: [a, b], normal_and_depth, albedo, slope, company }) = &canvas.denoising else { return Ok(()) };
    let layers = &canvas.buffer;
    let groups = squares(width, height);
    let whole = gpu.arguments(&Pass { width, height, step: 0, stop: 0.0 })?;
    split.launch(gpu, &[&whole, layers, a, normal_and_depth, albedo], groups)?;
    prepare.launch(gpu, &[&whole, layers, a, b, normal_and_depth, slope], groups)?;
    let (mut from, mut to) = (b, a);
    for (step, stop) in PASSES {
        let pass = gpu.arguments(&Pass { width, height, step, stop })?;
        filter.launch(gpu, &[&pass, from, to, normal_and_depth, albedo, slope, company], groups)?;
        (from, to) = (to, from);
    }
    mend.launch(gpu, &[&whole, layers, from, to, normal_and_depth, company], groups)?;
    join.launch(gpu, &[&whole, layers, to, albedo, company], groups)
}
