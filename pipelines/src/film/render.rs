//! One render task: a frame range of a shot, from poses to an encoded segment and a still.

use super::blur::soften;
use super::lettering::Lettering;
use super::plan::RenderParams;
use super::{device_failed, failed, from_json};
use crate::kind::Desk;
use klieg_film_animate::{Frame, Performance};
use klieg_film_words::mix;
use klieg_film_words::sound::Spoken;
use klieg_kernels::{Build, Device, Picture, Settings, Solid, Stage};
use klieg_protocol::{Progress, TaskFailure, TaskResult, TaskSpec};
use std::collections::BTreeMap;

/// Runs a `render` task.
pub fn run(task: &TaskSpec, desk: &mut dyn Desk, device: &Device) -> Result<TaskResult, TaskFailure> {
    let params: RenderParams = from_json(&task.params)?;
    let spoken: BTreeMap<usize, Spoken> = super::numbered(desk, "spoken/")?.into_iter().collect();
    let performance = Performance::new(&params.brief, &spoken);
    let studio = Studio::open(&performance, &params, device)?;
    let path = desk.scratch().join("segment");
    let mut segment = desk.media().encode(&path, &params.video)?;
    let (first, end) = params.range;
    // The still shows the middle of the range's action rather than its first, often settling, picture.
    let still_at = performance.pose_of((first + end) / 2).max(first);
    let mut still = None;
    let mut held: Option<(u32, Picture)> = None;
    for frame in first..end {
        let pose = performance.pose_of(frame);
        if held.as_ref().is_none_or(|(of, _)| *of != pose) {
            held = Some((pose, studio.picture(&performance, pose)?));
        }
        let Some((_, picture)) = &held else { continue };
        let mut lettered = picture.clone();
        if let Some(lettering) = &studio.lettering {
            lettering.lay(&mut lettered, frame, params.brief.shot.frames);
        }
        segment.push(&lettered.rgb)?;
        if pose == still_at && still.is_none() {
            still = Some(lettered);
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

/// What stays the same over a range: the device, the set with its BVH, the lettering.
struct Studio<'a> {
    device: &'a Device,
    set: Solid,
    lettering: Option<Lettering>,
    settings: Settings,
}

impl<'a> Studio<'a> {
    fn open(performance: &Performance, params: &RenderParams, device: &'a Device) -> Result<Self, TaskFailure> {
        let set = device.solid(performance.set(), Build::Best).map_err(|e| device_failed("build the set", e))?;
        let (width, height) = (params.video.width, params.video.height);
        let lettering = params.card.as_ref().map(|card| Lettering::set(card, width, height)).transpose()?;
        // Behind a card everything is softened so far that one sample a pixel looks like sixteen.
        let samples = if lettering.is_some() { 1 } else { params.samples };
        let settings = Settings { width, height, samples, bounces: 1, seed: params.brief.shot.seed };
        Ok(Self { device, set, lettering, settings })
    }

    fn picture(&self, performance: &Performance, pose: u32) -> Result<Picture, TaskFailure> {
        let Frame { moving, lights, mut camera, sky, fog, look } = performance.frame(pose);
        if self.lettering.is_some() {
            camera.aperture_m = 0.0;
        }
        let moving = self.device.solid(&moving, Build::Fast).map_err(|e| device_failed("build the puppets", e))?;
        let stage = Stage { solids: &[&self.set, &moving], lights: &lights, sky: &sky, fog: &fog, camera: &camera };
        let seed = mix(self.settings.seed ^ u64::from(pose));
        let settings = Settings { seed, ..self.settings };
        if self.lettering.is_none() {
            return self.device.picture(&stage, &settings, &look, seed).map_err(|e| device_failed("make the picture", e));
        }
        let mut layers = self.device.trace(&stage, &settings).map_err(|e| device_failed("trace", e))?;
        self.device.denoise(&mut layers).map_err(|e| device_failed("denoise", e))?;
        soften(&mut layers);
        self.device.develop(&layers, &look, seed).map_err(|e| device_failed("develop", e))
    }
}
