//! Jewellery, marks on the forehead, glasses.

use crate::design::Ornament;
use crate::field::onto;
use crate::form;
use crate::head::HeadShape;
use crate::materials;
use crate::mesh::{Bind, along, curve};
use crate::rig::Set;
use crate::skeleton::Joint;
use crate::tailor::Tailor;
use glam::Vec3;
use std::f32::consts::{PI, TAU};

impl Tailor<'_> {
    pub fn adorn(&mut self, shape: &HeadShape) {
        self.on_the_body();
        let first = self.mesh.positions.len();
        for ornament in self.design.ornaments.clone() {
            self.on_the_head(ornament, shape);
        }
        let centre = self.f.at(Joint::Head) + self.f.body.head_centre;
        for i in first..self.mesh.positions.len() {
            self.mesh.positions[i] += centre;
            self.mesh.binds[i] = Bind::rigid(Joint::Head);
        }
    }

    fn on_the_body(&mut self) {
        let gold = materials::gold();
        if self.has(Ornament::Bangles) {
            self.bangles();
        }
        if self.has(Ornament::Necklace) {
            self.necklace(0.05, 0.009, gold, 0.0);
        }
        if self.has(Ornament::Pearls) {
            self.necklace(0.045, 0.009, materials::pearl(), 0.0);
        }
        if self.has(Ornament::Beads) {
            self.necklace(0.1, 0.009, materials::gem([0.3, 0.12, 0.05]), 0.0);
        }
        if self.has(Ornament::TempleNecklace) {
            self.necklace(0.035, 0.011, gold, 0.014);
            self.necklace(0.115, 0.012, gold, 0.02);
        }
        if self.has(Ornament::SacredThread) {
            let s = self.s();
            let points = [
                v(0.1, 1.2, 0.05),
                v(0.06, 1.1, 0.17),
                v(-0.06, 0.95, 0.18),
                v(-0.14, 0.84, 0.05),
                v(-0.05, 0.95, -0.18),
                v(0.06, 1.1, -0.17),
                v(0.1, 1.2, -0.03),
                v(0.1, 1.2, 0.05),
            ]
            .map(|p| p * s);
            self.ribbon(
                &crate::drape::Ribbon {
                    width: 0.004,
                    thick: 0.004,
                    offset: 0.003,
                    samples: 50,
                    ..crate::drape::Ribbon::on(&points)
                },
                materials::paint([0.7, 0.66, 0.52]),
            );
        }
        if self.has(Ornament::WaistChain) {
            let y = crate::tailor::waist_height(self.f, -0.25);
            let s = self.s();
            self.band(y - 0.007 * s, y + 0.007 * s, 0.02 * s, gold, None);
        }
    }

    fn bangles(&mut self) {
        let (f, s) = (self.f, self.s());
        let gold = self.mesh.material(materials::gold());
        let glass = self.mesh.material(materials::gem([0.45, 0.05, 0.08]));
        for (side, joint) in [(1.0f32, Joint::LForearm), (-1.0, Joint::RForearm)] {
            let flip = Vec3::new(side, 1.0, 1.0);
            let (elbow, wrist) = (f.at(Joint::LForearm) * flip, f.at(Joint::LHand) * flip);
            let d = (wrist - elbow).normalize();
            let (x, y) = d.any_orthonormal_pair();
            for i in 0..if self.lead { 4 } else { 1 } {
                let centre = wrist - d * (0.014 + 0.015 * i as f32) * s;
                let r = f.arm[2] + 0.007 * s + 0.001 * i as f32 * s;
                let n = if self.lead { 12 } else { 8 };
                let ring: Vec<Vec3> =
                    (0..n).map(|k| k as f32 / (n - 1) as f32 * TAU).map(|a| centre + (x * a.cos() + y * a.sin()) * r).collect();
                let m = if i % 2 == 0 { gold } else { glass };
                let range = self.mesh.sweep(&along(&ring, |_| d, |_| (0.0062 * s, 0.0062 * s), 1.0), 5, m);
                self.mesh.bind(range, |_| Bind::rigid(joint));
            }
        }
    }

    /// A string of beads that hangs so deep below the neck, with pendants of size `pendant`.
    fn necklace(&mut self, deep: f32, bead: f32, material: klieg_kernels::scene::Material, pendant: f32) {
        let (f, s) = (self.f, self.s());
        let neck = f.at(Joint::Neck);
        let knots = [
            v(0.0, 0.012, -0.08),
            v(0.07, 0.0, -0.01),
            v(0.06 + deep * 0.25, -deep * 0.45, 0.1),
            v(0.0, -deep - 0.02, 0.16),
            v(-0.06 - deep * 0.25, -deep * 0.45, 0.1),
            v(-0.07, 0.0, -0.01),
            v(0.0, 0.012, -0.08),
        ]
        .map(|p| neck + p * s);
        let n = ((0.42 + deep * 2.2) / (bead * 1.9)) as usize;
        let n = if self.lead { n } else { n / 4 };
        let field = |p: Vec3| form::trunk(f, p).min(self.dressed(p) + 0.004 * s);
        let path: Vec<Vec3> = curve(&knots, n).into_iter().map(|p| onto(&field, p, bead * 0.9 * s, false)).collect();
        let r = if self.lead { bead } else { bead * 1.5 } * s;
        let pendants: Vec<(Vec3, f32)> = path
            .iter()
            .enumerate()
            .filter(|(i, p)| self.lead && pendant > 0.0 && i % 3 == 1 && p.z > neck.z + 0.04 * s)
            .map(|(i, p)| {
                let middle = 1.0 + 1.6 * (1.0 - ((i as f32 / n as f32 - 0.5) * 5.0).abs()).max(0.0);
                let size = pendant * s * middle * 0.7;
                (onto(&field, *p - Vec3::Y * (size + r), 0.006 * s, false), size)
            })
            .collect();
        let m = self.mesh.material(material);
        let ruby = self.mesh.material(materials::gem([0.5, 0.03, 0.06]));
        let first = self.mesh.positions.len();
        for p in path {
            self.mesh.ball(p, [Vec3::Y * r, Vec3::X * r, Vec3::Z * r], (4, 5), m);
        }
        for (at, size) in pendants {
            let stone = if size > pendant * s * 1.54 { ruby } else { m };
            self.mesh.ball(at, [Vec3::Y * size, Vec3::X * size * 0.7, Vec3::Z * size * 0.35], (4, 6), stone);
        }
        let rig = self.rig;
        self.mesh.bind(first..self.mesh.positions.len(), |p| rig.bind(p, Set::TRUNK));
    }

    fn on_the_head(&mut self, ornament: Ornament, shape: &HeadShape) {
        let h = shape.h;
        match ornament {
            Ornament::Jhumka => self.earrings(shape, true),
            Ornament::Studs => self.earrings(shape, false),
            Ornament::NoseStud => {
                let m = self.mesh.material(materials::gold());
                let at = shape.front(-0.058 * h, -0.14 * h);
                self.mesh.ball(at, [Vec3::Z * 0.012 * h, Vec3::X * 0.012 * h, Vec3::Y * 0.012 * h], (5, 7), m);
            }
            Ornament::Bindi => self.mark(shape, v(0.0, 0.105, 0.0), (0.026, 0.028), [0.42, 0.02, 0.035]),
            Ornament::Vibhuti => {
                for y in [0.13, 0.165, 0.2] {
                    self.stripe(
                        shape,
                        &[v(-0.14, y - 0.008, 0.0), v(0.0, y, 0.0), v(0.14, y - 0.008, 0.0)],
                        0.009,
                        [0.62, 0.6, 0.56],
                    );
                }
                self.mark(shape, v(0.0, 0.1, 0.0), (0.02, 0.02), [0.42, 0.05, 0.03]);
            }
            Ornament::Naamam => {
                for side in [1.0, -1.0] {
                    self.stripe(
                        shape,
                        &[v(0.015 * side, 0.08, 0.0), v(0.04 * side, 0.15, 0.0), v(0.055 * side, 0.24, 0.0)],
                        0.011,
                        [0.68, 0.66, 0.62],
                    );
                }
                self.stripe(shape, &[v(0.0, 0.09, 0.0), v(0.0, 0.16, 0.0), v(0.0, 0.24, 0.0)], 0.01, [0.5, 0.06, 0.05]);
            }
            Ornament::Tikka => self.tikka(shape),
            // Too fine for the background.
            Ornament::Glasses if self.lead => self.glasses(shape),
            Ornament::Flower if self.lead => {
                let m = self.mesh.material(materials::petals([0.7, 0.16, 0.2]));
                let at = shape.surface(v(-0.85, 0.45, 0.3)) * 1.1;
                for i in 0..6 {
                    let a = i as f32 / 6.0 * TAU;
                    let size = 0.045 * h;
                    self.mesh.ball(
                        at + v(0.3 * a.sin(), a.cos(), a.sin()) * size,
                        [v(-0.6, 0.3, 0.2) * size * 0.6, Vec3::Y * size, Vec3::Z * size],
                        (5, 7),
                        m,
                    );
                }
            }
            _ => {}
        }
    }

    /// A dot of colour on the brow, in head heights.
    fn mark(&mut self, shape: &HeadShape, at: Vec3, (x, y): (f32, f32), colour: [f32; 3]) {
        let h = shape.h;
        let m = self.mesh.material(materials::paint(colour));
        let p = shape.front(at.x * h, at.y * h);
        self.mesh.ball(p, [Vec3::Z * 0.006 * h, Vec3::X * x * h, Vec3::Y * y * h], (5, 10), m);
    }

    fn stripe(&mut self, shape: &HeadShape, knots: &[Vec3], half: f32, colour: [f32; 3]) {
        let h = shape.h;
        let m = self.mesh.material(materials::paint(colour));
        let path: Vec<Vec3> = curve(knots, 11).into_iter().map(|p| shape.front(p.x * h, p.y * h)).collect();
        self.mesh.sweep(&along(&path, |_| Vec3::Z, |t| (half * h * (0.6 + 0.4 * (t * PI).sin()), 0.004 * h), 1.0), 6, m);
    }

    fn earrings(&mut self, shape: &HeadShape, jhumka: bool) {
        let h = shape.h;
        let gold = self.mesh.material(materials::gold());
        for side in [1.0f32, -1.0] {
            let lobe = crate::puppet::ear_centre(shape, side) + v(0.012 * side, -0.085, 0.025) * h;
            let r = 0.02 * h;
            self.mesh.ball(lobe, [Vec3::X * r * 0.7, Vec3::Y * r, Vec3::Z * r], (5, 8), gold);
            if jhumka && self.lead {
                let profile = [(0.0, -0.02), (0.02, -0.03), (0.042, -0.06), (0.047, -0.08), (0.0, -0.075)];
                self.mesh.grid(
                    (5, 13, true),
                    |r, c| {
                        let a = c as f32 / 12.0 * TAU;
                        lobe + v(a.cos() * profile[r].0, profile[r].1, a.sin() * profile[r].0) * h
                    },
                    |_, _| Vec3::ZERO,
                    |_, _| gold,
                );
                for i in 0..6 {
                    let a = i as f32 / 6.0 * TAU;
                    let b = 0.01 * h;
                    self.mesh.ball(
                        lobe + v(a.cos() * 0.042, -0.09, a.sin() * 0.042) * h,
                        [Vec3::Y * b, Vec3::X * b, Vec3::Z * b],
                        (4, 6),
                        gold,
                    );
                }
            }
        }
    }

    fn tikka(&mut self, shape: &HeadShape) {
        let h = shape.h;
        let gold = self.mesh.material(materials::gold());
        let ruby = self.mesh.material(materials::gem([0.5, 0.03, 0.06]));
        let path: Vec<Vec3> = (0..9)
            .map(|i| 0.2 + 0.075 * i as f32 / 2.0)
            .map(|e| shape.surface(v(0.0, e.sin() * 1.2, e.cos())) * (1.0 + 0.1 * ((e - 0.35) / 0.3).clamp(0.0, 1.0)))
            .collect();
        self.mesh.sweep(&along(&path, |_| Vec3::Z, |_| (0.008 * h, 0.006 * h), 1.0), 6, gold);
        let at = shape.front(0.0, 0.17 * h);
        self.mesh.ball(at, [Vec3::Z * 0.012 * h, Vec3::X * 0.03 * h, Vec3::Y * 0.034 * h], (6, 12), gold);
        self.mesh.ball(at + Vec3::Z * 0.008 * h, [Vec3::Z * 0.01 * h, Vec3::X * 0.014 * h, Vec3::Y * 0.016 * h], (5, 8), ruby);
    }

    fn glasses(&mut self, shape: &HeadShape) {
        let h = shape.h;
        let m = self.mesh.material(materials::gem([0.03, 0.022, 0.018]));
        let r = shape.eye_radius() * 1.28;
        let thin = 0.011 * h;
        for side in 0..2 {
            let eye = shape.eye(side);
            let z = eye.z + shape.eye_radius() * 1.3;
            let ring: Vec<Vec3> = (0..if self.lead { 25 } else { 13 })
                .map(|i| i as f32 / if self.lead { 24.0 } else { 12.0 } * TAU)
                .map(|a| Vec3::new(eye.x + a.cos() * r, eye.y - 0.004 * h + a.sin() * r * 0.92, z))
                .collect();
            self.mesh.sweep(&along(&ring, |_| Vec3::Z, |_| (thin, thin * 0.8), 0.8), if self.lead { 6 } else { 4 }, m);
            let s = eye.x.signum();
            let temple = [
                Vec3::new(eye.x + s * r, eye.y + 0.01 * h, z),
                Vec3::new(s * 0.39 * h, eye.y + 0.03 * h, 0.12 * h),
                crate::puppet::ear_centre(shape, s) + Vec3::Y * 0.09 * h,
            ];
            self.mesh.sweep(&along(&curve(&temple, 8), |_| Vec3::X, |_| (thin * 0.8, thin * 0.7), 0.8), 4, m);
        }
        let eye = shape.eye(0);
        let z = eye.z + shape.eye_radius() * 1.3;
        let bridge: Vec<Vec3> = (0..5)
            .map(|i| i as f32 / 2.0 - 1.0)
            .map(|t| Vec3::new((eye.x - r) * t, eye.y + 0.03 * h * (1.0 - t * t), z + 0.03 * h * (1.0 - t * t)))
            .collect();
        self.mesh.sweep(&along(&bridge, |_| Vec3::Z, |_| (thin, thin * 0.8), 0.8), 5, m);
    }
}

fn v(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}
