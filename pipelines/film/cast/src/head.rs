//! The head's form: a soft ovoid as a signed distance field, and the grid that the face is modelled on.
//!
//! Coordinates are metres from the middle of the head (+Y crown, +Z nose). The grid is polar around the mouth, so that its first
//! rings are the lips and can open.

use crate::design::{Design, Traits};
use crate::field::{carve, cone, ellipsoid, join, outermost};
use glam::{Vec2, Vec3};
use klieg_film_words::story::{Age, Build, Gender};

/// The sculpted head.
#[derive(Clone, Debug)]
pub(crate) struct HeadShape {
    /// Chin to crown, metres.
    pub h: f32,
    wide: f32,
    jaw: f32,
    cheeks: f32,
    chin: f32,
    ridge: f32,
    folds: f32,
    /// Height of the lips against full ones.
    lips: f32,
    traits: Traits,
    eye_r: f32,
    eyes: Vec3,
    mouth: Vec3,
}

impl HeadShape {
    pub fn of(design: &Design) -> HeadShape {
        let t = design.face;
        let small = match design.age {
            Age::Infant => 1.0,
            Age::Child => 0.8,
            Age::Teen => 0.3,
            _ => 0.0,
        };
        let female = f32::from(design.gender == Gender::Female);
        let male = f32::from(design.gender == Gender::Male) * (1.0 - small);
        let old = f32::from(design.age == Age::Old);
        let wide = match design.build {
            Build::Thin => 0.95,
            Build::Medium => 1.0,
            Build::Round => 1.09,
            Build::Broad => 1.05,
        };
        let full = f32::from(design.build == Build::Round);
        let mut shape = HeadShape {
            h: design.head,
            wide: wide + 0.05 * small,
            jaw: 1.0 + 0.07 * t.jaw + 0.07 * male - 0.07 * female - 0.03 * old,
            cheeks: 0.115 + 0.02 * t.cheeks + 0.03 * small + 0.025 * full + 0.01 * female - 0.015 * old,
            chin: 0.075 + 0.025 * male + 0.012 * t.jaw - 0.02 * small,
            ridge: 0.4 * male + 0.25 * old,
            folds: old,
            lips: (1.0 - 0.24 * male - 0.2 * small) * (1.0 - 0.12 * old),
            traits: t,
            eye_r: 0.086 * (1.0 + 0.06 * t.eyes + 0.13 * small + 0.05 * female) * if old > 0.0 { 0.94 } else { 1.0 },
            eyes: Vec3::ZERO,
            mouth: Vec3::ZERO,
        };
        let x = shape.eye_r * 1.53;
        let y = -0.03 - 0.02 * small;
        let on = |field: &dyn Fn(Vec3) -> f32, x: f32, y: f32| outermost(&|p| field(p), Vec3::new(x, y, 0.0), Vec3::Z, 0.7);
        let skull = |p: Vec3| shape.skull(p);
        let z = on(&skull, x, y);
        let mouth_y = -0.275 + 0.01 * small;
        let mouth_z = on(&skull, 0.0, mouth_y);
        shape.eyes = Vec3::new(x, y, z - shape.eye_r * 0.5);
        shape.mouth = Vec3::new(0.0, mouth_y, mouth_z);
        shape
    }

    /// Without nose and eye sockets; in head heights.
    fn skull(&self, p: Vec3) -> f32 {
        let m = Vec3::new(p.x.abs(), p.y, p.z);
        let w = self.wide;
        let cranium = ellipsoid(p, Vec3::new(0.0, 0.105, -0.035), Vec3::new(0.385 * w, 0.393, 0.41));
        let jaw = ellipsoid(p, Vec3::new(0.0, -0.15, 0.035), Vec3::new(0.34 * w * self.jaw, 0.34, 0.325));
        let mut d = join(cranium, jaw, 0.2);
        d = join(d, (m - Vec3::new(0.195 * w, -0.135, 0.2)).length() - self.cheeks, 0.15);
        d = join(d, (p - Vec3::new(0.0, -0.395, 0.2)).length() - self.chin, 0.14);
        d = join(d, ellipsoid(p, Vec3::new(0.0, -0.275, 0.255), Vec3::new(0.16, 0.1, 0.115)), 0.12);
        if self.ridge > 0.0 {
            d = join(
                d,
                cone(m, Vec3::new(0.05, 0.075, 0.29), Vec3::new(0.19, 0.07, 0.25), 0.05 * self.ridge + 0.02, 0.04, 1.0),
                0.1,
            );
        }
        d
    }

    /// Signed distance, metres.
    pub fn distance(&self, p: Vec3) -> f32 {
        let p = p / self.h;
        let m = Vec3::new(p.x.abs(), p.y, p.z);
        let t = &self.traits;
        let mut d = self.skull(p);
        let e = self.eyes;
        d = carve(
            d,
            ellipsoid(m, e + Vec3::new(0.0, 0.0, self.eye_r * 0.8), Vec3::splat(self.eye_r * (0.9 + 0.08 * self.folds))),
            0.024 + 0.016 * self.folds,
        );
        let tip = Vec3::new(0.0, -0.135 - 0.02 * t.nose_length, 0.435 + 0.022 * t.nose_length);
        let width = 1.0 + 0.22 * t.nose_width;
        let nose = cone(p, Vec3::new(0.0, 0.02, 0.345), tip, 0.028 * width, 0.056 * width, 1.0);
        let wing = (m - Vec3::new(0.046 * width, tip.y - 0.008, tip.z - 0.035)).length() - 0.032 * width;
        d = join(d, join(nose, wing, 0.03), 0.05);
        if self.folds > 0.0 {
            let fold = cone(m, Vec3::new(0.085, -0.15, 0.385), Vec3::new(0.185, -0.29, 0.325), 0.012, 0.006, 1.0);
            d = carve(d, fold, 0.035);
            let bag = cone(m, e + Vec3::new(-0.06, -0.1, 0.06), e + Vec3::new(0.06, -0.1, 0.03), 0.006, 0.006, 1.0);
            d = carve(d, bag, 0.03);
        }
        d * self.h
    }

    pub fn eye(&self, side: usize) -> Vec3 {
        let e = self.eyes * self.h;
        if side == 0 { e } else { Vec3::new(-e.x, e.y, e.z) }
    }

    pub fn eye_radius(&self) -> f32 {
        self.eye_r * self.h
    }

    pub fn mouth(&self) -> Vec3 {
        self.mouth * self.h
    }

    /// Half the mouth's width at rest, in head heights.
    pub fn mouth_half(&self) -> f32 {
        0.128 * (1.0 + 0.1 * self.traits.mouth)
    }

    /// The skin's surface seen from the front at (x, y).
    pub fn front(&self, x: f32, y: f32) -> Vec3 {
        Vec3::new(x, y, outermost(&|p| self.distance(p), Vec3::new(x, y, 0.0), Vec3::Z, 0.75 * self.h))
    }

    /// The skin's surface along a direction from the middle of the head.
    pub fn surface(&self, direction: Vec3) -> Vec3 {
        let d = direction.normalize_or(Vec3::Z);
        d * outermost(&|p| self.distance(p), Vec3::ZERO, d, 0.8 * self.h)
    }
}

/// The face grid at rest.
pub(crate) struct HeadGrid {
    pub rings: usize,
    pub cols: usize,
    /// rings × cols, the last column repeating the first.
    pub points: Vec<Vec3>,
    /// Azimuth of each column about the mouth: 0 the puppet's left, π/2 up.
    pub angles: Vec<f32>,
    /// Half-width of each ring seen from the middle of the head, radians.
    pub spread: Vec<f32>,
}

/// Rings that are lip: the edge rolled in, the wet line, the crest, the slope, the border.
pub(crate) const LIP_RINGS: usize = 5;

/// How far the rings of the lips stand out of the face, in head heights.
const SWELL: [f32; LIP_RINGS] = [-0.016, 0.012, 0.024, 0.018, 0.002];

/// How far ring `r` stands out at azimuth `angle`: lips are full in the middle, the lower one more, and end in the corners.
fn swell(r: usize, angle: f32) -> f32 {
    let (s, c) = angle.sin_cos();
    let full = 1.0 - 0.7 * c.abs().powi(4);
    let part = if s < 0.0 { 1.15 } else { 1.0 - 0.2 * (-(c / 0.16).powi(2)).exp() };
    SWELL.get(r).copied().unwrap_or(0.0) * full * if r == 0 { 1.0 } else { part }
}

/// Where ring `r` passes at azimuth `angle`, radians about the mouth. The upper lip is a bow and thinner than the lower, both
/// taper to the corners; past the lips rings are round. `full` scales their height.
fn outline(r: usize, size: Vec2, angle: f32, full: f32) -> Vec2 {
    let (s, c) = angle.sin_cos();
    let lip = ((LIP_RINGS + 1) as f32 - r as f32).clamp(0.0, 2.0) / 2.0;
    let bow = 1.0 - 0.2 * (-(c / 0.14).powi(2)).exp();
    let tall = full * if s > 0.0 { 0.86 * s * bow } else { 1.06 * s * s.abs().powf(0.25) };
    // The closed line dips in the middle, below the bow.
    let line = -0.008 * (-(c / 0.25).powi(2)).exp() + 0.006 * c.abs().powi(2);
    Vec2::new(size.x * c, size.y * (s + (tall - s) * lip) + line * lip)
}

impl HeadGrid {
    pub fn new(shape: &HeadShape, (rings, cols): (usize, usize)) -> HeadGrid {
        let h = shape.h;
        let origin = Vec3::new(0.0, -0.06, -0.02) * h;
        let z = (shape.mouth() - origin).normalize();
        let x = Vec3::X;
        let y = z.cross(x);
        let half = shape.mouth_half() * h / (shape.mouth() - origin).length();
        let angles: Vec<f32> = (0..cols)
            .map(|c| {
                let t = c as f32 / (cols - 1) as f32 * std::f32::consts::TAU;
                // Columns gather above the mouth, where nose and eyes are.
                t - std::f32::consts::FRAC_PI_2 - 0.42 * (t + std::f32::consts::PI).sin()
            })
            .collect();
        let sizes: Vec<Vec2> = (0..rings).map(|r| ring_size(r, rings, half)).collect();
        let mut points = Vec::with_capacity(rings * cols);
        for (r, size) in sizes.iter().enumerate() {
            for angle in &angles {
                let polar = outline(r, *size, *angle, shape.lips);
                let phi = polar.length();
                let azimuth = polar.y.atan2(polar.x);
                let direction = z * phi.cos() + (x * azimuth.cos() + y * azimuth.sin()) * phi.sin();
                let t = outermost(&|p| shape.distance(p), origin, direction, 0.85 * h);
                points.push(origin + direction * t + z * (swell(r, *angle) * shape.lips * h));
            }
        }
        HeadGrid { rings, cols, points, angles, spread: sizes.iter().map(|s| s.x).collect() }
    }
}

/// Half-axes of ring `r` in radians about the mouth: lips first, then circles that open to the back of the head.
fn ring_size(r: usize, rings: usize, half: f32) -> Vec2 {
    const LIPS: [(f32, f32); 7] = [(1.0, 0.0), (1.03, 0.02), (1.06, 0.048), (1.09, 0.078), (1.13, 0.1), (1.3, 0.135), (1.5, 0.175)];
    if let Some((x, y)) = LIPS.get(r) {
        return Vec2::new(half * x, *y);
    }
    let t = (r + 1 - LIPS.len()) as f32 / (rings - LIPS.len()) as f32;
    let start = Vec2::new(half * 1.5, 0.175);
    // Small steps over nose and eyes, large ones behind.
    let grow = t * (0.5 + 0.5 * t);
    let far = Vec2::splat(std::f32::consts::PI);
    start + (far - start) * Vec2::new(grow, grow)
}

impl HeadGrid {
    pub fn rows(&self) -> usize {
        self.rings
    }
}
