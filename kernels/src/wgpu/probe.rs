//! Free rays.

use wgpu::Buffer;

use super::kernel::{BVH, MATH, PROBE, SCENE, Source};
use super::resident::Resident;
use super::trace::bare_scene;
use super::{Wgpu, gpu::Gpu};
use crate::error::KernelError;
use crate::rays::{self, Hit, Ray};
use crate::solid::Solid;

const MODULES: [&str; 4] = [MATH, SCENE, BVH, PROBE];
const BINDINGS: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11];
const NEAREST: Source = Source { name: "nearest", modules: &MODULES, bindings: &BINDINGS };
const PASSED: Source = Source { name: "passed", modules: &MODULES, bindings: &BINDINGS };

/// Rays that one launch follows.
const RAYS_AT_ONCE: u32 = 1 << 20;
/// The farthest that the kernels count.
const FAR: f32 = 3.4e38;
const NOTHING: u32 = crate::abi::NOTHING;

impl Wgpu {
    /// As [`crate::Cpu::nearest`]. Where a ray grazes an edge the two may judge differently.
    pub fn nearest(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<Option<Hit>>, KernelError> {
        let words = self.probe(&NEAREST, 5, solids, rays)?;
        let hit = |w: &[u32; 5]| {
            let [t, u, v] = [w[0], w[1], w[2]].map(f32::from_bits);
            (w[4] != NOTHING).then_some(Hit { t, u, v, solid: w[3], triangle: w[4] })
        };
        Ok(words.as_chunks().0.iter().map(hit).collect())
    }

    /// As [`crate::Cpu::passed`].
    pub fn passed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<[f32; 3]>, KernelError> {
        let words = self.probe(&PASSED, 3, solids, rays)?;
        Ok(words.as_chunks().0.iter().map(|w: &[u32; 3]| w.map(f32::from_bits)).collect())
    }

    /// So many words a ray.
    fn probe(&self, source: &Source, words: u64, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<u32>, KernelError> {
        let count = rays::check(solids, rays)?;
        let (gpu, mut held) = (&self.gpu, self.held());
        let kernel = held.kernel(gpu, source)?;
        let places = Resident::place(&mut held.resident, gpu, solids)?;
        let Some(resident) = &held.resident else { return Ok(Vec::new()) };
        let scene = gpu.arguments(&bare_scene(solids.len(), &places))?;
        let [nodes, blocks, vertices, triangles, materials, images] = &resident.buffers;
        let (input, output) = (ray_buffer(gpu, rays)?, gpu.storage(u64::from(count) * words * 4)?);
        let stretch = gpu.storage(16)?;
        let buffers = [&stretch, &scene, nodes, blocks, vertices, triangles, materials, images, &input, &output];
        for from in (0..count).step_by(RAYS_AT_ONCE as usize) {
            let to = count.min(from.saturating_add(RAYS_AT_ONCE));
            gpu.queue.write_buffer(&stretch, 0, bytemuck::bytes_of(&[from, to, 0, 0]));
            kernel.launch(gpu, &buffers, [(to - from).div_ceil(64), 1])?;
        }
        if count == 0 { Ok(Vec::new()) } else { gpu.read(source.name, &output, u64::from(count) * words) }
    }
}

/// Rays as the kernels take them: infinity is as far as they count.
fn ray_buffer(gpu: &Gpu, rays: &[Ray]) -> Result<Buffer, KernelError> {
    let within: Vec<Ray> = rays.iter().map(|r| Ray { near: r.near.clamp(-FAR, FAR), far: r.far.clamp(-FAR, FAR), ..*r }).collect();
    let buffer = gpu.storage(size_of_val(&*within) as u64)?;
    gpu.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&within));
    Ok(buffer)
}
