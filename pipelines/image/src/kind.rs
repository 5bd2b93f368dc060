//! The kind `image` as the farm knows it.

use crate::encode::{encode, failed};
use crate::metadata::Metadata;
use crate::params::{Container, ImageParams, bad};
use crate::picture::{Built, thumb};
use crate::plan::{PREVIEW_SAMPLES, PREVIEW_SIDE, Part, image_name, tasks, thumb_name};
use crate::prompt::{Reading, read};
use crate::sheet::Record;
use crate::{delivery, scene, sheet};
use klieg_film_words::story::Story;
use klieg_kernels::{Choice, Device, KernelError};
use klieg_kind::{BadInput, Desk, File, Forecast, Kind, Outputs, Piece, Read, Takes, class_of};
use klieg_protocol::{Class, Fault, JobSpec, Plan, Progress, TaskFailure, TaskResult, TaskSpec};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Makes images from words; its pictures are made on one device, which is opened when the first is asked for.
#[derive(Default)]
pub struct Image {
    choice: Choice,
    device: OnceLock<Device>,
}

impl Image {
    pub fn on(choice: Choice) -> Self {
        Self { choice, device: OnceLock::new() }
    }

    /// The device, which must be of the class that the job's pictures are made on.
    fn device(&self, wanted: Class, threads: usize) -> Result<&Device, TaskFailure> {
        let device = match self.device.get() {
            Some(device) => device,
            None => {
                let opened = Device::open(self.choice, threads).map_err(|e| device_failed("open the device", &e))?;
                self.device.get_or_init(|| opened)
            }
        };
        let here = class_of(device.info().choice).unwrap_or_default();
        let message =
            || format!("failed to make pictures of class {wanted}: this worker makes them on {here}; look at its node's --gpus");
        if here == wanted { Ok(device) } else { Err(TaskFailure { fault: Fault::Node, message: message() }) }
    }
}

/// Whose fault it is when a device doesn't do what it is asked to.
fn device_failed(what: &str, error: &KernelError) -> TaskFailure {
    let node =
        error.is_absence() || matches!(error, KernelError::Lost { .. } | KernelError::Kernel { .. } | KernelError::NoThread { .. });
    TaskFailure { fault: if node { Fault::Node } else { Fault::Task }, message: format!("failed to {what}: {error}") }
}

fn input_fault(e: &BadInput) -> TaskFailure {
    TaskFailure { fault: Fault::Input, message: e.to_string() }
}

/// Parameters, what they were read as, and the story: all that is cheap and found at submission.
fn understood(params: &ImageParams) -> Result<(Reading, Story), BadInput> {
    let reading = read(params)?;
    let story = scene::story(&reading).map_err(|e| bad(format!("prompt: failed to {e}")))?;
    Ok((reading, story))
}

impl Kind for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    fn takes(&self) -> Takes {
        Takes { input: "image", needed: false, ..Takes::default() }
    }

    fn plan(&self, job: &JobSpec, auto: Class, _: Read<'_>) -> Result<Plan, BadInput> {
        let params = ImageParams::of(&job.params)?;
        if let Some(input) = job.inputs.keys().next() {
            return Err(bad(format!(
                "input {input}: the previz renderer makes pictures of words alone; initial pictures and masks are for a model"
            )));
        }
        understood(&params)?;
        Ok(Plan { tasks: tasks(&params, params.device.unwrap_or(auto)) })
    }

    fn forecast(&self, job: &JobSpec, auto: Class, read: Read<'_>) -> Result<Forecast, BadInput> {
        let tasks = self.plan(job, auto, read)?.tasks;
        let (reading, story) = understood(&ImageParams::of(&job.params)?)?;
        let about = json!({
            "renderer": "previz", "words": reading.words, "place": story.scenes[0].place, "time": story.scenes[0].time,
            "people": reading.leads.iter().map(|lead| lead.name.clone()).collect::<Vec<_>>(),
        });
        Ok(Forecast { tasks: tasks.len() as u64, seconds: tasks.iter().map(|task| task.ask.seconds).sum(), about })
    }

    fn files(&self, job: &JobSpec, outputs: &Outputs) -> Vec<File> {
        delivery::files(job, outputs)
    }

    fn pieces(&self, job: &JobSpec, outputs: &Outputs, _: Read<'_>) -> std::io::Result<Vec<Piece>> {
        Ok(delivery::pieces(job, outputs))
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let part: Part = serde_json::from_value(task.params.clone())
            .map_err(|e| TaskFailure { fault: Fault::Input, message: format!("read the task's parameters: {e}") })?;
        let (reading, story) = understood(&part.image).map_err(|e| input_fault(&e))?;
        match task.step.as_str() {
            "sheet" => sheet::run(&part, &reading, &story, desk),
            "picture" | "preview" => {
                let device = self.device(part.image.device.unwrap_or_default(), desk.threads())?;
                photograph(&part, &reading, &story, task.step == "preview", device, desk)
            }
            other => Err(TaskFailure { fault: Fault::Input, message: format!("run image step {other:?}: there is no such step") }),
        }
    }
}

/// Makes a part's pictures: of a preview only small ones, else `image/N`, `thumb/N` and the part's `record`.
fn photograph(
    part: &Part,
    reading: &Reading,
    story: &Story,
    preview: bool,
    device: &Device,
    desk: &mut dyn Desk,
) -> Result<TaskResult, TaskFailure> {
    let params = &part.image;
    let (width, height) = params.size;
    let mut outputs = BTreeMap::new();
    let mut records = Vec::new();
    for number in part.first..part.end {
        let seed = part.seed(number);
        let shot = scene::shot(reading, story, seed, width as f32 / height as f32).map_err(|e| failed("stage the picture", e))?;
        let built = Built::new(&shot, device).map_err(|e| device_failed("build the scene", &e))?;
        let (size, samples, format) = if preview {
            (small(params.size), PREVIEW_SAMPLES, Container::Png)
        } else {
            (params.size, params.samples, params.format)
        };
        let made = built.photograph(device, size, samples, format).map_err(|e| device_failed("make the picture", &e))?;
        let thumb = thumb(&made.picture, PREVIEW_SIDE).map_err(|e| failed("keep the picture", e))?;
        outputs.insert(thumb_name(number), desk.store(&thumb)?);
        if !preview {
            let metadata = Metadata::of(params, seed, params.device.unwrap_or_default());
            let scratch = desk.scratch().to_owned();
            let bytes = encode(&made, format, &metadata, desk.media(), &scratch)?;
            let digest = desk.store(&bytes)?;
            records.push(Record::of(number, seed, &bytes, digest, &shot.brief.shot));
            outputs.insert(image_name(number), digest);
        }
        let done = number + 1 - part.first;
        desk.progress(Progress { fraction: done as f32 / (part.end - part.first) as f32, done, note: "pictures".into() })?;
    }
    if !preview {
        let record = serde_json::to_vec(&records).map_err(|e| failed("write the record", e))?;
        outputs.insert("record".into(), desk.store(&record)?);
    }
    Ok(TaskResult { outputs, adds: Vec::new() })
}

/// The same shape, no longer than a preview.
fn small((width, height): (u32, u32)) -> (u32, u32) {
    let longest = width.max(height).max(PREVIEW_SIDE);
    let side = |edge: u32| (edge * PREVIEW_SIDE / longest).max(2) / 2 * 2;
    (side(width), side(height))
}
