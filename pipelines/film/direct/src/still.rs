//! One picture of a scene, as a stills photographer takes it: everybody is there, what they do is being done, the camera shows who or
//! what was asked for.

use crate::acting;
use crate::coverage::{Content, Director, Given, Setup};
use crate::cut::Brief;
use klieg_film_words::shot::{Angle, Cue, Move, Purpose, Shot, Size};
use klieg_film_words::story::{Beat, CharacterId};
use klieg_film_words::{between, mix, unit};

/// What the picture is to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Still {
    pub size: Size,
    pub angle: Angle,
    /// Whom; nobody: the place, with everybody in it.
    pub subjects: Vec<CharacterId>,
}

/// Least frames of the shot that the picture is one of.
const FRAMES: u32 = 48;

/// The shot of the story's first scene, and the frame of it to photograph. `None`: there is no scene, or no plan of it.
pub fn still(brief: &Brief<'_>, wish: &Still) -> Option<(Shot, u32)> {
    let (scene, plan) = (brief.story.scenes.first()?, brief.plans.first()?);
    let given = Given {
        story: brief.story,
        scene: 0,
        plan,
        people: brief.people,
        seconds: brief.lines,
        seed: mix(brief.seed),
        previous: None,
    };
    let mut director = Director::new(&given);
    let everybody: Vec<CharacterId> = director.stage.people.iter().map(|person| person.who).collect();
    everybody.iter().for_each(|who| director.stage.come_on(*who));
    let marks = director.stage.marks();
    let mut cues: Vec<Cue> = Vec::new();
    let mut at = 0;
    for beat in &scene.beats {
        if let Beat::Action(action) = beat {
            let played = acting::play(&mut director.stage, action);
            // In the middle of the act: hands are up, steps are long.
            at = at.max((played.act_at + played.frames) / 2);
            cues.extend(played.cues);
        }
    }
    cues.sort_by_key(|cue| cue.start);
    let seed = director.seed_for("still", "");
    let setup = setup(&director, wish, seed);
    let content = Content { marks, cues, script_lines: vec![scene.lines.0], mood: scene.mood, seed };
    let length = FRAMES.max(at + 12);
    director.shoot_with(&setup, Move::Static, vec![setup.key], length, content);
    let shot = director.cut.shots.pop()?;
    // Nobody blinks into the first frames; later than the acts nothing happens.
    let at = if at == 0 { (between(seed, 9, 0.3, 0.7) * length as f32) as u32 } else { at };
    Some((shot, at.min(length - 1)))
}

fn setup(director: &Director<'_>, wish: &Still, seed: u64) -> Setup {
    let side = if unit(seed, 4) < 0.5 { -1.0 } else { 1.0 };
    match wish.subjects.as_slice() {
        [] => director.setup_place(wish.size, side * between(seed, 3, 4.0, 26.0)),
        [who] if wish.size >= Size::Medium => director.setup_single(*who, None, Purpose::Single, wish.size, wish.angle),
        who => director.setup_group(who, Purpose::Master, wish.size, wish.angle, side * between(seed, 3, 2.0, 22.0)),
    }
}
