//! `klieg render`: the embedded farm from submission to the delivered folder.

use super::film_args::{FilmArgs, read_table};
use super::link::{LinkArgs, link_stop};
use super::{Common, Stop, block_on, print_json};
use crate::deliver::{self, Delivery};
use crate::house::{Events, House, transfer_stop};
use crate::show::progress::{Display, Mode};
use crate::show::{clock, money};
use klieg_api::client::Client;
use klieg_film_words::FPS;
use klieg_kernels::{Choice, Device, device::Info};
use klieg_nodes::encode::Ffmpeg;
use klieg_nodes::remote::Cache;
use klieg_nodes::{Agent, AgentOptions, discover};
use klieg_pipelines::film::{Film, FilmParams, Preparation};
use klieg_pipelines::kind::{Kind, class_of};
use klieg_protocol::{Digest, Event, JobId, JobSpec, JobState, wire::Submission};
use klieg_scheduler::{Farm, FarmError, FarmOptions, state::Rules};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// What a CPU slot costs an hour unless said otherwise: about what clouds ask for one virtual CPU.
pub const PRICE_PER_SLOT_HOUR: f64 = 0.04;
/// CPU cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub film: FilmArgs,
    /// Where the film and its turnover go [default: out/ and the script's name].
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A look for the whole film: a 3D table (.cube) that takes and gives sRGB.
    #[arg(long, value_name = "FILE")]
    pub lut: Option<PathBuf>,
    #[command(flatten)]
    pub farm: FarmArgs,
}

/// How the embedded farm runs.
#[derive(clap::Args, Clone)]
pub struct FarmArgs {
    /// Worker processes; the film is the same whatever their number [default: one a core].
    #[arg(long, value_name = "N", env = "KLIEG_WORKERS")]
    pub workers: Option<usize>,
    /// What pictures are made on: auto, cuda:N, vulkan:N or cpu; `klieg doctor` lists what this machine has [default: auto; when
    /// resuming, what the render was made on].
    #[arg(long, value_parser = super::device_of, env = "KLIEG_DEVICE")]
    pub device: Option<Choice>,
    /// Price of a slot-hour, for the cost.
    #[arg(long, default_value_t = PRICE_PER_SLOT_HOUR, env = "KLIEG_PRICE")]
    pub price: f64,
    /// With --server the farm there renders, with its own devices and price, and the film is brought here; of --device counts what kind
    /// it is, not which.
    #[command(flatten)]
    pub link: LinkArgs,
}

/// A render with everything known that is needed to run it, now or by `klieg resume`.
pub struct Order {
    pub script: Vec<u8>,
    /// The table that the parameters name.
    pub lut: Option<Vec<u8>>,
    pub params: FilmParams,
    pub out: PathBuf,
    pub farm: FarmArgs,
}

pub fn run(common: &Common, args: Args) -> Result<(), Stop> {
    let (script, ..) = args.film.prepare()?;
    let (named, lut) = args.lut.as_deref().map(read_table).transpose()?.unzip();
    let params = FilmParams { lut: named, ..args.film.params() };
    let stem = args.film.script.file_stem().map_or_else(|| "film".into(), |s| s.to_string_lossy().into_owned());
    let stem = if stem == "-" { "film".to_owned() } else { stem };
    let out = args.out.unwrap_or_else(|| PathBuf::from("out").join(stem));
    execute(common, &Order { script, lut, params, out, farm: args.farm })
}

/// Runs an order to its end.
pub fn execute(common: &Common, order: &Order) -> Result<(), Stop> {
    let preparation = Preparation::of(&order.script, &order.params)?;
    if !order.farm.link.server.is_empty() {
        let options = order.farm.link.options()?;
        deliver::check_folder(&order.out)?;
        return block_on(render_there(common, order, &preparation, &options))?;
    }
    let (workers, most) = (order.farm.workers.unwrap_or(1), Rules::default().slots_per_device_max);
    if workers > most as usize {
        return Err(Stop::bad(format!("--workers {workers}: a machine runs {most} at most; give fewer, such as one a core")));
    }
    super::doctor::require(&preparation, order.params.format)?;
    let device = device(order.farm.device.unwrap_or_default())?;
    // Last, because it makes the folder: what is refused leaves nothing behind.
    deliver::check_folder(&order.out)?;
    block_on(render(common, order, &preparation, device))?
}

/// The device that a choice comes to on this machine, opened once to see that it works.
fn device(choice: Choice) -> Result<Info, Stop> {
    let opened =
        Device::open(choice, 1).map_err(|e| Stop::bad(format!("--device {choice}: {e}; `klieg doctor` lists what is here")))?;
    Ok(opened.info())
}

#[expect(clippy::disallowed_methods, reason = "the command line is where clocks are read")]
pub fn now() -> Instant {
    Instant::now()
}

async fn render(common: &Common, order: &Order, preparation: &Preparation, device: Info) -> Result<(), Stop> {
    let started = now();
    let folder = common.farm_folder()?;
    let workers = order.farm.workers.unwrap_or_else(cores).max(1);
    let options = FarmOptions { folder: folder.clone(), price_per_slot_hour: order.farm.price, ..FarmOptions::default() };
    let farm = Farm::open(options).await.map_err(|e| farm_stop(&e))?;
    let job = submit(&farm, order, device.choice).await?;
    super::resume::remember(&folder, &job, order, device.choice)?;
    let program = std::env::current_exe().map_err(|e| Stop::failed(format!("find the klieg program to start workers: {e}")))?;
    let gpu = discover::unshared(&device, u32::try_from(workers).unwrap_or(u32::MAX));
    let worker = vec![program.into(), "worker".into()];
    let options = AgentOptions { slots: workers, ..AgentOptions::with(worker, gpu.into_iter().collect()) };
    let options = super::models::offer(common, options);
    let agent = Agent::start(farm.clone(), options).await.map_err(|e| Stop::failed(format!("failed to {e}")))?;
    let mut display = Display::open(mode(common), workers, started);
    let ended = watch(&farm, farm.watch(&job), &job, order, &mut display).await;
    display.close();
    agent.stop().await;
    let delivered = match ended {
        Ok(Ended::Succeeded) => deliver::deliver(&farm, &job, order, preparation).await,
        Ok(Ended::Interrupted) => {
            Err(Stop::interrupted("interrupted; the same command, or `klieg resume`, goes on where it stopped"))
        }
        Err(stop) => Err(stop),
    };
    farm.close().await;
    let delivery = delivered?;
    super::resume::forget(&folder, &job);
    report(common, &delivery, display.tracker().count(""), now().duration_since(started).as_secs_f64())
}

pub fn mode(common: &Common) -> Mode {
    if common.quiet {
        Mode::Quiet
    } else if common.json {
        Mode::Json
    } else {
        Mode::People
    }
}

/// What films brought from elsewhere take on this machine at most.
const BROUGHT_BYTES_MAX: u64 = 20_000_000_000;

/// Lets a farm elsewhere render, and delivers the same folder.
async fn render_there(
    common: &Common,
    order: &Order,
    preparation: &Preparation,
    options: &klieg_nodes::remote::LinkOptions,
) -> Result<(), Stop> {
    let started = now();
    let folder = tempfile::tempdir().map_err(|e| Stop::failed(format!("make a temporary folder: {e}")))?;
    let cache = Cache::open(folder.path(), BROUGHT_BYTES_MAX).map_err(|e| Stop::failed(format!("failed to {e}")))?;
    let client = Client::new(options, cache).map_err(|e| link_stop(&e))?;
    let job = submit_there(&client, order).await?;
    let slots = client.backlog().await.map_err(|e| link_stop(&e))?.slots;
    let mut display = Display::open(mode(common), usize::try_from(slots).unwrap_or(1).max(1), started);
    let ended = watch(&client, client.watch(&job), &job, order, &mut display).await;
    display.close();
    match ended? {
        Ended::Succeeded => {}
        Ended::Interrupted => {
            return Err(Stop::interrupted(format!("interrupted; the farm goes on with {}, and the same command brings it", job.0)));
        }
    }
    let delivery = deliver::deliver(&client, &job, order, preparation).await?;
    report(common, &delivery, display.tracker().count(""), now().duration_since(started).as_secs_f64())
}

async fn submit_there(client: &Client, order: &Order) -> Result<JobId, Stop> {
    let mut inputs = BTreeMap::new();
    for (name, bytes) in [("script", Some(&order.script)), ("lut", order.lut.as_ref())] {
        if let Some(bytes) = bytes {
            inputs.insert(name.to_owned(), client.put(bytes).await.map_err(|e| transfer_stop(&e))?);
        }
    }
    let (kind, label) = ("film".to_owned(), order.params.file.clone());
    let params = FilmParams { device: order.farm.device.and_then(class_of), ..order.params.clone() };
    let job = Submission { kind, label, params: json!(params), inputs, project: String::new(), priority: 0 };
    client.submit(&job).await.map_err(|e| link_stop(&e))
}

async fn submit(farm: &Farm, order: &Order, device: Choice) -> Result<JobId, Stop> {
    let mut inputs = BTreeMap::new();
    for (name, bytes) in [("script", Some(&order.script)), ("lut", order.lut.as_ref())] {
        if let Some(bytes) = bytes {
            inputs.insert(name.to_owned(), farm.put(bytes.clone()).await.map_err(|e| farm_stop(&e))?);
        }
    }
    let job = JobSpec { kind: "film".into(), label: order.params.file.clone(), params: json!(order.params), inputs };
    let read = |wanted: &Digest| {
        let found = [Some(&order.script), order.lut.as_ref()].into_iter().flatten().find(|bytes| Digest::of(bytes) == *wanted);
        found.cloned().ok_or_else(|| std::io::Error::other("not an input of this job"))
    };
    let plan = Film::default().plan(&job, class_of(device).unwrap_or_default(), &read)?;
    farm.submit(job, plan, &build_id()?).await.map_err(|e| farm_stop(&e))
}

/// Names this build of klieg: results of another are not reused, because its pixels may differ.
pub fn build_id() -> Result<String, Stop> {
    let read = std::env::current_exe().and_then(std::fs::read);
    let program = read.map_err(|e| Stop::failed(format!("read the klieg program to name its build: {e}")))?;
    Ok(Digest::of(&program).hex())
}

/// What to tell about a farm's error.
pub fn farm_stop(e: &FarmError) -> Stop {
    match e {
        FarmError::NoSuchJob(job) => Stop::bad(format!("there is no job {}; `klieg jobs` lists them", job.0)),
        other => Stop::failed(format!("failed to {other}")),
    }
}

enum Ended {
    Succeeded,
    Interrupted,
}

async fn watch(
    farm: &impl House,
    mut events: impl Events,
    job: &JobId,
    order: &Order,
    display: &mut Display,
) -> Result<Ended, Stop> {
    let mut partial = deliver::Partial::new(order);
    let mut interrupt = std::pin::pin!(interrupted());
    loop {
        let event = tokio::select! {
            event = events.next() => event?,
            _ = &mut interrupt => return Ok(Ended::Interrupted),
        };
        let Some(event) = event else {
            return Err(Stop::failed("the farm closed before the job ended"));
        };
        display.take(&event, now());
        if let Some(path) = partial.take(farm, &event, &Ffmpeg).await {
            display.partial(&path);
        }
        match &event {
            Event::JobEnded { state: JobState::Succeeded, .. } => return Ok(Ended::Succeeded),
            Event::JobEnded { state, reason } => {
                let reason = reason.clone().unwrap_or_else(|| "no reason given".into());
                let word = if *state == JobState::Cancelled { "was cancelled" } else { "failed" };
                return Err(Stop::failed(format!("the render {word}: {reason}\n  see `klieg why {}`", job.0)));
            }
            _ => {}
        }
    }
}

/// Resolves on Ctrl-C or SIGTERM.
pub async fn interrupted() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

fn report(common: &Common, delivery: &Delivery, tasks: crate::show::tracker::Count, seconds: f64) -> Result<(), Stop> {
    if common.json {
        return print_json(&json!({
            "film": delivery.film, "folder": delivery.folder, "seconds": delivery.frames as f64 / f64::from(FPS), "frames": delivery.frames,
            "wall_seconds": seconds, "cost": delivery.cost, "tasks": tasks.total, "reused": tasks.reused, "remarks": delivery.remarks,
        }));
    }
    if common.quiet {
        super::print(&format!("{}\n", delivery.film.display()));
        return Ok(());
    }
    for remark in &delivery.remarks {
        super::print(&format!("note: {remark}\n"));
    }
    let film_seconds = delivery.frames as f64 / f64::from(FPS);
    super::print(&format!(
        "{}\n  {} of film in {} · {} of {} tasks reused · cost {} at {} a slot-hour\n",
        delivery.film.display(),
        clock(film_seconds),
        clock(seconds),
        tasks.reused,
        tasks.total,
        money(delivery.cost),
        money(delivery.price),
    ));
    Ok(())
}
