//! A geometry under construction: where the next shape goes and how it is tinted.

use glam::{Affine3A, Mat3, Quat, Vec3};
use klieg_kernels::scene::{Geometry, Material, Rgb};

/// Shorthand for a point.
pub fn p(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}
/// Moved by (x, y, z).
pub fn at(x: f32, y: f32, z: f32) -> Affine3A {
    Affine3A::from_translation(p(x, y, z))
}
/// Moved, then turned about +Y by `degrees` (positive turns +Z towards +X).
pub fn at_turned(x: f32, y: f32, z: f32, degrees: f32) -> Affine3A {
    Affine3A::from_rotation_translation(Quat::from_rotation_y(degrees.to_radians()), p(x, y, z))
}
/// Turned about +X by `degrees`.
pub fn pitch(degrees: f32) -> Affine3A {
    Affine3A::from_rotation_x(degrees.to_radians())
}
/// Turned about +Z by `degrees`.
pub fn roll(degrees: f32) -> Affine3A {
    Affine3A::from_rotation_z(degrees.to_radians())
}
pub fn scaled(s: f32) -> Affine3A {
    Affine3A::from_scale(Vec3::splat(s))
}

/// Geometry, and the place and tint that the next shape gets.
#[derive(Clone, Debug)]
pub struct Model {
    pub geometry: Geometry,
    pub place: Affine3A,
    pub tint: Rgb,
}

impl Default for Model {
    fn default() -> Self {
        Self { geometry: Geometry::default(), place: Affine3A::IDENTITY, tint: [1.0; 3] }
    }
}

impl Model {
    pub fn new() -> Self {
        Self::default()
    }
    /// What `build` makes, alone: a prototype to stamp many times.
    pub fn of(build: impl FnOnce(&mut Model)) -> Geometry {
        let mut m = Model::new();
        build(&mut m);
        m.geometry
    }
    /// Everything that `build` adds stands in the frame `place` (on top of the present one).
    pub fn within(&mut self, place: Affine3A, build: impl FnOnce(&mut Model)) {
        let before = self.place;
        self.place = before * place;
        build(self);
        self.place = before;
    }
    /// Everything that `build` adds is tinted (on top of the present tint).
    pub fn tinted(&mut self, tint: Rgb, build: impl FnOnce(&mut Model)) {
        let before = self.tint;
        self.tint = [before[0] * tint[0], before[1] * tint[1], before[2] * tint[2]];
        build(self);
        self.tint = before;
    }
    /// A copy of `what` at `place`, tinted.
    pub fn stamp(&mut self, what: &Geometry, place: Affine3A, tint: Rgb) {
        let first = self.geometry.tints.len();
        self.geometry.append(what, self.place * place);
        for t in &mut self.geometry.tints[first..] {
            for ((t, own), given) in t.iter_mut().zip(self.tint).zip(tint) {
                *t *= own * given;
            }
        }
    }
    pub fn material(&mut self, m: &Material) -> u16 {
        self.geometry.material(*m)
    }
    /// A vertex in the present frame.
    pub fn vertex(&mut self, position: Vec3, normal: Vec3, coords: [f32; 3]) -> u32 {
        let turned = Mat3::from(self.place.matrix3).inverse().transpose() * normal;
        self.raw_vertex(position, turned.normalize_or(Vec3::Y), coords)
    }
    /// A vertex whose normal is already in world space: shapes turn their normals once, not once a vertex.
    pub(super) fn raw_vertex(&mut self, position: Vec3, world_normal: Vec3, coords: [f32; 3]) -> u32 {
        let position = self.place.transform_point3(position).to_array();
        self.geometry.vertex(position, world_normal.to_array(), coords, self.tint)
    }
    pub(super) fn normal_frame(&self) -> Mat3 {
        Mat3::from(self.place.matrix3).inverse().transpose()
    }
}
