//! HTTP to others than the farm's servers, with the same client and the same trust.

use super::{
    link::{Body, LinkError, client, deepest},
    tls,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use std::{path::Path, time::Duration};

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A client that knows no farm and no token. Needs a Tokio runtime.
#[derive(Clone, Debug)]
pub struct Plain(Client<HttpsConnector<HttpConnector>, Body>);

impl Plain {
    /// Trusts the system's certificates and those in `ca`.
    pub fn new(ca: Option<&Path>) -> Result<Self, LinkError> {
        Ok(Self(client(tls::client(ca)?)))
    }

    /// Sends a request and reads the answer, whatever its status is.
    pub async fn send(&self, request: Request<Bytes>, limit: Duration) -> Result<Response<Bytes>, LinkError> {
        let at = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let away = |what: String| LinkError::Away { at: at.clone(), what };
        let sent = async {
            let request = request.map(|bytes| Full::new(bytes).map_err(|never| match never {}).boxed_unsync());
            let answer = self.0.request(request).await.map_err(|error| away(deepest(&error)))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| away(error.to_string()))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let slow = |_| away(format!("no answer for {} s", limit.as_secs()));
        tokio::time::timeout(limit, sent).await.map_err(slow)?
    }
}
