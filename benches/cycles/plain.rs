//! A frame without what only one of two renderers can express.

use super::frame::Still;
use glam::Vec3;
use klieg_kernels::scene::{Fog, Geometry, Light, Look, Material, Pattern, Rgb, Sky};

/// Small enough to be Lambert's cosine to the last bit that counts, large enough that klieg takes that branch.
const LAMBERT: f32 = 1e-6;

/// Of balls' radii: klieg's balls shine from their surface, Cycles' from a disc through their middle, which differs near by.
const SMALLER: f32 = 0.25;

/// One solid of flat, Lambertian triangles; spots become balls; light times `dim`.
pub fn plain(still: Still, dim: f32) -> Still {
    let mut all = Geometry::default();
    for g in &still.solids {
        flatten(g, &still.lights, &mut all);
    }
    let sky =
        std::array::from_fn(|i| dim * still.sky.fill * (still.sky.zenith[i] + still.sky.horizon[i] + still.sky.ground[i]) / 3.0);
    Still {
        solids: [all, Geometry::default()],
        lights: still.lights.iter().map(|l| dimmed(l, dim)).collect(),
        sky: Sky { zenith: sky, horizon: sky, ground: sky, sun_glow: 0.0, clouds: 0.0, stars: 0.0, fill: 1.0 },
        fog: Fog::default(),
        camera: still.camera,
        look: Look::default(),
    }
}

/// Whether a triangle reaches into a lamp's ball: wick, bowl and glass would shade the disc, but not the surface.
fn inside_a_lamp(corners: [Vec3; 3], lights: &[Light]) -> bool {
    lights.iter().any(|l| match *l {
        Light::Ball { position, radius, .. } | Light::Spot { position, radius, .. } => {
            corners.iter().any(|c| c.distance(position.into()) < 1.5 * radius)
        }
        _ => false,
    })
}

fn flatten(g: &Geometry, lights: &[Light], out: &mut Geometry) {
    for (t, &m) in g.triangles.iter().zip(&g.material_of) {
        let m = &g.materials[m as usize];
        if m.glass > 0.5 || m.pattern == Pattern::Image || m.emission.iter().any(|e| *e > 0.5) {
            continue;
        }
        let [a, b, c] = t.map(|i| Vec3::from(g.positions[i as usize]));
        if inside_a_lamp([a, b, c], lights) {
            continue;
        }
        let Some(normal) = (b - a).cross(c - a).try_normalize() else { continue };
        let base = m.base.map(|x| x.clamp(0.02, 0.9));
        let material =
            out.material(Material { base, wrap: LAMBERT, roughness: 1.0, specular: 0.0, variation: 0.0, ..Material::default() });
        let [a, b, c] = [a, b, c].map(|p| out.vertex(p.to_array(), normal.to_array(), [0.0; 3], [1.0; 3]));
        out.triangle(a, b, c, material);
    }
}

fn dimmed(light: &Light, dim: f32) -> Light {
    let by = |c: Rgb| c.map(|x| x * dim);
    match *light {
        Light::Sun { direction, irradiance, diameter_degrees } => {
            Light::Sun { direction, irradiance: by(irradiance), diameter_degrees }
        }
        Light::Panel { position, u, v, intensity } => Light::Panel { position, u, v, intensity: by(intensity) },
        Light::Ball { position, radius, intensity } | Light::Spot { position, radius, intensity, .. } => {
            Light::Ball { position, radius: radius * SMALLER, intensity: by(intensity) }
        }
    }
}
