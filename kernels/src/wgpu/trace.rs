//! Tracing, and the canvas that it draws on.

use wgpu::Buffer;

use super::Held;
use super::gpu::Gpu;
use super::kernel::{BVH, FOG, LAMPS, LIGHT, MATH, NOISE, PATTERN, SAMPLE, SCENE, SHADE, SKY, SURFACE, Source, TRACE};
use super::records::{Lamp, Scene};
use super::resident::Resident;
use crate::abi::{self, TILE};
use crate::error::KernelError;
use crate::render::{Layers, Settings, Stage, check_stage};
use crate::stage::Set;

const KERNEL: Source = Source {
    name: "trace",
    modules: &[MATH, SAMPLE, NOISE, SCENE, LAMPS, PATTERN, BVH, SURFACE, SHADE, LIGHT, FOG, SKY, TRACE],
    bindings: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
};

/// Paths from the camera that one launch follows, whole tiles at least: so many that a launch pays, so few that no driver takes it
/// for hung.
const PATHS_AT_ONCE: u64 = 1 << 18;
/// Floats a pixel in the layers.
const FLOATS: u64 = 14;
/// What the kernel writes for infinitely far.
const FAR: f32 = 3.4e38;

/// A picture in the making: layers, and beside them what denoiser and film chain need, once they do.
pub struct Canvas {
    pub width: u32,
    pub height: u32,
    pub buffer: Buffer,
    pub denoising: Option<super::denoise::Planes>,
    pub film: Option<super::film::Planes>,
}

impl Canvas {
    pub fn new(gpu: &Gpu, width: u32, height: u32) -> Result<Self, KernelError> {
        let buffer = gpu.storage(u64::from(width) * u64::from(height) * FLOATS * 4)?;
        Ok(Self { width, height, buffer, denoising: None, film: None })
    }

    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    pub fn upload_color(&self, gpu: &Gpu, layers: &Layers) {
        gpu.queue.write_buffer(&self.buffer, 0, bytemuck::cast_slice(&layers.color));
    }

    pub fn upload(&self, gpu: &Gpu, layers: &Layers) {
        self.upload_color(gpu, layers);
        let plane = self.pixels() * 4;
        for (at, list) in [(3, &layers.clear), (6, &layers.albedo), (9, &layers.normal)] {
            gpu.queue.write_buffer(&self.buffer, at * plane, bytemuck::cast_slice(list));
        }
        gpu.queue.write_buffer(&self.buffer, 12 * plane, bytemuck::cast_slice(&layers.depth));
        gpu.queue.write_buffer(&self.buffer, 13 * plane, bytemuck::cast_slice(&layers.variance));
    }

    pub fn color(&self, gpu: &Gpu) -> Result<Vec<[f32; 3]>, KernelError> {
        Ok(triples(&gpu.read("denoise", &self.buffer, self.pixels() * 3)?))
    }

    pub fn layers(&self, gpu: &Gpu) -> Result<Layers, KernelError> {
        let words = gpu.read(KERNEL.name, &self.buffer, self.pixels() * FLOATS)?;
        let pixels = self.pixels() as usize;
        let part = |from: usize, to: usize| &words[from * pixels..to * pixels];
        Ok(Layers {
            width: self.width,
            height: self.height,
            color: triples(part(0, 3)),
            clear: triples(part(3, 6)),
            albedo: triples(part(6, 9)),
            normal: triples(part(9, 12)),
            depth: part(12, 13).iter().map(|w| f32::from_bits(*w)).map(|z| if z < FAR { z } else { f32::INFINITY }).collect(),
            variance: part(13, 14).iter().map(|w| f32::from_bits(*w)).collect(),
        })
    }
}

fn triples(words: &[u32]) -> Vec<[f32; 3]> {
    words.as_chunks::<3>().0.iter().map(|w| w.map(f32::from_bits)).collect()
}

/// Traces onto the canvas, a stretch of tiles at a time.
pub fn run(gpu: &Gpu, held: &mut Held, stage: &Stage<'_>, settings: &Settings) -> Result<(), KernelError> {
    check_stage(stage, settings)?;
    let Settings { width, height, samples, .. } = *settings;
    let set = Set::new(stage, width, height)?;
    let view = set.view(std::ptr::null(), std::ptr::null(), std::ptr::null(), settings);
    let kernel = held.kernel(gpu, &KERNEL)?;
    let places = Resident::place(&mut held.resident, gpu, stage.solids)?;
    let scene = gpu.arguments(&Scene::new(&view, &places))?;
    let lamps: Vec<_> = set.lamps.iter().enumerate().map(|(i, lamp)| Lamp::of(lamp, &set.table, i)).collect();
    let lamp_buffer = gpu.storage(size_of_val(&*lamps) as u64)?;
    gpu.queue.write_buffer(&lamp_buffer, 0, bytemuck::cast_slice(&lamps));
    let canvas = held.canvas(gpu, width, height)?.buffer.clone();
    let Some(resident) = &held.resident else { return Ok(()) };
    let [nodes, blocks, vertices, triangles, materials, images] = &resident.buffers;
    let items = width.div_ceil(TILE) * height.div_ceil(TILE) * TILE * TILE;
    let tile = u64::from(TILE * TILE);
    let at_once = (PATHS_AT_ONCE / u64::from(samples)).max(tile).next_multiple_of(tile) as u32;
    let stretch = gpu.storage(16)?;
    let buffers = [&stretch, &scene, nodes, blocks, vertices, triangles, materials, images, &lamp_buffer, &canvas];
    for from in (0..items).step_by(at_once as usize) {
        let to = items.min(from + at_once);
        gpu.queue.write_buffer(&stretch, 0, bytemuck::bytes_of(&[from, to, 0, 0]));
        kernel.launch(gpu, &buffers, [(to - from).div_ceil(64), 1])?;
    }
    Ok(())
}

/// The scene of a view that has nothing but solids.
pub fn bare_scene(solids: usize, places: &[super::records::Place]) -> Scene {
    Scene::new(&crate::rays::bare_view(std::ptr::null::<abi::SolidView>(), solids), places)
}
