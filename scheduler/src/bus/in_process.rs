use super::{Bus, BusError, Cursor, LISTEN_MAX, Page, READ_MAX, Request, Stamp};
use klieg_protocol::{Event, JobId};
use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

/// Logs in memory. Past the bound, the oldest events of a job are dropped.
pub struct InProcess {
    logs: Mutex<Logs>,
    wires: Mutex<Wires>,
    /// Rings when a log is begun that was not there, and at the end.
    began: Arc<Notify>,
    bound: usize,
}

#[derive(Default)]
struct Logs {
    jobs: BTreeMap<JobId, Log>,
    closed: bool,
}

#[derive(Default)]
struct Log {
    first: u64,
    events: VecDeque<Event>,
    ended: bool,
    last: Stamp,
    /// Which telling this is: of the same job, none in any life of the farm has the same.
    telling: u64,
    /// Rings when it changes: whoever waits for another job's news sleeps on.
    bell: Arc<Notify>,
}

/// Who serves and who listens, by subject.
#[derive(Default)]
struct Wires {
    servers: BTreeMap<String, VecDeque<mpsc::Sender<Request>>>,
    listeners: BTreeMap<String, Vec<mpsc::Sender<Vec<u8>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn add(&mut self, events: Vec<Event>, bound: usize) {
        for event in events {
            if self.ended {
                break;
            }
            self.ended = matches!(event, Event::JobEnded { .. });
            self.events.push_back(event);
            if self.events.len() > bound {
                self.events.pop_front();
                self.first += 1;
            }
        }
    }
}

impl InProcess {
    /// Keeps at most `bound` events of a job.
    pub fn new(bound: usize) -> Self {
        Self { logs: Mutex::default(), wires: Mutex::default(), began: Arc::default(), bound: bound.max(1) }
    }

    fn page(&self, job: &JobId, from: Cursor) -> Option<Page> {
        let logs = lock(&self.logs);
        let closed = logs.closed;
        let Some(log) = logs.jobs.get(job) else {
            return closed.then_some(Page { first: from.index, events: Vec::new(), next: from, ended: true });
        };
        let wanted = if from.log == log.telling { from.index } else { 0 };
        let first = wanted.max(log.first);
        let skip = usize::try_from(first - log.first).unwrap_or(usize::MAX);
        let events: Vec<Event> = log.events.iter().skip(skip).cloned().collect();
        let ended = log.ended || closed;
        let next = first + events.len() as u64;
        let next = Cursor { log: log.telling, at: next, index: next };
        (ended || !events.is_empty()).then_some(Page { first, events, next, ended })
    }

    fn change(&self, job: &JobId, stamp: Stamp, change: impl FnOnce(&mut Log, usize)) {
        let mut logs = lock(&self.logs);
        if !logs.jobs.contains_key(job) {
            self.began.notify_waiters();
        }
        // One that was not begun has no beginning.
        let log = logs.jobs.entry(job.clone()).or_insert_with(|| Log { first: 1, ..Log::default() });
        if stamp <= log.last {
            return;
        }
        change(log, self.bound);
        log.last = stamp;
        // They look when they get the lock.
        log.bell.notify_waiters();
    }

    /// What rings when there may be news of a job.
    fn bell(&self, job: &JobId) -> Arc<Notify> {
        lock(&self.logs).jobs.get(job).map_or_else(|| Arc::clone(&self.began), |log| Arc::clone(&log.bell))
    }

    /// The next of those who serve a subject, in turn.
    fn server(&self, subject: &str) -> Option<mpsc::Sender<Request>> {
        let mut wires = lock(&self.wires);
        let servers = wires.servers.get_mut(subject)?;
        servers.retain(|server| !server.is_closed());
        servers.rotate_left(usize::from(!servers.is_empty()));
        servers.back().cloned()
    }
}

/// A leader's epoch and the number of what it tells: clients keep places in a telling, and come back to the next process with them.
fn telling(stamp: Stamp) -> u64 {
    u64::try_from(stamp.epoch.0).unwrap_or_default() << 40 | stamp.number & ((1 << 40) - 1)
}

impl Bus for InProcess {
    async fn begin(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) {
        self.change(job, stamp, |log, bound| {
            *log = Log { telling: telling(stamp), bell: Arc::clone(&log.bell), ..Log::default() };
            log.add(events, bound);
        });
    }

    async fn publish(&self, job: &JobId, stamp: Stamp, events: Vec<Event>) {
        self.change(job, stamp, |log, bound| log.add(events, bound));
    }

    async fn knows(&self, job: &JobId) -> bool {
        lock(&self.logs).jobs.get(job).is_some_and(|log| log.first == 0)
    }

    async fn read(&self, job: &JobId, from: Cursor) -> Page {
        let page = async {
            loop {
                let bell = self.bell(job);
                let mut rings = pin!(bell.notified());
                // Before looking, so that what comes after that is heard.
                rings.as_mut().enable();
                if let Some(page) = self.page(job, from) {
                    return page;
                }
                rings.await;
            }
        };
        let nothing = Page { first: from.index, events: Vec::new(), next: from, ended: false };
        timeout(READ_MAX, page).await.unwrap_or(nothing)
    }

    async fn ask(&self, subject: &str, body: Vec<u8>, patience: Duration) -> Result<Vec<u8>, BusError> {
        let none = || BusError::NoAnswer { subject: subject.into() };
        let server = self.server(subject).ok_or_else(none)?;
        let (reply, answer) = oneshot::channel();
        server.try_send(Request { body, reply }).map_err(|_| none())?;
        timeout(patience, answer).await.ok().and_then(Result::ok).ok_or_else(none)
    }

    async fn serve(&self, subject: &str) -> Result<mpsc::Receiver<Request>, BusError> {
        let (server, requests) = mpsc::channel(LISTEN_MAX);
        lock(&self.wires).servers.entry(subject.into()).or_default().push_back(server);
        Ok(requests)
    }

    async fn tell(&self, subject: &str, body: Vec<u8>) {
        let mut wires = lock(&self.wires);
        let Some(listeners) = wires.listeners.get_mut(subject) else { return };
        listeners.retain(|listener| !listener.is_closed());
        // A listener that is behind loses it.
        listeners.iter().for_each(|listener| drop(listener.try_send(body.clone())));
    }

    async fn listen(&self, subject: &str) -> Result<mpsc::Receiver<Vec<u8>>, BusError> {
        let (listener, told) = mpsc::channel(LISTEN_MAX);
        lock(&self.wires).listeners.entry(subject.into()).or_default().push(listener);
        Ok(told)
    }

    async fn close(&self) {
        let mut logs = lock(&self.logs);
        logs.closed = true;
        self.began.notify_waiters();
        logs.jobs.values().for_each(|log| log.bell.notify_waiters());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bus::conformance, store::Epoch};
    use std::sync::Arc;

    #[tokio::test]
    async fn it_conforms() {
        conformance::check(Arc::new(InProcess::new(100))).await;
    }

    #[tokio::test]
    async fn it_keeps_its_bound_and_says_what_is_missing() {
        let (bus, job) = (InProcess::new(3), JobId("j".into()));
        let started = |attempt| Event::TaskStarted { task: "t".into(), attempt, worker: 0 };
        bus.begin(&job, Stamp { epoch: Epoch(1), number: 1 }, (0..10).map(started).collect()).await;
        let page = bus.read(&job, Cursor { index: 2, ..Cursor::default() }).await;
        assert_eq!((page.first, page.events), (7, vec![started(7), started(8), started(9)]));
        assert!(!bus.knows(&job).await, "it is not whole any more");
    }

    #[tokio::test]
    async fn a_place_in_one_life_is_none_in_the_next() {
        let job = JobId("j".into());
        let started = |attempt| Event::TaskStarted { task: "t".into(), attempt, worker: 0 };
        let mut kept = Cursor::default();
        for epoch in 1..3 {
            let bus = InProcess::new(100);
            bus.begin(&job, Stamp { epoch: Epoch(epoch), number: 1 }, (0..4).map(started).collect()).await;
            let page = bus.read(&job, kept).await;
            assert_eq!((page.first, page.events.len()), (0, 4), "it is told anew from its beginning");
            kept = page.next;
        }
    }
}
