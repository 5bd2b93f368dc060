//! Free rays against solids: what is hit first, and what light passes.

use crate::abi::{self, CameraView, FogView, SkyView, View};
use crate::error::KernelError;
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

impl RawHit {
    pub const NONE: Self = Self { t: 0.0, u: 0.0, v: 0.0, solid: 0, triangle: abi::NOTHING };

    pub fn hit(self) -> Option<Hit> {
        let Self { t, u, v, solid, triangle } = self;
        (triangle != abi::NOTHING).then_some(Hit { t, u, v, solid, triangle })
    }
}

/// Refuses what no device can walk; gives the number of rays.
pub(crate) fn check(solids: &[&Solid], rays: &[Ray]) -> Result<u32, KernelError> {
    if solids.len() > abi::SOLIDS_MAX {
        return Err(KernelError::TooMany { what: "solids", found: solids.len(), most: abi::SOLIDS_MAX });
    }
    let finite = |r: &Ray| r.origin.iter().chain(&r.direction).all(|x| x.is_finite()) && !r.near.is_nan() && !r.far.is_nan();
    if let Some(at) = rays.iter().position(|r| !finite(r)) {
        return Err(KernelError::NotFinite { list: "rays", at });
    }
    u32::try_from(rays.len()).map_err(|_| KernelError::TooMany { what: "rays", found: rays.len(), most: u32::MAX as usize })
}

/// A view of nothing but solids.
pub(crate) fn bare_view(solids: *const abi::SolidView, count: usize) -> View {
    let zero = [0.0; 3];
    View {
        solids,
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
        solid_count: count as u32,
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

#[cfg(test)]
mod tests {
    use glam::DVec3;
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::Cpu;
    use crate::render::Build;
    use crate::scene::{Geometry, Material, Pattern, Texture};

    fn soup(corners: &[[[f32; 3]; 3]], material: Material) -> Geometry {
        let mut g = Geometry::default();
        let m = g.material(material);
        for t in corners {
            let [a, b, c] = t.map(|p| g.vertex(p, [0.0, 1.0, 0.0], [p[0] * 0.1 + 0.5, p[1] * 0.1 + 0.5, 0.0], [1.0; 3]));
            g.triangle(a, b, c, m);
        }
        g
    }

    /// Möller–Trumbore in f64, over all triangles: the distance to the nearest.
    fn oracle(corners: &[[[f32; 3]; 3]], ray: &Ray) -> Option<f64> {
        let d = |v: [f32; 3]| DVec3::new(v[0].into(), v[1].into(), v[2].into());
        let (o, direction) = (d(ray.origin), d(ray.direction));
        let hit = |t: &[[f32; 3]; 3]| {
            let (a, e1, e2) = (d(t[0]), d(t[1]) - d(t[0]), d(t[2]) - d(t[0]));
            let p = direction.cross(e2);
            let det = e1.dot(p);
            let (s, inv) = (o - a, 1.0 / det);
            let u = s.dot(p) * inv;
            let q = s.cross(e1);
            let (v, at) = (direction.dot(q) * inv, e2.dot(q) * inv);
            (det != 0.0 && u >= 0.0 && v >= 0.0 && u + v <= 1.0 && at > f64::from(ray.near) && at <= f64::from(ray.far))
                .then_some(at)
        };
        corners.iter().filter_map(hit).min_by(f64::total_cmp)
    }

    fn point(size: f32) -> impl Strategy<Value = [f32; 3]> {
        prop::array::uniform3(-size..size)
    }

    /// Small triangles spread over a box.
    fn triangles() -> impl Strategy<Value = Vec<[[f32; 3]; 3]>> {
        let one = (point(4.0), point(1.5), point(1.5))
            .prop_map(|(a, u, v)| [a, std::array::from_fn(|i| a[i] + u[i]), std::array::from_fn(|i| a[i] + v[i])]);
        prop::collection::vec(one, 0..200)
    }

    fn rays() -> impl Strategy<Value = Vec<Ray>> {
        let one =
            (point(6.0), point(1.0), 1.0f32..20.0).prop_map(|(origin, direction, far)| Ray { origin, near: 0.0, direction, far });
        prop::collection::vec(one, 64)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_nearest_hit_is_that_of_brute_force(corners in triangles(), rays in rays()) {
            let geometry = soup(&corners, Material::default());
            for (cpu, build) in [(Cpu::new(1), Build::Best), (Cpu::plain(1), Build::Fast)] {
                let solid = cpu.solid(&geometry, build).unwrap();
                let hits = cpu.nearest(&[&solid], &rays).unwrap();
                for (ray, hit) in rays.iter().zip(hits) {
                    let wanted = oracle(&corners, ray);
                    match (hit, wanted) {
                        (Some(h), Some(t)) => prop_assert!((f64::from(h.t) - t).abs() <= 1e-3 * t.max(1.0) || grazes(&corners, ray), "{} or {t}", h.t),
                        (None, None) => {}
                        // Only a ray within rounding of an edge, or of the end of its stretch, may be judged otherwise.
                        _ => prop_assert!(grazes(&corners, ray), "{hit:?} or {wanted:?}"),
                    }
                }
            }
        }

        #[test]
        fn light_passes_exactly_where_nothing_is_hit(corners in triangles(), rays in rays()) {
            let cpu = Cpu::new(1);
            let half = corners.len() / 2;
            let solids = [&corners[..half], &corners[half..]].map(|c| cpu.solid(&soup(c, Material::default()), Build::Fast).unwrap());
            let solids = [&solids[0], &solids[1]];
            let (hits, passed) = (cpu.nearest(&solids, &rays).unwrap(), cpu.passed(&solids, &rays).unwrap());
            for (hit, share) in hits.iter().zip(passed) {
                prop_assert_eq!(share, if hit.is_some() { [0.0; 3] } else { [1.0; 3] });
            }
        }

        /// In a pose near by, one far off, and with a triangle fewer.
        #[test]
        fn a_posed_solid_is_hit_as_a_new_one_is(corners in triangles(), rays in rays(), turn in -0.3f32..0.3, far in any::<bool>()) {
            let cpu = Cpu::new(1);
            let bend = if far { 3.0 } else { 0.0 };
            let move_by = |p: [f32; 3]| [p[0] + turn * p[1] + bend * (7.0 * p[2]).sin(), p[1] - bend * (9.0 * p[0]).cos(), p[2] + turn];
            let moved: Vec<_> = corners.iter().map(|t| t.map(move_by)).collect();
            let rest = cpu.solid(&soup(&corners, Material::default()), Build::Best).unwrap();
            for pose in [&moved[..], &moved[..moved.len().saturating_sub(1)]] {
                let geometry = soup(pose, Material::default());
                let (posed, fresh) = (rest.posed(&geometry).unwrap(), cpu.solid(&geometry, Build::Fast).unwrap());
                prop_assert_eq!(cpu.nearest(&[&posed], &rays).unwrap(), cpu.nearest(&[&fresh], &rays).unwrap());
                prop_assert_eq!(cpu.passed(&[&posed], &rays).unwrap(), cpu.passed(&[&fresh], &rays).unwrap());
            }
        }

        #[test]
        fn every_instruction_set_and_build_gives_the_same_bits(corners in triangles(), rays in rays()) {
            let geometry = soup(&corners, Material::default());
            let (best, plain) = (Cpu::new(2), Cpu::plain(1));
            let solid = best.solid(&geometry, Build::Best).unwrap();
            let fast = plain.solid(&geometry, Build::Fast).unwrap();
            let a = best.nearest(&[&solid], &rays).unwrap();
            for cpu in Cpu::of_every_set(1) {
                prop_assert_eq!(&a, &cpu.nearest(&[&solid], &rays).unwrap());
            }
            prop_assert_eq!(&a, &plain.nearest(&[&fast], &rays).unwrap());
        }
    }

    /// Whether a ray passes within a hair of an edge, where single precision may decide either way.
    fn grazes(corners: &[[[f32; 3]; 3]], ray: &Ray) -> bool {
        let moved = |dx: f32, dy: f32, df: f32| Ray {
            direction: [ray.direction[0] + dx, ray.direction[1] + dy, ray.direction[2] - dx],
            far: ray.far * df,
            ..*ray
        };
        let changes =
            [(1e-4, 0.0, 1.0), (-1e-4, 0.0, 1.0), (0.0, 1e-4, 1.0), (0.0, -1e-4, 1.0), (0.0, 0.0, 1.0001), (0.0, 0.0, 0.9999)];
        let found: Vec<_> = changes.iter().map(|&(x, y, f)| oracle(corners, &moved(x, y, f))).collect();
        let here = oracle(corners, ray);
        found.iter().any(|f| match (f, here) {
            (Some(a), Some(b)) => (a - b).abs() > 1e-2 * b,
            (None, None) => false,
            _ => true,
        })
    }

    #[test]
    fn a_pane_tints_light_and_a_cut_out_lets_it_through() {
        let cpu = Cpu::new(1);
        let square =
            [[[-5.0, -5.0, 0.0], [5.0, -5.0, 0.0], [5.0, 5.0, 0.0]], [[-5.0, -5.0, 0.0], [5.0, 5.0, 0.0], [-5.0, 5.0, 0.0]]];
        let pane =
            cpu.solid(&soup(&square, Material { base: [1.0, 0.5, 0.25], glass: 1.0, ..Material::default() }), Build::Fast).unwrap();
        let mut leaf = soup(&square, Material { pattern: Pattern::Image, ..Material::default() });
        // Two texels: the left one is cut out.
        leaf.textures.push(Texture { width: 2, height: 1, rgba: vec![255, 255, 255, 0, 255, 255, 255, 255] });
        let leaf = cpu.solid(&leaf, Build::Fast).unwrap();
        let ray = |x: f32| Ray { origin: [x, 0.3, 2.0], near: 0.0, direction: [0.0, 0.0, -1.0], far: 10.0 };
        let through = cpu.passed(&[&pane], &[ray(1.0)]).unwrap()[0];
        assert!(
            (through[0] - 0.9).abs() < 1e-6 && (through[1] - 0.45).abs() < 1e-6 && (through[2] - 0.225).abs() < 1e-6,
            "{through:?}"
        );
        assert_eq!(cpu.passed(&[&leaf], &[ray(-2.0), ray(2.0)]).unwrap(), [[1.0; 3], [0.0; 3]]);
        let hits = cpu.nearest(&[&leaf], &[ray(-2.0), ray(2.0)]).unwrap();
        assert!(hits[0].is_none() && hits[1].is_some());
    }

    /// On boxes that all coincide the bottom-up tree would take time that grows with their square.
    #[test]
    fn coinciding_triangles_build_at_once_and_the_first_wins() {
        let cpu = Cpu::new(1);
        let one = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        for build in [Build::Best, Build::Fast] {
            let solid = cpu.solid(&soup(&vec![one; 100_000], Material::default()), build).unwrap();
            let ray = Ray { origin: [0.2, 0.2, 1.0], near: 0.0, direction: [0.0, 0.0, -1.0], far: 10.0 };
            let hit = cpu.nearest(&[&solid], &[ray]).unwrap()[0].unwrap();
            assert_eq!((hit.triangle, hit.t), (0, 1.0));
        }
    }

    #[test]
    fn a_ray_that_is_no_number_is_refused() {
        let ray = Ray { origin: [f32::NAN, 0.0, 0.0], near: 0.0, direction: [0.0, 0.0, 1.0], far: 1.0 };
        assert_eq!(Cpu::new(1).nearest(&[], &[ray]), Err(KernelError::NotFinite { list: "rays", at: 0 }));
    }
}
