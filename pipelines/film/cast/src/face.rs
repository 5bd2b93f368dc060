//! The face in a pose: skin around a mouth that opens, teeth, tongue, eyes, lids, brows.
//!
//! Mouth shapes are points in a space of a few measures of the lips; weights blend the measures, so in-betweens stay mouths.

use crate::design::{Beard, Design, HairStyle, Ornament};
use crate::field::{gradient, step};
use crate::head::{HeadGrid, HeadShape, LIP_RINGS};
use crate::materials;
use crate::mesh::{Mesh, NOTHING, along, curve};
use crate::pose::Face;
use glam::{Affine3A, Quat, Vec3};
use klieg_film_words::story::{Age, Gender};
use klieg_kernels::scene::{Geometry, Material};

/// Measures of the lips in head heights.
#[derive(Clone, Copy, Debug)]
struct Lips {
    /// Half-width against rest.
    width: f32,
    /// Upper lip above, lower lip below the line of the closed mouth.
    up: f32,
    low: f32,
    /// Pushed forward.
    pucker: f32,
    /// Lips rolled in, 0–1.
    press: f32,
    /// Tongue raised, 0–1.
    tongue: f32,
}

/// The nine shapes in the order of `MouthShape::ALL`: A B C D E F G H X.
const SHAPES: [Lips; 9] = [
    Lips { width: 0.97, up: 0.0, low: 0.0, pucker: 0.0, press: 0.6, tongue: 0.0 },
    Lips { width: 1.15, up: 0.024, low: 0.028, pucker: 0.0, press: 0.0, tongue: 0.0 },
    Lips { width: 1.08, up: 0.03, low: 0.066, pucker: 0.0, press: 0.0, tongue: 0.1 },
    Lips { width: 1.06, up: 0.038, low: 0.12, pucker: 0.0, press: 0.0, tongue: 0.15 },
    Lips { width: 0.78, up: 0.034, low: 0.07, pucker: 0.018, press: 0.0, tongue: 0.0 },
    Lips { width: 0.48, up: 0.024, low: 0.03, pucker: 0.045, press: 0.0, tongue: 0.0 },
    Lips { width: 1.04, up: 0.03, low: 0.0, pucker: -0.006, press: 0.3, tongue: 0.0 },
    Lips { width: 1.04, up: 0.032, low: 0.06, pucker: 0.0, press: 0.0, tongue: 1.0 },
    Lips { width: 1.0, up: 0.0, low: 0.0, pucker: 0.0, press: 0.0, tongue: 0.0 },
];

impl Lips {
    fn of(face: &Face) -> Lips {
        let sum: f32 = face.mouth.iter().sum();
        let mut lips = Lips { width: 0.0, up: 0.0, low: 0.0, pucker: 0.0, press: 0.0, tongue: 0.0 };
        for (shape, weight) in SHAPES.iter().zip(face.mouth) {
            let w = if sum > 1e-6 { weight / sum } else { 1.0 / 9.0 };
            lips.width += shape.width * w;
            lips.up += shape.up * w;
            lips.low += shape.low * w;
            lips.pucker += shape.pucker * w;
            lips.press += shape.press * w;
            lips.tongue += shape.tongue * w;
        }
        lips.low += face.jaw.clamp(0.0, 1.0) * 0.09;
        lips.width += 0.16 * face.smile.max(0.0) - 0.05 * (-face.smile).max(0.0);
        lips
    }
}

/// Everything of the face that moves.
pub(crate) struct FaceModel {
    pub shape: HeadShape,
    grid: HeadGrid,
    lead: bool,
    skin: Material,
    lips: Material,
    lash: Material,
    brow: Material,
    eye: [Material; 2],
    line: f32,
    lash_wing: f32,
    lid_open: f32,
    brow_size: f32,
    old: bool,
    brow_arch: f32,
    pub beard: Beard,
    hair: Material,
    /// Tint of hair that skin shows through.
    thin: Vec3,
    /// The skull is under hair all over.
    haired: bool,
    /// Where the left eye's upper and lower lid run out into the skin: points and normals from its inner to its outer corner.
    rims: [Vec<(Vec3, Vec3)>; 2],
}

/// The skin around the left eye above (`up` 1) or below (−1), `n` points and normals.
fn rim(shape: &HeadShape, up: f32, n: usize) -> Vec<(Vec3, Vec3)> {
    let (e, r) = (shape.eye(0), shape.eye_radius());
    let tall = if up > 0.0 { 1.2 } else { 1.26 };
    (0..n)
        .map(|c| {
            let (s, k) = ((c as f32 / (n - 1) as f32 * 2.0 - 1.0) * 1.5).sin_cos();
            let p = shape.front(e.x + 1.24 * r * s, e.y + tall * r * k * up);
            let normal = gradient(&|p| shape.distance(p), p, 0.01 * shape.h);
            (p - normal * (0.006 * shape.h), normal)
        })
        .collect()
}

impl FaceModel {
    pub fn new(design: &Design, lead: bool) -> FaceModel {
        let shape = HeadShape::of(design);
        let grid = HeadGrid::new(&shape, if lead { (36, 49) } else { (15, 19) });
        let female = design.gender == Gender::Female;
        let small = matches!(design.age, Age::Infant | Age::Child);
        let old = design.age == Age::Old;
        let brow_colour =
            if old { design.hair.colour.map(|c| (c * 0.75).min(0.5)) } else { design.hair.colour.map(|c| (c * 0.8).max(0.02)) };
        FaceModel {
            grid,
            lead,
            skin: materials::skin(design.skin),
            lips: materials::lips(design.lips),
            lash: materials::lash(),
            brow: materials::brow(brow_colour),
            eye: [materials::eyeball(), materials::iris(design.iris)],
            line: if female { 0.09 } else { 0.05 } + 0.06 * design.face.kajal,
            lash_wing: if female && !small { 0.3 } else { 0.0 } + 0.12 * design.face.kajal,
            lid_open: 0.78 - 0.2 * design.face.hooded - if old { 0.14 } else { 0.0 } + if small { 0.08 } else { 0.0 },
            brow_size: (1.0 + 0.25 * design.face.brows)
                * match (female, small) {
                    (_, true) => 0.75,
                    (true, _) => 0.8,
                    _ if design.has(Ornament::Glasses) => 1.0,
                    _ => 1.25,
                },
            old,
            brow_arch: if female { 0.03 } else { 0.015 },
            beard: design.beard,
            hair: materials::hair(materials::hair_colour(design)),
            thin: materials::skin_through_hair(design),
            haired: !matches!(design.hair.style, HairStyle::Bald | HairStyle::Tonsure | HairStyle::Chonmage),
            rims: [1.0, -1.0].map(|up| rim(&shape, up, if lead { 15 } else { 9 })),
            shape,
        }
    }

    /// The most triangles the face has in any pose.
    pub fn triangles(&self) -> usize {
        let mut out = Geometry::default();
        self.emit(&Face { jaw: 1.0, ..Face::neutral() }, Affine3A::IDENTITY, &mut out);
        out.triangles.len()
    }

    /// Adds the face to `out`; `head` is the transform of the middle of the head.
    pub fn emit(&self, face: &Face, head: Affine3A, out: &mut Geometry) {
        let mut mesh = Mesh::default();
        let lips = Lips::of(face);
        self.skin_and_lips(face, &lips, &mut mesh);
        self.mouth_parts(&lips, &mut mesh);
        self.beard(face, &lips, &mut mesh);
        for side in 0..2 {
            self.eye(face, side, &mut mesh);
            self.brow(face, side, &mut mesh);
        }
        mesh.emit(out, head);
    }

    /// Where the inner edge of the lips is: azimuth → point. Upper and lower lip meet where the mouth is closed.
    #[cfg(test)]
    pub fn lip_gap(&self, face: &Face) -> f32 {
        let points = self.deformed(face, &Lips::of(face));
        let row = &points[..self.grid.cols];
        let nearest = |angle: f32| {
            let i = (0..self.grid.cols).min_by(|a, b| {
                let off = |i: usize| (self.grid.angles[i].sin() - angle.sin()).abs();
                off(*a).total_cmp(&off(*b))
            });
            row[i.unwrap_or(0)].y
        };
        nearest(std::f32::consts::FRAC_PI_2) - nearest(-std::f32::consts::FRAC_PI_2)
    }

    /// Lip edge height (0–1) at column angle; the hinge of the motion of everything around it.
    fn lip_motion(&self, angle: f32, face: &Face, lips: &Lips) -> Vec3 {
        let (h, w0) = (self.shape.h, self.shape.mouth_half());
        let (s, c) = angle.sin_cos();
        let open = if s >= 0.0 { lips.up * s.powf(0.75) } else { -lips.low * (-s).powf(0.75) };
        let corner = (0.05 * face.smile + 0.012) * c.abs().powi(3);
        let (x0, x1) = (w0 * c, w0 * c * lips.width);
        let back = (x1 * x1 - x0 * x0) / 0.5;
        Vec3::new(x1 - x0, open + corner, lips.pucker * (1.0 - 0.4 * c.abs()) - back) * h
    }

    fn deformed(&self, face: &Face, lips: &Lips) -> Vec<Vec3> {
        let (h, g) = (self.shape.h, &self.grid);
        let mouth = self.shape.mouth();
        let motion: Vec<Vec3> = g.angles.iter().map(|a| self.lip_motion(*a, face, lips)).collect();
        let drop = 0.8 * lips.low;
        let lift = face.cheeks.clamp(0.0, 1.0) + 0.6 * face.smile.max(0.0);
        let inner = g.spread[0];
        (0..g.points.len())
            .map(|i| {
                let (r, c) = (i / g.cols, i % g.cols);
                let p = g.points[i];
                let upper = g.angles[c].sin().max(0.0);
                let reach = inner * (2.9 - 0.95 * upper);
                let lip = 1.0 - step(inner * 1.25, reach, g.spread[r]);
                let chin = step(0.0, -0.1 * h, p.y - mouth.y) * step(-0.22 * h, 0.08 * h, p.z);
                let side = (Vec3::new(p.x.abs(), p.y, p.z) - Vec3::new(0.2, -0.15, 0.28) * h).length();
                let cheek = (1.0 - step(0.03 * h, 0.17 * h, side)) * lift;
                let mut moved = p + motion[c] * lip + Vec3::new(0.0, -drop, -0.3 * drop) * (h * chin * (1.0 - lip));
                moved += Vec3::new(p.x.signum() * 0.008, 0.022, 0.016) * (h * cheek);
                if r > 0 && r < LIP_RINGS {
                    let edge = g.points[c] + motion[c];
                    moved = moved.lerp(edge, lips.press * 0.5);
                    // Pushed forward they swell, drawn wide they thin.
                    let tall = (1.0 + 4.0 * lips.pucker.max(0.0) - 0.45 * (lips.width - 1.0).max(0.0)).clamp(0.85, 1.2);
                    moved = edge + (moved - edge) * tall;
                    moved.z += lips.pucker.max(0.0) * 0.5 * h;
                }
                moved
            })
            .collect()
    }

    fn skin_and_lips(&self, face: &Face, lips: &Lips, mesh: &mut Mesh) {
        let (skin, lip, dark) = (mesh.material(self.skin), mesh.material(self.lips), mesh.material(materials::mouth()));
        let g = &self.grid;
        let points = self.deformed(face, lips);
        let range = mesh.grid(
            (g.rings, g.cols, true),
            |r, c| points[r * g.cols + c],
            |r, c| g.points[r * g.cols + c],
            |r, c| match r {
                r if r < LIP_RINGS - 1 => lip,
                r if self.covered(g.points[r * g.cols + c]) && self.covered(g.points[(r + 1) * g.cols + c]) => NOTHING,
                _ => skin,
            },
        );
        let h = self.shape.h;
        let blush = 0.25 + 0.75 * face.blush.clamp(0.0, 1.0);
        let first = range.start;
        for (i, at) in range.zip(&g.points) {
            let m = Vec3::new(at.x.abs(), at.y, at.z);
            let cheek = 1.0 - step(0.02 * h, 0.15 * h, (m - Vec3::new(0.215, -0.15, 0.3) * h).length());
            let nose = 1.0 - step(0.02 * h, 0.09 * h, (m - Vec3::new(0.0, -0.13, 0.45) * h).length());
            let socket = 1.0 - step(0.6, 1.7, (m - self.shape.eye(0)).length() / self.shape.eye_radius());
            let rose = blush * (cheek * 0.9 + nose * 0.35);
            mesh.tints[i] = Vec3::new(1.0 + 0.1 * rose, 1.0 - 0.24 * rose, 1.0 - 0.2 * rose)
                * (1.0 - if self.old { 0.16 } else { 0.08 } * socket);
        }
        self.rouge(first, mesh);
        let deep = self.shape.mouth() + Vec3::new(0.0, -0.4 * lips.low, -0.11) * h;
        mesh.grid(
            (3, g.cols, true),
            |r, c| {
                let (s, co) = g.angles[c].sin_cos();
                match r {
                    0 => points[c],
                    1 => deep + Vec3::new(0.15 * co, (0.05 + 0.55 * lips.low) * s, 0.045 - 0.06 * co * co) * h,
                    _ => deep - Vec3::Z * 0.06 * h,
                }
            },
            |_, _| Vec3::ZERO,
            |_, _| dark,
        );
    }

    /// Shades the lips: deep where they meet and in the corners, pale where the lower one is fullest.
    fn rouge(&self, first: usize, mesh: &mut Mesh) {
        const DEEP: [f32; LIP_RINGS] = [0.5, 0.8, 1.05, 1.0, 0.9];
        for (r, deep) in DEEP.iter().enumerate() {
            for (c, angle) in self.grid.angles.iter().enumerate() {
                let (s, k) = angle.sin_cos();
                let upper = if s > 0.0 { 0.84 } else { 1.0 };
                let tint = deep * upper * (1.0 - 0.25 * k.abs().powi(6));
                mesh.tints[first + r * self.grid.cols + c] = Vec3::new(tint, tint * tint.min(1.0).powf(0.3), tint);
            }
        }
    }

    /// Under hair: never seen.
    fn covered(&self, p: Vec3) -> bool {
        let q = p / self.shape.h;
        self.haired && (q.y > 0.4 || (q.z < -0.2 && q.y > -0.08))
    }

    fn mouth_parts(&self, lips: &Lips, mesh: &mut Mesh) {
        if !self.lead || lips.up + lips.low < 0.012 {
            return;
        }
        let h = self.shape.h;
        let m = self.shape.mouth();
        let teeth = mesh.material(materials::teeth());
        let half = 0.115;
        let mut row = |y: f32, tall: f32, wide: f32| {
            let path: Vec<Vec3> = (0..9)
                .map(|i| {
                    let x = (i as f32 / 4.0 - 1.0) * half * wide;
                    m + Vec3::new(x, y, -0.036 - x * x / 0.34) * h
                })
                .collect();
            let stations = along(&path, |_| Vec3::Z, |_| (tall * h, 0.011 * h), 0.6);
            mesh.sweep(&stations, 8, teeth);
        };
        row(0.014, 0.026, 1.0);
        row(-0.034 - 0.85 * lips.low, 0.02, 0.85);
        let tongue = mesh.material(materials::tongue());
        let raise = lips.tongue;
        let y = -0.055 - 0.6 * lips.low + raise * (0.03 + 0.45 * lips.low);
        let tip = Vec3::new(0.0, 0.45 * raise, 1.0).normalize();
        mesh.ball(
            m + Vec3::new(0.0, y, -0.085 + 0.02 * raise) * h,
            [tip * 0.062 * h, Vec3::X * 0.07 * h, Vec3::new(0.0, 1.0, -0.5 * raise) * 0.026 * h],
            (7, 10),
            tongue,
        );
    }

    fn eye(&self, face: &Face, side: usize, mesh: &mut Mesh) {
        let (centre, r) = (self.shape.eye(side), self.shape.eye_radius());
        let [white, iris] = self.eye.map(|m| mesh.material(m));
        let look = Quat::from_rotation_y(face.gaze[0].clamp(-0.6, 0.6)) * Quat::from_rotation_x(-face.gaze[1].clamp(-0.45, 0.45));
        let (rows, cols) = if self.lead { (11, 21) } else { (6, 9) };
        let split = rows * 2 / 5;
        let edge = 0.49f32.asin();
        let polar = |row: usize| {
            if row <= split {
                edge * row as f32 / split as f32
            } else {
                edge + (1.9 - edge) * (row - split) as f32 / (rows - 1 - split) as f32
            }
        };
        let turn = |col: usize| col as f32 / (cols - 1) as f32 * std::f32::consts::TAU;
        let ball = mesh.grid(
            (rows, cols, true),
            |row, col| {
                let (s, c) = polar(row).sin_cos();
                centre + look * (Vec3::new(turn(col).cos() * s, turn(col).sin() * s, c) * r)
            },
            |row, col| Vec3::new((row as f32 / split as f32).min(1.0), turn(col), 0.0),
            |row, _| if row < split { iris } else { white },
        );
        // Lids and sockets shade the ball towards its corners, whichever way it looks; wet flesh warms them.
        let lit = Vec3::new(if side == 0 { 0.12 } else { -0.12 }, 0.0, 1.0).normalize();
        mesh.tint(ball, |p| {
            let away = 1.0 - ((p - centre).normalize_or(lit).dot(lit)).max(0.0);
            Vec3::ONE - Vec3::new(0.45, 0.58, 0.6) * step(0.01, 0.42, away)
        });
        let glint = mesh.material(materials::glint());
        // The key's window and, small and opposite, what the floor throws back.
        let glints = [(Vec3::new(-0.2, 0.26, 0.94), 0.145), (Vec3::new(0.19, -0.2, 0.96), 0.06)];
        let (upper, lower) = self.lid_angles(face, side);
        for (spot, size) in glints.into_iter().take(if self.lead { 2 } else { 1 }) {
            let spot = spot.normalize();
            let at = spot.lerp(look * spot, 0.7).normalize();
            // Under a heavy lid the window shows just below it; in a closed eye nothing does.
            let height = at.y.atan2(at.z).min(upper - 0.12);
            if height < lower + 0.1 {
                continue;
            }
            let across = (1.0 - at.x * at.x).sqrt();
            let at = Vec3::new(at.x, across * height.sin(), across * height.cos());
            let (x, y) = at.any_orthonormal_pair();
            mesh.ball(centre + at * r * 0.985, [at * r * 0.03, x * r * size, y * r * size], (5, 8), glint);
        }
        self.lids(face, side, mesh);
    }

    /// Where the edges of the upper and lower lid are, in radians above the eye's equator.
    fn lid_angles(&self, face: &Face, side: usize) -> (f32, f32) {
        let squeeze = face.lower_lids.clamp(0.0, 1.0) + 0.35 * face.cheeks.clamp(0.0, 1.0) + 0.25 * face.smile.max(0.0);
        // Lids go with the eye, down more than up.
        let pitch = face.gaze[1].clamp(-0.45, 0.45);
        let lower = -0.74 + 0.34 * squeeze.min(1.2) + 0.35 * pitch;
        let open = self.lid_open + if pitch < 0.0 { 0.85 } else { 0.45 } * pitch;
        let close = face.lids[side].clamp(-0.25, 1.0);
        (open + (lower - 0.02 - open) * close, lower)
    }

    #[cfg(test)]
    pub fn lid_edges(&self, face: &Face) -> (f32, f32) {
        self.lid_angles(face, 0)
    }

    /// Where a lid runs out into the skin at a column of it, and the skin's normal there.
    fn rim(&self, side: usize, up: bool, c: usize) -> (Vec3, Vec3) {
        let rim = &self.rims[usize::from(!up)];
        if side == 0 {
            return rim[c];
        }
        let (p, n) = rim[rim.len() - 1 - c];
        let mirror = Vec3::new(-1.0, 1.0, 1.0);
        (p * mirror, n * mirror)
    }

    fn lids(&self, face: &Face, side: usize, mesh: &mut Mesh) {
        let (centre, r) = (self.shape.eye(side), self.shape.eye_radius());
        let outward = if side == 0 { 1.0 } else { -1.0 };
        let skin = mesh.material(self.skin);
        let lash = mesh.material(self.lash);
        let (upper, lower) = self.lid_angles(face, side);
        let cols = self.rims[0].len();
        // Longitudes about the eye's left-right axis: lids meet at its corners however far they close.
        let on = |radius: f32, lid: f32, across: f32| {
            let (sb, cb) = (across * 1.5).sin_cos();
            let tilt = 0.1 * across * outward;
            centre + Vec3::new(sb, cb * (lid + tilt * 0.8).sin(), cb * (lid + tilt * 0.8).cos()) * (r * radius)
        };
        let across = |c: usize| c as f32 / (cols - 1) as f32 * 2.0 - 1.0;
        for (edge, up) in [(upper, true), (lower, false)] {
            let (far, thick, leaves) = if up { (1.25, 0.05, 0.5) } else { (-1.35, 0.035, 0.0) };
            let rows = match (self.lead, up) {
                (true, true) => 9,
                (true, false) | (false, true) => 5,
                _ => 4,
            };
            // Facets cut corners: coarse lids stand further off the ball.
            let clear = r * if self.lead { 1.05 } else { 1.12 };
            let t = |row: usize| row.saturating_sub(1) as f32 / (rows - 2) as f32;
            let rim = |c: usize| self.rim(side, up, c);
            let range = mesh.grid(
                (rows, cols, false),
                |row, c| {
                    if row == 0 {
                        return on(1.0, edge + if up { 0.04 } else { -0.04 }, across(c));
                    }
                    // A fold above the ball, then the lid runs out into the face.
                    let t = t(row);
                    let fold = if up { 0.035 * (1.0 - (3.0 * t - 1.5).abs()).max(0.0) } else { 0.0 };
                    let ball = on(1.0 + thick + fold, edge + (far - edge) * t, across(c));
                    let lid = ball.lerp(rim(c).0, step(leaves, 1.0, t)) - centre;
                    centre + lid * (clear / lid.length()).max(1.0)
                },
                |row, c| Vec3::new(row as f32 * 0.01, c as f32 * 0.01, 0.0),
                |_, _| skin,
            );
            let shade = if up { Vec3::new(0.88, 0.84, 0.82) } else { Vec3::new(1.0, 0.97, 0.95) };
            for (i, vertex) in range.enumerate() {
                let t = t(i / cols);
                mesh.tints[vertex] = shade.lerp(Vec3::splat(0.965), step(0.3, 1.0, t));
                let flat = step(if up { 0.5 } else { 0.1 }, 1.0, t);
                mesh.normals[vertex] = mesh.normals[vertex].lerp(rim(i % cols).1, flat).normalize_or(Vec3::Z);
            }
        }
        let n = if self.lead { 11 } else { 7 };
        let mut line = |edge: f32, thick: f32, wing: f32| {
            let path: Vec<Vec3> = (0..n)
                .map(|i| {
                    let a = (i as f32 / (n - 1) as f32 * 2.0 - 1.0) * 0.98;
                    let out = (a * outward - 0.55).max(0.0) / 0.45;
                    on(1.1, edge, a) + Vec3::new(outward * 0.5, 0.75, 0.1) * (r * wing * out * out)
                })
                .collect();
            let taper = |t: f32| {
                let outer = if outward > 0.0 { t } else { 1.0 - t };
                let fat = (0.45 + 0.55 * outer) * (1.0 - (2.0 * t - 1.0).powi(6) * 0.75);
                (r * thick * fat, r * thick * 0.8 * fat)
            };
            mesh.sweep(&along(&path, |_| Vec3::Z, taper, 1.0), if self.lead { 5 } else { 4 }, lash);
        };
        line(upper, self.line, self.lash_wing);
        if self.line > 0.07 {
            line(lower, self.line * 0.45, 0.0);
        }
    }

    fn brow(&self, face: &Face, side: usize, mesh: &mut Mesh) {
        let (h, r, e) = (self.shape.h, self.shape.eye_radius(), self.shape.eye(0));
        let outward = if side == 0 { 1.0 } else { -1.0 };
        let (raise, tilt) = (face.brow_raise[side].clamp(-1.0, 1.0), face.brow_tilt[side].clamp(-1.0, 1.0));
        let knots: Vec<Vec3> = (0..6)
            .map(|i| {
                let t = i as f32 / 5.0;
                let x = e.x - 0.95 * r + t * 2.1 * r + 0.12 * r * tilt.min(0.0) * (1.0 - t);
                let arch = self.brow_arch * h * (std::f32::consts::PI * (0.15 + 0.8 * t)).sin();
                let inner = 1.0 - 1.55 * t;
                let y = e.y + 1.3 * r + arch + h * (0.04 * raise + 0.042 * tilt * inner) + 0.008 * h * t;
                let p = self.shape.front(x, y.max(e.y + 0.78 * r));
                Vec3::new(p.x * outward, p.y, p.z + 0.006 * h)
            })
            .collect();
        let path = curve(&knots, if self.lead { 9 } else { 6 });
        let size = self.brow_size;
        let bushy = if self.old && self.line < 0.08 { 1.2 } else { 1.0 };
        let stations = along(
            &path,
            |_| Vec3::Z,
            |t| {
                let fat = (1.0 - 0.55 * t) * (1.0 - (1.0 - t).powi(6) * 0.5) * (1.0 - t.powi(8) * 0.6);
                (0.027 * h * size * fat * bushy, 0.016 * h * size.max(0.8) * fat * bushy)
            },
            0.9,
        );
        let m = mesh.material(self.brow);
        mesh.sweep(&stations, if self.lead { 7 } else { 5 }, m);
    }

    /// Beard and moustache: clumps raised from the skin around the mouth, so that they go with jaw and lips.
    fn beard(&self, face: &Face, lips: &Lips, mesh: &mut Mesh) {
        if matches!(self.beard, Beard::None | Beard::Stubble) {
            return;
        }
        let (h, g) = (self.shape.h, &self.grid);
        let points = self.deformed(face, lips);
        let normals = crate::mesh::grid_normals(&points, g.rows(), g.cols, true);
        let m = mesh.material(self.hair);
        if self.beard != Beard::Goatee {
            self.moustache(&points, mesh, m);
        }
        if self.beard == Beard::Moustache {
            return;
        }
        let thick = |i: usize| {
            let p = g.points[i] / h;
            let (side, low) = (p.x.abs(), -p.y);
            let wide = if self.beard == Beard::Goatee { step(0.19, 0.07, side) * step(0.29, 0.35, low) } else { 1.0 };
            // From the sideburns down along the jaw, under the lower lip, not under the chin.
            let line = step(0.0, 0.05, low - (0.06 + 0.62 * (0.36 - side).max(0.0)).min(0.235 + 0.12 * step(0.16, 0.05, side)));
            let front = step(-0.16, -0.02, p.z);
            let clump = (g.angles[i % g.cols] * 15.0 + 0.5 * (low * 40.0).sin()).sin().abs().powf(0.6);
            let full = if self.beard == Beard::Long { 0.085 } else { 0.055 };
            let hang = if self.beard == Beard::Long {
                0.32 * step(0.28, 0.46, low) * step(0.28, 0.05, side) * step(0.0, 0.2, p.z)
            } else {
                0.0
            };
            let body = wide * line * front;
            (body * full * (0.65 + 0.35 * clump), body * hang * (0.75 + 0.25 * clump), body)
        };
        let first = LIP_RINGS - 1;
        let rows = (g.rows() * 4 / 5).max(first + 2);
        let surface: Vec<Vec3> = (first * g.cols..rows * g.cols)
            .map(|i| {
                let (out, down, body) = thick(i);
                let normal = if normals[i].dot(points[i]) < 0.0 { -normals[i] } else { normals[i] };
                points[i] + normal * (h * (out - 0.012 * (1.0 - body).powi(2))) - Vec3::Y * (down * h) + Vec3::Z * (0.12 * down * h)
            })
            .collect();
        let range = mesh.grid(
            (rows - first, g.cols, true),
            |r, c| surface[r * g.cols + c],
            |r, c| Vec3::new(g.angles[c] * 4.0, r as f32 / 3.0, 0.0),
            |_, _| m,
        );
        // It begins thinly on the cheek.
        for (i, vertex) in range.enumerate() {
            let body = thick(first * g.cols + i).2;
            mesh.tints[vertex] = Vec3::ONE.lerp(self.thin, 0.4 * (1.0 - step(0.05, 0.6, body)));
        }
    }

    fn moustache(&self, points: &[Vec3], mesh: &mut Mesh, m: u16) {
        let (h, g) = (self.shape.h, &self.grid);
        let lip: Vec<Vec3> = (0..g.cols).map(|c| points[(LIP_RINGS + 1) * g.cols + c]).collect();
        let at = |angle: f32| {
            let near = (0..g.cols).min_by(|a, b| (g.angles[*a] - angle).abs().total_cmp(&(g.angles[*b] - angle).abs()));
            lip[near.unwrap_or(0)]
        };
        for side in [1.0f32, -1.0] {
            let angles = [1.5, 1.2, 0.9, 0.55, 0.15];
            let knots: Vec<Vec3> = angles
                .iter()
                .enumerate()
                .map(|(i, a)| {
                    let angle = if side > 0.0 { *a } else { std::f32::consts::PI - a };
                    let sweep = i as f32 / 4.0;
                    at(angle) + Vec3::new(side * 0.012 * sweep, 0.012 - 0.03 * sweep, 0.022 - 0.008 * sweep) * h
                })
                .collect();
            let path = curve(&knots, 9);
            let stations = along(
                &path,
                |_| Vec3::Z,
                |t| {
                    let fat = (0.75 + 0.5 * t) * (1.0 - t.powi(4) * 0.85);
                    (0.036 * h * fat, 0.024 * h * fat)
                },
                0.9,
            );
            let range = mesh.sweep(&stations, if self.lead { 10 } else { 6 }, m);
            for i in range {
                let c = mesh.coords[i];
                mesh.coords[i] = Vec3::new(c.x * 2.5, c.y * 3.0, 0.0);
            }
        }
    }
}
