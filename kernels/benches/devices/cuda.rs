//! The rows of a CUDA device.

use std::time::Instant;

use glam::{Affine3A, Vec3, vec3};
use klieg_kernels::scene::{Geometry, Look, Material, Pattern};
use klieg_kernels::{Build, Cuda, KernelError, Ray, Settings, Solid};

use crate::stage;

/// What the table asks of a GPU, and its goals.
pub const WHAT: [(&str, &str); 4] = [
    ("rays/s, incoherent, 500k-triangle interior", "1,000 M"),
    ("rays/s with shading, the same interior, 1080p", "400 M"),
    ("film chain (denoise to RGB), 1080p, share of memory bandwidth", "60 %"),
    ("film pictures a second, 1080p, 16 samples, puppets' trees built for each", "24 on ones, 12 on twos"),
];

pub struct Row {
    pub what: String,
    pub figure: String,
    pub goal: &'static str,
}

/// How much is measured: as the table says, or little, for a test.
pub struct Extent {
    /// Of spheres.
    pub detail: u32,
    pub rays: u32,
    pub size: (u32, u32),
    pub samples: u32,
    pub runs: u32,
}

impl Extent {
    pub const FULL: Self = Self { detail: 38, rays: 1 << 23, size: (1920, 1080), samples: 16, runs: 5 };
}

/// Everything that the table asks of a GPU.
pub fn rows(cuda: &Cuda, extent: &Extent) -> Result<Vec<Row>, KernelError> {
    let (set, cast) = interior(extent.detail);
    let set = cuda.solid(&set, Build::Best)?;
    let moving = cuda.solid(&cast, Build::Fast)?;
    println!("interior: {} + {} triangles", set.triangle_count(), moving.triangle_count());
    let figures = [
        incoherent(cuda, &[&set, &moving], extent)?,
        shaded(cuda, &[&set, &moving], extent)?,
        chain(cuda, &[&set, &moving], extent)?,
        film(cuda, &set, &cast, extent)?,
    ];
    Ok(WHAT.iter().zip(figures).map(|(&(what, goal), figure)| Row { what: what.into(), figure, goal }).collect())
}

/// The demo's stage in a closed hall, so that no ray gets away: the set, and the cast.
pub fn interior(detail: u32) -> (Geometry, Geometry) {
    let mut set = stage::set(detail);
    let plaster = set.material(Material { base: [0.6, 0.55, 0.5], pattern: Pattern::Plaster, ..Material::default() });
    let hall = Affine3A::from_translation(vec3(0.0, 2.0, 0.0)) * Affine3A::from_scale(vec3(9.0, 6.0, 9.0));
    stage::ball(&mut set, detail * 4, plaster, hall);
    (set, stage::cast(detail))
}

/// Rays into all directions from points spread over the hall.
pub fn scattered(count: u32) -> Vec<Ray> {
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let mut ray = || {
        let origin = vec3(4.0 * random(), 1.6 + 1.5 * random(), 4.0 * random());
        let direction = vec3(random(), random(), random()).normalize_or(Vec3::Y);
        Ray { origin: origin.to_array(), near: 0.0, direction: direction.to_array(), far: 1e30 }
    };
    (0..count).map(|_| ray()).collect()
}

fn incoherent(cuda: &Cuda, solids: &[&Solid], extent: &Extent) -> Result<String, KernelError> {
    let rays = scattered(extent.rays);
    let mut least = f32::INFINITY;
    for _ in 0..extent.runs {
        least = least.min(cuda.nearest_timed(solids, &rays)?.1);
    }
    Ok(format!("{:.0} M", f64::from(extent.rays) / f64::from(least) / 1e3))
}

/// Rays of a path: the camera's, a shadow ray where it ends, and, as often as the tracer goes on from a surface of that albedo, two more.
fn rays_of(cuda: &Cuda, solids: &[&Solid], settings: &Settings) -> Result<f64, KernelError> {
    let layers = cuda.trace(&stage::World::new().stage(solids), &Settings { samples: 1, ..*settings })?;
    let of = |(albedo, depth): (&[f32; 3], &f32)| {
        let bright = 0.2126 * albedo[0] + 0.7152 * albedo[1] + 0.0722 * albedo[2];
        if depth.is_finite() { 2.0 + 2.0 * f64::from((1.1 * bright + 0.08).clamp(0.32, 0.65)) } else { 1.0 }
    };
    Ok(layers.albedo.iter().zip(&layers.depth).map(of).sum::<f64>() / layers.depth.len() as f64)
}

fn shaded(cuda: &Cuda, solids: &[&Solid], extent: &Extent) -> Result<String, KernelError> {
    let (width, height) = extent.size;
    let settings = Settings { width, height, samples: extent.samples, bounces: 1, seed: 1 };
    let mut least = f32::INFINITY;
    for _ in 0..extent.runs {
        let stage = stage::World::new();
        least = least.min(cuda.picture_timed(&stage.stage(solids), &settings, &Look::default(), 1)?.1.trace);
    }
    let paths = f64::from(width) * f64::from(height) * f64::from(extent.samples) / f64::from(least) / 1e3;
    let each = rays_of(cuda, solids, &settings)?;
    Ok(format!("{:.0} M ({paths:.0} M paths of {each:.2} rays; shadow rays of unlit surfaces counted)", paths * each))
}

/// Bytes a pixel that the chain's launches have to move if each reads and writes every plane once: split, prepare, four passes, mend, join,
/// bloom, finish.
const CHAIN_BYTES: f64 = 92.0 + 44.0 + (4.0 * 72.0 + 4.0) + 36.0 + 48.0 + 26.0 + 18.0;

fn chain(cuda: &Cuda, solids: &[&Solid], extent: &Extent) -> Result<String, KernelError> {
    let (width, height) = extent.size;
    let settings = Settings { width, height, samples: 1, bounces: 0, seed: 1 };
    let mut least = f32::INFINITY;
    for _ in 0..extent.runs {
        let times = cuda.picture_timed(&stage::World::new().stage(solids), &settings, &Look::default(), 1)?.1;
        least = least.min(times.denoise + times.develop);
    }
    let moved = CHAIN_BYTES * f64::from(width) * f64::from(height) / (f64::from(least) * 1e-3);
    let bound = cuda.memory_bandwidth()?;
    Ok(format!("{:.0} % ({least:.3} ms; {:.0} of {:.0} GB/s)", 100.0 * moved / bound, moved / 1e9, bound / 1e9))
}

/// Pictures as a film's task makes them: a tree for what moved, then the picture, its bytes on the host; without the encoder.
fn film(cuda: &Cuda, set: &Solid, cast: &Geometry, extent: &Extent) -> Result<String, KernelError> {
    let (width, height) = extent.size;
    let settings = Settings { width, height, samples: extent.samples, bounces: 1, seed: 1 };
    let one = |seed: u64| {
        let moving = cuda.solid(cast, Build::Fast)?;
        cuda.picture(&stage::World::new().stage(&[set, &moving]), &Settings { seed, ..settings }, &Look::default(), seed)
    };
    one(0)?;
    let start = Instant::now();
    for run in 0..extent.runs {
        one(u64::from(run))?;
    }
    Ok(format!("{:.1} (encoder not included)", f64::from(extent.runs) / start.elapsed().as_secs_f64()))
}
