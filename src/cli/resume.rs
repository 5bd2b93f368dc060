//! `klieg resume`: goes on with an interrupted render from what was submitted, wherever the script is by now.

use super::render::{FarmArgs, Order, execute};
use super::{Common, Stop};
use klieg_kernels::Choice;
use klieg_pipelines::film::FilmParams;
use klieg_protocol::JobId;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The job [default: the one interrupted last].
    job: Option<String>,
    #[command(flatten)]
    farm: FarmArgs,
}

/// What the command line must know to go on: the farm knows the rest.
#[derive(Serialize, Deserialize)]
struct Note {
    params: FilmParams,
    out: PathBuf,
    script: String,
    #[serde(default)]
    lut: Option<String>,
    /// What its pictures are made on, as `--device` names it.
    #[serde(default)]
    device: Option<String>,
}

fn note_path(folder: &Path, job: &JobId) -> PathBuf {
    folder.join("renders").join(format!("{}.json", job.0))
}

/// Notes what a later `resume` needs.
pub fn remember(folder: &Path, job: &JobId, order: &Order, device: Choice) -> Result<(), Stop> {
    let failed = |e: std::io::Error| Stop::failed(format!("note the render for `klieg resume`: {e}"));
    let out = std::path::absolute(&order.out).map_err(failed)?;
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let note = Note {
        params: order.params.clone(),
        out,
        script: text(&order.script),
        lut: order.lut.as_ref().map(text),
        device: Some(device.to_string()),
    };
    let text = serde_json::to_vec(&note).map_err(|e| failed(e.into()))?;
    std::fs::create_dir_all(folder.join("renders")).map_err(failed)?;
    let temporary = folder.join("renders").join(format!(".{}.partly", job.0));
    std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, note_path(folder, job))).map_err(failed)
}

/// The render ended; there is nothing to resume.
pub fn forget(folder: &Path, job: &JobId) {
    let _ = std::fs::remove_file(note_path(folder, job));
}

pub fn run(common: &Common, args: Args) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    let job = match args.job {
        Some(job) => JobId(job),
        None => newest(&folder).ok_or_else(|| Stop::bad("no render was interrupted; `klieg render SCRIPT` starts one"))?,
    };
    let text = std::fs::read(note_path(&folder, &job))
        .map_err(|_| Stop::bad(format!("{} is no interrupted render; `klieg jobs` lists all", job.0)))?;
    let note: Note = serde_json::from_slice(&text).map_err(|e| Stop::failed(format!("read the note of {}: {e}", job.0)))?;
    let noted = note.device.map(|device| super::device_of(&device)).transpose();
    let noted = noted.map_err(|e| Stop::failed(format!("read the note of {}: {e}", job.0)))?;
    let farm = FarmArgs { device: args.farm.device.or(noted), ..args.farm };
    let (script, lut) = (note.script.into_bytes(), note.lut.map(String::into_bytes));
    execute(common, &Order { script, lut, params: note.params, out: note.out, farm })
}

/// Job ids sort by submission.
fn newest(folder: &Path) -> Option<JobId> {
    let entries = std::fs::read_dir(folder.join("renders")).ok()?;
    let names = entries.flatten().filter_map(|e| e.file_name().to_str()?.strip_suffix(".json").map(str::to_owned));
    names.max().map(JobId)
}
