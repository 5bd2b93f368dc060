//! One request to somebody's URL: the address is looked up once, checked, and that very address is connected to.
//!
//! Nothing is taken from the environment (no proxy), no redirect is followed, no connection is kept, and of the answer nothing but its
//! status and `Retry-After` is read.

use crate::{Allow, Options, Seconds, WebhookError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

const URL_BYTES_MAX: usize = 2_048;
/// A name's addresses that are tried.
const ADDRESSES_MAX: usize = 4;
/// How long one connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long all of it may take, from the name to the answer's status.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(20);
/// Of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// Turns names into addresses.
#[async_trait]
pub trait Resolve: Send + Sync {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
pub struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

pub fn system_tls() -> Result<Arc<ClientConfig>, WebhookError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(WebhookError::Tls)?.with_root_certificates(roots).with_no_client_auth()))
}

/// A name that nobody else has.
pub fn id() -> Result<String, WebhookError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(WebhookError::Random)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

pub struct Post {
    allow: Allow,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
    patience: Duration,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Seconds>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Post {
    pub fn new(options: Options) -> Self {
        Self {
            allow: options.allow,
            resolver: options.resolver,
            tls: TlsConnector::from(options.tls),
            patience: options.patience.min(ATTEMPT_MAX),
        }
    }

    /// Whether a URL can be gone to, as far as it says so itself.
    pub fn check(&self, text: &str) -> Result<Url, WebhookError> {
        let bad = |what: &str| WebhookError::BadUrl { url: text.chars().take(URL_BYTES_MAX).collect(), what: what.into() };
        if text.len() > URL_BYTES_MAX {
            return Err(bad("2048 bytes are allowed"));
        }
        let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("expected https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("a name and password in it would be shown to many; the signature says who sends"));
        }
        if url.fragment().is_some() {
            return Err(bad("what follows # is never sent"));
        }
        let port = url.port_or_known_default().ok_or_else(|| bad("it has no port"))?;
        let checked = match url.host() {
            Some(Host::Ipv4(address)) => self.allow.check(address.into(), port),
            Some(Host::Ipv6(address)) => self.allow.check(address.into(), port),
            Some(Host::Domain(_)) => self.allow.check_port(port),
            None => return Err(bad("it has no host")),
        };
        checked.map_err(|why| bad(&why.to_string()))?;
        Ok(url)
    }

    /// Posts a body. The error is a sentence for whoever the webhook belongs to.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Result<Answer, String> {
        let url = self.check(url).map_err(|error| error.to_string())?;
        let posted = timeout(self.patience, self.post_to(&url, headers, body)).await;
        posted.unwrap_or_else(|_| Err(format!("it did not answer within {} s", self.patience.as_secs_f32())))
    }

    async fn post_to(&self, url: &Url, headers: HeaderMap, body: String) -> Result<Answer, String> {
        let stream = self.connect(url).await?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("it does not speak HTTP: {error}"))?;
        let request = request(url, headers, body)?;
        // Both are dropped together when nobody waits any more.
        let (mut connection, mut answer) = (pin!(connection), pin!(sender.send_request(request)));
        let answer = tokio::select! {
            biased;
            answer = &mut answer => answer,
            // It may have ended just after the answer.
            _ = &mut connection => answer.await,
        };
        let answer = answer.map_err(|error| format!("it did not answer: {error}"))?;
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer { status: answer.status().as_u16(), retry_after })
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, String> {
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = self.addresses(url, port).await?;
        let mut trouble = "its name has no address".to_owned();
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            match timeout(CONNECT_MAX, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => return self.secure(url, stream).await,
                Ok(Err(error)) => trouble = format!("it cannot be connected to: {error}"),
                Err(_) => trouble = format!("it cannot be connected to within {} s", CONNECT_MAX.as_secs()),
            }
        }
        Err(trouble)
    }

    /// The addresses of the URL's host that may be connected to.
    async fn addresses(&self, url: &Url, port: u16) -> Result<Vec<IpAddr>, String> {
        let found = match url.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            Some(Host::Domain(name)) => {
                self.resolver.resolve(name).await.map_err(|error| format!("its name cannot be looked up: {error}"))?
            }
            None => return Err("it has no host".into()),
        };
        let (mut may, mut why) = (Vec::new(), None);
        for address in found {
            match self.allow.check(address, port) {
                Ok(()) => may.push(address),
                Err(forbidden) => why = Some(forbidden),
            }
        }
        match why {
            Some(why) if may.is_empty() => Err(why.to_string()),
            _ => Ok(may),
        }
    }

    /// The certificate must be the name's, whatever address it led to.
    async fn secure(&self, url: &Url, stream: TcpStream) -> Result<Box<dyn Stream>, String> {
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?,
            Some(Host::Ipv4(address)) => ServerName::from(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => ServerName::from(IpAddr::from(address)),
            None => return Err("it has no host".into()),
        };
        let stream = self.tls.connect(name, stream).await.map_err(|error| format!("it cannot be spoken to over TLS: {error}"))?;
        Ok(Box::new(stream))
    }
}

fn request(url: &Url, headers: HeaderMap, body: String) -> Result<Request<Full<Bytes>>, String> {
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::post(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("klieg/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);
    Ok(request)
}
