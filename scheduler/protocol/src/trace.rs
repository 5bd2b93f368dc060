//! Where something stands in a trace (W3C Trace Context, https://www.w3.org/TR/trace-context/), and the spans that are told of it.
//!
//! The ids of a farm's spans follow from the trace and from what they are of, so that those who name a span as their parent need
//! not have seen it, and a new leader gives the same ids. Nothing is told unless a program has said where spans go (`listen`).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr, sync::OnceLock};

/// The name of the header.
pub const TRACEPARENT: &str = "traceparent";

/// A span of a trace, as others name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// Never 0.
    pub trace: u128,
    /// Never 0.
    pub span: u64,
    /// Whoever began the trace wants it to be kept.
    pub sampled: bool,
}

/// A text is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the traceparent: it is not of the form 00-TRACE-SPAN-FLAGS")]
pub struct NoTraceContext;

impl TraceContext {
    /// The span below this one that is of that name; the same name gives the same span.
    pub fn child(&self, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("klieg trace span");
        hasher.update(&self.trace.to_be_bytes()).update(&self.span.to_be_bytes()).update(name.as_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        Self { span: u64::from_be_bytes(bytes).max(1), ..*self }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl FromStr for TraceContext {
    type Err = NoTraceContext;
    fn from_str(text: &str) -> Result<Self, NoTraceContext> {
        let mut parts = text.split('-');
        let mut hex = |digits: usize| {
            let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
            parts.next().filter(|part| part.len() == digits && part.bytes().all(lower)).ok_or(NoTraceContext)
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // A later version may say more; version 00 says no more, and ff is none.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(NoTraceContext);
        }
        let number = |hex: &str| u128::from_str_radix(hex, 16).map_err(|_| NoTraceContext);
        let (trace, span) = (number(trace)?, u64::from_str_radix(span, 16).map_err(|_| NoTraceContext)?);
        if trace == 0 || span == 0 {
            return Err(NoTraceContext);
        }
        Ok(Self { trace, span, sampled: number(flags)? & 1 == 1 })
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// A request that was answered.
    Server,
    /// Something that a message elsewhere has begun.
    Consumer,
    Internal,
}

/// Something that has been done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Its own.
    pub context: TraceContext,
    /// The span above it; 0: there is none.
    pub parent: u64,
    pub name: String,
    pub kind: SpanKind,
    /// Milliseconds since the Unix epoch, by the clock of the machine that did it.
    pub from_ms: u64,
    pub to_ms: u64,
    /// Names as OpenTelemetry's semantic conventions have them, or of our own (`klieg.job`).
    pub attributes: Vec<(String, String)>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Where spans go.
pub type Listener = Box<dyn Fn(Span) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Lets this process tell its spans from now on; once. It must not wait: spans are told in the middle of work.
pub fn listen(listener: Listener) {
    let _ = LISTENER.set(listener);
}

/// Whether spans are told at all: nothing need be measured or named otherwise.
pub fn told() -> bool {
    LISTENER.get().is_some()
}

/// Tells a span, if its trace is to be kept.
pub fn tell(span: Span) {
    if let Some(listener) = LISTENER.get().filter(|_| span.context.sampled) {
        listener(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_written() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context: TraceContext = text.parse().unwrap();
        assert!(context.sampled && context.span == 0x00f0_67aa_0ba9_02b7);
        assert_eq!(context.to_string(), text);
        let json = serde_json::to_string(&context).unwrap();
        assert_eq!(serde_json::from_str::<TraceContext>(&json).unwrap(), context);
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more";
        assert!(!later.parse::<TraceContext>().unwrap().sampled);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b77-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(bad.parse::<TraceContext>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_name_gives_the_same_span_of_the_same_trace() {
        let root = TraceContext { trace: 1, span: 2, sampled: true };
        assert_eq!(root.child("a"), root.child("a"));
        assert_ne!(root.child("a"), root.child("b"));
        assert_ne!(root.child("a").child("b"), root.child("b").child("a"));
        assert_eq!((root.child("a").trace, root.child("a").sampled), (1, true));
    }
}
