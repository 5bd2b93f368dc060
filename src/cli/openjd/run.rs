//! `klieg openjd run`: tasks in one session on this machine, without a farm.

use super::{Form, ReferenceArgs, parameters::JobArgs, tell, tell_message};
use crate::cli::{Common, Stop, block_on, print, render::interrupted};
use klieg_openjd::{
    document,
    local::{self, Ran, Wanted},
    log::{LevelFilter, listen},
    select::{self, Selection},
    sitting::Setup,
    template::Prepared,
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// The step to run [default: the only one, or all].
    #[arg(long, value_name = "STEP_NAME")]
    step: Option<String>,
    /// One task by the value of a parameter; once for each parameter of the step. Also -tp.
    #[arg(long = "task-param", value_name = "PARAM=VALUE", conflicts_with_all = ["tasks", "maximum_tasks"])]
    task_params: Vec<String>,
    /// Tasks, as JSON ('[{"PARAM": "VALUE"}]') or in a file (file://PATH).
    #[arg(long, value_name = "JSON", conflicts_with = "maximum_tasks")]
    tasks: Option<String>,
    /// Run so many tasks of the step at most.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    maximum_tasks: Option<i64>,
    /// Run the steps that the step depends on before it.
    #[arg(long, overrides_with = "no_run_dependencies")]
    run_dependencies: bool,
    /// Run the step alone (as it is without this).
    #[arg(long)]
    no_run_dependencies: bool,
    /// Path mapping rules (pathmapping-1.0), as JSON or in a file (file://PATH).
    #[arg(long, value_name = "JSON")]
    path_mapping_rules: Option<String>,
    /// An environment template to enter first; may be given more than once.
    #[arg(long = "environment", alias = "env", value_name = "FILE")]
    environments: Vec<PathBuf>,
    /// Keep the session's working folder.
    #[arg(long)]
    preserve: bool,
    /// Tell more.
    #[arg(long)]
    verbose: bool,
    /// What stands before each line of the log.
    #[arg(long, value_enum, default_value = "relative")]
    timestamp_format: Stamp,
    #[command(flatten)]
    reference: ReferenceArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Stamp {
    Relative,
    Local,
    Utc,
}

/// The lines of a session: printed at once for people, kept for programs.
#[derive(Clone)]
struct Lines {
    kept: Option<Arc<Mutex<Vec<Value>>>>,
    stamp: Stamp,
    since: Instant,
}

#[expect(clippy::disallowed_methods, reason = "the command line is where clocks are read")]
fn now() -> Instant {
    Instant::now()
}

impl Lines {
    fn stamp(&self) -> String {
        match self.stamp {
            Stamp::Relative => {
                let past = now().duration_since(self.since);
                let seconds = past.as_secs();
                format!("{}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, past.subsec_micros())
            }
            Stamp::Local => chrono::Local::now().format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
            Stamp::Utc => chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
        }
    }

    fn say(&self, line: &str) {
        let stamp = self.stamp();
        match &self.kept {
            None => print(&format!("{stamp}\t{line}\n")),
            Some(kept) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(json!({"timestamp": stamp, "message": line}));
            }
        }
    }
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let form = args.reference.form(common);
    let (prepared, selection, wanted, setup) = match order(args) {
        Ok(order) => order,
        Err(message) => return tell_message(form, Err(message)),
    };
    let kept = (form != Form::HumanReadable).then(Arc::default);
    let lines = Lines { kept: kept.clone(), stamp: args.timestamp_format, since: now() };
    let told = lines.clone();
    listen(Box::new(move |line| told.say(&line)), true, if args.verbose { LevelFilter::Debug } else { LevelFilter::Info });
    lines.say(&format!("Open Job Description CLI: Running job '{}'", prepared.job.name));
    let ran = block_on(async {
        local::run(&prepared, &selection, &wanted, setup, |stopper| {
            tokio::spawn(async move {
                interrupted().await;
                tokio::task::spawn_blocking(move || stopper.stop());
            });
        })
        .await
    })?;
    let seconds = now().duration_since(lines.since).as_secs_f64();
    lines.say("");
    match &ran {
        Ok(Ran { failed: None, .. }) => lines.say("Open Job Description CLI: All actions completed successfully!"),
        Ok(Ran { failed: Some(why), .. }) => lines.say(&format!("Open Job Description CLI: ERROR executing action: {why}")),
        Err(why) => lines.say(&format!("Open Job Description CLI: ERROR: {why}")),
    }
    let logs = kept.map(|kept| std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner)));
    let chosen = selection.chosen.map(|at| prepared.job.steps[at].name.clone());
    report(form, args, &ran, &prepared.job.name, chosen, seconds, logs.unwrap_or_default())
}

/// What is to be run, and how.
fn order(args: &Args) -> Result<(Prepared, Selection, Wanted, Setup), String> {
    let prepared = args.job.prepare(&args.reference.extensions()?, &args.environments)?;
    let rules = args.path_mapping_rules.as_deref().map(document::path_rules).transpose()?.unwrap_or_default();
    let selection = select::steps(&prepared.job, args.step.as_deref(), args.run_dependencies)?;
    let given = match &args.tasks {
        _ if !args.task_params.is_empty() => Some(vec![select::one_task(&args.task_params)?]),
        Some(tasks) => Some(select::many_tasks(tasks)?),
        None => None,
    };
    let wanted = match (given, selection.chosen) {
        (None, _) => Wanted::First(args.maximum_tasks.and_then(|most| u64::try_from(most).ok())),
        (Some(given), Some(at)) => Wanted::These(select::tasks(&prepared.job.steps[at], &given)?),
        (Some(_), None) => {
            let names: Vec<&str> = prepared.job.steps.iter().map(|step| step.name.as_str()).collect();
            return Err(format!(
                "Providing task parameters requires a specified step or a job with a single step.\n{} steps: {names:?}.",
                names.len()
            ));
        }
    };
    let id = format!("klieg-{}", std::process::id());
    Ok((prepared, selection, wanted, Setup { id, root: None, rules, preserve: args.preserve }))
}

fn report(
    form: Form,
    args: &Args,
    ran: &Result<Ran, String>,
    job: &str,
    step: Option<String>,
    seconds: f64,
    logs: Vec<Value>,
) -> Result<(), Stop> {
    let tasks = ran.as_ref().map_or(0, |ran| ran.tasks);
    let mut message = match ran {
        Ok(Ran { failed: None, .. }) => "Session ended successfully".to_owned(),
        Ok(_) => "Session ended with errors; see Task logs for details".to_owned(),
        Err(why) => format!("Session ended with errors: {why}"),
    };
    if let Ok(ran) = ran
        && args.preserve
    {
        message += &format!("\nWorking directory preserved at: {}", ran.folder.display());
    }
    let of_step = step.as_ref().map(|step| format!("Step: {step}\n")).unwrap_or_default();
    let text = format!(
        "\n--- Results of local session ---\n\n{message}\n\nJob: {job}\n{of_step}Duration: {seconds} seconds\nChunks run: {tasks}\n"
    );
    let fields = vec![
        ("message", message.into()),
        ("job_name", job.into()),
        ("step_name", step.into()),
        ("duration", seconds.into()),
        ("chunks_run", tasks.into()),
        ("logs", logs.into()),
    ];
    tell(form, matches!(ran, Ok(Ran { failed: None, .. })), &text, fields)
}
