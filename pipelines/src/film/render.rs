//! One render task: a frame range of a shot, from poses to an encoded segment and a still.

use super::blur::soften;
use super::lettering::Lettering;
use super::plan::RenderParams;
use super::{device_failed, failed};
use crate::kind::{self, Desk};
use klieg_film_animate::{Frame, Performance};
use klieg_film_words::mix;
use klieg_film_words::sound::Spoken;
use klieg_kernels::convert::Transfer;
use klieg_kernels::cube::Lut;
use klieg_kernels::pixels::Pixels;
use klieg_kernels::{Build, Device, Finish, Picture, Settings, Solid, Stage};
use klieg_protocol::{Progress, TaskFailure, TaskResult};
use std::collections::BTreeMap;

/// Runs a `render` task.
pub fn run(params: &RenderParams, desk: &mut dyn Desk, device: &Device) -> Result<TaskResult, TaskFailure> {
    let spoken: BTreeMap<usize, Spoken> = super::numbered(desk, "spoken/")?.into_iter().collect();
    let performance = Performance::new(&params.brief, &spoken);
    let lut = lut(desk)?;
    let studio = Studio::open(&performance, params, lut, device)?;
    let path = desk.scratch().join("segment");
    let mut segment = desk.media().encode(&path, &params.video)?;
    let (first, end) = params.range;
    // The still shows the middle of the range's action rather than its first, often settling, picture.
    let still_at = performance.pose_of((first + end) / 2).max(first);
    let mut still = None;
    let mut held: Option<(u32, Held)> = None;
    for frame in first..end {
        let pose = performance.pose_of(frame);
        if held.as_ref().is_none_or(|(of, _)| *of != pose) {
            held = Some((pose, studio.hold(&performance, pose, pose == still_at)?));
        }
        match &held {
            Some((_, Held::Frame(frame))) => segment.push(frame)?,
            Some((_, Held::Picture(picture))) => {
                let shown = studio.lettered(picture, frame, params.brief.shot.frames);
                segment.push(&studio.converted(&shown)?)?;
                if pose == still_at {
                    still.get_or_insert(shown);
                }
            }
            None => {}
        }
        let done = frame + 1 - first;
        desk.progress(Progress { fraction: done as f32 / (end - first) as f32, done: u64::from(done), note: "frames".into() })?;
    }
    segment.finish()?;
    let still = still.ok_or_else(|| failed("choose a still", "the range has no frame"))?;
    let image =
        image::RgbImage::from_raw(still.width, still.height, still.rgb).ok_or_else(|| failed("keep the still", "wrong size"))?;
    let png = super::contact::png(&image).map_err(|e| failed("keep the still", e))?;
    let outputs = BTreeMap::from([("segment".to_owned(), desk.store_file(&path)?), ("still".to_owned(), desk.store(&png)?)]);
    Ok(TaskResult { outputs, adds: Vec::new() })
}

/// The film's table, if it has one.
fn lut(desk: &mut dyn Desk) -> Result<Option<Lut>, TaskFailure> {
    if !desk.inputs().iter().any(|name| name == "lut") {
        return Ok(None);
    }
    super::read_lut("lut", &desk.input("lut")?).map(Some).map_err(super::input_fault)
}

/// What is shown for as long as a pose is held.
enum Held {
    /// Ready for the encoder; no colours ever came back from the device.
    Frame(kind::Frame),
    /// To be lettered, or kept as the still.
    Picture(Picture),
}

/// What stays the same over a range: the device, the set with its BVH, the lettering, the table.
struct Studio<'a> {
    device: &'a Device,
    set: Solid,
    lettering: Option<Lettering>,
    lut: Option<Lut>,
    settings: Settings,
    layout: kind::Layout,
}

impl<'a> Studio<'a> {
    fn open(performance: &Performance, params: &RenderParams, lut: Option<Lut>, device: &'a Device) -> Result<Self, TaskFailure> {
        let set = device.solid(performance.set(), Build::Best).map_err(|e| device_failed("build the set", e))?;
        let (width, height) = (params.video.width, params.video.height);
        let lettering = params.card.as_ref().map(|card| Lettering::set(card, width, height)).transpose()?;
        // Behind a card everything is softened so far that one sample a pixel looks like sixteen.
        let samples = if lettering.is_some() { 1 } else { params.samples };
        let settings = Settings { width, height, samples, bounces: 1, seed: params.brief.shot.seed };
        Ok(Self { device, set, lettering, lut, settings, layout: params.video.format.layout() })
    }

    /// Makes a pose's picture; its colours come back where they are wanted.
    fn hold(&self, performance: &Performance, pose: u32, wanted: bool) -> Result<Held, TaskFailure> {
        let Frame { moving, lights, mut camera, sky, fog, look } = performance.frame(pose);
        if self.lettering.is_some() {
            camera.aperture_m = 0.0;
        }
        let moving = self.device.solid(&moving, Build::Fast).map_err(|e| device_failed("build the puppets", e))?;
        let stage = Stage { solids: &[&self.set, &moving], lights: &lights, sky: &sky, fog: &fog, camera: &camera };
        let seed = mix(self.settings.seed ^ u64::from(pose));
        let settings = Settings { seed, ..self.settings };
        let finish = Finish { look: &look, lut: self.lut.as_ref() };
        if self.lettering.is_some() {
            return self.behind_card(&stage, &settings, finish).map(Held::Picture);
        }
        let made = if wanted {
            self.device.picture(&stage, &settings, finish, seed).map(Held::Picture)
        } else {
            self.device.frame(&stage, &settings, finish, seed, self.layout).map(Held::Frame)
        };
        made.map_err(|e| device_failed("make the picture", e))
    }

    /// A picture far out of focus.
    fn behind_card(&self, stage: &Stage<'_>, settings: &Settings, finish: Finish<'_>) -> Result<Picture, TaskFailure> {
        let mut layers = self.device.trace(stage, settings).map_err(|e| device_failed("trace", e))?;
        self.device.denoise(&mut layers).map_err(|e| device_failed("denoise", e))?;
        soften(&mut layers);
        self.device.develop(&layers, finish, settings.seed).map_err(|e| device_failed("develop", e))
    }

    /// The picture with its letters, if it has any.
    fn lettered(&self, picture: &Picture, frame: u32, frames: u32) -> Picture {
        let mut lettered = picture.clone();
        if let Some(lettering) = &self.lettering {
            lettering.lay(&mut lettered, frame, frames);
        }
        lettered
    }

    fn converted(&self, picture: &Picture) -> Result<kind::Frame, TaskFailure> {
        let converted = self.device.convert(&Pixels::from(picture), Transfer::Coded, self.layout);
        converted.map_err(|e| device_failed("convert the picture", e))
    }
}
