//! Solid shapes. Pattern coordinates are metres in the shape's own frame; the kernel reads them on the plane a face lies along.
//! Round things unroll: (along the girth, height, radius).

use super::{Model, p};
use glam::Vec3;
use klieg_kernels::scene::Material;

impl Model {
    /// A flat quadrilateral, corners in order; coordinates along its edges in metres.
    pub fn quad(&mut self, material: &Material, corners: [Vec3; 4]) {
        let id = self.material(material);
        let normal = (corners[1] - corners[0]).cross(corners[3] - corners[0]).normalize_or(Vec3::Y);
        let turned = (self.normal_frame() * normal).normalize_or(Vec3::Y);
        let c = corners.map(|c| self.raw_vertex(c, turned, c.to_array()));
        self.geometry.triangle(c[0], c[1], c[2], id);
        self.geometry.triangle(c[0], c[2], c[3], id);
    }

    /// A box around `centre`, edges broken by `bevel` (0: sharp, 12 triangles; else 44).
    pub fn block(&mut self, material: &Material, centre: Vec3, size: Vec3, bevel: f32) {
        let id = self.material(material);
        let half = size * 0.5;
        let bevel = bevel.min(half.min_element() * 0.45);
        let frame = self.normal_frame();
        let corner = |model: &mut Model, sign: Vec3, axis: usize| {
            let mut at = half - Vec3::splat(bevel);
            at[axis] = half[axis];
            let mut normal = Vec3::ZERO;
            normal[axis] = sign[axis];
            let local = centre + at * sign;
            model.raw_vertex(local, (frame * normal).normalize_or(Vec3::Y), local.to_array())
        };
        let mut ids = [[0u32; 3]; 8];
        for (k, triple) in ids.iter_mut().enumerate() {
            let sign = p(sign_bit(k, 0), sign_bit(k, 1), sign_bit(k, 2));
            for (axis, slot) in triple.iter_mut().enumerate() {
                *slot = corner(self, sign, axis);
            }
        }
        #[expect(clippy::needless_range_loop, reason = "the axis names two things: a bit of the corner and its normal")]
        for axis in 0..3 {
            let (u, v) = (1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3));
            for side in [0, 1 << axis] {
                let q = [side, side | u, side | u | v, side | v].map(|k| ids[k][axis]);
                self.geometry.triangle(q[0], q[1], q[2], id);
                self.geometry.triangle(q[0], q[2], q[3], id);
            }
        }
        if bevel > 0.0 {
            self.break_edges(&ids, id);
        }
    }

    fn break_edges(&mut self, ids: &[[u32; 3]; 8], id: u16) {
        for along in 0..3 {
            let (u, v) = ((along + 1) % 3, (along + 2) % 3);
            for k in [0, 1 << u, 1 << v, (1 << u) | (1 << v)] {
                let far = k | (1 << along);
                let q = [ids[k][u], ids[far][u], ids[far][v], ids[k][v]];
                self.geometry.triangle(q[0], q[1], q[2], id);
                self.geometry.triangle(q[0], q[2], q[3], id);
            }
        }
        for triple in ids {
            self.geometry.triangle(triple[0], triple[1], triple[2], id);
        }
    }

    /// A box standing on `foot` (the centre of its underside).
    pub fn stand(&mut self, material: &Material, foot: Vec3, size: Vec3, bevel: f32) {
        self.block(material, foot + p(0.0, size.y * 0.5, 0.0), size, bevel);
    }

    /// A surface of revolution about +Y through (x, z) = 0: `profile` is (radius, height) from one end to the other.
    pub fn lathe(&mut self, material: &Material, profile: &[(f32, f32)], around: u32) {
        self.lathe_faceted(material, profile, around, 0.0);
    }

    /// Like [`Model::lathe`], its ring turned by `turn` radians; `around` = 4 makes square pillars with soft corners.
    pub fn lathe_faceted(&mut self, material: &Material, profile: &[(f32, f32)], around: u32, turn: f32) {
        let id = self.material(material);
        let frame = self.normal_frame();
        let slopes: Vec<(f32, f32)> = (0..profile.len()).map(|i| profile_normal(profile, i)).collect();
        let first = self.geometry.positions.len() as u32;
        let girth = profile.iter().map(|q| q.0).fold(0.0, f32::max);
        for k in 0..=around {
            let angle = turn + std::f32::consts::TAU * k as f32 / around as f32;
            let (s, c) = angle.sin_cos();
            for (&(r, y), &(nr, ny)) in profile.iter().zip(&slopes) {
                let normal = (frame * p(nr * s, ny, nr * c)).normalize_or(Vec3::Y);
                self.raw_vertex(p(r * s, y, r * c), normal, [angle * girth, y, r]);
            }
        }
        self.grid_triangles(first, around, profile.len() as u32 - 1, id);
    }

    /// Triangles over a grid of (columns + 1) × (rows + 1) vertices laid down column by column.
    pub(super) fn grid_triangles(&mut self, first: u32, columns: u32, rows: u32, id: u16) {
        for c in 0..columns {
            for r in 0..rows {
                let a = first + c * (rows + 1) + r;
                let b = a + rows + 1;
                self.geometry.triangle(a, b, b + 1, id);
                self.geometry.triangle(a, b + 1, a + 1, id);
            }
        }
    }

    /// An ellipsoid.
    pub fn ball(&mut self, material: &Material, centre: Vec3, radii: Vec3, around: u32) {
        let id = self.material(material);
        let frame = self.normal_frame();
        let rows = (around / 2).max(2);
        let first = self.geometry.positions.len() as u32;
        for k in 0..=around {
            let (s, c) = (std::f32::consts::TAU * k as f32 / around as f32).sin_cos();
            for j in 0..=rows {
                let (ring, up) = (std::f32::consts::PI * j as f32 / rows as f32).sin_cos();
                let unit = p(ring * s, up, ring * c);
                let normal = (frame * (unit / radii)).normalize_or(Vec3::Y);
                let local = unit * radii;
                self.raw_vertex(centre + local, normal, (local).to_array());
            }
        }
        self.grid_triangles(first, around, rows, id);
    }

    /// A tube along `path`; `radius(t)` for t from 0 to 1; open ends.
    pub fn tube(&mut self, material: &Material, path: &[Vec3], radius: impl Fn(f32) -> f32, around: u32) {
        if path.len() < 2 {
            return;
        }
        let id = self.material(material);
        let frame = self.normal_frame();
        let first = self.geometry.positions.len() as u32;
        let (mut side, mut length) = (first_side(path), 0.0);
        for (i, &at) in path.iter().enumerate() {
            let along = tangent(path, i);
            side = (side - along * side.dot(along)).normalize_or(along.any_orthonormal_vector());
            let up = along.cross(side);
            length += if i > 0 { at.distance(path[i - 1]) } else { 0.0 };
            let r = radius(i as f32 / (path.len() - 1) as f32);
            for k in 0..=around {
                let angle = std::f32::consts::TAU * k as f32 / around as f32;
                let out = side * angle.cos() + up * angle.sin();
                self.raw_vertex(at + out * r, (frame * out).normalize_or(Vec3::Y), [angle * r, length, r]);
            }
        }
        self.grid_triangles(first, path.len() as u32 - 1, around, id);
    }

    /// A straight round bar.
    pub fn bar(&mut self, material: &Material, from: Vec3, to: Vec3, radius: f32) {
        self.tube(material, &[from, to], |_| radius, 8);
    }

    /// A surface `f(u, v)` for u, v from 0 to 1, smooth; coordinates in metres along its sides.
    pub fn sheet(&mut self, material: &Material, columns: u32, rows: u32, f: impl Fn(f32, f32) -> Vec3) {
        let id = self.material(material);
        let frame = self.normal_frame();
        let first = self.geometry.positions.len() as u32;
        let step = 0.25 / columns.max(rows) as f32;
        for c in 0..=columns {
            for r in 0..=rows {
                let (u, v) = (c as f32 / columns as f32, r as f32 / rows as f32);
                let at = f(u, v);
                let du = f(u + step, v) - f(u - step, v);
                let dv = f(u, v + step) - f(u, v - step);
                let normal = dv.cross(du).normalize_or(Vec3::Y);
                self.raw_vertex(at, (frame * normal).normalize_or(Vec3::Y), at.to_array());
            }
        }
        self.grid_triangles(first, columns, rows, id);
    }

    /// A convex outline in (x, y), drawn out along z from `back` to `front`.
    pub fn slab(&mut self, material: &Material, outline: &[(f32, f32)], back: f32, front: f32) {
        let n = outline.len();
        for i in 0..n {
            let (a, b) = (outline[i], outline[(i + 1) % n]);
            self.quad(material, [p(a.0, a.1, front), p(b.0, b.1, front), p(b.0, b.1, back), p(a.0, a.1, back)]);
        }
        let id = self.material(material);
        for (z, facing) in [(front, Vec3::Z), (back, Vec3::NEG_Z)] {
            let ring: Vec<u32> = outline.iter().map(|&(x, y)| self.vertex(p(x, y, z), facing, [x, y, z])).collect();
            for i in 1..n - 1 {
                self.geometry.triangle(ring[0], ring[i], ring[i + 1], id);
            }
        }
    }

    /// A gable roof over a house `wide` (x) × `deep` (z), ridge along z, eaves at y = 0, overhanging by `over`.
    pub fn gable(&mut self, roof: &Material, wall: &Material, wide: f32, deep: f32, rise: f32, over: f32) {
        let half = wide * 0.5;
        let slope = rise / half;
        for side in [-1.0f32, 1.0] {
            let edge = side * (half + over);
            let (top, low, thick) = (rise, -over * slope, 0.12);
            let (front, back) = (deep * 0.5 + over, -deep * 0.5 - over);
            let outline = [(0.0, top), (edge, low), (edge, low + thick), (0.0, top + thick)];
            self.slab(roof, &outline, back, front);
        }
        self.slab(wall, &[(-half, 0.0), (half, 0.0), (0.0, rise)], -deep * 0.5, deep * 0.5);
    }

    /// An arch in the wall plane (x, y): a band of `thick` around a half-circle of `radius` springing from y = 0, `deep` in z.
    pub fn arch(&mut self, material: &Material, radius: f32, thick: f32, deep: f32, pointed: f32) {
        let point = |t: f32, r: f32| {
            let a = std::f32::consts::PI * t;
            let lift = 1.0 + pointed * (a.sin().powi(6));
            (-a.cos() * r, a.sin() * r * lift)
        };
        let steps = 12;
        for i in 0..steps {
            let (t0, t1) = (i as f32 / steps as f32, (i + 1) as f32 / steps as f32);
            let outline = [point(t0, radius), point(t1, radius), point(t1, radius + thick), point(t0, radius + thick)];
            self.slab(material, &outline, -deep * 0.5, deep * 0.5);
        }
    }

    /// A flight of `steps` rising towards −z from (0, 0, 0).
    pub fn stairs(&mut self, material: &Material, wide: f32, steps: u32, rise: f32, run: f32) {
        for i in 0..steps {
            let (y, z) = (i as f32 * rise, -(i as f32) * run);
            let deep = (steps - i) as f32 * run;
            self.stand(material, p(0.0, y, z - deep * 0.5), p(wide, rise, deep), 0.015);
        }
    }
}

fn sign_bit(k: usize, axis: usize) -> f32 {
    if k >> axis & 1 == 1 { 1.0 } else { -1.0 }
}

/// Outward (radius, height) normal of a profile at its i-th point.
fn profile_normal(profile: &[(f32, f32)], i: usize) -> (f32, f32) {
    let a = profile[i.saturating_sub(1)];
    let b = profile[(i + 1).min(profile.len() - 1)];
    let (dr, dy) = (b.0 - a.0, b.1 - a.1);
    let up = if profile[0].1 <= profile[profile.len() - 1].1 { 1.0 } else { -1.0 };
    let length = (dr * dr + dy * dy).sqrt().max(1e-6);
    (dy * up / length, -dr * up / length)
}

fn first_side(path: &[Vec3]) -> Vec3 {
    let along = tangent(path, 0);
    if along.y.abs() > 0.9 { Vec3::X } else { Vec3::Y }
}

fn tangent(path: &[Vec3], i: usize) -> Vec3 {
    let a = path[i.saturating_sub(1)];
    let b = path[(i + 1).min(path.len() - 1)];
    (b - a).normalize_or(Vec3::Y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_fills_its_size_and_its_normals_point_out() {
        let g = Model::of(|m| m.block(&Material::default(), p(1.0, 2.0, 3.0), p(2.0, 4.0, 6.0), 0.1));
        assert_eq!(g.triangles.len(), 44);
        let low = g.positions.iter().fold([f32::MAX; 3], |l, q| std::array::from_fn(|i| l[i].min(q[i])));
        let high = g.positions.iter().fold([f32::MIN; 3], |l, q| std::array::from_fn(|i| l[i].max(q[i])));
        assert_eq!((low, high), ([0.0, 0.0, 0.0], [2.0, 4.0, 6.0]));
        for (at, n) in g.positions.iter().zip(&g.normals) {
            assert!((Vec3::from(*at) - p(1.0, 2.0, 3.0)).dot(Vec3::from(*n)) > 0.0);
        }
    }

    #[test]
    fn a_lathe_stays_round_and_faces_out() {
        let g = Model::of(|m| m.lathe(&Material::default(), &[(0.5, 0.0), (0.5, 1.0), (0.2, 1.5)], 12));
        for (at, n) in g.positions.iter().zip(&g.normals) {
            assert!((at[0].hypot(at[2]) - 0.5).abs() < 0.31);
            assert!(at[0] * n[0] + at[2] * n[2] > 0.0, "a wall's normal points away from the axis");
        }
    }

    #[test]
    fn level_ground_looks_up() {
        let g = Model::of(|m| m.sheet(&Material::default(), 4, 4, |u, v| p(u * 2.0 - 1.0, 0.0, v * 2.0 - 1.0)));
        assert!(g.normals.iter().all(|n| n[1] > 0.99));
    }
}
