//! The whole film: title, scenes, credits.

use crate::acting::frames;
use crate::coverage::{Given, scene};
use crate::lens::Aim;
use crate::lens::{frame, lens_for};
use glam::{Vec2, Vec3};
use klieg_film_words::shot::{Angle, CameraKey, Cut, FloorPlan, LineTiming, Move, Purpose, Shot, Size, Stature};
use klieg_film_words::story::Story;
use klieg_film_words::{mix, seed_of};

/// What direction works from.
pub struct Brief<'a> {
    pub story: &'a Story,
    /// One a scene.
    pub plans: &'a [FloorPlan],
    /// One a character.
    pub people: &'a [Stature],
    /// Seconds of every spoken line, by its id.
    pub lines: &'a [f32],
    pub seed: u64,
}

/// Makes the shot list of a story. A pure function; a story without scenes (or a scene without a plan) gives no shots for them.
pub fn direct(brief: &Brief<'_>) -> Cut {
    let mut cut = Cut { shots: Vec::new(), lines: Vec::new() };
    let scenes = brief.story.scenes.len().min(brief.plans.len());
    if scenes == 0 {
        return cut;
    }
    cut.shots.push(card(brief, "title", Purpose::Title, 0, CARD, frames(2.5)));
    let mut previous = Some((CARD, Angle::Eye));
    let mut at = cut.frames();
    for i in 0..scenes {
        let plan = &brief.plans[i];
        let given = Given {
            story: brief.story,
            scene: i,
            plan,
            people: brief.people,
            seconds: brief.lines,
            seed: mix(brief.seed),
            previous,
        };
        let (directed, last) = scene(&given);
        let starts: Vec<u32> = directed
            .shots
            .iter()
            .scan(at, |at, s| {
                let start = *at;
                *at += s.frames;
                Some(start)
            })
            .collect();
        cut.lines.extend(directed.lines.iter().map(|(line, shot, start, frames)| LineTiming {
            line: *line,
            start: starts[*shot] + start,
            frames: *frames,
        }));
        at += directed.shots.iter().map(|s| s.frames).sum::<u32>();
        cut.shots.extend(directed.shots);
        previous = last;
    }
    // Names of three columns a second are read comfortably; a long cast holds the card a little.
    let size = if previous == Some((CARD, Angle::Eye)) { Size::Cowboy } else { CARD };
    let roll = 3.2 + 0.12 * (brief.story.cast.len() + brief.story.credits.len()) as f32;
    cut.shots.push(card(brief, "credits", Purpose::Credits, scenes - 1, size, frames(roll.min(5.0))));
    cut.lines.sort_by_key(|l| l.line);
    cut
}

const CARD: Size = Size::MediumWide;

/// A slow, far out-of-focus look at a set, to write over.
fn card(brief: &Brief<'_>, name: &str, purpose: Purpose, scene: usize, size: Size, length: u32) -> Shot {
    let plan = &brief.plans[scene];
    let in_story = &brief.story.scenes[scene];
    let hero = Vec3::from(plan.hero);
    let aim = Aim {
        target: Vec3::new(0.0, 1.3, 0.0).lerp(hero, 0.5),
        toward: Vec2::Y,
        side: Vec2::X,
        swing: 0.0,
        size,
        angle: Angle::Eye,
        height: 3.0,
        lens_mm: lens_for(CARD),
        above: 0.0,
        lead: 0.0,
        subject: None,
        foreground: None,
        keep_line: false,
    };
    let far = (plan.camera_z * 0.8).max(plan.back_z);
    let y = 1.5f32.clamp(0.2, plan.camera_y.max(0.25));
    let key = |x: f32, frame_number: u32| {
        let position = Vec3::new(x.clamp(-plan.camera_x, plan.camera_x), y, far);
        let k = frame(&aim, position, aim.lens_mm);
        // Focus just before the lens: all of the set dissolves into discs of light.
        CameraKey { frame: frame_number, focus_m: 0.9, aperture_m: 0.018, ..k }
    };
    Shot {
        name: name.to_owned(),
        scene,
        purpose,
        size,
        angle: Angle::Eye,
        movement: Move::Track,
        frames: length,
        camera: vec![key(-0.25, 0), key(0.25, length - 1)],
        marks: Vec::new(),
        cues: Vec::new(),
        script_lines: Vec::new(),
        mood: in_story.mood,
        seed: mix(seed_of(&[&in_story.id, name]) ^ brief.seed),
    }
}
