//! `klieg fleet`: agents that come and go with the farm's backlog.

use super::{Common, Stop, block_on, print};
use klieg_fleet::{Backlog, FleetError, Pace, Round, Rules, Server, Slurm, SlurmOptions, Stage, follow};
use klieg_nodes::remote::LinkOptions;
use std::{ffi::OsString, path::PathBuf, time::Duration};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Start and drain agents by Slurm, as many as the farm's backlog asks for.
    Slurm(Args),
}

#[derive(clap::Args)]
#[command(after_long_help = "\
One agent is one job: its batch script runs `klieg node`. Agents that are too many for the idle time are told to drain: they \
finish what they run and leave. Jobs that wait are taken back first, then the latest agents go. Ending this command leaves the \
agents as they are; started again with the same --name it finds them.

  klieg fleet slurm --server https://farm:7421 --token-file ~/.klieg-token --class cuda --max 16 --partition gpu --gres gpu:1
  klieg fleet slurm --server https://farm:7421 --token-file ~/.klieg-token --max 16 --once --dry-run")]
pub struct Args {
    /// The farm's server; several may be given, of which the first that answers is asked.
    #[arg(long, required = true, env = "KLIEG_SERVER", value_name = "URL", value_delimiter = ',')]
    server: Vec<String>,
    /// File with the farm's token, readable here and, by the same path, on the nodes.
    #[arg(long, env = "KLIEG_TOKEN_FILE", value_name = "FILE")]
    token_file: PathBuf,
    /// Certificates (PEM) of the authority that made the server's, if the system doesn't know it.
    #[arg(long, env = "KLIEG_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Follow only the work for one class of device [default: all work].
    #[arg(long, value_parser = ["cpu", "cuda", "wgpu"])]
    class: Option<String>,
    /// Agents that stay when there is no work.
    #[arg(long, default_value_t = 0, value_name = "N")]
    min: u32,
    /// Jobs at Slurm at most, those included that wait or are ending.
    #[arg(long, value_name = "N")]
    max: u32,
    /// Tasks that an agent runs at a time.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: u32,
    /// For so long there must be too many agents before one is drained.
    #[arg(long, default_value = "300s", value_parser = duration, value_name = "TIME")]
    idle: Duration,
    /// Agents started in one round at most.
    #[arg(long, default_value_t = 8, value_name = "N")]
    start_max: u32,
    /// Agents stopped in one round at most.
    #[arg(long, default_value_t = 8, value_name = "N")]
    stop_max: u32,
    /// From one round to the next.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    interval: Duration,
    /// Name of the jobs; fleets that follow different work need different names.
    #[arg(long, default_value = "klieg")]
    name: String,
    /// Slurm's partition for the agents.
    #[arg(long)]
    partition: Option<String>,
    /// What each agent gets, as sbatch takes it: gpu:1, gpu:a100:1.
    #[arg(long)]
    gres: Option<String>,
    /// Processor cores for each agent.
    #[arg(long, value_name = "N")]
    cores: Option<u32>,
    /// Time limit of an agent, as sbatch takes it: 12:00:00, 2-0.
    #[arg(long, value_name = "LIMIT")]
    time: Option<String>,
    /// So long before its time limit an agent is told to drain (Slurm may say it up to a minute earlier).
    #[arg(long, default_value = "900s", value_parser = duration, value_name = "TIME")]
    drain: Duration,
    /// Folder for the agents' logs; it must exist on the nodes [default: the working folder].
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
    /// Folder on the nodes' own disks for the agents' caches, in which each has its own
    /// [default: one of the user's in the nodes' temporary folder].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// The klieg program on the nodes [default: this one].
    #[arg(long, value_name = "FILE")]
    klieg: Option<PathBuf>,
    /// One more argument for sbatch, such as --sbatch-arg=--account=films; may be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    sbatch_arg: Vec<String>,
    /// One more argument for klieg node, such as --node-arg=--cache-bytes=100000000000; may be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    node_arg: Vec<OsString>,
    /// One round, then end. Surplus agents are drained only with --idle 0s: one look can't tell for how long.
    #[arg(long)]
    once: bool,
    /// Say what would be done, and don't do it.
    #[arg(long)]
    dry_run: bool,
}

/// Seconds, or a number with s, m, h or d.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("a time reads 90s, 15m, 2h or 1d".into()),
    };
    let number: u32 = number.parse().map_err(|_| "a time reads 90s, 15m, 2h or 1d".to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

pub fn run(common: &Common, verb: Verb) -> Result<(), Stop> {
    let Verb::Slurm(args) = verb;
    if args.min > args.max {
        return Err(Stop::bad(format!("--min {} is more than --max {}", args.min, args.max)));
    }
    if args.interval < Duration::from_secs(1) {
        return Err(Stop::bad("--interval has to be 1s at least"));
    }
    let usage = |error: FleetError| Stop::bad(format!("failed to {error}"));
    let rules = Rules {
        idle: args.idle,
        starts_max: args.start_max,
        stops_max: args.stop_max,
        ..Rules::new(args.min, args.max, args.slots)
    };
    let pace = Pace { interval: args.interval, once: args.once, dry: args.dry_run };
    let slurm = Slurm::new(options(&args)?).map_err(|e| usage(e.into()))?;
    let token = klieg_api::token_in(&args.token_file, false).map_err(|e| Stop::bad(format!("failed to {e}")))?;
    let link = LinkOptions { servers: args.server.clone(), token, ca: args.ca.clone() };
    let server = Server::new(&link).map_err(|e| usage(e.into()))?.for_class(args.class);
    let mut teller = Teller { json: common.json, quiet: common.quiet, dry: args.dry_run, last: String::new() };
    let done = block_on(async {
        let stop = interrupted()?;
        let mut tell = |round: Result<&Round, &FleetError>| teller.tell(round);
        Ok::<_, Stop>(follow(&server, &slurm, &rules, pace, &mut fastrand::f64, &mut tell, stop).await)
    })?;
    done?.map_err(|error| if error.is_usage() { usage(error) } else { Stop::failed(format!("failed to {error}")) })
}

fn options(args: &Args) -> Result<SlurmOptions, Stop> {
    let here = |what: &str, found: std::io::Result<PathBuf>| found.map_err(|e| Stop::failed(format!("failed to find {what}: {e}")));
    let klieg = args.klieg.clone().map_or_else(|| here("this program", std::env::current_exe()), Ok)?;
    let logs = args.logs.clone().map_or_else(|| here("the working folder", std::env::current_dir()), Ok)?;
    let token = here(&args.token_file.display().to_string(), std::path::absolute(&args.token_file))?;
    let mut agent: Vec<OsString> = vec![klieg.into(), "node".into()];
    for server in &args.server {
        agent.extend(["--server".into(), server.into()]);
    }
    // Of the agent's devices, those whose work is followed.
    let slots = if args.class.as_deref().is_some_and(|class| class != "cpu") { "--gpu-slots" } else { "--cpu-slots" };
    agent.extend(["--token-file".into(), token.into(), slots.into(), args.slots.to_string().into()]);
    if let Some(ca) = &args.ca {
        agent.extend(["--ca".into(), here(&ca.display().to_string(), std::path::absolute(ca))?.into()]);
    }
    agent.extend(args.node_arg.iter().cloned());
    Ok(SlurmOptions {
        name: args.name.clone(),
        agent,
        cache: args.cache.clone(),
        partition: args.partition.clone(),
        gres: args.gres.clone(),
        cores: args.cores,
        time: args.time.clone(),
        drain: args.drain,
        logs,
        sbatch: args.sbatch_arg.clone(),
        environment: std::collections::BTreeMap::new(),
    })
}

/// Ready at Ctrl-C or SIGTERM.
fn interrupted() -> Result<impl Future<Output = ()>, Stop> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e| Stop::failed(format!("failed to listen for signals: {e}"));
    let (mut int, mut term) = (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    Ok(async move {
        tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
    })
}

/// Says what rounds did: every one as a line of JSON, or to people what is new.
struct Teller {
    json: bool,
    quiet: bool,
    dry: bool,
    last: String,
}

impl Teller {
    fn tell(&mut self, round: Result<&Round, &FleetError>) {
        if self.json {
            let line = match round {
                Ok(round) => serde_json::to_value(round).unwrap_or_default(),
                Err(error) => serde_json::json!({ "error": format!("failed to {error}") }),
            };
            return print(&format!("{line}\n"));
        }
        match round {
            Ok(round) => {
                round.troubles.iter().for_each(|trouble| eprintln!("klieg: {trouble}"));
                let news = self.words(round);
                // What waits changes all the time; people want to know what becomes of the agents.
                if news != self.last && !self.quiet {
                    let Backlog { ready, running, .. } = round.backlog;
                    print(&format!("{news} ({ready} tasks ready, {running} running)\n"));
                }
                self.last = news;
            }
            Err(error) => eprintln!("klieg: failed to {error}; nothing is changed until that is back"),
        }
    }

    fn words(&self, round: &Round) -> String {
        let decision = &round.decision;
        let count = |of: fn(&Stage) -> bool| round.agents.iter().filter(|agent| of(&agent.stage)).count();
        let running = count(|stage| matches!(stage, Stage::Running { .. }));
        let queued = count(|stage| matches!(stage, Stage::Queued));
        let leaving = count(|stage| matches!(stage, Stage::Leaving));
        let mut line = format!("agents: {running} run, {queued} wait, {leaving} leave, {} wanted", decision.wanted);
        let (would, done) = if self.dry { ("would start", decision.start as usize) } else { ("started", round.started.len()) };
        if done > 0 {
            line += &format!("; {would} {done}");
        }
        let would = if self.dry { "would " } else { "" };
        for (what, jobs) in [("take back", &decision.cancel), ("drain", &decision.drain)] {
            if !jobs.is_empty() {
                let jobs: Vec<String> = jobs.iter().map(u64::to_string).collect();
                line += &format!("; {would}{what} {}", jobs.join(" "));
            }
        }
        if decision.held.is_some() {
            line += "; none is started for a while, because agents could not start";
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn times_are_read() {
        let seconds = |text| duration(text).map(|time| Duration::as_secs(&time));
        assert_eq!(
            [seconds("90"), seconds("90s"), seconds("15m"), seconds("2h"), seconds("1d")],
            [90, 90, 900, 7200, 86_400].map(Ok)
        );
        for bad in ["", "s", "-1s", "1.5h", "9w", "99999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
