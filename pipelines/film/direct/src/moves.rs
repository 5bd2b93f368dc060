//! Camera moves: keys between which the animation eases. A move that would leave the set's bounds, cross the line or run into
//! somebody is not made.

use crate::lens::{Aim, GATE_HEIGHT_MM, allowed, aperture, frame};
use crate::stage::{Person, Stage};
use glam::{Quat, Vec2, Vec3};
use klieg_film_words::shot::{CameraKey, Move};
use klieg_film_words::{between, unit};

/// Keys for `movement` that ends in (or, for a pull-out, starts from) the composition `base`. Falls back to [`Move::Static`].
pub fn keys(
    stage: &Stage<'_>,
    aim: &Aim,
    base: CameraKey,
    movement: Move,
    frames: u32,
    seed: u64,
    avoid: &[Vec2],
) -> (Move, Vec<CameraKey>) {
    let made = match movement {
        Move::Static | Move::Handheld => return (movement, vec![base]),
        Move::RackFocus => return rack(stage, aim, base, frames),
        Move::Pan => pan(aim, base, seed),
        Move::Tilt => tilt(stage, aim, base),
        Move::Dolly => dolly(aim, base),
        Move::Track => track(aim, base, seed),
        Move::Orbit => orbit(aim, base, seed),
        Move::Crane => crane(aim, base),
    };
    let safe = made.windows(2).all(|pair| {
        (0..=8).all(|i| {
            let t = i as f32 / 8.0;
            allowed(stage, Vec3::from(pair[0].position).lerp(Vec3::from(pair[1].position), t), aim.keep_line, avoid)
        })
    });
    if !safe {
        return (Move::Static, vec![base]);
    }
    let last = frames.saturating_sub(1).max(1);
    let n = made.len() as u32 - 1;
    (movement, made.into_iter().enumerate().map(|(i, k)| CameraKey { frame: last * i as u32 / n, ..k }).collect())
}

/// A walk to go along with.
pub struct Walk {
    pub from: Vec2,
    pub to: Vec2,
    /// Frame of the arrival.
    pub until: u32,
}

/// A shot that goes along: the camera keeps its offset from someone who walks, as far as the set allows.
pub fn follow(stage: &Stage<'_>, aim: &Aim, base: CameraKey, walk: &Walk, frames: u32, avoid: &[Vec2]) -> (Move, Vec<CameraKey>) {
    let shift = |k: &CameraKey, by: Vec2, camera: f32| {
        let by = Vec3::new(by.x, 0.0, by.y);
        let position = Vec3::from(k.position) + by * camera;
        let distance = position.distance(aim.target + by);
        CameraKey {
            position: position.to_array(),
            look_at: (Vec3::from(k.look_at) + by).to_array(),
            focus_m: distance,
            aperture_m: aperture(aim.size, distance, k.lens_mm),
            ..*k
        }
    };
    let middle = (walk.from + walk.to) / 2.0;
    for (movement, share) in [(Move::Track, 0.85), (Move::Track, 0.45), (Move::Pan, 0.0)] {
        let [a, b] = [shift(&base, walk.from - middle, share), shift(&base, walk.to - middle, share)];
        let way = |i: i32| Vec3::from(a.position).lerp(Vec3::from(b.position), i as f32 / 8.0);
        if (0..=8).all(|i| allowed(stage, way(i), false, avoid)) {
            let last = frames.saturating_sub(1).max(1);
            return (movement, vec![a, CameraKey { frame: walk.until.clamp(1, last), ..b }]);
        }
    }
    (Move::Static, vec![base])
}

fn refocused(aim: &Aim, k: CameraKey) -> CameraKey {
    let distance = Vec3::from(k.position).distance(aim.target).max(0.3);
    CameraKey { focus_m: distance, aperture_m: aperture(aim.size, distance, k.lens_mm), ..k }
}

fn pan(aim: &Aim, base: CameraKey, seed: u64) -> Vec<CameraKey> {
    let view = Vec3::from(base.look_at) - Vec3::from(base.position);
    let angle = between(seed, 41, 7.0, 12.0).to_radians() * if unit(seed, 42) < 0.5 { -1.0 } else { 1.0 };
    let from = Vec3::from(base.position) + Quat::from_rotation_y(angle) * view;
    vec![refocused(aim, CameraKey { look_at: from.to_array(), ..base }), base]
}

/// Down to the composition, from as high as leaves every head that begins in the frame whole.
fn tilt(stage: &Stage<'_>, aim: &Aim, base: CameraKey) -> Vec<CameraKey> {
    const STEPS: [f32; 6] = [0.3, 0.24, 0.18, 0.12, 0.07, 0.03];
    let raised = |share: f32| CameraKey { look_at: (Vec3::from(base.look_at) + Vec3::Y * aim.height * share).to_array(), ..base };
    let start = STEPS.map(raised).into_iter().find(|key| stage.on().all(|p| !cuts_head(stage, p, key)));
    vec![start.unwrap_or(base), base]
}

/// Whether the lower edge of the frame goes through somebody between a hand above the crown and the chest.
fn cuts_head(stage: &Stage<'_>, person: &Person, key: &CameraKey) -> bool {
    let (position, eyes, head) = (Vec3::from(key.position), stage.eyes(person), stage.stature(person.who).head);
    let view = (Vec3::from(key.look_at) - position).normalize_or(Vec3::NEG_Z);
    let up = view.cross(Vec3::Y).normalize_or(Vec3::X).cross(view);
    // Height in the frame: −1 is its lower edge.
    let height = |y: f32| {
        let to = eyes + Vec3::Y * y - position;
        to.dot(up) / to.dot(view).max(0.1) * 2.0 * key.lens_mm / GATE_HEIGHT_MM
    };
    height(0.8 * head) > -1.0 && height(-1.6 * head) < -1.0
}

fn dolly(aim: &Aim, base: CameraKey) -> Vec<CameraKey> {
    let away = (Vec3::from(base.position) - aim.target) * Vec3::new(0.13, 0.0, 0.13);
    let far = frame(aim, Vec3::from(base.position) + away, base.lens_mm);
    let near = frame(aim, Vec3::from(base.position) - away * 0.4, base.lens_mm);
    vec![far, near]
}

fn track(aim: &Aim, base: CameraKey, seed: u64) -> Vec<CameraKey> {
    let view = Vec3::from(base.look_at) - Vec3::from(base.position);
    let right = view.cross(Vec3::Y).normalize_or(Vec3::X) * if unit(seed, 43) < 0.5 { -1.0 } else { 1.0 };
    let by = right * (0.07 * aim.height).clamp(0.1, 0.6);
    let at = |s: f32| {
        let k = CameraKey {
            position: (Vec3::from(base.position) + by * s).to_array(),
            look_at: (Vec3::from(base.look_at) + by * s * 0.5).to_array(),
            ..base
        };
        refocused(aim, k)
    };
    vec![at(-1.0), at(1.0)]
}

fn orbit(aim: &Aim, base: CameraKey, seed: u64) -> Vec<CameraKey> {
    let arm = Vec3::from(base.position) - aim.target;
    let swing = between(seed, 44, 6.0, 10.0).to_radians() * if unit(seed, 45) < 0.5 { -1.0 } else { 1.0 };
    [-1.0, 0.0, 1.0].map(|s| frame(aim, aim.target + Quat::from_rotation_y(swing * s) * arm, base.lens_mm)).to_vec()
}

fn crane(aim: &Aim, base: CameraKey) -> Vec<CameraKey> {
    let rise = (0.16 * aim.height).clamp(0.3, 1.4);
    let high = CameraKey { position: (Vec3::from(base.position) + Vec3::Y * rise).to_array(), ..base };
    vec![refocused(aim, high), base]
}

/// Focus goes from the shoulder in front to the face; without one, from the depth of the set.
fn rack(stage: &Stage<'_>, aim: &Aim, base: CameraKey, frames: u32) -> (Move, Vec<CameraKey>) {
    let position = Vec3::from(base.position);
    let other = aim.foreground.and_then(|who| stage.get(who)).map(|p| stage.eyes(p).distance(position));
    let from = other.unwrap_or(base.focus_m * 1.8);
    let (a, b) = (frames / 6, frames / 6 + 16);
    if b + 8 >= frames {
        return (Move::Static, vec![base]);
    }
    let soft = CameraKey { focus_m: from, ..base };
    (Move::RackFocus, vec![soft, CameraKey { frame: a.max(1), ..soft }, CameraKey { frame: b, ..base }])
}
