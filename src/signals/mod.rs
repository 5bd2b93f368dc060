//! What the program tells of its work to those who run it: its log, and spans of traces. Figures are the API's (`/metrics`).

mod json;
mod otlp;
mod redact;

pub use redact::{hide, hide_password};

use crate::cli::Stop;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How a log's lines look.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line: time, level, target, message, the request's id and its trace, and what else is known.
    Json,
}

/// Flags of the verbs that run for long.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct LogArgs {
    /// How the log on standard error looks; KLIEG_LOG says what stands in it (`info`, `klieg_nodes=debug`).
    #[arg(long, value_enum, value_name = "FORMAT", env = "KLIEG_LOG_FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// As long as it lives, spans go out; what waits is sent when it is dropped.
pub struct Signals {
    spans: Option<otlp::Spans>,
}

/// Lets the program log to standard error and, where `OTEL_EXPORTER_OTLP_ENDPOINT` says so, tell its spans. `role`: `serve`, `node`.
pub fn begin(quiet: bool, args: LogArgs, role: &'static str) -> Result<Signals, Stop> {
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        let _ = std::env::var(name).map(|secret| hide(&secret));
    }
    let usual = if quiet { "warn" } else { "info" };
    let filter = std::env::var("KLIEG_LOG").unwrap_or_else(|_| usual.into());
    let filter = EnvFilter::try_new(&filter).map_err(|e| Stop::bad(format!("KLIEG_LOG={filter}: {e}")))?;
    let log = tracing_subscriber::registry().with(filter);
    let _ = match args.log_format {
        LogFormat::Json => log.with(json::Lines::new(redact::stderr)).try_init(),
        LogFormat::Text => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            log.with(fmt::layer().with_writer(redact::stderr).with_ansi(terminal)).try_init()
        }
    };
    let spans = otlp::begin(role).map_err(|e| Stop::bad(format!("failed to {e}")))?;
    Ok(Signals { spans })
}

impl Drop for Signals {
    fn drop(&mut self) {
        if let Some(spans) = self.spans.take() {
            spans.end();
        }
    }
}
