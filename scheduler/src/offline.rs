//! What other processes may do with a folder whose farm may or may not be active: look, and ask to cancel.

use crate::{
    farm::{Farm, FarmError, FarmOptions, JobRecord, Layout, TaskRecord, task_records},
    lock::Lock,
    recover::{self, Left},
    service::now,
    state::{Node, State},
    store::{Batch, Sqlite, Store},
    why,
};
use klieg_protocol::{JobId, JobSpec};
use std::path::Path;

async fn open(folder: &Path) -> Result<Option<Sqlite>, FarmError> {
    let file = Layout(folder).store();
    if !file.exists() {
        return Ok(None);
    }
    Ok(Some(Sqlite::open(&file).await?))
}

async fn open_for(folder: &Path, job: &JobId) -> Result<Sqlite, FarmError> {
    open(folder).await?.ok_or_else(|| FarmError::NoSuchJob(job.clone()))
}

/// All jobs, oldest first. None when there has never been a farm in that folder.
pub async fn jobs(folder: &Path) -> Result<Vec<JobRecord>, FarmError> {
    let Some(store) = open(folder).await? else { return Ok(Vec::new()) };
    let jobs = store.list().await?;
    store.close().await;
    Ok(jobs.into_iter().map(JobRecord::from).collect())
}

/// What was submitted, to submit it again.
pub async fn spec(folder: &Path, job: &JobId) -> Result<JobSpec, FarmError> {
    let store = open_for(folder, job).await?;
    let found = store.job(job).await?;
    store.close().await;
    found.map(|found| found.spec).ok_or_else(|| FarmError::NoSuchJob(job.clone()))
}

/// A job's tasks in the order of its plan.
pub async fn tasks(folder: &Path, job: &JobId) -> Result<Vec<TaskRecord>, FarmError> {
    let store = open_for(folder, job).await?;
    let found = store.job(job).await?;
    store.close().await;
    found.map(|found| task_records(&found)).ok_or_else(|| FarmError::NoSuchJob(job.clone()))
}

/// Why a job, or one of its tasks, stands where it does: a sentence each.
pub async fn why(folder: &Path, job: &JobId, task: Option<&str>) -> Result<Vec<String>, FarmError> {
    let store = open_for(folder, job).await?;
    let found = store.job(job).await?.ok_or_else(|| FarmError::NoSuchJob(job.clone()))?;
    let active = Lock::held(folder)?;
    let mut state = State::default();
    if active {
        for offer in store.nodes().await? {
            state.nodes.insert(offer.node.clone(), Node { heard: true, ..Node::new(offer, 0, 0) });
        }
    }
    for other in store.unfinished().await? {
        let id = other.id.clone();
        recover::restore(&mut state, other, &|_| true, Left { running: active }, now(), &mut Batch::default());
        if let Some(other) = state.jobs.get_mut(&id) {
            other.parked = !active;
        }
    }
    store.close().await;
    state.jobs.entry(job.clone()).or_insert(found);
    Ok(why::why(&state, job, task, now()))
}

/// Asks to cancel a job. An active farm honours it within half a second; without one it is honoured here.
pub async fn request_cancel(folder: &Path, job: &JobId) -> Result<(), FarmError> {
    let store = open_for(folder, job).await?;
    let found = store.job(job).await?;
    if found.is_some() {
        store.ask_cancel(job, now()).await?;
    }
    store.close().await;
    if found.is_none() {
        return Err(FarmError::NoSuchJob(job.clone()));
    }
    match Farm::open(FarmOptions { folder: folder.into(), ..FarmOptions::default() }).await {
        Ok(farm) => {
            let done = farm.cancel(job).await;
            farm.close().await;
            done
        }
        Err(FarmError::Busy { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
