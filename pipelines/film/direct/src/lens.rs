//! Where the camera stands: a size, an angle and a subject become a position, a lens and a focus, inside the set's bounds, on
//! the scene's side of the line, past nobody's head.

use crate::stage::{Stage, side_of_line};
use glam::{Vec2, Vec3};
use klieg_film_words::shot::{Angle, CameraKey, Size, Stature};
use klieg_film_words::story::CharacterId;

/// Height of the picture's gate in millimetres: 36 wide at 16:9.
pub const GATE_HEIGHT_MM: f32 = 20.25;
pub const ASPECT: f32 = 16.0 / 9.0;
/// Least distance of the camera from anybody's middle.
pub const CLEAR: f32 = 0.55;

/// Height of the frame at the subject, in metres. Puppets stand five heads tall, so sizes are told in heads.
pub fn frame_height(size: Size, s: Stature) -> f32 {
    let heads = match size {
        Size::ExtremeWide => 22.0,
        Size::VeryWide => 15.0,
        Size::Wide => 9.5,
        Size::Full => 6.5,
        Size::MediumWide => 5.0,
        Size::Cowboy => 4.3,
        Size::Medium => 3.2,
        Size::MediumClose => 2.5,
        Size::Close => 2.0,
        Size::BigClose => 1.55,
        Size::ExtremeClose => 0.75,
        Size::Insert => 1.5,
    };
    heads * s.head
}

pub fn lens_for(size: Size) -> f32 {
    match size {
        Size::ExtremeWide | Size::VeryWide => 24.0,
        Size::Wide => 28.0,
        Size::Full | Size::MediumWide => 35.0,
        Size::Cowboy => 40.0,
        Size::Medium => 50.0,
        Size::MediumClose => 65.0,
        Size::Close | Size::BigClose => 85.0,
        Size::ExtremeClose => 120.0,
        Size::Insert => 100.0,
    }
}

/// Half the depth that stays sharp, in metres: miniature photography, about 0.6 m in all for a medium shot.
fn half_depth(size: Size) -> f32 {
    match size {
        Size::ExtremeWide => 4.0,
        Size::VeryWide => 2.2,
        Size::Wide => 1.3,
        Size::Full => 0.8,
        Size::MediumWide | Size::Cowboy => 0.5,
        Size::Medium => 0.3,
        Size::MediumClose => 0.26,
        Size::Close | Size::BigClose => 0.2,
        Size::ExtremeClose | Size::Insert => 0.12,
    }
}

/// Radius of the entrance pupil that gives [`half_depth`]: a thin lens focused at d blurs a point Δ behind it to A·f·Δ/d² on the
/// gate; sharp is what stays under 0.05 mm (a 720th of the gate's width).
pub fn aperture(size: Size, distance: f32, lens_mm: f32) -> f32 {
    let depth = half_depth(size).min(distance * 0.5);
    (0.05 * distance * distance / (2.0 * lens_mm * depth)).min(0.06)
}

/// What to frame.
#[derive(Clone, Copy, Debug)]
pub struct Aim {
    /// The eyes of the subject, or the middle of what is shown.
    pub target: Vec3,
    /// Where the subject looks or the group faces, on the floor.
    pub toward: Vec2,
    /// The side of the line where the camera belongs; perpendicular to `toward`.
    pub side: Vec2,
    /// Degrees from `toward` to the camera, round to `side`.
    pub swing: f32,
    pub size: Size,
    pub angle: Angle,
    /// Height of the frame at the target.
    pub height: f32,
    pub lens_mm: f32,
    /// Where the target sits, as a fraction of the frame's height above its middle: 1/6 is the upper third.
    pub above: f32,
    /// Look room: fraction of the frame's width that the subject gives way.
    pub lead: f32,
    /// Who is framed and may not be hidden.
    pub subject: Option<CharacterId>,
    /// Whose shoulder frames the picture.
    pub foreground: Option<CharacterId>,
    /// Whether the scene's line binds this shot.
    pub keep_line: bool,
}

fn elevation(angle: Angle) -> f32 {
    match angle {
        Angle::Eye | Angle::Dutch => 2.0,
        Angle::High => 24.0,
        Angle::Low => -16.0,
        Angle::Overhead => 62.0,
    }
}

pub fn roll(angle: Angle, seed: f32) -> f32 {
    if angle == Angle::Dutch { if seed < 0.5 { -8.0 } else { 8.0 } } else { 0.0 }
}

const SWINGS: [f32; 19] =
    [0.0, 6.0, -6.0, 12.0, -12.0, 20.0, -20.0, 28.0, -28.0, 38.0, -38.0, 50.0, -50.0, 65.0, -65.0, 80.0, -80.0, 110.0, -110.0];
const LENSES: [f32; 6] = [1.0, 0.84, 0.7, 0.58, 0.46, 0.36];

/// The best camera for `aim`, or nothing when no place in the set allows it.
pub fn solve(stage: &Stage<'_>, aim: &Aim, avoid: &[Vec2]) -> Option<CameraKey> {
    let mut best: Option<(f32, CameraKey)> = None;
    for factor in LENSES {
        let lens = (aim.lens_mm * factor).clamp(22.0, 120.0);
        for swing in SWINGS {
            let key = candidate(stage, aim, lens, swing);
            let Some(cost) = cost(stage, aim, &key, avoid) else { continue };
            // A face in profile says little.
            let profile =
                if aim.subject.is_some() && aim.keep_line { ((aim.swing + swing).abs() - 52.0).max(0.0) / 7.0 } else { 0.0 };
            let cost = cost + swing.abs() / 20.0 + profile + (1.0 - factor) * 6.0;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, key));
            }
        }
    }
    best.map(|(_, key)| key)
}

fn candidate(stage: &Stage<'_>, aim: &Aim, lens: f32, extra: f32) -> CameraKey {
    let (s, c) = (aim.swing + extra).to_radians().sin_cos();
    let dir = aim.toward * c + aim.side * s;
    let distance = aim.height * lens / GATE_HEIGHT_MM;
    let top = stage.plan.camera_y - 0.05;
    let y = (aim.target.y + distance * elevation(aim.angle).to_radians().sin())
        .max(over_the_shoulder(stage, aim))
        .clamp(0.3, top.max(0.35));
    let rise = (y - aim.target.y).clamp(-distance * 0.95, distance * 0.95);
    let flat = (distance * distance - rise * rise).sqrt();
    let position = Vec3::new(aim.target.x + dir.x * flat, y, aim.target.z + dir.y * flat);
    frame(aim, position, lens)
}

/// How high the camera has to stand to look over a shoulder and not at a back: at the eyes of who is in front, most of the way.
fn over_the_shoulder(stage: &Stage<'_>, aim: &Aim) -> f32 {
    let front = aim.foreground.filter(|_| aim.keep_line && aim.subject.is_some()).and_then(|who| stage.get(who));
    front.map_or(f32::MIN, |p| aim.target.y + 0.85 * (stage.eyes(p).y - aim.target.y))
}

/// Points a camera at `aim.target` from `position` with look room and head room.
pub fn frame(aim: &Aim, position: Vec3, lens_mm: f32) -> CameraKey {
    let view = aim.target - position;
    let distance = view.length().max(0.2);
    let right = view.cross(Vec3::Y).normalize_or(Vec3::X);
    let height = distance * GATE_HEIGHT_MM / lens_mm;
    // The subject gives way against the direction of their look; who looks at the camera stays near the middle.
    let looks_right = Vec3::new(aim.toward.x, 0.0, aim.toward.y).dot(right);
    let lead = aim.lead * height * ASPECT * (looks_right * 2.0).clamp(-1.0, 1.0);
    let look_at = aim.target + right * lead - Vec3::Y * (aim.above * height);
    CameraKey {
        frame: 0,
        position: position.to_array(),
        look_at: look_at.to_array(),
        lens_mm,
        focus_m: distance,
        aperture_m: aperture(aim.size, distance, lens_mm),
        roll_degrees: 0.0,
    }
}

/// Whether the camera may stand there at all.
pub fn allowed(stage: &Stage<'_>, position: Vec3, keep_line: bool, avoid: &[Vec2]) -> bool {
    let plan = stage.plan;
    let at = Vec2::new(position.x, position.z);
    let inside = at.x.abs() <= plan.camera_x && (plan.back_z..=plan.camera_z).contains(&at.y);
    let height = (0.2..=plan.camera_y.max(0.35)).contains(&position.y);
    let clear = stage.on().map(|p| p.at).chain(avoid.iter().copied()).all(|p| p.distance(at) >= CLEAR);
    let line = !keep_line || stage.line().is_none_or(|(a, b, sign)| side_of_line(a, b, at) * sign > 0.05 * a.distance(b));
    inside && height && clear && line
}

fn cost(stage: &Stage<'_>, aim: &Aim, key: &CameraKey, avoid: &[Vec2]) -> Option<f32> {
    let position = Vec3::from(key.position);
    if !allowed(stage, position, aim.keep_line, avoid) {
        return None;
    }
    let at = Vec2::new(position.x, position.z);
    let target = Vec2::new(aim.target.x, aim.target.z);
    let view = target - at;
    let length = view.length().max(0.1);
    let along = view / length;
    let half_frame = 0.5 * aim.height * ASPECT / length;
    let mut cost = 0.0;
    for p in stage.on().filter(|p| aim.subject.is_some() && Some(p.who) != aim.subject) {
        let s = stage.stature(p.who);
        let t = (p.at - at).dot(along);
        let off = (p.at - at).perp_dot(along).abs();
        let edge = half_frame * t;
        // A face cut in two by the edge of the frame.
        let cut = t > 0.3 && (off - edge).abs() < 0.6 * s.half_width && Some(p.who) != aim.foreground;
        if t < 0.1 || t > length - 0.25 {
            // Behind the subject: a head right behind a head grows out of it.
            cost += if t > length && off < s.half_width { 0.6 } else { 0.0 } + if cut { 1.6 } else { 0.0 };
            continue;
        }
        let hides = off < s.half_width + 0.12 * (1.0 - t / length);
        let framed = off - s.half_width < half_frame * t;
        cost += match (hides, framed, Some(p.who) == aim.foreground) {
            (true, _, _) => 12.0,
            (_, true, true) => 0.0,
            (_, false, true) => 1.0,
            (_, true, false) => 3.0,
            _ => 0.0,
        };
    }
    Some(cost)
}
