//! The film chain's launches, and pictures coming back.

use wgpu::Buffer;

use super::Held;
use super::gpu::Gpu;
use super::kernel::{FILM, GRADE, MATH, SAMPLE, Source, squares};
use super::records::{Film, Grade};
use super::trace::Canvas;
use crate::cube::Lut;
use crate::error::KernelError;
use crate::film::{self, BLOOM_KEEP, BLOOM_LEAST, BLOOM_LEVELS, glow_most};
use crate::grade::{self, Cdl};
use crate::render::{Finish, Picture};

const MODULES: [&str; 4] = [MATH, SAMPLE, GRADE, FILM];
const HALVE: Source = Source { name: "film_halve", modules: &MODULES, bindings: &[0, 1, 3] };
const DOUBLE: Source = Source { name: "film_double", modules: &MODULES, bindings: &[0, 2, 3] };
const FINISH: Source = Source { name: "film_finish", modules: &MODULES, bindings: &[0, 1, 2, 4, 5] };
const GRADING: Source = Source { name: "grade", modules: &MODULES, bindings: &[0, 1, 3, 5] };

/// What developing needs beside the layers: levels of the bloom, the largest first, and the finished pixels.
pub struct Planes {
    levels: Vec<Level>,
    finished: Buffer,
}

struct Level {
    width: u32,
    height: u32,
    buffer: Buffer,
}

impl Planes {
    fn new(gpu: &Gpu, width: u32, height: u32) -> Result<Self, KernelError> {
        let mut levels: Vec<Level> = Vec::new();
        let (mut w, mut h) = (width, height);
        while levels.len() < BLOOM_LEVELS && (levels.is_empty() || w.min(h) > BLOOM_LEAST) {
            (w, h) = (w.div_ceil(2), h.div_ceil(2));
            levels.push(Level { width: w, height: h, buffer: gpu.storage(u64::from(w) * u64::from(h) * 12)? });
        }
        Ok(Self { levels, finished: gpu.storage(u64::from(width) * u64::from(height) * 4)? })
    }
}

/// Develops the canvas.
pub fn run(gpu: &Gpu, held: &mut Held, finish: Finish<'_>, seed: u64) -> Result<(), KernelError> {
    let view = film::view(finish, (0, 0), seed);
    if finish.look.bloom > 0.0 {
        spread(gpu, held, glow_most(view.exposure))?;
    }
    let (kernel, lut) = (held.kernel(gpu, &FINISH)?, table(gpu, finish.lut)?);
    let canvas = held.drawn()?;
    let (width, height, layers) = (canvas.width, canvas.height, canvas.buffer.clone());
    let planes = planes(gpu, canvas)?;
    let Some(bloom) = planes.levels.first() else { return Ok(()) };
    let film = gpu.arguments(&Film {
        grade: Grade::of(&view.grade),
        exposure: view.exposure,
        bloom_share: view.bloom_share,
        width,
        height,
        in_width: bloom.width,
        in_height: bloom.height,
        grain: view.grain,
        vignette: view.vignette,
        seed: view.seed,
        ..Film::default()
    })?;
    kernel.launch(gpu, &[&film, &layers, &bloom.buffer, &planes.finished, &lut], squares(width, height))
}

/// The table's colours; something to bind where there is none.
fn table(gpu: &Gpu, lut: Option<&Lut>) -> Result<Buffer, KernelError> {
    let colors = lut.map_or(&[][..], Lut::colors);
    let buffer = gpu.storage(size_of_val(colors) as u64)?;
    gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(colors));
    Ok(buffer)
}

fn planes<'a>(gpu: &Gpu, canvas: &'a mut Canvas) -> Result<&'a Planes, KernelError> {
    if canvas.film.is_none() {
        canvas.film = Some(Planes::new(gpu, canvas.width, canvas.height)?);
    }
    canvas.film.as_ref().ok_or(KernelError::Kernel { name: "film", reason: "no planes".into() })
}

/// Blurs the canvas over all levels, into the first.
fn spread(gpu: &Gpu, held: &mut Held, most: f32) -> Result<(), KernelError> {
    let (halve, double) = (held.kernel(gpu, &HALVE)?, held.kernel(gpu, &DOUBLE)?);
    let canvas = held.drawn()?;
    let (mut in_width, mut in_height, mut input) = (canvas.width, canvas.height, canvas.buffer.clone());
    let levels = &planes(gpu, canvas)?.levels;
    for Level { width, height, buffer } in levels {
        let (width, height) = (*width, *height);
        let film = gpu.arguments(&Film { width, height, in_width, in_height, most, ..Film::default() })?;
        halve.launch(gpu, &[&film, &input, buffer], squares(width, height))?;
        (in_width, in_height, input) = (width, height, buffer.clone());
    }
    for pair in levels.windows(2).rev() {
        let [fine, coarse] = pair else { continue };
        let (width, height, in_width, in_height) = (fine.width, fine.height, coarse.width, coarse.height);
        let film = gpu.arguments(&Film { width, height, in_width, in_height, keep: BLOOM_KEEP, ..Film::default() })?;
        double.launch(gpu, &[&film, &coarse.buffer, &fine.buffer], squares(width, height))?;
    }
    Ok(())
}

/// The developed canvas, a word a pixel: its size and where it is.
pub fn finished(gpu: &Gpu, held: &mut Held) -> Result<((u32, u32), Buffer), KernelError> {
    let canvas = held.drawn()?;
    let size = (canvas.width, canvas.height);
    Ok((size, planes(gpu, canvas)?.finished.clone()))
}

/// The developed canvas.
pub fn picture(gpu: &Gpu, held: &mut Held) -> Result<Picture, KernelError> {
    let canvas = held.drawn()?;
    let (width, height, pixels) = (canvas.width, canvas.height, canvas.pixels());
    let words = gpu.read(FINISH.name, &planes(gpu, canvas)?.finished, pixels)?;
    let rgb = words.iter().flat_map(|w| w.to_le_bytes().into_iter().take(3)).collect();
    Ok(Picture { width, height, rgb })
}

/// Grades a picture of the host's.
pub fn grade(
    gpu: &Gpu,
    held: &mut Held,
    (width, height): (u32, u32),
    rgb: &mut [[f32; 3]],
    cdl: &Cdl,
    lut: Option<&Lut>,
) -> Result<(), KernelError> {
    grade::check((width, height), rgb.len(), cdl)?;
    let (kernel, lut_colors) = (held.kernel(gpu, &GRADING)?, table(gpu, lut)?);
    let bytes = size_of_val(rgb) as u64;
    let (input, output) = (gpu.storage(bytes)?, gpu.storage(bytes)?);
    gpu.queue.write_buffer(&input, 0, bytemuck::cast_slice(rgb));
    let film = Film { grade: Grade::of(&grade::Grade::new(cdl, 1.0, lut)), width, height, ..Film::default() };
    kernel.launch(gpu, &[&gpu.arguments(&film)?, &input, &output, &lut_colors], squares(width, height))?;
    let words = gpu.read(GRADING.name, &output, bytes / 4)?;
    rgb.as_flattened_mut().iter_mut().zip(words).for_each(|(to, word)| *to = f32::from_bits(word));
    Ok(())
}
