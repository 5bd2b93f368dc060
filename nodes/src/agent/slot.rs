use crate::{
    agent::{
        AgentOptions,
        charges::Charges,
        group,
        health::Health,
        process::{Patience, Process, Start, Stuck},
        traced::{self, Traced},
    },
    clock,
    talk::{Order, Word, Work},
};
use klieg_protocol::{Digest, Dispatch, Dispatcher, Fault, Outcome, Report, TaskFailure, TaskResult, Token};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

/// What a slot learns.
pub enum Note {
    Run(Box<Dispatch>),
    /// Nobody wants this attempt any more.
    Stop(Token),
    /// What is at hand ends now, for this reason and by nobody's fault: nobody may believe any more that it runs.
    Abandon(&'static str),
    /// The device is gone: what is at hand ends now, by the node's fault.
    Lost(String),
    /// From the worker of that generation.
    Says(u64, Box<Word>),
    /// The worker of that generation says no more.
    Gone(u64),
    Quit,
}

/// Where a slot is, and how its workers are started.
#[derive(Clone)]
pub struct Place {
    /// By its place in the offer.
    pub device: usize,
    /// Among those of the device.
    pub slot: usize,
    /// Among those of the agent.
    pub number: usize,
    /// The agent's folder.
    pub scratch: PathBuf,
    /// What isolates the device.
    pub environment: Vec<(String, String)>,
}

/// What all slots of an agent share.
pub struct Shared<D> {
    pub farm: Arc<D>,
    pub options: AgentOptions,
    pub runtime: tokio::runtime::Handle,
    pub charges: Charges,
    pub health: Health,
}

/// One place for a task: at most one worker process, kept from task to task.
pub struct Slot<D> {
    shared: Arc<Shared<D>>,
    place: Place,
    notes: mpsc::Sender<Note>,
    process: Option<Process>,
    generation: u64,
}

/// How an attempt came out on this side.
enum End {
    Done {
        outcome: Outcome,
        damaged: Vec<Digest>,
        peak_bytes: Option<u64>,
        /// The worker died, or had to be killed, by what it computed.
        killed: bool,
    },
    /// The agent stops.
    Quit,
}

fn done(outcome: Outcome) -> End {
    End::Done { outcome, damaged: Vec::new(), peak_bytes: None, killed: false }
}

fn failed(fault: Fault, message: impl Into<String>) -> End {
    done(Outcome::Failed(TaskFailure { fault, message: message.into() }))
}

/// The worker was ended by what it computed.
fn killed(message: impl Into<String>) -> End {
    let outcome = Outcome::Failed(TaskFailure { fault: Fault::Task, message: message.into() });
    End::Done { outcome, damaged: Vec::new(), peak_bytes: None, killed: true }
}

/// What happens while a worker computes.
struct Vigil {
    token: Token,
    /// The worker has taken the order up.
    begun: bool,
    heard: Instant,
    moved: Instant,
    stall: Duration,
    /// When a task that has been told to end is ended.
    deadline: Option<Instant>,
}

impl<D: Dispatcher> Slot<D> {
    pub fn new(shared: Arc<Shared<D>>, place: Place, notes: mpsc::Sender<Note>) -> Self {
        Self { shared, place, notes, process: None, generation: 0 }
    }

    /// Runs until told to quit.
    pub fn run(mut self, inbox: &mpsc::Receiver<Note>) {
        while let Ok(note) = inbox.recv() {
            match note {
                Note::Quit => break,
                Note::Run(dispatch) => {
                    if !self.attempt(*dispatch, inbox) {
                        break;
                    }
                }
                Note::Gone(generation) if self.process.as_ref().is_some_and(|p| p.generation == generation) => {
                    self.end_worker();
                }
                // Nothing is at hand, but a worker may hold the lost device.
                Note::Lost(_) => {
                    self.end_worker();
                }
                Note::Stop(_) | Note::Abandon(_) | Note::Says(..) | Note::Gone(_) => {}
            }
        }
        self.end_worker();
    }

    fn patience(&self) -> Patience {
        Patience { grace: self.shared.options.grace, limit: self.shared.options.kill_limit }
    }

    /// Ends the worker if there is one. False when that cannot be done: then the slot's device is faulty.
    fn end_worker(&mut self) -> bool {
        let Some(process) = self.process.take() else { return true };
        let ended = process.end(self.patience());
        let gone = ended.is_ok();
        self.how(ended);
        gone
    }

    /// How a worker ended, in words.
    fn how(&self, ended: Result<String, Stuck>) -> String {
        ended.unwrap_or_else(|stuck| {
            let words = stuck.to_string();
            tracing::error!(slot = self.place.number, "{words}");
            self.shared.health.stuck(self.place.device, self.place.slot, stuck.group, words.clone());
            words
        })
    }

    /// Computes one attempt and reports it. `false`: the agent stops.
    fn attempt(&mut self, dispatch: Dispatch, inbox: &mpsc::Receiver<Note>) -> bool {
        let (begun, traced) = (clock::now(), Traced::begin(&dispatch));
        let _in = traced.log().entered();
        let folder = self.place.scratch.join(format!("{}-{}", self.place.number, dispatch.token.0));
        let end = match self.prepare(&dispatch, &folder) {
            Ok(()) => self.watch(&dispatch, inbox),
            Err(failure) => done(Outcome::Failed(failure)),
        };
        // Left for the next start of the farm if it cannot be removed now.
        let _ = fs::remove_dir_all(&folder);
        let End::Done { outcome, damaged, peak_bytes, killed } = end else { return false };
        let report = Report {
            node: self.shared.options.node.clone(),
            id: dispatch.id,
            attempt: dispatch.attempt,
            token: dispatch.token,
            outcome,
            seconds: begun.elapsed().as_secs_f64(),
            damaged,
            peak_bytes,
            killed,
        };
        traced.end(&report, self.place.device);
        let token = report.token;
        match self.shared.runtime.block_on(self.shared.farm.report(report)) {
            Ok(true) => {}
            Ok(false) => tracing::info!("the farm refused a fenced attempt"),
            Err(closed) => {
                tracing::info!(%closed, "a report was not taken");
                return true;
            }
        }
        self.shared.charges.confirm(token);
        true
    }

    /// Gets the inputs, a folder and a worker, and gives the order.
    fn prepare(&mut self, dispatch: &Dispatch, folder: &Path) -> Result<(), TaskFailure> {
        if self.shared.health.is_stuck(self.place.device, self.place.slot) {
            let message = "its slot cannot be used: an earlier worker that was killed has not ended";
            return Err(TaskFailure { fault: Fault::Node, message: message.into() });
        }
        let at = |error: io::Error| fault_of(folder, &error);
        fs::create_dir_all(folder).map_err(at)?;
        let mut inputs = BTreeMap::new();
        for (name, digest) in &dispatch.inputs {
            let path = self.shared.runtime.block_on(self.shared.farm.fetch(*digest))?;
            inputs.insert(name.clone(), (*digest, path));
        }
        let (kind, task) = (dispatch.kind.clone(), dispatch.task.clone());
        let (threads, trace) = (self.shared.options.threads.max(1), Traced::of(dispatch));
        let work = Work { kind, task, inputs, folder: folder.into(), threads, trace };
        let order = Order::Run(Box::new(work));
        // A worker may have died while it was idle; a new one gets a second chance.
        if self.process.is_some() && self.say(&order).is_ok() {
            return Ok(());
        }
        self.end_worker();
        self.say(&order).map_err(|error| {
            let program = self.shared.options.worker.first().map(|p| p.display().to_string()).unwrap_or_default();
            let how = match self.process.take() {
                Some(process) => format!("it {}", self.how(process.ended(self.patience()))),
                None => error.to_string(),
            };
            TaskFailure { fault: Fault::Node, message: format!("failed to start the worker {program}: {how}") }
        })
    }

    fn say(&mut self, order: &Order) -> io::Result<()> {
        if self.process.is_none() {
            self.generation += 1;
            let options = &self.shared.options;
            let start = Start {
                command: &options.worker,
                environment: &self.place.environment,
                threads: options.threads.max(1),
                generation: self.generation,
                mark: group::mark(&self.place.scratch, self.place.number, self.generation),
            };
            let process = Process::start(start, &self.notes)?;
            self.process = Some(process);
        }
        match &mut self.process {
            Some(process) => process.say(order),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn watch(&mut self, dispatch: &Dispatch, inbox: &mpsc::Receiver<Note>) -> End {
        let now = clock::now();
        let estimate = Duration::try_from_secs_f64(dispatch.task.ask.seconds * 20.0).unwrap_or_default();
        let stall = self.shared.options.stall.max(estimate);
        let mut vigil = Vigil { token: dispatch.token, begun: false, heard: now, moved: now, stall, deadline: None };
        loop {
            let wait = vigil.next(self.shared.options.silence, clock::now());
            let end = match inbox.recv_timeout(wait) {
                Ok(note) => self.note(note, dispatch, &mut vigil),
                Err(mpsc::RecvTimeoutError::Timeout) => self.overdue(&vigil),
                Err(mpsc::RecvTimeoutError::Disconnected) => Some(End::Quit),
            };
            if let Some(end) = end {
                if matches!(end, End::Quit) {
                    self.end_worker();
                }
                return end;
            }
        }
    }

    fn note(&mut self, note: Note, dispatch: &Dispatch, vigil: &mut Vigil) -> Option<End> {
        let current = self.process.as_ref().map(|process| process.generation);
        match note {
            Note::Quit => return Some(End::Quit),
            Note::Abandon(why) => {
                self.end_worker();
                return Some(failed(Fault::Nobody, why));
            }
            Note::Lost(why) => {
                self.end_worker();
                return Some(failed(Fault::Node, why));
            }
            Note::Says(generation, word) if Some(generation) == current => {
                vigil.heard = clock::now();
                return self.word(*word, dispatch, vigil);
            }
            Note::Gone(generation) if Some(generation) == current => {
                let ended = self.process.take().map(|process| process.ended(self.patience()));
                let how = ended.map(|ended| self.how(ended)).unwrap_or_default();
                return Some(match vigil.deadline {
                    Some(_) => failed(Fault::Nobody, "it was stopped"),
                    // It died before, or could not start: not by what it was to compute.
                    None if !vigil.begun => failed(Fault::Node, format!("its worker {how} before it began")),
                    None => killed(format!("its worker {how}")),
                });
            }
            Note::Stop(token) if token == vigil.token && vigil.deadline.is_none() => {
                vigil.deadline = Some(clock::now() + self.shared.options.grace);
                if self.say(&Order::Cancel).is_err() {
                    self.end_worker();
                    return Some(failed(Fault::Nobody, "it was stopped"));
                }
            }
            // One task at a time: the scheduler reserves the slot until the report.
            Note::Run(other) => tracing::error!(task = other.id.task, "a slot got a second task"),
            _ => {}
        }
        None
    }

    fn word(&mut self, word: Word, dispatch: &Dispatch, vigil: &mut Vigil) -> Option<End> {
        match word {
            Word::Beat => None,
            Word::Begun => {
                vigil.begun = true;
                None
            }
            Word::Ending { millis } => {
                if let Some(deadline) = &mut vigil.deadline {
                    let asked = Duration::from_millis(millis).min(self.shared.options.grace_max);
                    *deadline = (*deadline).max(vigil.heard + asked);
                }
                None
            }
            Word::Progress(progress) => {
                vigil.moved = vigil.heard;
                self.shared.farm.progress(&dispatch.id, dispatch.token, progress);
                None
            }
            Word::Did(span) => {
                traced::take(dispatch, span);
                None
            }
            Word::Succeeded { result, files, peak_bytes } => Some(self.deliver(result, files, peak_bytes)),
            Word::Split { failure, split } => Some(done(Outcome::Split { failure, split })),
            Word::Failed { mut failure, damaged, last, peak_bytes } => {
                if last {
                    self.end_worker();
                }
                if vigil.deadline.is_some() {
                    failure.fault = Fault::Nobody;
                }
                Some(End::Done { outcome: Outcome::Failed(failure), damaged, peak_bytes, killed: false })
            }
        }
    }

    /// Stores what the attempt made before its result names it.
    fn deliver(&self, result: TaskResult, files: Vec<(Digest, PathBuf)>, peak_bytes: Option<u64>) -> End {
        for (digest, file) in files {
            if let Err(failure) = self.shared.runtime.block_on(self.shared.farm.adopt(digest, file)) {
                return done(Outcome::Failed(failure));
            }
        }
        End::Done { outcome: Outcome::Succeeded(result), damaged: Vec::new(), peak_bytes, killed: false }
    }

    /// Ends a worker that has used up its time.
    fn overdue(&mut self, vigil: &Vigil) -> Option<End> {
        let now = clock::now();
        let end = if vigil.deadline.is_some_and(|deadline| now >= deadline) {
            failed(Fault::Nobody, "it was stopped")
        } else if now.duration_since(vigil.heard) >= self.shared.options.silence {
            killed(format!("its worker hung: not a word for {} s", self.shared.options.silence.as_secs()))
        } else if now.duration_since(vigil.moved) >= vigil.stall {
            killed(format!("it made no progress for {} s", vigil.stall.as_secs()))
        } else {
            return None;
        };
        match end {
            End::Done { killed: true, .. } if !self.end_worker() => {
                Some(failed(Fault::Node, "its worker hung and cannot be ended"))
            }
            end => {
                self.end_worker();
                Some(end)
            }
        }
    }
}

impl Vigil {
    /// How long nothing can be overdue.
    fn next(&self, silence: Duration, now: Instant) -> Duration {
        let mut due = (self.heard + silence).min(self.moved + self.stall);
        if let Some(deadline) = self.deadline {
            due = due.min(deadline);
        }
        due.saturating_duration_since(now).max(Duration::from_millis(1))
    }
}

/// What an error of the file system means for a task.
pub(crate) fn fault_of(path: &Path, error: &io::Error) -> TaskFailure {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let message = match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            format!("failed to write to {}: the disk is full; free some space and run the same again", path.display())
        }
        _ => format!("failed to use {}: {error}", path.display()),
    };
    TaskFailure { fault: Fault::Node, message }
}
