//! A server from its first to its last request.

use crate::{
    access,
    app::{App, Parts},
    artifacts, connections, front, health, herald, leader,
    limits::Limits,
    metrics, nodes,
    oidc::Oidc,
    people::{self, People},
    problem::Trouble,
    stand::{self, Stand},
    tls::{self, TlsListener},
    token::{self, TokenError},
    upkeep, uploads, web,
};
use axum::{Router, middleware, routing::get, serve::ListenerExt};
use http::StatusCode;
use klieg_kind::Kind;
use klieg_nodes::remote::{Link, LinkError, LinkOptions};
use klieg_protocol::Class;
use klieg_scheduler::{FarmError, FarmOptions};
use klieg_webhooks::Allow;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// How long requests have to come to their end when a server stops.
const STOP_MAX: Duration = Duration::from_secs(5);

/// How a server runs.
pub struct ServerOptions {
    pub farm: FarmOptions,
    /// Port 0: any that is free.
    pub listen: SocketAddr,
    /// Certificate chain and key, both PEM; without them HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How others reach this server; from the address that it listens on if not given.
    pub advertise: Option<String>,
    pub token: String,
    /// PEM certificates by which other servers are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Job kinds that can be submitted.
    pub kinds: Vec<Arc<dyn Kind>>,
    /// Names the code that plans jobs.
    pub build: String,
    /// Sends callers to artifacts that have URLs of their own (S3), instead of passing them through.
    pub direct: bool,
    /// The class of device for jobs that name none; if not given, the best that the farm's nodes have when a job is submitted.
    pub device: Option<Class>,
    pub limits: Limits,
    /// Where webhooks may go besides the public internet.
    pub webhooks: Allow,
    /// Who may come in, and what is kept of them.
    pub people: People,
}

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("listen on {address}: {source}; choose another address or port with --listen")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("use {} for TLS: {what}", .path.display())]
    Tls { path: PathBuf, what: String },
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Farm(#[from] FarmError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("let people log in by another provider: {0}")]
    Oidc(String),
    #[error("serve: {0}")]
    Serve(String),
}

/// A running server. Dropping it without `stop` ends it as a crash would.
pub struct Server {
    address: SocketAddr,
    url: String,
    stand: Arc<watch::Sender<Stand>>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
    leading: JoinHandle<Result<(), FarmError>>,
    people: JoinHandle<()>,
    herald: JoinHandle<()>,
    tidy: JoinHandle<()>,
    upkeep: JoinHandle<()>,
}

impl Server {
    /// Listens, and answers health checks at once; leads as soon as it can.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        token::check(&options.token, None)?;
        let tls = options.tls.as_ref().map(|(certificate, key)| tls::config(certificate, key)).transpose()?;
        let refused = |source| ServerError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = options.advertise.map_or_else(|| format!("{scheme}://{address}"), |url| url.trim_end_matches('/').to_owned());
        let stand = Arc::new(watch::Sender::new(Stand::Starting { why: "it has just started".into() }));
        // Servers often share a certificate, one of their own making too.
        let ca = options.ca.or_else(|| options.tls.as_ref().map(|(certificate, _)| certificate.clone()));
        let peers = Link::new(&LinkOptions { servers: vec![url.clone()], token: options.token.clone(), ca })?;
        let oidc = options.people.oidc.clone().map(|of| Oidc::new(of, &url)).transpose().map_err(ServerError::Oidc)?;
        let app = App::new(Parts {
            folder: options.farm.folder.clone(),
            peers,
            stand: stand.subscribe(),
            token: options.token,
            incarnation: incarnation()?,
            kinds: options.kinds,
            build: options.build,
            price: options.farm.price_per_slot_hour,
            direct: options.direct,
            device: options.device,
            limits: options.limits,
            people: options.people,
            oidc,
        });
        let people = tokio::spawn(people::open(app.clone(), options.farm.clone(), options.webhooks));
        let herald = tokio::spawn(herald::run(app.clone(), stand.subscribe()));
        let tidy = tokio::spawn(uploads::tidy(app.clone(), stand.subscribe()));
        let upkeep = tokio::spawn(upkeep::run(app.clone(), stand.subscribe()));
        let (stop, stopped) = watch::channel(false);
        let serving = match tls {
            Some(config) => tokio::spawn(connections::serve(
                TlsListener::new(listener, config).map_err(refused)?,
                app.clone(),
                router(app),
                stopped,
            )),
            None => {
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                tokio::spawn(connections::serve(listener, app.clone(), router(app), stopped))
            }
        };
        let leading = tokio::spawn({
            let (stand, url) = (Arc::clone(&stand), url.clone());
            async move { stand::lead(options.farm, url, &stand).await }
        });
        Ok(Self { address, url, stand, stop, serving, leading, people, herald, tidy, upkeep })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How others reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it stands, from now on.
    pub fn stand(&self) -> watch::Receiver<Stand> {
        self.stand.subscribe()
    }

    /// Done when it cannot go on by itself: says why.
    pub async fn failed(&mut self) -> ServerError {
        tokio::select! {
            led = &mut self.leading => match led {
                Ok(Err(error)) => error.into(),
                Ok(Ok(())) => ServerError::Serve("its scheduler has ended".into()),
                Err(error) => ServerError::Serve(error.to_string()),
            },
            served = &mut self.serving => ServerError::Serve(match served {
                Ok(Ok(())) => "it listens no more".into(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            }),
        }
    }

    /// Hands the lead over and ends. Streams end, callers find the next leader; jobs go on there.
    pub async fn stop(mut self) {
        let stood = self.stand.send_replace(Stand::Ended);
        if let Stand::Leading(farm) = stood {
            farm.close().await;
        } else {
            self.leading.abort();
        }
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(STOP_MAX, &mut self.serving).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.leading.abort();
        self.serving.abort();
        self.people.abort();
        self.herald.abort();
        self.tidy.abort();
        self.upkeep.abort();
    }
}

/// Tells this process's requests from those of others.
fn incarnation() -> Result<String, ServerError> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(TokenError::Random)?;
    Ok(format!("{:08x}", u32::from_ne_bytes(random)))
}

fn router(app: App) -> Router {
    let farm = Router::new()
        .nest("/v1/nodes", nodes::routes())
        .nest("/v1/artifacts", artifacts::routes())
        .route("/v1/farm", get(health::farm))
        .layer(middleware::from_fn_with_state(app.clone(), leader::find_farm))
        .route("/v1/backlog", get(health::backlog))
        .route("/metrics", get(metrics::metrics))
        .merge(front::routes(&app))
        .layer(middleware::from_fn_with_state(app.clone(), access::check));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/health", get(health::healthz))
        .route("/ready", get(health::ready))
        .route("/docs", front::docs(&app))
        .merge(farm)
        .merge(web::routes())
        .fallback(nothing)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(app.clone(), metrics::requests::count))
        .with_state(app)
}

async fn nothing() -> Trouble {
    Trouble::new(StatusCode::NOT_FOUND, "there is no such route")
}

async fn no_method() -> Trouble {
    Trouble::new(StatusCode::METHOD_NOT_ALLOWED, "this route does not know that method")
}
