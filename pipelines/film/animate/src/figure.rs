//! Goals for hips, feet, hands and head become the joint rotations of a puppet.

use crate::ik::{aim, twist, two_bone};
use glam::{Quat, Vec3};
use klieg_film_cast::{Body, Joint};

/// Where a foot is.
#[derive(Clone, Copy, Debug)]
pub struct Foot {
    pub ankle: Vec3,
    pub rotation: Quat,
    /// Where the knee points.
    pub knee: Vec3,
}

/// Where a hand is.
#[derive(Clone, Copy, Debug)]
pub struct Arm {
    pub wrist: Vec3,
    /// World rotation of the hand; as the forearm has it when none is given.
    pub hand: Option<Quat>,
    /// How much of `hand` counts, 0–1.
    pub grip: f32,
    /// Where the elbow points.
    pub elbow: Vec3,
}

/// A body's goals in the world.
#[derive(Clone, Debug)]
pub struct Goals {
    pub hips: Vec3,
    pub hips_rotation: Quat,
    /// Local to their parents, from the hips up.
    pub spine: Quat,
    pub chest: Quat,
    pub neck: Quat,
    pub head: Quat,
    /// Raised by this much, metres.
    pub shrug: f32,
    pub feet: [Foot; 2],
    pub arms: [Arm; 2],
}

/// Joints of a limb, left and right.
pub const LEGS: [[Joint; 3]; 2] = [[Joint::LThigh, Joint::LShin, Joint::LFoot], [Joint::RThigh, Joint::RShin, Joint::RFoot]];
pub const ARMS: [[Joint; 4]; 2] = [
    [Joint::LShoulder, Joint::LUpperArm, Joint::LForearm, Joint::LHand],
    [Joint::RShoulder, Joint::RUpperArm, Joint::RForearm, Joint::RHand],
];
/// +1 for the left side, which is +X of the puppet.
pub const SIDE: [f32; 2] = [1.0, -1.0];

/// World place and rotation of the trunk's joints.
#[derive(Clone, Copy, Debug)]
pub struct Trunk {
    pub at: [Vec3; Joint::COUNT],
    pub rotation: [Quat; Joint::COUNT],
}

/// From hips to head and shoulders, without the limbs.
pub fn trunk(body: &Body, goals: &Goals) -> Trunk {
    let mut t = Trunk { at: [goals.hips; Joint::COUNT], rotation: [goals.hips_rotation; Joint::COUNT] };
    let locals = [(Joint::Spine, goals.spine), (Joint::Chest, goals.chest), (Joint::Neck, goals.neck), (Joint::Head, goals.head)];
    for (joint, local) in locals {
        place(body, &mut t, joint, local);
    }
    for (side, arm) in ARMS.iter().enumerate() {
        let raise = (goals.shrug / body.length(arm[1]).max(0.05)).clamp(-0.5, 0.5) * SIDE[side];
        place(body, &mut t, arm[0], Quat::from_rotation_z(raise));
        place(body, &mut t, arm[1], Quat::IDENTITY);
    }
    for leg in LEGS {
        place(body, &mut t, leg[0], Quat::IDENTITY);
    }
    t
}

fn place(body: &Body, t: &mut Trunk, joint: Joint, local: Quat) {
    let parent = joint.parent().map_or(0, |p| p as usize);
    t.at[joint as usize] = t.at[parent] + t.rotation[parent] * body.offsets[joint as usize];
    t.rotation[joint as usize] = t.rotation[parent] * local;
}

/// The rest direction of the fingers and of the palm of a hand.
pub fn hand_rest(body: &Body, side: usize) -> (Vec3, Vec3) {
    let along = body.offsets[ARMS[side][3] as usize].normalize();
    // Palms face in; square to the fingers.
    let inward = Vec3::new(-SIDE[side], 0.0, 0.0);
    (along, inward.reject_from_normalized(along).normalize())
}

/// World rotation of a hand whose fingers point along `fingers` and whose palm faces `palm`.
pub fn hand_towards(body: &Body, side: usize, fingers: Vec3, palm: Vec3) -> Quat {
    let (along, inward) = hand_rest(body, side);
    aim(along, inward, fingers, palm)
}

/// Local rotations of all joints that meet `goals` in a puppet that is turned by `heading` (radians).
pub fn solve(body: &Body, goals: &Goals, heading: f32) -> [Quat; Joint::COUNT] {
    let mut t = trunk(body, goals);
    for (side, [thigh, shin, foot]) in LEGS.iter().enumerate() {
        let goal = &goals.feet[side];
        let (a, b) = (body.length(*shin), body.length(*foot));
        let limb = two_bone(t.at[*thigh as usize], goal.ankle, a, b, goal.knee);
        let root = t.at[*thigh as usize];
        t.rotation[*thigh as usize] = aim(body.offsets[*shin as usize], Vec3::Z, limb.middle - root, limb.bend);
        t.rotation[*shin as usize] = aim(body.offsets[*foot as usize], Vec3::Z, limb.end - limb.middle, limb.bend);
        t.rotation[*foot as usize] = goal.rotation;
    }
    for (side, [_, upper, fore, hand]) in ARMS.iter().enumerate() {
        solve_arm(body, &goals.arms[side], side, [*upper, *fore, *hand], &mut t);
    }
    let mut local = [Quat::IDENTITY; Joint::COUNT];
    for joint in Joint::ALL {
        let parent = joint.parent().map_or(Quat::from_rotation_y(heading), |p| t.rotation[p as usize]);
        local[joint as usize] = (parent.inverse() * t.rotation[joint as usize]).normalize();
    }
    local
}

fn solve_arm(body: &Body, goal: &Arm, side: usize, [upper, fore, hand]: [Joint; 3], t: &mut Trunk) {
    let (a, b) = (body.length(fore), body.length(hand));
    let root = t.at[upper as usize];
    let limb = two_bone(root, goal.wrist, a, b, goal.elbow);
    let (rest_upper, rest_fore) = (body.offsets[fore as usize], body.offsets[hand as usize]);
    // At rest elbows point back.
    t.rotation[upper as usize] = aim(rest_upper, -Vec3::Z, limb.middle - root, limb.bend);
    let straight = aim(rest_fore, -Vec3::Z, limb.end - limb.middle, limb.bend);
    let free = straight;
    let wanted = goal.hand.map_or(free, |h| free.slerp(if free.dot(h) < 0.0 { -h } else { h }, goal.grip.clamp(0.0, 1.0)));
    // Turning the palm turns the forearm with it, as radius and ulna do.
    let along = hand_rest(body, side).0;
    let turn = twist(straight.inverse() * wanted, along);
    t.rotation[fore as usize] = straight * Quat::IDENTITY.slerp(turn, 0.6);
    t.rotation[hand as usize] = wanted;
}

/// The highest the hips may be so that both legs reach their ankles.
pub fn highest_hips(body: &Body, hips: Vec3, rotation: Quat, feet: &[Foot; 2], bound: [bool; 2]) -> f32 {
    let mut highest = hips.y;
    for (side, [thigh, shin, foot]) in LEGS.iter().enumerate() {
        if !bound[side] {
            continue;
        }
        let length = 0.992 * (body.length(*shin) + body.length(*foot));
        let root = rotation * body.offsets[*thigh as usize];
        let gap = hips + root - feet[side].ankle;
        let flat = gap.x * gap.x + gap.z * gap.z;
        let reach = (length * length - flat).max(0.01).sqrt();
        highest = highest.min(feet[side].ankle.y + reach - root.y);
    }
    highest
}
