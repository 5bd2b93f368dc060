//! Renders frames of a sample film to a contact sheet: `shot OUT.png SHOT FIRST STEP COUNT [WIDTH]`, or `shot list`.
//! SHOT is a name, or `*` for the middle frame of every shot. SCRIPT names a screenplay to show instead of the sample.

use klieg_film_animate::{On, Performance, ShotBrief};
use klieg_film_direct::{Brief, direct, estimate_seconds};
use klieg_film_set::{SetBrief, floor_plan};
use klieg_film_words::shot::{Cut, Does, Shot};
use klieg_film_words::sound::{MouthShape, Phone, Spoken};
use klieg_film_words::story::*;

use klieg_kernels::{Cpu, Settings, Stage};
use std::collections::BTreeMap;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let place = std::env::var("PLACE").ok().and_then(|p| Place::from_name(&p)).unwrap_or(Place::Garden);
    let culture = std::env::var("CULTURE").ok().and_then(|p| Culture::from_name(&p)).unwrap_or(Culture::Tamil);
    let film = Film::new(match std::env::var("SCRIPT") {
        Ok(path) => scripted(&path),
        Err(_) => story(place, culture),
    });
    let number = |i: usize, default: u32| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let Some(out) = args.first().filter(|a| *a != "list") else {
        return film.list();
    };
    let width = number(5, 480);
    let wanted = args.get(1).map_or("*", String::as_str);
    let mut pictures = Vec::new();
    for shot in film.cut.shots.iter().filter(|s| wanted == "*" || s.name == wanted) {
        let frames: Vec<u32> = if wanted == "*" {
            vec![shot.frames / 2]
        } else {
            (0..number(4, 12)).map(|i| number(2, 0) + i * number(3, 2)).collect()
        };
        pictures.extend(film.render(shot, &frames, width));
    }
    sheet(&pictures, width).save(out).expect("the sheet is written");
}

struct Film {
    story: Story,
    cut: Cut,
    spoken: BTreeMap<LineId, Spoken>,
    designs: Vec<klieg_film_cast::Design>,
}

impl Film {
    fn new(story: Story) -> Film {
        let designs = klieg_film_cast::casting(&story.cast);
        let lines: Vec<&Line> =
            story.scenes.iter().flat_map(|s| &s.beats).filter_map(|b| if let Beat::Line(l) = b { Some(l) } else { None }).collect();
        let spoken: BTreeMap<LineId, Spoken> = lines.iter().map(|l| (l.id, speak(l))).collect();
        let seconds: Vec<f32> = lines.iter().map(|l| spoken[&l.id].seconds).collect();
        let plans: Vec<_> = story.scenes.iter().map(|s| floor_plan(&SetBrief::of(s))).collect();
        let people: Vec<_> = designs.iter().map(|d| d.stature()).collect();
        let cut = direct(&Brief { story: &story, plans: &plans, people: &people, lines: &seconds, seed: 1 });
        Film { story, cut, spoken, designs }
    }

    fn list(&self) {
        for s in &self.cut.shots {
            let acts: Vec<String> =
                s.cues.iter().map(|c| format!("{}@{}+{}:{}", c.who, c.start, c.frames, short(&c.what))).collect();
            println!(
                "{} {} {} {} {} {} {:.1}mm  {}",
                s.name,
                s.frames,
                s.purpose.name(),
                s.size.name(),
                s.angle.name(),
                s.movement.name(),
                s.camera[0].lens_mm,
                acts.join(" ")
            );
        }
    }

    fn render(&self, shot: &Shot, frames: &[u32], width: u32) -> Vec<image::RgbImage> {
        let scene = &self.story.scenes[shot.scene];
        let cast = shot.marks.iter().map(|m| (m.who, self.designs[m.who].clone())).collect();
        let brief = ShotBrief { shot: shot.clone(), set: SetBrief::of(scene), cast, on: On::Twos };
        let performance = Performance::new(&brief, &self.spoken);
        let cpu = Cpu::new(2);
        let set = cpu.solid(performance.set(), klieg_kernels::Build::Best).expect("a set");
        frames
            .iter()
            .map(|f| {
                let frame = performance.frame(*f);
                let moving = cpu.solid(&frame.moving, klieg_kernels::Build::Fast).expect("puppets");
                let stage = Stage {
                    solids: &[&set, &moving],
                    lights: &frame.lights,
                    sky: &frame.sky,
                    fog: &frame.fog,
                    camera: &frame.camera,
                };
                let settings = Settings { width, height: width * 9 / 16, samples: 4, bounces: 1, seed: u64::from(*f) };
                let mut layers = cpu.trace(&stage, &settings).expect("a trace");
                cpu.denoise(&mut layers).expect("a denoised frame");
                let picture = cpu.develop(&layers, &frame.look, u64::from(*f)).expect("a picture");
                image::RgbImage::from_raw(picture.width, picture.height, picture.rgb).expect("rows of pixels")
            })
            .collect()
    }
}

fn short(d: &Does) -> String {
    match d {
        Does::Say { line, .. } => format!("say{line}"),
        Does::Go { .. } => "go".into(),
        Does::Turn { .. } => "turn".into(),
        Does::Settle { posture } => posture.name().into(),
        Does::LookAt { who } => format!("look{who}"),
        Does::Act { verb, .. } => verb.name().into(),
        Does::Feel { mood } => mood.name().into(),
    }
}

fn sheet(pictures: &[image::RgbImage], width: u32) -> image::RgbImage {
    let columns = (pictures.len() as u32).clamp(1, if width > 400 { 3 } else { 4 });
    let (w, h) = (width, width * 9 / 16);
    let mut out = image::RgbImage::new(columns * w, (pictures.len() as u32).div_ceil(columns) * h);
    for (i, p) in pictures.iter().enumerate() {
        let at = (i as u32 % columns * w, i as u32 / columns * h);
        image::imageops::replace(&mut out, p, i64::from(at.0), i64::from(at.1));
    }
    out
}

/// Made-up phones: a syllable every 0.22 s.
fn speak(line: &Line) -> Spoken {
    use MouthShape::*;
    let seconds = estimate_seconds(line);
    let cycle = [A, D, B, C, G, E, H, F];
    let n = (seconds / 0.11) as usize;
    let phones = (0..n)
        .map(|i| Phone {
            symbol: "x".into(),
            start: i as f32 * 0.11,
            end: (i + 1) as f32 * 0.11,
            mouth: cycle[i % 8],
            stressed: i % 7 == 3,
        })
        .collect();
    Spoken { seconds, phones, voice: "sample".into(), fallback: None }
}

fn scripted(path: &str) -> Story {
    let bytes = std::fs::read(path).expect("the screenplay is there");
    let script = klieg_film_script::parse(path, &bytes).expect("a screenplay");
    klieg_film_analyse::analyse(&script, path).expect("a story")
}

fn story(place: Place, culture: Culture) -> Story {
    let noir = std::env::var("NOIR").is_ok();
    let period = if noir { Period::Noir } else { Period::Modern };
    let person = |name: &str, gender, age, seed| Character {
        name: name.into(),
        age,
        gender,
        build: Build::Medium,
        culture,
        period,
        occasion: Occasion::Everyday,
        language: "en".into(),
        dress: vec![],
        line: 1,
        seed,
    };
    let mut id = 0;
    let mut say = |speaker: usize, text: &str, mood| {
        id += 1;
        let to = Some(1 - speaker.min(1));
        Beat::Line(Line {
            id: id - 1,
            speaker,
            to,
            text: text.into(),
            parenthetical: None,
            mood,
            off_screen: false,
            dual: false,
            line: 10 + id as u32,
        })
    };
    let act = |who, verb, to, prop: Option<&str>, mood| {
        Beat::Action(Action { who, verb, to, prop: prop.map(Into::into), mood, text: format!("{who} {verb:?}"), line: 50 })
    };
    let mut beats = vec![
        act(1, Verb::Enter, None, None, Mood::Neutral),
        say(0, "You came back after all these years.", Mood::Surprised),
        say(1, "I never really left, you know that.", Mood::Tender),
        say(0, "Then sit with me, and tell me everything you have seen.", Mood::Happy),
        act(1, Verb::Give, Some(0), Some("letter"), Mood::Neutral),
        act(0, Verb::Embrace, Some(1), None, Mood::Tender),
        say(1, "There is nothing left to forgive.", Mood::Sad),
    ];
    if let Ok(verbs) = std::env::var("VERBS") {
        for v in verbs.split(',').filter_map(Verb::from_name) {
            beats.push(act(
                0,
                v,
                Some(1),
                matches!(v, Verb::Drink | Verb::Pour | Verb::Eat | Verb::Take).then_some("cup"),
                Mood::Neutral,
            ));
        }
    }
    let scene = Scene {
        id: "sc010".into(),
        heading: "A PLACE".into(),
        lines: (1, 60),
        interior: false,
        place,
        place_name: "A PLACE".into(),
        time: TimeOfDay::Morning,
        weather: Weather::Clear,
        culture,
        period,
        mood: Mood::Neutral,
        occasion: Occasion::Everyday,
        present: vec![0, 1, 2],
        extras: 0,
        props: vec![],
        beats,
        sounds: vec![],
        silent: false,
        seed: 3,
    };
    let cast = vec![
        person("LAKSHMI", Gender::Female, Age::Young, 5),
        person("ARJUN", Gender::Male, Age::Middle, 9),
        person("PAATI", Gender::Female, Age::Old, 12),
    ];
    Story { title: "Sample".into(), credits: vec![], scenes: vec![scene], cast, inferences: vec![] }
}
