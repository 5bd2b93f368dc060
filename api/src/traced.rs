//! The trace that a request belongs to: the caller's, by `traceparent` (W3C Trace Context), or one that begins here.

use http::{HeaderMap, Method};
use klieg_protocol::{Span, SpanKind, TraceContext, trace};
use std::time::{SystemTime, UNIX_EPOCH};

tokio::task_local! {
    /// Of the request that is being answered.
    static TRACE: TraceContext;
}

/// The span of the request that is being answered, for what it begins.
pub fn current() -> Option<TraceContext> {
    TRACE.try_with(|context| *context).ok()
}

/// A request as a span.
pub struct Traced {
    context: TraceContext,
    /// 0: the trace begins here.
    parent: u64,
    from_ms: u64,
    method: Method,
}

impl Traced {
    /// A caller's word whether a trace is kept counts; without one it is kept where spans are told at all.
    pub fn begin(headers: &HeaderMap, method: &Method, request: &str) -> Self {
        let given = headers.get(trace::TRACEPARENT).and_then(|value| value.to_str().ok()?.parse::<TraceContext>().ok());
        let (context, parent) = match given {
            Some(given) => (given.child(request), given.span),
            None => (fresh(request), 0),
        };
        Self { context, parent, from_ms: now_ms(), method: method.clone() }
    }

    /// As logs name it.
    pub fn trace(&self) -> String {
        format!("{:032x}", self.context.trace)
    }

    /// Lets what is done meanwhile know the trace.
    pub async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        TRACE.scope(self.context, work).await
    }

    /// Tells the span. What agents and monitoring ask all the time is left out.
    pub fn end(self, route: &str, request: &str, status: u16) {
        if !trace::told() || !route.starts_with("/api/") {
            return;
        }
        let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        trace::tell(Span {
            context: self.context,
            parent: self.parent,
            name: format!("{} {route}", self.method),
            kind: SpanKind::Server,
            from_ms: self.from_ms,
            to_ms: now_ms(),
            attributes: vec![
                said("http.request.method", self.method.as_str()),
                said("http.route", route),
                said("http.response.status_code", &status.to_string()),
                said("klieg.request", request),
            ],
            failure: (status >= 500).then(|| format!("it was answered with {status}")),
        });
    }
}

/// A trace of its own. The request's name is its own in this process; without the system's randomness it is all there is.
fn fresh(request: &str) -> TraceContext {
    let mut bytes = [0; 24];
    if getrandom::fill(&mut bytes).is_err() {
        bytes.copy_from_slice(&blake3::hash(request.as_bytes()).as_bytes()[..24]);
    }
    let (trace, span) = bytes.split_at(16);
    let number = |bytes: &[u8]| bytes.iter().fold(0u128, |all, byte| all << 8 | u128::from(*byte));
    let span = u64::try_from(number(span)).unwrap_or(1).max(1);
    TraceContext { trace: number(trace).max(1), span, sampled: trace::told() }
}

/// Milliseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "spans say when they were")]
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
