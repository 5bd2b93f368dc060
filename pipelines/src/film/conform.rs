//! The last step: segments joined without a second encode, sound, captions and chapters muxed, the delivery checked.

use super::{cut, failed, numbers, plan::ranges, prepared};
use crate::kind::{Chapter, Conform, Desk, Format, Probe, VideoSpec};
use klieg_film_words::FPS;
use klieg_film_words::shot::Cut;
use klieg_film_words::story::Story;
use klieg_protocol::{Progress, TaskFailure, TaskResult, TaskSpec};
use std::collections::BTreeMap;

/// Caption files beside the film, by extension; outputs are named `captions.srt` and so on.
pub const CAPTION_FORMATS: [&str; 3] = ["srt", "vtt", "ass"];

/// The file name of a film in this format.
pub fn film_name(format: Format) -> &'static str {
    match format {
        Format::Mp4 => "film.mp4",
        Format::Webm => "film.webm",
        Format::Mov => "film.mov",
    }
}

/// Runs the `conform` task: `film`, `captions.*`, `contact`.
pub fn run(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let (params, preparation) = prepared(task, desk)?;
    let cut = cut(desk)?;
    let story = &preparation.story;
    let (width, height) = params.size();
    let spec = VideoSpec { format: params.format, width, height, fps: FPS };
    let mut segments = Vec::new();
    for (range, (_, name)) in ranges(&cut, &params).into_iter().zip(numbers(desk, "segment/")?) {
        segments.push((desk.input_path(&name)?, range.end - range.first));
    }
    let captions = klieg_film_caption::captions(&cut, story);
    let srt = klieg_film_caption::srt(&captions);
    let sound = desk.input_path("sound")?;
    let path = desk.scratch().join(film_name(params.format));
    desk.media().conform(
        &path,
        &Conform {
            spec: &spec,
            segments: &segments,
            sound: Some(&sound),
            captions: Some(&srt).filter(|srt| !srt.is_empty()).map(String::as_str),
            language: language(story),
            chapters: &chapters(story, &cut),
            metadata: &metadata(story),
        },
    )?;
    desk.progress(Progress { fraction: 0.8, done: u64::from(cut.frames()), note: "checking the delivery".into() })?;
    check(&desk.media().probe(&path)?, &cut, &spec, !captions.is_empty())?;
    let mut stills = Vec::new();
    for (_, name) in numbers(desk, "still/")? {
        stills.push(desk.input(&name)?);
    }
    let contact = super::contact::sheet(&stills).map_err(|e| failed("lay out the contact sheet", e))?;
    let vtt = klieg_film_caption::vtt(&captions);
    let ass = klieg_film_caption::ass(&captions);
    let mut outputs = BTreeMap::from([("film".to_owned(), desk.store_file(&path)?), ("contact".to_owned(), desk.store(&contact)?)]);
    for (extension, text) in CAPTION_FORMATS.iter().zip([srt, vtt, ass]) {
        outputs.insert(format!("captions.{extension}"), desk.store(text.as_bytes())?);
    }
    Ok(TaskResult { outputs, adds: Vec::new() })
}

/// The delivery check: a film that isn't what was planned must not succeed.
fn check(probe: &Probe, cut: &Cut, spec: &VideoSpec, captioned: bool) -> Result<(), TaskFailure> {
    let seconds = f64::from(cut.frames()) / f64::from(FPS);
    let wrong = |what: String| Err(failed("pass the delivery check", what));
    if probe.frames != u64::from(cut.frames()) {
        return wrong(format!("the film has {} frames, the cut {}", probe.frames, cut.frames()));
    }
    if (probe.width, probe.height) != (spec.width, spec.height) {
        return wrong(format!("the film is {}×{}, not {}×{}", probe.width, probe.height, spec.width, spec.height));
    }
    if probe.audio.is_none() || (probe.audio_seconds - seconds).abs() > 0.1 {
        return wrong(format!("the sound lasts {:.2} s, the picture {seconds:.2} s", probe.audio_seconds));
    }
    // ProRes masters and WebM carry captions beside the film only where the container has no text track.
    if captioned && spec.format == Format::Mp4 && probe.captions == 0 {
        return wrong("the captions are missing".into());
    }
    Ok(())
}

/// One chapter a scene; the title card belongs to the first.
fn chapters(story: &Story, cut: &Cut) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut scene = None;
    for (shot, start) in cut.shots.iter().zip(cut.starts()) {
        if scene != Some(shot.scene) {
            chapters.push((f64::from(start) / f64::from(FPS), story.scenes[shot.scene].heading.clone()));
            scene = Some(shot.scene);
        }
    }
    chapters
}

fn metadata(story: &Story) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::from([("title".to_owned(), story.title.clone())]);
    if let Some(credit) = story.credits.last() {
        metadata.insert("artist".to_owned(), credit.clone());
    }
    metadata
}

/// ISO 639-2/T code of the language most characters speak.
fn language(story: &Story) -> &'static str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for person in &story.cast {
        *counts.entry(person.language.as_str()).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, n)| *n).map_or("en", |(language, _)| language);
    match most {
        "ta" => "tam",
        "te" => "tel",
        "ml" => "mal",
        "kn" => "kan",
        "hi" => "hin",
        "pa" => "pan",
        "bn" => "ben",
        "zh" => "zho",
        "ja" => "jpn",
        "ko" => "kor",
        "ar" => "ara",
        "es" => "spa",
        "fr" => "fra",
        "de" => "deu",
        "it" => "ita",
        "pt" => "por",
        "en" => "eng",
        _ => "und",
    }
}
