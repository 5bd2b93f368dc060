//! Adds events to logs one after the other, beside the scheduler, which never waits for it.

use super::log::{Logs, Message, Refused, Tail};
use crate::{backoff::full_jitter, bus::Stamp};
use klieg_protocol::{Event, JobId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Tellings that wait while the bus is away or slow; what is more is lost.
const WAITING_MAX: usize = 20_000;
/// A message's most bytes; a server takes 1 MiB by default.
const MESSAGE_BYTES_MAX: usize = 400_000;
/// How often a message is tried while the bus is away, and the waits between: half a minute or so.
const TRIES_MAX: usize = 24;
const WAIT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(4));

enum Order {
    Tell {
        job: JobId,
        stamp: Stamp,
        events: Vec<Event>,
        anew: bool,
    },
    /// Answers whether all of this job has been told.
    Told {
        job: JobId,
        reply: oneshot::Sender<bool>,
    },
    Finish(oneshot::Sender<()>),
}

/// The task that tells.
pub struct Teller {
    orders: mpsc::Sender<Order>,
    lost: Arc<Mutex<BTreeMap<JobId, u64>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Teller {
    pub fn start(logs: Logs) -> Self {
        let (orders, inbox) = mpsc::channel(WAITING_MAX);
        let lost = Arc::default();
        let worker = Worker { logs, tails: BTreeMap::new(), lost: Arc::clone(&lost) };
        Self { orders, lost, task: tokio::spawn(worker.run(inbox)) }
    }

    /// Never waits.
    pub fn tell(&self, job: &JobId, stamp: Stamp, events: Vec<Event>, anew: bool) {
        if events.is_empty() {
            return;
        }
        let count = events.len() as u64;
        if self.orders.try_send(Order::Tell { job: job.clone(), stamp, events, anew }).is_err() {
            tracing::warn!(job = job.0, "the bus is behind: events are lost until the job is begun anew");
            *lock(&self.lost).entry(job.clone()).or_default() += count;
        }
    }

    /// Waits until all that was handed over has been told or given up. `false`: some of this job was.
    pub async fn told(&self, job: &JobId) -> bool {
        let (reply, answer) = oneshot::channel();
        let asked = self.orders.send(Order::Told { job: job.clone(), reply }).await;
        asked.is_ok() && answer.await.unwrap_or(false)
    }

    /// Tells what is left, if that is soon done.
    pub async fn finish(&self) {
        let (reply, done) = oneshot::channel();
        let finished = async {
            if self.orders.send(Order::Finish(reply)).await.is_ok() {
                let _ = done.await;
            }
        };
        let _ = tokio::time::timeout(super::ANSWER_MAX, finished).await;
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Worker {
    logs: Logs,
    tails: BTreeMap<JobId, Tail>,
    /// Jobs of which something was given up, until they are begun anew; how many events the log's indexes do not show yet.
    lost: Arc<Mutex<BTreeMap<JobId, u64>>>,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Tell { job, stamp, events, anew } => self.tell(&job, stamp, events, anew).await,
                // Whoever asked may have gone.
                Order::Told { job, reply } => drop(reply.send(!lock(&self.lost).contains_key(&job))),
                Order::Finish(reply) => drop(reply.send(())),
            }
        }
    }

    async fn tell(&mut self, job: &JobId, stamp: Stamp, events: Vec<Event>, anew: bool) {
        if anew {
            lock(&self.lost).remove(job);
        }
        let mut told = true;
        for (part, (events, body)) in (0..).zip(bodies(&events)) {
            let ended = matches!(events.last(), Some(Event::JobEnded { .. }));
            let message =
                Message { stamp: (stamp, part), index: 0, count: events.len() as u64, ended, anew: anew && part == 0, body };
            told = told && self.add(job, message).await;
            if ended {
                self.tails.remove(job);
                break;
            }
        }
        if !told {
            tracing::warn!(job = job.0, "the bus is away: events are lost until the job is begun anew");
            *lock(&self.lost).entry(job.clone()).or_default() += events.len() as u64;
        }
    }

    /// Adds one message, or finds that it is there or must not be. `false`: given up.
    async fn add(&mut self, job: &JobId, mut message: Message) -> bool {
        for attempt in 0..TRIES_MAX {
            // A log that is begun is a new one, as a rule; the server says so if it is not.
            let guess = (message.anew && attempt == 0 && !self.tails.contains_key(job)).then(Tail::default);
            let known = match guess {
                Some(nothing) => Some(nothing),
                None => self.tail(job).await,
            };
            let Some(tail) = known else {
                self.pause(attempt).await;
                continue;
            };
            if message.stamp <= tail.stamp || (tail.ended && !message.anew) {
                return true;
            }
            message.index = self.index(job, &tail, message.anew);
            match self.logs.append(job, &tail, &message).await {
                Ok(tail) => {
                    self.tails.insert(job.clone(), tail);
                    // The gap is in the log now.
                    lock(&self.lost).entry(job.clone()).and_modify(|pending| *pending = 0);
                    return true;
                }
                Err(Refused::TooLarge) => return false,
                Err(Refused::Moved) => self.look_again(job, &tail).await,
                Err(Refused::Away(error)) => {
                    tracing::debug!(error, "the bus is away");
                    self.pause(attempt).await;
                    self.look_again(job, &tail).await;
                }
            }
        }
        false
    }

    /// The index of the next event; a log that was not begun has no event 0.
    fn index(&self, job: &JobId, tail: &Tail, anew: bool) -> u64 {
        let pending = lock(&self.lost).get(job).copied().unwrap_or(0);
        match (anew, tail.sequence) {
            (true, _) => 0,
            (false, 0) => tail.index.max(1) + pending,
            (false, _) => tail.index + pending,
        }
    }

    /// Finds where the log ends. A server that forgot it does not make us forget how long it was.
    async fn look_again(&mut self, job: &JobId, before: &Tail) {
        match self.logs.tail(job).await {
            Ok(now) if now.index < before.index && now.stamp <= before.stamp => {
                let index = before.index;
                self.tails.insert(job.clone(), Tail { index, ..now });
            }
            Ok(now) => drop(self.tails.insert(job.clone(), now)),
            Err(_) => {}
        }
    }

    async fn pause(&self, attempt: usize) {
        tokio::time::sleep(full_jitter(attempt, WAIT.0, WAIT.1)).await;
        // A wiped server has no stream any more.
        let _ = self.logs.restore().await;
    }

    async fn tail(&mut self, job: &JobId) -> Option<Tail> {
        if let Some(tail) = self.tails.get(job) {
            return Some(tail.clone());
        }
        let tail = self.logs.tail(job).await.ok()?;
        self.tails.insert(job.clone(), tail.clone());
        Some(tail)
    }
}

/// Events as JSON arrays of bounded size, none after the job's end.
fn bodies(events: &[Event]) -> Vec<(&[Event], String)> {
    let last = events.iter().position(|event| matches!(event, Event::JobEnded { .. })).map_or(events.len(), |at| at + 1);
    let (mut bodies, mut begin, mut body) = (Vec::new(), 0, String::new());
    for (at, event) in events[..last].iter().enumerate() {
        // Events are plain data: they always have a JSON form.
        let Ok(text) = serde_json::to_string(event) else { continue };
        if !body.is_empty() && body.len() + text.len() > MESSAGE_BYTES_MAX {
            bodies.push((&events[begin..at], format!("[{body}]")));
            (begin, body) = (at, String::new());
        }
        if !body.is_empty() {
            body.push(',');
        }
        body.push_str(&text);
    }
    if begin < last {
        bodies.push((&events[begin..last], format!("[{body}]")));
    }
    bodies
}
