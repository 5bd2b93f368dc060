//! The naked figure as fields: trunk, arms, legs, feet. Clothes are these fields, eased.

use crate::field::{cone, ellipsoid, join, meet, step};
use crate::skeleton::{Figure, Joint};
use glam::Vec3;

/// Trunk with neck and shoulders.
pub(crate) fn trunk(f: &Figure, p: Vec3) -> f32 {
    let s = f.s;
    let m = Vec3::new(p.x.abs(), p.y, p.z);
    let at = |j: Joint| f.at(j);
    let (hips, spine, chest, neck, head) = (at(Joint::Hips), at(Joint::Spine), at(Joint::Chest), at(Joint::Neck), at(Joint::Head));
    let y = |v: f32| Vec3::Y * v * s;
    let mut d = cone(p, hips - y(0.03), hips + y(0.02), f.hips[0], f.hips[0] * 0.97, f.hips[1] / f.hips[0]);
    d = join(d, cone(p, spine - y(0.01), spine + y(0.05), f.waist[0], f.waist[0], f.waist[1] / f.waist[0]), 0.1 * s);
    d = join(d, cone(p, chest + y(0.02), chest + y(0.09), f.chest[0], f.chest[0] * 0.97, f.chest[1] / f.chest[0]), 0.12 * s);
    let shoulder = at(Joint::LUpperArm);
    let top = Vec3::new(shoulder.x * 0.82, shoulder.y - 0.005 * s, shoulder.z);
    d = join(d, cone(m, Vec3::new(0.0, top.y, top.z), top, 0.062 * s, f.arm[0] * 1.08, 0.95), 0.07 * s);
    d = join(
        d,
        cone(
            m,
            Vec3::new(0.01 * s, neck.y - 0.022 * s, neck.z),
            Vec3::new(top.x, top.y + 0.004 * s, top.z),
            f.neck * 0.9,
            f.arm[0] * 0.75,
            1.0,
        ),
        0.04 * s,
    );
    d = join(d, cone(p, neck - y(0.03), head + Vec3::new(0.0, 0.07 * s, 0.01 * s), f.neck * 1.04, f.neck, 1.0), 0.04 * s);
    if f.bust > 0.0 {
        let c = Vec3::new(0.056 * s, chest.y + 0.055 * s, f.chest[1] * 0.66);
        d = join(d, (m - c).length() - 0.062 * s * f.bust.sqrt(), 0.06 * s);
    }
    if f.bust == 0.0 {
        let c = Vec3::new(0.055 * s, chest.y + 0.09 * s, f.chest[1] * 0.8);
        d = join(d, ellipsoid(m, c, Vec3::new(0.062, 0.045, 0.03) * s), 0.04 * s);
    }
    if f.belly > 0.05 {
        let r = 0.07 * s + 0.06 * f.belly;
        let c = Vec3::new(0.0, spine.y - 0.01 * s, f.waist[1] - r * 0.62 + 0.012 * f.belly);
        d = join(d, ellipsoid(p, c, Vec3::new(r * 1.35, r * 1.15, r)), 0.11 * s);
    }
    d
}

/// Where a sleeve of `length` (1 the wrist) ends on the left arm, and its radius there.
pub(crate) fn sleeve_end(f: &Figure, length: f32, ease: f32, flare: f32) -> (Vec3, f32) {
    let at = |t: f32| arm_at(f, t);
    (at(length).0, at(length).1 + ease + flare)
}

/// Middle and bare radius of the left arm at `t` from shoulder (0) to wrist (1).
fn arm_at(f: &Figure, t: f32) -> (Vec3, f32) {
    let (shoulder, elbow, wrist) = (f.at(Joint::LUpperArm), f.at(Joint::LForearm), f.at(Joint::LHand));
    let part = elbow_at(f);
    if t < part {
        (shoulder.lerp(elbow, t / part), lerp(f.arm[0], f.arm[1], t / part))
    } else {
        let u = (t - part) / (1.0 - part);
        (elbow.lerp(wrist, u), lerp(f.arm[1], f.arm[2], u))
    }
}

/// The elbow's place along the arm.
fn elbow_at(f: &Figure) -> f32 {
    let (upper, fore) = (f.body.length(Joint::LForearm), f.body.length(Joint::LHand));
    upper / (upper + fore)
}

/// Both arms, from the shoulder to `length` (1 the wrist); `ease` wider, and by `flare` wider again at the end.
pub(crate) fn arms(f: &Figure, p: Vec3, length: f32, ease: f32, flare: f32) -> f32 {
    let m = Vec3::new(p.x.abs(), p.y, p.z);
    let (elbow, wrist) = (f.at(Joint::LForearm), f.at(Joint::LHand));
    let part = elbow_at(f);
    let section = |t: f32| {
        let (at, bare) = arm_at(f, t);
        (at, bare + ease + flare * (t / length.max(0.05)).powi(2))
    };
    let (shoulder, first) = section(0.0);
    let (end, last) = section(length);
    let (middle, between) = section(length.min(part));
    let mut d = cone(m, shoulder, middle, first, between, 1.0);
    if length > part {
        d = join(d, cone(m, elbow, end, between, last, 1.0), 0.02 * f.s);
    }
    let along = (wrist - elbow).normalize();
    meet(d, (m - end).dot(along), 0.008 * f.s)
}

/// 0 at the shoulders, 1 from a little below the armpits down.
pub(crate) fn below_armpit(f: &Figure, p: Vec3) -> f32 {
    let shoulder = f.at(Joint::LUpperArm).y;
    step(shoulder - 0.075 * f.s, shoulder - 0.13 * f.s, p.y)
}

/// Both legs with the seat, down to `low` metres above the floor, `ease` wider, by `flare` wider again at the ankle.
pub(crate) fn legs(f: &Figure, p: Vec3, low: f32, ease: f32, flare: f32) -> f32 {
    let s = f.s;
    let m = Vec3::new(p.x.abs(), p.y, p.z);
    let (hips, thigh, knee, ankle) = (f.at(Joint::Hips), f.at(Joint::LThigh), f.at(Joint::LShin), f.at(Joint::LFoot));
    let hip = cone(
        p,
        hips - Vec3::Y * 0.035 * s,
        hips + Vec3::Y * 0.03 * s,
        f.hips[0] + ease,
        f.hips[0] * 0.95 + ease,
        f.hips[1] / f.hips[0],
    );
    let upper = cone(m, thigh, knee, f.leg[0] + ease, f.leg[1] + ease + flare * 0.5, 1.0);
    let calf = ellipsoid(m, knee.lerp(ankle, 0.3) - Vec3::Z * 0.012 * s, Vec3::new(f.leg[1] * 0.98, 0.11 * s, f.leg[1]) + ease);
    let lower = join(cone(m, knee, ankle, f.leg[1] * 0.97 + ease + flare * 0.5, f.leg[2] + ease + flare, 1.0), calf, 0.03 * s);
    let d = join(hip, join(upper, lower, 0.02 * s), 0.06 * s);
    meet(meet(d, low - p.y, 0.006 * s), p.y - (hips.y + 0.06 * s), 0.01 * s)
}

/// One foot about its ankle (left; +Z the toes), bare.
pub(crate) fn bare_foot(f: &Figure, p: Vec3) -> f32 {
    let (l, sole) = (f.foot, f.body.sole);
    let floor = -sole;
    let c = |x: f32, y: f32, z: f32| Vec3::new(x * l, floor + y * l, z * l);
    let mut d = cone(p, c(0.0, 0.13, -0.14), c(0.0, 0.1, -0.13), 0.13 * l, 0.13 * l, 1.0);
    d = join(d, cone(p, Vec3::new(0.0, 0.03, 0.0), c(0.0, 0.15, -0.02), f.leg[2], f.leg[2], 1.0), 0.05);
    d = join(d, cone(p, c(0.0, 0.16, -0.02), c(0.02, 0.09, 0.42), 0.13 * l, 0.1 * l, 1.0), 0.06);
    d = join(d, cone(p, c(-0.07, 0.08, 0.42), c(0.09, 0.07, 0.4), 0.1 * l, 0.09 * l, 1.0), 0.05);
    for (i, x) in [-0.115, -0.045, 0.02, 0.08, 0.135].into_iter().enumerate() {
        let r = if i == 0 { 0.062 } else { 0.048 - 0.003 * i as f32 } * l;
        let z = 0.6 - 0.035 * i as f32 - if i == 0 { 0.0 } else { 0.01 };
        d = join(d, cone(p, c(x * 0.9, 0.07, 0.46), c(x, 0.05, z), r, r, 1.0), 0.008);
    }
    meet(d, floor - p.y, 0.004)
}

/// One shoe about its ankle: `tall` metres of shaft above the ankle, `sharp` 0 round … 1 pointed, `heel` metres under the heel.
pub(crate) fn shoe(f: &Figure, p: Vec3, tall: f32, sharp: f32, heel: f32) -> f32 {
    let (l, floor) = (f.foot, -f.body.sole);
    let c = |x: f32, y: f32, z: f32| Vec3::new(x * l, floor + y * l, z * l);
    let w = 1.0 - 0.25 * sharp;
    let mut d = cone(p, c(0.0, 0.17, -0.13), c(0.0, 0.12, -0.13), 0.145 * l, 0.15 * l * w, 1.0);
    d = join(d, cone(p, c(0.0, 0.22 - 0.06 * sharp, 0.02), c(0.01, 0.1, 0.42), 0.15 * l, 0.13 * l * w, 1.0), 0.06);
    d = join(d, cone(p, c(0.0, 0.09, 0.36), c(0.01, 0.08, 0.56 + 0.1 * sharp), 0.16 * l * w, (0.13 - 0.07 * sharp) * l, 1.0), 0.05);
    d = join(d, cone(p, c(0.0, 0.2, -0.03), Vec3::new(0.0, tall, -0.005), f.leg[2] + 0.012, f.leg[2] + 0.014, 1.0), 0.04);
    d = meet(d, p.y - tall, 0.006);
    if heel > 0.0 {
        let arch = ellipsoid(p, Vec3::new(0.0, floor - 0.01, 0.1 * l), Vec3::new(0.3 * l, heel, 0.17 * l));
        d = crate::field::carve(d, arch, 0.01);
    }
    meet(d, floor - p.y, 0.003)
}

fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
