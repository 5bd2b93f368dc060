//! The armature: nineteen joints, and the proportions that one figure gives them.
//!
//! Every joint's rest orientation is the identity in the puppet's own frame (+Y up, +Z forward, +X the puppet's left), so a
//! local rotation in a [`crate::Pose`] reads the same on every joint: about +X forwards and backwards, about +Y turning,
//! about +Z sideways.

use crate::design::Design;
use glam::Vec3;
use klieg_film_words::story::{Age, Build, Gender};

/// A joint; `joint as usize` indexes every `[_; Joint::COUNT]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Joint {
    Hips,
    Spine,
    Chest,
    Neck,
    Head,
    /// The clavicle.
    LShoulder,
    LUpperArm,
    LForearm,
    LHand,
    /// The clavicle.
    RShoulder,
    RUpperArm,
    RForearm,
    RHand,
    LThigh,
    LShin,
    LFoot,
    RThigh,
    RShin,
    RFoot,
}

use Joint::*;

impl Joint {
    /// How many joints there are.
    pub const COUNT: usize = 19;
    /// All joints; every parent stands before its children.
    pub const ALL: [Joint; Joint::COUNT] = [
        Hips, Spine, Chest, Neck, Head, LShoulder, LUpperArm, LForearm, LHand, RShoulder, RUpperArm, RForearm, RHand, LThigh,
        LShin, LFoot, RThigh, RShin, RFoot,
    ];

    /// The joint this one hangs on; the hips hang on none.
    pub const fn parent(self) -> Option<Joint> {
        Some(match self {
            Hips => return None,
            Spine | LThigh | RThigh => Hips,
            Chest => Spine,
            Neck | LShoulder | RShoulder => Chest,
            Head => Neck,
            LUpperArm => LShoulder,
            LForearm => LUpperArm,
            LHand => LForearm,
            RUpperArm => RShoulder,
            RForearm => RUpperArm,
            RHand => RForearm,
            LShin => LThigh,
            LFoot => LShin,
            RShin => RThigh,
            RFoot => RShin,
        })
    }
}

/// The rest skeleton, for inverse kinematics, eyelines and contact. Metres; the origin is the floor under the hips.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    pub parents: [Option<Joint>; Joint::COUNT],
    /// From the parent at rest; the hips' from the floor.
    pub offsets: [Vec3; Joint::COUNT],
    /// Joint positions at rest.
    pub rest: [Vec3; Joint::COUNT],
    /// Ankle to sole.
    pub sole: f32,
    /// Toes ahead of, and heel behind the ankle.
    pub toe: f32,
    pub heel: f32,
    /// Hips joint above whatever one sits on.
    pub seat: f32,
    /// From the head joint to the middle of the head.
    pub head_centre: Vec3,
    /// From the head joint to the middle of each eyeball, left, right.
    pub eyes: [Vec3; 2],
    /// From the head joint to the lips.
    pub mouth: Vec3,
    /// Chin to crown.
    pub head_height: f32,
    /// Wrist to the middle of the palm, and to the fingertips, along the forearm.
    pub palm: f32,
    pub fingertip: f32,
    /// Standing height without hair and hats.
    pub height: f32,
    /// Half the width over the shoulders, arms included.
    pub half_width: f32,
    /// How far the belly stands ahead of the hips.
    pub belly: f32,
}

impl Body {
    /// Length of the bone that ends in `joint`.
    pub fn length(&self, joint: Joint) -> f32 {
        self.offsets[joint as usize].length()
    }
}

/// Every measure a figure is modelled by. Radii in metres.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub body: Body,
    /// Scale of lengths against the 1.6 m puppet.
    pub s: f32,
    pub neck: f32,
    pub chest: [f32; 2],
    pub waist: [f32; 2],
    pub hips: [f32; 2],
    pub bust: f32,
    pub belly: f32,
    pub arm: [f32; 3],
    pub leg: [f32; 3],
    pub hand: f32,
    pub foot: f32,
    pub head: f32,
}

/// Girths against a medium adult: shoulders, chest, waist, hips, limbs, belly.
fn girth(build: Build) -> [f32; 6] {
    match build {
        Build::Thin => [0.94, 0.86, 0.82, 0.88, 0.84, 0.0],
        Build::Medium => [1.0, 1.0, 1.0, 1.0, 1.0, 0.15],
        Build::Round => [1.04, 1.18, 1.42, 1.26, 1.16, 1.0],
        Build::Broad => [1.2, 1.2, 1.14, 1.04, 1.14, 0.2],
    }
}

/// Shoulders, chest, waist, hips, bust by gender and age.
fn sex(design: &Design) -> [f32; 5] {
    let grown = match design.age {
        Age::Infant | Age::Child => 0.0,
        Age::Teen => 0.6,
        _ => 1.0,
    };
    let [a, b, c, d, e] = match design.gender {
        Gender::Female => [-0.09, -0.08, -0.17, 0.08, 1.0],
        Gender::Male => [0.08, 0.06, 0.02, -0.07, 0.0],
        Gender::Neutral => [0.0; 5],
    };
    [1.0 + a * grown, 1.0 + b * grown, 1.0 + c * grown, 1.0 + d * grown, e * grown]
}

impl Figure {
    pub fn of(design: &Design) -> Figure {
        let (height, head) = (design.height, design.head);
        let chin = height - head;
        let s = chin / 1.28;
        let (g, x) = (girth(design.build), sex(design));
        let small = matches!(design.age, Age::Infant | Age::Child);
        let soft = if small { 1.12 } else { 1.0 };
        let round = soft * s;
        let old = f32::from(design.age == Age::Old);
        let shoulder = 0.152 * s * g[0] * x[0] - 0.006 * old * s;
        let hip_x = 0.082 * s * g[3].sqrt() * x[3];
        let arm_side = 0.42f32; // sine of the A-pose angle
        let down = -(1.0 - arm_side * arm_side).sqrt();
        let (upper, fore) = (0.225 * s, 0.205 * s);
        let hand = 0.165 * s.powf(0.8) * if small { 0.92 } else { 1.0 } * if design.gender == Gender::Female { 0.93 } else { 1.0 };
        let along = Vec3::new(arm_side, down, 0.0);
        let stoop = 0.018 * old * s;
        let mut rest = [Vec3::ZERO; Joint::COUNT];
        let mut put = |j: Joint, x: f32, y: f32, z: f32| rest[j as usize] = Vec3::new(x, y * s, z);
        put(Hips, 0.0, 0.775, 0.0);
        put(Spine, 0.0, 0.875, 0.0);
        put(Chest, 0.0, 1.0, 0.0);
        put(Neck, 0.0, 1.222, -0.012 * s + stoop);
        put(Head, 0.0, 1.285, stoop);
        for (side, [shoulder_j, upper_j, fore_j, hand_j], [thigh, shin, foot]) in [
            (1.0, [LShoulder, LUpperArm, LForearm, LHand], [LThigh, LShin, LFoot]),
            (-1.0, [RShoulder, RUpperArm, RForearm, RHand], [RThigh, RShin, RFoot]),
        ] {
            let flip = Vec3::new(side, 1.0, 1.0);
            let top = Vec3::new(shoulder, 1.178 * s, stoop * 0.5);
            rest[shoulder_j as usize] = flip * Vec3::new(0.045 * s, 1.188 * s, stoop * 0.5);
            rest[upper_j as usize] = flip * top;
            rest[fore_j as usize] = flip * (top + along * upper);
            rest[hand_j as usize] = flip * (top + along * (upper + fore));
            rest[thigh as usize] = flip * Vec3::new(hip_x, 0.725 * s, 0.0);
            rest[shin as usize] = flip * Vec3::new(hip_x * 1.04, 0.395 * s, 0.006 * s);
            rest[foot as usize] = flip * Vec3::new(hip_x * 1.08, 0.075 * s, -0.01 * s);
        }
        let limb = g[4] * soft * s;
        let male = f32::from(design.gender == Gender::Male && !small);
        let waist_r = 0.112 * round * g[2] * x[2];
        let hips_r = 0.136 * round * g[3] * x[3];
        let chest_r = 0.134 * round * g[1] * x[1];
        let belly = g[5] * if small { 0.8 } else { 1.0 } * s;
        let foot = 0.235 * s.powf(0.85) * if design.gender == Gender::Female { 0.9 } else { 1.0 };
        let pivot = rest[Head as usize];
        let head_centre = Vec3::new(0.0, chin + head * 0.5 - pivot.y, 0.02 * head);
        let face = crate::head::HeadShape::of(design);
        let mut offsets = rest;
        for j in Joint::ALL {
            if let Some(parent) = j.parent() {
                offsets[j as usize] = rest[j as usize] - rest[parent as usize];
            }
        }
        let body = Body {
            parents: Joint::ALL.map(Joint::parent),
            offsets,
            rest,
            sole: rest[LFoot as usize].y,
            toe: foot * 0.72,
            heel: foot * 0.26,
            seat: 0.775 * s - (0.725 * s - hips_r * 0.62),
            head_centre,
            eyes: [face.eye(0) + head_centre, face.eye(1) + head_centre],
            mouth: face.mouth() + head_centre,
            head_height: head,
            palm: hand * 0.46,
            fingertip: hand,
            height,
            half_width: shoulder + 0.055 * s,
            belly: hips_r * 0.7 + 0.05 * belly,
        };
        Figure {
            body,
            s,
            neck: (0.05 + 0.008 * male) * s * g[4].sqrt() * if small { 0.9 } else { 1.0 },
            chest: [chest_r, chest_r * 0.74],
            waist: [waist_r, waist_r * 0.8],
            hips: [hips_r, hips_r * 0.84],
            bust: x[4] * (0.9 + 0.25 * (g[1] - 1.0)),
            belly,
            arm: [(0.047 + 0.006 * male) * limb, 0.040 * limb, 0.033 * limb.max(0.9 * s)],
            leg: [0.082 * limb * x[3].sqrt(), 0.058 * limb, 0.042 * limb.max(0.9 * s)],
            hand,
            foot,
            head,
        }
    }

    pub fn at(&self, joint: Joint) -> Vec3 {
        self.body.rest[joint as usize]
    }
}
