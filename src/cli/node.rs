//! `klieg node`: lets this machine work for a farm elsewhere.

use super::{Common, Stop, block_on, link::LinkArgs, link_stop, openjd::AllowArgs, render};
use klieg_kernels::Choice;
use klieg_nodes::{
    Agent, AgentOptions,
    interruption::{self, Cloud, Metadata},
    remote::{Remote, RemoteError, RemoteOptions},
};
use klieg_protocol::NodeId;
use std::{path::PathBuf, time::Duration};

/// What a node's cache takes unless said otherwise.
const CACHE_BYTES: u64 = 20_000_000_000;

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
    /// Tasks at a time [default: one a core].
    #[arg(long, value_name = "N", env = "KLIEG_SLOTS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
    /// What pictures are made on: auto, cuda:N, vulkan:N or cpu.
    #[arg(long, value_parser = super::device_of, env = "KLIEG_DEVICE", default_value = "auto")]
    device: Choice,
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
    #[command(flatten)]
    openjd: AllowArgs,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    super::log(common)?;
    block_on(node(common, args))?
}

async fn node(common: &Common, args: &Args) -> Result<(), Stop> {
    let device = render::device(args.device)?;
    let program = std::env::current_exe().map_err(|e| Stop::failed(format!("find the klieg program to start workers: {e}")))?;
    let worker = vec![program.into(), "worker".into(), "--device".into(), device.to_string().into()];
    let here = args.openjd.allow(AgentOptions::here(worker))?;
    let name = args.name.clone().map_or(here.node.clone(), NodeId);
    let slots = args.slots.map_or(here.slots, |slots| slots as usize);
    let options = AgentOptions { node: name, slots, ..here };
    let remote = open(args, &options.node)?;
    let mut stop = std::pin::pin!(render::interrupted());
    tokio::select! {
        welcome = remote.greet() => {
            let welcome = welcome.map_err(|e| link_stop(&e))?;
            if welcome.build != render::build_id(Choice::Cpu)? {
                tracing::warn!(server = welcome.klieg, "the server is another build of klieg: its cached results may differ from this node's");
            }
        }
        () = &mut stop => return Ok(()),
    }
    let agent = Agent::start(remote.clone(), options).await.map_err(|e| Stop::failed(format!("failed to {e}")))?;
    if !common.quiet {
        eprintln!("klieg works for {} as {} with {slots} slots", args.link.server.join(", "), agent.node().0);
    }
    let fate = tokio::select! {
        fate = remote.fate() => Err(Stop::bad(format!("failed to go on: {fate}"))),
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
    let options = RemoteOptions { link: args.link.options()?, cache, cache_bytes_max: args.cache_bytes };
    Remote::open(&options).map_err(|error| match &error {
        RemoteError::Link(error) => link_stop(error),
        other => Stop::bad(format!("failed to {other}")),
    })
}
