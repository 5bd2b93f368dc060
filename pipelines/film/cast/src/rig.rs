//! Which joints a point of the body or of its clothes follows.

use crate::field::{cone, step};
use crate::form;
use crate::mesh::Bind;
use crate::skeleton::{Figure, Joint};
use glam::Vec3;

/// A capsule around a bone.
struct Bone {
    joint: Joint,
    a: Vec3,
    b: Vec3,
    radius: f32,
}

/// Binds points by their distance to the bones.
pub(crate) struct Rig {
    figure: Figure,
    bones: Vec<Bone>,
    /// Width of the blend between bones, metres.
    blend: f32,
    hips_y: f32,
    thigh_y: f32,
    knee_y: f32,
    s: f32,
    hip_half: f32,
}

/// A set of joints.
#[derive(Clone, Copy)]
pub(crate) struct Set(u32);

impl Set {
    pub const fn of(joints: &[Joint]) -> Set {
        let mut bits = 0;
        let mut i = 0;
        while i < joints.len() {
            bits |= 1 << joints[i] as u32;
            i += 1;
        }
        Set(bits)
    }
    pub const TRUNK: Set = Set::of(&[Joint::Hips, Joint::Spine, Joint::Chest, Joint::Neck, Joint::LShoulder, Joint::RShoulder]);
    pub const LEFT_ARM: Set = Set::of(&[Joint::LUpperArm, Joint::LForearm]);
    pub const RIGHT_ARM: Set = Set::of(&[Joint::RUpperArm, Joint::RForearm]);
    const LEFT_SLEEVE: Set = Set::of(&[Joint::LShoulder, Joint::LUpperArm, Joint::LForearm, Joint::LHand]);
    const RIGHT_SLEEVE: Set = Set::of(&[Joint::RShoulder, Joint::RUpperArm, Joint::RForearm, Joint::RHand]);
    pub const LEGS: Set =
        Set::of(&[Joint::Hips, Joint::LThigh, Joint::LShin, Joint::LFoot, Joint::RThigh, Joint::RShin, Joint::RFoot]);
    pub const BODY: Set =
        Set(Set::TRUNK.0 | Set::LEFT_ARM.0 | Set::RIGHT_ARM.0 | Set::LEGS.0 | 1 << Joint::LHand as u32 | 1 << Joint::RHand as u32);
    /// The body without its arms.
    const CORE: Set = Set(Set::TRUNK.0 | Set::LEGS.0);
    fn has(self, joint: Joint) -> bool {
        self.0 >> joint as u32 & 1 == 1
    }
}

impl Rig {
    pub fn new(f: &Figure) -> Rig {
        use Joint::*;
        let s = f.s;
        let at = |j: Joint| f.at(j);
        let mut bones = vec![
            Bone { joint: Hips, a: at(Hips) - Vec3::Y * 0.05 * s, b: at(Hips) + Vec3::Y * 0.04 * s, radius: f.hips[0] },
            Bone { joint: Spine, a: at(Spine), b: at(Spine) + Vec3::Y * 0.06 * s, radius: f.waist[0] },
            Bone { joint: Chest, a: at(Chest) + Vec3::Y * 0.03 * s, b: at(Chest) + Vec3::Y * 0.14 * s, radius: f.chest[0] },
            Bone { joint: Neck, a: at(Neck) + Vec3::Y * 0.01 * s, b: at(Head) - Vec3::Y * 0.02 * s, radius: f.neck },
            Bone { joint: Head, a: at(Head) + Vec3::Y * 0.05 * s, b: at(Head) + Vec3::Y * 0.2 * s, radius: f.neck },
        ];
        for [shoulder, upper, fore, hand, thigh, shin, foot] in [
            [LShoulder, LUpperArm, LForearm, LHand, LThigh, LShin, LFoot],
            [RShoulder, RUpperArm, RForearm, RHand, RThigh, RShin, RFoot],
        ] {
            let tip = at(hand) + (at(hand) - at(fore)).normalize() * f.hand;
            let bone = |joint, a, b, radius| Bone { joint, a, b, radius };
            bones.push(bone(shoulder, at(shoulder), at(shoulder).lerp(at(upper), 0.8), f.arm[0] * 1.1));
            bones.push(bone(upper, at(upper), at(fore), f.arm[0]));
            bones.push(bone(fore, at(fore), at(hand), f.arm[1]));
            bones.push(bone(hand, at(hand).lerp(tip, 0.15), tip, f.arm[2]));
            bones.push(bone(thigh, at(thigh) - Vec3::Y * 0.03 * s, at(shin), f.leg[0]));
            bones.push(bone(shin, at(shin), at(foot), f.leg[1]));
            bones.push(bone(foot, at(foot), at(foot) + Vec3::new(0.0, -0.04 * s, f.foot * 0.5), f.leg[2]));
        }
        Rig {
            figure: f.clone(),
            bones,
            blend: 0.016 * s,
            hips_y: at(Hips).y,
            thigh_y: at(LThigh).y,
            knee_y: at(LShin).y,
            s,
            hip_half: f.hips[0],
        }
    }

    /// Binds `p` to the joints of `set` by distance, smoothly.
    pub fn bind(&self, p: Vec3, set: Set) -> Bind {
        let near = self.near(p, set);
        if set.0 != Set::BODY.0 {
            return Bind::of(&near);
        }
        // What is on the trunk stays there, however near the arm hangs beside it: a raised arm would tear it out.
        let (f, s) = (&self.figure, self.s);
        let arm = step(-0.035 * s, 0.005 * s, form::trunk(f, p) - form::arms(f, p, 1.0, 0.0, 0.0));
        let core = self.near(p, Set::CORE);
        Bind::of(&std::array::from_fn(|j| near[j] * arm + core[j] * (1.0 - arm)))
    }

    /// Binds the trunk of what has sleeves set in: the arms do not move it, only the shoulders.
    pub fn trunk(&self, p: Vec3) -> Bind {
        Bind::of(&self.near(p, Set::CORE))
    }

    /// Binds a sleeve, or an arm, that is a piece of its own.
    pub fn sleeve(&self, p: Vec3) -> Bind {
        Bind::of(&self.near(p, if p.x > 0.0 { Set::LEFT_SLEEVE } else { Set::RIGHT_SLEEVE }))
    }

    /// Binds cloth that hangs from the waist: by distance above the hips; below, each side follows its leg, the middle both.
    pub fn hang(&self, p: Vec3) -> Bind {
        let above = step(self.hips_y, self.hips_y + 0.07 * self.s, p.y);
        let (trunk, legs) = (self.near(p, Set::TRUNK), self.skirt(p));
        Bind::of(&std::array::from_fn(|j| trunk[j] * above + legs[j] * (1.0 - above)))
    }

    fn near(&self, p: Vec3, set: Set) -> [f32; Joint::COUNT] {
        let mut nearest = f32::INFINITY;
        let mut distances = [f32::INFINITY; Joint::COUNT];
        for bone in self.bones.iter().filter(|b| set.has(b.joint)) {
            let depth = if matches!(bone.joint, Joint::Hips | Joint::Spine | Joint::Chest) { 0.8 } else { 1.0 };
            let d = cone(p, bone.a, bone.b, bone.radius, bone.radius, depth);
            distances[bone.joint as usize] = d;
            nearest = nearest.min(d);
        }
        let shares = distances.map(|d| (-(d - nearest) / self.blend).exp());
        let sum: f32 = shares.iter().sum();
        shares.map(|v| v / sum)
    }

    fn skirt(&self, p: Vec3) -> [f32; Joint::COUNT] {
        // Towards the hem cloth spans from leg to leg instead of creasing between them.
        let (across, low) = (p.x / self.hip_half, step(self.knee_y + 0.1 * self.s, self.knee_y - 0.2 * self.s, p.y));
        let spanned = (0.5 + 0.5 * across / 1.05).clamp(0.0, 1.0);
        let left = step(-0.75, 0.75, across) * (1.0 - low) + spanned * low;
        let thigh = step(self.hips_y + 0.02 * self.s, self.thigh_y - 0.13 * self.s, p.y);
        let shin = step(self.knee_y + 0.09 * self.s, self.knee_y - 0.09 * self.s, p.y);
        let mut shares = [0.0; Joint::COUNT];
        shares[Joint::Hips as usize] = 1.0 - thigh;
        for (share, t, k) in [(left, Joint::LThigh, Joint::LShin), (1.0 - left, Joint::RThigh, Joint::RShin)] {
            shares[t as usize] = share * thigh * (1.0 - shin);
            shares[k as usize] = share * thigh * shin;
        }
        shares
    }
}
