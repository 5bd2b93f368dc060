//! A reading becomes a shot: staged and framed anew for every seed, the way the film's own stages do it.

use crate::prompt::Reading;
use klieg_film_analyse::analyse;
use klieg_film_animate::{On, ShotBrief};
use klieg_film_cast::Design;
use klieg_film_direct::{Brief, Still, still};
use klieg_film_set::SetBrief;
use klieg_film_words::mix;
use klieg_film_words::shot::{FloorPlan, Size, Stature};
use klieg_film_words::story::{Action, Beat, CharacterId, Mood, Story, Verb};
use std::collections::BTreeMap;

/// Why a reading can't be staged. It would be a fault of the screenplay that was made of the prompt.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    #[error("read the scene that the prompt became: {0}")]
    Script(String),
    #[error("stage the scene that the prompt became: it has none")]
    Empty,
}

/// A picture, ready to be photographed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub brief: ShotBrief,
    pub frame: u32,
    /// Whether one person fills it.
    pub single: bool,
}

/// What the analysis understood, before any seed: who is there and where.
pub fn story(reading: &Reading) -> Result<Story, SceneError> {
    let fault = |e: &dyn std::fmt::Display| SceneError::Script(e.to_string());
    let script = klieg_film_script::parse("prompt.fountain", reading.script.as_bytes()).map_err(|e| fault(&e))?;
    let mut story = analyse(&script, "prompt").map_err(|e| fault(&e))?;
    story.scenes.truncate(1);
    let scene = story.scenes.first_mut().ok_or(SceneError::Empty)?;
    let known: Vec<(CharacterId, Verb)> = reading
        .leads
        .iter()
        .filter_map(|lead| Some((story.cast.iter().position(|who| who.name == lead.name)?, lead.verb)))
        .collect();
    // The prompt's people are there from the first frame on and do what it says; nothing else happens in a picture.
    scene.present = known.iter().map(|(who, _)| *who).collect();
    scene.beats =
        known.iter().filter(|(_, verb)| *verb != Verb::Stand).map(|(who, verb)| act(*who, *verb, &known, scene.mood)).collect();
    scene.props.retain(|prop| !reading.without.contains(&prop.name));
    if reading.without.iter().any(|name| name == "people in the background") {
        scene.extras = 0;
    }
    Ok(story)
}

fn act(who: CharacterId, verb: Verb, everybody: &[(CharacterId, Verb)], mood: Mood) -> Beat {
    let mutual = matches!(verb, Verb::Embrace | Verb::Fight | Verb::Dance | Verb::Give | Verb::Look | Verb::Bow);
    let other = everybody.iter().map(|(id, _)| *id).find(|id| *id != who);
    Beat::Action(Action { who, verb, to: other.filter(|_| mutual), prop: None, mood, text: String::new(), line: 3 })
}

/// Stages the story for a seed, and frames it for a picture of this width over height.
pub fn shot(reading: &Reading, story: &Story, seed: u64, aspect: f32) -> Result<Shot, SceneError> {
    let variation = mix(seed);
    let mut story = story.clone();
    let scene = story.scenes.first_mut().ok_or(SceneError::Empty)?;
    // Where people stand is drawn by the scene's name.
    scene.id = format!("still{variation:016x}");
    for who in &mut story.cast {
        who.seed = mix(who.seed ^ variation);
    }
    let scene = &story.scenes[0];
    let mut set = SetBrief::of(scene);
    set.seed = mix(set.seed ^ variation);
    let designs = klieg_film_cast::casting(&story.cast);
    let plans: Vec<FloorPlan> = vec![klieg_film_set::floor_plan(&set)];
    let people: Vec<Stature> = designs.iter().map(Design::stature).collect();
    let wish = wish(reading, &scene.present);
    let brief = Brief { story: &story, plans: &plans, people: &people, lines: &[], seed: variation };
    let (mut shot, frame) = still(&brief, &wish).ok_or(SceneError::Empty)?;
    let single = wish.subjects.len() == 1 && wish.size >= Size::Medium;
    for key in &mut shot.camera {
        key.lens_mm = lens(key.lens_mm, aspect, single);
    }
    shot.name = "still".into();
    let cast: BTreeMap<CharacterId, Design> = shot.marks.iter().map(|mark| (mark.who, designs[mark.who].clone())).collect();
    Ok(Shot { brief: ShotBrief { shot, set, cast, on: On::Ones }, frame, single })
}

/// Who is shown and how near: as the prompt says, else so that everybody it names fits well.
fn wish(reading: &Reading, present: &[CharacterId]) -> Still {
    let usual = match present.len() {
        0 => Size::VeryWide,
        1 => Size::Cowboy,
        2 => Size::MediumWide,
        _ => Size::Full,
    };
    let size = reading.size.unwrap_or(usual);
    let subjects = match (present, size) {
        ([], _) => Vec::new(),
        // The place is what a wide shot is about.
        (_, Size::ExtremeWide | Size::VeryWide) => Vec::new(),
        ([first, ..], size) if size >= Size::MediumClose => vec![*first],
        (all, _) => all.to_vec(),
    };
    let size = if subjects.is_empty() && size > Size::MediumWide { Size::Wide } else { size };
    Still { size, angle: reading.angle, subjects }
}

/// The film's cameras frame 16:9. A narrower picture keeps the height of one person's, and gives up half of the width of others';
/// a wider one keeps the height.
fn lens(lens_mm: f32, aspect: f32, single: bool) -> f32 {
    let narrow = 16.0 / 9.0 / aspect;
    (lens_mm * if single || narrow < 1.0 { narrow } else { narrow.sqrt() }).clamp(12.0, 300.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::ImageParams;
    use serde_json::json;

    fn read(prompt: &str) -> (Reading, Story) {
        let reading = crate::prompt::read(&ImageParams::of(&json!({ "prompt": prompt })).unwrap()).unwrap();
        let story = story(&reading).unwrap();
        (reading, story)
    }

    #[test]
    fn the_analysis_finds_what_the_prompt_names() {
        use klieg_film_words::story::{Age, Gender, Place, TimeOfDay, Weather};
        let (_, temple) = read("a temple at dusk");
        assert_eq!((temple.scenes[0].place, temple.scenes[0].time), (Place::Temple, TimeOfDay::Dusk));
        let (_, bar) = read("two friends at a rainy bar");
        assert_eq!((bar.scenes[0].place, bar.scenes[0].weather, bar.scenes[0].present.len()), (Place::Bar, Weather::Rain, 2));
        let (_, garden) = read("a garden in spring, close-up of a bride in a red saree");
        let bride = &garden.cast[garden.scenes[0].present[0]];
        assert_eq!((garden.scenes[0].place, bride.gender), (Place::Garden, Gender::Female));
        assert!(bride.dress.iter().any(|worn| worn.name == "saree" && worn.colour.as_deref() == Some("red")), "{:?}", bride.dress);
        let (_, priest) = read("an old priest praying in a temple at night");
        let who = &priest.cast[priest.scenes[0].present[0]];
        assert_eq!((who.age, who.gender), (Age::Old, Gender::Male));
        assert!(matches!(&priest.scenes[0].beats[..], [Beat::Action(action)] if action.verb == Verb::Pray));
    }

    #[test]
    fn a_seed_is_one_picture_and_another_seed_another() {
        let (reading, story) = read("two friends at a rainy bar");
        let of = |seed| shot(&reading, &story, seed, 16.0 / 9.0).unwrap();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7).brief.set.seed, of(8).brief.set.seed);
        assert_ne!(of(7).brief.shot.camera, of(8).brief.shot.camera);
        assert_eq!(of(7).brief.shot.marks.len(), 2);
    }

    #[test]
    fn a_close_up_is_of_the_one_who_is_named_first() {
        let (reading, story) = read("close-up of a bride and her mother in a garden");
        let close = shot(&reading, &story, 1, 1.0).unwrap();
        assert!(close.single && close.brief.shot.size >= Size::MediumClose);
        let (reading, story) = read("wide shot of a bride in a garden");
        assert!(!shot(&reading, &story, 1, 1.0).unwrap().single);
    }
}
