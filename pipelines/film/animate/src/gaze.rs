//! Eyes, head and body find what someone looks at, in that order; blinks that never fall together.

use crate::ease::{noise, smooth};
use crate::track::Track;
use glam::Vec3;
use klieg_film_words::story::CharacterId;
use klieg_film_words::{between, mix, unit};

/// Frames by which the head follows the eyes, and the body the head.
const HEAD_AFTER: f32 = 2.0;
const BODY_AFTER: f32 = 6.0;

/// Where eyes, head and body are directed: unit vectors in the world.
#[derive(Clone, Copy, Debug)]
pub struct Gaze {
    pub eyes: Vec3,
    /// How much the eyes hold on to that when the head is turned elsewhere: all the way to someone, half way to nothing.
    pub holds: f32,
    pub head: Vec3,
    pub body: Vec3,
}

/// The gaze of `track` at `frame`. `eyes_at` says where someone's eyes are; `ahead` is where the body faces.
pub fn gaze(track: &Track, frame: f32, me: Vec3, ahead: Vec3, eyes_at: &dyn Fn(CharacterId) -> Option<Vec3>) -> Gaze {
    let direction = |whom: Option<CharacterId>| match whom.and_then(eyes_at) {
        Some(there) => (there - me).normalize_or(ahead),
        None => (ahead + Vec3::new(0.0, -0.06, 0.0)).normalize_or(Vec3::Z),
    };
    let follow = |delay: f32, takes: f32| {
        let mut now = direction(track.looks[0].1);
        for (start, whom) in &track.looks[1..] {
            let u = smooth((frame - start - delay) / takes);
            if u > 0.0 {
                now = now.lerp(direction(*whom), u).normalize_or(ahead);
            }
        }
        now
    };
    let hold = |whom: Option<CharacterId>| if whom.and_then(eyes_at).is_some() { 1.0 } else { 0.5 };
    let holds = track.looks[1..]
        .iter()
        .fold(hold(track.looks[0].1), |now, (start, whom)| now + (hold(*whom) - now) * smooth((frame - start) / 3.0));
    Gaze { eyes: follow(0.0, 3.0), holds, head: follow(HEAD_AFTER, 8.0), body: follow(BODY_AFTER, 12.0) }
}

/// Small jumps of the eyes between the other's eyes and mouth, and now and then away: yaw and pitch in radians.
pub fn wander(seed: u64, frame: f32, speaking: bool) -> (f32, f32) {
    let cell = (frame / 26.0 + unit(seed, 3)).floor();
    let n = cell as i64 as u64;
    let away = if speaking { 0.16 } else { 0.09 };
    if unit(mix(seed ^ 11), n) < away {
        (between(seed, n, -0.3, 0.3), between(seed ^ 5, n, -0.16, 0.1))
    } else {
        (between(seed, n, -0.035, 0.035), between(seed ^ 5, n, -0.03, 0.02))
    }
}

/// Idle life of the head: nods of a listener, drift; (down, left, tilt) in radians.
pub fn idle(seed: u64, frame: f32, listening: bool) -> Vec3 {
    let t = frame / 24.0;
    let drift = Vec3::new(noise(seed ^ 1, t * 0.45) * 0.022, noise(seed ^ 2, t * 0.4) * 0.035, noise(seed ^ 3, t * 0.35) * 0.03);
    if !listening {
        return drift;
    }
    // A nod in some of the stretches of a second and a half.
    let cell = (t / 1.5 + unit(seed, 9)).floor();
    let within = (t / 1.5 + unit(seed, 9)) - cell;
    let nods = unit(mix(seed ^ 21), cell as i64 as u64) < 0.4;
    let nod = if nods && within < 0.45 { 0.085 * (within / 0.45 * std::f32::consts::TAU).sin().max(-0.25) } else { 0.0 };
    drift + Vec3::new(nod, 0.0, 0.0)
}

/// First frames of the blinks of everyone in a shot of `frames`, none within six frames of another's.
pub fn blinks(tracks: &[Track], seed: u64, frames: u32) -> Vec<Vec<f32>> {
    let mut taken: Vec<f32> = Vec::new();
    tracks
        .iter()
        .map(|track| {
            let own = mix(seed ^ mix(track.who as u64 + 1));
            let mut wishes: Vec<f32> = Vec::new();
            let mut at = between(own, 0, 8.0, 70.0);
            let mut n = 1;
            while at < frames as f32 {
                wishes.push(at);
                at += between(own, n, 48.0, 144.0);
                n += 1;
            }
            // A new thought, a new look: the eyes close on the way.
            wishes.extend(
                track
                    .looks
                    .iter()
                    .skip(1)
                    .filter(|(s, _)| *s > 0.0 && unit(own, *s as i64 as u64 + 99) < 0.5)
                    .map(|(s, _)| s + 1.0),
            );
            wishes.sort_by(f32::total_cmp);
            let mut mine: Vec<f32> = Vec::new();
            for wish in wishes {
                let mut at = (wish / 2.0).round() * 2.0;
                while taken.iter().any(|t| (t - at).abs() < BLINK + 2.0) {
                    at += 2.0;
                }
                if mine.last().is_none_or(|last| at - last > 20.0) {
                    mine.push(at);
                    taken.push(at);
                }
            }
            mine
        })
        .collect()
}

/// Frames of a blink.
pub const BLINK: f32 = 6.0;

/// How far the lids are closed by a blink at `frame`.
pub fn blinking(blinks: &[f32], frame: f32) -> f32 {
    let since = blinks.iter().rev().find(|b| **b <= frame).map_or(f32::MAX, |b| frame - b);
    match since {
        s if s < 2.0 => 0.7,
        s if s < 4.0 => 1.0,
        s if s < BLINK => 0.45,
        _ => 0.0,
    }
}
