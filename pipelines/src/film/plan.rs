//! The film's task graph. First the lines are spoken; when their lengths are known, `direct` makes the cut and adds the rest:
//! render tasks, score cues, the mix, and the conform that ends it.

use super::lettering::{Card, Row};
use super::localise::{Local, localise};
use super::params::FilmParams;
use super::preparation::Preparation;
use klieg_film_score::CueBrief;
use klieg_film_words::FPS;
use klieg_film_words::shot::{Cut, Purpose, Shot};
use klieg_film_words::story::Story;
use klieg_protocol::{Ask, Class, Digest, Input, Source, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest and shortest frame range of a render task, where the shot allows: pictures that take long make shorter tasks.
const RANGE_FRAMES: (u32, u32) = (12, 48);
/// What a render task should take of one CPU slot, in seconds.
const RANGE_SECONDS: f64 = 45.0;
const MIB: u64 = 1 << 20;
const RENDER_BYTES: u64 = 500 * MIB;
const PIXEL_BYTES: u64 = 256;

/// Parameters of a `render` task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderParams {
    pub brief: klieg_film_animate::ShotBrief,
    /// First frame and one past the last, within the shot.
    pub range: (u32, u32),
    /// Samples a pixel.
    pub samples: u32,
    pub video: crate::kind::VideoSpec,
    pub card: Option<Card>,
    /// What makes the pictures. Of the whole film the same.
    #[serde(default)]
    pub device: Class,
}

/// A render task's place in the film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Name of the render task: `render/sc010_sh020/0`.
    pub task: String,
    /// Index of the shot in the cut.
    pub shot: usize,
    pub first: u32,
    pub end: u32,
}

/// The `speak` task of every line.
pub fn speak_tasks(preparation: &Preparation) -> Vec<TaskSpec> {
    let lines = preparation.lines();
    let task = |line: &&klieg_film_words::story::Line| TaskSpec {
        name: speak_name(line.id),
        step: "speak".into(),
        params: json!(preparation.utterance(line)),
        inputs: BTreeMap::new(),
        ask: Ask { memory_bytes: 64 * MIB, seconds: 0.4, ..Ask::default() },
        rank: 0,
        label: format!("{}: {}", preparation.story.cast[line.speaker].name, shortened(&line.text)),
    };
    lines.iter().map(task).collect()
}

/// The task that makes the cut once every line is spoken.
pub fn direct_task(preparation: &Preparation, params: &FilmParams, script: Digest) -> TaskSpec {
    let mut inputs = BTreeMap::from([("script".to_owned(), Input { from: Source::Blob(script) })]);
    for line in preparation.lines() {
        inputs.insert(format!("spoken/{:05}", line.id), output(&speak_name(line.id), "spoken"));
    }
    TaskSpec {
        name: "direct".into(),
        step: "direct".into(),
        params: json!(params),
        inputs,
        ask: Ask { memory_bytes: 64 * MIB, seconds: 0.1, ..Ask::default() },
        rank: 1,
        label: "shots and camera".into(),
    }
}

/// Everything that follows from the cut.
pub fn tasks_of_cut(preparation: &Preparation, cut: &Cut, params: &FilmParams, script: Digest) -> Vec<TaskSpec> {
    let ranges = ranges(cut, params);
    let mut tasks: Vec<TaskSpec> = ranges.iter().map(|range| render_task(preparation, cut, range, params)).collect();
    tasks.extend(score_tasks(preparation, cut, params));
    // What no picture goes into is the same, whatever makes the pictures.
    let params = &FilmParams { device: None, ..params.clone() };
    tasks.push(mix_task(preparation, cut, params, script));
    tasks.push(conform_task(&ranges, params, script));
    tasks
}

/// Cuts every shot into equal, even ranges. Depends on the cut and the film's fineness, never on who renders.
pub fn ranges(cut: &Cut, params: &FilmParams) -> Vec<Range> {
    let longest = range_frames(params);
    let mut ranges = Vec::new();
    for (index, shot) in cut.shots.iter().enumerate() {
        let parts = shot.frames.div_ceil(longest).max(1);
        let length = shot.frames.div_ceil(parts).next_multiple_of(2);
        let mut first = 0;
        while first < shot.frames {
            let end = (first + length).min(shot.frames);
            ranges.push(Range { task: format!("render/{}/{first:04}", shot.name), shot: index, first, end });
            first = end;
        }
    }
    ranges
}

fn range_frames(params: &FilmParams) -> u32 {
    let (shortest, longest) = RANGE_FRAMES;
    let frames = f64::from(longest);
    let fitting = frames * RANGE_SECONDS / render_seconds(poses(longest, params.on), params);
    (fitting.min(frames) as u32).max(shortest).next_multiple_of(2)
}

/// Scenes that appear in the cut, in order.
pub fn scenes_of(cut: &Cut) -> Vec<usize> {
    let mut scenes: Vec<usize> = cut.shots.iter().map(|s| s.scene).collect();
    scenes.dedup();
    scenes
}

fn render_task(preparation: &Preparation, cut: &Cut, range: &Range, params: &FilmParams) -> TaskSpec {
    let shot = &cut.shots[range.shot];
    let Local { brief, lines } = localise(shot, preparation, params.on);
    let poses = poses(range.end - range.first, params.on);
    let (width, height) = params.size();
    let class = params.device.unwrap_or_default();
    let render = RenderParams {
        brief,
        range: (range.first, range.end),
        samples: params.samples(),
        video: crate::kind::VideoSpec { format: params.format, width, height, fps: FPS },
        card: card(shot, preparation),
        device: class,
    };
    let spoken = lines.iter().enumerate().map(|(local, id)| (format!("spoken/{local:05}"), output(&speak_name(*id), "spoken")));
    let lut = params.lut.iter().map(|lut| ("lut".to_owned(), Input { from: Source::Blob(lut.digest) }));
    TaskSpec {
        name: range.task.clone(),
        step: "render".into(),
        params: json!(render),
        inputs: spoken.chain(lut).collect(),
        ask: Ask { memory_bytes: render_bytes(width, height), seconds: render_seconds(poses, params), class, ..Ask::default() },
        rank: 10 + range.shot as u32,
        label: format!("{}, frames {}–{}", shot.name, range.first, range.end - 1),
    }
}

/// Estimated seconds on one CPU slot for `poses` pictures. Measured on 2 cores of an AMD EPYC (Zen 4); used for estimates only.
pub fn render_seconds(poses: u32, params: &FilmParams) -> f64 {
    let (width, height) = params.size();
    let samples = f64::from(width) * f64::from(height) * f64::from(params.samples());
    1.2 + f64::from(poses) * (0.1 + 0.6e-6 * samples)
}

/// Memory of a render task: the set with its tree, and the layers of a picture.
fn render_bytes(width: u32, height: u32) -> u64 {
    RENDER_BYTES + u64::from(width) * u64::from(height) * PIXEL_BYTES
}

/// Pictures that `frames` frames hold.
pub fn poses(frames: u32, on: klieg_film_animate::On) -> u32 {
    match on {
        klieg_film_animate::On::Ones => frames,
        klieg_film_animate::On::Twos => frames.div_ceil(2),
    }
}

fn card(shot: &Shot, preparation: &Preparation) -> Option<Card> {
    let story = &preparation.story;
    match shot.purpose {
        Purpose::Title => {
            let rows = story.credits.iter().take(3).cloned().map(Row::Line).collect();
            Some(Card { title: story.title.clone(), rows, fade_frames: 10 })
        }
        Purpose::Credits => Some(Card { title: String::new(), rows: credit_rows(preparation), fade_frames: 8 }),
        _ => None,
    }
}

/// Title and authors, then cast and voices, then music.
fn credit_rows(preparation: &Preparation) -> Vec<Row> {
    let story = &preparation.story;
    let mut rows = vec![Row::Heading(story.title.clone())];
    rows.extend(story.credits.iter().cloned().map(Row::Line));
    let speaking: std::collections::BTreeSet<usize> = preparation.lines().iter().map(|l| l.speaker).collect();
    if !speaking.is_empty() {
        rows.push(Row::Heading("Cast and voices".into()));
    }
    for id in speaking {
        rows.push(Row::Pair(in_title_case(&story.cast[id].name), preparation.voices[id].credit()));
    }
    rows.push(Row::Heading("Music".into()));
    rows.push(Row::Line("composed and played by klieg".into()));
    rows
}

fn in_title_case(name: &str) -> String {
    let word = |w: &str| {
        let mut letters = w.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + &letters.as_str().to_lowercase()).unwrap_or_default()
    };
    name.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn score_tasks(preparation: &Preparation, cut: &Cut, params: &FilmParams) -> Vec<TaskSpec> {
    let scenes = scenes_of(cut);
    let task = |scene: &usize| {
        let brief = cue_brief(&preparation.story, *scene, cut, params.seed, Some(scene) == scenes.last());
        TaskSpec {
            name: score_name(*scene),
            step: "score".into(),
            ask: Ask { memory_bytes: 400 * MIB, seconds: 1.0 + f64::from(brief.seconds) * 0.06, ..Ask::default() },
            params: json!(brief),
            inputs: BTreeMap::new(),
            rank: 5000,
            label: format!("music of {}", preparation.story.scenes[*scene].id),
        }
    };
    scenes.iter().filter(|s| !preparation.story.scenes[**s].silent).map(task).collect()
}

fn cue_brief(story: &Story, scene: usize, cut: &Cut, seed: u64, last: bool) -> CueBrief {
    let s = &story.scenes[scene];
    CueBrief {
        culture: s.culture,
        period: s.period,
        mood: s.mood,
        place: s.place,
        time: s.time,
        occasion: s.occasion,
        seconds: klieg_film_mix::cue_seconds(cut, scene),
        film_seed: klieg_film_words::mix(klieg_film_words::seed_of(&[&story.title]) ^ seed),
        seed: s.seed,
        last,
    }
}

fn mix_task(preparation: &Preparation, cut: &Cut, params: &FilmParams, script: Digest) -> TaskSpec {
    let mut inputs =
        BTreeMap::from([("script".to_owned(), Input { from: Source::Blob(script) }), ("cut".to_owned(), output("direct", "cut"))]);
    for line in &cut.lines {
        inputs.insert(format!("sound/{:05}", line.line), output(&speak_name(line.line), "sound"));
    }
    for scene in scenes_of(cut).into_iter().filter(|s| !preparation.story.scenes[*s].silent) {
        inputs.insert(format!("score/{scene:05}"), output(&score_name(scene), "music"));
    }
    let seconds = f64::from(cut.frames()) / f64::from(FPS);
    TaskSpec {
        name: "mix".into(),
        step: "mix".into(),
        params: json!(params),
        inputs,
        ask: Ask { memory_bytes: 300 * MIB, seconds: 0.5 + seconds * 0.1, ..Ask::default() },
        rank: 5001,
        label: "stems and mix".into(),
    }
}

fn conform_task(ranges: &[Range], params: &FilmParams, script: Digest) -> TaskSpec {
    let mut inputs = BTreeMap::from([
        ("script".to_owned(), Input { from: Source::Blob(script) }),
        ("cut".to_owned(), output("direct", "cut")),
        ("sound".to_owned(), output("mix", "film")),
    ]);
    for (i, range) in ranges.iter().enumerate() {
        inputs.insert(format!("segment/{i:05}"), output(&range.task, "segment"));
        if range.first == 0 {
            inputs.insert(format!("still/{:05}", range.shot), output(&range.task, "still"));
        }
    }
    TaskSpec {
        name: "conform".into(),
        step: "conform".into(),
        params: json!(params),
        inputs,
        ask: Ask { memory_bytes: 200 * MIB, seconds: 2.0, ..Ask::default() },
        rank: 5002,
        label: "film, captions, contact sheet".into(),
    }
}

fn output(task: &str, name: &str) -> Input {
    Input { from: Source::Output { task: task.to_owned(), name: name.to_owned() } }
}

fn speak_name(line: usize) -> String {
    format!("speak/{line:05}")
}

fn score_name(scene: usize) -> String {
    format!("score/{scene:05}")
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{}…", short.trim_end()) } else { short }
}

/// `klieg plan`: everything but the films' pixels and sounds.
pub fn forecast(preparation: &Preparation, cut: &Cut, params: &FilmParams, script: Digest) -> Value {
    let tasks: Vec<TaskSpec> = speak_tasks(preparation)
        .into_iter()
        .chain([direct_task(preparation, params, script)])
        .chain(tasks_of_cut(preparation, cut, params, script))
        .collect();
    json!({
        "title": preparation.story.title,
        "scenes": preparation.story.scenes,
        "cast": preparation.story.cast,
        "shots": cut.shots,
        "frames": cut.frames(),
        "seconds": f64::from(cut.frames()) / f64::from(FPS),
        "tasks": tasks.iter().map(|t| json!({"name": t.name, "step": t.step, "label": t.label, "seconds": t.ask.seconds, "memory_bytes": t.ask.memory_bytes})).collect::<Vec<_>>(),
        "slot_seconds": tasks.iter().map(|t| t.ask.seconds).sum::<f64>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film::{Film, made_on};
    use crate::kind::Kind;
    use klieg_kernels::{Choice, Device};
    use klieg_protocol::{Fault, JobSpec};

    const SCRIPT: &[u8] = b"INT. KITCHEN - DAY\n\nANNA (30s) stands at the table.\n\nANNA\nTea?\n";

    fn params(device: Option<Class>) -> FilmParams {
        let mut params: FilmParams = serde_json::from_value(json!({"file": "a.fountain"})).unwrap();
        params.device = device;
        params
    }

    /// All tasks of a film that somebody wants made on `asked`, in a farm that would take `auto`.
    fn tasks(asked: Option<Class>, auto: Class) -> BTreeMap<String, TaskSpec> {
        let script = Digest::of(SCRIPT);
        let inputs = BTreeMap::from([("script".to_owned(), script)]);
        let spec = JobSpec { kind: "film".into(), label: "l".into(), params: json!(params(asked)), inputs };
        let mut tasks = Film::default().plan(&spec, auto, &|_| Ok(SCRIPT.to_vec())).unwrap().tasks;
        // As `direct` goes on with what it was given.
        let direct = tasks.iter().find(|task| task.name == "direct").unwrap();
        let params: FilmParams = serde_json::from_value(direct.params.clone()).unwrap();
        let preparation = Preparation::of(SCRIPT, &params).unwrap();
        let cut = preparation.direct(&preparation.estimates());
        tasks.extend(tasks_of_cut(&preparation, &cut, &params, script));
        tasks.into_iter().map(|task| (task.name.clone(), task)).collect()
    }

    #[test]
    fn a_film_is_made_of_one_classs_pixels() {
        let (cpu, cuda) = (tasks(None, Class::Cpu), tasks(None, Class::Cuda));
        assert_eq!(tasks(Some(Class::Cuda), Class::Cpu), cuda, "what was asked for goes before what the farm would take");
        assert!(cpu.keys().eq(cuda.keys()));
        let mut pictures = 0;
        for (one, other) in cpu.values().zip(cuda.values()) {
            if one.step == "render" {
                pictures += 1;
                assert_eq!((one.ask.class, other.ask.class), (Class::Cpu, Class::Cuda));
            } else {
                assert_eq!((one.ask.class, other.ask.class), (Class::Cpu, Class::Cpu), "{}", one.name);
            }
            // The parameters are what names a result in the cache: those of pictures differ, and of what leads to them; sound's do not.
            assert_eq!(one.params != other.params, matches!(one.step.as_str(), "render" | "direct"), "{}", one.name);
        }
        assert!(pictures > 1);
    }

    #[test]
    fn a_worker_of_another_class_makes_no_pictures_of_the_film() {
        let device = Device::open(Choice::Cpu, 1).unwrap();
        assert_eq!(made_on(&device, Class::Cpu), Ok(()));
        let refusal = made_on(&device, Class::Cuda).unwrap_err();
        assert_eq!(refusal.fault, Fault::Node);
        assert!(refusal.message.contains("pictures of class cuda: this worker makes them on cpu"), "{}", refusal.message);
    }
}
