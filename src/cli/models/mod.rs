//! `klieg models`: the weights that this machine has.

mod held;

pub use held::offer;

use super::{Common, Stop, block_on, print, print_json, render};
use crate::show::{self, bytes::Watch};
use klieg_hub::{HubError, HubOptions, Order, PUBLIC};
use klieg_models::{Error, Inspection, Keep, Progress, Record, Shelf};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long work that was asked to end may take to do so.
const GRACE: Duration = Duration::from_secs(5);

#[derive(clap::Subcommand)]
#[command(after_long_help = "\
What is added is read and checked: that its tensors are those its configuration asks for, inside their files, and numbers. \
Pickles (.bin, .pt, .ckpt) are never opened. docs/models.md says which families klieg knows and what is checked of each.

  klieg models pull stable-diffusion-v1-5/stable-diffusion-v1-5 --as sd15
  klieg models add ~/loras/felt.safetensors
  klieg models ls")]
pub enum Verb {
    /// Check a folder (as of Hugging Face) or a file (safetensors, GGUF) and keep it.
    Add {
        path: PathBuf,
        /// What jobs call it [default: the folder's or file's name].
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// Leave the files where they are; the model is gone when they are.
        #[arg(long)]
        link: bool,
    },
    /// List models.
    #[command(visible_alias = "list")]
    Ls,
    /// Show what a model is and has.
    Show {
        name: String,
        /// List every tensor.
        #[arg(long)]
        tensors: bool,
    },
    /// Read models again and compare them with what was added [default: all].
    Verify { name: Option<String> },
    /// Take a model away; files that were linked stay.
    #[command(visible_alias = "remove")]
    Rm { name: String },
    /// Fetch a model from a Hugging Face hub; what broke off goes on when it is done again.
    Pull {
        /// OWNER/NAME
        repo: String,
        /// A branch, tag or commit.
        #[arg(long, default_value = "main")]
        revision: String,
        /// What jobs call it [default: the repository's name].
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// These weights, where the repository has several; may be given more than once.
        #[arg(long = "file", value_name = "PATH")]
        files: Vec<String>,
        /// The hub, or a mirror of it.
        #[arg(long, env = "HF_ENDPOINT", value_name = "URL", default_value = PUBLIC)]
        hub: String,
    },
}

pub fn run(common: &Common, verb: Verb) -> Result<(), Stop> {
    let shelf = common.shelf()?;
    match verb {
        Verb::Add { path, name, link } => add(common, &shelf, &path, name, link),
        Verb::Ls => list(common, &shelf),
        Verb::Show { name, tensors } => shown(common, &shelf, &name, tensors),
        Verb::Verify { name } => verify(common, &shelf, name),
        Verb::Rm { name } => {
            shelf.remove(&name).map_err(|e| stop(&e))?;
            if common.json { print_json(&json!({ "name": name })) } else { Ok(()) }
        }
        Verb::Pull { repo, revision, name, files, hub } => {
            let name = name.unwrap_or_else(|| repo.rsplit('/').next().unwrap_or(&repo).to_owned());
            let token = std::env::var("HF_TOKEN").ok();
            let options = HubOptions { endpoint: hub, token, ..HubOptions::default() };
            pull(common, &shelf, &options, Order { repo, revision, name, files })
        }
    }
}

/// What went wrong, and whether it was asked for.
fn stop(error: &Error) -> Stop {
    let message = format!("failed to {error}");
    match error {
        Error::Stopped => Stop::interrupted("interrupted"),
        Error::Nowhere | Error::BadName(_) | Error::Taken(_) | Error::Unknown(_) | Error::Refused { .. } => Stop::bad(message),
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Stop::bad(message),
        _ => Stop::failed(message),
    }
}

fn hub_stop(error: &HubError) -> Stop {
    match error {
        HubError::Model(Error::Stopped) => Stop::interrupted("interrupted; the same again goes on where it stopped"),
        HubError::Model(error) => stop(error),
        error if error.is_usage() => Stop::bad(format!("failed to {error}")),
        error => Stop::failed(format!("failed to {error}")),
    }
}

/// Does work beside a display of how far it has come, and asks it to end at Ctrl-C.
fn watched<T, E, F>(common: &Common, doing: &str, stop: fn(&E) -> Stop, work: impl FnOnce(Arc<Progress>) -> F) -> Result<T, Stop>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let progress = Arc::new(Progress::default());
    let watch = Watch::begin(!common.quiet && !common.json, doing, Arc::clone(&progress));
    let done = block_on(async {
        let mut work = tokio::spawn(work(Arc::clone(&progress)));
        tokio::select! {
            done = &mut work => return done.map_err(|e| Stop::failed(e.to_string())),
            () = render::interrupted() => progress.stop(),
        }
        match tokio::time::timeout(GRACE, &mut work).await {
            Ok(done) => done.map_err(|e| Stop::failed(e.to_string())),
            Err(_) => Err(Stop::interrupted("interrupted")),
        }
    });
    watch.end();
    done??.map_err(|error| stop(&error))
}

/// As [`watched`], of work that waits for disks.
fn blocking<T: Send + 'static>(
    common: &Common,
    doing: &str,
    work: impl FnOnce(&Progress) -> Result<T, Error> + Send + 'static,
) -> Result<T, Stop> {
    watched(common, doing, stop, |progress| async move {
        tokio::task::spawn_blocking(move || work(&progress)).await.unwrap_or(Err(Error::Stopped))
    })
}

fn add(common: &Common, shelf: &Arc<Shelf>, path: &Path, name: Option<String>, link: bool) -> Result<(), Stop> {
    let name = name.map_or_else(|| name_of(path), Ok)?;
    let (shelf, path, keep) = (Arc::clone(shelf), path.to_owned(), if link { Keep::Link } else { Keep::Copy });
    let (record, inspection) =
        blocking(common, "reading", move |progress| klieg_models::add(&shelf, &path, &name, keep, progress))?;
    added(common, &record, &inspection)
}

/// The name that a folder or file gives a model.
fn name_of(path: &Path) -> Result<String, Stop> {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = if full.is_dir() { full.file_name() } else { full.file_stem() };
    let name = name.and_then(|name| name.to_str()).unwrap_or_default();
    match klieg_models::is_name(name) {
        true => Ok(name.to_owned()),
        false => Err(Stop::bad(format!("failed to name a model {name:?}: give it a name with --as NAME"))),
    }
}

/// Tells of a model that is new.
fn added(common: &Common, record: &Record, inspection: &Inspection) -> Result<(), Stop> {
    if common.json {
        return print_json(&described(record, Some(inspection), None));
    }
    if !common.quiet {
        for one in inspection.left_out.iter().filter(|one| !one.why.starts_with("nothing")) {
            eprintln!("left out {}: {}", one.path, one.why);
        }
    }
    print(&line(record, None));
    Ok(())
}

fn pull(common: &Common, shelf: &Arc<Shelf>, options: &HubOptions, order: Order) -> Result<(), Stop> {
    let (shelf, options) = (Arc::clone(shelf), options.clone());
    let (record, inspection) =
        watched(
            common,
            "fetching",
            hub_stop,
            |progress| async move { klieg_hub::pull(&options, &shelf, &order, &progress).await },
        )?;
    added(common, &record, &inspection)
}

fn line(record: &Record, wrong: Option<&str>) -> String {
    let Record { name, family, digest, bytes, .. } = record;
    let wrong = wrong.map_or(String::new(), |wrong| format!("  {wrong}"));
    format!("{name:<28} {:<20} {:>9}  {}{wrong}\n", family.word(), show::bytes::short(*bytes), &digest.hex()[..16])
}

fn list(common: &Common, shelf: &Shelf) -> Result<(), Stop> {
    let (mut all, mut text) = (Vec::new(), String::new());
    for one in shelf.each().map_err(|e| stop(&e))? {
        match one {
            Ok(record) => {
                let wrong = shelf.stands(&record).err().map(|error| format!("failed to {error}"));
                text += &line(&record, wrong.as_deref());
                all.push(described(&record, None, wrong));
            }
            Err(error) => {
                text += &format!("failed to {error}\n");
                all.push(json!({"error": format!("failed to {error}")}));
            }
        }
    }
    if common.json {
        return print_json(&all);
    }
    if all.is_empty() && !common.quiet {
        eprintln!(
            "no models in {}; `klieg models pull OWNER/NAME` fetches one, `klieg models add PATH` takes one",
            shelf.folder().display()
        );
    }
    print(&text);
    Ok(())
}

/// A model for programs.
fn described(record: &Record, inspection: Option<&Inspection>, wrong: Option<String>) -> Value {
    let mut value = json!(record);
    value["needs"] = record.needs().into();
    value["wrong"] = wrong.into();
    if let Some(inspection) = inspection {
        value["parameters"] = inspection.parameters().into();
        value["about"] = json!(inspection.about);
        value["left_out"] = json!(inspection.left_out);
    }
    value
}

fn shown(common: &Common, shelf: &Shelf, name: &str, tensors: bool) -> Result<(), Stop> {
    let record = shelf.get(name).map_err(|e| stop(&e))?;
    let wrong = shelf.stands(&record).err().map(|error| format!("failed to {error}"));
    let inspection = klieg_models::inspect_record(&record).map_err(|e| stop(&e))?;
    if common.json {
        let mut value = described(&record, Some(&inspection), wrong);
        if tensors {
            value["tensors"] = inspection.files.iter().map(|file| (file.path.clone(), json!(file.tensors()))).collect();
        }
        return print_json(&value);
    }
    let mut text = line(&record, wrong.as_deref());
    text += &format!("  {} parameters in {}\n", show::bytes::count(inspection.parameters()), record.root.display());
    inspection.about.iter().for_each(|(key, value)| text += &format!("  {key}: {value}\n"));
    text += &format!("  jobs need {}\n", record.needs());
    for file in &inspection.files {
        text += &format!("  {:>9}  {}\n", show::bytes::short(file.bytes), file.path);
        for tensor in file.tensors().iter().filter(|_| tensors) {
            text += &format!("{:>13} {:<8} {:?} {}\n", "", tensor.dtype.word, tensor.shape, tensor.name);
        }
    }
    print(&text);
    Ok(())
}

fn verify(common: &Common, shelf: &Arc<Shelf>, name: Option<String>) -> Result<(), Stop> {
    let names = match name {
        Some(name) => vec![name],
        None => shelf.models().map_err(|e| stop(&e))?.into_iter().map(|record| record.name).collect(),
    };
    let (mut all, mut bad) = (Vec::new(), None);
    for name in names {
        let (shelf, of) = (Arc::clone(shelf), name.clone());
        match blocking(common, &format!("verifying {name}"), move |progress| klieg_models::verify(&shelf, &of, progress)) {
            Ok(record) => {
                if !common.json {
                    print(&line(&record, Some("as it was added")));
                }
                all.push(described(&record, None, None));
            }
            Err(error) if error.code == 130 => return Err(error),
            Err(error) => {
                if !common.json {
                    eprintln!("klieg: {}", error.message);
                }
                all.push(json!({"name": name, "wrong": error.message}));
                bad = Some(error.code);
            }
        }
    }
    if common.json {
        print_json(&all)?;
    }
    bad.map_or(Ok(()), |code| Err(Stop { message: String::new(), code }))
}
