//! What a request's body may be, and what of bodies is in memory at a time.

use crate::{access::Who, app::App, limits::Limits, problem::Trouble};
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What bodies in memory are counted in.
const KIB: usize = 1 << 10;

/// Room for the bodies that are in memory at a time.
pub struct Bodies(Arc<Semaphore>);

impl Bodies {
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Semaphore::new((limits.json_bytes_total_max / KIB).clamp(1, Semaphore::MAX_PERMITS))))
    }
}

/// Refuses what is said in two ways, of which somebody between might take the other, and what would have to be unpacked.
pub fn framed(headers: &HeaderMap) -> Result<(), Trouble> {
    let packed = |value: &http::HeaderValue| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(header::CONTENT_ENCODING).iter().any(packed) {
        let detail = "bodies are taken as they are: send it without Content-Encoding";
        return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).coded("content-encoding"));
    }
    let twice = |name| headers.get_all(name).iter().count() > 1;
    let both = headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH);
    if both || twice(header::HOST) || twice(header::AUTHORIZATION) {
        let detail = "the request says how long it is, whom it asks or who asks in two ways; send each once";
        return Err(Trouble::new(StatusCode::BAD_REQUEST, detail).coded("ambiguous-head"));
    }
    Ok(())
}

/// Refuses paths and queries with control characters in them: no name here has any, and not everything behind takes them.
pub fn plain(uri: &http::Uri) -> Result<(), Trouble> {
    let text = uri.path_and_query().map_or("", |path| path.as_str()).as_bytes();
    let control = |three: &[u8]| three[0] == b'%' && (matches!(three[1], b'0' | b'1') || three[1..].eq_ignore_ascii_case(b"7f"));
    if text.windows(3).any(control) {
        let detail = "the path or the query has a control character in it";
        return Err(Trouble::new(StatusCode::BAD_REQUEST, detail).coded("control-character"));
    }
    Ok(())
}

/// Reads a JSON body: as long as this caller's may be, in the time that it may take, while there is room for it.
pub async fn read(app: &App, request: Request<Body>) -> Result<Bytes, Trouble> {
    let limits = &app.limits;
    let (most, named) = match request.extensions().get::<Who>() {
        Some(_) => (limits.json_bytes_max, "json_bytes_max"),
        // Whom nobody knows has little to say.
        None => (limits.json_bytes_max.min(limits.stranger_json_bytes_max), "stranger_json_bytes_max"),
    };
    let long =
        || Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body broke off, or is longer than {most} bytes ({named})"));
    let body = request.into_body();
    let told = body.size_hint().upper().map_or(most, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if told > most {
        return Err(long());
    }
    let room = u32::try_from(told.div_ceil(KIB)).unwrap_or(u32::MAX);
    let full = |_| Trouble::full("JSON bodies in memory at a time (json_bytes_total_max)");
    let _room = Arc::clone(&app.bodies.0).try_acquire_many_owned(room).map_err(full)?;
    let slow = |_| {
        let limit = limits.body_read_max.as_secs();
        Trouble::new(StatusCode::REQUEST_TIMEOUT, format!("the body has not come within {limit} s (body_read_max)"))
    };
    let read = tokio::time::timeout(limits.body_read_max, axum::body::to_bytes(body, most)).await;
    read.map_err(slow)?.map_err(|_| long())
}

/// Refuses JSON of so many values that they take far more memory than their text. Agents, which are trusted, bring long lists.
pub fn sparse(text: &[u8], path: &str, limits: &Limits) -> Result<(), Trouble> {
    let most = limits.json_values_max;
    if !path.starts_with("/api/") || text.len() <= most || values(text, most) <= most {
        return Ok(());
    }
    let detail = format!("the body has more than {most} values (json_values_max); put what is long into an asset");
    Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, detail).coded("too-many-values"))
}

/// How many values a JSON text has, about: its commas and brackets outside of strings. Counts little further than to `most`.
fn values(text: &[u8], most: usize) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b',' | b'[' | b'{' if !inside => count += 1,
            _ => {}
        }
        if count > most {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn values_are_counted_outside_of_strings() {
        for (text, count) in [("1", 0), ("[]", 1), (r#"{"a,[": [1, 2], "b\"[,": 3}"#, 4), (r#""\\",["#, 2)] {
            assert_eq!(values(text.as_bytes(), 100), count, "{text}");
        }
        let limits = Limits { json_values_max: 10, ..Limits::default() };
        assert!(sparse(&b"[".repeat(11), "/api/v1/jobs", &limits).is_err());
        assert!(sparse(&b"[".repeat(11), "/v1/nodes/report", &limits).is_ok());
        assert!(sparse(&b"[".repeat(10), "/api/v1/jobs", &limits).is_ok());
    }

    #[test]
    fn heads_that_say_two_things_are_refused() {
        let with = |all: &[(header::HeaderName, &'static str)]| {
            framed(&all.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect())
        };
        assert!(with(&[(header::CONTENT_LENGTH, "3"), (header::CONTENT_ENCODING, "Identity")]).is_ok());
        assert!(with(&[(header::CONTENT_LENGTH, "3"), (header::TRANSFER_ENCODING, "chunked")]).is_err());
        assert!(with(&[(header::CONTENT_ENCODING, "gzip")]).is_err());
        assert!(with(&[(header::CONTENT_ENCODING, "identity, br")]).is_err());
    }
}
