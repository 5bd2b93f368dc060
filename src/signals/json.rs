//! A log of JSON objects, one a line.

use serde_json::{Map, Value};
use std::{
    fmt::Debug,
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Writes every event as a line: `time`, `level`, `target`, `message`, its fields, and those of the spans around it. Of a request's span
/// `request` is its id and `trace` the trace that it belongs to.
pub struct Lines<W>(W);

impl<W> Lines<W> {
    pub fn new(writer: W) -> Self {
        Self(writer)
    }
}

/// What a span was told about itself.
struct Known(Map<String, Value>);

/// Takes fields in. What stands nearer to the event counts.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().into(), value.into());
    }
}

impl<S, W, O> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn() -> O + 'static,
    O: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        // Two kinds of id in one line would be one too many.
        if let Some(id) = fields.remove("id").filter(|_| span.name() == "request") {
            fields.insert("request".into(), id);
        }
        span.extensions_mut().insert(Known(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(Known(fields)) = span.extensions_mut().get_mut::<Known>() {
            values.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let meta = event.metadata();
        let mut line = Map::new();
        for span in context.event_scope(event).into_iter().flatten().collect::<Vec<_>>().into_iter().rev() {
            if let Some(Known(fields)) = span.extensions().get::<Known>() {
                line.extend(fields.clone());
            }
        }
        event.record(&mut Fields(&mut line));
        line.insert("time".into(), time().into());
        line.insert("level".into(), meta.level().as_str().into());
        line.insert("target".into(), meta.target().into());
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        // There is nobody to tell that the log cannot be written.
        let _ = (self.0)().write_all(text.as_bytes());
    }
}

/// Now, as RFC 3339 has it.
#[expect(clippy::disallowed_methods, reason = "a log says when it was")]
fn time() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
    let at = chrono::DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_what_the_event_and_its_request_say() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::registry().with(Lines::new(move || writer.clone()));
        tracing::subscriber::with_default(log, || {
            let span = tracing::info_span!("request", id = "ab-1", trace = "cd", count = 3);
            span.in_scope(|| tracing::warn!(error = %"gone \"away\"", count = 4, whole = true, "a\nline"));
            tracing::info!("alone");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let one = &lines[0];
        assert_eq!(lines.len(), 2);
        assert_eq!((&one["level"], &one["message"], &one["request"]), (&"WARN".into(), &"a\nline".into(), &"ab-1".into()));
        assert_eq!((&one["trace"], &one["error"], &one["count"]), (&"cd".into(), &"gone \"away\"".into(), &4.into()));
        assert!(one["whole"] == true && one["target"].as_str().unwrap().contains("json"));
        let time = one["time"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'), "{time}");
        assert!(lines[1].get("request").is_none());
    }
}
