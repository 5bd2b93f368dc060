//! The rules of film grammar as functions, and generated stories that have to keep them.

use crate::coverage::is_neutral;
use crate::stage::{principals, side_of_line};
use crate::{Brief, direct, estimate_seconds};
use glam::{Vec2, Vec3};
use klieg_film_words::shot::{Cut, Does, FloorPlan, Purpose, Seat, Shot, Stature};
use klieg_film_words::story::*;
use proptest::prelude::*;

const STATURE: Stature = Stature { height: 1.65, eyes: 1.48, head: 0.33, half_width: 0.26 };

fn plan(kind: u8) -> FloorPlan {
    let (half_width, back_z, front_z, camera_x, camera_z, camera_y) = match kind % 3 {
        0 => (2.6, -1.8, 1.6, 3.2, 5.5, 2.6),
        1 => (4.0, -3.0, 2.5, 8.0, 14.0, 6.0),
        _ => (1.9, -1.2, 1.0, 2.4, 4.2, 2.3),
    };
    let seats = [(-0.7, 0.0, 50.0, 0.45), (0.6, 0.1, -50.0, 0.45), (1.5, -0.6, -20.0, 0.4), (-1.6, -0.8, 20.0, 0.0)];
    FloorPlan {
        half_width,
        back_z,
        front_z,
        camera_x,
        camera_z,
        camera_y,
        seats: seats.map(|(x, z, heading, height)| Seat { x, z, heading, height }).to_vec(),
        entrances: vec![[-half_width, back_z * 0.5], [half_width, front_z * 0.3]],
        hero: [0.3, 1.6, back_z - 1.0],
    }
}

pub fn line(id: usize, speaker: usize, to: Option<usize>, text: &str, mood: Mood) -> Line {
    Line { id, speaker, to, text: text.into(), parenthetical: None, mood, off_screen: false, dual: false, line: 0 }
}

/// What a generated beat is made of.
#[derive(Clone, Debug)]
enum Seedling {
    Line { speaker: usize, to: Option<usize>, words: usize, mood: Mood, off: bool, dual: bool },
    Action { who: usize, verb: Verb, to: Option<usize>, prop: bool, mood: Mood, joined: bool },
    Describe,
}

fn beats() -> impl Strategy<Value = Seedling> {
    let mood = proptest::sample::select(Mood::ALL);
    let verb = proptest::sample::select(Verb::ALL);
    let who = 0usize..5;
    prop_oneof![
        5 => (who.clone(), proptest::option::of(0usize..5), 1usize..60, mood.clone(), 0..8, 0..10)
            .prop_map(|(speaker, to, words, mood, off, dual)| Seedling::Line { speaker, to, words, mood, off: off == 0, dual: dual == 0 }),
        4 => (who, verb, proptest::option::of(0usize..5), any::<bool>(), mood, 0..5)
            .prop_map(|(who, verb, to, prop, mood, joined)| Seedling::Action { who, verb, to, prop, mood, joined: joined == 0 }),
        1 => Just(Seedling::Describe),
    ]
}

fn stories() -> impl Strategy<Value = (Story, Vec<FloorPlan>)> {
    let place = proptest::sample::select(vec![Place::Temple, Place::Street, Place::Cafe, Place::Garden, Place::House, Place::Car]);
    let scene = (proptest::collection::vec(beats(), 0..14), 0usize..6, place, 0u8..3, any::<bool>());
    proptest::collection::vec(scene, 1..4).prop_map(|scenes| {
        let mut story = Story { title: "T".into(), credits: vec![], scenes: vec![], cast: vec![], inferences: vec![] };
        let mut plans = Vec::new();
        let (mut id, mut at) = (0, 1);
        for (n, (seedlings, people, place, kind, interior)) in scenes.into_iter().enumerate() {
            let first = at;
            at += 1;
            let mut grown = Vec::new();
            for s in seedlings {
                grown.extend(grow(s, people, &mut id, &mut at));
            }
            story.scenes.push(scene_of(n, place, interior, people, (first, at), grown));
            plans.push(plan(kind));
        }
        (story, plans)
    })
}

fn grow(s: Seedling, people: usize, id: &mut usize, at: &mut u32) -> Option<Beat> {
    let here = |who: usize| (people > 0).then(|| who % people.max(1));
    *at += 1;
    match s {
        Seedling::Line { speaker, to, words, mood, off, dual } => {
            let speaker = here(speaker).or(off.then_some(0))?;
            let text: Vec<&str> =
                (0..words).map(|w| *["never", "rain", "mother", "and", "remember"].get((w + *id) % 5).unwrap_or(&"")).collect();
            let line = Line { off_screen: off, dual, line: *at, ..line(*id, speaker, to.and_then(here), &text.join(" "), mood) };
            *id += 1;
            Some(Beat::Line(line))
        }
        Seedling::Action { who, verb, to, prop, mood, joined } => {
            *at -= u32::from(joined);
            let prop = prop.then(|| "cup".to_owned());
            Some(Beat::Action(Action {
                who: here(who)?,
                verb,
                to: to.and_then(here),
                prop,
                mood,
                text: format!("act {}", verb.name()),
                line: *at,
            }))
        }
        Seedling::Describe => Some(Beat::Describe { text: "Dust.".into(), line: *at }),
    }
}

fn scene_of(n: usize, place: Place, interior: bool, people: usize, lines: (u32, u32), beats: Vec<Beat>) -> Scene {
    Scene {
        id: format!("sc{:03}", (n + 1) * 10),
        heading: "INT. SOMEWHERE".into(),
        lines,
        interior,
        place,
        place_name: format!("PLACE {}", n / 2),
        time: TimeOfDay::Day,
        weather: Weather::Clear,
        culture: Culture::Tamil,
        period: Period::Modern,
        mood: Mood::Neutral,
        occasion: Occasion::Everyday,
        present: (0..people).collect(),
        extras: 0,
        props: vec![],
        beats,
        sounds: vec![],
        silent: false,
        seed: 7,
    }
}

fn spoken(story: &Story) -> Vec<&Line> {
    story.scenes.iter().flat_map(|s| &s.beats).filter_map(|b| if let Beat::Line(l) = b { Some(l) } else { None }).collect()
}

fn film(story: &Story, plans: &[FloorPlan]) -> Cut {
    let lines: Vec<f32> = spoken(story).iter().map(|l| estimate_seconds(l)).collect();
    direct(&Brief { story, plans, people: &[STATURE; 6], lines: &lines, seed: 3 })
}

pub fn names_ascend(cut: &Cut) {
    let (first, last) = (cut.shots.first().expect("title"), cut.shots.last().expect("credits"));
    assert_eq!((first.name.as_str(), last.name.as_str()), ("title", "credits"));
    let scenes = &cut.shots[1..cut.shots.len() - 1];
    assert!(scenes.windows(2).all(|w| w[0].name < w[1].name), "{:?}", scenes.iter().map(|s| &s.name).collect::<Vec<_>>());
}

pub fn lengths_are_sane(cut: &Cut) {
    for s in &cut.shots {
        assert!(s.frames >= 36, "{} lasts {}", s.name, s.frames);
        assert_eq!(s.camera[0].frame, 0);
        assert!(
            s.camera.windows(2).all(|k| k[0].frame < k[1].frame) && s.camera.last().is_some_and(|k| k.frame < s.frames),
            "{}",
            s.name
        );
        assert!(s.cues.windows(2).all(|c| c[0].start <= c[1].start), "{}", s.name);
        for k in &s.camera {
            let all = [k.lens_mm, k.focus_m, k.aperture_m, k.roll_degrees].into_iter().chain(k.position).chain(k.look_at);
            assert!(
                all.into_iter().all(f32::is_finite) && (22.0..=120.0).contains(&k.lens_mm) && k.focus_m > 0.0,
                "{} {k:?}",
                s.name
            );
        }
    }
}

pub fn lines_are_said_once(cut: &Cut, story: &Story) {
    let lines = spoken(story);
    assert_eq!(cut.lines.iter().map(|l| l.line).collect::<Vec<_>>(), lines.iter().map(|l| l.id).collect::<Vec<_>>());
    assert!(cut.lines.windows(2).all(|w| w[0].start <= w[1].start), "in order");
    let (starts, end) = (cut.starts(), cut.frames());
    for timing in &cut.lines {
        assert!(timing.start + timing.frames <= end);
        let line = lines[timing.line];
        for (shot, first) in cut.shots.iter().zip(&starts) {
            let heard = timing.start < first + shot.frames && timing.start + timing.frames > *first;
            let cue = shot.cues.iter().find(|c| matches!(c.what, Does::Say { line, .. } if line == timing.line));
            assert_eq!(heard, cue.is_some(), "{} and line {}", shot.name, timing.line);
            let Some(cue) = cue else { continue };
            assert_eq!((cue.start + *first as i32, cue.frames, cue.who), (timing.start as i32, timing.frames, line.speaker));
            assert!(cue.start < 0 || cue.start >= 4, "{} starts line at {}", shot.name, cue.start);
            assert!(shot.script_lines.contains(&line.line), "{} covers line {}", shot.name, line.line);
        }
    }
}

/// Between neutral shots the camera stays on one side of the line of the principals.
pub fn line_is_kept(cut: &Cut, story: &Story) {
    for (n, scene) in story.scenes.iter().enumerate() {
        let Some((a, b)) = principals(scene) else { continue };
        let mut side: Option<f32> = None;
        for shot in cut.shots.iter().filter(|s| s.scene == n) {
            if is_neutral(shot.purpose) {
                side = None;
                continue;
            }
            let at = |who| shot.marks.iter().find(|m| m.who == who).map(|m| Vec2::new(m.x, m.z));
            let (Some(pa), Some(pb)) = (at(a), at(b)) else { continue };
            let moved = shot.cues.iter().any(|c| matches!(c.what, Does::Go { .. }) && (c.who == a || c.who == b));
            if moved {
                side = None;
                continue;
            }
            let signs: Vec<f32> =
                shot.camera.iter().map(|k| side_of_line(pa, pb, Vec2::new(k.position[0], k.position[2])).signum()).collect();
            assert!(
                signs.iter().all(|s| side.is_none_or(|before| before == *s) && *s == signs[0]),
                "{} crosses the line",
                shot.name
            );
            side = Some(signs[0]);
        }
    }
}

pub fn no_jump_cuts(cut: &Cut) {
    for w in cut.shots.windows(2) {
        assert_ne!((w[0].size, w[0].angle), (w[1].size, w[1].angle), "{} to {}", w[0].name, w[1].name);
    }
}

pub fn cameras_stay_in_bounds(cut: &Cut, plans: &[FloorPlan]) {
    for s in &cut.shots {
        let p = &plans[s.scene];
        for k in &s.camera {
            let [x, y, z] = k.position;
            assert!(
                x.abs() <= p.camera_x + 1e-3 && z >= p.back_z - 1e-3 && z <= p.camera_z + 1e-3,
                "{}: {:?} {:?}",
                s.name,
                s.purpose,
                k.position
            );
            assert!((0.2 - 1e-3..=p.camera_y + 1e-3).contains(&y), "{}: {:?}", s.name, k.position);
            if s.purpose != Purpose::Follow {
                for m in &s.marks {
                    assert!(Vec2::new(m.x - x, m.z - z).length() >= 0.5, "{} stands in {}", s.name, m.who);
                }
            }
            assert!(Vec3::from(k.position).distance(Vec3::from(k.look_at)) > 0.2);
        }
    }
}

pub fn people_stand_apart(cut: &Cut) {
    for s in &cut.shots {
        for (i, a) in s.marks.iter().enumerate() {
            for b in &s.marks[i + 1..] {
                let apart = Vec2::new(a.x - b.x, a.z - b.z).length();
                assert!(apart >= 0.749, "{}: {} and {} stand {apart} m apart", s.name, a.who, b.who);
            }
        }
    }
}

fn covers(shot: &Shot, line: &Line) -> bool {
    shot.script_lines.contains(&line.line)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4 * ProptestConfig::default().cases, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_stories_keep_the_grammar((story, plans) in stories()) {
        let cut = film(&story, &plans);
        names_ascend(&cut);
        lengths_are_sane(&cut);
        lines_are_said_once(&cut, &story);
        no_jump_cuts(&cut);
        cameras_stay_in_bounds(&cut, &plans);
        people_stand_apart(&cut);
        line_is_kept(&cut, &story);
        prop_assert_eq!(&cut, &film(&story, &plans));
    }

    #[test]
    fn a_changed_word_changes_only_the_shots_of_its_line((story, plans) in stories(), which in 0usize..40, word in "[a-z]{1,12}") {
        let count = spoken(&story).len();
        prop_assume!(count > 0);
        let which = which % count;
        let mut edited = story.clone();
        let line = edited.scenes.iter_mut().flat_map(|s| &mut s.beats).filter_map(|b| if let Beat::Line(l) = b { Some(l) } else { None }).nth(which);
        let line = line.map(|l| { l.text = format!("{} {word}", l.text); l.clone() }).expect("counted");
        let (before, after) = (film(&story, &plans), film(&edited, &plans));
        let others = |cut: &Cut| cut.shots.iter().filter(|s| !covers(s, &line)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(others(&before), others(&after));
    }
}

#[test]
fn an_empty_scene_is_an_establishing_shot() {
    let mut story = Story { title: "T".into(), credits: vec![], scenes: vec![], cast: vec![], inferences: vec![] };
    story.scenes.push(scene_of(0, Place::Garden, false, 0, (1, 2), vec![]));
    let cut = film(&story, &[plan(1)]);
    assert_eq!(cut.shots.iter().map(|s| s.purpose).collect::<Vec<_>>(), [Purpose::Title, Purpose::Establishing, Purpose::Credits]);
}

#[test]
fn no_scene_gives_no_film() {
    let story = Story { title: "T".into(), credits: vec![], scenes: vec![], cast: vec![], inferences: vec![] };
    assert!(film(&story, &[]).shots.is_empty());
}

/// A conversation is covered as an editor would expect, and at an editor's pace.
#[test]
fn a_conversation_is_cut_like_one() {
    let say = |id: usize, speaker: usize, text: &str, mood| {
        Beat::Line(Line { line: 3 + id as u32, ..line(id, speaker, Some(1 - speaker), text, mood) })
    };
    let beats = vec![
        say(0, 0, "You came back after all these years.", Mood::Neutral),
        say(1, 1, "I never really left, you know that.", Mood::Neutral),
        say(2, 0, "I waited every single night at that window.", Mood::Sad),
        say(3, 1, "Then let me wait with you from now on.", Mood::Tender),
        Beat::Action(Action {
            who: 1,
            verb: Verb::Give,
            to: Some(0),
            prop: Some("letter".into()),
            mood: Mood::Tender,
            text: "He gives her the letter.".into(),
            line: 8,
        }),
        say(4, 0, "Is it from her, then?", Mood::Surprised),
        Beat::Action(Action {
            who: 0,
            verb: Verb::Embrace,
            to: Some(1),
            prop: None,
            mood: Mood::Tender,
            text: "She embraces him.".into(),
            line: 10,
        }),
    ];
    let mut story = Story { title: "T".into(), credits: vec![], scenes: vec![], cast: vec![], inferences: vec![] };
    story.scenes.push(scene_of(0, Place::Street, false, 2, (1, 12), beats));
    let cut = film(&story, &[plan(1)]);
    let purposes: Vec<Purpose> = cut.shots.iter().map(|s| s.purpose).collect();
    for p in [Purpose::Establishing, Purpose::Master, Purpose::OverShoulder, Purpose::Single, Purpose::Insert, Purpose::TwoShot] {
        assert!(purposes.contains(&p), "no {} in {purposes:?}", p.name());
    }
    let scene = &cut.shots[1..cut.shots.len() - 1];
    let average = scene.iter().map(|s| s.frames).sum::<u32>() as f32 / scene.len() as f32 / 24.0;
    assert!((2.0..4.5).contains(&average), "average shot {average} s");
    let embrace = cut.shots.iter().find(|s| s.purpose == Purpose::TwoShot && s.script_lines.contains(&10)).expect("embrace");
    assert!(embrace.cues.iter().any(|c| matches!(c.what, Does::Act { verb: Verb::Embrace, .. })));
}

/// Who rises during a shot moves the line under the camera: an orbit that keeps to the new one may not cross the old.
#[test]
fn a_move_keeps_to_the_line_of_where_the_shot_began() {
    let say = |id: usize, speaker: usize, dual| {
        Beat::Line(Line { line: 4 + id as u32, dual, ..line(id, speaker, None, "never", Mood::Neutral) })
    };
    let act = |who, verb: Verb, to, line| {
        let text = format!("act {}", verb.name());
        Beat::Action(Action { who, verb, to, prop: None, mood: Mood::Neutral, text, line })
    };
    let told = [act(2, Verb::Give, Some(0), 3), say(0, 2, true), say(1, 3, true), say(2, 2, false), act(3, Verb::Embrace, None, 6)];
    let mut story = Story { title: "T".into(), credits: vec![], scenes: vec![], cast: vec![], inferences: vec![] };
    for n in 0..40 {
        story.scenes.push(scene_of(n, Place::Cafe, false, 4, (2, 6), told.to_vec()));
    }
    let cut = film(&story, &vec![plan(0); 40]);
    line_is_kept(&cut, &story);
}
