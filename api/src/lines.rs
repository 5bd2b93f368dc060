//! Long answers: a JSON value a line, and an empty line now and then that says that the server lives.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use klieg_protocol::wire::LINES;
use serde::Serialize;
use std::{convert::Infallible, future::Future, pin::Pin, time::Duration};

/// Where lines come from. Dropping the future of `next` loses nothing.
pub trait Source: Send + 'static {
    type Line: Serialize + Send;
    /// `None` at the end.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Self::Line>> + Send + '_>>;
}

/// The answer that streams all of `source`.
pub fn answer(source: impl Source, alive_every: Duration) -> Response {
    let lines = stream::unfold(source, move |mut source| async move {
        let line = match tokio::time::timeout(alive_every, source.next()).await {
            Err(_) => Bytes::from_static(b"\n"),
            Ok(None) => return None,
            Ok(Some(line)) => {
                let mut text = serde_json::to_vec(&line).unwrap_or_default();
                text.push(b'\n');
                text.into()
            }
        };
        Some((Ok::<_, Infallible>(line), source))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(LINES));
    response
}
