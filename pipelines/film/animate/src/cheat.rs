//! Cheating: as on a stage, heads open to the audience while the eyes stay with whom they look at.

use crate::ease::smooth;
use glam::Vec3;
use klieg_film_words::shot::{Purpose, Shot};

/// Of the angle between a face and the camera, what is beyond `open` radians counts only in part.
#[derive(Clone, Copy, Debug)]
pub struct Audience {
    camera: Vec3,
    open: f32,
    /// Whoever turns further away than this means to, degrees; from the second on nothing is cheated.
    meant: [f32; 2],
}

/// Share that is left of an angle beyond the open one.
const REST: f32 = 0.28;

impl Audience {
    /// The audience of `shot`, whose camera is at `camera`. Groups open up soon; someone alone only when nearly lost.
    pub fn of(shot: &Shot, camera: Vec3) -> Option<Audience> {
        let (open, meant): (f32, [f32; 2]) = match shot.purpose {
            Purpose::Master | Purpose::TwoShot | Purpose::Establishing | Purpose::Follow | Purpose::Title | Purpose::Credits => {
                (40.0, [135.0, 168.0])
            }
            // Over a shoulder one sees the back of a head, and inserts show no faces.
            Purpose::Insert | Purpose::OverShoulder => return None,
            // Whoever else is in the foreground stays turned away.
            Purpose::Single | Purpose::Reaction => (52.0, [85.0, 120.0]),
        };
        Some(Audience { camera, open: open.to_radians(), meant })
    }

    /// By how much a head at `eyes` that faces `ahead` turns about +Y, radians.
    pub fn turn(&self, eyes: Vec3, ahead: Vec3) -> f32 {
        let away = self.away(eyes, ahead);
        let over = (away.abs() - self.open).max(0.0) * away.signum();
        let meant = (away.abs().to_degrees() - self.meant[0]) / (self.meant[1] - self.meant[0]);
        -over * (1.0 - REST) * (1.0 - smooth(meant))
    }

    /// The angle on the floor from the direction of the camera to `ahead`, radians about +Y.
    pub fn away(&self, eyes: Vec3, ahead: Vec3) -> f32 {
        let to = self.camera - eyes;
        let between = ahead.x.atan2(ahead.z) - to.x.atan2(to.z);
        (between + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU) - std::f32::consts::PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_opens_and_a_back_stays_a_back() {
        let audience = Audience { camera: Vec3::new(0.0, 1.5, 4.0), open: 38f32.to_radians(), meant: [135.0, 168.0] };
        let seen = |degrees: f32| {
            let (s, c) = degrees.to_radians().sin_cos();
            degrees + audience.turn(Vec3::new(0.0, 1.5, 0.0), Vec3::new(s, 0.0, c)).to_degrees()
        };
        for side in [-1.0, 1.0] {
            assert!((seen(30.0 * side) - 30.0 * side).abs() < 1e-3);
            assert!((45.0..53.0).contains(&(seen(90.0 * side) * side)), "{}", seen(90.0 * side));
            assert!((seen(175.0 * side) - 175.0 * side).abs() < 1e-3);
        }
        // Turning round, nobody's head jumps.
        for d in -1790..1790 {
            assert!((seen(d as f32 / 10.0 + 0.1) - seen(d as f32 / 10.0)).abs() < 0.7, "{d}");
        }
    }
}
