//! What a film job gives: the files of its turnover, its shots as they fill, and the partial cut.

use super::{CAPTION_FORMATS, FilmParams, Preparation, Range, bad, film_name, plan, ranges, select};
use crate::kind::{BadInput, File, Forecast, Format, Growing, Outputs, Piece, Read, VideoSpec};
use klieg_film_words::{FPS, shot::Cut};
use klieg_protocol::{Digest, JobSpec};
use serde_json::json;
use std::io;

/// Every file of a finished film: its name in the delivered folder, media type, task and output.
pub fn files(format: Format) -> Vec<(String, &'static str, &'static str, String)> {
    let film = match format {
        Format::Mp4 => "video/mp4",
        Format::Webm => "video/webm",
        Format::Mov => "video/quicktime",
    };
    let mut files = vec![
        (film_name(format).to_owned(), film, "conform", "film".to_owned()),
        ("contact-sheet.png".to_owned(), "image/png", "conform", "contact".to_owned()),
    ];
    for extension in CAPTION_FORMATS {
        let media = if extension == "vtt" { "text/vtt" } else { "text/plain; charset=utf-8" };
        files.push((format!("captions/film.{extension}"), media, "conform", format!("captions.{extension}")));
    }
    for stem in ["dialogue", "music", "effects", "ambience"] {
        files.push((format!("stems/{stem}.wav"), "audio/wav", "mix", stem.to_owned()));
    }
    files.push(("stems/mix.wav".to_owned(), "audio/wav", "mix", "film".to_owned()));
    files
}

pub(super) fn there(job: &JobSpec, outputs: &Outputs) -> Vec<File> {
    let Ok(params) = params(job) else { return Vec::new() };
    let found = files(params.format).into_iter().filter_map(|(name, media_type, task, output)| {
        let digest = *outputs.get(&(task.to_owned(), output))?;
        Some(File { name, media_type, digest })
    });
    found.collect()
}

fn params(job: &JobSpec) -> io::Result<FilmParams> {
    serde_json::from_value(job.params.clone()).map_err(io::Error::other)
}

/// The cut, once it is made.
fn cut(outputs: &Outputs, read: Read<'_>) -> io::Result<Option<Cut>> {
    let Some(digest) = outputs.get(&("direct".to_owned(), "cut".to_owned())) else { return Ok(None) };
    serde_json::from_slice(&read(digest)?).map(Some).map_err(io::Error::other)
}

fn output(outputs: &Outputs, range: &Range, name: &str) -> Option<Digest> {
    outputs.get(&(range.task.clone(), name.to_owned())).copied()
}

pub(super) fn pieces(job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> io::Result<Vec<Piece>> {
    let Some(cut) = cut(outputs, read)? else { return Ok(Vec::new()) };
    let ranges = ranges(&cut, &params(job)?);
    let piece = |((at, shot), first)| {
        let mine: Vec<&Range> = ranges.iter().filter(|range| range.shot == at).collect();
        let shot: &klieg_film_words::shot::Shot = shot;
        Piece {
            name: shot.name.clone(),
            group: shot.name.split('_').next().unwrap_or_default().to_owned(),
            first,
            frames: shot.frames,
            tasks: mine.iter().map(|range| range.task.clone()).collect(),
            // The middle of what there is shows best what the shot is about.
            picture: middle(mine.iter().filter_map(|range| output(outputs, range, "still")).collect()),
        }
    };
    Ok(cut.shots.iter().enumerate().zip(cut.starts()).map(piece).collect())
}

fn middle(stills: Vec<Digest>) -> Option<Digest> {
    stills.get(stills.len() / 2).copied()
}

pub(super) fn growing(job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> io::Result<Option<Growing>> {
    let Some(cut) = cut(outputs, read)? else { return Ok(None) };
    let params = params(job)?;
    let segment = |range: &Range| Some((output(outputs, range, "segment")?, range.end - range.first));
    let segments: Vec<(Digest, u32)> = ranges(&cut, &params).iter().filter_map(segment).collect();
    let (width, height) = params.size();
    let spec = VideoSpec { format: params.format, width, height, fps: FPS };
    Ok((!segments.is_empty()).then_some(Growing { spec, segments }))
}

pub(super) fn forecast(params: &FilmParams, script: Digest, bytes: &[u8]) -> Result<Forecast, BadInput> {
    let preparation = Preparation::of(bytes, params)?;
    let cut = select(preparation.direct(&preparation.estimates()), &preparation.story, params)?;
    let tasks: Vec<_> = plan::speak_tasks(&preparation)
        .into_iter()
        .chain([plan::direct_task(&preparation, params, script)])
        .chain(plan::tasks_of_cut(&preparation, &cut, params, script))
        .collect();
    let story = &preparation.story;
    let about = json!({
        "title": story.title, "scenes": story.scenes.len(), "shots": cut.shots.len(), "frames": cut.frames(),
        "film_seconds": f64::from(cut.frames()) / f64::from(FPS), "cast": story.cast.iter().map(|c| c.name.clone()).collect::<Vec<_>>(),
    });
    Ok(Forecast { tasks: tasks.len() as u64, seconds: tasks.iter().map(|task| task.ask.seconds).sum(), about })
}

/// The parameters and the script of a job, read for planning.
pub(super) fn read_in(job: &JobSpec, read: Read<'_>) -> Result<(FilmParams, Digest, Vec<u8>), BadInput> {
    let params: FilmParams = serde_json::from_value(job.params.clone()).map_err(|e| bad(&job.label, format!("parameters: {e}")))?;
    let digest = *job.inputs.get("script").ok_or_else(|| bad(&job.label, "a film job needs the input `script`".into()))?;
    let script = read(&digest).map_err(|e| bad(&params.file, format!("read: {e}")))?;
    Ok((params, digest, script))
}
