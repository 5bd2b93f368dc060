//! Walking: steps planned along the way, so that a planted foot stays where it is.

use crate::ease::smooth;
use crate::track::{facing, turn_between};
use glam::Vec2;

/// Share of a step's length on either side of the passing position in which a foot is in the air.
const AIR: f32 = 0.4;

/// A way on foot from one standing place to another.
#[derive(Clone, Debug)]
pub struct Walk {
    from: Vec2,
    to: Vec2,
    start_heading: f32,
    end_heading: f32,
    travel: f32,
    /// Half the distance of the feet.
    hip: f32,
    steps: u32,
    step: f32,
    length: f32,
    pub run: bool,
    /// Too short to turn into: a shuffle.
    short: bool,
}

/// Where a foot is: on the floor, turned by `yaw` degrees, `lift` off the ground, toes down by `pitch` radians.
#[derive(Clone, Copy, Debug)]
pub struct Sole {
    pub at: Vec2,
    pub yaw: f32,
    pub lift: f32,
    pub pitch: f32,
}

/// The feet of someone who stands at `at`.
pub fn standing(at: Vec2, heading: f32, hip: f32) -> [Sole; 2] {
    let left = facing(heading + 90.0);
    [1.0, -1.0].map(|side| Sole { at: at + left * side * hip, yaw: heading + 7.0 * side, lift: 0.0, pitch: 0.0 })
}

impl Walk {
    pub fn new(from: Vec2, to: Vec2, start_heading: f32, end_heading: f32, hip: f32, run: bool) -> Walk {
        let length = from.distance(to).max(0.02);
        let stride = hip * if run { 7.6 } else { 5.2 };
        let steps = ((length / stride).round() as u32).max(1);
        let way = to - from;
        let short = length < 0.7;
        let travel = if short { end_heading } else { way.x.atan2(way.y).to_degrees() };
        Walk { from, to, start_heading, end_heading, travel, hip, steps, step: length / steps as f32, length, run, short }
    }

    /// Distance of the feet's plan: the root is over the planted foot when this passes it.
    fn phase(&self, u: f32) -> f32 {
        let air = AIR * self.step;
        -air + u.clamp(0.0, 1.0) * (self.length + 2.0 * air)
    }

    /// How far the hips have come: as the phase, but starting and ending at rest.
    fn distance(&self, u: f32) -> f32 {
        let (p, air, s) = (self.phase(u), AIR * self.step, self.length);
        if p < air {
            (p + air).powi(2) / (4.0 * air)
        } else if p > s - air {
            s - (s + air - p).powi(2) / (4.0 * air)
        } else {
            p
        }
    }

    pub fn root(&self, u: f32) -> Vec2 {
        self.from.lerp(self.to, (self.distance(u) / self.length).clamp(0.0, 1.0))
    }

    /// Degrees.
    pub fn heading(&self, u: f32) -> f32 {
        if self.short {
            return turn_between(self.start_heading, self.end_heading, smooth(u));
        }
        let share = (0.6 / self.length).clamp(0.12, 0.45);
        let out = turn_between(self.start_heading, self.travel, smooth(u / share));
        turn_between(out, self.end_heading, smooth((u - 1.0 + share) / share))
    }

    /// Swing of arms and hips: −1 when the left foot is ahead, 1 when the right is, 0 at rest.
    pub fn swing(&self, u: f32) -> f32 {
        let p = self.phase(u) / self.step;
        let ends = smooth((p + AIR) * 1.2) * smooth((self.steps as f32 + AIR - p) * 1.2);
        let parity = if self.left_first() { 1.0 } else { -1.0 };
        // Step j lands at j: in the middle between landings the feet pass each other.
        -parity * (std::f32::consts::PI * (p - 0.5)).sin() * ends
    }

    fn left_first(&self) -> bool {
        // The outer foot of the turn goes first.
        let turn = (self.travel - self.start_heading + 180.0).rem_euclid(360.0) - 180.0;
        turn < 0.0
    }

    /// The landing of step `j`; 0 is where the foot stands before the walk.
    fn landing(&self, j: u32, side: usize) -> Sole {
        if j == 0 {
            return standing(self.from, self.start_heading, self.hip)[side];
        }
        let last = j >= self.steps;
        let yaw = if last { self.end_heading } else { self.travel };
        let at = self.from.lerp(self.to, (j as f32 / self.steps as f32).min(1.0));
        let narrow = if last { 1.0 } else { 0.75 };
        standing(at, yaw, self.hip * narrow)[side]
    }

    /// How much of a full step's roll the feet make, 0–1.
    fn roll(&self) -> f32 {
        (self.step / 0.45).clamp(0.2, 1.0)
    }

    /// Both feet, left and right, at share `u` of the way: heel first, flat, then on the toes before it leaves.
    pub fn feet(&self, u: f32) -> [Sole; 2] {
        let p = self.phase(u);
        [0, 1].map(|side| {
            // Step j is the first foot's when odd, the other's when even; the last step brings the feet together.
            let first = (side == 0) == self.left_first();
            let mut before = self.landing(0, side);
            for j in (1..=self.steps + 1).filter(|j| (j % 2 == 1) == first) {
                let centre = (j - 1) as f32 * self.step;
                let (start, end) = (centre - AIR * self.step, centre + AIR * self.step);
                let strike = if j < self.steps { STRIKE * self.roll() } else { 0.0 };
                if p >= end {
                    before = self.landing(j, side);
                    before.pitch = strike * (1.0 - smooth((p - end) / (ROLLS * self.step)));
                } else if p > start {
                    return self.swinging(before, self.landing(j, side), (p - start) / (end - start), (j > 1, strike));
                } else {
                    if j > 1 {
                        before.pitch += RISE * self.roll() * smooth((p - start) / (ROLLS * self.step) + 1.0);
                    }
                    break;
                }
            }
            before
        })
    }

    /// In the air: `risen` when the heel had left the ground before, `strike` the pitch of the landing.
    fn swinging(&self, from: Sole, to: Sole, u: f32, (risen, strike): (bool, f32)) -> Sole {
        let s = smooth(u);
        let high = if self.run { 0.16 } else { 0.075 } * (self.step / 0.45).clamp(0.4, 1.2);
        let off = RISE * self.roll() * (1.0 - u).powi(2) * if risen { 1.0 } else { (u * 9.0).min(1.0) };
        let toes_up = -0.3 * (std::f32::consts::PI * u).sin() * u;
        Sole {
            at: from.at.lerp(to.at, s),
            yaw: turn_between(from.yaw, to.yaw, s),
            lift: high * (std::f32::consts::PI * u.powf(0.85)).sin(),
            pitch: off + toes_up + strike * smooth((u - 0.6) / 0.4),
        }
    }
}

/// Toes up when the heel lands, toes down when it leaves, radians; and the share of a step in which a foot rolls.
const STRIKE: f32 = -0.27;
const RISE: f32 = 0.52;
const ROLLS: f32 = 0.22;

/// Turning on the spot: one foot, then the other.
pub fn turning(at: Vec2, from: f32, to: f32, hip: f32, u: f32) -> [Sole; 2] {
    let (a, b) = (standing(at, from, hip), standing(at, to, hip));
    let left_first = (to - from + 180.0).rem_euclid(360.0) - 180.0 > 0.0;
    [0, 1].map(|side| {
        let begin = if (side == 0) == left_first { 0.05 } else { 0.5 };
        let v = ((u - begin) / 0.42).clamp(0.0, 1.0);
        let s = smooth(v);
        Sole {
            at: a[side].at.lerp(b[side].at, s),
            yaw: turn_between(a[side].yaw, b[side].yaw, s),
            lift: 0.05 * (std::f32::consts::PI * v).sin(),
            pitch: 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walks() -> Vec<Walk> {
        let ways = [(2.5, 0.3), (-1.2, 0.8), (0.4, 0.0), (0.05, -0.03), (-3.0, -2.0)];
        ways.iter()
            .flat_map(|(x, z)| [false, true].map(|run| Walk::new(Vec2::ZERO, Vec2::new(*x, *z), 20.0, -40.0, 0.09, run)))
            .collect()
    }

    #[test]
    fn a_foot_on_the_ground_stays_there() {
        for walk in walks() {
            for side in 0..2 {
                let soles: Vec<Sole> = (0..=400).map(|i| walk.feet(i as f32 / 400.0)[side]).collect();
                for w in soles.windows(2) {
                    if w[0].lift == 0.0 && w[1].lift == 0.0 {
                        assert!(w[0].at.distance(w[1].at) < 1e-4, "slides in {walk:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn feet_roll_from_heel_to_toe_without_a_jump() {
        for walk in walks() {
            for side in 0..2 {
                let soles: Vec<Sole> = (0..=2000).map(|i| walk.feet(i as f32 / 2000.0)[side]).collect();
                for w in soles.windows(2) {
                    assert!((w[0].pitch - w[1].pitch).abs() < 0.06, "{walk:?}: {} to {}", w[0].pitch, w[1].pitch);
                }
                assert!(soles[2000].pitch.abs() < 1e-3 && soles[0].pitch.abs() < 1e-3);
                let planted = soles.iter().filter(|s| s.lift < 1e-6).map(|s| s.pitch);
                let (low, high) = planted.fold((0.0f32, 0.0f32), |(l, h), p| (l.min(p), h.max(p)));
                if walk.steps > 3 {
                    assert!(low < -0.05 && high > 0.1, "{low} to {high} in {walk:?}");
                }
            }
        }
    }

    #[test]
    fn one_foot_is_always_planted_and_the_ends_are_standing() {
        for walk in walks() {
            for i in 0..=200 {
                let feet = walk.feet(i as f32 / 200.0);
                assert!(feet.iter().any(|f| f.lift < 1e-6));
            }
            for (u, at, heading) in [(0.0, walk.from, 20.0), (1.0, walk.to, -40.0)] {
                let want = standing(at, heading, 0.09);
                for (have, want) in walk.feet(u).iter().zip(want) {
                    assert!(have.at.distance(want.at) < 1e-3 && (have.yaw - want.yaw).abs() < 0.1, "{u}: {have:?} {want:?}");
                }
                assert!(walk.root(u).distance(at) < 1e-3 && (walk.heading(u) - heading).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn hips_never_leave_the_feet_behind() {
        for walk in walks() {
            for i in 0..=200 {
                let u = i as f32 / 200.0;
                let root = walk.root(u);
                for f in walk.feet(u) {
                    assert!(f.at.distance(root) < walk.step * 0.75 + 0.12, "{walk:?} at {u}");
                }
            }
        }
    }
}
