//! Two-bone inverse kinematics, in closed form.

use glam::{Mat3, Quat, Vec3};

/// A solved limb.
#[derive(Clone, Copy, Debug)]
pub struct Limb {
    pub middle: Vec3,
    pub end: Vec3,
    /// Unit vector in which the middle joint bends away from the straight line.
    pub bend: Vec3,
}

/// Elbow or knee of a limb of lengths `a` and `b` from `root` that reaches for `target`, bending towards `hint`. A target out of
/// reach is reached for with the limb almost straight.
pub fn two_bone(root: Vec3, target: Vec3, a: f32, b: f32, hint: Vec3) -> Limb {
    let to = target - root;
    let dir = to.normalize_or(-Vec3::Y);
    let d = to.length().clamp((a - b).abs() + 0.02 * (a + b), 0.998 * (a + b));
    let along = (a * a - b * b + d * d) / (2.0 * d);
    let out = (a * a - along * along).max(0.0).sqrt();
    let bend = hint.reject_from_normalized(dir);
    let bend = if bend.length_squared() > 1e-8 { bend.normalize() } else { dir.any_orthonormal_vector() };
    Limb { middle: root + dir * along + bend * out, end: root + dir * d, bend }
}

/// The rotation that takes `rest` to `dir` and the side of `rest_pole` to the side of `pole`.
pub fn aim(rest: Vec3, rest_pole: Vec3, dir: Vec3, pole: Vec3) -> Quat {
    Quat::from_mat3(&(frame(dir, pole) * frame(rest, rest_pole).transpose())).normalize()
}

fn frame(dir: Vec3, pole: Vec3) -> Mat3 {
    let x = dir.normalize_or(-Vec3::Y);
    let y = pole.reject_from_normalized(x);
    let y = if y.length_squared() > 1e-8 { y.normalize() } else { x.any_orthonormal_vector() };
    Mat3::from_cols(x, y, x.cross(y))
}

/// The part of `q` that turns about `axis`.
pub fn twist(q: Quat, axis: Vec3) -> Quat {
    let along = Vec3::new(q.x, q.y, q.z).dot(axis);
    let t = Quat::from_xyzw(axis.x * along, axis.y * along, axis.z * along, q.w);
    if t.length_squared() < 1e-9 { Quat::IDENTITY } else { t.normalize() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaches_what_can_be_reached_and_bends_to_the_hint() {
        for target in [Vec3::new(0.3, -0.4, 0.1), Vec3::new(0.0, -0.1, 0.5), Vec3::new(2.0, 0.0, 0.0), Vec3::new(0.0, -0.001, 0.0)]
        {
            let limb = two_bone(Vec3::ZERO, target, 0.35, 0.3, Vec3::Z);
            assert!((limb.middle.length() - 0.35).abs() < 1e-3 && (limb.middle.distance(limb.end) - 0.3).abs() < 1e-3);
            if target.length() > 0.1 && target.length() < 0.64 {
                assert!(limb.end.distance(target) < 1e-3);
            }
            assert!(limb.bend.dot(Vec3::Z) >= -1e-6);
        }
    }

    #[test]
    fn aim_takes_both_axes() {
        let q = aim(-Vec3::Y, Vec3::Z, Vec3::Z, Vec3::Y);
        assert!((q * -Vec3::Y).distance(Vec3::Z) < 1e-5 && (q * Vec3::Z).distance(Vec3::Y) < 1e-5);
    }
}
