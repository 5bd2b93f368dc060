//! Modelled surfaces before they move: vertices bound to joints, built from grids, sweeps and nets.

use crate::field::Net;
use glam::{Affine3A, Vec3};
use klieg_kernels::scene::{Geometry, Material};
use std::ops::Range;

/// Up to four joints a vertex follows, and its shares (sum 1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bind {
    pub joints: [u8; 4],
    pub shares: [f32; 4],
}

impl Bind {
    /// Follows one joint.
    pub fn rigid(joint: crate::Joint) -> Bind {
        Bind { joints: [joint as u8; 4], shares: [1.0, 0.0, 0.0, 0.0] }
    }

    /// The four greatest of a joint-indexed list of shares, normalised.
    pub fn of(shares: &[f32; crate::Joint::COUNT]) -> Bind {
        let mut bind = Bind::default();
        for (joint, share) in shares.iter().enumerate() {
            let mut entry = (joint as u8, *share);
            for slot in 0..4 {
                if entry.1 > bind.shares[slot] {
                    std::mem::swap(&mut bind.joints[slot], &mut entry.0);
                    std::mem::swap(&mut bind.shares[slot], &mut entry.1);
                }
            }
        }
        let sum: f32 = bind.shares.iter().sum();
        bind.shares = bind.shares.map(|s| s / sum.max(1e-9));
        bind
    }
}

/// As a material of a grid's cell: leave a hole.
pub(crate) const NOTHING: u16 = u16::MAX;

/// A mesh under construction. Positions are rest-pose metres in the puppet's frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mesh {
    pub positions: Vec<Vec3>,
    pub normals: Vec<Vec3>,
    pub coords: Vec<Vec3>,
    pub tints: Vec<Vec3>,
    pub binds: Vec<Bind>,
    /// How freely a vertex hangs, 0–1: swing and contact with seat and floor.
    pub loose: Vec<f32>,
    pub triangles: Vec<[u32; 3]>,
    pub material_of: Vec<u16>,
    pub materials: Vec<Material>,
}

impl Mesh {
    pub fn material(&mut self, m: Material) -> u16 {
        if let Some(at) = self.materials.iter().position(|known| *known == m) {
            return at as u16;
        }
        self.materials.push(m);
        (self.materials.len() - 1) as u16
    }

    pub fn vertex(&mut self, p: Vec3, n: Vec3, coord: Vec3) -> u32 {
        self.positions.push(p);
        self.normals.push(n);
        self.coords.push(coord);
        self.tints.push(Vec3::ONE);
        self.binds.push(Bind::rigid(crate::Joint::Hips));
        self.loose.push(0.0);
        (self.positions.len() - 1) as u32
    }

    pub fn triangle(&mut self, t: [u32; 3], material: u16) {
        let [a, b, c] = t.map(|i| self.positions[i as usize]);
        if (b - a).cross(c - a).length_squared() > 1e-16 {
            self.triangles.push(t);
            self.material_of.push(material);
        }
    }

    /// A sheet of `rows` × `cols` points. With `wrap` the last column is the first one again (given twice, so that coordinates may
    /// run on). Normals are smooth, across the wrap and at poles (rows of one point) too.
    pub fn grid(
        &mut self,
        (rows, cols, wrap): (usize, usize, bool),
        point: impl Fn(usize, usize) -> Vec3,
        coord: impl Fn(usize, usize) -> Vec3,
        material: impl Fn(usize, usize) -> u16,
    ) -> Range<usize> {
        let first = self.positions.len();
        let points: Vec<Vec3> = (0..rows * cols).map(|i| point(i / cols, i % cols)).collect();
        let normals = grid_normals(&points, rows, cols, wrap);
        for (i, (p, n)) in points.iter().zip(&normals).enumerate() {
            self.vertex(*p, *n, coord(i / cols, i % cols));
        }
        for r in 0..rows.saturating_sub(1) {
            for c in 0..cols.saturating_sub(1) {
                let at = |r: usize, c: usize| (first + r * cols + c) as u32;
                let m = material(r, c);
                if m == NOTHING {
                    continue;
                }
                self.triangle([at(r, c), at(r, c + 1), at(r + 1, c)], m);
                self.triangle([at(r, c + 1), at(r + 1, c + 1), at(r + 1, c)], m);
            }
        }
        first..self.positions.len()
    }

    /// A closed tube through `stations`, each a centre with two half-axes; round ends. `sides` points around, `power` 1 an
    /// ellipse, lower squarer. Coordinates: around 0–1, along 0–1.
    pub fn sweep(&mut self, stations: &[Station], sides: usize, material: u16) -> Range<usize> {
        let n = stations.len();
        let rows = n + 2;
        let point = |r: usize, c: usize| {
            let angle = c as f32 / sides as f32 * std::f32::consts::TAU;
            match r {
                0 => stations[0].centre,
                r if r == n + 1 => stations[n - 1].centre,
                r => {
                    let s = &stations[r - 1];
                    let (sin, cos) = angle.sin_cos();
                    s.centre + s.side * shaped(cos, s.power) + s.up * shaped(sin, s.power)
                }
            }
        };
        let coord = |r: usize, c: usize| Vec3::new(c as f32 / sides as f32, r.clamp(1, n) as f32 / n as f32, 0.0);
        self.grid((rows, sides + 1, true), point, coord, |_, _| material)
    }

    /// An ellipsoid with axes `axes` (columns are the half-axes), `rows` from pole to pole along the first axis.
    pub fn ball(&mut self, centre: Vec3, axes: [Vec3; 3], (rows, sides): (usize, usize), material: u16) -> Range<usize> {
        let point = |r: usize, c: usize| {
            let (sin, cos) = (r as f32 / (rows - 1) as f32 * std::f32::consts::PI).sin_cos();
            let (s, t) = (c as f32 / sides as f32 * std::f32::consts::TAU).sin_cos();
            centre + axes[0] * cos + (axes[1] * t + axes[2] * s) * sin
        };
        let coord = |r: usize, c: usize| Vec3::new(c as f32 / sides as f32, r as f32 / (rows - 1) as f32, 0.0);
        self.grid((rows, sides + 1, true), point, coord, |_, _| material)
    }

    /// A surface net; `material` chooses by the middle of each quad; quads whose corners all are `hidden` are left out.
    pub fn net(&mut self, net: &Net, hidden: impl Fn(Vec3) -> bool, material: impl Fn(Vec3) -> u16) -> Range<usize> {
        let first = self.positions.len();
        let unseen: Vec<bool> = net.positions.iter().map(|p| hidden(*p)).collect();
        let mut index = vec![u32::MAX; net.positions.len()];
        for quad in &net.quads {
            if quad.iter().all(|i| unseen[*i as usize]) {
                continue;
            }
            let corners = quad.map(|i| net.positions[i as usize]);
            let m = material((corners[0] + corners[1] + corners[2] + corners[3]) * 0.25);
            let q = quad.map(|i| {
                let i = i as usize;
                if index[i] == u32::MAX {
                    index[i] = self.vertex(net.positions[i], net.normals[i], net.positions[i]);
                }
                index[i]
            });
            self.triangle([q[0], q[1], q[2]], m);
            self.triangle([q[0], q[2], q[3]], m);
        }
        first..self.positions.len()
    }

    /// Binds the vertices of `range` by their rest position.
    pub fn bind(&mut self, range: Range<usize>, bind: impl Fn(Vec3) -> Bind) {
        for i in range {
            self.binds[i] = bind(self.positions[i]);
        }
    }

    /// Moves the vertices of `range` by a rigid transform (before binding).
    pub fn place(&mut self, range: Range<usize>, by: Affine3A) {
        for i in range {
            self.positions[i] = by.transform_point3(self.positions[i]);
            self.normals[i] = by.transform_vector3(self.normals[i]).normalize_or(Vec3::Y);
        }
    }

    pub fn tint(&mut self, range: Range<usize>, tint: impl Fn(Vec3) -> Vec3) {
        for i in range {
            self.tints[i] = tint(self.positions[i]);
        }
    }

    /// Appends this mesh, moved rigidly, to world geometry.
    pub fn emit(&self, out: &mut Geometry, place: Affine3A) {
        self.emit_with(out, |i| {
            (place.transform_point3(self.positions[i]), place.transform_vector3(self.normals[i]).normalize_or(Vec3::Y))
        });
    }

    /// Appends this mesh with each vertex's world position and normal from `at`.
    pub fn emit_with(&self, out: &mut Geometry, at: impl Fn(usize) -> (Vec3, Vec3)) {
        let first = out.positions.len() as u32;
        let materials: Vec<u16> = self.materials.iter().map(|m| out.material(*m)).collect();
        for i in 0..self.positions.len() {
            let (p, n) = at(i);
            out.vertex(p.to_array(), n.to_array(), self.coords[i].to_array(), self.tints[i].to_array());
        }
        for (t, m) in self.triangles.iter().zip(&self.material_of) {
            out.triangle(t[0] + first, t[1] + first, t[2] + first, materials[*m as usize]);
        }
    }
}

/// Where a sweep is at one point of its path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Station {
    pub centre: Vec3,
    /// Half-axes of the section.
    pub side: Vec3,
    pub up: Vec3,
    /// 1 round, below 1 squarer.
    pub power: f32,
}

/// Stations along `path` with sections `width(t)` × `height(t)` (half-axes), `up(t)` roughly along the height.
pub(crate) fn along(path: &[Vec3], up: impl Fn(f32) -> Vec3, size: impl Fn(f32) -> (f32, f32), power: f32) -> Vec<Station> {
    let n = path.len();
    (0..n)
        .map(|i| {
            let t = i as f32 / (n - 1) as f32;
            let forward = (path[(i + 1).min(n - 1)] - path[i.saturating_sub(1)]).normalize_or(Vec3::Y);
            let up = up(t);
            let side = up.cross(forward).normalize_or(Vec3::X);
            let up = forward.cross(side);
            let (w, h) = size(t);
            Station { centre: path[i], side: side * w, up: up * h, power }
        })
        .collect()
}

/// Catmull-Rom through `points`, `n` samples, evenly in parameter.
pub(crate) fn curve(points: &[Vec3], n: usize) -> Vec<Vec3> {
    let last = points.len() - 1;
    (0..n)
        .map(|i| {
            let t = i as f32 / (n - 1) as f32 * last as f32;
            let k = (t as usize).min(last - 1);
            let u = t - k as f32;
            let p = |j: isize| points[(k as isize + j).clamp(0, last as isize) as usize];
            let (a, b, c, d) = (p(-1), p(0), p(1), p(2));
            (b * 2.0 + (c - a) * u + (a * 2.0 - b * 5.0 + c * 4.0 - d) * (u * u) + (b * 3.0 - a - c * 3.0 + d) * (u * u * u)) * 0.5
        })
        .collect()
}

fn shaped(x: f32, power: f32) -> f32 {
    if power == 1.0 { x } else { x.signum() * x.abs().powf(power) }
}

/// Smooth normals of a sheet of points.
pub(crate) fn grid_normals(points: &[Vec3], rows: usize, cols: usize, wrap: bool) -> Vec<Vec3> {
    let mut normals = vec![Vec3::ZERO; points.len()];
    for r in 0..rows.saturating_sub(1) {
        for c in 0..cols.saturating_sub(1) {
            let at = [r * cols + c, r * cols + c + 1, (r + 1) * cols + c + 1, (r + 1) * cols + c];
            let n = (points[at[2]] - points[at[0]]).cross(points[at[3]] - points[at[1]]);
            for i in at {
                normals[i] += n;
            }
        }
    }
    for r in 0..rows {
        let row = r * cols..(r + 1) * cols;
        if wrap {
            let n = normals[row.start] + normals[row.end - 1];
            normals[row.start] = n;
            normals[row.end - 1] = n;
        }
        if points[row.clone()].iter().all(|p| p.distance_squared(points[row.start]) < 1e-12) {
            let n: Vec3 = normals[row.clone()].iter().sum();
            normals[row.clone()].fill(n);
        }
    }
    normals.iter().map(|n| n.normalize_or(Vec3::Y)).collect()
}
