//! `klieg submit`: a job for a farm with a server.

use super::{
    Common, LinkArgs, Stop, block_on, door, link_stop,
    openjd::{self, JobArgs},
    print, print_json, watch,
};
use crate::house::transfer_stop;
use crate::show::{clock, money};
use klieg_api::{
    client::Client,
    front::views::{Estimate, Job, NewJob},
};
use klieg_protocol::JobId;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub struct Args {
    /// A screenplay (.fountain, .fdx, .txt) for a film, or an Open Job Description template (YAML, JSON); - reads a screenplay from
    /// standard input.
    file: PathBuf,
    /// The kind of job [default: openjd for what says that it is a template, film for a screenplay].
    #[arg(long)]
    kind: Option<String>,
    /// A parameter of the job as NAME=VALUE, the value JSON or else a word: quality=standard, seed=7, size=[640,360]. Of a template: one of
    /// its own parameters, as `klieg openjd submit` takes them.
    #[arg(long = "set", short = 's', value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// What people know it by [default: the file's name].
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
    /// Show it until it has ended, and bring what it gives.
    #[arg(long, short)]
    wait: bool,
    /// With --wait: where that goes [default: out/ and the job's name].
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    link: LinkArgs,
}

/// Scripts of this size or more are refused before they are sent.
const SCRIPT_BYTES_MAX: u64 = 50_000_000;

/// What is submitted, and what it needs.
enum Order {
    Script { kind: String, name: String, bytes: Vec<u8>, params: Map<String, Value> },
    Template(openjd::Order),
}

impl Order {
    fn of(args: &Args) -> Result<Self, Stop> {
        let (name, bytes) = read(&args.file)?;
        let kind = kind(args, &bytes)?;
        if kind == klieg_openjd::KIND {
            if args.file == Path::new("-") {
                return Err(Stop::bad("a template is read from a file: what it brings lies beside it"));
            }
            let job = JobArgs { path: args.file.clone(), job_params: args.set.clone() };
            return openjd::Order::of(&job, None).map(Self::Template);
        }
        let mut params = parameters(&args.set)?;
        params.entry("file").or_insert_with(|| name.clone().into());
        Ok(Self::Script { kind, name, bytes, params })
    }

    /// Uploads what the job takes.
    async fn send(&self, client: &Client, args: &Args) -> Result<NewJob, Stop> {
        let (kind, label, params, inputs) = match self {
            Self::Script { kind, name, bytes, params } => {
                let script = client.put(bytes).await.map_err(|e| transfer_stop(&e))?;
                let inputs = BTreeMap::from([("script".to_owned(), script.hex())]);
                (kind.clone(), name.clone(), params.clone().into(), inputs)
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
            Self::Script { .. } => {
                let outputs = client.get(&format!("/jobs/{}/outputs", job.id)).await.map_err(|e| link_stop(&e))?;
                watch::bring(client, outputs, folder).await
            }
        }
    }
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let order = Order::of(args)?;
    let client = door::server(common, &args.link)?;
    block_on(async {
        let job = order.send(&client, args).await?;
        if args.estimate {
            return estimate(common, &ask(&client, "/jobs/estimate", &job).await?);
        }
        let job: Job = ask(&client, "/jobs", &job).await?;
        if !args.wait {
            return accepted(common, &job);
        }
        if !common.quiet && !common.json {
            eprintln!("{}", job.id);
        }
        let job = watch::to_its_end(common, &client, &JobId(job.id)).await?;
        let folder = args.out.clone().unwrap_or_else(|| PathBuf::from("out").join(&job.id));
        let files = order.bring(&client, &job, &folder).await?;
        if common.json {
            return print_json(&json!({"job": job, "folder": folder, "files": files}));
        }
        files.iter().for_each(|file| print(&format!("{}\n", file.display())));
        Ok(())
    })?
}

async fn ask<T: serde::de::DeserializeOwned>(client: &Client, path: &str, job: &NewJob) -> Result<T, Stop> {
    let answer = client.send(http::Method::POST, path, Some(&json!(job))).await.map_err(|e| link_stop(&e))?;
    serde_json::from_value(answer.unwrap_or_default()).map_err(|e| Stop::failed(format!("read the server's answer: {e}")))
}

/// The kind of job that a file is for: as it is named, or else by what it begins with and is called.
fn kind(args: &Args, bytes: &[u8]) -> Result<String, Stop> {
    if let Some(kind) = &args.kind {
        return Ok(kind.clone());
    }
    if is_template(bytes) {
        return Ok(klieg_openjd::KIND.into());
    }
    let extension = args.file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "fountain" | "fdx" | "txt" | "" => Ok("film".into()),
        "yaml" | "yml" | "json" => Err(Stop::bad(format!(
            "{} is no Open Job Description template: nothing in it says `specificationVersion: jobtemplate-2023-09`",
            args.file.display()
        ))),
        _ => Err(Stop::bad(format!(
            "{}: what kind of job that is cannot be told from its name; name it with --kind",
            args.file.display()
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

fn read(path: &Path) -> Result<(String, Vec<u8>), Stop> {
    let bad = |e: std::io::Error| Stop::bad(format!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let most = SCRIPT_BYTES_MAX + 1;
    let name = match path == Path::new("-") {
        true => {
            std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(bad)?;
            "script.fountain".to_owned()
        }
        false => {
            std::fs::File::open(path).map_err(bad)?.take(most).read_to_end(&mut bytes).map_err(bad)?;
            path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
        }
    };
    if bytes.len() as u64 == most {
        return Err(Stop::bad(format!("{}: a script has fewer than {SCRIPT_BYTES_MAX} bytes", path.display())));
    }
    Ok((name, bytes))
}

fn parameters(set: &[String]) -> Result<Map<String, Value>, Stop> {
    let mut params = Map::new();
    for pair in set {
        let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = parts.ok_or_else(|| Stop::bad(format!("--set {pair}: give NAME=VALUE, such as quality=standard")))?;
        params.insert(name.into(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
    }
    Ok(params)
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

    #[test]
    fn parameters_are_json_or_words() {
        let set = ["quality=standard", "seed=7", "size=[640,360]", "file=\"7\""].map(str::to_owned);
        let params = parameters(&set).unwrap();
        assert_eq!(Value::from(params), json!({"quality": "standard", "seed": 7, "size": [640, 360], "file": "7"}));
        assert!(parameters(&["quality".into()]).is_err() && parameters(&["=1".into()]).is_err());
    }
}
