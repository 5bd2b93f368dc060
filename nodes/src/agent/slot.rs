use crate::{
    agent::{AgentOptions, Charges, process::Process},
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
    /// From the worker of that generation.
    Says(u64, Box<Word>),
    /// The worker of that generation says no more.
    Gone(u64),
    Quit,
}

/// One place for a task: at most one worker process, kept from task to task.
pub struct Slot<D> {
    farm: Arc<D>,
    options: AgentOptions,
    number: usize,
    scratch: PathBuf,
    runtime: tokio::runtime::Handle,
    notes: mpsc::Sender<Note>,
    charges: Charges,
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
    pub fn new(
        farm: Arc<D>,
        options: AgentOptions,
        (number, scratch): (usize, PathBuf),
        runtime: tokio::runtime::Handle,
        notes: mpsc::Sender<Note>,
        charges: Charges,
    ) -> Self {
        Self { farm, options, number, scratch, runtime, notes, charges, process: None, generation: 0 }
    }

    /// Runs until told to quit.
    pub fn run(mut self, inbox: &mpsc::Receiver<Note>) {
        while let Ok(note) = inbox.recv() {
            match note {
                Note::Quit => return,
                Note::Run(dispatch) => {
                    if !self.attempt(*dispatch, inbox) {
                        return;
                    }
                }
                Note::Gone(generation) => self.discard(generation),
                Note::Stop(_) | Note::Says(..) => {}
            }
        }
    }

    fn discard(&mut self, generation: u64) {
        self.process.take_if(|process| process.generation == generation);
    }

    /// Computes one attempt and reports it. `false`: the agent stops.
    fn attempt(&mut self, dispatch: Dispatch, inbox: &mpsc::Receiver<Note>) -> bool {
        let begun = clock::now();
        let folder = self.scratch.join(format!("{}-{}", self.number, dispatch.token.0));
        let end = match self.prepare(&dispatch, &folder) {
            Ok(()) => self.watch(&dispatch, inbox),
            Err(failure) => done(Outcome::Failed(failure)),
        };
        // Left for the next start of the farm if it cannot be removed now.
        let _ = fs::remove_dir_all(&folder);
        let End::Done { outcome, damaged, peak_bytes, killed } = end else { return false };
        let report = Report {
            node: self.options.node.clone(),
            id: dispatch.id,
            attempt: dispatch.attempt,
            token: dispatch.token,
            outcome,
            seconds: begun.elapsed().as_secs_f64(),
            damaged,
            peak_bytes,
            killed,
        };
        let token = report.token;
        match self.runtime.block_on(self.farm.report(report)) {
            Ok(true) => {}
            Ok(false) => tracing::info!("the farm refused a fenced attempt"),
            Err(closed) => {
                tracing::info!(%closed, "a report was not taken");
                return true;
            }
        }
        self.charges.confirm(token);
        true
    }

    /// Gets the inputs, a folder and a worker, and gives the order.
    fn prepare(&mut self, dispatch: &Dispatch, folder: &Path) -> Result<(), TaskFailure> {
        let at = |error: io::Error| fault_of(folder, &error);
        fs::create_dir_all(folder).map_err(at)?;
        let mut inputs = BTreeMap::new();
        for (name, digest) in &dispatch.inputs {
            let path = self.runtime.block_on(self.farm.fetch(*digest))?;
            inputs.insert(name.clone(), (*digest, path));
        }
        let (kind, task) = (dispatch.kind.clone(), dispatch.task.clone());
        let work = Work { kind, task, inputs, folder: folder.into(), threads: self.options.threads.max(1) };
        let order = Order::Run(Box::new(work));
        // A worker may have died while it was idle; a new one gets a second chance.
        if self.process.is_some() && self.say(&order).is_ok() {
            return Ok(());
        }
        self.process = None;
        self.say(&order).map_err(|error| {
            let program = self.options.worker.first().map(|p| p.display().to_string()).unwrap_or_default();
            let how = self.process.take().map_or_else(|| error.to_string(), |mut process| format!("it {}", process.ended()));
            TaskFailure { fault: Fault::Node, message: format!("failed to start the worker {program}: {how}") }
        })
    }

    fn say(&mut self, order: &Order) -> io::Result<()> {
        if self.process.is_none() {
            self.generation += 1;
            let process = Process::start(&self.options.worker, self.options.threads.max(1), self.generation, &self.notes)?;
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
        let stall = self.options.stall.max(estimate);
        let mut vigil = Vigil { token: dispatch.token, begun: false, heard: now, moved: now, stall, deadline: None };
        loop {
            let wait = vigil.next(self.options.silence, clock::now());
            let end = match inbox.recv_timeout(wait) {
                Ok(note) => self.note(note, dispatch, &mut vigil),
                Err(mpsc::RecvTimeoutError::Timeout) => self.overdue(&vigil),
                Err(mpsc::RecvTimeoutError::Disconnected) => Some(End::Quit),
            };
            if let Some(end) = end {
                if matches!(end, End::Quit) {
                    self.process = None;
                }
                return end;
            }
        }
    }

    fn note(&mut self, note: Note, dispatch: &Dispatch, vigil: &mut Vigil) -> Option<End> {
        let current = self.process.as_ref().map(|process| process.generation);
        match note {
            Note::Quit => return Some(End::Quit),
            Note::Says(generation, word) if Some(generation) == current => {
                vigil.heard = clock::now();
                return self.word(*word, dispatch, vigil);
            }
            Note::Gone(generation) if Some(generation) == current => {
                let how = self.process.take().map(|mut process| process.ended()).unwrap_or_default();
                return Some(match vigil.deadline {
                    Some(_) => failed(Fault::Nobody, "it was stopped"),
                    // It died before, or could not start: not by what it was to compute.
                    None if !vigil.begun => failed(Fault::Node, format!("its worker {how} before it began")),
                    None => killed(format!("its worker {how}")),
                });
            }
            Note::Stop(token) if token == vigil.token && vigil.deadline.is_none() => {
                vigil.deadline = Some(clock::now() + self.options.grace);
                if self.say(&Order::Cancel).is_err() {
                    self.process = None;
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
            Word::Progress(progress) => {
                vigil.moved = vigil.heard;
                self.farm.progress(&dispatch.id, dispatch.token, progress);
                None
            }
            Word::Succeeded { result, files, peak_bytes } => Some(self.deliver(result, files, peak_bytes)),
            Word::Split { failure, split } => Some(done(Outcome::Split { failure, split })),
            Word::Failed { mut failure, damaged, last, peak_bytes } => {
                if last {
                    self.process = None;
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
            if let Err(failure) = self.runtime.block_on(self.farm.adopt(digest, file)) {
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
        } else if now.duration_since(vigil.heard) >= self.options.silence {
            killed(format!("its worker hung: not a word for {} s", self.options.silence.as_secs()))
        } else if now.duration_since(vigil.moved) >= vigil.stall {
            killed(format!("it made no progress for {} s", vigil.stall.as_secs()))
        } else {
            return None;
        };
        self.process = None;
        Some(end)
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
