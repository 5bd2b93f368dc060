//! The agent: takes attempts from the scheduler and lets worker processes compute them, one process a slot. It knows nothing
//! of why they come in that order.

mod process;
mod slot;

pub(crate) use slot::fault_of;

use klieg_protocol::{
    Beat, Beaten, Charge, Closed, Command, Commands, DeviceBeat, Dispatch, Dispatcher, Fault, Incarnation, NodeId, Offer, Outcome,
    Report, TaskFailure, Token,
};
use slot::{Note, Slot};
use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    hash::{BuildHasher, Hasher},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the scheduler hears of the agent.
const BEAT: Duration = Duration::from_secs(2);
/// How many tokens are remembered, so that a command that comes twice is carried out once.
const TOKENS_MAX: usize = 4096;

/// How an agent runs.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// What the scheduler calls this machine.
    pub node: NodeId,
    /// Tasks at a time, each in its own process.
    pub slots: usize,
    /// Host memory that all tasks may use together.
    pub memory_bytes: u64,
    /// Program and arguments that start a worker.
    pub worker: Vec<OsString>,
    /// Threads that each task may use.
    pub threads: usize,
    /// A worker that is not heard of for so long is taken for dead. It speaks every second.
    pub silence: Duration,
    /// So long, or twenty times its estimate if that is longer, a task may go without progress.
    pub stall: Duration,
    /// How long a task that nobody wants any more has to end by itself.
    pub grace: Duration,
}

impl AgentOptions {
    /// An agent for this machine: a slot for each core, three quarters of its memory, one thread a task.
    pub fn here(worker: Vec<OsString>) -> Self {
        let machine = crate::discover::machine();
        Self {
            node: NodeId(machine.name),
            slots: machine.threads,
            memory_bytes: machine.memory_bytes / 4 * 3,
            worker,
            threads: 1,
            silence: Duration::from_secs(60),
            stall: Duration::from_secs(900),
            grace: Duration::from_millis(500),
        }
    }
}

/// Why an agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("start the agent: no command starts a worker")]
    NoWorker,
    #[error("start the agent: {0}")]
    Thread(#[source] io::Error),
    #[error("use {}: {source}", .path.display())]
    Scratch { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// A running agent. Dropping it without `stop` ends its workers too, but does not wait for them.
pub struct Agent {
    node: NodeId,
    slots: Vec<mpsc::Sender<Note>>,
    threads: Vec<JoinHandle<()>>,
    pump: tokio::task::JoinHandle<()>,
    scratch: PathBuf,
    leave: Box<dyn FnOnce() -> Leaving + Send>,
}

type Leaving = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Agent {
    /// Joins the farm. Workers start when there is something for them to do.
    pub async fn start<D: Dispatcher>(farm: D, options: AgentOptions) -> Result<Self, AgentError> {
        if options.worker.is_empty() {
            return Err(AgentError::NoWorker);
        }
        let farm = Arc::new(farm);
        let scratch = farm.scratch().join(format!("agent-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).map_err(|source| AgentError::Scratch { path: scratch.clone(), source })?;
        let (mut slots, mut threads) = (Vec::new(), Vec::new());
        let charges = Charges::default();
        let runtime = tokio::runtime::Handle::current();
        for number in 0..options.slots.max(1) {
            let (notes, inbox) = mpsc::channel();
            let place = (number, scratch.clone());
            let slot = Slot::new(Arc::clone(&farm), options.clone(), place, runtime.clone(), notes.clone(), charges.clone());
            // A worker dies with the thread that started it, so that thread lives as long as the slot.
            let run = thread::Builder::new().name(format!("slot-{number}")).spawn(move || slot.run(&inbox));
            threads.push(run.map_err(AgentError::Thread)?);
            slots.push(notes);
        }
        let slot_count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        let incarnation = Incarnation(std::hash::RandomState::new().build_hasher().finish());
        let offer = Offer::of_cpu(options.node.clone(), incarnation, slot_count, options.memory_bytes);
        let commands = farm.join(offer.clone()).await?;
        let pump = tokio::spawn(stay(Arc::clone(&farm), offer, commands, slots.clone(), charges));
        let node = options.node.clone();
        let leave: Box<dyn FnOnce() -> Leaving + Send> = Box::new(move || {
            Box::pin(async move {
                // A farm that has been closed has let the node go.
                let _ = farm.leave(&node, incarnation).await;
            })
        });
        Ok(Self { node: options.node, slots, threads, pump, scratch, leave })
    }

    /// What the scheduler calls it.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Ends every worker with all its children, and removes what they left. What ran counts as lost.
    pub async fn stop(mut self) {
        self.pump.abort();
        self.quit();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        // A slot may wait for the farm to take a report; the farm is about to learn that it is lost.
        let _ = tokio::time::timeout(Duration::from_millis(1200), joined).await;
        let leave = std::mem::replace(&mut self.leave, Box::new(|| Box::pin(async {})));
        let _ = tokio::time::timeout(Duration::from_millis(500), leave()).await;
        let _ = std::fs::remove_dir_all(&self.scratch);
    }

    fn quit(&self) {
        for slot in &self.slots {
            // A slot that has ended needs no word.
            let _ = slot.send(Note::Quit);
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.pump.abort();
        self.quit();
    }
}

/// The attempts that the agent has taken and whose ends have not been confirmed, and the tokens that it has seen.
#[derive(Clone, Default)]
pub(crate) struct Charges(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    open: BTreeMap<Token, Charge>,
    /// The latest session that was heard of.
    session: u64,
    seen: VecDeque<Token>,
}

impl Charges {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an attempt. False when it was taken, or stopped, before, or is of a session that another has followed.
    fn take(&self, dispatch: &Dispatch) -> bool {
        let fresh = self.obeys(dispatch.session) && self.see(dispatch.token);
        if fresh {
            self.taken().open.insert(dispatch.token, Charge::of(dispatch));
        }
        fresh
    }

    /// Whether no later session has been heard of.
    fn obeys(&self, session: u64) -> bool {
        session >= self.taken().session
    }

    /// Whether the attempt has been taken and its end is not confirmed.
    fn has(&self, token: Token) -> bool {
        self.taken().open.contains_key(&token)
    }

    /// Notes the session; true when that is news.
    fn follow(&self, session: u64) -> bool {
        let mut taken = self.taken();
        let news = session > taken.session;
        taken.session = taken.session.max(session);
        news
    }

    /// Whether the token has not been seen before.
    fn see(&self, token: Token) -> bool {
        let mut taken = self.taken();
        if taken.seen.contains(&token) {
            return false;
        }
        taken.seen.push_back(token);
        if taken.seen.len() > TOKENS_MAX {
            taken.seen.pop_front();
        }
        true
    }

    /// The scheduler knows how the attempt ended.
    pub(crate) fn confirm(&self, token: Token) {
        self.taken().open.remove(&token);
    }

    fn list(&self) -> (u64, Vec<Charge>) {
        let taken = self.taken();
        (taken.session, taken.open.values().cloned().collect())
    }
}

/// Hands the scheduler's commands to the slots and lets it hear of the agent, until the farm has ended. Joins again if the
/// scheduler has forgotten the node.
async fn stay<D: Dispatcher>(
    farm: Arc<D>,
    offer: Offer,
    mut commands: Box<dyn Commands>,
    slots: Vec<mpsc::Sender<Note>>,
    charges: Charges,
) {
    let mut pulse = tokio::time::interval(BEAT);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = commands.next() => match command {
                Some(command) => hand(command, &farm, &offer, &slots, &charges),
                None => break,
            },
            _ = pulse.tick() => {
                let (node, incarnation) = (offer.node.clone(), offer.incarnation);
                let devices = vec![DeviceBeat::default(); offer.devices.len()];
                let (session, attempts) = charges.list();
                let beat = Beat { node, incarnation, draining: false, devices, session, attempts };
                let answer = farm.beat(beat).await.map(|(answer, session)| {
                    if charges.follow(session) {
                        pulse.reset_immediately();
                    }
                    // A scheduler that another has replaced has nothing to say.
                    if charges.obeys(session) { answer } else { Beaten::Known }
                });
                match answer {
                    Ok(Beaten::Known) => {}
                    Ok(Beaten::Unknown) => match farm.join(offer.clone()).await {
                        Ok(anew) => commands = anew,
                        Err(Closed) => break,
                    },
                    Ok(Beaten::Replaced) => {
                        tracing::error!(node = offer.node.0, "another agent has taken this node's place");
                        break;
                    }
                    Err(Closed) => break,
                }
            }
        }
    }
    slots.iter().for_each(|slot| drop(slot.send(Note::Quit)));
}

fn hand<D: Dispatcher>(command: Command, farm: &Arc<D>, offer: &Offer, slots: &[mpsc::Sender<Note>], charges: &Charges) {
    match command {
        Command::Run(dispatch) => {
            if dispatch.incarnation != offer.incarnation || !charges.take(&dispatch) {
                return;
            }
            let slot = dispatch.slots.first().and_then(|number| slots.get(usize::try_from(*number).ok()?));
            // The scheduler only knows the slots that were offered, and they live as long as this.
            let _ = slot.map(|slot| slot.send(Note::Run(dispatch)));
        }
        Command::Stop { id, token, session } => {
            if !charges.obeys(session) {
                return;
            }
            charges.see(token);
            if charges.has(token) {
                return slots.iter().for_each(|slot| drop(slot.send(Note::Stop(token))));
            }
            // It has not come, and must not begin any more: what is reserved for it is free.
            let failure = TaskFailure { fault: Fault::Nobody, message: "it was stopped before it began".into() };
            let (node, outcome, damaged) = (offer.node.clone(), Outcome::Failed(failure), Vec::new());
            let report = Report { node, id, attempt: 0, token, outcome, seconds: 0.0, damaged, peak_bytes: None, killed: false };
            let farm = Arc::clone(farm);
            tokio::spawn(async move {
                // It is told to stop again if this does not arrive.
                let _ = farm.report(report).await;
            });
        }
    }
}
