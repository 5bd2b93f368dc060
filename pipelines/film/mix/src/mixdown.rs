//! All of it together.

use crate::ambience::{AmbienceBrief, ambience};
use crate::dialogue::{hearing, treat};
use crate::effect::effect;
use crate::loudness::{Loudness, Profile, integrated};
use crate::master::master;
use crate::music::{lay, span_frames, stretches};
use crate::place::{ambience_lufs, room};
use crate::spot::{effects_of, named_sounds};
use klieg_film_dsp::room::answer;
use klieg_film_dsp::{gain, pan_gains, samples};
use klieg_film_words::FPS;
use klieg_film_words::shot::Cut;
use klieg_film_words::sound::{SAMPLE_RATE, Stereo};
use klieg_film_words::story::{Beat, Line, LineId, Scene, Story};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a film's sound is made of.
pub struct Sources<'a> {
    pub cut: &'a Cut,
    pub story: &'a Story,
    /// Mono at 48 kHz.
    pub lines: BTreeMap<LineId, &'a [f32]>,
    /// A cue a scene, as long as [`crate::cue_seconds`] says.
    pub score: BTreeMap<usize, &'a Stereo>,
    pub profile: Profile,
}

/// The film's sound: four stems and their sum, all of the film's length, on the 24-bit grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    pub dialogue: Stereo,
    pub music: Stereo,
    pub effects: Stereo,
    pub ambience: Stereo,
    pub film: Stereo,
    pub loudness: Loudness,
}

/// Samples a film frame.
const FRAME: usize = (SAMPLE_RATE / FPS) as usize;
/// Scenes fade into each other over this many frames.
const CROSSFADE_FRAMES: usize = 8;
/// The film ends in this many seconds of falling air.
const CLOSE_SECONDS: f32 = 1.2;

/// Mixes the film. The same sources give the same samples.
pub fn mixdown(sources: &Sources<'_>) -> Mix {
    let length = sources.cut.frames() as usize * FRAME;
    let (dialogue, spoken) = dialogue_stem(sources, length);
    let music = music_stem(sources, length, &stretches(&spoken));
    let effects = effects_stem(sources, length);
    let ambience = ambience_stem(sources, length);
    let mut stems = [dialogue, music, effects, ambience];
    let (film, loudness) = master(&mut stems, &spoken, sources.profile);
    let [dialogue, music, effects, ambience] = stems;
    Mix { dialogue, music, effects, ambience, film, loudness }
}

fn blank(length: usize) -> Stereo {
    Stereo { samples: vec![[0.0; 2]; length] }
}

fn add(out: &mut Stereo, sound: &[[f32; 2]], at: usize) {
    for (o, s) in out.samples.iter_mut().skip(at).zip(sound) {
        *o = [o[0] + s[0], o[1] + s[1]];
    }
}

/// Every line of the story with its scene.
fn lines_of(story: &Story) -> BTreeMap<LineId, (&Scene, &Line)> {
    story
        .scenes
        .iter()
        .flat_map(|scene| {
            scene.beats.iter().filter_map(move |b| if let Beat::Line(l) = b { Some((l.id, (scene, l))) } else { None })
        })
        .collect()
}

/// The dialogue, and where it is spoken, in order of time.
fn dialogue_stem(sources: &Sources<'_>, length: usize) -> (Stereo, Vec<Range<usize>>) {
    let mut stem = blank(length);
    let mut spoken = Vec::new();
    let known = lines_of(sources.story);
    let starts = sources.cut.starts();
    for timing in &sources.cut.lines {
        let (Some(mono), Some((scene, line))) = (sources.lines.get(&timing.line), known.get(&timing.line)) else { continue };
        if mono.is_empty() {
            continue;
        }
        // A line over a cut is heard as in the shot that holds its middle.
        let middle = timing.start + timing.frames / 2;
        let index = starts.partition_point(|s| *s <= middle).saturating_sub(1);
        let Some(shot) = sources.cut.shots.get(index) else { continue };
        let heard = hearing(shot, middle as i32 - starts[index] as i32, line.speaker, line.id);
        let at = timing.start as usize * FRAME;
        add(&mut stem, &treat(mono, line.mood, &heard, scene), at);
        spoken.push(at.min(length)..(at + mono.len()).min(length));
    }
    spoken.sort_by_key(|s| s.start);
    (stem, spoken)
}

fn music_stem(sources: &Sources<'_>, length: usize, talk: &[Range<usize>]) -> Stereo {
    let mut stem = blank(length);
    for (&index, cue) in &sources.score {
        let silent = sources.story.scenes.get(index).is_none_or(|s| s.silent);
        let Some(span) = span_frames(sources.cut, index).filter(|_| !silent) else { continue };
        lay(&mut stem.samples, cue, span.start as usize * FRAME, span.len() * FRAME, talk);
    }
    stem
}

/// Effects over their natural level: the small sounds of a film are closer than life.
const EFFECTS_DB: f32 = 5.0;

/// Effects dry and in their scene's room.
fn effects_stem(sources: &Sources<'_>, length: usize) -> Stereo {
    let mut stem = blank(length);
    let named = named_sounds(sources.cut, sources.story);
    let starts = sources.cut.starts();
    for (index, scene) in sources.story.scenes.iter().enumerate() {
        let Some(span) = span_frames(sources.cut, index) else { continue };
        let base = span.start as usize * FRAME;
        let mut dry = blank(span.len() * FRAME);
        for (shot, start) in sources.cut.shots.iter().zip(&starts).filter(|(s, _)| s.scene == index) {
            for spot in effects_of(shot, sources.story) {
                let at = (*start as usize * FRAME - base) + spot.frame.max(0) as usize * FRAME;
                let side = pan_gains(spot.pan).map(|g| g * spot.gain);
                let sound: Vec<[f32; 2]> =
                    effect(spot.effect, spot.seed).samples.iter().map(|s| [s[0] * side[0], s[1] * side[1]]).collect();
                add(&mut dry, &sound, at);
            }
        }
        for (frame, kind, seed) in named.iter().filter(|(f, ..)| span.contains(f)) {
            let sound: Vec<[f32; 2]> = effect(*kind, *seed).samples.iter().map(|s| [s[0] * 0.45, s[1] * 0.45]).collect();
            add(&mut dry, &sound, *frame as usize * FRAME - base);
        }
        if dry.samples.iter().all(|s| *s == [0.0; 2]) {
            continue;
        }
        let close = gain(EFFECTS_DB);
        for s in &mut dry.samples {
            *s = [s[0] * close, s[1] * close];
        }
        let (room, share_db) = room(scene);
        let share = gain(share_db + 3.0);
        let wet: Vec<[f32; 2]> = answer(&dry.samples, &room).iter().map(|s| [s[0] * share, s[1] * share]).collect();
        add(&mut stem, &dry.samples, base);
        add(&mut stem, &wet, base);
    }
    stem
}

fn ambience_stem(sources: &Sources<'_>, length: usize) -> Stereo {
    let mut stem = blank(length);
    let half = CROSSFADE_FRAMES / 2 * FRAME;
    for (index, scene) in sources.story.scenes.iter().enumerate() {
        let Some(span) = span_frames(sources.cut, index) else { continue };
        let start = (span.start as usize * FRAME).saturating_sub(half);
        let end = (span.end as usize * FRAME + half).min(length);
        let mut air = ambience(&brief_of(scene, (end - start) as f32 / SAMPLE_RATE as f32)).samples;
        let level = gain((ambience_lufs(scene) - integrated(&air)).min(30.0));
        let fade = 2 * half;
        let count = air.len();
        for (i, s) in air.iter_mut().enumerate() {
            let near = (i.min(count - 1 - i) as f32 / fade as f32).min(1.0);
            // Equal power, because two scenes' airs have nothing in common.
            let g = level * (near * std::f32::consts::FRAC_PI_2).sin();
            *s = [s[0] * g, s[1] * g];
        }
        add(&mut stem, &air, start);
    }
    let close = samples(CLOSE_SECONDS).min(length);
    for (i, s) in stem.samples[length - close..].iter_mut().enumerate() {
        let g = 1.0 - i as f32 / close.max(1) as f32;
        *s = [s[0] * g, s[1] * g];
    }
    stem
}

fn brief_of(scene: &Scene, seconds: f32) -> AmbienceBrief {
    AmbienceBrief {
        place: scene.place,
        culture: scene.culture,
        time: scene.time,
        weather: scene.weather,
        interior: scene.interior,
        extras: scene.extras,
        sounds: scene.sounds.iter().map(|(name, _)| name.clone()).collect(),
        seconds,
        seed: scene.seed,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use klieg_film_words::shot::{Angle, CameraKey, LineTiming, Mark, Move, Posture, Purpose, Shot, Size};
    use klieg_film_words::story::{Age, Build, Character, Culture, Gender, Mood, Occasion, Period, Place, TimeOfDay, Weather};

    pub fn mark(who: usize, x: f32) -> Mark {
        Mark { who, x, z: 0.0, heading: 0.0, posture: Posture::Standing, mood: Mood::Neutral, holding: None, looks_at: None }
    }

    pub fn shot(name: &str, scene: usize, purpose: Purpose, frames: u32) -> Shot {
        let key = CameraKey {
            frame: 0,
            position: [0.0, 1.5, 4.0],
            look_at: [0.0, 1.2, 0.0],
            lens_mm: 50.0,
            focus_m: 4.0,
            aperture_m: 0.02,
            roll_degrees: 0.0,
        };
        Shot {
            name: name.into(),
            scene,
            purpose,
            size: Size::Medium,
            angle: Angle::Eye,
            movement: Move::Static,
            frames,
            camera: vec![key],
            marks: vec![mark(0, -0.6), mark(1, 0.6)],
            cues: Vec::new(),
            script_lines: vec![3],
            mood: Mood::Neutral,
            seed: 4,
        }
    }

    fn person(name: &str, gender: Gender) -> Character {
        Character {
            name: name.into(),
            age: Age::Young,
            gender,
            build: Build::Medium,
            culture: Culture::American,
            period: Period::Modern,
            occasion: Occasion::Everyday,
            language: "en".into(),
            dress: Vec::new(),
            line: 1,
            seed: 1,
        }
    }

    fn line(id: usize, speaker: usize) -> Beat {
        Beat::Line(Line {
            id,
            speaker,
            to: None,
            text: "words".into(),
            parenthetical: None,
            mood: Mood::Neutral,
            off_screen: false,
            dual: false,
            line: 5,
        })
    }

    fn scene(id: &str, place: Place, weather: Weather, beats: Vec<Beat>) -> Scene {
        Scene {
            id: id.into(),
            heading: id.into(),
            lines: (1, 9),
            interior: weather == Weather::Clear,
            place,
            place_name: id.into(),
            time: TimeOfDay::Night,
            weather,
            culture: Culture::American,
            period: Period::Modern,
            mood: Mood::Neutral,
            occasion: Occasion::Everyday,
            present: vec![0, 1],
            extras: 0,
            props: Vec::new(),
            beats,
            sounds: vec![("thunder".into(), 3)],
            silent: false,
            seed: 3,
        }
    }

    /// Twenty seconds: a title, two shots in a rainy street, two in a kitchen, credits; three lines.
    pub fn film() -> (Cut, Story) {
        let shots = vec![
            shot("title", 0, Purpose::Title, 60),
            shot("sc010_sh010", 0, Purpose::Master, 96),
            shot("sc010_sh020", 0, Purpose::Single, 84),
            shot("sc020_sh010", 1, Purpose::Master, 96),
            shot("sc020_sh020", 1, Purpose::Single, 72),
            shot("credits", 1, Purpose::Credits, 72),
        ];
        let timing = |line: usize, start: u32| LineTiming { line, start, frames: 48 };
        let story = Story {
            title: "Test".into(),
            credits: Vec::new(),
            scenes: vec![
                scene("sc010", Place::Street, Weather::Rain, vec![line(0, 0), line(1, 1)]),
                scene("sc020", Place::Kitchen, Weather::Clear, vec![line(2, 0)]),
            ],
            cast: vec![person("A", Gender::Female), person("B", Gender::Male)],
            inferences: Vec::new(),
        };
        (Cut { shots, lines: vec![timing(0, 110), timing(1, 170), timing(2, 300)] }, story)
    }

    /// Something as uneven as speech: a buzz in syllables.
    pub fn speech(seconds: f32) -> Vec<f32> {
        (0..samples(seconds))
            .map(|i| {
                let t = i as f32 / 48_000.0;
                let buzz: f32 = (1..12).map(|n| (std::f32::consts::TAU * 140.0 * n as f32 * t).sin() / n as f32).sum();
                buzz * 0.2 * (0.2 + (std::f32::consts::TAU * 4.0 * t).sin().max(0.0))
            })
            .collect()
    }

    pub fn tune(seconds: f32) -> Stereo {
        let note = |i: usize| {
            let t = i as f32 / 48_000.0;
            let key = [220.0, 277.0, 330.0, 247.0][(t * 2.0) as usize % 4];
            (std::f32::consts::TAU * key * t).sin() * 0.2 * (1.0 - 0.6 * (t * 2.0).fract())
        };
        Stereo { samples: (0..samples(seconds)).map(|i| [note(i); 2]).collect() }
    }

    fn mixed(profile: Profile, silent: bool, spoken: bool) -> Mix {
        let (mut cut, mut story) = film();
        story.scenes[1].silent = silent;
        if !spoken {
            cut.lines.clear();
        }
        let voice = speech(2.0);
        let (a, b) = (tune(crate::cue_seconds(&cut, 0)), tune(crate::cue_seconds(&cut, 1)));
        let lines = (0..3).map(|i| (i, voice.as_slice())).collect();
        mixdown(&Sources { cut: &cut, story: &story, lines, score: [(0, &a), (1, &b)].into(), profile })
    }

    #[test]
    fn every_profile_meets_its_target() {
        for profile in [Profile::Web, Profile::Ebu, Profile::Netflix] {
            let l = mixed(profile, false, true).loudness;
            let measured = if profile.dialogue_gated() { l.dialogue_lufs } else { l.integrated_lufs };
            assert!((measured - profile.target_lufs()).abs() < 0.3, "{l:?}");
            assert!(l.true_peak_dbtp <= profile.true_peak_max_dbtp(), "{l:?}");
        }
    }

    #[test]
    fn the_stems_sum_to_the_mix_exactly() {
        let m = mixed(Profile::Web, false, true);
        let stems = [&m.dialogue, &m.music, &m.effects, &m.ambience];
        for (i, s) in m.film.samples.iter().enumerate() {
            let sum = |c: usize| stems.iter().map(|stem| f64::from(stem.samples[i][c])).sum::<f64>();
            assert!(sum(0) == f64::from(s[0]) && sum(1) == f64::from(s[1]), "sample {i}");
        }
        assert_eq!(m.film.samples.len(), 480 * 2000);
    }

    #[test]
    fn two_mixes_are_the_same() {
        assert!(mixed(Profile::Web, false, true) == mixed(Profile::Web, false, true));
    }

    #[test]
    fn a_silent_scene_has_no_music_but_air() {
        let m = mixed(Profile::Web, true, true);
        let kitchen = 250 * FRAME..480 * FRAME - 60_000;
        assert!(m.music.samples[kitchen.clone()].iter().all(|s| *s == [0.0; 2]));
        for part in m.ambience.samples[kitchen].chunks_exact(12_000) {
            assert!(part.iter().flatten().any(|s| s.abs() > 1e-4), "room tone stays");
        }
    }

    #[test]
    fn music_lies_well_under_the_words() {
        let m = mixed(Profile::Web, false, true);
        let words = 300 * FRAME..348 * FRAME;
        let under = integrated(&m.dialogue.samples[words.clone()]) - integrated(&m.music.samples[words]);
        assert!((10.0..14.0).contains(&under), "{under} dB");
    }

    #[test]
    fn a_film_without_words_still_has_a_sound() {
        let l = mixed(Profile::Web, false, false).loudness;
        assert!((l.integrated_lufs + 14.0).abs() < 0.5, "{l:?}");
        assert_eq!(l.dialogue_lufs, l.integrated_lufs);
    }

    #[test]
    fn a_film_without_shots_has_no_samples_and_one_without_scenes_is_silent() {
        let (mut cut, mut story) = film();
        let empty = Cut { shots: Vec::new(), lines: Vec::new() };
        let none = |cut: &Cut, story: &Story| {
            mixdown(&Sources { cut, story, lines: BTreeMap::new(), score: BTreeMap::new(), profile: Profile::Web })
        };
        assert_eq!(none(&empty, &story).film.samples.len(), 0);
        story.scenes.clear();
        cut.lines.clear();
        assert!(none(&cut, &story).film.samples.iter().all(|s| *s == [0.0; 2]));
    }

    #[test]
    fn the_thunder_of_the_script_is_heard_once_a_scene() {
        let (cut, story) = film();
        assert_eq!(named_sounds(&cut, &story).len(), 2);
    }
}
