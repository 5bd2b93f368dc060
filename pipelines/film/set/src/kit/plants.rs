//! Growing things: leaf clouds, trees, grass, ground that goes on past the frame.

use super::{Dice, Model, at_turned, p, scaled};
use glam::{Quat, Vec3};
use klieg_film_words::{mix, unit};
use klieg_kernels::scene::{Geometry, Material};

/// Smooth value noise on the plane, in −1–1; one feature a unit.
pub fn noise2(seed: u64, x: f32, z: f32) -> f32 {
    let (fx, fz) = (x.floor(), z.floor());
    let lattice = |i: f32, j: f32| {
        let key = ((fx + i) as i64 as u64).wrapping_mul(0x9e37_79b1) ^ ((fz + j) as i64 as u64).wrapping_mul(0x85eb_ca77_c2b2);
        unit(mix(seed ^ key), 1) * 2.0 - 1.0
    };
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (u, v) = (ease(x - fx), ease(z - fz));
    let low = lattice(0.0, 0.0) * (1.0 - u) + lattice(1.0, 0.0) * u;
    let high = lattice(0.0, 1.0) * (1.0 - u) + lattice(1.0, 1.0) * u;
    low * (1.0 - v) + high * v
}

impl Model {
    /// `count` small leaves or petals in an ellipsoidal cloud, shaded as a soft whole: their normals lean away from the centre.
    pub fn leaf_cloud(&mut self, leaf: &Material, centre: Vec3, radii: Vec3, count: u32, long: f32, dice: &mut Dice) {
        let id = self.material(leaf);
        for _ in 0..count {
            let dir = p(dice.off(1.0), dice.off(1.0), dice.off(1.0)).normalize_or(Vec3::Y);
            let deep = dice.unit().powf(0.45);
            let at = centre + dir * radii * deep;
            let side = Quat::from_axis_angle(dir, dice.range(0.0, std::f32::consts::TAU)) * dir.any_orthonormal_vector();
            let lift = dice.range(-0.5, 0.9);
            let tip = (side + dir * lift).normalize_or(side) * long * dice.range(0.7, 1.3);
            let across = tip.cross(dir).normalize_or(Vec3::X) * long * 0.42;
            let normal = (dir + p(0.0, 0.35, 0.0)).normalize_or(Vec3::Y);
            let before = self.tint;
            let s = (0.72 + 0.38 * deep) * dice.range(0.86, 1.12);
            self.tint = before.map(|c| c * s);
            let q = [at - tip * 0.5, at + across * 0.5, at + tip * 0.5, at - across * 0.5];
            let uv = [[0.5, 0.0, 0.0], [1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.5, 0.0]];
            let v = [0, 1, 2, 3].map(|i| self.vertex(q[i], normal, uv[i]));
            self.tint = before;
            self.geometry.triangle(v[0], v[1], v[2], id);
            self.geometry.triangle(v[0], v[2], v[3], id);
        }
    }

    /// A crooked trunk that forks into `arms` boughs; returns where foliage should gather.
    pub fn trunk(&mut self, bark: &Material, tall: f32, girth: f32, arms: u32, spread: f32, dice: &mut Dice) -> Vec<Vec3> {
        let lean = p(dice.off(0.12), 0.0, dice.off(0.12)) * tall;
        let fork = p(lean.x * 0.5, tall * 0.5, lean.z * 0.5);
        let bend = p(dice.off(0.06), 0.0, dice.off(0.06)) * tall;
        let stem = [p(0.0, -0.1, 0.0), fork * 0.35 + bend, fork * 0.7 + bend * 0.6, fork];
        self.tube(bark, &stem, |t| girth * (1.25 - 0.55 * t) * if t < 0.05 { 1.5 } else { 1.0 }, 9);
        let mut tips = Vec::new();
        for i in 0..arms {
            let a = (i as f32 + dice.unit() * 0.7) / arms as f32 * std::f32::consts::TAU;
            let reach = spread * dice.range(0.65, 1.0);
            let tip = fork + p(a.cos() * reach, tall * dice.range(0.2, 0.5), a.sin() * reach) + lean * 0.5;
            let mid = fork.lerp(tip, 0.5) + p(dice.off(0.1), dice.range(-0.02, 0.12), dice.off(0.1)) * tall;
            self.tube(bark, &[fork - p(0.0, 0.05, 0.0), mid, tip], |t| girth * (0.62 - 0.45 * t), 6);
            tips.push(mid.lerp(tip, 0.35));
            tips.push(tip);
        }
        tips
    }

    /// A broad-leaved tree (or one in blossom).
    pub fn tree(&mut self, bark: &Material, leaf: &Material, tall: f32, spread: f32, leaves: u32, dice: &mut Dice) {
        let tips = self.trunk(bark, tall, tall * 0.035, 5, spread, dice);
        let each = leaves / tips.len() as u32;
        for tip in tips {
            let r = spread * dice.range(0.42, 0.62);
            self.leaf_cloud(leaf, tip + p(0.0, r * 0.3, 0.0), p(r * 1.15, r * 0.75, r * 1.15), each, tall * 0.062, dice);
        }
    }

    /// A palm: ringed trunk, drooping feathered fronds.
    pub fn palm(&mut self, bark: &Material, leaf: &Material, tall: f32, dice: &mut Dice) {
        let lean = p(dice.off(0.18), 0.0, dice.off(0.18)) * tall;
        let stem: Vec<Vec3> = (0..7).map(|i| i as f32 / 6.0).map(|t| lean * t * t + p(0.0, tall * t, 0.0)).collect();
        self.tube(bark, &stem, |t| tall * (0.022 - 0.007 * t) * (1.0 + 0.5 * (1.0 - t).powi(8)), 8);
        let crown = lean + p(0.0, tall, 0.0);
        for i in 0..11 {
            let a = (i as f32 + dice.off(0.3)) / 11.0 * std::f32::consts::TAU;
            self.frond(leaf, crown, a, tall * dice.range(0.26, 0.36), dice.range(0.1, 0.9));
        }
    }

    /// A feathered frond from `root` towards heading `a`, `long` metres, drooping from `rise`.
    pub fn frond(&mut self, leaf: &Material, root: Vec3, a: f32, long: f32, rise: f32) {
        let id = self.material(leaf);
        let out = p(a.cos(), 0.0, a.sin());
        let side = p(-a.sin(), 0.0, a.cos());
        let spine = |t: f32| root + out * long * t + p(0.0, long * (rise * t - (0.7 + rise) * t * t), 0.0);
        const LEAFLETS: u32 = 15;
        for k in 0..LEAFLETS {
            let t = 0.08 + 0.92 * k as f32 / LEAFLETS as f32;
            let (here, there) = (spine(t), spine(t + 0.062));
            let wide = long * 0.36 * (1.0 - (t - 0.35).powi(2) * 1.6);
            for s in [-1.0, 1.0] {
                let end = here + (side * s + out * 0.55).normalize() * wide - p(0.0, wide * 0.55, 0.0);
                let normal = p(side.x * s * 0.5, 0.8, side.z * s * 0.5).normalize();
                let v = [(here, 0.0), (end, 1.0), (there, 0.2)].map(|(q, u)| self.vertex(q, normal, [u, t, 0.0]));
                self.geometry.triangle(v[0], v[1], v[2], id);
            }
        }
    }

    /// Long paddle leaves from a soft stem: banana, also agave when small.
    pub fn banana(&mut self, stem: &Material, leaf: &Material, tall: f32, dice: &mut Dice) {
        let top = p(dice.off(0.05), tall * 0.62, dice.off(0.05));
        self.tube(stem, &[p(0.0, 0.0, 0.0), top * 0.5, top], |t| tall * (0.042 - 0.016 * t), 8);
        for i in 0..7 {
            let a = (i as f32 + dice.off(0.3)) / 7.0 * std::f32::consts::TAU;
            self.paddle(leaf, top, a, tall * dice.range(0.5, 0.68), tall * 0.1, dice.range(0.9, 1.5));
        }
    }

    /// One long leaf with a midrib fold.
    pub fn paddle(&mut self, leaf: &Material, root: Vec3, a: f32, long: f32, wide: f32, rise: f32) {
        let out = p(a.cos(), 0.0, a.sin());
        let side = p(-a.sin(), 0.0, a.cos());
        self.sheet(leaf, 8, 2, |u, v| {
            let w = wide * (u * 3.0).min(1.0) * (1.0 - u).max(0.0).powf(0.5) * 1.2;
            let lift = long * (rise * u - (0.45 + rise * 0.75) * u * u);
            root + out * long * u * 0.8 + p(0.0, lift + (v - 0.5).abs() * w * 0.7, 0.0) + side * (v - 0.5) * 2.0 * w
        });
    }

    /// A tuft of blades.
    pub fn tuft(&mut self, blade: &Material, tall: f32, count: u32, spread: f32, dice: &mut Dice) {
        let id = self.material(blade);
        for _ in 0..count {
            let a = dice.range(0.0, std::f32::consts::TAU);
            let foot = p(dice.off(spread), 0.0, dice.off(spread));
            let out = p(a.cos(), 0.0, a.sin());
            let side = p(-a.sin(), 0.0, a.cos()) * tall * 0.035;
            let h = tall * dice.range(0.6, 1.1);
            let tip = foot + out * h * dice.range(0.1, 0.5) + p(0.0, h, 0.0);
            let normal = (out * 0.4 + Vec3::Y).normalize();
            let v = [(foot - side, 0.0), (foot + side, 0.2), (tip, 1.0)].map(|(q, u)| self.vertex(q, normal, [0.5, u, 0.0]));
            self.geometry.triangle(v[0], v[1], v[2], id);
        }
    }

    /// A rounded, dented stone sitting in the ground.
    pub fn rock(&mut self, stone: &Material, size: Vec3, dice: &mut Dice) {
        let seed = dice.seed();
        self.sheet(stone, 12, 8, |u, v| {
            let (a, e) = (u * std::f32::consts::TAU, (v * 0.72 - 0.22) * std::f32::consts::PI);
            let dir = p(a.cos() * e.cos(), e.sin(), a.sin() * e.cos());
            let dent = 1.0 + 0.22 * noise2(seed, dir.x * 1.7 + dir.y, dir.z * 1.7 - dir.y);
            dir * size * 0.5 * dent
        });
    }

    /// Ground out to `reach` metres: level where people play, gently rolling further out.
    pub fn ground(&mut self, soil: &Material, reach: f32, roll: f32, level: f32, seed: u64) {
        self.sheet(soil, 56, 56, |u, v| {
            let grow = |t: f32| (t * 2.0 - 1.0) * (0.25 + 0.75 * (t * 2.0 - 1.0).abs().powf(1.6));
            let (x, z) = (grow(u) * reach, grow(v) * reach);
            let far = ((x.hypot(z) - level) / (level * 2.0)).clamp(0.0, 1.0);
            p(x, roll * far * (noise2(seed, x * 0.13, z * 0.13) + 0.4 * noise2(seed, x * 0.4, z * 0.4)) - 0.002, z)
        });
    }

    /// A ring of hills at `distance`, `height` high; `gap` lowers them towards +z.
    pub fn hills(&mut self, stuff: &Material, distance: f32, height: f32, peaks: f32, seed: u64) {
        self.sheet(stuff, 96, 5, |u, v| hillside(distance, height, peaks, seed, u, v));
    }

    /// `count` groves on the slopes of [`Model::hills`] with the same numbers, on the far side (−z) only: copies of `choices`.
    pub fn groves(
        &mut self,
        choices: &[Geometry],
        count: u32,
        size: (f32, f32),
        (distance, height, peaks, seed): (f32, f32, f32, u64),
        dice: &mut Dice,
    ) {
        for _ in 0..count {
            let (u, v) = (dice.range(0.3, 0.7), dice.unit().sqrt() * 0.97);
            let foot = hillside(distance, height, peaks, seed, u, v);
            let (turn, s, tint, which) =
                (dice.range(0.0, 360.0), dice.range(size.0, size.1), dice.shade(0.2), dice.below(choices.len()));
            self.stamp(&choices[which], at_turned(foot.x, foot.y - 0.2, foot.z, turn) * scaled(s), tint);
        }
    }
}

/// A point of a ring of hills: `u` around from +z, `v` from the foot to the ridge.
fn hillside(distance: f32, height: f32, peaks: f32, seed: u64, u: f32, v: f32) -> Vec3 {
    let (s, c) = (u.rem_euclid(1.0) * std::f32::consts::TAU).sin_cos();
    let ridge = 0.55 + 0.45 * noise2(seed, s * peaks, c * peaks) + 0.22 * noise2(seed ^ 7, s * peaks * 3.1, c * peaks * 3.1);
    let r = distance * (1.0 - 0.25 * (1.0 - v));
    p(s * r, height * ridge.max(0.05) * (v * v * (3.0 - 2.0 * v)) - 0.4, c * r)
}

/// Where scattered copies may go.
pub struct Field<'a> {
    /// Centre, half extent.
    pub x: (f32, f32),
    pub z: (f32, f32),
    /// Tells whether a spot is taken (the playing area, a path, a pond).
    pub keep_out: &'a dyn Fn(f32, f32) -> bool,
}

/// Stamps `count` copies picked from `choices`, each turned, scaled and tinted by seed, none in the field's keep-out.
pub fn scatter(m: &mut Model, choices: &[Geometry], count: u32, field: &Field, size: (f32, f32), shade: f32, dice: &mut Dice) {
    for _ in 0..count {
        let (x, z) = (dice.range(field.x.0, field.x.1), dice.range(field.z.0, field.z.1));
        let (turn, s, tint, which) =
            (dice.range(0.0, 360.0), dice.range(size.0, size.1), dice.shade(shade), dice.below(choices.len()));
        if !(field.keep_out)(x, z) {
            m.stamp(&choices[which], at_turned(x, 0.0, z, turn) * scaled(s), tint);
        }
    }
}
