//! Things that hang and lie: garlands, ropes, drapes, cables, cushions.

use super::{Dice, Model, p};
use glam::Vec3;
use klieg_kernels::scene::{Material, Rgb};

/// Points of a hanging line from `a` to `b` that sags by `sag` (a parabola: close to the catenary at these spans).
pub fn hang(a: Vec3, b: Vec3, sag: f32, points: usize) -> Vec<Vec3> {
    (0..points)
        .map(|i| {
            let t = i as f32 / (points - 1) as f32;
            a.lerp(b, t) - p(0.0, sag * 4.0 * t * (1.0 - t), 0.0)
        })
        .collect()
}

impl Model {
    /// Flower heads threaded along a hanging line, alternating in groups between `tints`.
    pub fn garland(&mut self, petals: &Material, a: Vec3, b: Vec3, sag: f32, head: f32, tints: &[Rgb]) {
        let length = a.distance(b) + sag * sag * 2.6 / a.distance(b).max(0.2);
        let heads = ((length / (head * 1.5)) as usize).clamp(2, 160);
        let line = hang(a, b, sag, heads + 1);
        for (i, pair) in line.windows(2).enumerate() {
            let tint = tints[(i / 3) % tints.len()];
            self.tinted(tint, |m| m.flower_head(petals, pair[0], pair[1], head, i));
        }
    }

    /// One threaded flower head, its axis along the thread: a full heart, and two rings of petals that break its outline.
    fn flower_head(&mut self, petals: &Material, a: Vec3, b: Vec3, head: f32, turn: usize) {
        let wide = head * (0.94 + 0.16 * ((turn * 7 % 5) as f32 / 4.0));
        let bright = self.tint;
        self.tint = bright.map(|c| c * 0.86);
        self.tube(
            petals,
            &[a, a.lerp(b, 0.3), a.lerp(b, 0.72), b],
            |t| if (0.1..=0.9).contains(&t) { wide * 0.88 } else { wide * 0.5 },
            5,
        );
        self.tint = bright.map(|c| c * 1.08);
        for (ring, along) in [(0, 0.3), (1, 0.7)] {
            self.petals(petals, (a, b), along, wide, turn * 2 + ring);
        }
        self.tint = bright;
    }

    /// A ring of petals about the thread from `a` to `b`, standing out of a flower's heart.
    fn petals(&mut self, petals: &Material, (a, b): (Vec3, Vec3), along: f32, wide: f32, turn: usize) {
        const COUNT: usize = 6;
        let axis = (b - a).normalize_or(Vec3::Y);
        let side = axis.any_orthonormal_vector();
        let across = axis.cross(side);
        let (centre, lean) = (a.lerp(b, along), axis * wide * if turn.is_multiple_of(2) { -0.3 } else { 0.3 });
        let id = self.material(petals);
        let out = |angle: f32| side * angle.cos() + across * angle.sin();
        for k in 0..COUNT {
            let angle = (k as f32 + 0.41 * turn as f32) / COUNT as f32 * std::f32::consts::TAU;
            let normal = out(angle) + lean / wide;
            // No two petals are of one length.
            let long = 1.06 + 0.2 * ((turn * 13 + k * 7) % 5) as f32 / 4.0;
            let v = [(-0.46, 0.72, 0.0), (0.46, 0.72, 0.0), (0.3, long, 1.0), (-0.3, long, 1.0)].map(|(swing, reach, lift)| {
                self.vertex(centre + out(angle + swing) * (wide * reach) + lean * lift, normal, [swing, reach, 0.0])
            });
            self.geometry.triangle(v[0], v[1], v[2], id);
            self.geometry.triangle(v[0], v[2], v[3], id);
        }
    }

    /// A straight string of flower heads hanging down from `top`.
    pub fn string(&mut self, petals: &Material, top: Vec3, length: f32, head: f32, tints: &[Rgb]) {
        self.garland(petals, top, top - p(0.0, length, 0.001), 0.0, head, tints);
    }

    /// A row of leaves hanging from a line (toran): mango leaves over a door.
    pub fn toran(&mut self, leaf: &Material, a: Vec3, b: Vec3, sag: f32, long: f32) {
        let count = ((a.distance(b) / (long * 0.3)) as usize).clamp(2, 80);
        let id = self.material(leaf);
        for (i, at) in hang(a, b, sag, count + 1).iter().enumerate() {
            let along = (b - a).normalize_or(Vec3::X) * long * 0.135;
            let out = p(0.0, 0.0, 1.0);
            let tip = *at - p(0.0, long * (0.9 + 0.2 * (i % 3) as f32 * 0.5), 0.0) + out * (0.03 * ((i % 2) as f32));
            let mid = at.lerp(tip, 0.45) + out * 0.02;
            let top = self.vertex(*at, out, [0.5, 0.0, 0.0]);
            let left = self.vertex(mid - along, (out - along * 3.0).normalize(), [0.0, 0.5, 0.0]);
            let right = self.vertex(mid + along, (out + along * 3.0).normalize(), [1.0, 0.5, 0.0]);
            let end = self.vertex(tip, out, [0.5, 1.0, 0.0]);
            self.geometry.triangle(top, left, right, id);
            self.geometry.triangle(left, end, right, id);
        }
    }

    /// A curtain in the plane z = 0 from y = 0 up to `tall`, folds along x.
    pub fn drape(&mut self, cloth: &Material, wide: f32, tall: f32, folds: f32, deep: f32) {
        self.sheet(cloth, ((folds * 6.0) as u32).max(6), 6, |u, v| {
            let gather = 1.0 - 0.06 * (1.0 - v);
            let wave = (u * folds * std::f32::consts::TAU).sin() * deep * (1.1 - 0.4 * v);
            p((u - 0.5) * wide * gather, v * tall, wave)
        });
    }

    /// A cloth canopy over a rectangle, its middle sagging (positive) or rising (negative).
    pub fn canopy(&mut self, cloth: &Material, wide: f32, deep: f32, sag: f32) {
        self.sheet(cloth, 14, 14, |u, v| {
            let (a, b) = ((u * std::f32::consts::PI).sin(), (v * std::f32::consts::PI).sin());
            p((u - 0.5) * wide, -sag * a * b + 0.03 * (u * 40.0).sin() * a, (v - 0.5) * deep)
        });
    }

    /// A soft cushion or sack lying on y = 0.
    pub fn cushion(&mut self, cloth: &Material, size: Vec3) {
        self.sheet(cloth, 10, 8, |u, v| {
            let (a, e) = (u * std::f32::consts::TAU, (v - 0.5) * std::f32::consts::PI);
            let soft = |c: f32| c.signum() * c.abs().powf(0.55);
            let puff = e.cos().max(0.0);
            p(
                soft(a.cos()) * puff.powf(0.4) * size.x * 0.5,
                (0.5 + 0.5 * e.sin()) * size.y,
                soft(a.sin()) * puff.powf(0.4) * size.z * 0.5,
            )
        });
    }

    /// A cable sagging between two points.
    pub fn cable(&mut self, material: &Material, a: Vec3, b: Vec3, sag: f32, radius: f32) {
        self.tube(material, &hang(a, b, sag, 13), |_| radius, 5);
    }

    /// Loose heaps of small rounded things (fruit, grain, coins) on a disc.
    pub fn heap(&mut self, material: &Material, centre: Vec3, radius: f32, one: f32, tints: &[Rgb], dice: &mut Dice) {
        let mut level = 0.0;
        let mut reach = radius;
        while reach > one * 0.6 {
            let around = ((reach * 4.2 / one) as usize).max(1);
            for i in 0..around {
                let a = (i as f32 + dice.unit() * 0.4) / around as f32 * std::f32::consts::TAU;
                let at = centre + p(a.cos() * reach, level + one * 0.8 + dice.off(one * 0.15), a.sin() * reach);
                let tint = dice.pick(tints);
                self.tinted(tint, |m| m.ball(material, at, Vec3::splat(one * 1.1), 5));
            }
            reach -= one * 1.7;
            level += one * 1.05;
        }
    }
}
