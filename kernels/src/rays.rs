//! Free rays against solids: what is hit first, and what light passes.

use rayon::prelude::*;

use crate::abi::{self, CameraView, FogView, Shared, SkyView, View};
use crate::error::KernelError;
use crate::render::Cpu;
use crate::solid::Solid;

/// A stretch of a straight line: `origin + t · direction`, for t past `near` up to `far`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ray {
    pub origin: [f32; 3],
    pub near: f32,
    /// Of any length; t counts in it.
    pub direction: [f32; 3],
    pub far: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawHit {
    t: f32,
    u: f32,
    v: f32,
    solid: u32,
    triangle: u32,
}

/// Where a ray meets a solid first: at `(1 − u − v) a + u b + v c` of the triangle's corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub t: f32,
    pub u: f32,
    pub v: f32,
    pub solid: u32,
    pub triangle: u32,
}

/// Rays that one thread takes at a time.
const RAYS_AT_ONCE: usize = 4096;

impl Cpu {
    /// The first hit of each ray; panes of glass count, cut-out parts of textures don't.
    pub fn nearest(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<Option<Hit>>, KernelError> {
        let raw = RawHit { t: 0.0, u: 0.0, v: 0.0, solid: 0, triangle: abi::NOTHING };
        let launch = self.kernels.nearest;
        let hits = self.launch(solids, rays, raw, |view, rays, out, count| {
            // SAFETY: both slices hold `count` entries and the view outlives the call.
            unsafe { launch(view, rays, out, 0, count) }
        })?;
        let some = |h: RawHit| Hit { t: h.t, u: h.u, v: h.v, solid: h.solid, triangle: h.triangle };
        Ok(hits.into_iter().map(|h| (h.triangle != abi::NOTHING).then(|| some(h))).collect())
    }

    /// The share of light, by colour, that passes along each ray: zero behind opaque triangles, tinted by panes.
    pub fn passed(&self, solids: &[&Solid], rays: &[Ray]) -> Result<Vec<[f32; 3]>, KernelError> {
        let launch = self.kernels.passed;
        self.launch(solids, rays, [0.0; 3], |view, rays, out, count| {
            // SAFETY: both slices hold `count` entries and the view outlives the call.
            unsafe { launch(view, rays, out, 0, count) }
        })
    }

    fn launch<T: Copy + Send>(
        &self,
        solids: &[&Solid],
        rays: &[Ray],
        empty: T,
        kernel: impl Fn(*const View, *const Ray, *mut T, u32) + Sync,
    ) -> Result<Vec<T>, KernelError> {
        if solids.len() > abi::SOLIDS_MAX {
            return Err(KernelError::TooMany { what: "solids", found: solids.len(), most: abi::SOLIDS_MAX });
        }
        let finite = |r: &Ray| r.origin.iter().chain(&r.direction).all(|x| x.is_finite()) && !r.near.is_nan() && !r.far.is_nan();
        if let Some(at) = rays.iter().position(|r| !finite(r)) {
            return Err(KernelError::NotFinite { list: "rays", at });
        }
        let views: Vec<_> = solids.iter().map(|s| s.view()).collect();
        let view = Shared(bare_view(&views));
        let (view, mut out) = (&view, vec![empty; rays.len()]);
        self.install(|| {
            out.par_chunks_mut(RAYS_AT_ONCE)
                .zip(rays.par_chunks(RAYS_AT_ONCE))
                .for_each(|(out, rays)| kernel(&view.0, rays.as_ptr(), out.as_mut_ptr(), rays.len() as u32));
        });
        Ok(out)
    }
}

/// A view of nothing but solids.
fn bare_view(solids: &[abi::SolidView]) -> View {
    let zero = [0.0; 3];
    View {
        solids: solids.as_ptr(),
        lamps: std::ptr::null(),
        table: std::ptr::null(),
        sky: SkyView {
            zenith: zero,
            horizon: zero,
            ground: zero,
            sun_direction: zero,
            sun_color: zero,
            sun_glow: 0.0,
            clouds: 0.0,
            stars: 0.0,
            fill: 0.0,
            mean: zero,
        },
        fog: FogView { density: 0.0, color: zero, height: 1.0 },
        camera: CameraView {
            position: zero,
            right: zero,
            up: zero,
            forward: zero,
            half_width: 1.0,
            half_height: 1.0,
            focus: 1.0,
            lens_radius: 0.0,
            near_m: 0.0,
        },
        solid_count: solids.len() as u32,
        lamp_count: 0,
        width: 1,
        height: 1,
        samples: 1,
        log2_samples: 0,
        bounces: 0,
        seed: 0,
        clamp: 0.0,
    }
}
