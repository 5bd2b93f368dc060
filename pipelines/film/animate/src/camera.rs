//! The camera between its keys: eased, hand-held where the shot says so.

use crate::ease::{noise, smooth};
use glam::{Quat, Vec3};
use klieg_film_words::shot::{CameraKey, Move, Purpose, Shot};
use klieg_kernels::scene::Camera;

/// Most that a hand-held camera turns either way, degrees: two octaves.
const SHAKE: [f32; 2] = [0.27, 0.1];

/// The camera of `shot` at `frame`.
pub fn camera(shot: &Shot, frame: f32) -> Camera {
    let key = eased(&shot.camera, frame);
    let mut look_at = Vec3::from(key.look_at);
    let position = Vec3::from(key.position);
    if shot.movement == Move::Handheld {
        look_at = position + shaken(shot.seed, frame / 24.0) * (look_at - position);
    }
    Camera {
        position: key.position,
        look_at: look_at.to_array(),
        roll_degrees: key.roll_degrees,
        lens_mm: key.lens_mm,
        focus_m: key.focus_m,
        aperture_m: key.aperture_m,
        // What stands between the camera and the action further off than a shoulder is wild and taken away.
        // The shoulder that one looks over stays whole.
        near_m: if shot.purpose == Purpose::OverShoulder { 0.05 } else { (key.focus_m - 2.0).clamp(0.05, 1.2) },
    }
}

fn eased(keys: &[CameraKey], frame: f32) -> CameraKey {
    let Some(first) = keys.first() else {
        return CameraKey {
            frame: 0,
            position: [0.0, 1.5, 5.0],
            look_at: [0.0, 1.2, 0.0],
            lens_mm: 35.0,
            focus_m: 5.0,
            aperture_m: 0.01,
            roll_degrees: 0.0,
        };
    };
    let after = keys.iter().position(|k| k.frame as f32 > frame);
    let (a, b) = match after {
        Some(0) => return *first,
        Some(i) => (keys[i - 1], keys[i]),
        None => return keys[keys.len() - 1],
    };
    let straight = (frame - a.frame as f32) / (b.frame - a.frame).max(1) as f32;
    // A key in the middle of a move is passed, not stopped at.
    let u = match (a.frame == keys[0].frame, b.frame == keys[keys.len() - 1].frame) {
        (true, true) => smooth(straight),
        (true, false) => straight * straight,
        (false, true) => 1.0 - (1.0 - straight) * (1.0 - straight),
        (false, false) => smooth(straight),
    };
    let mix = |a: f32, b: f32| a + (b - a) * u;
    CameraKey {
        frame: a.frame,
        position: Vec3::from(a.position).lerp(b.position.into(), u).to_array(),
        look_at: Vec3::from(a.look_at).lerp(b.look_at.into(), u).to_array(),
        lens_mm: mix(a.lens_mm, b.lens_mm),
        focus_m: mix(a.focus_m, b.focus_m),
        aperture_m: mix(a.aperture_m, b.aperture_m),
        roll_degrees: mix(a.roll_degrees, b.roll_degrees),
    }
}

/// Two octaves of slow noise, in all under 0.4 degrees.
fn shaken(seed: u64, t: f32) -> Quat {
    let turn = |axis: u64| (SHAKE[0] * noise(seed ^ axis, t * 0.8) + SHAKE[1] * noise(seed ^ axis ^ 64, t * 2.1)).to_radians();
    Quat::from_rotation_y(turn(1)) * Quat::from_rotation_x(turn(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_are_steady_enough() {
        for i in 0..500 {
            let angle = shaken(i % 7, i as f32 * 0.04).angle_between(Quat::IDENTITY).to_degrees();
            assert!(angle < 0.4 * 1.5, "{angle}");
        }
    }
}
