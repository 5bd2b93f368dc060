//! HTTP to the farm's servers: which of them answers, what it says, and whether to try again.

use super::{backoff::Backoff, tls};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use klieg_protocol::wire::{LEADER_HEADER, PROTOCOL, PROTOCOL_HEADER, Problem};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take to begin, besides what its request's body needs.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// The slowest upload that is waited for.
const UPLOAD_BYTES_PER_SECOND_MIN: u64 = 250_000;
/// How often one call is sent on from server to server.
const HOPS_MAX: u32 = 4;
/// The longest JSON answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// What to do about a token that a server does not take.
const TOKEN_REMEDY: &str = "give the one in the server's token file with --token-file or KLIEG_TOKEN";
/// The longest problem that is read; a job's missing inputs are named in it.
const PROBLEM_BYTES_MAX: usize = 16 << 20;

/// What a request's body is made of when its bytes are not at hand.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;
/// An answer whose body has not been read.
pub type Answer = Response<hyper::body::Incoming>;

/// Where a farm's servers are and how they are spoken to.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// `http://host:port` or `https://…`; tried in turn.
    pub servers: Vec<String>,
    pub token: String,
    /// PEM certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
}

/// Why a server did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("use the server {server:?}: {what}")]
    BadServer { server: String, what: String },
    #[error("use the certificates in {}: {what}", .path.display())]
    BadCa { path: PathBuf, what: String },
    /// Whether it was done is not known.
    #[error("reach the farm at {at}: {what}")]
    Away { at: String, what: String },
    /// It wants to be asked again after that.
    #[error("use the farm at {at}: {}", .problem.detail)]
    Busy { at: String, after: Duration, problem: Box<Problem> },
    #[error("use the farm at {at}: {}", .problem.detail)]
    Refused { at: String, problem: Box<Problem> },
    #[error("understand the farm at {at}: {what}")]
    Garbled { at: String, what: String },
}

impl LinkError {
    /// Whether the same may go well later without anybody doing anything.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Busy { .. } | Self::Garbled { .. })
    }

    /// Whether no request of this caller will be granted: a wrong token, another version of the protocol.
    pub fn outcast(&self) -> bool {
        matches!(self.status(), Some(401 | 403 | 426))
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Busy { problem, .. } | Self::Refused { problem, .. } => Some(problem.status),
            _ => None,
        }
    }

    /// Whether what was given is wrong: asking again cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::BadServer { .. } | Self::BadCa { .. })
    }

    /// How long to wait at least before the next try.
    pub fn after(&self) -> Duration {
        match self {
            Self::Busy { after, .. } => *after,
            _ => Duration::ZERO,
        }
    }
}

/// A request that can be sent more than once.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    /// Begins with `/`.
    pub path: String,
    pub headers: HeaderMap,
    pub load: Load,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub enum Load {
    None,
    Json(Bytes),
    File {
        path: PathBuf,
        bytes: u64,
    },
    /// What lies behind `from` in a file.
    Rest {
        path: PathBuf,
        from: u64,
        bytes: u64,
    },
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: HeaderMap::new(), load: Load::None }
    }

    /// A POST of a value.
    pub fn post(path: impl Into<String>, value: &impl Serialize) -> Self {
        // Only what serde cannot express fails, and the protocol's types are plain data; an empty body is refused as such.
        let json = serde_json::to_vec(value).unwrap_or_default();
        Self { load: Load::Json(json.into()), ..Self::new(Method::POST, path) }
    }

    async fn body(&self) -> io::Result<Body> {
        Ok(match &self.load {
            Load::None => Empty::new().map_err(|never| match never {}).boxed_unsync(),
            Load::Json(json) => Full::new(json.clone()).map_err(|never| match never {}).boxed_unsync(),
            Load::File { path, .. } => {
                let file = tokio::fs::File::open(path).await?;
                let chunks = tokio_util::io::ReaderStream::with_capacity(file, 1 << 18);
                StreamBody::new(chunks.map_ok(http_body::Frame::data)).boxed_unsync()
            }
            Load::Rest { path, from, bytes } => {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(io::SeekFrom::Start(*from)).await?;
                let chunks = tokio_util::io::ReaderStream::with_capacity(file.take(*bytes), 1 << 18);
                StreamBody::new(chunks.map_ok(http_body::Frame::data)).boxed_unsync()
            }
        })
    }

    fn answer_max(&self) -> Duration {
        match &self.load {
            Load::File { bytes, .. } | Load::Rest { bytes, .. } => {
                ANSWER_MAX + Duration::from_secs(bytes / UPLOAD_BYTES_PER_SECOND_MIN)
            }
            _ => ANSWER_MAX,
        }
    }
}

/// The way to a farm: one that leads is found among its servers and kept as long as it answers.
pub struct Link {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    servers: Vec<String>,
    token: HeaderValue,
    /// The server that answered last, or the leader that it named.
    current: Mutex<String>,
}

impl Link {
    /// Checks the options; connects to nothing yet.
    pub fn new(options: &LinkOptions) -> Result<Self, LinkError> {
        let servers: Vec<String> = options.servers.iter().map(|server| server_of(server)).collect::<Result<_, _>>()?;
        let Some(first) = servers.first().cloned() else {
            return Err(LinkError::BadServer { server: String::new(), what: "name one with --server URL".into() });
        };
        let mut token = HeaderValue::try_from(format!("Bearer {}", options.token)).map_err(|_| LinkError::BadServer {
            server: first.clone(),
            what: "the token has characters that no token has".into(),
        })?;
        token.set_sensitive(true);
        let client = client(tls::client(options.ca.as_deref())?);
        Ok(Self { client, servers, token, current: Mutex::new(first) })
    }

    fn current(&self) -> String {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, server: &str) {
        server.clone_into(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Asks the server that answered last, then each of the others, once. Follows them to their leader.
    pub async fn call(&self, ask: &Ask) -> Result<Answer, LinkError> {
        let first = self.current();
        let mut last = match self.call_at(&first, ask).await {
            Err(error) if error.retryable() => error,
            done => return done,
        };
        for server in self.servers.iter().filter(|server| **server != first) {
            match self.call_at(server, ask).await {
                Err(error) if error.retryable() => last = error,
                done => return done,
            }
        }
        Err(last)
    }

    async fn call_at(&self, server: &str, ask: &Ask) -> Result<Answer, LinkError> {
        let mut server = server.to_owned();
        for _ in 0..HOPS_MAX {
            let answer = self.send(&server, &ask.path, ask, true).await?;
            if answer.status() != StatusCode::TEMPORARY_REDIRECT {
                self.keep(&server);
                return judge(&server, answer).await;
            }
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            if let Some(leader) = header(LEADER_HEADER) {
                if server.starts_with("https://") && !leader.starts_with("https://") {
                    let what = format!("it sends on to {leader}, where the token would go unencrypted");
                    return Err(LinkError::Garbled { at: server, what });
                }
                server = server_of(&leader)?;
            } else if let Some(place) = header(header::LOCATION.as_str()) {
                self.keep(&server);
                // Bytes that lie elsewhere: the URL itself is the permission, and the token is none of that place's business.
                return judge(&place, self.send("", &place, ask, false).await?).await;
            } else {
                return Err(LinkError::Garbled { at: server, what: "it redirects to nowhere".into() });
            }
        }
        Err(LinkError::Away { at: server, what: "its servers send on to each other".into() })
    }

    async fn send(&self, server: &str, path: &str, ask: &Ask, ours: bool) -> Result<Answer, LinkError> {
        // What stands behind `?` of a link is a permission, and is not told.
        let shown = || if ours { server.to_owned() } else { path.split('?').next().unwrap_or_default().to_owned() };
        let away = |what: String| LinkError::Away { at: shown(), what };
        let body = ask.body().await.map_err(|error| away(format!("failed to read what is to be sent: {error}")))?;
        let mut request = Request::builder().method(ask.method.clone()).uri(format!("{server}{path}"));
        if let Some(headers) = request.headers_mut() {
            headers.extend(ask.headers.clone());
            if ours {
                headers.insert(header::AUTHORIZATION, self.token.clone());
                headers.insert(PROTOCOL_HEADER, PROTOCOL.into());
            }
            match &ask.load {
                Load::Json(_) => drop(headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))),
                Load::File { bytes, .. } | Load::Rest { bytes, .. } => {
                    drop(headers.insert(header::CONTENT_LENGTH, (*bytes).into()))
                }
                Load::None => {}
            }
        }
        let request = request.body(body).map_err(|error| LinkError::Garbled { at: shown(), what: error.to_string() })?;
        match tokio::time::timeout(ask.answer_max(), self.client.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(away(deepest(&error))),
            Err(_) => Err(away(format!("no answer for {} s", ask.answer_max().as_secs()))),
        }
    }

    /// As `call`, again and again until there is an answer that no repetition will change.
    pub async fn insist(&self, ask: &Ask) -> Result<Answer, LinkError> {
        let mut backoff = Backoff::default();
        loop {
            match self.call(ask).await {
                Err(error) if error.retryable() => {
                    tracing::debug!(%error, path = ask.path, "trying again");
                    backoff.wait(error.after()).await;
                }
                done => return done,
            }
        }
    }

    /// Asks one server, and whoever it sends on to, and reads the answer.
    pub async fn get_at<T: DeserializeOwned>(&self, server: &str, ask: &Ask) -> Result<T, LinkError> {
        read(self.call_at(server, ask).await?).await
    }

    /// Asks once and reads the answer.
    pub async fn get<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, LinkError> {
        read(self.call(ask).await?).await
    }
}

/// A client that keeps its connections for a while.
pub(super) fn client(config: rustls::ClientConfig) -> Client<HttpsConnector<HttpConnector>, Body> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_MAX));
    let https = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1();
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(20))
        .build(https.wrap_connector(http))
}

/// The value in an answer.
pub async fn read<T: DeserializeOwned>(answer: Answer) -> Result<T, LinkError> {
    let garbled = |what: String| LinkError::Garbled { at: "its server".into(), what };
    let body = tokio::time::timeout(ANSWER_MAX, Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect()).await;
    let body = body.map_err(|_| garbled("its answer broke off".into()))?.map_err(|error| garbled(error.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| garbled(error.to_string()))
}

/// Turns what is no success into an error.
async fn judge(at: &str, answer: Answer) -> Result<Answer, LinkError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let blank = || Problem {
        title: status.canonical_reason().unwrap_or_default().into(),
        status: status.as_u16(),
        detail: match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!("it does not take the token ({status}); {TOKEN_REMEDY}"),
            _ => format!("it answers {status}"),
        },
        ..Problem::default()
    };
    let told = tokio::time::timeout(ANSWER_MAX, Limited::new(answer.into_body(), PROBLEM_BYTES_MAX).collect()).await;
    let problem = match told {
        Ok(Ok(body)) => serde_json::from_slice(&body.to_bytes()).unwrap_or_else(|_| blank()),
        _ => blank(),
    };
    let problem = Box::new(Problem { status: status.as_u16(), ..problem });
    let at = at.split('?').next().unwrap_or_default().to_owned();
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            LinkError::Busy { at, after: Duration::from_secs(seconds.unwrap_or(0)).min(Duration::from_secs(60)), problem }
        }
        _ => LinkError::Refused { at, problem },
    })
}

/// The server's URL without a slash at its end.
fn server_of(text: &str) -> Result<String, LinkError> {
    let bad = |what: &str| LinkError::BadServer { server: text.into(), what: what.into() };
    let uri: Uri = text.parse().map_err(|_| bad("it is no URL; one looks like https://farm.example:7421"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(bad("a URL of a server begins with http:// or https:// and a host"));
    }
    if uri.query().is_some() {
        return Err(bad("a URL of a server has no question mark"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// What lies at the bottom of an error: "Connection refused" rather than "client error".
pub(super) fn deepest(error: &dyn std::error::Error) -> String {
    let mut bottom = error;
    while let Some(next) = bottom.source() {
        bottom = next;
    }
    bottom.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_urls() {
        assert_eq!(server_of("http://127.0.0.1:7421/").unwrap(), "http://127.0.0.1:7421");
        for wrong in ["farm:7421", "ftp://farm", "/v1", "", "http://farm/?x=1"] {
            assert!(matches!(server_of(wrong), Err(LinkError::BadServer { .. })), "{wrong}");
        }
    }
}
