//! One session: environments entered, tasks run, environments exited in reverse, whatever happens between.

use crate::{share::Tasks, template::Prepared};
use openjd_expr::symbol_table::SerializedSymbolTable;
use openjd_model::{
    TaskParameterSet,
    job::{Environment, Step},
};
use openjd_sessions::{ActionState, ActionStatus, PathMappingRule, Session, SessionCancelHandle, SessionConfig, SessionError};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What a session tells while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tale {
    /// Something begins: "Running Task".
    Section(String),
    /// `openjd_progress`: percent of the action at hand.
    Progress(f64),
    /// `openjd_status`.
    Status(String),
    /// So many of the session's tasks have run.
    Done(u64),
}

/// Who is told.
pub type Tell = Arc<dyn Fn(Tale) + Send + Sync>;

/// How a session is set up.
pub struct Setup {
    pub id: String,
    /// Where its working folder is made; `None`: where the system keeps temporary files.
    pub root: Option<PathBuf>,
    pub rules: Vec<PathMappingRule>,
    /// Its working folder outlives it.
    pub preserve: bool,
}

struct Entered {
    id: String,
    name: String,
    symbols: Option<SerializedSymbolTable>,
}

/// What the one who stops a session and the session know of each other.
#[derive(Default)]
struct Stop {
    wanted: AtomicBool,
    /// Environments are being exited: that is not stopped.
    leaving: AtomicBool,
    /// The session is closed.
    over: AtomicBool,
}

/// Stops a session from another thread.
pub struct Stopper {
    action: SessionCancelHandle,
    stop: Arc<Stop>,
}

impl Stopper {
    /// Cancels the action at hand, in the way that the action asks for, and lets nothing but exits follow. Returns when that has been
    /// delivered.
    pub fn stop(&self) {
        self.stop.wanted.store(true, Ordering::SeqCst);
        // Between two actions there is nothing to cancel: what begins at that moment is found by the next look.
        let ends = || self.stop.leaving.load(Ordering::SeqCst) || self.stop.over.load(Ordering::SeqCst);
        while !ends() && !self.action.cancel(None, false) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// An open session.
pub struct Sitting {
    session: Session,
    entered: Vec<Entered>,
    tell: Tell,
    /// The first thing that went wrong.
    failed: Option<String>,
    stop: Arc<Stop>,
    /// Tasks that were begun.
    pub ran: u64,
}

impl Sitting {
    /// Opens a session; nothing of the job runs yet.
    pub fn open(prepared: &Prepared, setup: Setup, tell: Tell) -> Result<Self, SessionError> {
        let config = SessionConfig {
            session_id: setup.id,
            job_parameter_values: prepared.values.clone(),
            path_mapping_rules: Some(setup.rules),
            retain_working_dir: setup.preserve,
            callback: Some(Box::new(follow(Arc::clone(&tell)))),
            os_env_vars: None,
            session_root_directory: setup.root,
            user: None,
            profile: Some(prepared.profile.clone()),
            cancel_token: None,
            sticky_bit_policy: Default::default(),
            debug_collect_stdout: false,
            echo_openjd_directives: true,
        };
        Ok(Self { session: Session::with_config(config)?, entered: Vec::new(), tell, failed: None, stop: Arc::default(), ran: 0 })
    }

    /// With which another thread stops it.
    pub fn stopper(&self) -> Stopper {
        Stopper { action: self.session.cancel_handle(), stop: Arc::clone(&self.stop) }
    }

    /// Whether anything more may begin.
    fn goes_on(&mut self) -> bool {
        if self.stop.wanted.load(Ordering::SeqCst) {
            self.fail("it was stopped".into());
        }
        self.failed.is_none()
    }

    /// Where its actions run.
    pub fn folder(&self) -> &Path {
        self.session.working_directory()
    }

    /// What went wrong first, if anything did.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Notes that something went wrong outside of an action.
    pub fn fail(&mut self, why: String) {
        self.failed.get_or_insert(why);
    }

    fn say(&self, title: String) {
        (self.tell)(Tale::Section(title));
    }

    /// Enters environments, in order, until one fails.
    pub async fn enter(&mut self, environments: &[Environment], symbols: Option<&SerializedSymbolTable>) {
        for environment in environments {
            if !self.goes_on() {
                return;
            }
            self.say(format!("Entering Environment: {}", environment.name));
            let entered = self.session.enter_environment(environment, symbols, None, None).await;
            // What failed to be entered stands on the session's stack all the same, and is exited; what was refused does not.
            let id = self.session.environments_entered().last().cloned();
            if let Some(id) = id.filter(|id| self.entered.iter().all(|entered| entered.id != *id)) {
                self.entered.push(Entered { id, name: environment.name.clone(), symbols: symbols.cloned() });
            }
            if let Err(error) = entered {
                let why = self.reason().unwrap_or_else(|| error.to_string());
                self.fail(format!("failed to enter the environment {}: {why}", environment.name));
            }
        }
    }

    /// Exits the environments entered last until so many are left.
    pub async fn exit_to(&mut self, left: usize) {
        self.stop.leaving.store(true, Ordering::SeqCst);
        while self.entered.len() > left
            && let Some(entered) = self.entered.pop()
        {
            self.say(format!("Exiting Environment: {}", entered.name));
            let exited = self.session.exit_environment(&entered.id, entered.symbols.as_ref(), true, None).await;
            if let Err(error) = exited {
                let why = self.reason().unwrap_or_else(|| error.to_string());
                self.fail(format!("failed to exit the environment {}: {why}", entered.name));
            }
        }
        self.stop.leaving.store(false, Ordering::SeqCst);
    }

    /// Environments that are entered.
    pub fn depth(&self) -> usize {
        self.entered.len()
    }

    /// Runs one task. False when it failed.
    pub async fn task(&mut self, step: &Step, set: Option<&TaskParameterSet>) -> bool {
        self.say("Running Task".into());
        self.ran += 1;
        let ran = self.session.run_task(&step.name, &step.script, set, step.resolved_symtab.as_ref(), None).await;
        let why = match ran {
            Ok(result) if result.state == ActionState::Success => return true,
            Ok(result) => self.reason().unwrap_or_else(|| ending(result.state, result.exit_code)),
            Err(error) => error.to_string(),
        };
        self.fail(format!("{}: {why}", task_name(step, set)));
        false
    }

    /// Runs tasks until one fails or `most` have run.
    pub async fn tasks(&mut self, step: &Step, tasks: &mut Tasks, most: Option<u64>) {
        let (mut done, mut begun) = (0, 0);
        while self.goes_on()
            && most.is_none_or(|most| begun < most)
            && let Some((set, count)) = tasks.draw()
        {
            let from = tokio::time::Instant::now();
            begun += 1;
            if !self.task(step, set.as_ref()).await {
                return;
            }
            tasks.took(count, from.elapsed().as_secs_f64());
            done += count as u64;
            (self.tell)(Tale::Done(done));
        }
    }

    /// Removes the session's folder, unless it is to be preserved.
    pub fn close(mut self) {
        self.stop.over.store(true, Ordering::SeqCst);
        self.session.cleanup();
    }

    /// What the action that ended last said of its failure, or how it ended.
    fn reason(&self) -> Option<String> {
        let status = self.session.action_status()?;
        status.fail_message.or_else(|| Some(ending(status.state, status.exit_code)))
    }
}

/// The words for how an action ended.
fn ending(state: ActionState, exit_code: Option<i32>) -> String {
    match (state, exit_code) {
        (ActionState::Timeout, _) => "it took longer than its timeout".into(),
        (ActionState::Canceled, _) => "it was stopped".into(),
        (_, Some(code)) => format!("it ended with exit code {code}"),
        (_, None) => "it was ended by a signal, or could not be started".into(),
    }
}

/// What people call a task.
pub fn task_name(step: &Step, set: Option<&TaskParameterSet>) -> String {
    let values = set.into_iter().flatten().map(|(name, value)| format!(" {name}={}", value.value.to_display_string()));
    format!("{}{}", step.name, values.collect::<String>())
}

/// Passes on what has changed since the last time.
fn follow(tell: Tell) -> impl Fn(&str, &ActionStatus) + Send + Sync {
    let last = Mutex::new((None, None));
    move |_, status| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if status.progress != last.0 {
            last.0 = status.progress;
            status.progress.into_iter().for_each(|percent| tell(Tale::Progress(percent)));
        }
        if status.status_message != last.1 {
            last.1.clone_from(&status.status_message);
            status.status_message.iter().for_each(|words| tell(Tale::Status(words.clone())));
        }
    }
}
