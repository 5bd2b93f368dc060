//! What all routes share.

use crate::{
    access::now,
    body::{self, Bodies},
    glance::Glance,
    limits::Limits,
    metrics::requests::Requests,
    oidc::Oidc,
    people::People,
    problem::Trouble,
    rates::Rates,
    stand::Stand,
    statuses::Statuses,
    uploads::Uploads,
};
use axum::{
    body::Body,
    extract::{FromRequest, MatchedPath},
    response::Response,
};
use http::{HeaderValue, Request, StatusCode, header};
use klieg_accounts::Accounts;
use klieg_assets::Assets;
use klieg_kind::Kind;
use klieg_ledger::Ledger;
use klieg_nodes::remote::Link;
use klieg_protocol::Class;
use klieg_review::Reviews;
use klieg_webhooks::Webhooks;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
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
    /// Once they can be reached.
    pub accounts: OnceLock<Accounts>,
    pub webhooks: OnceLock<Webhooks>,
    pub assets: OnceLock<Assets>,
    pub uploads: Uploads,
    pub reviews: OnceLock<Reviews>,
    pub ledger: OnceLock<Ledger>,
    pub people: People,
    pub oidc: Option<Oidc>,
    /// One job at a time is held against a project's quotas.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// Of this process, for the names of its requests.
    pub incarnation: String,
    pub kinds: Vec<Arc<dyn Kind>>,
    pub build: String,
    /// Of a slot-hour.
    pub price: f64,
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
    pub sockets: Gate,
    /// What all sockets see of the farm.
    pub glance: Glance,
    pub statuses: Statuses,
    /// One partial cut is joined at a time.
    pub cuts: tokio::sync::Mutex<()>,
    pub bodies: Bodies,
    pub rates: Rates,
    /// Of wrong passwords that are noted, and of accounts that people make for themselves.
    pub misses: Rates,
    pub newcomers: Rates,
    pub counts: Counts,
    /// By route.
    pub answered: Requests,
    /// The farm's.
    pub folder: PathBuf,
    /// When this server began, in seconds since 1970.
    pub started_at: i64,
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
    most: usize,
    semaphore: Arc<Semaphore>,
}

impl Gate {
    fn new(what: &'static str, most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { what, most, semaphore: Arc::new(Semaphore::new(most)) }
    }

    /// How many are in.
    pub fn used(&self) -> usize {
        self.most.saturating_sub(self.semaphore.available_permits())
    }

    /// How many may be.
    pub fn most(&self) -> usize {
        self.most
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

/// How often, and how long apart, a server that has just started looks for its ledger.
const LEDGER_LOOKS_MAX: u32 = 250;
const LEDGER_LOOK: std::time::Duration = std::time::Duration::from_millis(20);

/// What an app is made of.
pub struct Parts {
    /// The farm's, on this machine.
    pub folder: PathBuf,
    pub peers: Link,
    pub stand: watch::Receiver<Stand>,
    pub token: String,
    pub incarnation: String,
    pub kinds: Vec<Arc<dyn Kind>>,
    pub build: String,
    pub price: f64,
    pub direct: bool,
    pub device: Option<Class>,
    pub limits: Limits,
    pub people: People,
    pub oidc: Option<Oidc>,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        let Parts { folder, peers, stand, token, incarnation, kinds, build, price, direct, device, limits, people, oidc } = parts;
        Self(Arc::new(Inner {
            peers,
            stand,
            token: blake3::hash(token.as_bytes()),
            accounts: OnceLock::new(),
            webhooks: OnceLock::new(),
            assets: OnceLock::new(),
            reviews: OnceLock::new(),
            uploads: Uploads::new(folder.join("uploads")),
            sockets: Gate::new("WebSockets at a time (sockets_max)", limits.sockets_max),
            glance: Glance::default(),
            ledger: OnceLock::new(),
            people,
            oidc,
            turn: Arc::default(),
            incarnation,
            kinds,
            build,
            price,
            direct,
            device,
            requests: Gate::new("requests at a time (requests_max)", limits.requests_max),
            transfers: Gate::new("transfers of artifacts at a time (transfers_max)", limits.transfers_max),
            plans: Gate::new("jobs in planning (plans_max)", limits.plans_max),
            plans_waiting: Gate::new("jobs that wait to be planned (plans_waiting_max)", limits.plans_waiting_max),
            watchers: Gate::new("watchers of jobs (watchers_max)", limits.watchers_max),
            statuses: Statuses::default(),
            cuts: tokio::sync::Mutex::default(),
            bodies: Bodies::new(&limits),
            rates: Rates::default(),
            misses: Rates::default(),
            newcomers: Rates::default(),
            limits,
            counts: Counts::default(),
            answered: Requests::default(),
            folder,
            started_at: now(),
        }))
    }

    /// The accounts, or that they cannot be reached yet.
    pub fn accounts(&self) -> Result<&Accounts, Trouble> {
        self.accounts.get().ok_or_else(|| {
            let detail = "the accounts cannot be reached yet; the farm's own token works meanwhile";
            Trouble::later(StatusCode::SERVICE_UNAVAILABLE, detail, std::time::Duration::from_secs(1))
        })
    }

    /// The webhooks, or that they cannot be reached yet.
    pub fn webhooks(&self) -> Result<&Webhooks, Trouble> {
        self.webhooks.get().ok_or_else(|| {
            Trouble::later(StatusCode::SERVICE_UNAVAILABLE, "the webhooks cannot be reached yet", std::time::Duration::from_secs(1))
        })
    }

    /// The assets' records, or that they cannot be reached yet.
    pub fn assets(&self) -> Result<&Assets, Trouble> {
        self.assets.get().ok_or_else(|| {
            Trouble::later(StatusCode::SERVICE_UNAVAILABLE, "the assets cannot be reached yet", std::time::Duration::from_secs(1))
        })
    }

    /// What moderation held back, or that it cannot be reached yet.
    pub fn reviews(&self) -> Result<&Reviews, Trouble> {
        self.reviews.get().ok_or_else(|| {
            Trouble::later(StatusCode::SERVICE_UNAVAILABLE, "the reviews cannot be reached yet", std::time::Duration::from_secs(1))
        })
    }

    /// What is remembered of requests and quotas. A server that has just started is waited for a moment.
    pub async fn ledger(&self) -> Result<&Ledger, Trouble> {
        for _ in 0..LEDGER_LOOKS_MAX {
            if let Some(ledger) = self.ledger.get() {
                return Ok(ledger);
            }
            tokio::time::sleep(LEDGER_LOOK).await;
        }
        let detail = "what projects may have cannot be looked up yet: the accounts' database cannot be reached";
        Err(Trouble::later(StatusCode::SERVICE_UNAVAILABLE, detail, std::time::Duration::from_secs(1)))
    }

    /// The kind of that name.
    pub fn kind(&self, name: &str) -> Result<Arc<dyn Kind>, Trouble> {
        self.kinds.iter().find(|kind| kind.name() == name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
            let detail = format!("there is no job kind {name:?} here; there is {}", known.join(", "));
            Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).coded("no-such-kind")
        })
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
        let media = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default().to_lowercase());
        // Programs that say nothing mean JSON; what says that it is something else is not read as that.
        if media.is_some_and(|media| {
            !media.split(';').next().is_some_and(|media| media.trim() == "application/json" || media.trim().ends_with("+json"))
        }) {
            return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this route takes JSON (Content-Type: application/json)"));
        }
        // The route's own, which nesting has not shortened.
        let path = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
        let bytes = body::read(app, request).await?;
        body::sparse(&bytes, &path, &app.limits)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            // JSON that means something else, and what is no JSON at all.
            let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
            Trouble::new(status, format!("the body is not what this route takes: {error}"))
        })
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
