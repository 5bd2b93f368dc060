//! `klieg node`: lets this machine work for a farm elsewhere.

use super::{Common, Stop, block_on, link::LinkArgs, link_stop, openjd::AllowArgs, print, print_json, render};
use crate::signals::{self, LogArgs};
use klieg_kernels::Choice;
use klieg_nodes::{
    Agent, AgentOptions,
    discover::{self, Wanted},
    interruption::{self, Cloud, Metadata},
    remote::{Remote, RemoteError, RemoteOptions},
};
use klieg_protocol::{Incarnation, NodeId, Offer, Tools};
use std::{path::PathBuf, time::Duration};

/// What a node's cache takes unless said otherwise.
const CACHE_BYTES: u64 = 20_000_000_000;
/// What must be free on its disk unless said otherwise.
const DISK_FREE_MIN_BYTES: u64 = 1_000_000_000;

#[derive(clap::Args)]
pub struct Args {
    /// A file with these settings, each under its name here without dashes, in the table [node] [default: the first of
    /// ./klieg.toml, klieg/klieg.toml in the user's configuration folder, /etc/klieg/klieg.toml].
    #[arg(long, value_name = "FILE", env = "KLIEG_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    link: LinkArgs,
    /// What the farm calls this machine; no two nodes may have the same [default: its host name].
    #[arg(long, env = "KLIEG_NODE_NAME")]
    name: Option<String>,
    /// Tasks at a time on the processor [default: one a core].
    #[arg(long, visible_alias = "slots", value_name = "N", env = "KLIEG_CPU_SLOTS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    cpu_slots: Option<u32>,
    /// Tasks at a time on each GPU.
    #[arg(long, value_name = "N", env = "KLIEG_GPU_SLOTS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    gpu_slots: u32,
    /// GPUs to offer: NVIDIA's by their place on the bus (0,1), others as vulkan:N; none [default: every NVIDIA GPU].
    #[arg(long, value_name = "LIST", env = "KLIEG_GPUS", value_delimiter = ',', value_parser = gpu, conflicts_with = "no_gpus")]
    gpus: Vec<Choice>,
    /// The same as --gpus none.
    #[arg(long)]
    no_gpus: bool,
    /// Print what this node would offer, and end.
    #[arg(long)]
    list: bool,
    /// Where artifacts, unconfirmed results and attempts' files are kept; of this node alone [default: nodes/ and the name, in
    /// klieg/ of the user's cache folder].
    #[arg(long, value_name = "DIR", env = "KLIEG_CACHE")]
    cache: Option<PathBuf>,
    /// Drain when this cloud tells that it will take the machine away: aws, gcp or azure.
    #[arg(long, value_name = "CLOUD", env = "KLIEG_CLOUD")]
    cloud: Option<Cloud>,
    /// How long, in seconds, tasks may go on when the agent is asked to end (SIGTERM, Ctrl-C); asked again, it ends at once.
    #[arg(long, value_name = "SECONDS", env = "KLIEG_DRAIN", default_value_t = 900)]
    drain: u64,
    /// The most that cached artifacts take.
    #[arg(long, value_name = "BYTES", env = "KLIEG_CACHE_BYTES", default_value_t = CACHE_BYTES)]
    cache_bytes: u64,
    /// With less room than this on the cache's disk the node takes no more tasks.
    #[arg(long, value_name = "BYTES", env = "KLIEG_DISK_FREE_MIN", default_value_t = DISK_FREE_MIN_BYTES)]
    disk_free_min: u64,
    #[command(flatten)]
    openjd: AllowArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// A GPU as --gpus names it.
fn gpu(text: &str) -> Result<Choice, String> {
    match text.parse().map(Choice::Cuda).or_else(|_| text.parse()) {
        Ok(choice @ (Choice::Cuda(_) | Choice::Vulkan(_))) => Ok(choice),
        _ if text == "none" => Ok(Choice::Cpu),
        _ => Err(format!(
            "{text:?} names no GPU: give 0 for the first NVIDIA GPU, 1 for the second, vulkan:N for another's, or none"
        )),
    }
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let _signals = signals::begin(common.quiet, args.log, "node")?;
    block_on(node(common, args))?
}

async fn node(common: &Common, args: &Args) -> Result<(), Stop> {
    let options = super::models::offer(common, args.openjd.allow(options(args)?)?);
    if args.list {
        return list(common, &options.offer(Incarnation::default()));
    }
    let remote = open(args, &options.node)?;
    let mut stop = std::pin::pin!(render::interrupted());
    tokio::select! {
        welcome = remote.greet() => {
            let welcome = welcome.map_err(|e| link_stop(&e))?;
            if welcome.build != render::build_id()? {
                tracing::warn!(server = welcome.klieg, "the server is another build of klieg: its cached results may differ from this node's");
            }
        }
        () = &mut stop => return Ok(()),
    }
    let (slots, gpus) = (options.slots, options.gpus.len());
    let agent = Agent::start(remote.clone(), options).await.map_err(|e| match remote.cast_out() {
        Some(why) => Stop::bad(format!("failed to {why}")),
        None => Stop::failed(format!("failed to {e}")),
    })?;
    if !common.quiet {
        eprintln!("klieg works for {} as {} with {slots} slots and {gpus} GPUs", args.link.server.join(", "), agent.node().0);
    }
    let fate = tokio::select! {
        fate = remote.fate() => Err(Stop::bad(format!("failed to {fate}"))),
        ended = agent.ended() => Err(ended_stop(ended)),
        notice = interruption(args.cloud) => {
            tracing::warn!("{notice}");
            leave(&agent, Duration::from_secs(args.drain)).await;
            Ok(())
        }
        () = &mut stop => {
            leave(&agent, Duration::from_secs(args.drain)).await;
            Ok(())
        }
    };
    agent.stop().await;
    fate
}

/// What this machine brings to a farm, as the arguments want it.
fn options(args: &Args) -> Result<AgentOptions, Stop> {
    let program = std::env::current_exe().map_err(|e| Stop::failed(format!("find the klieg program to start workers: {e}")))?;
    let wanted = match args.gpus.as_slice() {
        [] if !args.no_gpus => Wanted::Nvidia,
        these => Wanted::These(these.iter().copied().filter(|choice| *choice != Choice::Cpu).collect()),
    };
    let gpus = discover::own_gpus(&wanted, args.gpu_slots).map_err(|e| Stop::bad(format!("failed to {e}")))?;
    let here = AgentOptions::with(vec![program.into(), "worker".into()], gpus);
    let voices = klieg_film_speech::available().into_iter().filter(|voice| !voice.languages.is_empty());
    let voices = voices.map(|voice| voice.program.to_string()).collect();
    Ok(AgentOptions {
        node: args.name.clone().map_or(here.node.clone(), NodeId),
        slots: args.cpu_slots.map_or(here.slots, |slots| slots as usize),
        tools: Tools { encoders: discover::encoders(), voices, ..here.tools.clone() },
        disk_free_min_bytes: args.disk_free_min,
        ..here
    })
}

/// Prints an offer, without the life that makes it.
fn list(common: &Common, offer: &Offer) -> Result<(), Stop> {
    let Offer { node, devices, tools, .. } = offer;
    if common.json {
        return print_json(&serde_json::json!({"node": node, "devices": devices, "tools": tools}));
    }
    let mut text = format!("{}\n", node.0);
    for device in devices {
        let (gib, plural) = (device.memory_bytes as f64 / f64::from(1 << 30), if device.slots == 1 { "" } else { "s" });
        let gpu = device.gpu.as_ref().map_or(String::new(), |facts| [", driver ", &facts.driver, ", ", &facts.uuid].concat());
        let gpu = gpu.trim_end_matches(", ");
        text += &format!("  {:<5} {}, {gib:.1} GiB, {} slot{plural}{gpu}\n", device.class.to_string(), device.name, device.slots);
    }
    let words = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    text += &format!("  encoders: {}\n  voices: {}\n", words(&tools.encoders), words(&tools.voices));
    print(&text);
    Ok(())
}

/// Done when the cloud takes the machine away; never without a cloud.
async fn interruption(cloud: Option<Cloud>) -> String {
    match cloud {
        Some(cloud) => Metadata::of(cloud).interruption(interruption::EVERY).await,
        None => std::future::pending().await,
    }
}

/// Lets what runs finish, unless it takes too long or somebody asks again.
async fn leave(agent: &Agent, limit: Duration) {
    tracing::info!(?limit, "draining: no new tasks; ask again to end at once");
    tokio::select! {
        stopped = agent.drain(limit) => {
            if stopped > 0 {
                tracing::warn!(stopped, "tasks were still running: others will run them");
            }
        }
        () = render::interrupted() => tracing::warn!("ending at once: others will run what ran here"),
    }
}

fn ended_stop(ended: klieg_nodes::Ended) -> Stop {
    match ended {
        klieg_nodes::Ended::Replaced => {
            Stop::bad("another agent has taken this node's place: give each of them a --name and a --cache of its own")
        }
        klieg_nodes::Ended::Closed => Stop::failed("the farm has been closed"),
    }
}

fn open(args: &Args, node: &NodeId) -> Result<Remote, Stop> {
    let cache = match &args.cache {
        Some(cache) => cache.clone(),
        None => directories::ProjectDirs::from("", "", "klieg")
            .map(|dirs| dirs.cache_dir().join("nodes").join(&node.0))
            .ok_or_else(|| Stop::bad("find the user's cache folder: HOME is not set; name a folder with --cache DIR"))?,
    };
    let link = args.link.options()?;
    signals::hide(&link.token);
    let options = RemoteOptions { link, cache, cache_bytes_max: args.cache_bytes };
    Remote::open(&options).map_err(|error| match &error {
        RemoteError::Link(error) => link_stop(error),
        other => Stop::bad(format!("failed to {other}")),
    })
}
