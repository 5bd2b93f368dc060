//! What many ask for again and again: where a job stands, as it was said a moment ago.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How old an answer may be: a fraction of what people notice.
const FRESH: Duration = Duration::from_millis(200);
/// Answers that are kept.
const KEPT_MAX: usize = 4_096;

/// An answer, ready to go.
#[derive(Clone)]
pub struct Said(Bytes);

impl From<Said> for Response {
    fn from(said: Said) -> Self {
        let mut response = Response::new(said.0.into());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[derive(Default)]
pub struct Statuses(Mutex<BTreeMap<String, (Instant, Said)>>);

impl Statuses {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, Said)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said of a job a moment ago.
    pub fn get(&self, job: &str) -> Option<Said> {
        self.lock().get(job).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, said)| said.clone())
    }

    /// Keeps an answer for a moment.
    pub fn put(&self, job: String, status: &impl Serialize) -> Said {
        let said = Said(serde_json::to_vec(status).unwrap_or_default().into());
        let mut kept = self.lock();
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        // So many within a moment are not kept: nobody asks for them again that soon.
        if kept.len() < KEPT_MAX {
            kept.insert(job, (Instant::now(), said.clone()));
        }
        said
    }

    /// Something was done to the job.
    pub fn forget(&self, job: &str) {
        self.lock().remove(job);
    }
}
