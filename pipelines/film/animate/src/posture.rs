//! How a body rests: standing, sitting, on the floor, kneeling, lying; and the ways between.

use crate::ease::smooth;
use crate::figure::{Foot, SIDE};
use crate::track::{Kind, SEAT_STEP, Track, facing};
use crate::walk::{Sole, standing, turning};
use glam::{Quat, Vec2, Vec3};
use klieg_film_cast::{Body, Joint};
use klieg_film_words::shot::{Posture, Seat};

/// The lower body at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Base {
    pub hips: Vec3,
    /// World.
    pub hips_rotation: Quat,
    pub feet: [Foot; 2],
    /// Whether the legs bear the body, so that the hips may not rise out of their reach.
    pub bound: [bool; 2],
    /// Forward lean that the posture or the change of it asks of the trunk, radians.
    pub lean: f32,
    /// Height of the seat, if one is sat on.
    pub seat: Option<f32>,
    /// Share of standing, 0–1: how far arms hang rather than rest in the lap.
    pub upright: f32,
    /// Degrees.
    pub heading: f32,
    /// Walking swing, −1..1, and how fast, metres a second.
    pub swing: f32,
    pub speed: f32,
    pub lying: f32,
}

/// What a posture needs to know.
pub struct Ground<'a> {
    pub body: &'a Body,
    pub seats: &'a [Seat],
    /// Those who sit on their heels rather than cross-legged.
    pub seiza: bool,
}

impl Ground<'_> {
    /// Half the distance of the feet.
    pub fn hip(&self) -> f32 {
        self.body.rest[Joint::LFoot as usize].x.abs()
    }

    fn scale(&self) -> f32 {
        self.body.rest[Joint::Hips as usize].y / 0.775
    }

    fn seat_height(&self, at: Vec2) -> Option<f32> {
        let near = |s: &&Seat| at.distance(Vec2::new(s.x, s.z)) < 0.6;
        self.seats.iter().filter(near).filter(|s| s.height > 0.05).map(|s| s.height).reduce(f32::max)
    }

    /// The base of `track` at `frame`.
    pub fn base(&self, track: &Track, frame: f32) -> Base {
        let (place, motion) = track.moment(frame);
        let Some((motion, u, after)) = motion else { return self.rest(place.posture, place.at, place.heading) };
        match &motion.kind {
            Kind::Walk(walk) => {
                let base = self.rest(Posture::Standing, walk.root(u), walk.heading(u));
                let speed = place.at.distance(after.at) / (motion.frames / 24.0);
                let lean = if walk.run { 0.22 } else { 0.05 } * smooth(u * 5.0) * smooth((1.0 - u) * 5.0);
                let over =
                    (walk.root((u + 0.02).min(1.0)) - walk.root((u - 0.02).max(0.0))).length() / 0.04 / (motion.frames / 24.0);
                Base { feet: self.soles(walk.feet(u)), swing: walk.swing(u), speed: over.min(speed * 1.5), lean, ..base }
            }
            Kind::Turn { from, to } => {
                let heading = crate::track::turn_between(*from, *to, smooth(u));
                let base = self.rest(place.posture, place.at, heading);
                if place.posture == Posture::Standing {
                    Base { feet: self.soles(turning(place.at, *from, *to, self.hip(), u)), ..base }
                } else {
                    base
                }
            }
            Kind::Settle { from, to } => {
                let (a, b) = (self.rest(*from, place.at, place.heading), self.rest(*to, after.at, after.heading));
                self.between(a, b, u)
            }
        }
    }

    fn between(&self, a: Base, b: Base, u: f32) -> Base {
        // Down with a little drop at the end, up with a push at the start.
        let s = smooth(smooth(u) * 0.4 + u * 0.6);
        let dip = (std::f32::consts::PI * u).sin();
        let mut feet = a.feet;
        for (side, foot) in feet.iter_mut().enumerate() {
            let (fa, fb) = (a.feet[side], b.feet[side]);
            let moves = fa.ankle.distance(fb.ankle) > 0.02;
            // One foot after the other.
            let v = smooth((u * 1.6 - 0.3 * side as f32).clamp(0.0, 1.0));
            foot.ankle = fa.ankle.lerp(fb.ankle, v) + Vec3::Y * if moves { 0.04 * (std::f32::consts::PI * v).sin() } else { 0.0 };
            foot.rotation = fa.rotation.slerp(fb.rotation, v);
            foot.knee = fa.knee.lerp(fb.knee, s).normalize_or(fb.knee);
        }
        Base {
            hips: a.hips.lerp(b.hips, s),
            hips_rotation: a.hips_rotation.slerp(b.hips_rotation, s),
            feet,
            bound: [a.bound[0] && b.bound[0], a.bound[1] && b.bound[1]],
            lean: a.lean + (b.lean - a.lean) * s + 0.5 * dip * (1.0 - a.lying.max(b.lying)),
            seat: if u > 0.6 {
                b.seat
            } else if u < 0.4 {
                a.seat
            } else {
                None
            },
            upright: a.upright + (b.upright - a.upright) * s,
            heading: a.heading,
            swing: 0.0,
            speed: 0.0,
            lying: a.lying + (b.lying - a.lying) * s,
        }
    }

    /// A posture at rest.
    pub fn rest(&self, posture: Posture, at: Vec2, heading: f32) -> Base {
        let s = self.scale();
        let turn = Quat::from_rotation_y(heading.to_radians());
        let local = |x: f32, y: f32, z: f32| Vec3::new(at.x, 0.0, at.y) + turn * Vec3::new(x, y, z);
        let standing_up = Base {
            hips: local(0.0, self.body.rest[Joint::Hips as usize].y - 0.012 * s, 0.0),
            hips_rotation: turn,
            feet: self.soles(standing(at, heading, self.hip())),
            bound: [true; 2],
            lean: 0.0,
            seat: None,
            upright: 1.0,
            heading,
            swing: 0.0,
            speed: 0.0,
            lying: 0.0,
        };
        match posture {
            Posture::Standing => standing_up,
            Posture::Sitting => self.sitting(standing_up, at, heading),
            Posture::FloorSitting if self.seiza => {
                let hips = local(0.0, self.body.seat + 0.11 * s, 0.0);
                self.folded(
                    Base { hips, seat: Some(0.0), ..standing_up },
                    turn,
                    [0.085 * s, 0.06 * s, -0.13 * s],
                    Vec3::new(0.12, -0.2, 1.0),
                )
            }
            Posture::FloorSitting => {
                let hips = local(0.0, self.body.seat, 0.0);
                let base = Base { hips, seat: Some(0.0), lean: 0.04, upright: 0.0, bound: [false; 2], ..standing_up };
                self.cross_legged(base, turn, s)
            }
            Posture::Kneeling => {
                let thigh = self.body.length(Joint::LShin);
                let drop = (self.body.offsets[Joint::LThigh as usize].y).abs();
                let hips = local(0.0, thigh * 0.97 + drop + 0.06 * s, 0.0);
                let base = Base { hips, upright: 0.6, bound: [false; 2], ..standing_up };
                self.folded(Base { upright: 0.6, ..base }, turn, [0.09 * s, 0.06 * s, -0.3 * s], Vec3::new(0.05, -0.4, 1.0))
            }
            Posture::Lying => {
                let bed = self.seat_height(at).unwrap_or(0.0);
                let hips = local(0.0, bed + 0.14 * s, 0.0);
                let flat = turn * Quat::from_rotation_x(-std::f32::consts::FRAC_PI_2);
                let foot = |side: usize| Foot {
                    ankle: hips + turn * Vec3::new(SIDE[side] * 0.09 * s, -0.03 * s, 0.68 * s),
                    rotation: turn * Quat::from_rotation_x(-1.25),
                    knee: Vec3::Y,
                };
                Base {
                    hips,
                    hips_rotation: flat,
                    feet: [foot(0), foot(1)],
                    bound: [false; 2],
                    upright: 0.7,
                    lying: 1.0,
                    ..standing_up
                }
            }
        }
    }

    fn sitting(&self, up: Base, at: Vec2, heading: f32) -> Base {
        let height = self.seat_height(at).unwrap_or(0.45);
        let hips = Vec3::new(at.x, height + self.body.seat, at.y);
        let mut feet = self.soles(standing(at + facing(heading) * SEAT_STEP, heading, self.hip() * 1.15));
        // On a bar stool the feet find the foot rest.
        let knee = hips.y + self.body.offsets[Joint::LThigh as usize].y;
        let hang = knee - self.body.length(Joint::LFoot) * 0.97;
        for foot in &mut feet {
            foot.ankle.y = foot.ankle.y.max(hang);
        }
        Base { hips, feet, bound: [false; 2], lean: 0.02, seat: Some(height), upright: 0.0, ..up }
    }

    fn folded(&self, base: Base, turn: Quat, [x, y, z]: [f32; 3], knee: Vec3) -> Base {
        let floor = Vec3::new(base.hips.x, 0.0, base.hips.z);
        let foot = |side: usize| Foot {
            ankle: floor + turn * Vec3::new(SIDE[side] * x, y, z),
            rotation: turn * Quat::from_rotation_x(1.35),
            knee: turn * (knee * Vec3::new(SIDE[side], 1.0, 1.0)),
        };
        let upright = if base.seat.is_some() { 0.0 } else { base.upright };
        Base { feet: [foot(0), foot(1)], bound: [false; 2], upright, ..base }
    }

    fn cross_legged(&self, base: Base, turn: Quat, s: f32) -> Base {
        let floor = Vec3::new(base.hips.x, 0.0, base.hips.z);
        let foot = |side: usize| Foot {
            // Ankles crossed before the body, one a little behind the other.
            ankle: floor + turn * Vec3::new(-SIDE[side] * 0.09 * s, 0.055 * s, (0.25 + 0.07 * side as f32) * s),
            rotation: turn * Quat::from_rotation_y(-SIDE[side] * 0.9) * Quat::from_rotation_z(SIDE[side] * 0.8),
            knee: turn * Vec3::new(SIDE[side], 0.25, 0.35),
        };
        Base { feet: [foot(0), foot(1)], ..base }
    }

    fn soles(&self, soles: [Sole; 2]) -> [Foot; 2] {
        soles.map(|sole| {
            let yaw = Quat::from_rotation_y(sole.yaw.to_radians());
            // The ball of the foot is the pivot of a foot on its toes.
            let raise = if sole.pitch > 0.0 { sole.pitch.sin() * self.body.toe * 0.8 } else { 0.0 };
            Foot {
                ankle: Vec3::new(sole.at.x, self.body.sole + sole.lift + raise, sole.at.y),
                rotation: yaw * Quat::from_rotation_x(sole.pitch),
                knee: yaw * Vec3::Z,
            }
        })
    }
}
