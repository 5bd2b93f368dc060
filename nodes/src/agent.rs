//! The agent: takes attempts from the scheduler and lets worker processes compute them, one process a slot. It knows nothing
//! of why they come in that order.
//!
//! - [`stay`]: the talk with the scheduler. When nobody answers for too long the agent ends what runs: nobody may believe any more
//!   that it does, and others are given it.
//! - [`slot`]: one attempt after the other in a worker process; [`process`], [`group`]: that process, and making certain that it is gone.
//! - [`health`]: whether devices can be used. [`scratch`]: the agent's folder, and what dead agents have left.

mod charges;
mod group;
mod health;
mod process;
mod scratch;
mod slot;
mod stay;
mod traced;
mod watch;

pub(crate) use slot::fault_of;
pub use stay::Ended;

use crate::{clock, discover, telemetry::Sensors};
use charges::Charges;
use health::Health;
use klieg_protocol::{Closed, DeviceOffer, Dispatcher, Incarnation, NodeId, Offer, Telemetry, Token, Tools};
use scratch::Scratch;
use slot::{Note, Place, Shared, Slot};
use stay::{Silence, Slots, Stay, Terms};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    hash::{BuildHasher, Hasher},
    io,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How an agent runs.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// What the scheduler calls this machine.
    pub node: NodeId,
    /// Tasks at a time on the processor, each in its own process.
    pub slots: usize,
    /// Host memory that all of those may use together.
    pub memory_bytes: u64,
    /// Added to the environment of their workers.
    pub environment: Vec<(String, String)>,
    /// Devices beside the processor.
    pub gpus: Vec<OwnDevice>,
    /// What else it has, for people.
    pub tools: Tools,
    /// Program and arguments that start a worker.
    pub worker: Vec<OsString>,
    /// Threads that each task may use.
    pub threads: usize,
    /// A worker that is not heard of for so long is taken for dead. It speaks every second.
    pub silence: Duration,
    /// So long, or twenty times its estimate if that is longer, a task may go without progress.
    pub stall: Duration,
    /// How long a task that nobody wants any more has to end by itself, and a worker that is asked to end.
    pub grace: Duration,
    /// The longest that a task may ask for to end by itself.
    pub grace_max: Duration,
    /// How long processes that were killed may take to be gone before their slot counts as stuck and its device as faulty.
    pub kill_limit: Duration,
    /// How often the agent measures itself and its devices.
    pub telemetry_every: Duration,
    /// With less room than this for attempts' files the agent takes no more of them. 0: it always does.
    pub disk_free_min_bytes: u64,
    /// Where artifacts are kept, for telemetry.
    pub cache: Option<PathBuf>,
}

/// A device beside the processor, and how its workers are kept to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnDevice {
    pub offer: DeviceOffer,
    /// Added to the environment of its workers.
    pub environment: Vec<(String, String)>,
}

impl AgentOptions {
    /// An agent for this machine's processor alone: a slot for each core, three quarters of its memory, one thread a task. Its
    /// workers see every device.
    pub fn here(worker: Vec<OsString>) -> Self {
        let machine = discover::machine();
        Self {
            node: NodeId(machine.name),
            slots: machine.threads,
            memory_bytes: machine.memory_bytes / 4 * 3,
            environment: Vec::new(),
            gpus: Vec::new(),
            tools: Tools::default(),
            worker,
            threads: 1,
            silence: Duration::from_secs(60),
            stall: Duration::from_secs(900),
            grace: Duration::from_millis(500),
            grace_max: Duration::from_secs(120),
            kill_limit: Duration::from_secs(10),
            telemetry_every: Duration::from_secs(5),
            disk_free_min_bytes: 0,
            cache: None,
        }
    }

    /// An agent for this machine's processor and these GPUs. Workers use only the device of their slot.
    pub fn with(worker: Vec<OsString>, gpus: Vec<OwnDevice>) -> Self {
        Self { environment: discover::processor_only(), gpus, ..Self::here(worker) }
    }

    /// What a life of the agent brings to the farm.
    pub fn offer(&self, incarnation: Incarnation) -> Offer {
        let slots = u32::try_from(self.slots.max(1)).unwrap_or(u32::MAX);
        let mut offer = Offer::of_cpu(self.node.clone(), incarnation, slots, self.memory_bytes);
        offer.devices.extend(self.gpus.iter().map(|gpu| gpu.offer.clone()));
        offer.tools = self.tools.clone();
        offer
    }

    fn environment_of(&self, device: usize) -> Vec<(String, String)> {
        match device.checked_sub(1).and_then(|gpu| self.gpus.get(gpu)) {
            Some(gpu) => gpu.environment.clone(),
            None => self.environment.clone(),
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
    slots: Slots,
    threads: Vec<JoinHandle<()>>,
    talk: tokio::task::JoinHandle<()>,
    watch: tokio::task::JoinHandle<()>,
    charges: Charges,
    scratch: Scratch,
    draining: tokio::sync::watch::Sender<bool>,
    ended: tokio::sync::watch::Receiver<Option<Ended>>,
    telemetry: tokio::sync::watch::Receiver<Option<Telemetry>>,
    patience: Duration,
    leave: Box<dyn FnOnce() -> Leaving + Send>,
}

type Leaving = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Agent {
    /// Joins the farm. Workers start when there is something for them to do. What an agent that died has left in the farm's
    /// scratch folder, processes too, is ended and removed before.
    pub async fn start<D: Dispatcher>(farm: D, options: AgentOptions) -> Result<Self, AgentError> {
        let sensors = Sensors::here(options.cache.as_deref());
        Self::start_with(farm, options, sensors).await
    }

    /// As `start`, with other senses than this machine's.
    pub async fn start_with<D: Dispatcher>(farm: D, options: AgentOptions, sensors: Sensors) -> Result<Self, AgentError> {
        if options.worker.is_empty() {
            return Err(AgentError::NoWorker);
        }
        let incarnation = Incarnation(std::hash::RandomState::new().build_hasher().finish());
        let within = farm.scratch();
        let made = Scratch::make(&within, incarnation.0);
        let mut scratch = made.map_err(|source| AgentError::Scratch { path: within, source })?;
        let (node, charges, health) = (options.node.clone(), Charges::default(), Health::default());
        let offer = options.offer(incarnation);
        let patience = options.grace * 2 + options.kill_limit;
        let runtime = tokio::runtime::Handle::current();
        let shared = Arc::new(Shared { farm: Arc::new(farm), options, runtime, charges: charges.clone(), health });
        let (slots, threads) = start_slots(&shared, &offer, &scratch)?;
        let asked = clock::now();
        let commands = match shared.farm.join(offer.clone()).await {
            Ok(commands) => commands,
            Err(closed) => {
                slots.tell(|| Note::Quit);
                scratch.remove();
                return Err(closed.into());
            }
        };
        let (draining, drained) = tokio::sync::watch::channel(false);
        let (end, ended) = tokio::sync::watch::channel(None);
        let (measured, telemetry) = tokio::sync::watch::channel(None);
        let watch = watch::Watch { shared: Arc::clone(&shared), slots: slots.clone(), offer: offer.clone(), measured };
        let watch = tokio::spawn(watch.run(sensors, scratch.path.clone()));
        let leave = leaving(&shared, incarnation);
        let (told, slots_too) = (telemetry.clone(), slots.clone());
        let stay = Stay {
            shared,
            offer,
            slots: slots_too,
            draining: drained,
            telemetry: told,
            silence: Silence::since(asked),
            terms: Terms::default(),
            alone: false,
        };
        let talk = tokio::spawn(async move {
            end.send_replace(Some(stay.run(commands).await));
        });
        Ok(Self { node, slots, threads, talk, watch, charges, scratch, draining, ended, telemetry, patience, leave })
    }

    /// What the scheduler calls it.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// What it measured last. Changes every `telemetry_every`.
    pub fn telemetry(&self) -> tokio::sync::watch::Receiver<Option<Telemetry>> {
        self.telemetry.clone()
    }

    /// Returns when the agent takes part no more, though nobody has stopped it.
    pub async fn ended(&self) -> Ended {
        let ended = self.ended.clone().wait_for(Option::is_some).await.ok().and_then(|ended| *ended);
        ended.unwrap_or(Ended::Closed)
    }

    /// Begins no more attempts and lets those that run finish, but not for longer than `limit`: after that they are stopped, and
    /// run again elsewhere by nobody's fault. Returns how many had to be stopped, when the farm has taken all reports or cannot
    /// be reached to take them. `stop` is to follow.
    pub async fn drain(&self, limit: Duration) -> usize {
        self.draining.send_replace(true);
        if tokio::time::timeout(limit, self.charges.none()).await.is_ok() {
            return 0;
        }
        let left: Vec<Token> = self.charges.list().1.iter().map(|charge| charge.token).collect();
        left.iter().for_each(|token| self.slots.tell(|| Note::Stop(*token)));
        let _ = tokio::time::timeout(self.patience, self.charges.none()).await;
        left.len()
    }

    /// Ends every worker with all its children, and removes what they left. What ran counts as lost.
    pub async fn stop(mut self) {
        self.talk.abort();
        self.watch.abort();
        self.slots.tell(|| Note::Quit);
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        // A slot may wait for the farm to take a report; the farm is about to learn that it is lost.
        let _ = tokio::time::timeout(Duration::from_millis(1200), joined).await;
        let leave = std::mem::replace(&mut self.leave, Box::new(|| Box::pin(async {})));
        let _ = tokio::time::timeout(Duration::from_millis(500), leave()).await;
        self.scratch.remove();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.talk.abort();
        self.watch.abort();
        self.slots.tell(|| Note::Quit);
    }
}

fn leaving<D: Dispatcher>(shared: &Arc<Shared<D>>, incarnation: Incarnation) -> Box<dyn FnOnce() -> Leaving + Send> {
    let shared = Arc::clone(shared);
    Box::new(move || {
        Box::pin(async move {
            // A farm that has been closed has let the node go.
            let _ = shared.farm.leave(&shared.options.node, incarnation).await;
        })
    })
}

/// Starts a thread for each slot of each device.
fn start_slots<D: Dispatcher>(
    shared: &Arc<Shared<D>>,
    offer: &Offer,
    scratch: &Scratch,
) -> Result<(Slots, Vec<JoinHandle<()>>), AgentError> {
    let (mut slots, mut threads) = (BTreeMap::new(), Vec::new());
    for (device, offered) in offer.devices.iter().enumerate() {
        for slot in 0..offered.slots {
            let (notes, inbox) = mpsc::channel();
            let number = threads.len();
            let environment = shared.options.environment_of(device);
            let place = Place { device, slot: slot as usize, number, scratch: scratch.path.clone(), environment };
            let run = Slot::new(Arc::clone(shared), place, notes.clone());
            // A worker dies with the thread that started it, so that thread lives as long as the slot.
            let run = thread::Builder::new().name(format!("slot-{number}")).spawn(move || run.run(&inbox));
            threads.push(run.map_err(AgentError::Thread)?);
            slots.insert((u32::try_from(device).unwrap_or(u32::MAX), slot), notes);
        }
    }
    Ok((Slots(slots), threads))
}
