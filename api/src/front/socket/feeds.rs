//! What a WebSocket is told besides the events of single jobs: how the farm stands, when that has changed.

use super::words::{EVERY, Told};
use crate::{app::App, front::views::Job, problem::Trouble};
use axum::extract::ws::Message;
use klieg_protocol::JobId;
use klieg_scheduler::{Farm, JobRecord};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How long before a message the ends lie that a client which names its id is told again: they may have been committed meanwhile.
const AGAIN_MS: u64 = 10_000;
/// Ended jobs that are told to whoever comes back.
const MISSED_MAX: usize = 1_000;

/// What is to be told, and what has been.
#[derive(Default)]
pub struct Feeds {
    pub all: bool,
    pub projects: BTreeSet<String>,
    pub nodes: bool,
    pub queues: bool,
    jobs_told: BTreeMap<String, u64>,
    /// Jobs that have ended, and may not have in the last look.
    over: BTreeSet<String>,
    nodes_told: Option<u64>,
    queues_told: Option<u64>,
}

/// What a thing looks like, in short.
fn print(of: &impl Serialize) -> u64 {
    let text = serde_json::to_vec(of).unwrap_or_default();
    let hash = blake3::hash(&text);
    u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap_or(&[0; 8]))
}

/// What a job's message is called: naming it later gives what has happened since.
fn mark() -> String {
    (u64::try_from(crate::access::now()).unwrap_or(0) * 1000).saturating_sub(AGAIN_MS).to_string()
}

impl Feeds {
    /// Whether jobs are told as they stand.
    pub fn jobs(&self) -> bool {
        self.all || !self.projects.is_empty()
    }

    fn wants(&self, project: &str) -> bool {
        self.all || self.projects.contains(project)
    }

    fn job(&mut self, job: &Job) -> Option<Message> {
        let print = print(job);
        if !self.wants(&job.project) || self.jobs_told.insert(job.id.clone(), print) == Some(print) {
            return None;
        }
        Some(Told::Job { job, id: mark() }.message())
    }

    /// What has changed since the last look.
    pub async fn look(&mut self, app: &App, farm: &Farm) -> Result<Vec<Message>, Trouble> {
        let mut news = Vec::new();
        if self.jobs() {
            let jobs = app.glance.jobs(farm).await?;
            self.over.retain(|over| jobs.iter().any(|job| job.id == *over));
            for job in jobs.iter() {
                if !self.over.contains(&job.id) {
                    news.extend(self.job(job));
                }
            }
        }
        if self.nodes {
            let nodes = app.glance.nodes(farm).await?;
            let print = Some(print(&*nodes));
            if self.nodes_told != print {
                self.nodes_told = print;
                news.push(Told::Nodes { nodes: &nodes }.message());
            }
        }
        if self.queues {
            let queues = app.glance.queues(farm).await?;
            let print = Some(print(&*queues));
            if self.queues_told != print {
                self.queues_told = print;
                news.push(Told::Queues { queues: &queues }.message());
            }
        }
        Ok(news)
    }

    /// A job that has ended, told once.
    pub async fn ended(&mut self, farm: &Farm, id: &JobId) -> Result<Vec<Message>, Trouble> {
        if !self.jobs() {
            return Ok(Vec::new());
        }
        // One that was removed at once is nobody's business any more.
        let Ok(record) = farm.job(id).await else { return Ok(Vec::new()) };
        let told = self.job(&Job::new(record, None));
        self.jobs_told.remove(&id.0);
        self.over.insert(id.0.clone());
        Ok(told.into_iter().collect())
    }

    /// What has ended since a message that somebody heard last; first of all, where that is too much, that it is.
    pub async fn missed(&mut self, farm: &Farm, since: &str) -> Result<Vec<Message>, Trouble> {
        let reset = || vec![Told::Reset { reset: EVERY }.message()];
        let Ok(since) = since.parse::<u64>() else { return Ok(reset()) };
        let wanted = |job: &JobRecord| self.wants(&job.project) && job.ended_at.is_some_and(|at| at >= since);
        let (jobs, more) = farm.page(None, MISSED_MAX, wanted).await?;
        let mut news = if more.is_some() { reset() } else { Vec::new() };
        news.extend(jobs.into_iter().rev().map(|record| Told::Job { job: &Job::new(record, None), id: mark() }.message()));
        Ok(news)
    }

    /// Told anew is what is asked for anew.
    pub fn forget(&mut self) {
        (self.nodes_told, self.queues_told) = (None, None);
        self.jobs_told.clear();
    }
}
