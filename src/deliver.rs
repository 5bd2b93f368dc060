//! From the farm's artifacts to the folder a studio takes away: the film, captions, stems, contact sheet, manifest; and, while
//! the render runs, the growing partial cut.

use crate::cli::{Order, Stop};
use crate::house::House;
use klieg_film_words::FPS;
use klieg_film_words::shot::Cut;
use klieg_film_words::sound::Spoken;
use klieg_pipelines::film::{self, FilmParams, Preparation, Range, film_name, ranges};
use klieg_pipelines::kind::{Conform, Media, VideoSpec};
use klieg_protocol::{Digest, Event, JobId, TaskName};
use klieg_scheduler::TaskRecord;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What was delivered.
pub struct Delivery {
    pub folder: PathBuf,
    pub film: PathBuf,
    pub frames: u32,
    pub cost: f64,
    pub price: f64,
    /// What the user should know: voices that stood in for others.
    pub remarks: Vec<String>,
}

/// Makes the output folder and checks that it can be written to, before any work is done.
pub fn check_folder(folder: &Path) -> Result<(), Stop> {
    let refuse = |e: std::io::Error| {
        Stop::bad(format!("{}: can't be written to: {e}; choose another folder with --out DIR", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(refuse)?;
    let probe = folder.join(".klieg-write-check");
    std::fs::write(&probe, b"").map_err(refuse)?;
    std::fs::remove_file(&probe).map_err(refuse)
}

/// Writes everything into the folder; each file appears whole or not at all, the manifest last.
pub async fn deliver(farm: &impl House, job: &JobId, order: &Order, preparation: &Preparation) -> Result<Delivery, Stop> {
    let records = farm.tasks(job).await?;
    let outputs = outputs(&records);
    let output = |task: &str, name: &str| {
        outputs
            .get(&(task.to_owned(), name.to_owned()))
            .copied()
            .ok_or_else(|| Stop::failed(format!("the job left no {task}/{name}")))
    };
    let name = film_name(order.params.format);
    let mut files = Vec::new();
    for (file, _, task, made) in film::files(order.params.format) {
        files.push((file, output(task, &made)?));
    }
    for (file, digest) in &files {
        place(&farm.file(*digest).await?, &order.out.join(file))?;
    }
    let cut: Cut = artifact(farm, output("direct", "cut")?).await?;
    let loudness: Value = artifact(farm, output("mix", "loudness")?).await?;
    let spoken = spoken(farm, &outputs).await?;
    let manifest = manifest(job, order, preparation, &cut, &Facts { records: &records, files: &files, loudness, spoken: &spoken });
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| Stop::failed(format!("write the manifest: {e}")))?;
    write_whole(&order.out.join("manifest.json"), &text)?;
    let _ = std::fs::remove_file(order.out.join(partial_name(order)));
    let mut given = vec![order.out.join(name)];
    crate::seal::seal(&mut given, &order.out, order.farm.seal.identity()?.as_ref())?;
    Ok(Delivery {
        folder: order.out.clone(),
        film: order.out.join(name),
        frames: cut.frames(),
        cost: records.iter().map(|r| r.cost).sum(),
        price: order.farm.price,
        remarks: spoken.values().filter_map(|s| s.fallback.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
    })
}

/// (task, name) → artifact.
fn outputs(records: &[TaskRecord]) -> BTreeMap<(TaskName, String), Digest> {
    let of = |task: &TaskRecord| {
        let name = task.name.clone();
        task.outputs.clone().into_iter().map(move |(output, digest)| ((name.clone(), output), digest))
    };
    records.iter().flat_map(of).collect()
}

async fn artifact<T: serde::de::DeserializeOwned>(farm: &impl House, digest: Digest) -> Result<T, Stop> {
    let bytes = farm.bytes(digest).await?;
    serde_json::from_slice(&bytes).map_err(|e| Stop::failed(format!("read artifact {digest}: {e}")))
}

async fn spoken(farm: &impl House, outputs: &BTreeMap<(TaskName, String), Digest>) -> Result<BTreeMap<usize, Spoken>, Stop> {
    let mut all = BTreeMap::new();
    for ((task, name), digest) in outputs {
        if let (Some(line), "spoken") = (task.strip_prefix("speak/").and_then(|n| n.parse().ok()), name.as_str()) {
            all.insert(line, artifact(farm, *digest).await?);
        }
    }
    Ok(all)
}

/// Copies an artifact to its place by way of a temporary name, so that no reader sees half of it.
pub fn place(from: &Path, to: &Path) -> Result<(), Stop> {
    let failed = |e: std::io::Error| Stop::failed(format!("write {}: {e}", to.display()));
    std::fs::create_dir_all(to.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    let temporary = temporary(to);
    let placed = std::fs::copy(from, &temporary).and_then(|_| std::fs::rename(&temporary, to));
    placed.map_err(|e| {
        let _ = std::fs::remove_file(&temporary);
        failed(e)
    })
}

pub fn write_whole(to: &Path, bytes: &[u8]) -> Result<(), Stop> {
    let temporary = temporary(to);
    let written = std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, to));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&temporary);
        Stop::failed(format!("write {}: {e}", to.display()))
    })
}

fn temporary(to: &Path) -> PathBuf {
    to.with_file_name(format!(".{}.partly", to.file_name().unwrap_or_default().to_string_lossy()))
}

struct Facts<'a> {
    records: &'a [TaskRecord],
    files: &'a [(String, Digest)],
    loudness: Value,
    spoken: &'a BTreeMap<usize, Spoken>,
}

/// Everything a later reader needs to know what the film was made from, and how.
fn manifest(job: &JobId, order: &Order, preparation: &Preparation, cut: &Cut, facts: &Facts<'_>) -> Value {
    let story = &preparation.story;
    let seconds = |frames: u32| f64::from(frames) / f64::from(FPS);
    let tasks_of = |shot: usize| -> Vec<Value> {
        let names: BTreeSet<String> = ranges(cut, &order.params).into_iter().filter(|r| r.shot == shot).map(|r| r.task).collect();
        facts.records.iter().filter(|r| names.contains(&r.name)).map(task).collect()
    };
    let shots: Vec<Value> = cut
        .shots
        .iter()
        .zip(cut.starts())
        .enumerate()
        .map(|(i, (shot, start))| {
            json!({
                "name": shot.name, "scene": story.scenes[shot.scene].id, "start_frame": start, "frames": shot.frames, "seed": shot.seed,
                "purpose": shot.purpose, "size": shot.size, "angle": shot.angle, "movement": shot.movement,
                "lens_mm": shot.camera.first().map(|k| k.lens_mm), "script_lines": shot.script_lines,
                "cost": facts.records.iter().filter(|r| r.name.starts_with(&format!("render/{}/", shot.name))).map(|r| r.cost).sum::<f64>(),
                "tasks": tasks_of(i),
            })
        })
        .collect();
    let lines: Vec<Value> = preparation
        .lines()
        .iter()
        .filter_map(|line| {
            let spoken = facts.spoken.get(&line.id)?;
            Some(json!({
                "script_line": line.line, "speaker": story.cast[line.speaker].name, "text": line.text, "voice": spoken.voice,
                "voice_fallback": spoken.fallback, "seconds": spoken.seconds,
            }))
        })
        .collect();
    json!({
        "klieg": env!("CARGO_PKG_VERSION"),
        "job": job.0,
        "script": {"file": order.params.file, "digest": Digest::of(&order.script).hex(), "bytes": order.script.len()},
        "lut": order.params.lut,
        "params": order.params,
        "tools": tools(),
        "renderer": "previz",
        "digital_source_type": klieg_provenance::Source::Algorithmic.uri(),
        "title": story.title,
        "seconds": seconds(cut.frames()),
        "frames": cut.frames(),
        "outputs": facts.files.iter().map(|(file, digest)| json!({"file": file, "digest": digest})).collect::<Vec<_>>(),
        "loudness": facts.loudness,
        "scenes": story.scenes.iter().map(|s| json!({"id": s.id, "heading": s.heading, "lines": s.lines, "culture": s.culture,
            "period": s.period, "place": s.place, "time": s.time, "weather": s.weather, "mood": s.mood, "seed": s.seed})).collect::<Vec<_>>(),
        "cast": story.cast.iter().zip(&preparation.designs).zip(&preparation.voices).map(|((c, design), voice)| json!({
            "name": c.name, "seed": c.seed, "voice": voice, "design": design})).collect::<Vec<_>>(),
        "lines": lines,
        "shots": shots,
        "tasks": facts.records.iter().map(task).collect::<Vec<_>>(),
        "cost": facts.records.iter().map(|r| r.cost).sum::<f64>(),
        "price_per_slot_hour": order.farm.price,
    })
}

fn task(record: &TaskRecord) -> Value {
    json!({"name": record.name, "step": record.step, "attempts": record.attempts, "reused": record.reused, "seconds": record.seconds,
        "cost": record.cost, "outputs": record.outputs})
}

/// Versions of the programs and libraries that had a hand in the film.
fn tools() -> Value {
    let speech: Vec<_> = klieg_film_speech::available().into_iter().filter_map(|a| Some((a.program, a.path?))).collect();
    json!({"ffmpeg": klieg_nodes::encode::version(), "speech": speech, "sound_font": klieg_film_score::font_path()})
}

fn partial_name(order: &Order) -> String {
    film_name(order.params.format).replace("film.", "partial.")
}

/// The partial cut: finished shots in film order, joined again whenever one more is done.
pub struct Partial {
    path: PathBuf,
    params: FilmParams,
    ranges: Vec<Range>,
    segments: BTreeMap<TaskName, Digest>,
    reused_only: bool,
}

impl Partial {
    /// No shot is finished yet.
    pub fn new(order: &Order) -> Self {
        Self {
            path: order.out.join(partial_name(order)),
            params: order.params.clone(),
            ranges: Vec::new(),
            segments: BTreeMap::new(),
            reused_only: true,
        }
    }

    /// Takes in an event; the path when the partial cut has grown. A partial cut that can't be written is no reason to stop.
    pub async fn take(&mut self, farm: &impl House, event: &Event, media: &dyn Media) -> Option<PathBuf> {
        let Event::TaskSucceeded { task, outputs, reused, .. } = event else { return None };
        if let Some(digest) = outputs.get("cut").filter(|_| task == "direct") {
            self.ranges = artifact::<Cut>(farm, *digest).await.map(|cut| ranges(&cut, &self.params)).unwrap_or_default();
            return None;
        }
        self.segments.insert(task.clone(), *outputs.get("segment").filter(|_| task.starts_with("render/"))?);
        self.reused_only &= reused;
        // While everything comes from the cache the film itself is a moment away.
        if self.reused_only { None } else { self.write(farm, media).await }
    }

    async fn write(&self, farm: &impl House, media: &dyn Media) -> Option<PathBuf> {
        let mut segments: Vec<(PathBuf, u32)> = Vec::new();
        for range in &self.ranges {
            if let Some(digest) = self.segments.get(&range.task) {
                segments.push((farm.file(*digest).await.ok()?, range.end - range.first));
            }
        }
        let (width, height) = self.params.size();
        let film = Conform {
            spec: &VideoSpec { format: self.params.format, width, height, fps: FPS },
            segments: &segments,
            sound: None,
            captions: None,
            language: "und",
            chapters: &[],
            metadata: &BTreeMap::new(),
        };
        media.conform(&self.path, &film).ok().map(|()| self.path.clone())
    }
}
