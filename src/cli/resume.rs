//! `klieg resume`: goes on with an interrupted render or job from what was submitted, wherever the script is by now.

use super::render::{FarmArgs, Order, execute};
use super::{Common, Stop, here};
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

/// A note of a render, or of a job of another kind.
#[derive(Deserialize)]
#[serde(untagged)]
enum Noted {
    Render(Box<Note>),
    Job(here::Note),
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
    write(folder, job, &note).map_err(failed)
}

/// The same for a job of any kind: its script and parameters are with the farm.
pub fn remember_job(folder: &Path, job: &JobId, note: &here::Note) -> Result<(), Stop> {
    write(folder, job, note).map_err(|e| Stop::failed(format!("note the job for `klieg resume`: {e}")))
}

fn write(folder: &Path, job: &JobId, note: &impl Serialize) -> std::io::Result<()> {
    let text = serde_json::to_vec(note)?;
    std::fs::create_dir_all(folder.join("renders"))?;
    let temporary = folder.join("renders").join(format!(".{}.partly", job.0));
    std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, note_path(folder, job)))
}

/// The render ended; there is nothing to resume.
pub fn forget(folder: &Path, job: &JobId) {
    let _ = std::fs::remove_file(note_path(folder, job));
}

pub fn run(common: &Common, args: Args) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    let job = match args.job {
        Some(job) => JobId(job),
        None => newest(&folder).ok_or_else(|| Stop::bad("nothing was interrupted; `klieg render SCRIPT` starts a render"))?,
    };
    let text = std::fs::read(note_path(&folder, &job))
        .map_err(|_| Stop::bad(format!("{} is no interrupted render or job; `klieg jobs` lists all", job.0)))?;
    let unreadable = |e: serde_json::Error| Stop::failed(format!("read the note of {}: {e}", job.0));
    let note: Noted = serde_json::from_slice(&text).map_err(unreadable)?;
    let note = match note {
        Noted::Render(note) => *note,
        Noted::Job(note) => return here::go_on(common, &job, &note, &args.farm),
    };
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
