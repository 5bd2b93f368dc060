//! The command line: one file a verb. Exit codes: 0 done, 1 failed, 2 bad input or usage, 130 interrupted.

mod assets;
mod config;
mod doctor;
mod door;
mod explain;
mod film_args;
mod fleet;
mod hooks;
mod jobs;
mod link;
mod man;
mod models;
mod node;
mod oidc;
mod openjd;
mod operate;
mod people;
mod plan;
mod profile;
mod render;
mod resume;
mod script;
mod serve;
mod submit;
mod top;
mod watch;
mod worker;

pub use config::parse;
pub use link::{LinkArgs, link_stop};
pub use render::{Order, farm_stop};

use clap::{CommandFactory, Parser, Subcommand};
use klieg_models::Shelf;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// klieg turns scripts into films on every GPU you own.
#[derive(Parser)]
#[command(version, about, max_term_width = 110)]
pub struct Klieg {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

/// Flags of every verb.
#[derive(clap::Args, Clone)]
pub struct Common {
    /// Where the farm keeps jobs, results and its cache [default: klieg/ in the user's data folder].
    #[arg(long, global = true, env = "KLIEG_FARM", value_name = "DIR")]
    farm: Option<PathBuf>,
    /// Where this machine keeps its models [default: models/ in the farm's folder].
    #[arg(long, global = true, env = "KLIEG_MODELS", value_name = "DIR")]
    models: Option<PathBuf>,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    /// Print only what was asked for: no progress, no remarks.
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Common {
    /// The farm's folder.
    fn farm_folder(&self) -> Result<PathBuf, Stop> {
        if let Some(folder) = &self.farm {
            return Ok(folder.clone());
        }
        directories::ProjectDirs::from("", "", "klieg")
            .map(|dirs| dirs.data_dir().to_owned())
            .ok_or_else(|| Stop::bad("find the user's data folder: HOME is not set; name a folder with --farm DIR"))
    }

    /// This machine's models.
    fn shelf(&self) -> Result<Arc<Shelf>, Stop> {
        let folder = self.models.clone().map_or_else(|| self.farm_folder().map(|farm| farm.join("models")), Ok)?;
        Ok(Arc::new(Shelf::open(folder)))
    }
}

#[derive(Subcommand)]
enum Verb {
    /// Render a script: a film and its turnover folder.
    Render(render::Args),
    /// Show scenes, shots, cast, durations, tasks, time and cost; renders nothing.
    Plan(plan::Args),
    /// Show every inference and the script line it rests on.
    Explain(explain::Args),
    /// Look into screenplays.
    #[command(subcommand)]
    Script(script::Verb),
    /// Submit a job to a farm with a server.
    Submit(Box<submit::Args>),
    /// List jobs.
    Jobs(jobs::JobsArgs),
    /// Show a job and its tasks.
    Show(jobs::ShowArgs),
    /// Show a job until it has ended.
    Watch(watch::WatchArgs),
    /// Print a job's log.
    Logs(watch::LogsArgs),
    /// Bring what a job gives.
    Get(watch::GetArgs),
    /// Say why a job or task waits or failed.
    Why(jobs::WhyArgs),
    /// Show what was spent, by project or by a job's tasks.
    Cost(jobs::CostArgs),
    /// Cancel a job.
    Cancel(jobs::CancelArgs),
    /// Do a job again that failed or was cancelled; what was computed is not computed again.
    Retry(jobs::OneArgs),
    /// Serve a job before others, or after them.
    Priority(jobs::PriorityArgs),
    /// Forget a job that has ended.
    Remove(jobs::OneArgs),
    /// Go on with a render that was interrupted.
    Resume(resume::Args),
    /// Lead a farm for agents and users on other machines.
    Serve(Box<serve::Args>),
    /// Let this machine work for a farm elsewhere.
    Node(Box<node::Args>),
    /// List a farm's nodes: their devices, and what each does.
    Nodes(operate::FarmLink),
    /// Give a node no more tasks.
    Drain(operate::DrainArgs),
    /// Give a node tasks again.
    Undrain(operate::DrainArgs),
    /// Show what a farm has to do, and who is there to do it.
    Queue(operate::FarmLink),
    /// Watch a farm's devices, queue and jobs in a terminal.
    Top(top::TopArgs),
    /// List projects, or set what one may have of a farm.
    Projects(operate::ProjectsArgs),
    /// Let every verb speak to a farm's server from now on.
    Login(people::LoginArgs),
    /// Forget what `login` keeps, and end its token.
    Logout,
    /// List, make and end one's own tokens.
    Tokens {
        #[command(subcommand)]
        verb: people::TokensVerb,
        #[command(flatten)]
        link: LinkArgs,
    },
    /// List, make and close accounts; show the audit.
    Accounts {
        #[command(subcommand)]
        verb: people::AccountsVerb,
        #[command(flatten)]
        link: LinkArgs,
    },
    /// List, bring, fetch and remove assets: files that jobs and people use.
    Assets {
        #[command(subcommand)]
        verb: assets::Verb,
        #[command(flatten)]
        link: LinkArgs,
    },
    /// List, add, test and remove webhooks; show and replay their deliveries.
    Webhooks {
        #[command(subcommand)]
        verb: hooks::Verb,
        #[command(flatten)]
        link: LinkArgs,
    },
    /// Add, list, verify, remove and fetch this machine's models.
    #[command(subcommand)]
    Models(models::Verb),
    /// Show what this machine has (GPUs, encoders, voices, fonts) and lacks.
    Doctor,
    /// Let agents come and go with the backlog.
    #[command(subcommand)]
    Fleet(fleet::Verb),
    /// Check, run and submit Open Job Description templates.
    #[command(subcommand)]
    Openjd(Box<openjd::Verb>),
    /// Print a completion script for a shell.
    Completions { shell: clap_complete::Shell },
    /// Write manual pages into a folder.
    Man(man::Args),
    /// One worker process of the agent; not for people.
    #[command(hide = true)]
    Worker(worker::Args),
    /// One session of an openjd job, started by a worker; not for people.
    #[command(hide = true)]
    OpenjdSession,
}

/// Why a verb ended early: a sentence and an exit code.
#[derive(Debug)]
pub struct Stop {
    message: String,
    code: u8,
}

impl Stop {
    /// Bad input or usage: exit code 2.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 2 }
    }
    /// Something failed: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }
    /// Something failed, and its verb has said what: exit code 1.
    pub fn said() -> Self {
        Self { message: String::new(), code: 1 }
    }
    /// Ctrl-C: exit code 130.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 130 }
    }
}

impl From<klieg_pipelines::kind::BadInput> for Stop {
    fn from(e: klieg_pipelines::kind::BadInput) -> Self {
        Stop::bad(e.to_string())
    }
}

/// A device as the command line names it.
fn device_of(text: &str) -> Result<klieg_kernels::Choice, klieg_kernels::KernelError> {
    text.parse()
}

/// Runs the verb and reports how it ended.
pub fn run(klieg: Klieg) -> ExitCode {
    let common = klieg.common;
    let json = common.json;
    let done = match klieg.verb {
        Verb::Worker(args) => return worker::run(&common, &args),
        Verb::OpenjdSession => return klieg_openjd::guest::serve(),
        Verb::Render(args) => render::run(&common, args),
        Verb::Plan(args) => plan::run(&common, &args),
        Verb::Explain(args) => explain::run(&common, &args),
        Verb::Script(verb) => script::run(&common, &verb),
        Verb::Submit(args) => submit::run(&common, &args),
        Verb::Jobs(args) => jobs::list(&common, &args),
        Verb::Show(args) => jobs::show(&common, &args),
        Verb::Watch(args) => watch::watch(&common, &args),
        Verb::Logs(args) => watch::logs(&common, &args),
        Verb::Get(args) => watch::get(&common, &args),
        Verb::Why(args) => jobs::why(&common, &args),
        Verb::Cost(args) => jobs::cost(&common, &args),
        Verb::Cancel(args) => jobs::cancel(&common, &args),
        Verb::Retry(args) => jobs::retry(&common, &args),
        Verb::Priority(args) => jobs::priority(&common, &args),
        Verb::Remove(args) => jobs::remove(&common, &args),
        Verb::Nodes(args) => operate::nodes(&common, &args),
        Verb::Drain(args) => operate::drain(&common, &args, true),
        Verb::Undrain(args) => operate::drain(&common, &args, false),
        Verb::Queue(args) => operate::queue(&common, &args),
        Verb::Top(args) => top::top(&common, &args),
        Verb::Projects(args) => operate::projects(&common, &args),
        Verb::Login(args) => people::login(&common, &args),
        Verb::Logout => people::logout(&common),
        Verb::Tokens { verb, link } => people::tokens(&common, &link, &verb),
        Verb::Accounts { verb, link } => people::accounts(&common, &link, &verb),
        Verb::Assets { verb, link } => assets::run(&common, &link, &verb),
        Verb::Webhooks { verb, link } => hooks::run(&common, &link, &verb),
        Verb::Models(verb) => models::run(&common, verb),
        Verb::Man(args) => man::run(&common, &args),
        Verb::Resume(args) => resume::run(&common, args),
        Verb::Serve(args) => serve::run(&common, &args),
        Verb::Node(args) => node::run(&common, &args),
        Verb::Doctor => doctor::run(&common),
        Verb::Fleet(verb) => fleet::run(&common, verb),
        Verb::Openjd(verb) => openjd::run(&common, *verb),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Klieg::command(), "klieg", &mut std::io::stdout());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            if stop.message.is_empty() {
                // What there is to say stands on standard output already.
            } else if json {
                eprintln!("{}", serde_json::json!({"error": stop.message, "exit_code": stop.code}));
            } else {
                eprintln!("klieg: {}", stop.message);
            }
            ExitCode::from(stop.code)
        }
    }
}

/// Prints to standard output; a reader that went away (`| head`) is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Prints a value as pretty JSON.
fn print_json(value: &impl serde::Serialize) -> Result<(), Stop> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Stop::failed(format!("write JSON: {e}")))?;
    print(&format!("{text}\n"));
    Ok(())
}

/// Runs asynchronous work to its end.
fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Stop> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map(|runtime| runtime.block_on(work))
        .map_err(|e| Stop::failed(format!("start the runtime: {e}")))
}
