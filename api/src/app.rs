//! What all routes share.

use crate::{limits::Limits, problem::Trouble, stand::Stand};
use axum::{body::Body, extract::FromRequest, response::Response};
use http::{HeaderValue, Request, StatusCode, header};
use klieg_kind::Kind;
use klieg_nodes::remote::Link;
use klieg_protocol::Class;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Handle on what all routes share.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    /// The way to the farm's other servers.
    pub peers: Link,
    pub stand: watch::Receiver<Stand>,
    /// Hashed, so that comparing takes the same time whatever is compared.
    pub token: blake3::Hash,
    pub kinds: Vec<Arc<dyn Kind>>,
    pub build: String,
    /// Artifacts that have URLs of their own are fetched there.
    pub direct: bool,
    /// What jobs are made on that name no class of device.
    pub device: Option<Class>,
    pub limits: Limits,
    pub requests: Gate,
    pub transfers: Gate,
    pub plans: Gate,
    pub plans_waiting: Gate,
    pub watchers: Gate,
    pub counts: Counts,
}

/// For `/metrics`.
#[derive(Default)]
pub struct Counts {
    pub requests: AtomicU64,
    pub refused: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
}

impl Counts {
    pub fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

/// So many at a time.
pub struct Gate {
    what: &'static str,
    semaphore: Arc<Semaphore>,
}

impl Gate {
    fn new(what: &'static str, most: usize) -> Self {
        Self { what, semaphore: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))) }
    }

    /// In, or refused.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        Arc::clone(&self.semaphore).try_acquire_owned().map_err(|_| Trouble::full(self.what))
    }

    /// In, after waiting.
    pub async fn wait(&self) -> Result<OwnedSemaphorePermit, Trouble> {
        Arc::clone(&self.semaphore).acquire_owned().await.map_err(|_| Trouble::full(self.what))
    }
}

impl App {
    #[expect(clippy::too_many_arguments, reason = "a server's parts, each of another type")]
    pub fn new(
        peers: Link,
        stand: watch::Receiver<Stand>,
        token: &str,
        kinds: Vec<Arc<dyn Kind>>,
        build: String,
        direct: bool,
        device: Option<Class>,
        limits: Limits,
    ) -> Self {
        Self(Arc::new(Inner {
            peers,
            stand,
            token: blake3::hash(token.as_bytes()),
            kinds,
            build,
            direct,
            device,
            requests: Gate::new("requests at a time (requests_max)", limits.requests_max),
            transfers: Gate::new("transfers of artifacts at a time (transfers_max)", limits.transfers_max),
            plans: Gate::new("jobs in planning (plans_max)", limits.plans_max),
            plans_waiting: Gate::new("jobs that wait to be planned (plans_waiting_max)", limits.plans_waiting_max),
            watchers: Gate::new("watchers of jobs (watchers_max)", limits.watchers_max),
            limits,
            counts: Counts::default(),
        }))
    }
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A JSON body, its length bounded.
pub struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Trouble;
    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Trouble> {
        let most = app.limits.json_bytes_max;
        let body = tokio::time::timeout(app.limits.body_read_max, axum::body::to_bytes(request.into_body(), most)).await;
        let slow = |_| {
            let limit = app.limits.body_read_max.as_secs();
            Trouble::new(StatusCode::REQUEST_TIMEOUT, format!("the body has not come within {limit} s (body_read_max)"))
        };
        let bytes = body.map_err(slow)?.map_err(|_| {
            Trouble::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("the body broke off, or is longer than {most} bytes (json_bytes_max)"),
            )
        })?;
        let value = serde_json::from_slice(&bytes);
        value
            .map(Self)
            .map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("the body is not what this route takes: {error}")))
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
