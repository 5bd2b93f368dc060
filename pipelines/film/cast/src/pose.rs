//! What the animator sets: joint rotations, the face, the hands.

use crate::skeleton::{Body, Joint};
use glam::{Affine3A, Quat, Vec3};
use klieg_film_words::sound::MouthShape;

/// A whole pose. See the fields for frames and units.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// The floor point under the hips, world metres.
    pub position: Vec3,
    /// Radians about +Y; 0 faces +Z, positive turns towards +X.
    pub heading: f32,
    /// Added to the hips' rest height, metres.
    pub hips_height_offset: f32,
    /// Added to the hips' place in the puppet's own frame (after heading), metres.
    pub hips_shift: Vec3,
    /// Local; identity is rest: standing, arms hanging slightly away from the body, palms in.
    pub rotations: [Quat; Joint::COUNT],
    pub face: Face,
    /// Left, right.
    pub hands: [Hand; 2],
    /// How far hems and hair ends swing, −1..1, in the puppet's forward direction.
    pub cloth_sway: f32,
    /// Height of the seat (0 is the floor) when sitting: cloth lies on it. Where the hips are is said by
    /// `hips_height_offset` alone.
    pub seat_height: Option<f32>,
}

/// A facial expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Weights in the order of [`MouthShape::ALL`]; sum 1.
    pub mouth: [f32; 9],
    /// −1 frown .. 1 smile.
    pub smile: f32,
    /// Extra opening, 0..1.
    pub jaw: f32,
    /// −1..1, left, right.
    pub brow_raise: [f32; 2],
    /// −1 angry (inner end down) .. 1 sad (inner end up), left, right.
    pub brow_tilt: [f32; 2],
    /// 0 open .. 1 closed, left, right. Slightly negative values widen the eyes.
    pub lids: [f32; 2],
    /// Lower lids raised, 0..1.
    pub lower_lids: f32,
    /// Yaw (positive to the puppet's left) and pitch (positive up) of both eyes, radians.
    pub gaze: [f32; 2],
    /// Cheeks lifted, 0..1.
    pub cheeks: f32,
    /// 0..1.
    pub blush: f32,
}

/// Hand shapes, exchanged like replacement parts on a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hand {
    Relaxed,
    Open,
    Fist,
    Point,
    /// Closed around a stick of about 3 cm that lies across the palm.
    Grip,
    /// Flat, fingers together.
    Prayer,
}

impl Hand {
    /// Every shape, in declaration order.
    pub const ALL: [Hand; 6] = [Hand::Relaxed, Hand::Open, Hand::Fist, Hand::Point, Hand::Grip, Hand::Prayer];
}

impl Face {
    /// Eyes open, mouth at rest, nothing felt.
    pub fn neutral() -> Face {
        let mut face = Face {
            mouth: [0.0; 9],
            smile: 0.0,
            jaw: 0.0,
            brow_raise: [0.0; 2],
            brow_tilt: [0.0; 2],
            lids: [0.1; 2],
            lower_lids: 0.0,
            gaze: [0.0; 2],
            cheeks: 0.0,
            blush: 0.3,
        };
        face.set_mouth(MouthShape::X);
        face
    }

    /// One mouth shape at full weight.
    pub fn set_mouth(&mut self, shape: MouthShape) {
        self.mouth = [0.0; 9];
        self.mouth[shape as usize] = 1.0;
    }
}

impl Default for Face {
    fn default() -> Face {
        Face::neutral()
    }
}

impl Pose {
    /// Standing at the origin, facing +Z.
    pub fn rest() -> Pose {
        Pose {
            position: Vec3::ZERO,
            heading: 0.0,
            hips_height_offset: 0.0,
            hips_shift: Vec3::ZERO,
            rotations: [Quat::IDENTITY; Joint::COUNT],
            face: Face::neutral(),
            hands: [Hand::Relaxed; 2],
            cloth_sway: 0.0,
            seat_height: None,
        }
    }

    /// World transforms of the joints of `body` in this pose.
    pub fn joints(&self, body: &Body) -> [Affine3A; Joint::COUNT] {
        let root = Affine3A::from_rotation_translation(Quat::from_rotation_y(self.heading), self.position)
            * Affine3A::from_translation(self.hips_shift + Vec3::Y * self.hips_height_offset);
        let mut world = [root; Joint::COUNT];
        for joint in Joint::ALL {
            let i = joint as usize;
            let base = joint.parent().map_or(root, |p| world[p as usize]);
            world[i] = base * Affine3A::from_rotation_translation(self.rotations[i], body.offsets[i]);
        }
        world
    }
}
