//! What is draped, tied or laid on: bands, ribbons, sheets of cloth, garlands.

use crate::design::{Cloth, Kind, Piece};
use crate::field::{gradient, onto, outermost, step};
use crate::form;
use crate::materials;
use crate::mesh::{Bind, along, curve};
use crate::rig::Set;
use crate::skeleton::Joint;
use crate::tailor::{Tailor, waist_height};
use glam::Vec3;
use klieg_film_words::unit;
use klieg_kernels::scene::Material;

/// A flat strip along a path; lengths in metres at scale 1.
pub(crate) struct Ribbon<'a> {
    pub points: &'a [Vec3],
    /// Half-width.
    pub width: f32,
    /// Width at the ends against the middle.
    pub taper: f32,
    pub thick: f32,
    /// Above the clothes.
    pub offset: f32,
    pub samples: usize,
    /// ±1: shaped as a lapel with a notch, lying to that side of its path.
    pub lapel: f32,
    /// Laid on the clothes, as against hung in the air.
    pub laid: bool,
}

impl<'a> Ribbon<'a> {
    pub fn on(points: &'a [Vec3]) -> Ribbon<'a> {
        Ribbon { points, width: 0.02, taper: 1.0, thick: 0.005, offset: 0.004, samples: 14, lapel: 0.0, laid: true }
    }
    pub fn free(points: &'a [Vec3]) -> Ribbon<'a> {
        Ribbon { laid: false, ..Ribbon::on(points) }
    }
}

/// A sheet of cloth between two edges, each a row of control points.
struct Sheet<'a> {
    edges: [&'a [Vec3]; 2],
    /// Rows up to this fraction lie on the body, the rest hang and are only kept out of it.
    laid: f32,
    pleats: f32,
    border: f32,
    end: f32,
    cloth: &'a Cloth,
    plain: bool,
}

impl Tailor<'_> {
    pub fn drape(&mut self) {
        let pieces = self.design.pieces.clone();
        for piece in &pieces {
            match piece.kind {
                Kind::Saree | Kind::Pallu => self.pallu(piece),
                Kind::Angavastram => self.angavastram(piece),
                Kind::Dupatta => self.dupatta(piece),
                Kind::Shawl => self.shawl(piece),
                Kind::Scarf => self.scarf(piece),
                Kind::Garland => self.garland(piece),
                Kind::Cloak => self.cloak(piece),
                Kind::Apron => self.apron(piece),
                Kind::Obi => self.obi(piece),
                Kind::Sash => self.sash(piece),
                Kind::Belt => self.belt(piece),
                Kind::Tie => self.tie(piece),
                Kind::BowTie => self.bow_tie(piece),
                Kind::Stethoscope => self.stethoscope(),
                Kind::Armour => self.armour(piece),
                Kind::Jeogori => self.goreum(piece),
                _ => {}
            }
        }
    }

    pub(crate) fn trunk_bind(&mut self, range: std::ops::Range<usize>) {
        let rig = self.rig;
        self.mesh.bind(range, |p| rig.bind(p, Set::TRUNK));
    }

    pub fn ribbon(&mut self, r: &Ribbon, material: Material) -> std::ops::Range<usize> {
        let s = self.s();
        let samples = if self.lead { r.samples } else { (r.samples / 3).max(5) };
        let field = |p: Vec3| self.dressed(p);
        let path: Vec<Vec3> =
            curve(r.points, samples).into_iter().map(|p| if r.laid { onto(&field, p, r.offset * s, false) } else { p }).collect();
        let ups: Vec<Vec3> = path.iter().map(|p| gradient(&field, *p, 0.004)).collect();
        let last = (path.len() - 1) as f32;
        let mut stations = along(
            &path,
            |t| ups[(t * last).round() as usize],
            |t| {
                let mid = 1.0 - (2.0 * t - 1.0).powi(4) * (1.0 - r.taper);
                (r.width * s * mid, r.thick * s)
            },
            0.75,
        );
        if r.lapel != 0.0 {
            for (i, st) in stations.iter_mut().enumerate() {
                let t = i as f32 / last;
                // A lapel is widest two fifths down, notched there, and runs out to a point.
                let width = if t < 0.4 { 0.55 + 0.45 * t / 0.4 } else { 1.15 * (1.0 - (t - 0.4) / 0.6).powf(0.8) + 0.06 };
                let outward = st.side * (st.side.x.signum() * r.lapel) * width;
                st.centre += outward * 0.8;
                st.side *= width;
            }
        }
        let m = self.mesh.material(material);
        let sides = if self.lead { 8 } else { 4 };
        let range = self.mesh.sweep(&stations, sides, m);
        let scale = 0.3 * s;
        for i in range.clone() {
            let c = self.mesh.coords[i];
            self.mesh.coords[i] = Vec3::new(c.y * scale, c.x * r.width * 4.0 * s, 0.0);
        }
        self.trunk_bind(range.clone());
        range
    }

    /// A band around the body between two heights, `out` beyond the clothes; `border` colours its edges.
    pub fn band(&mut self, low: f32, high: f32, out: f32, material: Material, border: Option<Material>) {
        let cols = if self.lead { 41 } else { 15 };
        let rows = 6;
        let main = self.mesh.material(material);
        let edge = border.map_or(main, |b| self.mesh.material(b));
        let at = |r: usize, c: usize| {
            let a = c as f32 / (cols - 1) as f32 * std::f32::consts::TAU - std::f32::consts::PI;
            let t = ((r as f32 - 1.0) / (rows - 3) as f32).clamp(0.0, 1.0);
            (a, low + (high - low) * t)
        };
        let points: Vec<Vec3> = (0..rows * cols)
            .map(|i| {
                let (r, c) = (i / cols, i % cols);
                let (a, y) = at(r, c);
                let dir = Vec3::new(a.sin(), 0.0, a.cos());
                let body = outermost(&|p| self.dressed(p), Vec3::Y * y, dir, 0.6 * self.s());
                let lift = if r == 0 || r == rows - 1 { -0.006 * self.s() } else { out };
                dir * (body + lift) + Vec3::Y * y
            })
            .collect();
        let girth = self.f.waist[0];
        let range = self.mesh.grid(
            (rows, cols, true),
            |r, c| points[r * cols + c],
            |r, c| Vec3::new(at(r, c).0 * girth, at(r, c).1 - low, 0.0),
            |r, _| if r <= 1 || r >= rows - 3 { edge } else { main },
        );
        self.trunk_bind(range);
    }

    fn sheet(&mut self, k: &Sheet) {
        let s = self.s();
        let (rows, cols) = if self.lead { (28, 21) } else { (12, 7) };
        let scaled = |edge: &[Vec3]| curve(&edge.iter().map(|p| *p * s).collect::<Vec<_>>(), rows);
        let [a, b] = [scaled(k.edges[0]), scaled(k.edges[1])];
        let field = |p: Vec3| self.dressed(p);
        let points: Vec<Vec3> = (0..rows * cols)
            .map(|i| {
                let (r, c) = (i / cols, i % cols);
                let (t, u) = (r as f32 / (rows - 1) as f32, c as f32 / (cols - 1) as f32);
                let p = a[r].lerp(b[r], u);
                let fold = 0.5 + 0.5 * (u * k.pleats * std::f32::consts::TAU).sin();
                let offset = (0.011 + 0.012 * fold) * s;
                if t <= k.laid {
                    onto(&field, p, offset, false)
                } else {
                    // Free of the body the folds deepen towards the end.
                    let deep = 0.008 + 0.034 * (t - k.laid) / (1.0 - k.laid);
                    let free = onto(&field, p, offset, true) + Vec3::Z * (p.z.signum() * deep * fold * s);
                    onto(&field, p, offset, false).lerp(free, step(k.laid, k.laid + 0.14, t))
                }
            })
            .collect();
        let main = self.mesh.material(k.cloth.material());
        let edge = self.mesh.material(if k.plain { k.cloth.trim() } else { k.cloth.zari() });
        let border = (k.border * (cols - 1) as f32).round() as usize;
        let end = (k.end * (rows - 1) as f32).round() as usize;
        let length: f32 = a.windows(2).map(|w| w[0].distance(w[1])).sum();
        let width = a[rows / 2].distance(b[rows / 2]).max(0.05);
        let range = self.mesh.grid(
            (rows, cols, false),
            |r, c| points[r * cols + c],
            |r, c| Vec3::new(r as f32 / (rows - 1) as f32 * length, c as f32 / (cols - 1) as f32 * width, 0.0),
            |r, c| if c < border || c >= cols - 1 - border || r >= rows - 1 - end { edge } else { main },
        );
        let rig = self.rig;
        let hips = self.f.at(Joint::Hips).y;
        self.mesh.bind(range.clone(), |p| if p.y < hips { Bind::rigid(Joint::Hips) } else { rig.bind(p, Set::TRUNK) });
        for i in range {
            self.mesh.loose[i] = step(self.f.at(Joint::Chest).y, hips * 0.7, self.mesh.positions[i].y) * 0.6;
        }
    }

    fn pallu(&mut self, piece: &Piece) {
        let a = [
            v(-0.17, 0.97, 0.02),
            v(-0.13, 1.02, 0.16),
            v(-0.05, 1.11, 0.2),
            v(0.05, 1.185, 0.09),
            v(0.062, 1.22, -0.02),
            v(0.02, 1.08, -0.2),
            v(-0.02, 0.85, -0.22),
            v(-0.02, 0.5, -0.2),
        ];
        let b = [
            v(-0.16, 0.78, 0.06),
            v(-0.04, 0.78, 0.2),
            v(0.16, 0.86, 0.15),
            v(0.19, 1.06, 0.08),
            v(0.165, 1.18, -0.01),
            v(0.17, 1.06, -0.15),
            v(0.16, 0.85, -0.19),
            v(0.17, 0.5, -0.2),
        ];
        self.sheet(&Sheet { edges: [&a, &b], laid: 0.72, pleats: 4.0, border: 0.12, end: 0.12, cloth: &piece.cloth, plain: false });
    }

    fn angavastram(&mut self, piece: &Piece) {
        let a = [
            v(0.03, 0.86, 0.2),
            v(0.05, 1.05, 0.18),
            v(0.07, 1.18, 0.08),
            v(0.075, 1.215, -0.01),
            v(0.06, 1.08, -0.18),
            v(0.04, 0.84, -0.2),
        ];
        let b = [
            v(0.12, 0.85, 0.17),
            v(0.14, 1.05, 0.14),
            v(0.15, 1.16, 0.07),
            v(0.155, 1.19, -0.01),
            v(0.15, 1.07, -0.14),
            v(0.14, 0.83, -0.16),
        ];
        self.sheet(&Sheet { edges: [&a, &b], laid: 0.8, pleats: 3.0, border: 0.2, end: 0.06, cloth: &piece.cloth, plain: false });
    }

    fn dupatta(&mut self, piece: &Piece) {
        let a = [
            v(0.05, 0.75, -0.2),
            v(0.06, 1.05, -0.2),
            v(0.075, 1.215, -0.01),
            v(0.055, 1.12, 0.15),
            v(0.0, 1.09, 0.2),
            v(-0.055, 1.12, 0.15),
            v(-0.075, 1.215, -0.01),
            v(-0.06, 1.05, -0.2),
            v(-0.05, 0.75, -0.2),
        ];
        let b = [
            v(0.17, 0.74, -0.16),
            v(0.17, 1.05, -0.14),
            v(0.155, 1.19, -0.01),
            v(0.12, 1.06, 0.13),
            v(0.0, 0.98, 0.2),
            v(-0.12, 1.06, 0.13),
            v(-0.155, 1.19, -0.01),
            v(-0.17, 1.05, -0.14),
            v(-0.17, 0.74, -0.16),
        ];
        self.sheet(&Sheet { edges: [&a, &b], laid: 1.0, pleats: 2.0, border: 0.12, end: 0.0, cloth: &piece.cloth, plain: false });
    }

    fn shawl(&mut self, piece: &Piece) {
        let a = [
            v(0.06, 0.9, 0.2),
            v(0.07, 1.08, 0.17),
            v(0.085, 1.21, 0.0),
            v(0.0, 1.2, -0.14),
            v(-0.085, 1.21, 0.0),
            v(-0.07, 1.08, 0.17),
            v(-0.06, 0.9, 0.2),
        ];
        let b = [
            v(0.16, 0.9, 0.15),
            v(0.18, 1.04, 0.12),
            v(0.19, 1.12, -0.01),
            v(0.0, 0.98, -0.22),
            v(-0.19, 1.12, -0.01),
            v(-0.18, 1.04, 0.12),
            v(-0.16, 0.9, 0.15),
        ];
        self.sheet(&Sheet { edges: [&a, &b], laid: 1.0, pleats: 2.0, border: 0.12, end: 0.0, cloth: &piece.cloth, plain: true });
    }

    fn cloak(&mut self, piece: &Piece) {
        let a = [v(0.075, 1.19, 0.06), v(0.09, 1.215, -0.01), v(0.0, 1.215, -0.13), v(-0.09, 1.215, -0.01), v(-0.075, 1.19, 0.06)];
        let b = [v(0.22, 0.2, 0.04), v(0.3, 0.14, -0.16), v(0.0, 0.12, -0.36), v(-0.3, 0.14, -0.16), v(-0.22, 0.2, 0.04)];
        self.hanging(&a, &b, &piece.cloth, 0.02);
        let clasp = self.mesh.material(materials::gold());
        let at = onto(&|p| self.dressed(p), v(0.0, 1.15, 0.2) * self.s(), 0.01 * self.s(), false);
        let r = 0.02 * self.s();
        let range = self.mesh.ball(at, [Vec3::Z * r * 0.5, Vec3::X * r, Vec3::Y * r], (5, 10), clasp);
        self.trunk_bind(range);
    }

    /// A wide cloth from a neckline `top` to a hem `low`, with deep folds.
    fn hanging(&mut self, top: &[Vec3], low: &[Vec3], cloth: &Cloth, depth: f32) {
        let s = self.s();
        let (rows, cols) = if self.lead { (18, 41) } else { (8, 15) };
        let edge = |points: &[Vec3]| curve(&points.iter().map(|p| *p * s).collect::<Vec<_>>(), cols);
        let (a, b) = (edge(top), edge(low));
        let field = |p: Vec3| self.dressed(p);
        let points: Vec<Vec3> = (0..rows * cols)
            .map(|i| {
                let (r, c) = (i / cols, i % cols);
                let (t, u) = (r as f32 / (rows - 1) as f32, c as f32 / (cols - 1) as f32);
                let out = (b[c] - a[c]).with_y(0.0).normalize_or(Vec3::NEG_Z);
                let p = a[c].lerp(b[c], t)
                    + out * (0.16 * (t * (1.0 - t) + 0.25 * t.min(0.4)) * s)
                    + out * (depth * s * t * (u * 44.0).sin());
                onto(&field, p, 0.02 * s, true)
            })
            .collect();
        let (main, trim) = (self.mesh.material(cloth.material()), self.mesh.material(cloth.trim()));
        let range = self.mesh.grid(
            (rows, cols, false),
            |r, c| points[r * cols + c],
            |r, c| Vec3::new(c as f32 * 0.03, r as f32 * 0.06, 0.0),
            |r, _| {
                if r >= rows - 2 { trim } else { main }
            },
        );
        let rig = self.rig;
        let hips = self.f.at(Joint::Hips).y;
        self.mesh.bind(range.clone(), |p| if p.y < hips { Bind::rigid(Joint::Hips) } else { rig.bind(p, Set::TRUNK) });
        for i in range {
            self.mesh.loose[i] = step(1.1 * s, 0.2 * s, self.mesh.positions[i].y);
        }
    }

    fn scarf(&mut self, piece: &Piece) {
        let s = self.s();
        let neck = self.f.at(Joint::Neck);
        let points = [
            v(0.03, -0.02, 0.1),
            v(0.095, 0.01, 0.02),
            v(0.0, 0.03, -0.09),
            v(-0.095, 0.01, 0.02),
            v(-0.02, -0.03, 0.11),
            v(0.05, -0.14, 0.17),
            v(0.06, -0.3, 0.2),
        ]
        .map(|p| neck + p * s);
        self.ribbon(&Ribbon { width: 0.032, thick: 0.014, samples: 26, ..Ribbon::free(&points) }, piece.cloth.material());
    }

    /// A wedding garland: flowers on a loop around the neck that falls to the waist.
    fn garland(&mut self, piece: &Piece) {
        let (s, seed) = (self.s(), self.design.seed);
        let knots = [
            v(0.0, 1.2, -0.11),
            v(0.09, 1.215, -0.02),
            v(0.11, 1.13, 0.12),
            v(0.095, 0.99, 0.19),
            v(0.0, 0.86, 0.22),
            v(-0.095, 0.99, 0.19),
            v(-0.11, 1.13, 0.12),
            v(-0.09, 1.215, -0.02),
            v(0.0, 1.2, -0.11),
        ];
        let n = if self.lead { 52 } else { 16 };
        let field = |p: Vec3| self.dressed(p);
        let path: Vec<Vec3> = curve(&knots.map(|p| p * s), n).into_iter().map(|p| onto(&field, p, 0.024 * s, false)).collect();
        let colours = [piece.cloth.colour, piece.cloth.second, piece.cloth.colour, [0.55, 0.05, 0.06]];
        for (i, p) in path.iter().enumerate() {
            let m = self.mesh.material(materials::petals(colours[i / 2 % 4]));
            let r = 0.021 * s * (0.9 + 0.25 * unit(seed, i as u64));
            let along = (path[(i + 1) % n] - path[(i + n - 1) % n]).normalize_or(Vec3::Y);
            let (x, y) = along.any_orthonormal_pair();
            let range = self.mesh.ball(*p, [along * r * 0.62, x * r, y * r], (4, 7), m);
            self.trunk_bind(range);
        }
    }

    fn apron(&mut self, piece: &Piece) {
        let a = [v(-0.09, 1.1, 0.18), v(-0.11, 0.98, 0.18), v(-0.14, 0.86, 0.16), v(-0.17, 0.6, 0.18), v(-0.18, 0.42, 0.18)];
        let b = [v(0.09, 1.1, 0.18), v(0.11, 0.98, 0.18), v(0.14, 0.86, 0.16), v(0.17, 0.6, 0.18), v(0.18, 0.42, 0.18)];
        self.sheet(&Sheet { edges: [&a, &b], laid: 0.45, pleats: 1.0, border: 0.06, end: 0.04, cloth: &piece.cloth, plain: true });
    }

    fn obi(&mut self, piece: &Piece) {
        let s = self.s();
        let female = self.design.gender == klieg_film_words::story::Gender::Female;
        let waist = waist_height(self.f, 0.0);
        let (low, high) = if female { (waist - 0.035 * s, waist + 0.09 * s) } else { (waist - 0.06 * s, waist - 0.015 * s) };
        self.band(low, high, 0.014 * s, piece.cloth.material(), None);
        if !female {
            return;
        }
        let cord = Cloth { colour: piece.cloth.second, ..piece.cloth };
        let middle = (low + high) * 0.5;
        self.band(
            middle - 0.008 * s,
            middle + 0.008 * s,
            0.022 * s,
            Cloth { motif: crate::design::Motif::Plain, ..cord }.material(),
            None,
        );
        // The drum knot on the back.
        let back = -outermost(&|p| self.dressed(p), Vec3::Y * middle, Vec3::NEG_Z, 0.6 * s);
        let m = self.mesh.material(piece.cloth.material());
        let at = Vec3::new(0.0, middle + 0.02 * s, back - 0.045 * s);
        let path: Vec<Vec3> = (0..7).map(|i| at + Vec3::X * ((i as f32 / 3.0 - 1.0) * 0.105 * s)).collect();
        let stations = along(&path, |_| Vec3::Y, |_| (0.042 * s, 0.085 * s), 0.55);
        let range = self.mesh.sweep(&stations, 16, m);
        let rig = self.rig;
        self.mesh.bind(range, |p| rig.bind(Vec3::new(0.0, p.y, -0.05 * s), Set::TRUNK));
    }

    fn sash(&mut self, piece: &Piece) {
        let s = self.s();
        let waist = waist_height(self.f, 0.0);
        self.band(waist - 0.02 * s, waist + 0.03 * s, 0.008 * s, piece.cloth.material(), None);
        let z = outermost(&|p| self.dressed(p), Vec3::Y * waist, Vec3::Z, 0.6 * s) / s;
        for (x, low) in [(0.05, 0.3), (0.085, 0.24)] {
            let points = [v(0.05, waist / s, z + 0.014), v(x, waist / s - 0.1, z + 0.03), v(x * 1.2, waist / s - low, z + 0.035)]
                .map(|p| p * s);
            self.ribbon(&Ribbon { width: 0.016, ..Ribbon::free(&points) }, piece.cloth.material());
        }
    }

    fn belt(&mut self, piece: &Piece) {
        let s = self.s();
        let coat = self.design.wears(Kind::TrenchCoat);
        let waist = waist_height(self.f, if coat || self.design.wears(Kind::Dress) { 0.0 } else { -0.3 });
        let half = if coat { 0.022 } else { 0.014 } * s;
        self.band(waist - half, waist + half, 0.007 * s, piece.cloth.material(), None);
        let z = outermost(&|p| self.dressed(p), Vec3::Y * waist, Vec3::Z, 0.6 * s) + 0.012 * s;
        let m = self.mesh.material(if coat { materials::leather([0.09, 0.05, 0.03]) } else { materials::gold() });
        let ring: Vec<Vec3> = (0..17)
            .map(|i| {
                let (sin, cos) = (i as f32 / 16.0 * std::f32::consts::TAU).sin_cos();
                let square = |x: f32| x.signum() * x.abs().powf(0.4);
                Vec3::new(square(cos) * half * 1.1, waist + square(sin) * half * 1.25, z)
            })
            .collect();
        let stations = along(&ring, |_| Vec3::Z, |_| (0.005 * s, 0.005 * s), 1.0);
        let range = self.mesh.sweep(&stations, 6, m);
        self.trunk_bind(range);
        if coat {
            let points =
                [v(0.03, waist / s, z / s), v(0.075, waist / s - 0.03, z / s - 0.002), v(0.095, waist / s - 0.13, z / s - 0.01)]
                    .map(|p| p * s);
            self.ribbon(&Ribbon { width: 0.02, ..Ribbon::free(&points) }, piece.cloth.material());
        }
    }

    fn tie(&mut self, piece: &Piece) {
        let s = self.s();
        let neck = self.f.at(Joint::Neck);
        let points = [v(0.0, -0.03, 0.2), v(0.0, -0.12, 0.2), v(0.0, -0.26, 0.2)].map(|p| neck + p * s);
        let field = |p: Vec3| form::trunk(self.f, p);
        let path: Vec<Vec3> = curve(&points, 9).into_iter().map(|p| onto(&field, p, 0.018 * s, false)).collect();
        let stations = along(&path, |_| Vec3::Z, |t| ((0.012 + 0.017 * t) * s, 0.005 * s), 0.7);
        let m = self.mesh.material(piece.cloth.material());
        let range = self.mesh.sweep(&stations, 8, m);
        self.trunk_bind(range);
        let range = self.mesh.ball(
            path[0] + Vec3::new(0.0, 0.004, 0.006) * s,
            [Vec3::Y * 0.018 * s, Vec3::X * 0.017 * s, Vec3::Z * 0.012 * s],
            (6, 8),
            m,
        );
        self.trunk_bind(range);
    }

    fn bow_tie(&mut self, piece: &Piece) {
        let s = self.s();
        let at = onto(&|p| form::trunk(self.f, p), self.f.at(Joint::Neck) + v(0.0, -0.02, 0.2) * s, 0.018 * s, false);
        let m = self.mesh.material(piece.cloth.material());
        for side in [1.0, -1.0] {
            let range = self.mesh.ball(
                at + Vec3::X * 0.026 * s * side,
                [Vec3::X * 0.028 * s, Vec3::Y * 0.018 * s, Vec3::Z * 0.01 * s],
                (6, 8),
                m,
            );
            self.trunk_bind(range);
        }
    }

    fn stethoscope(&mut self) {
        let s = self.s();
        let neck = self.f.at(Joint::Neck);
        let points = [
            v(0.07, -0.22, 0.2),
            v(0.085, -0.06, 0.12),
            v(0.075, 0.01, 0.01),
            v(0.0, 0.025, -0.09),
            v(-0.075, 0.01, 0.01),
            v(-0.085, -0.06, 0.12),
            v(-0.05, -0.2, 0.2),
        ]
        .map(|p| neck + p * s);
        self.ribbon(
            &Ribbon { width: 0.007, thick: 0.007, offset: 0.012, samples: 36, ..Ribbon::on(&points) },
            materials::leather([0.03, 0.035, 0.045]),
        );
        let at = onto(&|p| self.dressed(p), points[6], 0.012 * s, false);
        let m = self.mesh.material(materials::steel());
        let range = self.mesh.ball(at, [Vec3::Z * 0.008 * s, Vec3::X * 0.021 * s, Vec3::Y * 0.021 * s], (6, 12), m);
        self.trunk_bind(range);
    }

    fn armour(&mut self, piece: &Piece) {
        let s = self.s();
        let waist = waist_height(self.f, -0.2);
        let chest = self.f.at(Joint::Chest).y;
        for i in 0..4 {
            let y = waist + (chest + 0.06 * s - waist) * i as f32 / 4.0;
            self.band(y, y + (chest + 0.06 * s - waist) * 0.29, 0.012 * s, piece.cloth.material(), Some(piece.cloth.trim()));
        }
        let shoulder = self.f.at(Joint::LUpperArm);
        let m = self.mesh.material(piece.cloth.material());
        for side in [1.0f32, -1.0] {
            let at = Vec3::new((shoulder.x + 0.012 * s) * side, shoulder.y + 0.012 * s, shoulder.z);
            let range = self.mesh.ball(at, [Vec3::Y * 0.06 * s, Vec3::X * 0.07 * s, Vec3::Z * 0.075 * s], (7, 14), m);
            let joint = if side > 0.0 { Joint::LShoulder } else { Joint::RShoulder };
            self.mesh.bind(range, |_| Bind::rigid(joint));
        }
    }

    /// The tied ribbons of a hanbok's jacket.
    fn goreum(&mut self, piece: &Piece) {
        let s = self.s();
        let top = v(0.03, 1.06, 0.2);
        for (x, low) in [(0.045, 0.3), (0.08, 0.38)] {
            let points = [top * s, v(x, 0.97, 0.2) * s, v(x + 0.01, 1.06 - low, 0.24) * s];
            self.ribbon(&Ribbon { width: 0.015, offset: 0.012, ..Ribbon::free(&points) }, piece.cloth.trim());
        }
    }
}

fn v(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}
