//! `klieg serve`: a farm for agents and users on other machines.

use super::{Common, Stop, block_on, farm_stop, render};
use crate::{
    kinds,
    signals::{self, LogArgs},
};
use klieg_api::{Allow, Limits, People, Registration, Server, ServerError, ServerOptions, Stand, token_in};
use klieg_protocol::Class;
use klieg_scheduler::{FarmOptions, ports};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

#[derive(clap::Args)]
pub struct Args {
    /// A file with these settings, each under its name here without dashes, in the table [serve] [default: the first of
    /// ./klieg.toml, klieg/klieg.toml in the user's configuration folder, /etc/klieg/klieg.toml].
    #[arg(long, value_name = "FILE", env = "KLIEG_CONFIG")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on. Without TLS leave it on this machine, or behind something that speaks TLS.
    #[arg(long, value_name = "ADDRESS", env = "KLIEG_LISTEN", default_value = "127.0.0.1:7421")]
    listen: SocketAddr,
    /// How agents and other servers reach this one [default: from --listen].
    #[arg(long, value_name = "URL", env = "KLIEG_ADVERTISE")]
    advertise: Option<String>,
    /// Certificate chain (PEM) for HTTPS.
    #[arg(long, value_name = "FILE", env = "KLIEG_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM).
    #[arg(long, value_name = "FILE", env = "KLIEG_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Certificates (PEM) by which the farm's other servers are trusted besides the system's.
    #[arg(long, value_name = "FILE", env = "KLIEG_CA")]
    ca: Option<PathBuf>,
    /// The farm's token. It is seen by all who may list processes: rather use --token-file or the environment.
    #[arg(long, env = "KLIEG_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file with the farm's token [default: token in the farm's folder; made at the first start].
    #[arg(long, value_name = "FILE", env = "KLIEG_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Where the truth is kept: sqlite:FILE or postgres://… [default: a file in the farm's folder].
    #[arg(long, value_name = "URL", env = "KLIEG_STORE")]
    store: Option<String>,
    /// Where events go: in-process or nats://… [default: in-process].
    #[arg(long, value_name = "URL", env = "KLIEG_BUS")]
    bus: Option<String>,
    /// Where artifacts are kept: a folder or s3://bucket/prefix [default: in the farm's folder].
    #[arg(long, value_name = "URL", env = "KLIEG_BLOBS")]
    blobs: Option<String>,
    /// How artifacts in S3 reach agents: through this server, or direct by links that S3 honours for a while.
    #[arg(long, value_enum, env = "KLIEG_ARTIFACTS", default_value = "through")]
    artifacts: Artifacts,
    /// What makes the pictures of films that do not say: auto, cpu, cuda or wgpu. Each film keeps to one, because pixels differ a little.
    /// auto takes what the nodes have when the film is submitted, cuda before wgpu before cpu; name one where nodes come and go.
    #[arg(long, value_name = "CLASS", env = "KLIEG_DEVICE_CLASS", default_value = "auto", value_parser = class)]
    device: Auto,
    /// Seconds without a sign of the leader after which a standby takes over a shared store.
    #[arg(long, value_name = "SECONDS", env = "KLIEG_LEASE", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    lease: u64,
    /// Price of a slot-hour, for the cost.
    #[arg(long, default_value_t = render::PRICE_PER_SLOT_HOUR, env = "KLIEG_PRICE")]
    price: f64,
    /// A network or address (10.1.0.0/16) that webhooks may go to besides the public internet; may be given more than once.
    #[arg(long, value_name = "CIDR", env = "KLIEG_WEBHOOK_ALLOW", value_delimiter = ',')]
    webhook_allow: Vec<String>,
    /// Whether whoever comes may make a viewer's account (open), or only admins make accounts (closed).
    #[arg(long, value_enum, env = "KLIEG_REGISTRATION", default_value = "closed")]
    registration: Register,
    /// Days after which entries of the audit are thrown away.
    #[arg(long, value_name = "DAYS", env = "KLIEG_KEEP_AUDIT_DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_audit_days: u32,
    #[command(flatten)]
    oidc: super::oidc::Args,
    /// Cached results past this are thrown away, least recently used first, when a server takes the lead.
    #[arg(long, value_name = "BYTES", default_value_t = FarmOptions::default().cache_bytes_max, env = "KLIEG_CACHE_BYTES_MAX")]
    cache_bytes_max: u64,
    #[command(flatten)]
    log: LogArgs,
}

/// A class of device, or none: the farm chooses.
type Auto = Option<Class>;

fn class(text: &str) -> Result<Auto, String> {
    match text {
        "auto" => Ok(None),
        "cpu" => Ok(Some(Class::Cpu)),
        "cuda" => Ok(Some(Class::Cuda)),
        "wgpu" => Ok(Some(Class::Wgpu)),
        _ => Err("a farm's films are made on auto, cpu, cuda or wgpu".into()),
    }
}

/// Who makes accounts.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Register {
    Closed,
    Open,
}

impl Args {
    /// Who may come in, and what is kept of them.
    fn people(&self) -> Result<People, Stop> {
        let registration = match self.registration {
            Register::Closed => Registration::Closed,
            Register::Open => Registration::Open,
        };
        Ok(People { registration, keep_audit_s: i64::from(self.keep_audit_days) * 86_400, oidc: self.oidc.options()? })
    }
}

/// The way that artifacts go.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Artifacts {
    Through,
    Direct,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let _signals = signals::begin(common.quiet, args.log, "serve")?;
    for url in [&args.store, &args.bus, &args.blobs].into_iter().flatten() {
        signals::hide_password(url);
    }
    block_on(serve(common, args))?
}

async fn serve(common: &Common, args: &Args) -> Result<(), Stop> {
    let folder = common.farm_folder()?;
    std::fs::create_dir_all(&folder).map_err(|e| Stop::bad(format!("failed to use {}: {e}", folder.display())))?;
    let token_file = args.token_file.clone().unwrap_or_else(|| folder.join("token"));
    let token = match &args.token {
        Some(token) => token.trim().to_owned(),
        None => token_in(&token_file, true).map_err(|e| Stop::bad(format!("failed to {e}")))?,
    };
    signals::hide(&token);
    if args.tls_cert.is_none() && !args.listen.ip().is_loopback() {
        tracing::warn!(address = %args.listen, "others on the network can read the token and everything else: give --tls-cert and --tls-key");
    }
    let options = ServerOptions {
        farm: FarmOptions {
            folder,
            store: args.store.clone(),
            bus: args.bus.clone(),
            blobs: args.blobs.clone(),
            lease: Duration::from_secs(args.lease),
            price_per_slot_hour: args.price,
            cache_bytes_max: args.cache_bytes_max,
            resume_all: true,
            nodes_outlive: true,
            ..FarmOptions::default()
        },
        listen: args.listen,
        tls: args.tls_cert.clone().zip(args.tls_key.clone()),
        advertise: args.advertise.clone(),
        token,
        ca: args.ca.clone(),
        kinds: kinds::planned(&common.shelf()?),
        build: render::build_id()?,
        direct: args.artifacts == Artifacts::Direct,
        device: args.device,
        limits: Limits::default(),
        webhooks: allowed(&args.webhook_allow)?,
        people: args.people()?,
    };
    ports::check(&options.farm).map_err(|e| Stop::bad(format!("failed to {e}")))?;
    let mut server = Server::start(options).await.map_err(|e| server_stop(&e))?;
    say(common, &server, args.token.is_none().then_some(&token_file));
    tokio::select! {
        error = server.failed() => Err(server_stop(&error)),
        () = render::interrupted() => {
            tracing::info!("handing over and ending");
            server.stop().await;
            Ok(())
        }
    }
}

/// Where webhooks may go.
fn allowed(networks: &[String]) -> Result<Allow, Stop> {
    let mut allow = Allow::default();
    for network in networks {
        allow = allow.network(network).map_err(|e| Stop::bad(format!("--webhook-allow {network}: failed to {e}")))?;
    }
    // On networks of one's own nothing keeps to the ports of the public internet.
    Ok(if networks.is_empty() { allow } else { allow.ports(1..=u16::MAX) })
}

/// Tells where the server is and where its token lies, never the token itself.
fn say(common: &Common, server: &Server, token_file: Option<&PathBuf>) {
    if common.json {
        super::print(&format!(
            "{}\n",
            serde_json::json!({"url": server.url(), "address": server.address(), "token_file": token_file})
        ));
    } else if !common.quiet {
        let token = token_file.map(|path| format!("; the token is in {}", path.display())).unwrap_or_default();
        eprintln!("klieg listens on {}{token}", server.url());
    }
    if matches!(*server.stand().borrow(), Stand::Leading(_)) {
        tracing::debug!("it leads already");
    }
}

fn server_stop(error: &ServerError) -> Stop {
    match error {
        ServerError::Farm(error) => farm_stop(error),
        ServerError::Listen { .. }
        | ServerError::Tls { .. }
        | ServerError::Token(_)
        | ServerError::Link(_)
        | ServerError::Oidc(_) => Stop::bad(format!("failed to {error}")),
        ServerError::Serve(_) => Stop::failed(format!("failed to {error}")),
    }
}
