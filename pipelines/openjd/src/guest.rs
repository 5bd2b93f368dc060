//! The process of a session on the farm: it becomes another user, runs one share of a step, and hands its files over.
//!
//! It is told what to do by JSON lines on standard input ([`Order`]), tells what happens by JSON lines on standard error
//! ([`Word`]), and writes the archive of what the session left to standard output.

use crate::{
    attach::{self, Attachment},
    confine::{self, Guest},
    log,
    require::memory_max,
    share::{Share, Tasks},
    sitting::{Setup, Sitting, Stopper, Tale},
    template::Prepared,
};
use openjd_model::job::Step;
use openjd_sessions::PathMappingRule;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// What a session is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Charge {
    pub template: String,
    pub params: crate::Params,
    /// The step, by its place in the template.
    pub step: usize,
    pub share: Share,
    /// The session's own folder.
    pub root: PathBuf,
    pub rules: Vec<PathMappingRule>,
    pub attachments: Vec<Attachment>,
    pub guest: Option<Guest>,
}

/// To the session's process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    Run(Box<Charge>),
    Cancel,
}

/// From the session's process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Line(String),
    Tale(Tale),
    /// Everything is over; the archive is whole.
    Succeeded,
    Failed(String),
}

/// Says a word; one that nobody hears is lost.
fn say(word: &Word) {
    static TURN: Mutex<()> = Mutex::new(());
    if let Ok(mut line) = serde_json::to_vec(word) {
        line.push(b'\n');
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = io::stderr().write_all(&line);
    }
}

/// The whole life of a session's process: `main` gives its exit code back.
pub fn serve() -> ExitCode {
    let (orders, inbox) = mpsc::channel();
    let listening = thread::Builder::new().name("orders".into()).spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(order) = serde_json::from_str::<Order>(&line)
                && orders.send(order).is_err()
            {
                break;
            }
        }
    });
    let first =
        listening.map_err(|error| error.to_string()).and_then(|_| inbox.recv().map_err(|_| "nobody said what to do".into()));
    let done = match first {
        Ok(Order::Run(charge)) => run(*charge, inbox),
        Ok(Order::Cancel) => Err("it was stopped".into()),
        Err(why) => Err(why),
    };
    say(&done.map_or_else(Word::Failed, |()| Word::Succeeded));
    ExitCode::SUCCESS
}

fn run(charge: Charge, inbox: mpsc::Receiver<Order>) -> Result<(), String> {
    let prepared = charge.params.prepare(&charge.template).map_err(|error| error.to_string())?;
    let step = prepared.job.steps.get(charge.step).ok_or("the template has no such step")?;
    let limit = memory_max(step.host_requirements.as_ref());
    confine::confine(charge.guest.as_ref(), limit).map_err(|error| format!("failed to confine the session: {error}"))?;
    log::listen(Box::new(|line| say(&Word::Line(line))), false, log::LevelFilter::Info);
    let before = attach::look(&charge.root).map_err(|error| format!("failed to look at the attached files: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("failed to start the session: {error}"))?;
    runtime.block_on(session(&charge, &prepared, step, inbox))?;
    let packed = attach::pack(&charge.root, &charge.attachments, &before, io::BufWriter::new(io::stdout().lock()));
    packed.map(drop).map_err(|error| format!("failed to collect the session's files: {error}"))
}

async fn session(charge: &Charge, prepared: &Prepared, step: &Step, inbox: mpsc::Receiver<Order>) -> Result<(), String> {
    let mut tasks = Tasks::of(step, &charge.share).map_err(|error| error.to_string())?;
    let (id, root) = (format!("session-{}", std::process::id()), Some(charge.root.clone()));
    let setup = Setup { id, root, rules: charge.rules.clone(), preserve: false };
    let opened = Sitting::open(prepared, setup, Arc::new(|tale| say(&Word::Tale(tale))));
    let mut sitting = opened.map_err(|error| format!("failed to open the session: {error}"))?;
    obey(sitting.stopper(), inbox)?;
    sitting.enter(prepared.job.job_environments.as_deref().unwrap_or_default(), None).await;
    sitting.enter(step.step_environments.as_deref().unwrap_or_default(), step.resolved_symtab.as_ref()).await;
    sitting.tasks(step, &mut tasks, None).await;
    sitting.exit_to(0).await;
    let failed = sitting.failure().map(str::to_owned);
    sitting.close();
    failed.map_or(Ok(()), Err)
}

/// Stops the session when that is ordered. When the one who orders is gone, so is this process (`confine`).
fn obey(stopper: Stopper, inbox: mpsc::Receiver<Order>) -> Result<(), String> {
    let obeying = thread::Builder::new().name("obey".into()).spawn(move || {
        if inbox.iter().any(|order| matches!(order, Order::Cancel)) {
            stopper.stop();
        }
    });
    obeying.map(drop).map_err(|error| format!("failed to start the session: {error}"))
}
