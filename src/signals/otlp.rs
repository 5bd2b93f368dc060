//! Spans go to a collector by OTLP over HTTP, in batches and in the background; only where OpenTelemetry's own environment variables
//! (`OTEL_EXPORTER_OTLP_ENDPOINT`, `…_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`) name one.

use async_trait::async_trait;
use klieg_nodes::remote::{LinkError, Plain};
use klieg_protocol::{Span, SpanKind, trace};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags,
    trace::{SpanContext, SpanKind as Kind, Status, TraceState},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor},
};
use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::runtime::{self, Runtime};

/// The variables of which one must be set.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
/// PEM certificates by which the collector is trusted besides the system's.
const CERTIFICATE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
/// How long one batch may take.
const SEND_MAX: Duration = Duration::from_secs(10);
/// How long the last batch may hold the program's end up.
const END_MAX: Duration = Duration::from_secs(3);

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    #[error("send traces where OTEL_EXPORTER_OTLP_ENDPOINT says: {0}")]
    Exporter(#[from] ExporterBuildError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("send traces: {0}")]
    Runtime(#[from] io::Error),
}

/// The way to a collector.
pub struct Spans(Arc<BatchSpanProcessor>);

fn first(names: [&str; 2]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
}

/// Lets spans go out, if somebody wants them.
pub fn begin(role: &'static str) -> Result<Option<Spans>, OtlpError> {
    if first(ENDPOINTS).is_none() {
        return Ok(None);
    }
    for header in first(HEADERS).iter().flat_map(|all| all.split(',')) {
        header.split_once('=').inspect(|(_, value)| super::hide(value));
    }
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).thread_name("otlp").enable_all().build()?;
    let post = Post { client: Plain::new(first(CERTIFICATE).map(PathBuf::from).as_deref())?, runtime };
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_http_client(post).build()?;
    let mut processor = BatchSpanProcessor::builder(exporter).build();
    processor.set_resource(&resource(role));
    let processor = Arc::new(processor);
    let scope = InstrumentationScope::builder("klieg").with_version(env!("CARGO_PKG_VERSION")).build();
    let listener = Arc::clone(&processor);
    trace::listen(Box::new(move |span| listener.on_end(data(span, scope.clone()))));
    Ok(Some(Spans(processor)))
}

impl Spans {
    /// Sends what waits.
    pub fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(END_MAX) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Who tells.
fn resource(role: &'static str) -> Resource {
    let host = klieg_nodes::discover::machine().name;
    let attributes = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("klieg.role", role),
        KeyValue::new("host.name", host),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let resource = Resource::builder().with_attributes(attributes);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.with_service_name("klieg").build(),
    }
}

fn data(span: Span, scope: InstrumentationScope) -> SpanData {
    let at = |ms: u64| -> SystemTime { UNIX_EPOCH + Duration::from_millis(ms) };
    let flags = TraceFlags::NOT_SAMPLED.with_sampled(span.context.sampled);
    let (trace, id) = (span.context.trace.into(), span.context.span.into());
    SpanData {
        span_context: SpanContext::new(trace, id, flags, false, TraceState::NONE),
        parent_span_id: SpanId::from(span.parent),
        parent_span_is_remote: !matches!(span.kind, SpanKind::Internal),
        span_kind: match span.kind {
            SpanKind::Server => Kind::Server,
            SpanKind::Consumer => Kind::Consumer,
            SpanKind::Internal => Kind::Internal,
        },
        name: span.name.into(),
        start_time: at(span.from_ms),
        end_time: at(span.to_ms.max(span.from_ms)),
        attributes: span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, value)).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.failure.map_or(Status::Unset, Status::error),
        instrumentation_scope: scope,
    }
}

/// klieg's own HTTP client. Batches are sent from a thread that knows no runtime, so the client has one of its own.
#[derive(Debug)]
struct Post {
    client: Plain,
    runtime: Runtime,
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send(request, SEND_MAX).await }).await;
        Ok(sent??)
    }
}
