//! Background figures: dressed like the place, set on its spots, out of the way of the action.

use glam::Vec2;
use klieg_film_cast::{Design, Detail, Puppet, casting};
use klieg_film_set::{SetBrief, Spot};
use klieg_film_words::shot::{Cue, Does, Mark, Shot};
use klieg_film_words::story::{Age, Build, Character, Gender, Mood, Place, Verb};
use klieg_film_words::{mix, pick, unit};

/// Most figures in the background of a shot.
pub const MOST: usize = 12;

/// A figure and the part it plays.
pub struct Extra {
    pub puppet: Puppet,
    pub mark: Mark,
    pub cue: Option<Cue>,
    pub seed: u64,
    /// Whether it moves in this shot.
    pub lively: bool,
}

/// The figures of the set's spots that `shot` can see and that stand in nobody's way. Numbered from `first`.
pub fn extras(set: &SetBrief, spots: &[Spot], shot: &Shot, first: usize) -> Vec<Extra> {
    let Some(key) = shot.camera.first() else { return Vec::new() };
    let camera = Vec2::new(key.position[0], key.position[2]);
    let view = (Vec2::new(key.look_at[0], key.look_at[2]) - camera).normalize_or(Vec2::NEG_Y);
    let seen: Vec<&Spot> = spots.iter().take(MOST).filter(|s| in_the_way(s, camera, view, key.focus_m, shot).is_none()).collect();
    seen.into_iter()
        .enumerate()
        .map(|(i, spot)| {
            let who = first + i;
            let design = design(set, spot);
            let mark = Mark {
                who,
                x: spot.x,
                z: spot.z,
                heading: spot.heading,
                posture: spot.posture,
                mood: if set.mood == Mood::Angry { Mood::Tense } else { set.mood },
                holding: None,
                looks_at: None,
            };
            let still = matches!(spot.doing, Verb::Stand | Verb::Sit | Verb::Sleep | Verb::Kneel);
            let length = shot.frames + 200;
            let cue = (!still).then_some(Cue {
                start: -60,
                frames: length,
                who,
                what: Does::Act { verb: spot.doing, to: None, prop: None },
            });
            let near = Vec2::new(spot.x, spot.z).distance(camera) < 9.0;
            Extra { puppet: Puppet::build(&design, Detail::Extra), mark, cue, seed: mix(spot.seed), lively: near && i < 3 }
        })
        .collect()
}

/// Why a spot stays empty in this shot: behind the camera, before the subject, or too near somebody.
fn in_the_way(spot: &Spot, camera: Vec2, view: Vec2, focus: f32, shot: &Shot) -> Option<&'static str> {
    let at = Vec2::new(spot.x, spot.z);
    let to = at - camera;
    if to.dot(view) < 0.4 {
        return Some("behind the camera");
    }
    if to.dot(view) < focus + 0.3 && view.perp_dot(to).abs() < 0.9 {
        return Some("before the subject");
    }
    let near = |m: &Mark| Vec2::new(m.x, m.z).distance(at) < 0.75;
    let crossed =
        shot.cues.iter().any(|c| matches!(c.what, Does::Go { to_x, to_z, .. } if Vec2::new(to_x, to_z).distance(at) < 0.75));
    (shot.marks.iter().any(near) || crossed).then_some("too near somebody")
}

fn design(set: &SetBrief, spot: &Spot) -> Design {
    let seed = spot.seed;
    // No child keeps a bar, drinks in it or smokes.
    let grown = set.place == Place::Bar || matches!(spot.doing, Verb::Work | Verb::Drink | Verb::Smoke | Verb::Drive);
    let ages = [Age::Young, Age::Young, Age::Middle, Age::Middle, Age::Old, Age::Teen, Age::Child];
    let gender = if unit(seed, 1) < 0.5 { Gender::Female } else { Gender::Male };
    let character = Character {
        name: String::new(),
        age: *pick(seed, 2, &ages[..if grown { 5 } else { 7 }]),
        gender,
        build: *pick(seed, 3, &[Build::Thin, Build::Medium, Build::Medium, Build::Round, Build::Broad]),
        culture: set.culture,
        period: set.period,
        occasion: set.occasion,
        language: String::new(),
        dress: Vec::new(),
        line: 0,
        seed: mix(seed),
    };
    casting(std::slice::from_ref(&character)).swap_remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_film_words::shot::Posture;
    use klieg_film_words::story::{Culture, Occasion, Period, TimeOfDay, Weather};

    #[test]
    fn whoever_works_is_grown_up() {
        let set = SetBrief {
            place: Place::Kitchen,
            place_name: "KITCHEN".into(),
            interior: true,
            time: TimeOfDay::Night,
            weather: Weather::Clear,
            culture: Culture::American,
            period: Period::Noir,
            mood: Mood::Neutral,
            occasion: Occasion::Everyday,
            extras: 0,
            props: vec![],
            seed: 1,
        };
        let ages = |doing: Verb| -> Vec<Age> {
            let spot = |seed| Spot { x: 0.0, z: 0.0, heading: 0.0, posture: Posture::Standing, doing, seed };
            (0..60).map(|seed| design(&set, &spot(seed)).age).collect()
        };
        let minor = |a: &Age| matches!(a, Age::Child | Age::Teen | Age::Infant);
        assert!(!ages(Verb::Work).iter().any(minor) && ages(Verb::Walk).iter().any(minor));
    }
}
