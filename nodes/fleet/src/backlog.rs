//! How much work waits: `GET /v1/backlog` of a klieg server.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, HeaderValue, LOCATION},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, error::Error, fs, path::PathBuf, sync::Arc, time::Duration};

/// A server has so long to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// An answer is no longer than this.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Of what a server says about an error, so much is shown.
const DETAIL_CHARS_MAX: usize = 200;

/// What a server says: the whole farm's work, and the same by class of device.
#[derive(Deserialize)]
struct Answer {
    #[serde(flatten)]
    all: Backlog,
    #[serde(default)]
    classes: BTreeMap<String, Backlog>,
}

/// What the farm has to do, and with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Tasks that nothing but a free slot keeps from running.
    pub ready: u64,
    /// Tasks that run.
    pub running: u64,
    /// Machines that have joined.
    pub nodes: u64,
    /// Tasks that they can run at a time.
    pub slots: u64,
}

/// Why the backlog is not known. Nothing is started or stopped then.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    #[error("use the server's address {0}: it should read http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    #[error("read the token in {}: {source}", .path.display())]
    Token { path: PathBuf, source: std::io::Error },
    #[error("use the token in {}: it is empty, or not one line of printable ASCII", .path.display())]
    NoToken { path: PathBuf },
    #[error("read the certificates in {}: {why}", .path.display())]
    Certificates { path: PathBuf, why: String },
    #[error("set up TLS: {0}")]
    Tls(String),
    #[error("reach {server}: {why}")]
    Unreachable { server: Uri, why: String },
    #[error("hear from {server}: no answer within {} s", ANSWER.as_secs())]
    Silent { server: Uri },
    #[error("look at the backlog of {server}: it refuses the token")]
    Refused { server: Uri },
    #[error("look at the backlog of {server}: it answered {status}{detail}")]
    Status { server: Uri, status: StatusCode, detail: String },
    #[error("read the backlog of {server}: {why}")]
    Unreadable { server: Uri, why: String },
}

impl LookError {
    /// Whether asking again cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Token { .. } | Self::NoToken { .. } | Self::Certificates { .. } | Self::Tls(_))
    }
}

/// The farm's servers, of which one leads and the others know it.
pub struct Server {
    addresses: Vec<Uri>,
    class: Option<String>,
    bearer: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Server {
    /// Servers by address, with a file that holds the token and, where they have certificates of their own making, one
    /// with the authority's in PEM form.
    pub fn new(addresses: &[String], token: &PathBuf, authority: Option<&PathBuf>) -> Result<Self, LookError> {
        let addresses = addresses.iter().map(|address| resource(address)).collect::<Result<_, _>>()?;
        let tls = trust(authority)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { addresses, class: None, bearer: bearer(token)?, client })
    }

    /// Looks only at the work for one class of device: `cpu`, `cuda`, `wgpu`.
    pub fn for_class(self, class: Option<String>) -> Self {
        Self { class, ..self }
    }

    /// What the first server that answers says. The error is the last server's.
    pub async fn look(&self) -> Result<Backlog, LookError> {
        let mut last = LookError::Address("(none)".into());
        for address in &self.addresses {
            match self.ask(address.clone()).await {
                Ok(backlog) => return Ok(backlog),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask(&self, server: Uri) -> Result<Backlog, LookError> {
        let talk = async {
            let answer = self.get(&server).await?;
            // A standby names the leader, once.
            let answer = match leader(&server, &answer) {
                Some(leader) => read(&leader, self.get(&leader).await?).await?,
                None => read(&server, answer).await?,
            };
            Ok(self.of_class(answer))
        };
        tokio::time::timeout(ANSWER, talk).await.unwrap_or(Err(LookError::Silent { server: server.clone() }))
    }

    /// A class that the server does not name has no work.
    fn of_class(&self, answer: Answer) -> Backlog {
        self.class.as_ref().map_or(answer.all, |class| answer.classes.get(class).copied().unwrap_or_default())
    }

    async fn get(&self, server: &Uri) -> Result<Response<Incoming>, LookError> {
        let request = Request::get(server.clone()).header(AUTHORIZATION, self.bearer.clone()).body(Empty::new());
        let request = request.map_err(|e| LookError::Unreachable { server: server.clone(), why: e.to_string() })?;
        self.client.request(request).await.map_err(|e| LookError::Unreachable { server: server.clone(), why: root(&e) })
    }
}

fn resource(address: &str) -> Result<Uri, LookError> {
    let uri: Uri =
        format!("{}/v1/backlog", address.trim_end_matches('/')).parse().map_err(|_| LookError::Address(address.into()))?;
    let web = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    web.then_some(uri).ok_or_else(|| LookError::Address(address.into()))
}

fn bearer(path: &PathBuf) -> Result<HeaderValue, LookError> {
    let text = fs::read_to_string(path).map_err(|source| LookError::Token { path: path.clone(), source })?;
    let token = text.trim();
    let printable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let header = HeaderValue::try_from(format!("Bearer {token}")).ok().filter(|_| printable);
    let mut header = header.ok_or_else(|| LookError::NoToken { path: path.clone() })?;
    header.set_sensitive(true);
    Ok(header)
}

/// The system's certificate authorities and one's own.
fn trust(authority: Option<&PathBuf>) -> Result<ClientConfig, LookError> {
    let mut roots = RootCertStore::empty();
    // A machine without any can still speak to servers by http, or to those of its own authority.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = authority {
        let bad = |why: String| LookError::Certificates { path: path.clone(), why };
        let mut found = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))? {
            let added = certificate.map_err(|e| bad(e.to_string())).and_then(|c| roots.add(c).map_err(|e| bad(e.to_string())));
            added?;
            found += 1;
        }
        if found == 0 {
            return Err(bad("there is none in PEM form".into()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.map_err(|e| LookError::Tls(e.to_string()))?.with_root_certificates(roots).with_no_client_auth())
}

/// Where a standby sends us. A token that came here by TLS is not sent on without it.
fn leader(server: &Uri, answer: &Response<Incoming>) -> Option<Uri> {
    let moved = matches!(answer.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let target: Uri = answer.headers().get(LOCATION).filter(|_| moved)?.to_str().ok()?.parse().ok()?;
    let secret = server.scheme_str() != Some("https") || target.scheme_str() == Some("https");
    (target.host().is_some() && secret).then_some(target)
}

async fn read(server: &Uri, answer: Response<Incoming>) -> Result<Answer, LookError> {
    let server = server.clone();
    let status = answer.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(LookError::Refused { server });
    }
    let body = match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(e) => return Err(LookError::Unreadable { server, why: e.to_string() }),
    };
    if !status.is_success() {
        return Err(LookError::Status { server, status, detail: detail(&body) });
    }
    serde_json::from_slice(&body).map_err(|e| LookError::Unreadable { server, why: e.to_string() })
}

/// What a problem document (RFC 9457) says in words.
fn detail(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: Option<String>,
        title: Option<String>,
    }
    let problem: Option<Problem> = serde_json::from_slice(body).ok();
    let words = problem.and_then(|problem| problem.detail.or(problem.title)).unwrap_or_default();
    let words: String = words.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect();
    if words.is_empty() { words } else { format!(": {words}") }
}

/// The cause under the library's layers.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
