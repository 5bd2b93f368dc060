//! The agent: takes attempts from the scheduler and lets worker processes compute them, one process a slot. It knows nothing
//! of why they come in that order.

mod process;
mod slot;

pub(crate) use slot::fault_of;

use klieg_protocol::{Closed, Command, Commands, Dispatcher, NodeId, Offer};
use slot::{Note, Slot};
use std::{
    ffi::OsString,
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
        let runtime = tokio::runtime::Handle::current();
        for number in 0..options.slots.max(1) {
            let (notes, inbox) = mpsc::channel();
            let slot = Slot::new(Arc::clone(&farm), options.clone(), number, scratch.clone(), runtime.clone(), notes.clone());
            // A worker dies with the thread that started it, so that thread lives as long as the slot.
            let run = thread::Builder::new().name(format!("slot-{number}")).spawn(move || slot.run(&inbox));
            threads.push(run.map_err(AgentError::Thread)?);
            slots.push(notes);
        }
        let slot_count = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        let offer = Offer { node: options.node.clone(), slots: slot_count, memory_bytes: options.memory_bytes };
        let commands = farm.join(offer).await?;
        let pump = tokio::spawn(pump(commands, slots.clone()));
        let node = options.node.clone();
        let leave: Box<dyn FnOnce() -> Leaving + Send> = Box::new(move || {
            Box::pin(async move {
                // A farm that has been closed has let the node go.
                let _ = farm.leave(&node).await;
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

/// Hands the scheduler's commands to the slots.
async fn pump(mut commands: Box<dyn Commands>, slots: Vec<mpsc::Sender<Note>>) {
    while let Some(command) = commands.next().await {
        match command {
            Command::Run(dispatch) => {
                let slot = usize::try_from(dispatch.slot).ok().and_then(|number| slots.get(number));
                // The scheduler only knows the slots that were offered, and they live as long as this.
                let _ = slot.map(|slot| slot.send(Note::Run(dispatch)));
            }
            Command::Stop { token, .. } => slots.iter().for_each(|slot| drop(slot.send(Note::Stop(token)))),
        }
    }
    slots.iter().for_each(|slot| drop(slot.send(Note::Quit)));
}
