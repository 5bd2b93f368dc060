//! What a render needs of a farm, whether it is in this process or behind a server.

use crate::cli::{Stop, farm_stop, link_stop};
use klieg_api::client::{self, Client};
use klieg_nodes::remote::TransferError;
use klieg_protocol::{Digest, Event, JobId};
use klieg_scheduler::{Farm, TaskRecord};
use std::path::PathBuf;

/// A farm that has taken a job.
pub trait House {
    /// The job's tasks in the order of its plan.
    async fn tasks(&self, job: &JobId) -> Result<Vec<TaskRecord>, Stop>;
    /// A local file with an artifact's bytes, to be read only.
    async fn file(&self, digest: Digest) -> Result<PathBuf, Stop>;
    /// An artifact's bytes, checked against the digest.
    async fn bytes(&self, digest: Digest) -> Result<Vec<u8>, Stop>;
}

/// A job's events, in order.
pub trait Events {
    /// `None` when no more will come.
    async fn next(&mut self) -> Result<Option<Event>, Stop>;
}

impl House for Farm {
    async fn tasks(&self, job: &JobId) -> Result<Vec<TaskRecord>, Stop> {
        self.task_records(job).await.map_err(|e| farm_stop(&e))
    }
    async fn file(&self, digest: Digest) -> Result<PathBuf, Stop> {
        self.blob_file(&digest).await.map_err(|e| farm_stop(&e))
    }
    async fn bytes(&self, digest: Digest) -> Result<Vec<u8>, Stop> {
        self.blob(&digest).await.map_err(|e| farm_stop(&e))
    }
}

impl Events for klieg_scheduler::Watch {
    async fn next(&mut self) -> Result<Option<Event>, Stop> {
        match (self.next().await, self.fate()) {
            (None, Some(fate)) => Err(Stop::failed(fate)),
            (event, _) => Ok(event),
        }
    }
}

impl House for Client {
    async fn tasks(&self, job: &JobId) -> Result<Vec<TaskRecord>, Stop> {
        self.tasks(job).await.map_err(|e| link_stop(&e))
    }
    async fn file(&self, digest: Digest) -> Result<PathBuf, Stop> {
        self.file(digest).await.map_err(|e| transfer_stop(&e))
    }
    async fn bytes(&self, digest: Digest) -> Result<Vec<u8>, Stop> {
        let path = self.file(digest).await.map_err(|e| transfer_stop(&e))?;
        let bytes = std::fs::read(&path).map_err(|e| Stop::failed(format!("read {}: {e}", path.display())))?;
        if Digest::of(&bytes) != digest {
            return Err(Stop::failed(format!("read {}: its bytes are damaged; delete it and run the same again", path.display())));
        }
        Ok(bytes)
    }
}

impl Events for client::Watch {
    async fn next(&mut self) -> Result<Option<Event>, Stop> {
        self.next().await.map_err(|e| link_stop(&e))
    }
}

/// What to tell about an artifact that could not be moved.
pub fn transfer_stop(error: &TransferError) -> Stop {
    match error {
        TransferError::Link(error) => link_stop(error),
        other => Stop::failed(format!("failed to {other}")),
    }
}
