//! The other provider by which people log in (OpenID Connect Core 1.0 with PKCE): what it says of itself, and what it gives for a code.

use crate::{access::now, problem::Trouble};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use klieg_accounts::{Accounts, Arrival, Expected, Journey, Kept, Role, Said};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Map, Value};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded::Serializer};

/// How long the provider may take to answer, and how much it may say.
const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long what it says of itself is believed, and how soon it is asked again for a key that is not among its keys.
const BELIEVED: Duration = Duration::from_secs(3_600);
const LOOK: Duration = Duration::from_secs(2);
/// Groups of somebody that are looked at.
const GROUPS_MAX: usize = 1_000;

/// How people log in by another provider.
#[derive(Clone)]
pub struct OidcOptions {
    /// As it calls itself: `https://…`.
    pub issuer: String,
    pub client_id: String,
    /// Without one the farm is a public client.
    pub client_secret: Option<String>,
    /// What the button says.
    pub name: String,
    /// Which claim says what somebody is; dots lead into it (`realm_access.roles`).
    pub roles_claim: String,
    /// What of it means which role, the first that fits.
    pub roles: Vec<(String, Role)>,
    /// For those to whom nothing of it applies; without one they may not come in.
    pub otherwise: Option<Role>,
    /// Where the provider sends people back to, if not to the server's own URL.
    pub redirect: Option<String>,
    /// PEM certificates by which it is trusted besides the system's.
    pub ca: Option<PathBuf>,
}

// The secret is not shown.
impl std::fmt::Debug for OidcOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OidcOptions").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The provider.
pub struct Oidc {
    pub options: OidcOptions,
    redirect: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    known: Mutex<Option<Known>>,
}

/// What it says of itself.
#[derive(Clone)]
struct Known {
    authorization: Url,
    token: Url,
    keys: Value,
    /// It takes the client's secret in the form, and not in a header.
    posts_secret: bool,
    at: Instant,
}

/// A URL that nobody between can change: HTTPS, or on this machine.
fn safe(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let fits = url.scheme() == "https" || url.scheme() == "http" && here;
    if fits { Ok(url) } else { Err(format!("{text:?} does not begin with https://")) }
}

fn tls(options: &OidcOptions) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &options.ca {
        let bad = |error: &dyn std::fmt::Display| format!("use the certificates in {}: {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))? {
            roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions();
    Ok(config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

impl Oidc {
    /// Checks the options. `url`: how people reach this server.
    pub fn new(options: OidcOptions, url: &str) -> Result<Self, String> {
        safe(&options.issuer)?;
        if options.roles.is_empty() && options.otherwise.is_none() {
            return Err("nobody could come in: say which groups have which roles, or a role for everybody".into());
        }
        let redirect = options.redirect.clone().unwrap_or_else(|| format!("{url}/api/v1/auth/oidc/callback"));
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls(&options)?).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new()).build(connector.build());
        Ok(Self { options, redirect, client, known: Mutex::default() })
    }

    /// Where somebody is sent who sets out.
    pub async fn leave_for(&self, journey: &Journey) -> Result<String, Trouble> {
        let mut url = self.known(false).await?.authorization;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile email")
            .append_pair("client_id", &self.options.client_id)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("state", &journey.state)
            .append_pair("nonce", &journey.nonce)
            .append_pair("code_challenge", &journey.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// The account of somebody who came back with a code.
    pub async fn welcome(&self, accounts: &Accounts, code: &str, kept: &Kept) -> Result<klieg_accounts::Account, Trouble> {
        let token = self.id_token(code, kept).await?;
        let mut known = self.known(false).await?;
        if !klieg_accounts::names_key(&token, &known.keys)? {
            known = self.known(true).await?;
        }
        let (issuer, client) = (self.options.issuer.as_str(), self.options.client_id.as_str());
        let expected = Expected { issuer, client, nonce: &kept.nonce, keys: &known.keys };
        let said = klieg_accounts::check_id_token(&token, &expected, now())?;
        let Some(role) = self.role(&said.claims) else {
            let detail = "the provider knows you, but nothing that it says of you has a role on this farm; ask an admin";
            return Err(Trouble::new(StatusCode::FORBIDDEN, detail).coded("no-role"));
        };
        Ok(accounts.arrive(&self.arrival(said, role), now()).await?)
    }

    fn arrival(&self, said: Said, role: Role) -> Arrival {
        let text = |name: &str| said.claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let names = [text("preferred_username"), text("email")].into_iter().flatten().collect();
        let follows = !self.options.roles.is_empty();
        Arrival { issuer: self.options.issuer.clone(), subject: said.subject, names, role, follows }
    }

    /// What somebody is here, by what the provider says that they are there.
    fn role(&self, claims: &Map<String, Value>) -> Option<Role> {
        let mut path = self.options.roles_claim.split('.');
        let first = path.next().and_then(|name| claims.get(name));
        let found = path.fold(first, |value, name| value.and_then(|value| value.get(name)));
        let groups: Vec<&str> = match found {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().take(GROUPS_MAX).filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mapped = self.options.roles.iter().find(|(group, _)| groups.contains(&group.as_str()));
        mapped.map(|(_, role)| *role).or(self.options.otherwise)
    }

    /// What shows the provider that the code is ours.
    fn exchange(&self, known: &Known, code: &str, kept: &Kept) -> Result<Request<Full<Bytes>>, Trouble> {
        let OidcOptions { client_id, client_secret, .. } = &self.options;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("code_verifier", &kept.verifier)
            .append_pair("client_id", client_id);
        let mut request = Request::post(known.token.as_str());
        match client_secret {
            Some(secret) if known.posts_secret => {
                form.append_pair("client_secret", secret);
            }
            Some(secret) => request = request.header(header::AUTHORIZATION, basic(client_id, secret)?),
            None => {}
        }
        request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.finish())))
            .map_err(|error| away(&error.to_string()))
    }

    /// What the provider gives for a code.
    async fn id_token(&self, code: &str, kept: &Kept) -> Result<String, Trouble> {
        let request = self.exchange(&self.known(false).await?, code, kept)?;
        let (status, answer) = self.ask(request).await?;
        match answer["id_token"].as_str() {
            Some(token) if status.is_success() => Ok(token.to_owned()),
            _ if status.is_server_error() => Err(away(&format!("it answers {status}"))),
            _ => {
                tracing::info!(%status, error = answer["error"].as_str(), "the OIDC provider does not take a code");
                let detail = "the provider does not give a token for this login; begin again";
                Err(Trouble::new(StatusCode::UNAUTHORIZED, detail).coded("login-refused"))
            }
        }
    }

    /// What the provider says of itself. `again`: with keys that are newer.
    async fn known(&self, again: bool) -> Result<Known, Trouble> {
        let mut known = self.known.lock().await;
        let age = known.as_ref().map(|known| known.at.elapsed());
        if let Some(found) = &*known
            && age.is_some_and(|age| age < if again { LOOK } else { BELIEVED })
        {
            return Ok(found.clone());
        }
        match self.discover().await {
            Ok(found) => Ok(known.insert(found).clone()),
            // It is away, and its keys have not changed as far as we know.
            Err(trouble) => known.clone().filter(|_| !again).ok_or(trouble),
        }
    }

    async fn discover(&self) -> Result<Known, Trouble> {
        let issuer = self.options.issuer.trim_end_matches('/');
        let said = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        if said["issuer"].as_str() != Some(&self.options.issuer) {
            return Err(away(&format!("it calls itself {}, and not {}", said["issuer"], self.options.issuer)));
        }
        let place =
            |name: &str| safe(said[name].as_str().unwrap_or_default()).map_err(|error| away(&format!("its {name}: {error}")));
        let (authorization, token, keys_at) = (place("authorization_endpoint")?, place("token_endpoint")?, place("jwks_uri")?);
        let keys = self.get(keys_at.as_str()).await?;
        let ways: Vec<&str> =
            said["token_endpoint_auth_methods_supported"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // If it does not say, it takes a header (OpenID Connect Discovery 1.0, 3).
        let posts_secret = ways.contains(&"client_secret_post") && !ways.contains(&"client_secret_basic");
        Ok(Known { authorization, token, keys, posts_secret, at: Instant::now() })
    }

    async fn get(&self, url: &str) -> Result<Value, Trouble> {
        let request = Request::get(url).body(Full::default()).map_err(|error| away(&error.to_string()))?;
        match self.ask(request).await? {
            (status, value) if status.is_success() => Ok(value),
            (status, _) => Err(away(&format!("{url} answers {status}"))),
        }
    }

    /// No redirect is followed, and no proxy asked.
    async fn ask(&self, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Value), Trouble> {
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let asked = async {
            let answer = self.client.request(request).await.map_err(|error| away(&error.to_string()))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let bytes = body.map_err(|error| away(&error.to_string()))?.to_bytes();
            Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
        };
        let slow = |_| away(&format!("it has not answered for {} s", ANSWER_MAX.as_secs()));
        tokio::time::timeout(ANSWER_MAX, asked).await.map_err(slow)?
    }
}

/// The client's name and secret, as RFC 6749 (2.3.1) has them in a header.
fn basic(id: &str, secret: &str) -> Result<HeaderValue, Trouble> {
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn away(what: &str) -> Trouble {
    let detail = format!("the provider that people log in by cannot be used: {what}; log in with a password, or try again");
    Trouble::later(StatusCode::SERVICE_UNAVAILABLE, detail, Duration::from_secs(5)).coded("provider-away")
}
