//! The `film` job: script in, film out. [`plan`] says which tasks, the other modules run one step each.

mod blur;
mod conform;
mod contact;
mod delivery;
mod explain;
mod lettering;
mod localise;
mod lut;
mod params;
mod plan;
mod preparation;
mod render;
mod selection;
mod sound;
mod wav;

pub use conform::{CAPTION_FORMATS, film_name};
pub use contact::sheet as contact_sheet;
pub use delivery::files;
pub use explain::explain;
pub use lettering::fonts_found;
pub use lut::{LutFile, read_lut};
pub use params::{FilmParams, Loudness, Quality, default_seed};
pub use plan::{Range, forecast, poses, ranges, render_seconds};
pub use preparation::Preparation;
pub use selection::select;

use crate::kind::{BadInput, Desk, File, Forecast, Growing, Kind, Outputs, Piece, Read, class_of};
use klieg_film_words::shot::Cut;
use klieg_film_words::sound::Spoken;
use klieg_kernels::{Choice, Device, KernelError};
use klieg_protocol::{Class, Fault, JobSpec, Plan, Source, TaskFailure, TaskResult, TaskSpec};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The job kind `film`; its pictures are made on one device, which is opened when the first is asked for.
#[derive(Default)]
pub struct Film {
    choice: Choice,
    device: OnceLock<Device>,
}

impl Film {
    pub fn on(choice: Choice) -> Self {
        Self { choice, device: OnceLock::new() }
    }

    fn device(&self, threads: usize) -> Result<&Device, TaskFailure> {
        if let Some(device) = self.device.get() {
            return Ok(device);
        }
        let device = Device::open(self.choice, threads).map_err(|e| device_failed("open the device", e))?;
        Ok(self.device.get_or_init(|| device))
    }
}

/// A film is made of one class's pixels, whatever a node says that it has.
fn made_on(device: &Device, wanted: Class) -> Result<(), TaskFailure> {
    let here = class_of(device.info().choice).unwrap_or_default();
    if here == wanted {
        return Ok(());
    }
    let message = format!("failed to make pictures of class {wanted}: this worker makes them on {here}; look at its node's --gpus");
    Err(TaskFailure { fault: Fault::Node, message })
}

/// Whose fault it is when a device doesn't do what it is asked to: a device that is lost is the node's.
fn device_failed(what: &str, error: KernelError) -> TaskFailure {
    let node =
        error.is_absence() || matches!(error, KernelError::Lost { .. } | KernelError::Kernel { .. } | KernelError::NoThread { .. });
    TaskFailure { fault: if node { Fault::Node } else { Fault::Task }, message: format!("failed to {what}: {error}") }
}

impl Kind for Film {
    fn name(&self) -> &'static str {
        "film"
    }

    fn plan(&self, job: &JobSpec, auto: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let (mut params, digest, script) = delivery::read_in(job, read)?;
        params.device.get_or_insert(auto);
        let preparation = Preparation::of(&script, &params)?;
        if let Some(lut) = &params.lut {
            read_lut(&lut.file, &read(&lut.digest).map_err(|e| bad(&lut.file, format!("read: {e}")))?)?;
        }
        // Unknown scenes and shots are bad input, found now and not when the lines have been spoken.
        select(preparation.direct(&preparation.estimates()), &preparation.story, &params)?;
        let mut tasks = plan::speak_tasks(&preparation);
        tasks.push(plan::direct_task(&preparation, &params, digest));
        Ok(Plan { tasks })
    }

    fn forecast(&self, job: &JobSpec, auto: Class, read: Read<'_>) -> Result<Forecast, BadInput> {
        let (mut params, digest, script) = delivery::read_in(job, read)?;
        params.device.get_or_insert(auto);
        delivery::forecast(&params, digest, &script)
    }

    fn files(&self, job: &JobSpec, outputs: &Outputs) -> Vec<File> {
        delivery::there(job, outputs)
    }

    fn pieces(&self, job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> std::io::Result<Vec<Piece>> {
        delivery::pieces(job, outputs, read)
    }

    fn growing(&self, job: &JobSpec, outputs: &Outputs, read: Read<'_>) -> std::io::Result<Option<Growing>> {
        delivery::growing(job, outputs, read)
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        match task.step.as_str() {
            "speak" => sound::speak(task, desk),
            "direct" => direct(task, desk),
            "render" => {
                let params: plan::RenderParams = from_json(&task.params)?;
                let device = self.device(desk.threads())?;
                made_on(device, params.device)?;
                render::run(&params, desk, device)
            }
            "score" => sound::score(task, desk),
            "mix" => sound::mix(task, desk),
            "conform" => conform::run(task, desk),
            other => Err(TaskFailure { fault: Fault::Input, message: format!("run film step {other:?}: there is no such step") }),
        }
    }
}

/// Makes the cut from the spoken lines and adds the tasks that follow from it.
fn direct(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let (params, preparation) = prepared(task, desk)?;
    let seconds: Vec<f32> = numbered::<Spoken>(desk, "spoken/")?.into_iter().map(|(_, spoken)| spoken.seconds).collect();
    let cut = select(preparation.direct(&seconds), &preparation.story, &params).map_err(input_fault)?;
    let Some(Source::Blob(script)) = task.inputs.get("script").map(|i| i.from.clone()) else {
        return Err(failed("direct", "the script is not an artifact"));
    };
    let adds = plan::tasks_of_cut(&preparation, &cut, &params, script);
    let cut = serde_json::to_vec(&cut).map_err(|e| failed("write the cut", e))?;
    Ok(TaskResult { outputs: BTreeMap::from([("cut".to_owned(), desk.store(&cut)?)]), adds })
}

/// The film's parameters and preparation, for steps that need the whole story.
fn prepared(task: &TaskSpec, desk: &mut dyn Desk) -> Result<(FilmParams, Preparation), TaskFailure> {
    let params: FilmParams = from_json(&task.params)?;
    let script = desk.input("script")?;
    let preparation = Preparation::of(&script, &params).map_err(input_fault)?;
    Ok((params, preparation))
}

fn cut(desk: &mut dyn Desk) -> Result<Cut, TaskFailure> {
    serde_json::from_slice(&desk.input("cut")?).map_err(|e| failed("read the cut", e))
}

/// JSON inputs named `prefix` + number, in order.
fn numbered<T: serde::de::DeserializeOwned>(desk: &mut dyn Desk, prefix: &str) -> Result<Vec<(usize, T)>, TaskFailure> {
    let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|e| failed("read an input", e));
    numbers(desk, prefix)?.into_iter().map(|(n, name)| Ok((n, parse(desk.input(&name)?)?))).collect()
}

/// Inputs named `prefix` + number: the number and the whole name, ascending.
fn numbers(desk: &dyn Desk, prefix: &str) -> Result<Vec<(usize, String)>, TaskFailure> {
    let of = |name: &String| name.strip_prefix(prefix).map(str::to_owned).map(|n| (n, name.clone()));
    let mut found: Vec<(usize, String)> = desk
        .inputs()
        .iter()
        .filter_map(of)
        .map(|(n, name)| n.parse().map(|n| (n, name)).map_err(|e| failed("number an input", e)))
        .collect::<Result<_, _>>()?;
    found.sort();
    Ok(found)
}

fn from_json<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, TaskFailure> {
    serde_json::from_value(value.clone())
        .map_err(|e| TaskFailure { fault: Fault::Input, message: format!("read the task's parameters: {e}") })
}

fn bad(file: &str, message: String) -> BadInput {
    BadInput { file: file.to_owned(), line: 0, column: 0, message }
}

fn input_fault(e: BadInput) -> TaskFailure {
    TaskFailure { fault: Fault::Input, message: e.to_string() }
}

/// The task's own failure to do `what`.
fn failed(what: &str, why: impl std::fmt::Display) -> TaskFailure {
    TaskFailure { fault: Fault::Task, message: format!("{what}: {why}") }
}
