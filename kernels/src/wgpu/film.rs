//! The film chain's launches, and pictures coming back.

use wgpu::Buffer;

use super::Held;
use super::gpu::Gpu;
use super::kernel::{CONVERT, FILM, MATH, SAMPLE, Source, squares};
use super::records::Film;
use super::trace::Canvas;
use crate::error::KernelError;
use crate::film::{self, BLOOM_KEEP, BLOOM_LEAST, BLOOM_LEVELS, glow_most};
use crate::render::{Picture, check_size};
use crate::scene::Look;

const MODULES: [&str; 3] = [MATH, SAMPLE, FILM];
const HALVE: Source = Source { name: "film_halve", modules: &MODULES, bindings: &[0, 1, 3] };
const DOUBLE: Source = Source { name: "film_double", modules: &MODULES, bindings: &[0, 2, 3] };
const FINISH: Source = Source { name: "film_finish", modules: &MODULES, bindings: &[0, 1, 2, 4] };
const NV12: Source = Source { name: "nv12", modules: &[CONVERT], bindings: &[0, 1, 2] };

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
pub fn run(gpu: &Gpu, held: &mut Held, look: &Look, seed: u64) -> Result<(), KernelError> {
    let view = film::view(look, (0, 0), seed);
    if look.bloom > 0.0 {
        spread(gpu, held, glow_most(view.exposure))?;
    }
    let finish = held.kernel(gpu, &FINISH)?;
    let canvas = held.drawn()?;
    let (width, height, layers) = (canvas.width, canvas.height, canvas.buffer.clone());
    let planes = planes(gpu, canvas)?;
    let Some(bloom) = planes.levels.first() else { return Ok(()) };
    let film = gpu.arguments(&Film {
        slope: view.slope,
        exposure: view.exposure,
        offset: view.offset,
        saturation: view.saturation,
        power: view.power,
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
    finish.launch(gpu, &[&film, &layers, &bloom.buffer, &planes.finished], squares(width, height))
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

/// The developed canvas.
pub fn picture(gpu: &Gpu, held: &mut Held) -> Result<Picture, KernelError> {
    let canvas = held.drawn()?;
    let (width, height, pixels) = (canvas.width, canvas.height, canvas.pixels());
    let words = gpu.read(FINISH.name, &planes(gpu, canvas)?.finished, pixels)?;
    let rgb = words.iter().flat_map(|w| w.to_le_bytes().into_iter().take(3)).collect();
    Ok(Picture { width, height, rgb })
}

pub fn nv12(gpu: &Gpu, held: &mut Held, picture: &Picture) -> Result<Vec<u8>, KernelError> {
    let (width, height) = (picture.width, picture.height);
    check_size(width, height)?;
    let pixels = width as usize * height as usize;
    if picture.rgb.len() != pixels * 3 {
        return Err(KernelError::Length { list: "rgb", found: picture.rgb.len(), wanted: pixels * 3 });
    }
    let kernel = held.kernel(gpu, &NV12)?;
    let words: Vec<u32> = picture.rgb.as_chunks::<3>().0.iter().map(|&[r, g, b]| u32::from_le_bytes([r, g, b, 0])).collect();
    let input = gpu.storage(pixels as u64 * 4)?;
    gpu.queue.write_buffer(&input, 0, bytemuck::cast_slice(&words));
    let bytes = pixels + 2 * width.div_ceil(2) as usize * height.div_ceil(2) as usize;
    let words = bytes.div_ceil(4) as u32;
    let size = gpu.arguments(&[width, height, words, 0u32])?;
    let output = gpu.storage(u64::from(words) * 4)?;
    let groups = words.div_ceil(64);
    let across = groups.min(1024);
    kernel.launch(gpu, &[&size, &input, &output], [across, groups.div_ceil(across)])?;
    let back = gpu.read(NV12.name, &output, words.into())?;
    Ok(back.iter().flat_map(|w| w.to_le_bytes()).take(bytes).collect())
}
