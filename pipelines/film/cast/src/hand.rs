//! Hands: one modelled piece per shape, exchanged as on a stop-motion stage.
//!
//! Hand space: the wrist at the origin, +Y along the fingers, +Z out of the palm, lengths in hand lengths (wrist to fingertip).
//! The left hand's thumb is on −X; the right hand is its mirror image.

use crate::field::{Net, cone, ellipsoid, join, net};
use crate::pose::Hand;
use glam::{Quat, Vec3};

/// How one finger is bent: at the knuckle and the two joints after it, and fanned sideways. Radians.
#[derive(Clone, Copy)]
struct Bend(f32, f32, f32, f32);

/// Index, middle, ring, little finger; then the thumb's direction and its bend towards the palm.
fn shape(hand: Hand) -> ([Bend; 4], Vec3, f32) {
    let all = |b: Bend| [b; 4];
    let rest = Vec3::new(-0.5, 0.78, 0.36);
    match hand {
        Hand::Relaxed => (
            [Bend(0.18, 0.3, 0.2, 0.06), Bend(0.28, 0.36, 0.25, 0.0), Bend(0.36, 0.42, 0.28, -0.04), Bend(0.44, 0.46, 0.3, -0.1)],
            rest,
            0.25,
        ),
        Hand::Open => (
            [
                Bend(-0.06, 0.06, 0.05, 0.2),
                Bend(-0.06, 0.05, 0.05, 0.05),
                Bend(-0.05, 0.06, 0.05, -0.1),
                Bend(-0.02, 0.1, 0.05, -0.26),
            ],
            Vec3::new(-0.85, 0.5, 0.15),
            0.0,
        ),
        Hand::Fist => (all(Bend(1.35, 1.65, 1.0, 0.0)), Vec3::new(-0.2, 0.75, 0.6), 1.0),
        Hand::Point => {
            let curled = Bend(1.35, 1.6, 1.0, 0.0);
            ([Bend(0.03, 0.04, 0.03, 0.0), curled, curled, curled], Vec3::new(-0.1, 0.75, 0.65), 0.9)
        }
        Hand::Grip => (all(Bend(0.95, 1.25, 0.85, 0.0)), Vec3::new(-0.35, 0.55, 0.76), 0.7),
        Hand::Prayer => (all(Bend(0.0, 0.02, 0.02, 0.0)), Vec3::new(-0.22, 0.97, 0.08), 0.0),
    }
}

/// Joints of the fingers as chains of points with radii.
fn chains(hand: Hand) -> Vec<[(Vec3, f32); 4]> {
    let (bends, thumb, thumb_bend) = shape(hand);
    let bases = [(-0.155, 0.5, 0.42), (-0.05, 0.525, 0.47), (0.057, 0.51, 0.43), (0.155, 0.465, 0.34)];
    let mut out: Vec<[(Vec3, f32); 4]> = bases
        .iter()
        .zip(bends)
        .map(|((x, y, length), Bend(a, b, c, fan))| {
            let fan = Quat::from_rotation_z(fan);
            let mut at = Vec3::new(*x, *y, 0.0);
            let mut angle = 0.0;
            let mut chain = [(at, 0.074); 4];
            for (i, (bend, part, radius)) in [(a, 0.44, 0.07), (b, 0.31, 0.064), (c, 0.25, 0.054)].into_iter().enumerate() {
                angle += bend;
                at += fan * Vec3::new(0.0, f32::cos(angle), f32::sin(angle)) * (length * part);
                chain[i + 1] = (at, radius);
            }
            chain
        })
        .collect();
    let base = Vec3::new(-0.12, 0.14, 0.03);
    let d = thumb.normalize();
    let knuckle = base + d * 0.2;
    let inward = Vec3::new(0.75, 0.35, 0.55).normalize();
    let second = d.lerp(inward, thumb_bend * 0.6).normalize();
    let tip = d.lerp(inward, thumb_bend).normalize();
    out.push([(base, 0.095), (knuckle, 0.082), (knuckle + second * 0.15, 0.074), (knuckle + second * 0.15 + tip * 0.12, 0.06)]);
    out
}

/// The left hand in `hand` shape, meshed at `cell` hand lengths.
pub(crate) fn model(hand: Hand, cell: f32, wrist: f32) -> Net {
    let chains = chains(hand);
    let closed = matches!(hand, Hand::Fist | Hand::Point);
    let field = |p: Vec3| {
        let mut d = cone(p, Vec3::new(0.0, 0.2, 0.0), Vec3::new(0.005, 0.4, 0.0), 0.19, 0.215, 0.42);
        d = join(d, cone(p, Vec3::new(0.0, -0.06, 0.0), Vec3::new(0.0, 0.12, 0.0), wrist, wrist * 0.95, 0.85), 0.12);
        let mut fingers = f32::INFINITY;
        for chain in &chains {
            let mut finger = f32::INFINITY;
            for w in chain.windows(2) {
                finger = finger.min(cone(p, w[0].0, w[1].0, w[0].1, w[1].1, 1.0));
            }
            // Fingers touch without melting into each other; they grow out of the palm.
            fingers = join(fingers, finger, 0.012);
        }
        let d = join(d, fingers, 0.07);
        // A closed hand is full: flesh fills what the fingers curl around.
        if closed { join(d, ellipsoid(p, Vec3::new(0.0, 0.45, 0.16), Vec3::new(0.17, 0.15, 0.14)), 0.05) } else { d }
    };
    net(&field, Vec3::new(-0.62, -0.3, -0.34), Vec3::new(0.48, 1.14, 0.66), cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointing_hand_is_long_and_a_fist_short() {
        let reach = |h| model(h, 0.05, 0.2).positions.iter().map(|p| p.y).fold(0.0f32, f32::max);
        assert!(reach(Hand::Point) > 0.9 && reach(Hand::Open) > 0.9);
        assert!(reach(Hand::Fist) < 0.8, "{}", reach(Hand::Fist));
        for hand in Hand::ALL {
            assert!(model(hand, 0.05, 0.2).quads.len() > 200);
        }
    }
}
