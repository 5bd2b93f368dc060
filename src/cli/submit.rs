//! `klieg submit`: a job of any kind, for a farm with a server or, where none leads, for this machine's own.

use super::{
    Common, Stop, block_on,
    door::{self, Door},
    here, link_stop,
    openjd::{self, JobArgs},
    print, print_json,
    render::FarmArgs,
    watch,
    wishes::Wishes,
};
use crate::house::transfer_stop;
use crate::kinds;
use crate::seal::seal;
use crate::show::{clock, money};
use klieg_api::{
    client::Client,
    front::views::{Estimate, Job, NewJob},
};
use klieg_kind::{Kind, Takes, class_of};
use klieg_protocol::JobId;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(clap::Args)]
pub struct Args {
    /// What the job is about: a screenplay (.fountain, .fdx, .txt) for a film, an Open Job Description template (YAML, JSON), with --kind
    /// the file that this kind takes; - reads standard input. Kinds that take a prompt or a text need none.
    file: Option<PathBuf>,
    /// The kind of job: film, image, audio, … [default: openjd for what says that it is a template, film for a screenplay].
    #[arg(long)]
    kind: Option<String>,
    /// What people know it by [default: the file's name, or the first words of what is asked for].
    #[arg(long)]
    label: Option<String>,
    /// Whose share it runs on.
    #[arg(long, default_value = "")]
    project: String,
    /// Higher first.
    #[arg(long, default_value_t = 0, allow_hyphen_values = true)]
    priority: i32,
    /// Only say what it would come to.
    #[arg(long)]
    estimate: bool,
    /// Show it until it has ended, and bring what it gives. Without a server it always is.
    #[arg(long, short)]
    wait: bool,
    /// Where that goes [default: out/ and the job's name].
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    farm: FarmArgs,
    #[command(flatten)]
    wishes: Wishes,
}

/// What is submitted, and what it needs.
enum Order {
    Plain { kind: String, label: String, file: Option<(&'static str, Vec<u8>)>, params: Map<String, Value> },
    Template(openjd::Order),
}

impl Order {
    fn of(common: &Common, args: &Args) -> Result<Self, Stop> {
        let known = args.kind.as_deref().map(|name| kind_of(common, name)).transpose()?.flatten();
        let takes = known.as_ref().map(|kind| kind.takes()).unwrap_or_default();
        let file = args.file.as_deref().map(|path| read(path, takes)).transpose()?;
        let kind = kind(args, file.as_ref().map(|(_, bytes)| bytes.as_slice()))?;
        if kind == klieg_openjd::KIND {
            return template(args);
        }
        let mut params = args.wishes.parameters()?;
        if let Some((name, _)) = &file {
            params.entry("file").or_insert_with(|| name.clone().into());
        }
        if file.is_none() && known.is_none() && args.kind.is_some() {
            return Err(unknown(common, &kind));
        }
        let stands_for_it = known.is_some() && !takes.needed;
        if file.is_none() && !stands_for_it {
            return Err(Stop::bad(format!("a job of kind {kind} wants a FILE: its input `{}`", takes.input)));
        }
        let label = file.as_ref().map(|(name, _)| name.clone()).or_else(|| args.wishes.label()).unwrap_or_else(|| kind.clone());
        Ok(Self::Plain { kind, label, file: file.map(|(_, bytes)| (takes.input, bytes)), params })
    }

    /// Uploads what the job takes.
    async fn send(&self, client: &Client, args: &Args) -> Result<NewJob, Stop> {
        let (kind, label, params, inputs) = match self {
            Self::Plain { kind, label, file, params } => {
                let mut inputs = BTreeMap::new();
                if let Some((name, bytes)) = file {
                    inputs.insert((*name).to_owned(), client.put(bytes).await.map_err(|e| transfer_stop(&e))?.hex());
                }
                let mut params = params.clone();
                // A device that is asked for says of which class; not which one, for those are the farm's.
                if let Some(class) = args.farm.device.and_then(class_of) {
                    params.entry("device").or_insert(json!(class));
                }
                (kind.clone(), label.clone(), params.into(), inputs)
            }
            Self::Template(order) => {
                let inputs = order.send(client).await?.into_iter().map(|(name, digest)| (name, digest.hex())).collect();
                (klieg_openjd::KIND.to_owned(), order.label.clone(), json!(order.params), inputs)
            }
        };
        let label = args.label.clone().unwrap_or(label);
        Ok(NewJob { kind, label, params, inputs, project: args.project.clone(), priority: args.priority })
    }

    /// Brings what the job gave: into a folder, or where a template's parameters say.
    async fn bring(&self, client: &Client, job: &Job, folder: &Path) -> Result<Vec<PathBuf>, Stop> {
        match self {
            Self::Template(order) => openjd::deliver(client, &JobId(job.id.clone()), order).await,
            Self::Plain { .. } => {
                let outputs = client.get(&format!("/jobs/{}/outputs", job.id)).await.map_err(|e| link_stop(&e))?;
                watch::bring(client, outputs, folder).await
            }
        }
    }
}

fn template(args: &Args) -> Result<Order, Stop> {
    let path = args.file.clone().filter(|path| path != Path::new("-"));
    let Some(path) = path else {
        return Err(Stop::bad("a template is read from a file: what it brings lies beside it"));
    };
    if let Some((name, _)) = args.wishes.flags().into_iter().next() {
        return Err(Stop::bad(format!("--{name}: a template has parameters of its own; give them with --set NAME=VALUE")));
    }
    openjd::Order::of(&JobArgs { path, job_params: args.wishes.set.clone() }, None).map(Order::Template)
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let order = Order::of(common, args)?;
    match (door::open(common, &args.farm.link)?, order) {
        (Door::Far(client), order) => block_on(there(common, args, &order, &client))?,
        (Door::Near(_), Order::Plain { kind, label, file, params }) => {
            let kind = kind_of(common, &kind)?.ok_or_else(|| unknown(common, &kind))?;
            let label = args.label.clone().unwrap_or(label);
            let job = here::Order { kind, label, params: params.into(), file, out: args.out.clone(), farm: args.farm.clone() };
            if args.estimate { estimate(common, &job.estimate()?) } else { here::run(common, &job) }
        }
        (Door::Near(_), Order::Template(_)) => door::server(common, &args.farm.link).map(drop),
    }
}

async fn there(common: &Common, args: &Args, order: &Order, client: &Client) -> Result<(), Stop> {
    // Templates run others' programs: nobody here knows how their files were made.
    let identity = args.farm.seal.identity()?.filter(|_| matches!(order, Order::Plain { .. }));
    let job = order.send(client, args).await?;
    if args.estimate {
        return estimate(common, &ask(client, "/jobs/estimate", &job).await?);
    }
    let job: Job = ask(client, "/jobs", &job).await?;
    if !args.wait {
        return accepted(common, &job);
    }
    if !common.quiet && !common.json {
        eprintln!("{}", job.id);
    }
    let job = watch::to_its_end(common, client, &JobId(job.id)).await?;
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&job.id));
    let mut files = order.bring(client, &job, &folder).await?;
    seal(&mut files, &folder, identity.as_ref())?;
    given(common, &job, &folder, &files)
}

/// Says what a job gave, and where it lies.
pub fn given(common: &Common, job: &Job, folder: &Path, files: &[PathBuf]) -> Result<(), Stop> {
    if common.json {
        return print_json(&json!({"job": job, "folder": folder, "files": files}));
    }
    files.iter().for_each(|file| print(&format!("{}\n", file.display())));
    Ok(())
}

async fn ask<T: serde::de::DeserializeOwned>(client: &Client, path: &str, job: &NewJob) -> Result<T, Stop> {
    let answer = client.send(http::Method::POST, path, Some(&json!(job))).await.map_err(|e| link_stop(&e))?;
    serde_json::from_value(answer.unwrap_or_default()).map_err(|e| Stop::failed(format!("read the server's answer: {e}")))
}

/// A kind that this program knows.
pub fn kind_of(common: &Common, name: &str) -> Result<Option<Arc<dyn Kind>>, Stop> {
    Ok(kinds::planned(&common.shelf()?).into_iter().find(|kind| kind.name() == name))
}

pub fn unknown(common: &Common, name: &str) -> Stop {
    let shelf = match common.shelf() {
        Ok(shelf) => shelf,
        Err(stop) => return stop,
    };
    let known: Vec<&str> = kinds::planned(&shelf).iter().map(|kind| kind.name()).collect();
    Stop::bad(format!("--kind {name}: there is no such kind of job; there are {}", known.join(", ")))
}

/// The kind of job that a file is for: as it is named, or else by what it begins with and is called.
fn kind(args: &Args, bytes: Option<&[u8]>) -> Result<String, Stop> {
    if let Some(kind) = &args.kind {
        return Ok(kind.clone());
    }
    let (Some(file), Some(bytes)) = (&args.file, bytes) else {
        return Err(Stop::bad("name a FILE, or a kind that needs none: klieg submit --kind image --prompt \"a temple at dusk\""));
    };
    if is_template(bytes) {
        return Ok(klieg_openjd::KIND.into());
    }
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "fountain" | "fdx" | "txt" | "" => Ok("film".into()),
        "yaml" | "yml" | "json" => Err(Stop::bad(format!(
            "{} is no Open Job Description template: nothing in it says `specificationVersion: jobtemplate-2023-09`",
            file.display()
        ))),
        _ => Err(Stop::bad(format!(
            "{}: what kind of job that is cannot be told from its name; name it with --kind",
            file.display()
        ))),
    }
}

/// Whether it says of itself that it is an Open Job Description template, in JSON or in YAML.
fn is_template(bytes: &[u8]) -> bool {
    const VERSION: &str = "specificationVersion";
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if text.trim_start().starts_with('{') {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
        return value[VERSION].as_str().is_some_and(|version| version.starts_with("jobtemplate-"));
    }
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    let versions = text.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| unquoted(name) == VERSION);
    versions.take(1).any(|(name, value)| !name.starts_with(' ') && unquoted(value).starts_with("jobtemplate-"))
}

fn read(path: &Path, takes: Takes) -> Result<(String, Vec<u8>), Stop> {
    let bad = |e: std::io::Error| Stop::bad(format!("{}: {e}", path.display()));
    let too_large =
        || Stop::bad(format!("{}: the input `{}` has fewer than {} bytes", path.display(), takes.input, takes.bytes_max));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(takes.bytes_max).read_to_end(&mut bytes).map_err(bad)?;
        return if (bytes.len() as u64) < takes.bytes_max { Ok(("script.fountain".into(), bytes)) } else { Err(too_large()) };
    }
    let file = std::fs::File::open(path).map_err(bad)?;
    // A vast file is refused before it is read.
    if file.metadata().map_err(bad)?.len() >= takes.bytes_max {
        return Err(too_large());
    }
    file.take(takes.bytes_max).read_to_end(&mut bytes).map_err(bad)?;
    if bytes.len() as u64 >= takes.bytes_max {
        return Err(too_large());
    }
    Ok((path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(), bytes))
}

fn accepted(common: &Common, job: &Job) -> Result<(), Stop> {
    if common.json {
        return print_json(job);
    }
    print(&format!("{}\n", job.id));
    if !common.quiet {
        eprintln!("`klieg watch {0}` shows it, `klieg get {0}` brings what it gives", job.id);
    }
    Ok(())
}

fn estimate(common: &Common, estimate: &Estimate) -> Result<(), Stop> {
    if common.json {
        return print_json(estimate);
    }
    let about = &estimate.plan;
    if let Some(title) = about["title"].as_str() {
        let seconds = about["film_seconds"].as_f64().unwrap_or_default();
        print(&format!("{title}: {} scenes, {} shots, {} of film\n", about["scenes"], about["shots"], clock(seconds)));
    }
    let eta = estimate
        .eta_seconds
        .map_or("no node is there to do it".into(), |eta| format!("about {} with every slot of the farm", clock(eta)));
    print(&format!("{} tasks, {} of slots, {eta}, cost about {}\n", estimate.tasks, clock(estimate.seconds), money(estimate.cost)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_say_what_they_are() {
        let yes =
            ["specificationVersion: jobtemplate-2023-09\nname: x\n", "# a job\n\"specificationVersion\": 'jobtemplate-2023-09'\n"];
        assert!(yes.iter().all(|text| is_template(text.as_bytes())));
        assert!(is_template(br#" {"name": "x", "specificationVersion": "jobtemplate-2023-09"}"#));
        let no = [
            "INT. KITCHEN - DAY\n\nANNA: specificationVersion: jobtemplate-2023-09\n",
            "specificationVersion: environment-2023-09\n",
            "{}",
            "",
        ];
        assert!(no.iter().all(|text| !is_template(text.as_bytes())) && !is_template(b"\xff"));
    }
}
