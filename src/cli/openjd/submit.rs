//! `klieg openjd submit`: a template as a job of a farm, this machine's or one elsewhere.

use super::{allow::AllowArgs, parameters::JobArgs};
use crate::{
    cli::{
        Common, Stop, block_on, farm_stop,
        link::{LinkArgs, link_stop},
        print, print_json,
        render::{PRICE_PER_SLOT_HOUR, build_id, cores, interrupted},
    },
    house::{Events, House, transfer_stop},
};
use klieg_api::client::Client;
use klieg_nodes::{
    Agent, AgentOptions,
    discover::{self, Wanted},
    remote::Cache,
};
use klieg_openjd::{
    Attachment, FILES, Flow, KIND, LOG, MANIFEST, OpenJd, Params, TEMPLATE,
    attach::{self, Entry},
    check::read,
    gathered, template,
};
use klieg_pipelines::kind::Kind;
use klieg_protocol::{Class, Digest, Event, JobId, JobSpec, JobState, TaskName, wire::Submission};
use klieg_scheduler::{Farm, FarmOptions};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// Sessions that a step is cut into at most; each enters the environments once [default: one a task, or 16 when there are environments].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sessions: Option<u32>,
    /// Print what the commands printed, session by session.
    #[arg(long)]
    logs: bool,
    /// With --server: end when the farm has accepted the job, and bring nothing.
    #[arg(long, requires = "server")]
    no_wait: bool,
    /// Without --server: sessions at a time on this machine [default: one a core].
    #[arg(long, value_name = "N", env = "KLIEG_WORKERS")]
    workers: Option<usize>,
    #[command(flatten)]
    link: LinkArgs,
}

/// What artifacts brought from elsewhere take on this machine at most.
const BROUGHT_BYTES_MAX: u64 = 20_000_000_000;

/// Everything that a farm needs to have of a job.
pub struct Order {
    pub label: String,
    pub params: Params,
    template: Vec<u8>,
    attachments: Vec<Attachment>,
    /// Files that it brings, by the names of the inputs that they become.
    files: BTreeMap<String, PathBuf>,
    /// Its steps, in an order in which they may run.
    steps: Vec<String>,
}

impl Order {
    /// Reads a template, and looks at the files that it brings.
    pub fn of(job: &JobArgs, sessions: Option<u32>) -> Result<Self, Stop> {
        let bad = |message: String| Stop::bad(message);
        let text = read(&job.path).map_err(bad)?;
        let extensions: Vec<String> = template::all_extensions().into_iter().map(str::to_owned).collect();
        let prepared = job.prepare(&extensions, &[]).map_err(bad)?;
        let (directory, working) = job.places().map_err(bad)?;
        let values = job.values().map_err(bad)?.into_iter().map(|(name, value)| (name, value.into())).collect();
        let params = Params {
            file: job.path.display().to_string(),
            json: template::kind_of(&job.path) == template::DocumentType::Json,
            directory,
            working,
            values,
            sessions,
            run: format!("{:016x}", fastrand::u64(..)),
        };
        let (mut attachments, mut files) = (attach::attachments(&prepared), BTreeMap::new());
        for attachment in attachments.iter_mut().filter(|attachment| attachment.flow != Flow::Out) {
            attachment.files = bring(attachment, &mut files)?;
        }
        let selection = klieg_openjd::select::steps(&prepared.job, None, true).map_err(bad)?;
        let steps = selection.steps.into_iter().map(|at| prepared.job.steps[at].name.clone()).collect();
        Ok(Self { label: prepared.job.name, params, template: text.into_bytes(), attachments, files, steps })
    }

    /// Uploads all that the job takes; gives the digests by the names under which it expects them.
    pub async fn send(&self, client: &Client) -> Result<BTreeMap<String, Digest>, Stop> {
        let mut inputs = BTreeMap::new();
        let manifest = self.manifest()?;
        let small = [(TEMPLATE, Some(&self.template)), (MANIFEST, manifest.as_ref())];
        for (name, bytes) in small.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
            inputs.insert(name.to_owned(), client.put(bytes).await.map_err(|e| transfer_stop(&e))?);
        }
        for (name, path) in &self.files {
            inputs.insert(name.clone(), client.put(&bytes_of(path)?).await.map_err(|e| transfer_stop(&e))?);
        }
        Ok(inputs)
    }

    fn manifest(&self) -> Result<Option<Vec<u8>>, Stop> {
        let text = (!self.attachments.is_empty()).then(|| serde_json::to_vec(&self.attachments)).transpose();
        text.map_err(|e| Stop::failed(format!("write the manifest: {e}")))
    }

    /// Where what comes out belongs, by parameter.
    fn folders(&self) -> BTreeMap<String, PathBuf> {
        let out = self.attachments.iter().filter(|attachment| attachment.flow != Flow::In);
        out.map(|attachment| {
            let path = Path::new(&attachment.path);
            let folder = if attachment.file { path.parent().unwrap_or(path) } else { path };
            (attachment.parameter.clone(), folder.to_owned())
        })
        .collect()
    }
}

/// Looks at the files that an attachment brings, and names them by digest. What a job both takes and makes need not be there yet.
fn bring(attachment: &Attachment, files: &mut BTreeMap<String, PathBuf>) -> Result<Vec<Entry>, Stop> {
    let path = Path::new(&attachment.path);
    let unreadable =
        |path: &Path, e: &std::io::Error| Stop::bad(format!("parameter {} attaches {}: {e}", attachment.parameter, path.display()));
    if attachment.flow == Flow::Inout && !path.exists() {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for (name, from) in attach::list(path, attachment.file).map_err(|e| unreadable(path, &e))? {
        let mut hasher = blake3::Hasher::new();
        let hashed = std::fs::File::open(&from).and_then(|file| hasher.update_reader(file).map(drop));
        hashed.map_err(|e| unreadable(&from, &e))?;
        let entry = Entry { path: name, digest: Digest(*hasher.finalize().as_bytes()), executable: attach::executable(&from) };
        files.insert(entry.input(), from);
        entries.push(entry);
        if files.len() > attach::FILES_IN_MAX {
            let most = attach::FILES_IN_MAX;
            return Err(Stop::bad(format!(
                "parameter {} attaches more than {most} files: put them where the nodes see them, and leave dataFlow out",
                attachment.parameter
            )));
        }
    }
    Ok(entries)
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let order = Order::of(&args.job, args.sessions)?;
    block_on(async {
        if args.link.server.is_empty() { here(common, args, &order).await } else { there(common, args, &order).await }
    })?
}

/// On a farm of this process's own.
async fn here(common: &Common, args: &Args, order: &Order) -> Result<(), Stop> {
    let program = std::env::current_exe().map_err(|e| Stop::failed(format!("find the klieg program to start workers: {e}")))?;
    let worker = vec![program.into(), "worker".into()];
    // Templates may require a GPU.
    let gpus = discover::own_gpus(&Wanted::Nvidia, 1).map_err(|e| Stop::failed(format!("failed to {e}")))?;
    let slots = args.workers.unwrap_or_else(cores).max(1);
    let options = AllowArgs::own().allow(AgentOptions { slots, ..AgentOptions::with(worker, gpus) })?;
    let options = crate::cli::models::offer(common, options);
    let folder = common.farm_folder()?;
    let farm = FarmOptions { folder, price_per_slot_hour: PRICE_PER_SLOT_HOUR, ..FarmOptions::default() };
    let farm = Farm::open(farm).await.map_err(|e| farm_stop(&e))?;
    let job = submit_here(&farm, order).await?;
    let agent = Agent::start(farm.clone(), options).await.map_err(|e| Stop::failed(format!("failed to {e}")))?;
    let ended = follow(common, args, &farm, farm.watch(&job), &job).await;
    if matches!(ended, Ok(Ended::Interrupted)) {
        // Nobody else would go on with it.
        farm.cancel(&job).await.map_err(|e| farm_stop(&e))?;
    }
    agent.stop().await;
    let brought = match ended {
        Ok(Ended::Succeeded) => deliver(&farm, &job, order).await,
        Ok(Ended::Interrupted) => Err(Stop::interrupted("interrupted; the job was cancelled")),
        Err(stop) => Err(stop),
    };
    farm.close().await;
    report(common, &job, &brought?)
}

async fn submit_here(farm: &Farm, order: &Order) -> Result<JobId, Stop> {
    let mut inputs = BTreeMap::new();
    let manifest = order.manifest()?;
    let small = [(TEMPLATE, Some(&order.template)), (MANIFEST, manifest.as_ref())];
    for (name, bytes) in small.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
        inputs.insert(name.to_owned(), farm.put(bytes.clone()).await.map_err(|e| farm_stop(&e))?);
    }
    for (name, path) in &order.files {
        inputs.insert(name.clone(), farm.put(bytes_of(path)?).await.map_err(|e| farm_stop(&e))?);
    }
    let known = |wanted: &Digest| {
        let found = [Some(&order.template), manifest.as_ref()].into_iter().flatten().find(|bytes| Digest::of(bytes) == *wanted);
        found.cloned().ok_or_else(|| std::io::Error::other("not an input of this job"))
    };
    let spec = JobSpec { kind: KIND.into(), label: order.label.clone(), params: json!(order.params), inputs };
    let plan = OpenJd::new().plan(&spec, Class::Cpu, &known)?;
    farm.submit(spec, plan, &build_id()?).await.map_err(|e| farm_stop(&e))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|e| Stop::bad(format!("read {}: {e}", path.display())))
}

/// On a farm elsewhere.
async fn there(common: &Common, args: &Args, order: &Order) -> Result<(), Stop> {
    let folder = tempfile::tempdir().map_err(|e| Stop::failed(format!("make a temporary folder: {e}")))?;
    let cache = Cache::open(folder.path(), BROUGHT_BYTES_MAX).map_err(|e| Stop::failed(format!("failed to {e}")))?;
    let client = Client::new(&args.link.options()?, cache).map_err(|e| link_stop(&e))?;
    let job = submit_there(&client, order).await?;
    if args.no_wait {
        return report(common, &job, &[]);
    }
    match follow(common, args, &client, client.watch(&job), &job).await? {
        Ended::Succeeded => report(common, &job, &deliver(&client, &job, order).await?),
        Ended::Interrupted => Err(Stop::interrupted(format!("interrupted; the farm goes on with {}", job.0))),
    }
}

async fn submit_there(client: &Client, order: &Order) -> Result<JobId, Stop> {
    let inputs = order.send(client).await?;
    let (kind, label) = (KIND.to_owned(), order.label.clone());
    let job = Submission { kind, label, params: json!(order.params), inputs, project: String::new(), priority: 0 };
    client.submit(&job).await.map_err(|e| link_stop(&e))
}

enum Ended {
    Succeeded,
    Interrupted,
}

/// Tells what happens until the job has ended.
async fn follow(common: &Common, args: &Args, farm: &impl House, mut events: impl Events, job: &JobId) -> Result<Ended, Stop> {
    let mut labels = BTreeMap::new();
    let mut interrupt = std::pin::pin!(interrupted());
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            () = &mut interrupt => return Ok(Ended::Interrupted),
        };
        let event = event.ok_or_else(|| Stop::failed("the farm closed before the job ended"))?;
        tell(common, &mut labels, &event);
        match event {
            Event::TaskSucceeded { task, outputs, .. } if args.logs => {
                if let Some(log) = outputs.get(LOG) {
                    let text = farm.bytes(*log).await?;
                    print(&format!("--- {task}\n{}", String::from_utf8_lossy(&text)));
                }
            }
            Event::JobEnded { state: JobState::Succeeded, .. } => return Ok(Ended::Succeeded),
            Event::JobEnded { state, reason } => {
                let reason = reason.unwrap_or_else(|| "no reason given".into());
                let word = if state == JobState::Cancelled { "was cancelled" } else { "failed" };
                return Err(Stop::failed(format!("{} {word}: {reason}", job.0)));
            }
            _ => {}
        }
    }
}

/// One line for what people want to know of an event.
fn tell(common: &Common, labels: &mut BTreeMap<TaskName, String>, event: &Event) {
    if common.quiet {
        return;
    }
    if common.json {
        if let Ok(line) = serde_json::to_string(event) {
            print(&format!("{line}\n"));
        }
        return;
    }
    match event {
        Event::TaskAdded { task, step, label, .. } if step == "session" => {
            labels.insert(task.clone(), label.clone());
        }
        Event::TaskProgress { task, progress } if !progress.note.is_empty() && labels.contains_key(task) => {
            eprintln!("{task}: {:.0} %, {}", f64::from(progress.fraction) * 100.0, progress.note);
        }
        Event::TaskSucceeded { task, seconds, .. } if labels.contains_key(task) => {
            eprintln!("{task}: done ({}) in {seconds:.1} s", labels[task]);
        }
        Event::TaskFailed { task, failure, again } => {
            let again = if *again { "; it is tried again" } else { "" };
            eprintln!("{task}: {}{again}", failure.message);
        }
        _ => {}
    }
}

/// Puts what the job left where its parameters say; a later step's file takes the place of an earlier one's.
pub async fn deliver(farm: &impl House, job: &JobId, order: &Order) -> Result<Vec<PathBuf>, Stop> {
    let folders = order.folders();
    let mut written = Vec::new();
    if folders.is_empty() {
        return Ok(written);
    }
    let tasks = farm.tasks(job).await?;
    for step in &order.steps {
        let name = gathered(step);
        let files = tasks.iter().find(|task| task.name == name).and_then(|task| task.outputs.get(FILES));
        let files = files.ok_or_else(|| Stop::failed(format!("the job left no {name}")))?;
        let archive = farm.file(*files).await?;
        let unpacked = attach::unpack(&archive, &folders).map_err(|e| Stop::failed(format!("write what {step} left: {e}")))?;
        written.extend(unpacked);
    }
    Ok(written)
}

fn report(common: &Common, job: &JobId, files: &[PathBuf]) -> Result<(), Stop> {
    if common.json {
        return print_json(&json!({"job": job.0, "files": files}));
    }
    print(&format!("{}\n", job.0));
    if !common.quiet {
        files.iter().for_each(|file| print(&format!("  {}\n", file.display())));
    }
    Ok(())
}
