//! Hair: sculpted clumps on the skull, with buns, plaits, curtains and curls. Coordinates: metres from the middle of the head.

use crate::design::{Design, HairStyle, Kind};
use crate::field::step;
use crate::head::HeadShape;
use crate::materials;
use crate::mesh::{Bind, Mesh, along, curve};
use crate::skeleton::{Figure, Joint};
use glam::{Quat, Vec3};
use klieg_film_words::story::{Age, Gender, Region};
use klieg_film_words::{between, unit};
use std::f32::consts::{PI, TAU};

/// Models the hair of one head into a mesh that follows the head.
pub(crate) struct Barber<'a> {
    design: &'a Design,
    f: &'a Figure,
    shape: &'a HeadShape,
    lead: bool,
    mesh: &'a mut Mesh,
    m: u16,
    h: f32,
    /// Raises the hairline in front.
    recede: f32,
    /// Under a hat hair lies close above the brim; under a scarf or turban it is pressed to the skull.
    hat: bool,
    covered: bool,
}

/// A shell of hair on the skull, combed away from `pole`.
struct Cap {
    pole: Vec3,
    thick: f32,
    /// Clumps around the pole (16 or 20: whole columns of the grid each), and how deep the furrows between them are (0–1).
    clumps: f32,
    furrow: f32,
    /// Extra thickness in front.
    quiff: f32,
    /// Added to the hairline.
    line: f32,
    /// Parted in the middle.
    part: bool,
}

/// Hair that falls around the head from under the cap.
struct Curtain {
    /// Azimuth from the front where it begins on both sides.
    from: f32,
    /// Height of its ends, in head heights from the middle of the head.
    low: f32,
    out: f32,
    /// Curl inwards (positive) or outwards at the ends.
    curl: f32,
    wave: f32,
}

impl<'a> Barber<'a> {
    pub fn new(design: &'a Design, f: &'a Figure, shape: &'a HeadShape, lead: bool, mesh: &'a mut Mesh) -> Barber<'a> {
        let m = mesh.material(materials::hair(materials::hair_colour(design)));
        let recede = if design.age == Age::Old && design.gender == Gender::Male { 0.05 } else { 0.0 };
        Barber { design, f, shape, lead, mesh, m, h: design.head, recede, hat: false, covered: false }
    }

    pub fn cut(&mut self) {
        use HairStyle::*;
        let covered =
            [Kind::Turban, Kind::Headscarf, Kind::Keffiyeh, Kind::Headwrap, Kind::Hood].iter().any(|k| self.design.wears(*k));
        let hat = [Kind::Fedora, Kind::Bowler, Kind::Cap, Kind::StrawHat].iter().any(|k| self.design.wears(*k));
        (self.hat, self.covered) = (hat, covered);
        let first = self.mesh.positions.len();
        let style = match self.design.hair.style {
            _ if covered => Crop,
            Afro | Curly | Tousled | TopKnot | HighBun if hat => Crop,
            style => style,
        };
        match style {
            Bald => {}
            Tonsure => self.tonsure(),
            Crop => self.cap(&crown(0.034, 20.0, 0.3)),
            SidePart => self.side_part(),
            Slicked => self.cap(&Cap {
                pole: v(0.0, 0.12, -1.0),
                thick: 0.04,
                clumps: 20.0,
                furrow: 0.28,
                quiff: 0.02,
                line: 0.015,
                part: false,
            }),
            Curly => self.curls(0.07, 130, 0.02),
            Afro => self.curls(0.075, 200, 0.11),
            Tousled => self.tousled(),
            Bob => {
                self.cap(&parted(0.05));
                self.curtain(&Curtain { from: 0.95, low: -0.4, out: 0.07, curl: 0.05, wave: 0.0 });
                self.fringe(0.2, 9);
            }
            Wavy => {
                self.cap(&Cap {
                    pole: v(0.45, 1.0, 0.35),
                    thick: 0.062,
                    clumps: 16.0,
                    furrow: 0.28,
                    quiff: 0.03,
                    line: 0.0,
                    part: false,
                });
                self.curtain(&Curtain { from: 0.98, low: -0.58, out: 0.085, curl: -0.03, wave: 0.035 });
                self.sweep_lock(1.0);
            }
            Long => {
                self.cap(&parted(0.048));
                self.curtain(&Curtain { from: 1.1, low: -1.05, out: 0.06, curl: 0.0, wave: 0.012 });
            }
            HimeCut => {
                self.cap(&parted(0.046));
                self.curtain(&Curtain { from: 1.25, low: -1.0, out: 0.06, curl: 0.0, wave: 0.0 });
                self.side_locks();
                self.fringe(0.16, 13);
            }
            Bun => {
                let indian = matches!(self.design.culture.region(), Region::SouthIndian | Region::NorthIndian);
                self.cap(&Cap { part: indian, quiff: if indian { 0.015 } else { 0.06 }, ..combed_back(0.05) });
                self.bun(v(0.0, -0.06, -0.47), 0.175);
            }
            HighBun => {
                self.cap(&Cap { pole: v(0.0, 0.75, -0.7), ..combed_back(0.042) });
                self.bun(v(0.0, 0.36, -0.36), 0.165);
            }
            TopKnot => {
                self.cap(&Cap { pole: v(0.0, 1.0, -0.25), ..combed_back(0.03) });
                self.bun(v(0.0, 0.53, -0.1), 0.105);
            }
            Chonmage => self.chonmage(),
            Plait => {
                self.cap(&Cap { part: true, ..combed_back(0.048) });
                self.plait(0.0, -0.12);
            }
            TwinPlaits => {
                self.cap(&parted(0.042));
                self.plait(0.26, -0.1);
                self.plait(-0.26, -0.1);
            }
            Ponytail => {
                self.cap(&Cap { pole: v(0.0, 0.45, -0.9), ..combed_back(0.042) });
                self.tail();
            }
        }
        let head = self.f.at(Joint::Head) + self.f.body.head_centre;
        let set: Vec<(usize, f32)> = (first..self.mesh.positions.len()).map(|i| (i, self.mesh.positions[i].y / self.h)).collect();
        for (i, y) in set {
            self.mesh.positions[i] += head;
            // What hangs below the neck follows the chest.
            let back = step(-0.5, -0.95, y);
            self.mesh.binds[i] =
                Bind { joints: [Joint::Head as u8, Joint::Chest as u8, 0, 0], shares: [1.0 - back, back, 0.0, 0.0] };
            self.mesh.loose[i] = 0.35 * step(-0.6, -1.6, y);
        }
    }

    /// Above zero where hair grows: height over the hairline in head heights.
    fn hairline(&self, p: Vec3) -> f32 {
        const LINE: [(f32, f32); 10] = [
            (0.0, 0.285),
            (0.5, 0.28),
            (0.85, 0.23),
            (1.05, 0.13),
            (1.16, -0.02),
            (1.36, -0.1),
            (1.6, 0.03),
            (1.85, -0.06),
            (2.2, -0.24),
            (PI, -0.34),
        ];
        let a = p.x.abs().atan2(p.z);
        let k = LINE.windows(2).position(|w| a <= w[1].0).unwrap_or(LINE.len() - 2);
        let (x, y) = (LINE[k], LINE[k + 1]);
        let t = ((a - x.0) / (y.0 - x.0)).clamp(0.0, 1.0);
        let line = x.1 + (y.1 - x.1) * t + self.recede * step(1.1, 0.6, a) * (1.0 + 0.8 * step(0.3, 0.7, a));
        p.y / self.h - line
    }

    fn cap(&mut self, k: &Cap) {
        let (rows, cols) = if self.lead { (ROWS.len(), 81) } else { (8, 27) };
        let row = |r: usize| if self.lead { ROWS[r] } else { r as f32 / (rows - 1) as f32 };
        let z = k.pole.normalize();
        let (x, y) = z.any_orthonormal_pair();
        let direction = |phi: f32, az: f32| z * phi.cos() + (x * az.cos() + y * az.sin()) * phi.sin();
        let turn = |c: usize| c as f32 / (cols - 1) as f32 * TAU;
        let seed = self.design.seed;
        let edges: Vec<f32> = (0..cols)
            .map(|c| {
                let az = turn(c % (cols - 1));
                let jag = 0.008 * (az * k.clumps * 0.5).cos().abs() + 0.008 * unit(seed ^ 0x4a, (c % (cols - 1)) as u64);
                let haired = |phi: f32| self.hairline(direction(phi, az) * 0.43 * self.h) + k.line > jag;
                let mut phi = 0.05;
                while phi < 3.0 && haired(phi) {
                    phi += 0.04;
                }
                let (mut inside, mut outside) = (phi - 0.04, phi);
                for _ in 0..5 {
                    let middle = 0.5 * (inside + outside);
                    *if haired(middle) { &mut inside } else { &mut outside } = middle;
                }
                outside
            })
            .collect();
        let points: Vec<Vec3> = (0..rows * cols)
            .map(|i| {
                let (r, c) = (i / cols, i % cols);
                let t = row(r);
                let az = turn(c % (cols - 1));
                let d = direction(edges[c] * t, az);
                let skull = self.shape.surface(d);
                // Ridges run along the columns, or the grid would break them into dashes; each clump has its own height.
                let clump = unit(seed ^ 0xc1, (az * k.clumps / TAU) as u64);
                let ridge = (az * k.clumps * 0.5).sin().powi(2) * (0.55 + 0.45 * clump);
                let relief = 1.0 - k.furrow * (1.0 - ridge) * step(0.0, 0.25, t);
                let front = step(0.15, 0.4, skull.z / self.h) * step(0.1, 0.3, skull.y / self.h);
                let body = (k.thick + k.quiff * front) * relief * (1.0 - t.powi(7) * 0.75);
                let close = if self.hat { 1.0 - 0.8 * step(0.17, 0.26, skull.y / self.h) } else { 1.0 };
                let pressed = self.covered && skull.y > 0.16 * self.h;
                let part = if k.part {
                    1.0 - 0.8 * (-(skull.x / (0.022 * self.h)).powi(2)).exp() * step(-0.1, 0.1, skull.z / self.h)
                } else {
                    1.0
                };
                let lift = if r == rows - 1 || pressed { -0.012 } else { body * part * close };
                skull + (d + v(0.0, 0.25 * front, 0.0)).normalize() * (lift * self.h)
            })
            .collect();
        let m = self.m;
        let range = self.mesh.grid(
            (rows, cols, true),
            |r, c| points[r * cols + c],
            |r, c| v(c as f32 / (cols - 1) as f32 * AROUND, row(r) * ALONG, 0.0),
            |_, _| m,
        );
        // Skin shows between the first hairs.
        let through = materials::skin_through_hair(self.design);
        for (i, vertex) in range.enumerate() {
            let thin = 0.5 * step(0.95, 1.0, row(i / cols));
            self.mesh.tints[vertex] = Vec3::ONE.lerp(through, thin);
        }
    }

    fn side_part(&mut self) {
        let side = if unit(self.design.seed, 71) < 0.5 { 1.0 } else { -1.0 };
        self.cap(&Cap {
            pole: v(0.5 * side, 1.0, 0.25),
            thick: 0.045,
            clumps: 16.0,
            furrow: 0.4,
            quiff: 0.035,
            line: 0.0,
            part: false,
        });
    }

    fn tonsure(&mut self) {
        // A ring of hair around the back of the head.
        let n = if self.lead { 34 } else { 14 };
        for i in 0..n {
            let a = 1.2 + (TAU - 2.4) * i as f32 / (n - 1) as f32;
            let path: Vec<Vec3> = (0..5)
                .map(|k| {
                    let t = k as f32 / 4.0;
                    let back = step(1.2, 2.2, if a > PI { TAU - a } else { a });
                    let y = 0.16 - t * (0.2 + 0.26 * back) + 0.02 * (i as f32 * 1.7).sin();
                    self.shape.surface(v(a.sin(), y / 0.42, a.cos())) * 1.02
                })
                .collect();
            self.lock(&path, 0.035, 0.028);
        }
    }

    /// One clump along a path: half-width and height in head heights, tapered.
    fn lock(&mut self, path: &[Vec3], width: f32, height: f32) {
        let h = self.h;
        let stations = along(
            path,
            |t| path[(t * (path.len() - 1) as f32) as usize].normalize_or(Vec3::Z),
            |t| {
                let fat = (1.0 - t.powi(4) * 0.93) * (0.12 + 0.88 * step(0.0, 0.35, t));
                (width * h * fat, height * h * fat)
            },
            1.0,
        );
        let m = self.m;
        let range = self.mesh.sweep(&stations, if self.lead { 7 } else { 4 }, m);
        for i in range {
            let c = self.mesh.coords[i];
            self.mesh.coords[i] = v(c.x * 2.0, c.y * 4.0, 0.0);
        }
    }

    fn curls(&mut self, radius: f32, count: usize, out: f32) {
        self.cap(&crown(0.03 + out * 0.8, 20.0, 0.1));
        let n = if self.lead { count } else { count / 5 };
        let radius = if self.lead { radius } else { radius * 2.0 };
        let seed = self.design.seed ^ 0xc0;
        for i in 0..n {
            let y = 1.0 - 1.75 * (i as f32 + 0.5) / n as f32;
            let a = i as f32 * 2.399_963;
            let r = (1.0 - y * y).sqrt();
            let d = v(r * a.sin(), y, r * a.cos());
            let p = self.shape.surface(d);
            if self.hairline(p) < 0.0 {
                continue;
            }
            let size = radius * self.h * between(seed, i as u64, 0.8, 1.25);
            let at = p + d * (out * self.h + size * 0.35);
            let turn = Quat::from_axis_angle(d, unit(seed, 999 + i as u64) * TAU);
            let (x, z) = d.any_orthonormal_pair();
            let m = self.m;
            self.mesh.ball(
                at,
                [turn * x * size, d * size * 0.75, turn * z * size * 0.85],
                if self.lead { (5, 8) } else { (4, 6) },
                m,
            );
        }
    }

    fn tousled(&mut self) {
        self.cap(&crown(0.05, 20.0, 0.4));
        let seed = self.design.seed ^ 0x70;
        let n = if self.lead { 60 } else { 16 };
        for i in 0..n {
            let y = 1.0 - 1.15 * (i as f32 + 0.5) / n as f32;
            let a = i as f32 * 2.399_963;
            let r = (1.0 - y * y).sqrt();
            let d = v(r * a.sin(), y, r * a.cos());
            let p = self.shape.surface(d);
            if self.hairline(p) < 0.02 {
                continue;
            }
            let comb = v(0.5 * (unit(seed, i as u64) - 0.3), -0.4, 0.5 * d.z + 0.35 * (unit(seed, 300 + i as u64) - 0.5));
            let flow = (comb - d * comb.dot(d)).normalize_or(Vec3::X);
            let path: Vec<Vec3> = (0..5)
                .map(|k| k as f32 / 4.0)
                .map(|t| p + (d * (0.04 + 0.075 * (t * 2.4).sin()) + flow * (0.2 * t)) * self.h)
                .collect();
            self.lock(&path, 0.05, 0.026);
        }
    }

    /// Locks over the forehead down to height `low`.
    fn fringe(&mut self, low: f32, n: usize) {
        let (n, wide) = if self.lead { (n, 0.075) } else { (n / 3 + 1, 0.17) };
        for i in 0..n {
            let a = (i as f32 / (n - 1) as f32 * 2.0 - 1.0) * 0.95;
            let path: Vec<Vec3> = (0..5)
                .map(|k| {
                    let t = k as f32 / 4.0;
                    let y = 0.42 - (0.42 - low) * t;
                    let d = v(a.sin() * (1.0 - 0.15 * (1.0 - t)), y / 0.4, a.cos());
                    self.shape.surface(d) * 1.0 + d.normalize() * (0.045 * self.h)
                })
                .collect();
            self.lock(&path, wide, 0.03);
        }
    }

    /// Locks beside the face, cut straight at the jaw.
    fn side_locks(&mut self) {
        for side in [1.0f32, -1.0] {
            for i in 0..if self.lead { 3 } else { 1 } {
                let a = (if self.lead { 1.0 } else { 1.12 } + 0.13 * i as f32) * side;
                let path: Vec<Vec3> = (0..6)
                    .map(|k| {
                        let t = k as f32 / 5.0;
                        let d = v(a.sin(), 0.0, a.cos());
                        let y = 0.3 - 0.68 * t;
                        let r = self.shape.surface(v(a.sin(), (y / 0.42).max(-0.5), a.cos())).with_y(0.0).length();
                        d * (r.max(0.36 * self.h) + 0.035 * self.h) + Vec3::Y * (y * self.h)
                    })
                    .collect();
                self.lock(&path, if self.lead { 0.06 } else { 0.11 }, 0.035);
            }
        }
    }

    /// The swept wave over one brow.
    fn sweep_lock(&mut self, side: f32) {
        for i in 0..5 {
            let over = 0.035 + 0.008 * i as f32;
            let path: Vec<Vec3> = (0..9)
                .map(|k| {
                    let t = k as f32 / 8.0;
                    let a = side * (0.42 - 1.6 * t - 0.04 * i as f32);
                    let y = 0.4 - 0.022 * i as f32 + 0.05 * (t * PI).sin() - 0.36 * t * t;
                    let d = v(a.sin(), y / 0.4, a.cos());
                    // Out of the cap at the parting, into the curtain at the temple.
                    let lift = over * step(0.0, 0.22, t) + 0.03 * step(0.6, 1.0, t);
                    self.shape.surface(d) + d.normalize() * (lift * self.h)
                })
                .collect();
            self.lock(&path, 0.046, 0.03);
        }
    }

    fn curtain(&mut self, k: &Curtain) {
        let (rows, cols) = if self.lead { (14, 61) } else { (5, 17) };
        let h = self.h;
        let high = 0.22;
        let points: Vec<Vec3> = (0..rows * cols * 2)
            .map(|i| {
                // The outer face down, the inner face up again: the curtain has thickness.
                let (layer, i) = (i / (rows * cols), i % (rows * cols));
                let (r, c) = (i / cols, i % cols);
                let r = if layer == 0 { r } else { rows - 1 - r };
                let t = r as f32 / (rows - 1) as f32;
                let a = k.from + (TAU - 2.0 * k.from) * c as f32 / (cols - 1) as f32;
                let clump = (a * 11.0 + 0.3 * (t * 2.0).sin()).sin().powi(2);
                let uneven = 0.035 * (clump - 0.5) + 0.04 * ((a * 11.0 / PI).floor() * 2.4).sin();
                let y = high + (k.low - high) * t + uneven * t * t;
                let skull = self.shape.surface(v(a.sin(), (y / 0.42).clamp(-0.45, 0.6), a.cos())).with_y(0.0).length() / h;
                let wave = k.wave * (t * 15.0 + 0.8 * a.cos()).sin();
                let swell = k.out * (0.45 + 0.55 * step(0.0, 0.4, t)) + 0.02 * clump - k.curl * step(0.7, 1.0, t) * 2.0 + wave;
                let behind = if a.cos() < 0.0 { 0.05 * step(0.3, 0.8, t) * (1.0 - (k.low + 1.0).clamp(0.0, 1.0)) } else { 0.0 };
                // It grows out of the hair above it, without a ledge.
                let root = step(-0.06, 0.3, t);
                let r = skull.max(0.37 * root) + swell * root + behind - if layer == 1 { 0.045 } else { 0.0 };
                v(a.sin(), 0.0, a.cos()) * (r * h) + Vec3::Y * (y * h)
            })
            .collect();
        let m = self.m;
        self.mesh.grid(
            (rows * 2, cols, false),
            |r, c| points[r * cols + c],
            |r, c| v(c as f32 * 0.2, 4.0 * r as f32 / rows as f32, 0.0),
            |_, _| m,
        );
        // The edges beside the face are closed by a lock each.
        for c in [0, cols - 1] {
            let path: Vec<Vec3> =
                (0..rows).map(|r| points[r * cols + c].lerp(points[(2 * rows - 1 - r) * cols + c], 0.5)).collect();
            self.lock(&path, 0.03, 0.036);
        }
    }

    /// A coiled knot, with a string of jasmine where worn.
    fn bun(&mut self, at: Vec3, radius: f32) {
        let (h, m) = (self.h, self.m);
        let centre = at * h;
        let out = (at - v(0.0, 0.1, 0.0)).normalize();
        let (x, y) = out.any_orthonormal_pair();
        let (rows, cols) = if self.lead { (22, 33) } else { (8, 13) };
        let r = radius * h;
        self.mesh.grid(
            (rows, cols, true),
            |i, c| {
                let phi = i as f32 / (rows - 1) as f32 * PI;
                let a = c as f32 / (cols - 1) as f32 * TAU;
                // One long coil: the ridge climbs a turn a turn.
                let coil = 1.0 - 0.12 * (phi * 4.5 - a * if i == 0 || i == rows - 1 { 0.0 } else { 1.0 }).cos().powi(2);
                centre + (out * phi.cos() * 0.72 + (x * a.cos() + y * a.sin()) * phi.sin()) * (r * coil)
            },
            |i, c| v(c as f32 * 0.15, 3.0 * i as f32 / (rows - 1) as f32, 0.0),
            |_, _| m,
        );
        if self.design.hair.jasmine {
            let n = if self.lead { 26 } else { 9 };
            for ring in 0..if self.lead { 2 } else { 1 } {
                let path: Vec<Vec3> = (0..n)
                    .map(|i| {
                        let a = (i as f32 + ring as f32 * 0.5) / n as f32 * TAU;
                        centre + (x * a.cos() + y * a.sin()) * (r * (1.0 + 0.1 * ring as f32))
                            - out * (r * (0.12 + 0.3 * ring as f32))
                    })
                    .collect();
                self.blossoms(&path, 0.036);
            }
        }
        if self.design.hair.jasmine {
            self.strands_of_jasmine();
        }
        if self.lead && self.design.has(crate::design::Ornament::Kanzashi) {
            self.kanzashi(centre, r);
        }
    }

    /// Two strings that fall from the bun beside the neck.
    fn strands_of_jasmine(&mut self) {
        for side in [1.0f32, -1.0] {
            let knots =
                [v(0.16 * side, 0.1, -0.42), v(0.34 * side, -0.2, -0.3), v(0.3 * side, -0.5, -0.14), v(0.31 * side, -0.74, -0.02)];
            let n = if self.lead { 20 } else { 5 };
            let path: Vec<Vec3> = curve(&knots, n).into_iter().map(|p| p * self.h).collect();
            self.blossoms(&path, 0.036);
        }
    }

    /// Buds and open flowers along a path.
    fn blossoms(&mut self, path: &[Vec3], radius: f32) {
        let petals = self.mesh.material(materials::petals([0.76, 0.74, 0.64]));
        let seed = self.design.seed ^ 0x1a5;
        for (i, p) in path.iter().enumerate() {
            let r = radius * self.h * between(seed, i as u64, 0.8, 1.2) * if self.lead { 1.0 } else { 1.7 };
            let d = v(unit(seed, 3 * i as u64) - 0.5, unit(seed, 3 * i as u64 + 1) - 0.5, unit(seed, 3 * i as u64 + 2) - 0.5)
                .normalize_or(Vec3::Y);
            let (x, y) = d.any_orthonormal_pair();
            self.mesh.ball(*p, [d * r * 0.8, x * r, y * r], if self.lead { (4, 6) } else { (3, 5) }, petals);
        }
    }

    fn kanzashi(&mut self, at: Vec3, r: f32) {
        let stick = self.mesh.material(materials::gold());
        let flower = self.mesh.material(materials::petals([0.72, 0.35, 0.42]));
        let path = [at + v(1.5, 0.5, 0.2) * r, at - v(1.4, 0.2, -0.1) * r];
        let thin = 0.012 * self.h;
        self.mesh.sweep(&along(&path, |_| Vec3::Z, |_| (thin, thin), 1.0), 6, stick);
        for i in 0..5 {
            let a = i as f32 / 5.0 * TAU;
            let c = path[0] + v(0.0, a.sin(), a.cos()) * 0.045 * self.h;
            let size = 0.04 * self.h;
            self.mesh.ball(c, [Vec3::X * size * 0.5, Vec3::Y * size, Vec3::Z * size], (5, 8), flower);
        }
    }

    /// A long three-strand plait down the back from `x`, `y` at the nape.
    fn plait(&mut self, x: f32, y: f32) {
        let h = self.h;
        let front = x != 0.0;
        let knots = if front {
            [v(x, y, -0.34), v(x * 1.5, -0.45, -0.22), v(x * 1.35, -0.75, 0.02), v(x * 1.2, -1.15, 0.14)]
        } else {
            [v(0.0, y, -0.42), v(0.0, -0.5, -0.44), v(0.0, -1.1, -0.6), v(0.0, -1.85, -0.62)]
        };
        let n = if self.lead { 15 } else { 8 };
        let path: Vec<Vec3> = curve(&knots, n).into_iter().map(|p| p * h).collect();
        let m = self.m;
        for (i, p) in path.iter().enumerate() {
            let t = i as f32 / (n - 1) as f32;
            let down = (path[(i + 1).min(n - 1)] - path[i.saturating_sub(1)]).normalize_or(Vec3::NEG_Y);
            let side = Vec3::Z.cross(down).normalize_or(Vec3::X);
            let r = (0.088 - 0.03 * t) * h;
            for s in [1.0, -1.0] {
                let lean = (down + side * (0.75 * s)).normalize();
                let across = Vec3::Z.cross(lean).normalize_or(Vec3::X);
                self.mesh.ball(
                    *p + side * (r * 0.42 * s) + down * (r * 0.45 * s),
                    [lean * r * 1.15, across * r * 0.66, Vec3::Z * r * 0.74],
                    if self.lead { (6, 9) } else { (4, 6) },
                    m,
                );
            }
        }
        let tie = self.mesh.material(materials::paint([0.5, 0.06, 0.08]));
        let end = path[n - 1];
        self.mesh.ball(end, [Vec3::Y * 0.03 * h, Vec3::X * 0.05 * h, Vec3::Z * 0.05 * h], (5, 8), tie);
        let tuft: Vec<Vec3> = (0..4).map(|i| end - v(0.0, 0.06 * i as f32, 0.0) * h).collect();
        self.lock(&tuft, 0.05, 0.05);
        if self.design.hair.jasmine {
            let string: Vec<Vec3> = (0..if self.lead { 26 } else { 10 })
                .map(|i| {
                    let a = i as f32 * 2.4;
                    let t = (i as f32 / 26.0 * 0.4 * (n - 1) as f32).min((n - 1) as f32);
                    path[t as usize].lerp(path[(t as usize + 1).min(n - 1)], t.fract()) + v(a.sin(), 0.0, a.cos()) * 0.085 * h
                })
                .collect();
            self.blossoms(&string, 0.036);
        }
    }

    fn tail(&mut self) {
        for i in 0..7 {
            let a = i as f32 / 7.0 * TAU;
            let (s, c) = (a.sin() * 0.05, a.cos() * 0.05);
            let path: Vec<Vec3> = curve(
                &[
                    v(s * 0.5, 0.2 + c * 0.5, -0.42),
                    v(s, 0.22 + c, -0.6),
                    v(s * 1.6, -0.1 + c, -0.68 + c),
                    v(s * 1.2, -0.55, -0.6 + c),
                ],
                9,
            )
            .into_iter()
            .map(|p| p * self.h)
            .collect();
            self.lock(&path, 0.07, 0.06);
        }
        let band = self.mesh.material(materials::paint([0.45, 0.08, 0.1]));
        let r = 0.075 * self.h;
        self.mesh.ball(v(0.0, 0.2, -0.45) * self.h, [v(0.0, 0.0, -0.5) * r, Vec3::X * r, Vec3::Y * r], (5, 10), band);
    }

    fn chonmage(&mut self) {
        self.recede = 0.3;
        self.cap(&Cap { pole: v(0.0, 0.3, -1.0), thick: 0.04, clumps: 20.0, furrow: 0.24, quiff: 0.0, line: 0.0, part: false });
        let path: Vec<Vec3> = curve(&[v(0.0, 0.3, -0.42), v(0.0, 0.52, -0.34), v(0.0, 0.56, -0.1), v(0.0, 0.53, 0.1)], 8)
            .into_iter()
            .map(|p| p * self.h)
            .collect();
        self.lock(&path, 0.055, 0.05);
    }
}

/// Rows of a cap of hair from its pole (0) to the hairline (1), close together where it thins out.
const ROWS: [f32; 13] = [0.0, 0.09, 0.18, 0.28, 0.38, 0.48, 0.58, 0.68, 0.77, 0.85, 0.92, 0.97, 1.0];

/// Pattern units around a cap and from its pole to the hairline: about as many a metre both ways, or triangles of one grid would
/// be filtered differently.
const AROUND: f32 = 14.0;
const ALONG: f32 = 5.0;

fn crown(thick: f32, clumps: f32, furrow: f32) -> Cap {
    Cap { pole: v(0.08, 1.0, -0.3), thick, clumps, furrow, quiff: 0.012, line: 0.0, part: false }
}

fn parted(thick: f32) -> Cap {
    Cap { pole: v(0.0, 1.0, 0.12), thick, clumps: 20.0, furrow: 0.24, quiff: 0.0, line: 0.0, part: false }
}

fn combed_back(thick: f32) -> Cap {
    Cap { pole: v(0.0, -0.05, -1.0), thick, clumps: 20.0, furrow: 0.24, quiff: 0.006, line: 0.0, part: false }
}

fn v(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}
