//! Requests to a hub and to where it sends on.

use crate::HubError;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{sync::Arc, time::Duration};
use url::Url;

/// The hub that is asked unless another is named.
pub const PUBLIC: &str = "https://huggingface.co";
/// How long a connection may take to be made, and an answer to begin.
const CONNECT_MAX: Duration = Duration::from_secs(10);
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How often one request is sent on.
const REDIRECTS_MAX: u32 = 6;
const AGENT: &str = concat!("klieg/", env!("CARGO_PKG_VERSION"));

/// Which hub, and who asks.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// `https://HOST`, and a path before which a mirror has the hub's own.
    pub endpoint: String,
    pub token: Option<String>,
    /// Waited before the first repetition of what broke off; twice as long before the next.
    pub pause: Duration,
}

impl Default for HubOptions {
    /// The public hub, as somebody unknown.
    fn default() -> Self {
        Self { endpoint: PUBLIC.into(), token: None, pause: Duration::from_millis(500) }
    }
}

/// A hub that can be asked.
pub struct Hub {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    endpoint: Url,
    token: Option<HeaderValue>,
    pub pause: Duration,
}

/// An answer, and what the hub itself said of the file before it sent on.
pub struct Answer {
    pub response: Response<Incoming>,
    /// Headers of the hub's own answer: digests, length.
    pub hub: HeaderMap,
}

impl Hub {
    /// Checks the options; connects to nothing yet.
    pub fn new(options: &HubOptions) -> Result<Self, HubError> {
        let bad = |what: &str| HubError::BadEndpoint { endpoint: options.endpoint.clone(), what: what.into() };
        let mut endpoint = Url::parse(&options.endpoint).map_err(|error| bad(&error.to_string()))?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host().is_none() || endpoint.query().is_some() {
            return Err(bad("it is no address of a hub"));
        }
        // A base to which paths are joined.
        endpoint.set_path(&format!("{}/", endpoint.path().trim_end_matches('/')));
        let token = options.token.as_deref().map(str::trim).filter(|token| !token.is_empty());
        let token = token.map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        let mut token = token.transpose().map_err(|_| bad("HF_TOKEN has characters that no token has"))?;
        token.iter_mut().for_each(|token| token.set_sensitive(true));
        Ok(Self { client: client().map_err(|what| bad(&what))?, endpoint, token, pause: options.pause })
    }

    /// The hub as people are told.
    pub fn at(&self) -> String {
        self.endpoint.as_str().trim_end_matches('/').to_owned()
    }

    /// An address at the hub, of words that are no addresses themselves.
    pub fn address(&self, words: &[&str], query: &str) -> Result<Url, HubError> {
        let mut address = self.endpoint.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(words.iter().flat_map(|word| word.split('/')));
        }
        address.set_query(Some(query).filter(|query| !query.is_empty()));
        Ok(address)
    }

    /// Gets an address, from that byte on, and follows where it is sent. The token goes to the hub alone, and nothing that was
    /// asked for with TLS is taken without it. `what` is what people are told.
    pub async fn get(&self, address: Url, from: u64, what: &str) -> Result<Answer, HubError> {
        let (mut at, mut hub) = (address, HeaderMap::new());
        for hop in 0..=REDIRECTS_MAX {
            let response = self.send(&at, from).await?;
            let ours = same_host(&at, &self.endpoint);
            if ours {
                hub.extend(response.headers().clone().into_iter().filter_map(|(name, value)| Some((name?, value))));
            }
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                self.judge(response.status(), what)?;
                return Ok(Answer { response, hub });
            }
            let bad = |what: &str| HubError::Redirect { at: shown(&at), what: what.into() };
            let to = response
                .headers()
                .get(header::LOCATION)
                .and_then(|to| to.to_str().ok())
                .ok_or_else(|| bad("it sends on to nowhere"))?;
            let to = at.join(to).map_err(|_| bad("it sends on to no address"))?;
            if at.scheme() == "https" && to.scheme() != "https" || !matches!(to.scheme(), "http" | "https") {
                return Err(bad(&format!("it sends on to {}, which is not encrypted", shown(&to))));
            }
            if hop == REDIRECTS_MAX {
                break;
            }
            at = to;
        }
        Err(HubError::Redirect { at: shown(&at), what: format!("it sends on more than {REDIRECTS_MAX} times") })
    }

    async fn send(&self, at: &Url, from: u64) -> Result<Response<Incoming>, HubError> {
        let away = |what: String| HubError::Away { at: shown(at), what };
        let mut request = Request::builder().method(Method::GET).uri(at.as_str()).header(header::USER_AGENT, AGENT);
        // Digests are of the bytes as they are.
        request = request.header(header::ACCEPT_ENCODING, "identity");
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| same_host(at, &self.endpoint)) {
            request = request.header(header::AUTHORIZATION, token.clone());
        }
        let request = request.body(Empty::new()).map_err(|error| away(error.to_string()))?;
        match tokio::time::timeout(ANSWER_MAX, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(away(causes(&error))),
            Err(_) => Err(away(format!("it does not answer within {} s", ANSWER_MAX.as_secs()))),
        }
    }

    fn judge(&self, status: StatusCode, what: &str) -> Result<(), HubError> {
        let (at, what) = (self.at(), what.to_owned());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(HubError::Forbidden { at, what, token: self.token.is_some() }),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(HubError::NotFound { at, what }),
            status if status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE => Ok(()),
            status => Err(HubError::Status { at, what, status: status.as_u16() }),
        }
    }
}

/// Scheme, host and port: who a token is for.
fn same_host(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

/// An address without what stands behind `?`, which may be a permission.
fn shown(at: &Url) -> String {
    let mut at = at.clone();
    at.set_query(None);
    at.set_fragment(None);
    at.into()
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn client() -> Result<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_MAX));
    let https = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(20)).build(https))
}
