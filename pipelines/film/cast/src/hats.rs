//! What is worn on the head. Coordinates: head heights from the middle of the head.

use crate::design::{Cloth, Kind, Motif};
use crate::field::step;
use crate::materials;
use crate::mesh::{Bind, along, curve};
use crate::skeleton::Joint;
use crate::tailor::Tailor;
use glam::Vec3;
use std::f32::consts::{PI, TAU};

impl Tailor<'_> {
    pub fn hat(&mut self, shape: &crate::head::HeadShape) {
        let first = self.mesh.positions.len();
        for piece in self.design.pieces.clone() {
            let c = piece.cloth;
            match piece.kind {
                Kind::Fedora => self.brimmed(&c, 0.225, 0.38, 0.1, 0.05),
                Kind::Bowler => self.brimmed(&c, 0.15, 0.36, 0.0, 0.05),
                Kind::StrawHat => self.straw(&c),
                Kind::Cap => self.cap_with_peak(&c),
                Kind::NurseCap => self.nurse_cap(&c),
                Kind::Turban => self.turban(&c, shape),
                Kind::Headwrap => self.headwrap(&c, shape),
                Kind::Headscarf | Kind::Hood => self.scarf_over_head(&c, shape, false),
                Kind::Keffiyeh => self.scarf_over_head(&c, shape, true),
                _ => {}
            }
        }
        let centre = self.f.at(Joint::Head) + self.f.body.head_centre;
        let h = self.f.head;
        for i in first..self.mesh.positions.len() {
            let y = self.mesh.positions[i].y;
            self.mesh.positions[i] = centre + self.mesh.positions[i] * h;
            let low = step(-0.52, -0.85, y);
            self.mesh.binds[i] = Bind { joints: [Joint::Head as u8, Joint::Chest as u8, 0, 0], shares: [1.0 - low, low, 0.0, 0.0] };
        }
    }

    fn disc(&self) -> usize {
        if self.lead { 41 } else { 17 }
    }

    /// Crown and brim of a felt hat: brim width, crown height, pinch, curl of the brim.
    fn brimmed(&mut self, cloth: &Cloth, brim: f32, crown: f32, pinch: f32, curl: f32) {
        let cols = self.disc();
        let felt = self.mesh.material(cloth.material());
        let band = self.mesh.material(Cloth { fabric: crate::design::Fabric::Silk, ..*cloth }.trim());
        let (rx, rz, base) = (0.43, 0.465, 0.24);
        // Pushed back a little: the light has to reach the eyes.
        let tilt = |p: Vec3| Vec3::new(p.x, p.y + 0.16 * (p.z + 0.03), p.z - 0.04);
        let angle = |c: usize| c as f32 / (cols - 1) as f32 * TAU + PI;
        // Up the crown: (radius, height), the band first.
        let profile = [
            (1.0, 0.0),
            (1.015, 0.004),
            (1.01, 0.085),
            (0.995, 0.087),
            (0.95, crown * 0.75),
            (0.86, crown * 0.98),
            (0.7, crown * 1.04),
            (0.4, crown),
            (0.0, crown * 0.97),
        ];
        self.mesh.grid(
            (profile.len(), cols, true),
            |r, c| {
                let (k, y) = profile[r];
                let a = angle(c);
                let high = step(0.4, 1.0, y / crown);
                let front = step(0.2, 1.0, a.cos()) * high;
                let dent = pinch * high * (1.0 - 0.0 * k) * (-(a.sin() * k * 2.6).powi(2)).exp() * if k < 0.9 { 0.75 } else { 0.2 };
                let squeeze = 1.0 - pinch * 1.5 * front * a.sin().abs();
                tilt(Vec3::new(a.sin() * rx * k * squeeze, base + y - dent, a.cos() * rz * k * (1.0 - 0.05 * front)))
            },
            |r, c| Vec3::new(c as f32 * 0.02, r as f32 * 0.02, 0.0),
            |r, _| if (1..3).contains(&r) { band } else { felt },
        );
        let rim =
            [(0.97, 0.012), (1.15, 0.0), (1.42, 0.003), (1.7, 0.0), (1.74, -0.012), (1.68, -0.02), (1.3, -0.02), (0.97, -0.012)];
        self.mesh.grid(
            (rim.len(), cols, true),
            |r, c| {
                let (k, y) = rim[r];
                let a = angle(c);
                let out = (k - 1.0) / 0.74 * brim;
                // Down in front, up at the sides and behind.
                let bend = curl
                    * (out / brim.max(0.01)).max(0.0).powi(2)
                    * (a.sin().powi(2) * 1.3 - 0.5 * a.cos().max(0.0) + 0.4 * (-a.cos()).max(0.0));
                tilt(Vec3::new(a.sin() * (rx + out), base + y + bend, a.cos() * (rz + out * 0.95)))
            },
            |r, c| Vec3::new(c as f32 * 0.02, r as f32 * 0.02, 0.0),
            |_, _| felt,
        );
    }

    fn straw(&mut self, cloth: &Cloth) {
        let cols = self.disc();
        let m = self.mesh.material(cloth.material());
        let profile = [(0.98, 0.14), (0.6, 0.36), (0.25, 0.52), (0.0, 0.56)];
        self.mesh.grid(
            (4, cols, true),
            |r, c| {
                let a = c as f32 / (cols - 1) as f32 * TAU;
                Vec3::new(a.sin() * profile[r].0 * 0.8, profile[r].1, a.cos() * profile[r].0 * 0.8)
            },
            |r, c| Vec3::new(c as f32 * 0.05, r as f32 * 0.1, 0.0),
            |_, _| m,
        );
    }

    fn cap_with_peak(&mut self, cloth: &Cloth) {
        let cols = self.disc();
        let m = self.mesh.material(cloth.material());
        let trim = self.mesh.material(cloth.trim());
        let profile = [(0.99, 0.18), (1.0, 0.26), (1.04, 0.33), (0.95, 0.44), (0.6, 0.53), (0.0, 0.55)];
        self.mesh.grid(
            (6, cols, true),
            |r, c| {
                let a = c as f32 / (cols - 1) as f32 * TAU;
                let (k, y) = profile[r];
                Vec3::new(a.sin() * 0.425 * k, y, a.cos() * 0.455 * k - 0.02)
            },
            |r, c| Vec3::new(c as f32 * 0.02, r as f32 * 0.03, 0.0),
            |r, _| if r == 0 { trim } else { m },
        );
        let peak: Vec<Vec3> = (0..9)
            .map(|i| (i as f32 / 4.0 - 1.0) * 0.9)
            .map(|a| Vec3::new(a.sin() * 0.4, 0.19 - 0.03 * a.cos(), a.cos() * 0.44 + 0.09))
            .collect();
        self.mesh.sweep(&along(&peak, |_| Vec3::new(0.0, 0.95, 0.3), |t| (0.14 * (t * PI).sin().max(0.15), 0.014), 0.8), 8, trim);
    }

    fn nurse_cap(&mut self, cloth: &Cloth) {
        let m = self.mesh.material(cloth.material());
        let stripe = self.mesh.material(cloth.trim());
        let path: Vec<Vec3> =
            (0..9).map(|i| (i as f32 / 4.0 - 1.0) * 0.75).map(|a| Vec3::new(a.sin() * 0.36, 0.47, a.cos() * 0.22 + 0.02)).collect();
        self.mesh.sweep(&along(&path, |_| Vec3::Z, |t| (0.09 * (0.6 + 0.4 * (t * PI).sin()), 0.014), 0.7), 8, m);
        let line: Vec<Vec3> = path.iter().map(|p| *p + Vec3::new(0.0, 0.02, 0.012)).collect();
        self.mesh.sweep(&along(&line, |_| Vec3::Z, |_| (0.014, 0.006), 0.7), 6, stripe);
    }

    /// A dastar: layers wound crosswise to a peak over the forehead.
    fn turban(&mut self, cloth: &Cloth, shape: &crate::head::HeadShape) {
        let h = shape.h;
        let m = self.mesh.material(cloth.material());
        let wraps = if self.lead { 9 } else { 3 };
        let n = if self.lead { 29 } else { 10 };
        let lid = self.disc();
        self.mesh.grid(
            (6, lid, true),
            |r, c| {
                let (a, t) = (c as f32 / (lid - 1) as f32 * TAU, r as f32 / 5.0 * 1.35);
                shape.surface(Vec3::new(a.sin() * t.sin(), t.cos(), a.cos() * t.sin())) / h * 1.1
            },
            |r, c| Vec3::new(c as f32 * 0.02, r as f32 * 0.03, 0.0),
            |_, _| m,
        );
        for k in 0..wraps {
            let t = k as f32 / (wraps - 1) as f32;
            let lean = (t - 0.5) * 1.1 * if k % 2 == 0 { 1.0 } else { -1.0 };
            let base = 0.2 + 0.26 * t;
            let path: Vec<Vec3> = (0..n)
                .map(|i| {
                    let a = i as f32 / (n - 1) as f32 * TAU;
                    let y = base + 0.07 * a.cos() + 0.1 * lean * a.sin();
                    let r = (1.0 - 0.45 * t * t) * (0.47 + 0.03 * (1.0 - t));
                    Vec3::new(a.sin() * r * 0.98, y, a.cos() * r * 1.02 - 0.03)
                })
                .collect();
            let range = self.mesh.sweep(
                &along(
                    &path,
                    |t| Vec3::new((t * TAU).sin(), 0.5, (t * TAU).cos()),
                    |_| (if self.lead { 0.075 } else { 0.13 }, 0.045),
                    0.9,
                ),
                if self.lead { 10 } else { 5 },
                m,
            );
            self.mesh.tint(range, |_| Vec3::splat(1.0 - 0.05 * (k % 2) as f32));
        }
    }

    fn headwrap(&mut self, cloth: &Cloth, shape: &crate::head::HeadShape) {
        self.turban(cloth, shape);
        let m = self
            .mesh
            .material(Cloth { motif: if cloth.motif == Motif::Plain { Motif::Plain } else { Motif::Wax }, ..*cloth }.material());
        for side in [1.0f32, -1.0] {
            let path = curve(
                &[
                    Vec3::new(0.0, 0.46, 0.3),
                    Vec3::new(0.16 * side, 0.62, 0.3),
                    Vec3::new(0.3 * side, 0.6, 0.2),
                    Vec3::new(0.1 * side, 0.5, 0.26),
                ],
                9,
            );
            self.mesh.sweep(&along(&path, |_| Vec3::Z, |t| (0.08 * (0.4 + (t * PI).sin()), 0.03), 1.0), 8, m);
        }
    }

    /// A scarf around face and shoulders; a keffiyeh hangs free and is held by a cord.
    fn scarf_over_head(&mut self, cloth: &Cloth, shape: &crate::head::HeadShape, cord: bool) {
        let h = shape.h;
        let (rows, cols) = if self.lead { (20, 45) } else { (9, 19) };
        let m = self.mesh.material(cloth.material());
        let edge = self.mesh.material(cloth.trim());
        let open = if cord { 0.85 } else { 0.78 };
        let point = |r: usize, c: usize| {
            let t = r as f32 / (rows - 1) as f32;
            let u = c as f32 / (cols - 1) as f32;
            let a = open + (TAU - 2.0 * open) * u;
            if t < 0.5 {
                // Over the skull, from the crown down to the jaw; the front edge frames the face.
                let y = 0.62 - 1.05 * (t / 0.5);
                let lat = (y / 0.55).clamp(-1.0, 1.0).asin().max(-0.9);
                let face = step(-0.1, 0.5, lat);
                let a = a + (if u < 0.5 { -open * 0.92 } else { open * 0.92 }) * face;
                let d = Vec3::new(a.sin() * lat.cos(), lat.sin(), a.cos() * lat.cos());
                let p = shape.surface(d) / h;
                return p + d * 0.055 + Vec3::Y * 0.0;
            }
            let k = (t - 0.5) / 0.5;
            let d = Vec3::new(a.sin(), 0.0, a.cos());
            let jaw = shape.surface(Vec3::new(a.sin() * 0.62, -0.78, a.cos() * 0.62)).with_y(0.0).length() / h + 0.055;
            let wide = if cord { 0.2 } else { 0.15 };
            let close = if cord { 0.0 } else { 0.35 * (1.0 - k) };
            let fold = 0.014 * k * (u * 60.0).sin();
            let a2 = if cord {
                d
            } else {
                Vec3::new(
                    (a + (if u < 0.5 { -open } else { open }) * close.min(0.9)).sin(),
                    0.0,
                    (a + (if u < 0.5 { -open } else { open }) * close.min(0.9)).cos(),
                )
            };
            a2 * (jaw + wide * k + fold) + Vec3::Y * (-0.43 - 0.42 * k)
        };
        self.mesh.grid(
            (rows, cols, false),
            point,
            |r, c| Vec3::new(c as f32 * 0.02, r as f32 * 0.03, 0.0),
            |r, c| if c == 0 || c == cols - 2 || r == rows - 2 { edge } else { m },
        );
        if cord {
            let black = self.mesh.material(materials::paint([0.03, 0.03, 0.03]));
            for y in [0.27, 0.31] {
                let path: Vec<Vec3> = (0..if self.lead { 25 } else { 11 })
                    .map(|i| i as f32 / if self.lead { 24.0 } else { 10.0 } * TAU)
                    .map(|a| Vec3::new(a.sin() * 0.435, y, a.cos() * 0.455 - 0.02))
                    .collect();
                self.mesh.sweep(&along(&path, |_| Vec3::Y, |_| (0.022, 0.022), 1.0), if self.lead { 6 } else { 4 }, black);
            }
        }
    }
}
