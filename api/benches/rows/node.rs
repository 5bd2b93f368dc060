//! A node without workers: it talks to the farm as an agent does, and its tasks do nothing.

use crate::clock::now;
use klieg_protocol::{
    Beat, Beaten, Charge, Command, Commands, DeviceBeat, Dispatch, Dispatcher, Incarnation, NodeId, Offer, Outcome, Report, TaskId,
    TaskResult, Token, wire::Heard,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// As agents do.
const BEAT: Duration = Duration::from_secs(2);

/// What the nodes of a benchmark have been given, and what became of it.
#[derive(Clone)]
pub struct Told(Arc<(Mutex<Notes>, watch::Sender<usize>)>);

#[derive(Debug, Default)]
pub struct Notes {
    /// When each task was first given to a node.
    pub begun: BTreeMap<TaskId, Instant>,
    /// How often each task was begun.
    pub runs: BTreeMap<TaskId, u32>,
    /// Reports that were taken.
    pub taken: BTreeMap<TaskId, u32>,
    /// Reports that were refused.
    pub refused: u32,
}

impl Default for Told {
    fn default() -> Self {
        Self(Arc::new((Mutex::default(), watch::channel(0).0)))
    }
}

impl Told {
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, id: &TaskId) {
        let mut notes = self.notes();
        notes.begun.entry(id.clone()).or_insert_with(now);
        *notes.runs.entry(id.clone()).or_default() += 1;
        self.0.1.send_replace(notes.begun.len());
    }

    fn end(&self, id: &TaskId, taken: bool) {
        let mut notes = self.notes();
        if taken { *notes.taken.entry(id.clone()).or_default() += 1 } else { notes.refused += 1 }
    }

    /// When so many tasks have begun: the moment at which the latest of them did.
    pub async fn first(&self, count: usize) -> Instant {
        let mut begun = self.0.1.subscribe();
        begun.wait_for(|begun| *begun >= count).await.expect("the sender is here");
        self.notes().begun.values().max().copied().unwrap_or_else(now)
    }
}

/// What a node does with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is done as soon as it is told of.
    Done,
    /// It runs until `Node::finish`.
    Runs,
}

/// A node at work until it is dropped.
pub struct Node<D> {
    farm: Arc<D>,
    offer: Offer,
    desk: Arc<Desk>,
    told: Told,
    talk: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Desk {
    held: Mutex<BTreeMap<Token, (Charge, u32)>>,
    session: watch::Sender<u64>,
    /// When heartbeats were answered, in seconds from asking.
    beats: Mutex<Vec<f64>>,
}

impl Desk {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Token, (Charge, u32)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Dispatcher> Node<D> {
    /// Joins as a processor with so many slots.
    pub async fn join(farm: D, name: &str, slots: u32, told: Told, way: Way) -> Self {
        let offer = Offer::of_cpu(NodeId(name.into()), Incarnation(1), slots, 1 << 40);
        let (farm, desk) = (Arc::new(farm), Arc::new(Desk::default()));
        let commands = farm.join(offer.clone()).await.expect("the farm lives");
        let stay = Stay { farm: Arc::clone(&farm), offer: offer.clone(), desk: Arc::clone(&desk), told: told.clone(), way };
        Self { farm, offer, desk, told, talk: tokio::spawn(stay.run(commands)) }
    }

    /// Waits until the farm has begun a session with it that is later than `than`; gives that session.
    pub async fn settled(&self, than: u64) -> u64 {
        let mut session = self.desk.session.subscribe();
        *session.wait_for(|session| *session > than).await.expect("the sender is here")
    }

    /// What runs on it.
    pub fn running(&self) -> BTreeSet<TaskId> {
        self.desk.held().values().map(|(charge, _)| charge.id.clone()).collect()
    }

    /// How long its heartbeats took to be answered, in seconds.
    pub fn beats(&self) -> Vec<f64> {
        self.desk.beats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends everything that runs on it with success, and waits until the farm has taken that.
    pub async fn finish(&self) {
        let held: Vec<(Charge, u32)> = self.desk.held().values().cloned().collect();
        for (charge, attempt) in held {
            report(&*self.farm, &self.offer, &charge, attempt, &self.told).await;
            self.desk.held().remove(&charge.token);
        }
    }
}

impl<D> Drop for Node<D> {
    fn drop(&mut self) {
        self.talk.abort();
    }
}

async fn report<D: Dispatcher>(farm: &D, offer: &Offer, charge: &Charge, attempt: u32, told: &Told) {
    let outcome = Outcome::Succeeded(TaskResult { outputs: BTreeMap::new(), adds: Vec::new() });
    let (node, id, token) = (offer.node.clone(), charge.id.clone(), charge.token);
    let report = Report { node, id, attempt, token, outcome, seconds: 0.0, damaged: Vec::new(), peak_bytes: None, killed: false };
    if let Ok(taken) = farm.report(report).await {
        told.end(&charge.id, taken);
    }
}

/// Its part of the talk: commands in, heartbeats out, as `klieg_nodes::agent` does it.
struct Stay<D> {
    farm: Arc<D>,
    offer: Offer,
    desk: Arc<Desk>,
    told: Told,
    way: Way,
}

impl<D: Dispatcher> Stay<D> {
    async fn run(self, mut commands: Box<dyn Commands>) {
        let mut seen = BTreeSet::new();
        let mut pulse = tokio::time::interval(BEAT);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = commands.next() => match command {
                    Some(Command::Run(dispatch)) if self.obeys(&dispatch) && seen.insert(dispatch.token) => self.take(&dispatch),
                    Some(_) => {}
                    None => return,
                },
                _ = pulse.tick() => match self.beat().await {
                    Some((Beaten::Known, false)) => {}
                    // A new session: it is to be named at once.
                    Some((Beaten::Known, true)) => pulse.reset_immediately(),
                    Some((Beaten::Unknown, _)) => match self.farm.join(self.offer.clone()).await {
                        Ok(anew) => {
                            commands = anew;
                            pulse.reset_immediately();
                        }
                        Err(_) => return,
                    },
                    Some((Beaten::Replaced, _)) | None => return,
                },
            }
        }
    }

    fn obeys(&self, dispatch: &Dispatch) -> bool {
        dispatch.session >= *self.desk.session.borrow()
    }

    fn take(&self, dispatch: &Dispatch) {
        self.told.begin(&dispatch.id);
        let (charge, attempt) = (Charge::of(dispatch), dispatch.attempt);
        if self.way == Way::Runs {
            self.desk.held().insert(dispatch.token, (charge, attempt));
            return;
        }
        let (farm, offer, told) = (Arc::clone(&self.farm), self.offer.clone(), self.told.clone());
        tokio::spawn(async move { report(&*farm, &offer, &charge, attempt, &told).await });
    }

    /// The answer, and whether it came with a new session. What has just been done is not listed: the farm knows it by the report.
    async fn beat(&self) -> Option<(Beaten, bool)> {
        let asked = now();
        let beat = Beat {
            node: self.offer.node.clone(),
            incarnation: self.offer.incarnation,
            draining: false,
            devices: vec![DeviceBeat::default()],
            session: *self.desk.session.borrow(),
            attempts: self.desk.held().values().map(|(charge, _)| charge.clone()).collect(),
            telemetry: None,
        };
        let Heard { answer, session, .. } = self.farm.beat(beat).await.ok()?;
        self.desk.beats.lock().unwrap_or_else(PoisonError::into_inner).push((now() - asked).as_secs_f64());
        let later = |known: &mut u64| {
            let news = session > *known;
            *known = session.max(*known);
            news
        };
        let news = answer == Beaten::Known && self.desk.session.send_if_modified(later);
        Some((answer, news))
    }
}
