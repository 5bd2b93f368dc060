//! What bodies do, verb by verb: goals for hands, bends of the trunk, turns of the head, over the time of an act.

use crate::ease::{hold, smooth};
use crate::figure::SIDE;
use crate::laid::{named, stands};
use crate::track::{Act, Track};
use glam::{Vec2, Vec3};
use klieg_film_cast::Hand;
use klieg_film_words::story::Verb;
use std::f32::consts::{PI, TAU};

/// A point that a hand goes to.
#[derive(Clone, Copy, Debug)]
pub enum Spot {
    /// As the body stands at rest, for a puppet of 1.6 m: x outwards from the middle, y up from the floor, z forward. It goes with
    /// the chest.
    Chest(Vec3),
    /// From the mouth, same axes; it goes with the head.
    Mouth(Vec3),
    /// Above the lap: from the hips joint, same axes; it stays when the chest leans.
    Lap(Vec3),
    World(Vec3),
}

/// A hand's goal.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub at: Spot,
    /// Directions with x outwards, y up, z forward of the chest: where the fingers point, where the palm faces.
    pub fingers: Option<Vec3>,
    pub palm: Option<Vec3>,
    pub shape: Hand,
    /// 0–1; a little beyond when it overshoots.
    pub weight: f32,
    /// Where the elbow points; outwards, down and back when none is given.
    pub elbow: Option<Vec3>,
}

/// What acts add to a body.
#[derive(Clone, Debug, Default)]
pub struct Doing {
    /// Left, right.
    pub arms: [Option<Reach>; 2],
    /// Trunk: forward, to its left, and sideways to its left; radians.
    pub lean: f32,
    pub twist: f32,
    pub side: f32,
    /// Head: down, to its left, tilted to its left; radians.
    pub nod: f32,
    pub shake: f32,
    pub tilt: f32,
    pub smile: f32,
    pub lids: f32,
    pub jaw: f32,
    pub brows: f32,
    /// Of the hips, in the body's frame, metres.
    pub hips: Vec3,
    /// Feet lifted on the spot, metres.
    pub feet: [f32; 2],
    /// Looks down at their hands, 0–1.
    pub eyes_on_hands: f32,
    /// Sways cloth.
    pub sway: f32,
}

/// Those around.
pub struct Around {
    /// On the floor.
    pub root: Vec2,
    /// Chest of the other one, world.
    pub other: Option<Vec3>,
    /// Scale against the 1.6 m puppet, own and the other's.
    pub scale: f32,
    pub seed: u64,
}

const ARM: Reach = Reach { at: Spot::Chest(Vec3::ZERO), fingers: None, palm: None, shape: Hand::Relaxed, weight: 1.0, elbow: None };

fn reach(x: f32, y: f32, z: f32, shape: Hand, weight: f32) -> Reach {
    Reach { at: Spot::Chest(Vec3::new(x, y, z)), shape, weight, ..ARM }
}

/// Share of an act at which a thing passes from hand to hand.
pub const HANDOVER: f32 = 0.55;

/// What `act` asks of the body at `frame`. `hands` says which hand is the one that does things: 1, the right, unless it is full.
pub fn doing(act: &Act, frame: f32, around: &Around, right: usize) -> Doing {
    let t = frame - act.start;
    let f = act.frames;
    let w = hold(t, f, 11.0, 10.0);
    let left = 1 - right;
    let mut d = Doing::default();
    match act.verb {
        Verb::Give | Verb::Take => hand_over(act, t, around, right, &mut d),
        Verb::Put | Verb::Open | Verb::Close => work_in_front(act.verb, t, f, w, right, &mut d),
        Verb::Embrace => embrace(w, around, &mut d),
        Verb::Fight => fight(t, w, around, &mut d),
        Verb::Dance => dance(t, w, around, &mut d),
        Verb::Pray => pray(w, &mut d),
        Verb::Bow => {
            d.lean = 0.62 * w;
            d.nod = 0.25 * w;
            for arm in &mut d.arms {
                *arm = Some(Reach {
                    fingers: Some(Vec3::new(0.0, -1.0, 0.1)),
                    palm: Some(Vec3::new(0.0, 0.0, -1.0)),
                    ..reach(0.12, 0.74, 0.12, Hand::Prayer, w)
                });
            }
        }
        Verb::Drink | Verb::Eat | Verb::Smoke => to_the_mouth(act.verb, t, f, right, &mut d),
        Verb::Pour => {
            let tip = smooth((t / f - 0.2) * 4.0);
            d.arms[right] =
                Some(Reach { palm: Some(Vec3::new(-1.0 + tip, -0.2 - 0.6 * tip, 0.0)), ..reach(0.12, 1.02, 0.36, Hand::Grip, w) });
            d.arms[left] = Some(reach(0.1, 0.9, 0.3, Hand::Open, w));
            (d.lean, d.eyes_on_hands) = (0.12 * w, w);
        }
        Verb::Point => {
            let at = around.other.map_or(Spot::Chest(Vec3::new(0.22, 1.16, 0.5)), |o| Spot::World(towards(around, o, 0.46)));
            d.arms[right] = Some(Reach { at, palm: Some(Vec3::new(-0.5, -0.9, 0.0)), ..reach(0.0, 0.0, 0.0, Hand::Point, w) });
            d.twist = 0.12 * w * SIDE[left];
        }
        Verb::Wave => {
            let swing = (t / 24.0 * TAU * 1.7).sin() * 0.09;
            d.arms[right] = Some(Reach {
                fingers: Some(Vec3::new(swing * 3.0, 1.0, 0.0)),
                palm: Some(Vec3::Z),
                ..reach(0.33 + swing, 1.34, 0.14, Hand::Open, w)
            });
            d.smile = 0.5 * w;
        }
        Verb::Nod => d.nod = 0.2 * w * (0.5 - 0.5 * (t / 24.0 * TAU * 1.9).cos()) * 1.4,
        Verb::Shake => d.shake = 0.3 * w * (t / 24.0 * TAU * 1.7).sin(),
        Verb::Laugh => laugh(t, w, right, &mut d),
        Verb::Cry => cry(t, w, &mut d),
        Verb::Sleep => (d.lids, d.nod) = (w, 0.25 * w),
        Verb::Look => {
            d.shake = 0.55 * w * (t / f * TAU).sin();
            d.brows = 0.2 * w;
        }
        Verb::Listen => (d.tilt, d.nod) = (0.14 * w, -0.05 * w),
        Verb::Hold => carry(w, act.prop.as_deref(), right, &mut d),
        Verb::Touch if act.prop.as_deref().is_some_and(worn_on_the_head) => tip_a_hat(w, right, &mut d),
        Verb::Touch => touch(w, around, right, &mut d),
        Verb::Drive => drive(t, w, &mut d),
        Verb::Work | Verb::Play | Verb::Write | Verb::Read => busy(act.verb, t, w, right, &mut d),
        _ => {}
    }
    d
}

/// The point `ahead` metres from the chest in the direction of `other`.
fn towards(around: &Around, other: Vec3, ahead: f32) -> Vec3 {
    let chest = Vec3::new(around.root.x, 1.1 * around.scale, around.root.y);
    chest + (other - chest).normalize_or(Vec3::Z) * ahead * around.scale
}

fn hand_over(act: &Act, t: f32, around: &Around, right: usize, d: &mut Doing) {
    let u = t / act.frames;
    let giver = (act.verb == Verb::Give) != act.passive;
    let alone = around.other.is_none();
    // The one who gives is there first; the other comes to fetch it.
    let (begin, end) = if giver { (0.02, 0.78) } else { (0.24, 0.95) };
    let w =
        if alone { hold(t, act.frames, 12.0, 10.0) } else { hold(t - begin * act.frames, (end - begin) * act.frames, 11.0, 9.0) };
    let at = match around.other {
        Some(other) => {
            let me = Vec3::new(around.root.x, 0.0, around.root.y);
            let half = (me + Vec3::new(other.x, 0.0, other.z)) / 2.0;
            Spot::World(Vec3::new(half.x, 0.97 * (around.scale + other.y / 1.1) / 2.0, half.z))
        }
        // Onto or from something in front.
        None => Spot::Chest(Vec3::new(0.14, 0.82, 0.42)),
    };
    // What stands on the ground is passed upright, from fist to fist; the rest on the palm.
    let stands = act.prop.as_deref().is_some_and(stands);
    let palm = match (stands, giver) {
        (true, _) => Vec3::new(-1.0, 0.1, 0.0),
        (false, true) => Vec3::new(-0.6, 0.8, 0.0),
        (false, false) => Vec3::new(-0.3, 0.9, 0.2),
    };
    let shape = if giver == (u < HANDOVER) { Hand::Grip } else { Hand::Open };
    d.arms[right] = Some(Reach { at, palm: Some(palm), shape, weight: w, elbow: None, fingers: Some(Vec3::new(0.0, 0.05, 1.0)) });
    d.lean = 0.1 * w;
    d.eyes_on_hands = if u < HANDOVER { w * 0.8 } else { 0.0 };
    d.smile = if u > HANDOVER && !alone { 0.25 } else { 0.0 };
}

fn work_in_front(verb: Verb, t: f32, f: f32, w: f32, right: usize, d: &mut Doing) {
    let u = smooth(t / f);
    let way = match verb {
        Verb::Put => Vec3::new(0.16, 0.98 - 0.14 * u, 0.3 + 0.12 * u),
        Verb::Open => Vec3::new(0.12 + 0.2 * u, 0.98, 0.44 - 0.1 * u),
        _ => Vec3::new(0.32 - 0.2 * u, 0.98, 0.34 + 0.1 * u),
    };
    d.arms[right] = Some(Reach { palm: Some(Vec3::new(-0.4, -0.8, 0.2)), ..reach(way.x, way.y, way.z, Hand::Grip, w) });
    (d.lean, d.eyes_on_hands) = (0.16 * w, w);
}

fn embrace(w: f32, around: &Around, d: &mut Doing) {
    let Some(other) = around.other else {
        for arm in &mut d.arms {
            *arm = Some(reach(0.02, 1.05, 0.2, Hand::Relaxed, w));
        }
        return;
    };
    let chest = Vec3::new(around.root.x, other.y.min(1.1 * around.scale), around.root.y);
    let flat = Vec3::new(other.x - chest.x, 0.0, other.z - chest.z);
    let ahead = flat.normalize_or(Vec3::Z);
    let left = Vec3::Y.cross(ahead);
    for (side, arm) in d.arms.iter_mut().enumerate() {
        let height = if side == 0 { 0.06 } else { -0.1 };
        let back = chest + flat + ahead * 0.13 * around.scale + left * SIDE[side] * 0.13 * around.scale + Vec3::Y * height;
        *arm = Some(Reach {
            at: Spot::World(back),
            fingers: Some(Vec3::new(-1.0, 0.1, 0.25)),
            palm: Some(Vec3::new(0.1, 0.0, -1.0)),
            shape: Hand::Open,
            weight: w,
            elbow: Some(Vec3::new(1.0, -0.35, 0.0)),
        });
    }
    // Cheek to cheek: each head goes to its own left.
    (d.tilt, d.shake, d.nod, d.lean) = (0.2 * w, 0.22 * w, 0.12 * w, 0.1 * w);
    (d.lids, d.smile) = (0.75 * w, 0.35 * w);
}

fn fight(t: f32, w: f32, around: &Around, d: &mut Doing) {
    let beat = t / 24.0 * 1.6 + (around.seed % 7) as f32 * 0.21;
    for (side, arm) in d.arms.iter_mut().enumerate() {
        let punch = ((beat + 0.5 * side as f32).fract() * 2.2).min(1.0);
        let out = (PI * punch).sin().powi(2);
        *arm = Some(Reach {
            elbow: Some(Vec3::new(0.6, -1.0, -0.2)),
            ..reach(0.12 - 0.06 * out, 1.12 + 0.04 * out, 0.22 + 0.26 * out, Hand::Fist, w)
        });
        d.twist -= SIDE[side] * 0.3 * out * w;
    }
    (d.lean, d.nod) = (0.16 * w, 0.08 * w);
    d.hips = Vec3::new(0.03 * (beat * PI).sin(), -0.03, 0.0) * w;
    d.sway = 0.4 * w * (beat * TAU).sin();
}

fn dance(t: f32, w: f32, around: &Around, d: &mut Doing) {
    let beat = t / 24.0 * 1.9 + (around.seed % 5) as f32 * 0.2;
    let s = (beat * PI).sin();
    for (side, arm) in d.arms.iter_mut().enumerate() {
        let up = 0.5 + 0.5 * s * SIDE[side];
        *arm = Some(Reach {
            fingers: Some(Vec3::new(0.5, 0.6 + up * 0.4, 0.2)),
            palm: Some(Vec3::new(-0.2, 0.3, 1.0)),
            ..reach(0.34 - 0.06 * up, 0.98 + 0.42 * up, 0.16, Hand::Open, w)
        });
        d.feet[side] = 0.05 * w * (SIDE[side] * s).max(0.0);
    }
    d.hips = Vec3::new(0.045 * s, -0.02 + 0.012 * (beat * TAU).cos(), 0.0) * w;
    (d.side, d.twist, d.tilt) = (-0.09 * s * w, 0.16 * s * w, 0.12 * s * w);
    (d.smile, d.sway) = (0.6 * w, 0.7 * s * w);
}

fn pray(w: f32, d: &mut Doing) {
    for arm in &mut d.arms {
        *arm = Some(Reach {
            fingers: Some(Vec3::new(0.0, 1.0, 0.25)),
            palm: Some(Vec3::new(-1.0, 0.0, 0.0)),
            elbow: Some(Vec3::new(1.0, -0.7, -0.1)),
            ..reach(0.02, 1.0, 0.215, Hand::Prayer, w)
        });
    }
    (d.nod, d.lids, d.lean) = (0.3 * w, 0.95 * w, 0.05 * w);
}

fn to_the_mouth(verb: Verb, t: f32, f: f32, right: usize, d: &mut Doing) {
    let trips = if verb == Verb::Eat { (f / 26.0).max(1.0) } else { 1.0 };
    let one = f / trips;
    let here = t % one;
    let w = hold(t, f, 8.0, 8.0);
    let up = hold(here, one, 10.0, 9.0) * w.clamp(0.0, 1.0);
    let away = match verb {
        Verb::Drink => Vec3::new(0.035, -0.075, 0.1),
        Verb::Smoke => Vec3::new(0.03, -0.06, 0.09),
        _ => Vec3::new(0.02, -0.07, 0.08),
    };
    let rest = reach(0.18, 0.93, 0.26, Hand::Grip, w);
    // From the belly to the mouth; the weight blends between the two.
    d.arms[right] = Some(if up > 0.5 {
        Reach {
            at: Spot::Mouth(away),
            palm: Some(Vec3::new(-0.7, 0.0, -0.7)),
            fingers: Some(Vec3::new(-0.6, 0.7, 0.2)),
            weight: up.min(1.0),
            elbow: Some(Vec3::new(0.8, -1.0, 0.0)),
            ..rest
        }
    } else {
        Reach { at: Spot::Chest(Vec3::new(0.18 - 0.1 * up, 0.93 + 0.4 * up, 0.26)), ..rest }
    });
    d.nod = if verb == Verb::Drink { -0.16 } else { 0.06 } * up;
    d.lids = 0.25 * up;
}

fn laugh(t: f32, w: f32, right: usize, d: &mut Doing) {
    let shake = (t / 24.0 * TAU * 4.0).sin();
    (d.nod, d.lean) = (-0.16 * w + 0.02 * shake * w, -0.05 * w + 0.02 * shake * w);
    (d.smile, d.lids, d.jaw) = (0.9 * w, 0.35 * w, 0.0);
    d.hips = Vec3::new(0.0, 0.004 * shake * w, 0.0);
    d.arms[right] = Some(Reach { palm: Some(Vec3::new(-0.3, 0.0, -1.0)), ..reach(0.05, 0.98, 0.19, Hand::Open, w * 0.9) });
}

fn cry(t: f32, w: f32, d: &mut Doing) {
    let sob = (t / 24.0 * TAU * 2.6).sin() * (0.5 + 0.5 * (t / 24.0 * 2.0).sin());
    for arm in &mut d.arms {
        *arm = Some(Reach {
            at: Spot::Mouth(Vec3::new(0.07, -0.04, 0.1)),
            fingers: Some(Vec3::new(-0.15, 1.0, 0.0)),
            palm: Some(Vec3::new(0.0, 0.0, -1.0)),
            elbow: Some(Vec3::new(0.5, -1.0, 0.2)),
            shape: Hand::Prayer,
            weight: w,
        });
    }
    (d.nod, d.lean, d.lids) = (0.34 * w, (0.14 + 0.03 * sob) * w, 0.8 * w);
    d.hips = Vec3::new(0.0, 0.006 * sob * w, 0.0);
    (d.smile, d.brows) = (-0.7 * w, 0.4 * w);
}

/// Holding a thing in the way that suits it.
pub fn carry(w: f32, prop: Option<&str>, right: usize, d: &mut Doing) {
    let name = prop.unwrap_or("");
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if named(name, &["cigarette", "cigar", "beedi"]) {
        // Between the fingers of a hand that hangs.
        d.arms[right] = Some(Reach { fingers: Some(Vec3::new(0.0, -0.75, 0.65)), ..reach(0.3, 0.84, 0.16, Hand::Grip, w) });
    } else if has(&["torch", "lantern", "flag", "sign"]) {
        d.arms[right] = Some(reach(0.2, 1.08, 0.24, Hand::Grip, w));
    } else if stands(name) {
        // On the ground before the foot, as one leans on a walking stick.
        d.arms[right] = Some(Reach {
            fingers: Some(Vec3::new(-0.1, -0.35, 1.0)),
            palm: Some(Vec3::new(-1.0, 0.0, 0.0)),
            ..reach(0.27, 0.84, 0.2, Hand::Grip, w)
        });
    } else if has(&["suitcase", "bag", "bucket", "case", "basket", "pot", "briefcase", "gun", "pistol", "revolver", "sword"]) {
        d.arms[right] = Some(Reach { fingers: Some(Vec3::new(0.1, -1.0, 0.1)), ..reach(0.29, 0.77, 0.07, Hand::Grip, w) });
    } else if has(&[
        "garland",
        "tray",
        "plate",
        "book",
        "newspaper",
        "box",
        "bowl",
        "drum",
        "letter",
        "map",
        "baby",
        "gift",
        "file",
        "tablet",
    ]) {
        for arm in &mut d.arms {
            *arm = Some(Reach {
                fingers: Some(Vec3::new(-0.35, 0.15, 1.0)),
                palm: Some(Vec3::new(-0.7, 0.7, 0.0)),
                ..reach(0.1, 0.95, 0.3, Hand::Grip, w)
            });
        }
    } else {
        d.arms[right] = Some(Reach {
            fingers: Some(Vec3::new(-0.25, 0.1, 1.0)),
            palm: Some(Vec3::new(-1.0, 0.1, 0.0)),
            ..reach(0.16, 0.95, 0.27, Hand::Grip, w)
        });
    }
}

fn worn_on_the_head(name: &str) -> bool {
    named(name, &["hat", "fedora", "cap", "turban", "helmet", "crown", "bonnet", "veil", "hair"])
}

/// A hand at the brim.
fn tip_a_hat(w: f32, right: usize, d: &mut Doing) {
    d.arms[right] = Some(Reach {
        at: Spot::Mouth(Vec3::new(0.15, 0.2, 0.06)),
        fingers: Some(Vec3::new(-0.7, 0.6, 0.25)),
        palm: Some(Vec3::new(-0.5, -0.3, -0.8)),
        elbow: Some(Vec3::new(0.35, -1.0, 0.45)),
        ..reach(0.0, 0.0, 0.0, Hand::Relaxed, w)
    });
    d.nod = 0.12 * w;
}

fn touch(w: f32, around: &Around, right: usize, d: &mut Doing) {
    let at = around.other.map_or(Spot::Chest(Vec3::new(0.15, 0.95, 0.4)), |o| {
        let me = Vec3::new(around.root.x, o.y, around.root.y);
        Spot::World(o + (me - o).normalize_or(Vec3::Z) * 0.14 + Vec3::Y * 0.04)
    });
    d.arms[right] = Some(Reach {
        at,
        palm: Some(Vec3::new(-0.5, -0.8, 0.2)),
        fingers: Some(Vec3::new(0.0, 0.2, 1.0)),
        shape: Hand::Open,
        weight: w,
        elbow: None,
    });
    d.lean = 0.12 * w;
}

fn drive(t: f32, w: f32, d: &mut Doing) {
    let steer = 0.05 * (t / 24.0 * 1.7).sin();
    for (side, arm) in d.arms.iter_mut().enumerate() {
        *arm = Some(reach(0.15, 0.97 + steer * SIDE[side], 0.36, Hand::Grip, w));
    }
}

fn busy(verb: Verb, t: f32, w: f32, right: usize, d: &mut Doing) {
    let left = 1 - right;
    let s = t / 24.0 * TAU;
    let down = Some(Vec3::new(-0.3, -1.0, 0.1));
    match verb {
        Verb::Write => {
            let pen = Vec3::new(0.1 - 0.03 * (s * 0.5).sin(), 0.86 + 0.006 * (s * 3.0).sin(), 0.3 + 0.01 * (s * 2.0).cos());
            d.arms[right] = Some(Reach { palm: down, ..reach(pen.x, pen.y, pen.z, Hand::Grip, w) });
            d.arms[left] = Some(Reach { palm: down, ..reach(0.14, 0.85, 0.26, Hand::Open, w) });
        }
        Verb::Read => {
            for arm in &mut d.arms {
                *arm = Some(Reach {
                    palm: Some(Vec3::new(-0.6, 0.2, -0.8)),
                    fingers: Some(Vec3::new(-0.2, 0.7, 0.6)),
                    ..reach(0.11, 1.0, 0.31, Hand::Grip, w)
                });
            }
        }
        Verb::Play => {
            for (side, arm) in d.arms.iter_mut().enumerate() {
                let tap = (s * 1.5 + PI * side as f32).sin().max(0.0);
                *arm = Some(Reach { palm: down, ..reach(0.16, 0.84 + 0.09 * tap, 0.27, Hand::Open, w) });
            }
            (d.tilt, d.side) = (0.08 * (s * 0.75).sin() * w, 0.04 * (s * 0.75).sin() * w);
        }
        _ => {
            for (side, arm) in d.arms.iter_mut().enumerate() {
                let go = (s * 0.9 + PI * side as f32).sin();
                *arm = Some(Reach { palm: down, ..reach(0.14, 0.86 + 0.03 * go, 0.32 + 0.06 * go, Hand::Grip, w) });
            }
            d.lean = 0.08 * w;
        }
    }
    d.lean += 0.1 * w;
    d.eyes_on_hands = w;
}

/// How far forward what is held is tilted at `frame`, radians: poured out, or drunk.
pub fn tip(track: &Track, frame: f32) -> f32 {
    let of = |act: &Act| {
        let (t, f) = (frame - act.start, act.frames);
        match act.verb {
            Verb::Pour if !act.passive => 1.15 * smooth((t / f - 0.2) * 4.0) * smooth((f - t) / 8.0),
            Verb::Drink => -0.55 * smooth((hold(t, f, 10.0, 9.0) - 0.6) / 0.4),
            Verb::Fight => -1.2 * hold(t, f, 11.0, 10.0).clamp(0.0, 1.0),
            _ => 0.0,
        }
    };
    track.acting(frame).map(of).sum()
}

/// What someone has in the hand at `frame`.
pub fn held(track: &Track, frame: f32) -> Option<&str> {
    let mut holding = track.holding.as_deref();
    for act in track.acts.iter().filter(|a| a.start <= frame) {
        let Some(prop) = act.prop.as_deref() else { continue };
        let u = (frame - act.start) / act.frames;
        holding = match (act.verb, act.passive) {
            (Verb::Give, false) | (Verb::Take, true) if act.with.is_some() => (u < HANDOVER).then_some(prop),
            (Verb::Give, true) => {
                if u < HANDOVER {
                    holding
                } else {
                    Some(prop)
                }
            }
            (Verb::Take, false) => {
                if u < HANDOVER {
                    holding
                } else {
                    Some(prop)
                }
            }
            (Verb::Put, _) => (u < 0.7).then_some(prop),
            (
                Verb::Hold
                | Verb::Drink
                | Verb::Eat
                | Verb::Pour
                | Verb::Write
                | Verb::Read
                | Verb::Smoke
                | Verb::Play
                | Verb::Wave,
                _,
            ) => Some(prop),
            _ => holding,
        };
    }
    holding
}
