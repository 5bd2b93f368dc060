use super::{Bus, Page};
use klieg_protocol::{Event, JobId};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Logs in memory. Past the bound, the oldest events of a job are dropped.
pub struct InProcess {
    logs: Mutex<Logs>,
    /// Counts changes.
    changed: watch::Sender<u64>,
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
}

impl InProcess {
    /// Keeps at most `bound` events of a job.
    pub fn new(bound: usize) -> Self {
        Self { logs: Mutex::default(), changed: watch::channel(0).0, bound: bound.max(1) }
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self, job: &JobId, index: u64) -> Option<Page> {
        let logs = self.logs();
        let closed = logs.closed;
        let Some(log) = logs.jobs.get(job) else {
            return closed.then(|| Page { first: index, events: Vec::new(), ended: true });
        };
        let first = index.max(log.first);
        let skip = usize::try_from(first - log.first).unwrap_or(usize::MAX);
        let events: Vec<Event> = log.events.iter().skip(skip).cloned().collect();
        let ended = log.ended || closed;
        (ended || !events.is_empty()).then_some(Page { first, events, ended })
    }
}

impl Bus for InProcess {
    async fn publish(&self, job: &JobId, events: Vec<Event>) {
        {
            let mut logs = self.logs();
            let log = logs.jobs.entry(job.clone()).or_default();
            for event in events {
                if log.ended {
                    break;
                }
                log.ended = matches!(event, Event::JobEnded { .. });
                log.events.push_back(event);
                if log.events.len() > self.bound {
                    log.events.pop_front();
                    log.first += 1;
                }
            }
        }
        self.changed.send_modify(|n| *n += 1);
    }

    async fn read(&self, job: &JobId, index: u64) -> Page {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(page) = self.page(job, index) {
                return page;
            }
            // The sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }

    async fn knows(&self, job: &JobId) -> bool {
        self.logs().jobs.contains_key(job)
    }

    async fn close(&self) {
        self.logs().closed = true;
        self.changed.send_modify(|n| *n += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::conformance;
    use std::sync::Arc;

    #[tokio::test]
    async fn it_conforms() {
        conformance::check(Arc::new(InProcess::new(100))).await;
    }

    #[tokio::test]
    async fn it_keeps_its_bound_and_says_what_is_missing() {
        let (bus, job) = (InProcess::new(3), JobId("j".into()));
        let started = |attempt| Event::TaskStarted { task: "t".into(), attempt, worker: 0 };
        bus.publish(&job, (0..10).map(started).collect()).await;
        let page = bus.read(&job, 2).await;
        assert_eq!((page.first, page.events), (7, vec![started(7), started(8), started(9)]));
    }
}
