//! The API as those who submit jobs see it: what `klieg render --server` does with a farm far away.

mod assets;

pub use assets::NewAsset;

use crate::front::views;
use http::Method;
use klieg_nodes::remote::{Ask, Backoff, Cache, Lines, Link, LinkError, LinkOptions, TransferError, download, read, upload};
use klieg_protocol::{Digest, Event, JobId, JobState, TaskName, wire::Backlog, wire::Submission};
use klieg_scheduler::TaskRecord;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// A farm behind its API. Every call is tried again while no server answers.
#[derive(Clone)]
pub struct Client {
    link: Arc<Link>,
    cache: Cache,
}

#[derive(Deserialize)]
struct Accepted {
    id: JobId,
}

impl Client {
    /// Checks the options. Artifacts that are fetched are kept in `cache`.
    pub fn new(options: &LinkOptions, cache: Cache) -> Result<Self, LinkError> {
        Ok(Self { link: Arc::new(Link::new(options)?), cache })
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, ask: &Ask) -> Result<T, LinkError> {
        read(self.link.insist(ask).await?).await
    }

    /// Uploads bytes, unless the farm has them.
    pub async fn put(&self, bytes: &[u8]) -> Result<Digest, TransferError> {
        let (digest, path) = (Digest::of(bytes), self.cache.temporary());
        let at = |source| TransferError::Io { path: path.clone(), source };
        tokio::fs::write(&path, bytes).await.map_err(at)?;
        let uploaded = upload(&self.link, digest, &path, bytes.len() as u64).await;
        // The cache empties its temporaries when it is opened.
        let _ = tokio::fs::remove_file(&path).await;
        uploaded?;
        Ok(digest)
    }

    /// Submits a job whose inputs are there. It survives any crash when this is done; doing it again gives the same job while it is
    /// unfinished.
    pub async fn submit(&self, job: &Submission) -> Result<JobId, LinkError> {
        self.ask::<Accepted>(&Ask::post("/api/v1/jobs", job)).await.map(|accepted| accepted.id)
    }

    /// What a route of `/api/v1` gives.
    pub async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, LinkError> {
        self.ask(&Ask::new(Method::GET, format!("/api/v1{path}"))).await
    }

    /// The bytes that a route of `/api/v1` gives, up to `most` of them.
    pub async fn bytes(&self, path: &str, most: usize) -> Result<bytes::Bytes, LinkError> {
        let answer = self.link.insist(&Ask::new(Method::GET, format!("/api/v1{path}"))).await?;
        let garbled = |what: String| LinkError::Garbled { at: "its server".into(), what };
        let whole = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), most).await;
        whole.map_err(|error| garbled(format!("its answer broke off or has more than {most} bytes: {error}")))
    }

    /// Asks a route of `/api/v1` to do something.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Option<serde_json::Value>, LinkError> {
        let path = format!("/api/v1{path}");
        let ask = match body {
            Some(body) => Ask { method, ..Ask::post(&path, body) },
            None => Ask::new(method, path),
        };
        let answer = self.link.insist(&ask).await?;
        // Some say all with their status.
        let silent = answer.headers().get(http::header::CONTENT_LENGTH).is_some_and(|length| length == "0");
        if silent || answer.status() == http::StatusCode::NO_CONTENT { Ok(None) } else { read(answer).await.map(Some) }
    }

    /// All jobs, newest first.
    pub async fn jobs(&self) -> Result<Vec<views::Job>, LinkError> {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let page: views::Jobs = self.get(&format!("/jobs?limit=200{cursor}")).await?;
            all.extend(page.jobs);
            let Some(next) = page.next else { return Ok(all) };
            cursor = format!("&cursor={next}");
        }
    }

    /// One job.
    pub async fn job(&self, job: &JobId) -> Result<views::Job, LinkError> {
        self.get(&format!("/jobs/{}", job.0)).await
    }

    /// A job's tasks in the order of its plan.
    pub async fn tasks(&self, job: &JobId) -> Result<Vec<TaskRecord>, LinkError> {
        let tasks: Vec<views::Task> = self.get(&format!("/jobs/{}/tasks", job.0)).await?;
        Ok(tasks.into_iter().map(TaskRecord::from).collect())
    }

    /// What the farm has to do and who is there to do it.
    pub async fn backlog(&self) -> Result<Backlog, LinkError> {
        self.ask(&Ask::new(Method::GET, "/v1/backlog")).await
    }

    /// Cancels a job.
    pub async fn cancel(&self, job: &JobId) -> Result<(), LinkError> {
        self.link.insist(&Ask::new(Method::POST, format!("/api/v1/jobs/{}/cancel", job.0))).await.map(drop)
    }

    /// A local file with an artifact's bytes, digest checked.
    pub async fn file(&self, digest: Digest) -> Result<PathBuf, TransferError> {
        match self.cache.get(digest) {
            Some(path) => Ok(path),
            None => download(&self.link, &self.cache, digest).await,
        }
    }

    /// The job's events, each once, over any number of servers.
    pub fn watch(&self, job: &JobId) -> Watch {
        Watch { client: self.clone(), job: job.clone(), lines: None, told: Told::default(), backoff: Backoff::default() }
    }
}

/// A job's events, in order.
pub struct Watch {
    client: Client,
    job: JobId,
    lines: Option<Lines>,
    told: Told,
    backoff: Backoff,
}

impl Watch {
    /// The next event; `None` after the job's end. Waits while no server answers.
    pub async fn next(&mut self) -> Result<Option<Event>, LinkError> {
        loop {
            if self.told.ended {
                return Ok(None);
            }
            let Some(lines) = &mut self.lines else {
                let mut ask = Ask::new(Method::GET, format!("/api/v1/jobs/{}/events", self.job.0));
                ask.headers.insert(http::header::ACCEPT, http::HeaderValue::from_static(klieg_protocol::wire::LINES));
                self.lines = Some(Lines::of(self.client.link.insist(&ask).await?));
                continue;
            };
            let Ok(Some(line)) = lines.next().await else {
                self.lines = None;
                self.backoff.wait(Duration::ZERO).await;
                continue;
            };
            self.backoff.reset();
            match serde_json::from_slice(&line) {
                Ok(event) if self.told.news(&event) => return Ok(Some(event)),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the farm tells what this klieg does not understand"),
            }
        }
    }
}

/// What has been told, because a new leader tells a job's story from its beginning.
#[derive(Default)]
struct Told {
    tasks: BTreeMap<TaskName, Task>,
    ended: bool,
}

#[derive(Default)]
struct Task {
    added: bool,
    started: u32,
    failures: BTreeSet<u32>,
    succeeded: bool,
    fraction: f32,
}

impl Told {
    /// Whether the event has not been told before; notes that it is told now.
    fn news(&mut self, event: &Event) -> bool {
        match event {
            Event::TaskAdded { task, .. } => !std::mem::replace(&mut self.task(task).added, true),
            Event::TaskStarted { task, attempt, .. } => {
                let task = self.task(task);
                let news = *attempt > task.started;
                (task.started, task.fraction) = (task.started.max(*attempt), if news { 0.0 } else { task.fraction });
                news
            }
            Event::TaskProgress { task, progress } => {
                let task = self.task(task);
                let news = progress.fraction >= task.fraction && !task.succeeded;
                task.fraction = task.fraction.max(progress.fraction);
                news
            }
            Event::TaskFailed { task, .. } => {
                let task = self.task(task);
                task.failures.insert(task.started)
            }
            Event::TaskSucceeded { task, .. } => !std::mem::replace(&mut self.task(task).succeeded, true),
            Event::JobEnded { state, .. } => {
                let end = matches!(state, JobState::Succeeded | JobState::Failed | JobState::Cancelled);
                end && !std::mem::replace(&mut self.ended, true)
            }
        }
    }

    fn task(&mut self, name: &TaskName) -> &mut Task {
        self.tasks.entry(name.clone()).or_default()
    }
}
