//! One person of a shot, posed at any frame: posture, bearing, acts, gestures, gaze, face and mouth together.

use crate::acts::{Around, Doing, Reach, Spot, carry, doing, held};
use crate::business::{Habits, Stance};
use crate::cheat::Audience;
use crate::ease::noise;
use crate::face::{Bearing, bearing, between, worn};
use crate::figure::{Arm, Goals, SIDE, hand_towards, highest_hips, solve, trunk};
use crate::gaze::{Gaze, blinking, gaze, idle, wander};
use crate::gesture::{Gesture, gestures};
use crate::mouth;
use crate::posture::{Base, Ground};
use crate::track::{Said, Track, facing};
use glam::{Quat, Vec2, Vec3};
use klieg_film_cast::{Body, Face, Hand, Joint, Pose};
use klieg_film_words::shot::{Posture, Seat};
use klieg_film_words::sound::Spoken;
use klieg_film_words::story::{CharacterId, LineId, Verb};
use klieg_film_words::{mix, unit};
use std::collections::BTreeMap;

/// One person's part in a shot.
pub struct Player {
    pub track: Track,
    pub body: Body,
    pub seats: Vec<Seat>,
    /// Sits on the heels.
    pub seiza: bool,
    pub habits: Habits,
    /// The face is in the picture: whoever is just outside of it keeps elbows in.
    pub seen: bool,
    pub blinks: Vec<f32>,
    pub gestures: BTreeMap<LineId, Vec<Gesture>>,
    pub seed: u64,
    /// Seconds for which a pose is shown.
    pub held: f32,
}

/// What a player can see of the others at a frame.
pub struct Others<'a> {
    pub eyes: &'a dyn Fn(CharacterId) -> Option<Vec3>,
    pub chest: &'a dyn Fn(CharacterId) -> Option<Vec3>,
    /// The camera that heads are cheated towards, if any.
    pub audience: Option<Audience>,
}

/// How far eyes turn aside in the head, radians: further, and a head that opens to the camera shows nothing but white.
const ASIDE: f32 = 0.3;

impl Player {
    /// Plans the gestures of everything that `track` says.
    pub fn plan(track: &Track, spoken: &BTreeMap<LineId, Spoken>, seed: u64) -> BTreeMap<LineId, Vec<Gesture>> {
        let of = |s: &Said| spoken.get(&s.line).map(|sp| (s.line, gestures(sp, mix(seed ^ s.line as u64), bearing(s.mood).energy)));
        track.said.iter().filter_map(of).collect()
    }

    fn ground(&self) -> Ground<'_> {
        Ground { body: &self.body, seats: &self.seats, seiza: self.seiza }
    }

    fn scale(&self) -> f32 {
        self.body.rest[Joint::Hips as usize].y / 0.775
    }

    /// Where the eyes are at `frame`, near enough for others to look at.
    pub fn eyes(&self, frame: f32) -> Vec3 {
        let base = self.ground().base(&self.track, frame);
        let head = self.body.rest[Joint::Head as usize] + self.body.eyes[0];
        let above = head.y - self.body.rest[Joint::Hips as usize].y;
        let ahead = facing(base.heading) * 0.08;
        base.hips + Vec3::new(ahead.x, above * (1.0 - 0.9 * base.lying), ahead.y)
    }

    /// Middle of the chest at `frame`.
    pub fn chest(&self, frame: f32) -> Vec3 {
        let base = self.ground().base(&self.track, frame);
        let above = self.body.rest[Joint::Chest as usize].y + 0.11 * self.scale() - self.body.rest[Joint::Hips as usize].y;
        base.hips + Vec3::Y * above * (1.0 - 0.9 * base.lying)
    }

    pub fn root(&self, frame: f32) -> (Vec2, f32) {
        self.track.root(frame)
    }

    /// What is in the right hand.
    pub fn holds(&self, frame: f32) -> Option<&str> {
        held(&self.track, frame)
    }

    /// The pose shown from `frame` on.
    pub fn pose(&self, frame: f32, spoken: &BTreeMap<LineId, Spoken>, others: &Others<'_>) -> Pose {
        let base = self.ground().base(&self.track, frame);
        let (from, to, u) = self.track.mood(frame);
        let mood = between(bearing(from), bearing(to), u);
        let doing = self.doing(frame, &base, others);
        let ahead = facing(base.heading);
        let gaze = gaze(&self.track, frame, self.eyes(frame), Vec3::new(ahead.x, 0.0, ahead.y), others.eyes);
        let mut goals = self.goals(frame, &base, &mood, &doing, &gaze, others.audience.as_ref());
        goals.arms = self.arms(&goals, &base, &doing, frame);
        let heading = base.heading.to_radians();
        let rotations = solve(&self.body, &goals, heading);
        Pose {
            position: Vec3::new(goals.hips.x, 0.0, goals.hips.z),
            heading,
            hips_height_offset: goals.hips.y - self.body.rest[Joint::Hips as usize].y,
            hips_shift: Vec3::ZERO,
            rotations,
            face: self.face(frame, &base, &mood, &doing, &gaze, &goals, spoken),
            hands: [0, 1].map(|side| self.hand(side, frame, &doing)),
            cloth_sway: (base.swing * 0.35 * base.speed.min(1.5) + doing.sway - 0.12 * base.speed.min(1.5)).clamp(-1.0, 1.0),
            seat_height: base.seat,
        }
    }

    fn doing(&self, frame: f32, base: &Base, others: &Others<'_>) -> Whole {
        let (root, _) = self.track.root(frame);
        let mut all = Whole::default();
        if let Some(prop) = self.holds(frame) {
            let mut one = Doing::default();
            carry(1.0, Some(prop), 1, &mut one);
            all.add(one);
        }
        for act in self.track.acting(frame) {
            let around = Around { root, other: act.with.and_then(others.chest), scale: self.scale(), seed: self.seed };
            // A hand that holds something leaves signs to the other.
            let signs = matches!(act.verb, Verb::Point | Verb::Wave | Verb::Touch | Verb::Laugh);
            let hand = usize::from(!(signs && self.holds(frame).is_some()));
            all.add(doing(act, frame, &around, hand));
        }
        if let Some(said) = self.track.speaking(frame)
            && let Some(gestures) = self.gestures.get(&said.line)
        {
            let calm = base.lying < 0.5 && base.speed < 0.3;
            let free = [0, 1].map(|side| all.arms[side].is_empty() && calm);
            for g in gestures {
                let mut one = Doing::default();
                g.add(frame - said.start, free, &mut one);
                all.add(one);
            }
        }
        // With nothing to do and in no hurry hands find something.
        let idle = self.track.quiet(frame, 12.0, true);
        if idle > 0.0 && self.seen && base.lying < 0.5 && all.arms.iter().all(Vec::is_empty) {
            all.add(self.habits.doing(frame, self.seed, idle));
        }
        all
    }

    /// Hips, trunk, head and feet.
    fn goals(&self, frame: f32, base: &Base, mood: &Bearing, doing: &Whole, gaze: &Gaze, audience: Option<&Audience>) -> Goals {
        let s = self.scale();
        let t = frame / 24.0;
        let turn = Quat::from_rotation_y(base.heading.to_radians());
        let mut feet = base.feet;
        for (side, foot) in feet.iter_mut().enumerate() {
            if base.bound[side] && base.speed == 0.0 {
                foot.ankle.y += doing.feet[side] * s;
            }
        }
        // Weight rests on one leg, then on the other; a walk carries it over the planted foot.
        let stand = base.upright * (1.0 - base.lying) * if base.bound[0] { 1.0 } else { 0.0 };
        let settled = (noise(self.seed ^ 31, t * 0.3) * 2.4).clamp(-1.0, 1.0);
        let idle_shift = settled * 0.024 * s * stand * self.track.quiet(frame, 10.0, false);
        let walk_shift = 0.0;
        let bob = if base.speed > 0.05 { -0.012 * s * (1.0 - base.swing.abs()) } else { 0.0 };
        let shift = turn * (doing.hips * s + Vec3::new(idle_shift + walk_shift, bob - idle_shift.abs() * 0.25, 0.0));
        let mut hips = base.hips + shift;
        let roll =
            Quat::from_rotation_z(-idle_shift * 1.6 / s.max(0.3)) * Quat::from_rotation_y(0.13 * base.swing * base.speed.min(1.2));
        let hips_rotation = base.hips_rotation * roll;
        hips.y = highest_hips(&self.body, hips, hips_rotation, &feet, base.bound);
        let breath = (t * std::f32::consts::TAU * (0.24 + 0.06 * mood.energy) + unit(self.seed, 8) * 6.0).sin();
        let awake = 1.0 - base.lying;
        let (body_yaw, _) = relative(gaze.body, base.heading);
        let twist = (body_yaw * 0.22).clamp(-0.3, 0.3) * awake + doing.twist - 0.16 * base.swing * base.speed.min(1.2);
        let lean = base.lean + doing.lean + mood.slump * awake * 0.6;
        let counter = -roll.to_euler(glam::EulerRot::ZYX).0;
        let spine = Quat::from_rotation_y(twist * 0.5)
            * Quat::from_rotation_x(lean * 0.6)
            * Quat::from_rotation_z(doing.side * 0.5 + counter);
        let chest_pitch = lean * 0.4 + mood.slump * awake * 0.5 + breath * 0.012;
        let chest =
            Quat::from_rotation_y(twist * 0.5) * Quat::from_rotation_x(chest_pitch) * Quat::from_rotation_z(doing.side * 0.5);
        let trunk_rotation = hips_rotation * spine * chest;
        let cheat = |left: f32| match audience {
            // Eyes that are closed or on the hands have nobody to show themselves to.
            Some(audience) => {
                let shown = awake * (1.0 - doing.lids.clamp(0.0, 1.0)) * (1.0 - 0.6 * doing.eyes_on_hands.clamp(0.0, 1.0));
                left + shown * audience.turn(self.eyes(frame), trunk_rotation * Quat::from_rotation_y(left) * Vec3::Z)
            }
            None => left,
        };
        let (neck, head) = self.head(frame, base, mood, doing, gaze, (trunk_rotation, &cheat));
        Goals { hips, hips_rotation, spine, chest, neck, head, shrug: (mood.shrug + breath * 0.003) * s, feet, arms: [REST_ARM; 2] }
    }

    /// Neck and head: most of the way to what is looked at, opened to the audience by `cheat`; the eyes do the rest.
    fn head(
        &self,
        frame: f32,
        base: &Base,
        mood: &Bearing,
        doing: &Whole,
        gaze: &Gaze,
        (trunk, cheat): (Quat, &dyn Fn(f32) -> f32),
    ) -> (Quat, Quat) {
        let awake = 1.0 - base.lying;
        let local = trunk.inverse() * gaze.head;
        let yaw = (local.x.atan2(local.z) * 0.82).clamp(-NECK, NECK) * awake;
        let level = (-local.y.clamp(-1.0, 1.0).asin()) * 0.7;
        let speaking = self.track.speaking(frame).is_some();
        let idle = idle(self.seed, frame, !speaking) * awake * mood.energy.min(1.2);
        let down =
            (level.clamp(-0.4, 0.5) * awake + mood.bow * 0.8 + doing.nod + idle.x + doing.eyes_on_hands * 0.32).clamp(-0.6, 0.75);
        let side = doing.tilt + idle.z;
        let looks = yaw * (1.0 - 0.6 * doing.eyes_on_hands.clamp(0.0, 1.0));
        let left = cheat(looks).clamp(-NECK, NECK) + doing.shake + idle.y;
        let part = |k: f32| Quat::from_rotation_y(left * k) * Quat::from_rotation_x(down * k) * Quat::from_rotation_z(-side * k);
        (part(0.4), part(0.6))
    }

    fn arms(&self, goals: &Goals, base: &Base, doing: &Whole, frame: f32) -> [Arm; 2] {
        let t = trunk(&self.body, goals);
        let s = self.scale();
        let (chest_at, chest) = (t.at[Joint::Chest as usize], t.rotation[Joint::Chest as usize]);
        let (head_at, head) = (t.at[Joint::Head as usize], t.rotation[Joint::Head as usize]);
        let rest_chest = self.body.rest[Joint::Chest as usize];
        let flip = |side: usize, v: Vec3| v * Vec3::new(SIDE[side], 1.0, 1.0);
        [0, 1].map(|side| {
            let idle = self.idle_arm(side, base, frame);
            let stance = self.stance(side, base, frame);
            let place = |at: Spot| match at {
                Spot::Chest(p) => chest_at + chest * (flip(side, p) * s - rest_chest),
                Spot::Mouth(p) => head_at + head * (self.body.mouth + flip(side, p) * s),
                Spot::Lap(p) => goals.hips + goals.hips_rotation * (flip(side, p) * s),
                Spot::World(p) => p,
            };
            let hand = |r: &Reach| match (r.fingers, r.palm) {
                (None, None) => None,
                (fingers, palm) => {
                    let wrist = place(r.at);
                    let elbowish = chest_at + chest * (flip(side, Vec3::new(0.3, 0.93, 0.0)) * s - rest_chest);
                    let along = fingers.map_or((wrist - elbowish).normalize_or(Vec3::Z), |f| chest * flip(side, f));
                    let palm = palm.map_or(chest * flip(side, -Vec3::X), |p| chest * flip(side, p));
                    Some(hand_towards(&self.body, side, along, palm))
                }
            };
            let elbow = |r: &Reach| chest * flip(side, r.elbow.unwrap_or(Vec3::new(0.55, -0.75, -0.55)));
            let mut arm = Arm { wrist: place(idle.at), hand: hand(&idle), grip: 1.0, elbow: elbow(&idle) };
            for r in stance.iter().chain(&doing.arms[side]) {
                let w = r.weight;
                let goal = place(r.at);
                // On the way between two places a hand swings a little outwards, round the body.
                let around = chest * flip(side, Vec3::new(0.08, 0.0, 0.06)) * s * (w.clamp(0.0, 1.0) * std::f32::consts::PI).sin();
                arm.wrist = arm.wrist.lerp(goal, w) + around;
                arm.elbow = arm.elbow.lerp(elbow(r), w.clamp(0.0, 1.0));
                match (arm.hand, hand(r)) {
                    (Some(a), Some(b)) => arm.hand = Some(a.slerp(if a.dot(b) < 0.0 { -b } else { b }, w.clamp(0.0, 1.0))),
                    (None, b @ Some(_)) => (arm.hand, arm.grip) = (b, w),
                    (Some(_), None) => arm.grip *= (1.0 - w).clamp(0.0, 1.0),
                    (None, None) => {}
                }
            }
            arm
        })
    }

    /// Hands when nothing asks for them.
    fn idle_arm(&self, side: usize, base: &Base, frame: f32) -> Reach {
        let free = |at: Spot| Reach { at, fingers: None, palm: None, shape: Hand::Relaxed, weight: 1.0, elbow: None };
        let sway = noise(self.seed ^ (40 + side as u64), frame / 24.0 * 0.3) * 0.012;
        if base.lying > 0.5 {
            return free(Spot::Lap(Vec3::new(0.2, 0.05, 0.12)));
        }
        let width = (self.body.half_width / self.scale() - 0.207).max(0.0);
        let swing = 0.17 * base.swing * SIDE[side] * base.speed.min(1.6);
        let hang = Vec3::new(0.265 + width + sway, 0.785 + 0.25 * swing.abs(), 0.055 + swing);
        if base.upright > 0.5 {
            return free(Spot::Chest(hang));
        }
        // On the thighs.
        let lap = if base.seat == Some(0.0) { Vec3::new(0.15, 0.07, 0.21) } else { Vec3::new(0.1, 0.075, 0.24) };
        let along = Vec3::new(-0.25, -0.15, 1.0);
        Reach { fingers: Some(along), palm: Some(Vec3::new(-0.1, -1.0, -0.1)), ..free(Spot::Lap(lap + Vec3::X * sway)) }
    }

    /// How a hand of someone who stands still waits, if it doesn't just hang.
    fn stance(&self, side: usize, base: &Base, frame: f32) -> Option<Reach> {
        let weight = self.track.quiet(frame, 10.0, false);
        if !self.seen || base.upright < 0.95 || base.lying > 0.5 || weight == 0.0 || self.holds(frame).is_some() {
            return None;
        }
        let sway = noise(self.seed ^ (40 + side as u64), frame / 24.0 * 0.3) * 0.012;
        let (second, belly, wide) = (side as f32, self.body.belly / self.scale(), self.body.half_width / self.scale() - 0.207);
        let (at, fingers, palm, elbow) = match self.habits.stance {
            Stance::Hanging => return None,
            Stance::OnHip if side == self.habits.hip => {
                let at = Vec3::new(0.185 + wide.max(0.0), 0.925, 0.0);
                (at, Vec3::new(-0.45, -0.55, 0.7), Vec3::new(-1.0, 0.0, -0.3), Vec3::new(1.0, -0.1, -0.5))
            }
            Stance::OnHip => return None,
            Stance::Clasped => {
                let at = Vec3::new(0.066, 0.895 + 0.012 * second, (0.165f32).max(belly + 0.07) + 0.026 * second);
                (at, Vec3::new(-0.95, -0.28, 0.22), Vec3::new(0.0, -0.25, -1.0), Vec3::new(0.75, -0.7, -0.45))
            }
            Stance::Behind => {
                let at = Vec3::new(0.03, 0.83 + 0.02 * second, -0.205 - 0.03 * second);
                (at, Vec3::new(-0.95, -0.3, -0.1), Vec3::new(0.0, 0.1, -1.0), Vec3::new(0.9, -0.35, -0.35))
            }
        };
        let at = Spot::Chest(at + Vec3::Y * sway);
        Some(Reach { at, fingers: Some(fingers), palm: Some(palm), shape: Hand::Relaxed, weight, elbow: Some(elbow) })
    }

    fn hand(&self, side: usize, frame: f32, doing: &Whole) -> Hand {
        match doing.arms[side].iter().rev().find(|r| r.weight > 0.35) {
            Some(r) => r.shape,
            _ if side == 1 && self.holds(frame).is_some() => Hand::Grip,
            _ => Hand::Relaxed,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a face sums up everything")]
    fn face(
        &self,
        frame: f32,
        base: &Base,
        mood: &Bearing,
        doing: &Whole,
        gaze: &Gaze,
        goals: &Goals,
        spoken: &BTreeMap<LineId, Spoken>,
    ) -> Face {
        let mut face = worn(mood);
        let speaking = self.track.speaking(frame);
        if let Some(said) = speaking
            && let Some(sound) = spoken.get(&said.line)
        {
            face.mouth = mouth::mouth(sound, (frame - said.start) / 24.0, self.held);
            face.jaw = mouth::jaw(&face.mouth) * (0.7 + 0.3 * mood.energy);
            // Lips that speak can't smile or frown as far.
            face.smile *= 0.7;
        }
        face.smile = (face.smile + doing.smile).clamp(-1.0, 1.0);
        face.cheeks = (face.cheeks + 0.6 * face.smile.max(0.0) * 0.5 + 0.25 * face.jaw).clamp(0.0, 1.0);
        face.jaw = (face.jaw + doing.jaw).clamp(0.0, 1.0);
        for b in &mut face.brow_raise {
            *b = (*b + doing.brows + self.accent(frame)).clamp(-1.0, 1.0);
        }
        let closed = blinking(&self.blinks, frame).max(doing.lids).max(if self.asleep(frame, base) { 1.0 } else { 0.0 });
        for lid in &mut face.lids {
            *lid += (1.0 - *lid) * closed.clamp(0.0, 1.0);
        }
        let head = goals.hips_rotation * goals.spine * goals.chest * goals.neck * goals.head;
        let eyes = (head.inverse() * gaze.eyes).normalize_or(Vec3::Z);
        let (yaw, pitch) = wander(self.seed, frame, speaking.is_some());
        let down = doing.eyes_on_hands.clamp(0.0, 1.0);
        face.gaze = [
            ((eyes.x.atan2(eyes.z)) * gaze.holds * (1.0 - down) + yaw).clamp(-ASIDE, ASIDE),
            (eyes.y.clamp(-1.0, 1.0).asin() * (1.0 - down) + pitch - 0.35 * down).clamp(-0.45, 0.35),
        ];
        face
    }

    fn asleep(&self, frame: f32, base: &Base) -> bool {
        base.lying > 0.8 && self.track.speaking(frame).is_none() && self.track.moment(frame).0.posture == Posture::Lying
    }

    /// Brows rise with the stressed word.
    fn accent(&self, frame: f32) -> f32 {
        let Some(said) = self.track.speaking(frame) else { return 0.0 };
        let gestures = self.gestures.get(&said.line).map_or(&[][..], Vec::as_slice);
        gestures.iter().map(|g| 0.3 * (1.0 - ((frame - said.start - g.stroke) / 7.0).abs()).max(0.0)).fold(0.0, f32::max)
    }
}

/// How far neck and head turn either way, radians.
const NECK: f32 = 1.15;

const REST_ARM: Arm = Arm { wrist: Vec3::ZERO, hand: None, grip: 0.0, elbow: Vec3::NEG_Z };

/// Yaw (to the left) and pitch (up) of a direction seen from a body at `heading` degrees.
fn relative(direction: Vec3, heading: f32) -> (f32, f32) {
    let local = Quat::from_rotation_y(-heading.to_radians()) * direction;
    (local.x.atan2(local.z), local.y.clamp(-1.0, 1.0).asin())
}

/// Everything a body does at once: what it carries, acts and gestures, each of whose hands go over those before.
#[derive(Default)]
struct Whole {
    /// The sum of all; its `arms` stay empty.
    sum: Doing,
    arms: [Vec<Reach>; 2],
}

impl std::ops::Deref for Whole {
    type Target = Doing;
    fn deref(&self) -> &Doing {
        &self.sum
    }
}

impl Whole {
    fn add(&mut self, one: Doing) {
        for (layers, new) in self.arms.iter_mut().zip(one.arms) {
            layers.extend(new);
        }
        let all = &mut self.sum;
        all.lean += one.lean;
        all.twist += one.twist;
        all.side += one.side;
        all.nod += one.nod;
        all.shake += one.shake;
        all.tilt += one.tilt;
        all.smile += one.smile;
        all.lids = all.lids.max(one.lids);
        all.jaw += one.jaw;
        all.brows += one.brows;
        all.hips += one.hips;
        all.feet = [all.feet[0] + one.feet[0], all.feet[1] + one.feet[1]];
        all.eyes_on_hands = all.eyes_on_hands.max(one.eyes_on_hands);
        all.sway += one.sway;
    }
}
