//! Logging in by another provider: a small one of the test's own, with real HTTP and real signatures.

use crate::{
    house::{TOKEN, anywhere, options, part},
    roles::{ask, ready},
};
use axum::{
    Json, Router,
    extract::State,
    http::HeaderMap,
    routing::{get, post},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use klieg_accounts::Role;
use klieg_api::{OidcOptions, People, Server, ServerOptions};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
        RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CLIENT: &str = "klieg farm";
const SECRET: &str = "a secret: of tests";

/// What signs.
enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::from_der(&STANDARD.decode(RSA_OF_TESTS.replace('\n', "")).unwrap()).unwrap())
    }
    fn ec() -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap())
    }
    fn ed() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
    }
    fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }
    fn jwk(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "use": "sig", "kid": kid, "n": text(&n), "e": text(&e)})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": text(pair.public_key().as_ref())}),
        }
    }
    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut bytes = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut bytes).unwrap();
                bytes
            }
            Self::Ec(pair) => pair.sign(&random, text).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }
}

/// What the provider says next, beside the truth.
struct Turn {
    key: Arc<Key>,
    /// What its header says that it is signed with.
    header: Value,
    claims: Value,
    /// The keys that it shows.
    shown: Vec<Value>,
    /// Of the login under way: what the farm sent along.
    nonce: String,
    challenge: String,
    asked: Vec<BTreeMap<String, String>>,
}

#[derive(Clone)]
struct Provider {
    url: String,
    turn: Arc<Mutex<Turn>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(anywhere()).await.unwrap();
        let url = format!("http://{}/realms/studio", listener.local_addr().unwrap());
        let key = Arc::new(Key::ec());
        let turn = Turn {
            header: json!({"alg": key.alg(), "kid": "1"}),
            shown: vec![key.jwk("1")],
            key,
            claims: Value::Null,
            nonce: String::new(),
            challenge: String::new(),
            asked: Vec::new(),
        };
        let provider = Self { url, turn: Arc::new(Mutex::new(turn)) };
        let routes = Router::new()
            .route("/realms/studio/.well-known/openid-configuration", get(itself))
            .route("/realms/studio/keys", get(keys))
            .route("/realms/studio/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    /// From now on it signs with that key, and shows it.
    fn take(&self, key: Key, kid: &str) {
        let mut turn = self.turn.lock().unwrap();
        turn.header = json!({"alg": key.alg(), "kid": kid});
        turn.shown = vec![key.jwk(kid)];
        turn.key = Arc::new(key);
    }

    /// What it says of somebody, with changes.
    fn says(&self, changes: Value) {
        self.turn.lock().unwrap().claims = changes;
    }
}

async fn itself(State(provider): State<Provider>) -> Json<Value> {
    let url = &provider.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/login?tenant=a"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({"keys": provider.turn.lock().unwrap().shown}))
}

/// Gives a token for the code, to the farm, with the verifier of the login under way, once.
async fn token(State(provider): State<Provider>, headers: HeaderMap, body: String) -> (axum::http::StatusCode, Json<Value>) {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let mut turn = provider.turn.lock().unwrap();
    let who = format!("Basic {}", STANDARD.encode("klieg+farm:a+secret%3A+of+tests"));
    let verifier = form.get("code_verifier").cloned().unwrap_or_default();
    let proven = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == turn.challenge;
    let known = headers.get("authorization").is_some_and(|value| value == who.as_str());
    let back = form.get("redirect_uri").is_some_and(|uri| uri.ends_with("/api/v1/auth/oidc/callback"));
    let again = turn.asked.iter().any(|before| before.get("code") == form.get("code"));
    turn.asked.push(form.clone());
    if !(proven && known && back && !again && form["grant_type"] == "authorization_code" && form["code"].starts_with("good")) {
        return (axum::http::StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})));
    }
    let now = klieg_api::access::now();
    let mut claims = json!({
        "iss": provider.url, "aud": CLIENT, "sub": "248289761001", "exp": now + 300, "iat": now, "nonce": turn.nonce,
        "preferred_username": "Ada", "email": "ada@studio", "realm_access": {"roles": ["offline", "film-makers"]},
    });
    for (name, value) in turn.claims.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&turn.header), part(&claims));
    let signature =
        if turn.header["alg"] == "none" { String::new() } else { URL_SAFE_NO_PAD.encode(turn.key.sign(text.as_bytes())) };
    (
        axum::http::StatusCode::OK,
        Json(json!({"token_type": "Bearer", "access_token": "x", "id_token": format!("{text}.{signature}")})),
    )
}

async fn studio(root: &tempfile::TempDir, provider: &Provider, otherwise: Option<Role>) -> Server {
    let oidc = OidcOptions {
        issuer: provider.url.clone(),
        client_id: CLIENT.into(),
        client_secret: Some(SECRET.into()),
        name: "the studio".into(),
        roles_claim: "realm_access.roles".into(),
        roles: vec![("bosses".into(), Role::Admin), ("film-makers".into(), Role::Creator)],
        otherwise,
        redirect: None,
        ca: None,
    };
    let people = People { oidc: Some(oidc), ..People::default() };
    let server = Server::start(ServerOptions { people, ..options(&part(root, "farm"), anywhere()) }).await.unwrap();
    ready(&server).await;
    server
}

/// Status, `Location` and body of a GET, as a browser makes it or a program.
async fn visit(server: &Server, path: &str, accept: &str) -> (u16, String, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await.expect("in time").unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let place = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default().to_owned();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), place, serde_json::from_str(body).unwrap_or_default())
}

/// A page that sets out: its secret, and what the provider was told.
async fn set_out(server: &Server, provider: &Provider) -> (String, BTreeMap<String, String>) {
    let page = format!("the page's secret {}", provider.turn.lock().unwrap().asked.len());
    let known = klieg_protocol::Digest::of(page.as_bytes()).hex();
    let (status, place, answer) = visit(server, &format!("/api/v1/auth/oidc?page={known}"), "text/html").await;
    assert_eq!(status, 303, "{answer}");
    assert!(place.starts_with(&format!("{}/login?tenant=a&response_type=code&", provider.url)), "{place}");
    let url = url::Url::parse(&place).unwrap();
    let said: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!((said["client_id"].as_str(), said["code_challenge_method"].as_str()), (CLIENT, "S256"));
    let mut turn = provider.turn.lock().unwrap();
    (turn.nonce, turn.challenge) = (said["nonce"].clone(), said["code_challenge"].clone());
    (page, said)
}

/// A whole login: the page's secret and where it ends, or why not.
async fn log_in(server: &Server, provider: &Provider) -> Result<(String, String), Value> {
    let (page, said) = set_out(server, provider).await;
    let code = format!("good-{}", said["nonce"]);
    let path = format!("/api/v1/auth/oidc/callback?code={code}&state={}", said["state"]);
    match visit(server, &path, "application/json").await {
        (303, place, _) => Ok((page, place.strip_prefix("/#/signed-in?ticket=").expect("a ticket").to_owned())),
        (status, _, mut answer) => {
            answer["status"] = json!(status);
            Err(answer)
        }
    }
}

async fn session(server: &Server, page: &str, ticket: &str) -> (u16, Value) {
    ask(server, "POST", "/api/v1/auth/oidc/session", "", Some(&json!({"ticket": ticket, "page": page}))).await
}

async fn me(server: &Server, pair: &Value) -> Value {
    ask(server, "GET", "/api/v1/auth/me", pair["access_token"].as_str().unwrap(), None).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_comes_in_by_another_provider_and_stays_the_same() {
    let root = tempfile::tempdir().unwrap();
    let provider = Provider::start().await;
    let server = studio(&root, &provider, None).await;
    let (_, ways) = ask(&server, "GET", "/api/v1/auth/ways", "", None).await;
    assert_eq!(ways, json!({"signup": false, "oidc": "the studio"}));
    // Somebody here is called the same, and is not them.
    let local = json!({"name": "ada", "password": "correct horse battery", "role": "admin"});
    assert_eq!(ask(&server, "POST", "/api/v1/auth/register", TOKEN, Some(&local)).await.0, 201);
    let mut account = Value::Null;
    for (key, kid) in [(Key::ec(), "1"), (Key::ed(), "2"), (Key::rsa(), "3")] {
        provider.take(key, kid);
        // New keys are looked for once in two seconds at most.
        let (page, ticket) = match log_in(&server, &provider).await {
            Ok(came) => came,
            Err(refused) if refused["status"] == 401 => {
                tokio::time::sleep(Duration::from_millis(2_200)).await;
                log_in(&server, &provider).await.expect("with the new key")
            }
            Err(other) => panic!("{other}"),
        };
        let (status, pair) = session(&server, &page, &ticket).await;
        assert_eq!((status, &pair["role"]), (200, &json!("creator")), "{pair}");
        assert_eq!(session(&server, &page, &ticket).await.0, 401, "a ticket works once");
        let me = me(&server, &pair).await;
        assert_eq!(me["name"], json!("ada@studio"), "{me}");
        assert!(account.is_null() || account == me["account"], "the same person, the same account");
        account = me["account"].clone();
    }
    // No password leads in, not even an empty one; what the provider says counts at every login.
    let guess = json!({"name": "ada@studio", "password": ""});
    assert_eq!(ask(&server, "POST", "/api/v1/auth/login", "", Some(&guess)).await.0, 401);
    provider.says(json!({"realm_access": {"roles": ["film-makers", "bosses"]}}));
    let (page, ticket) = log_in(&server, &provider).await.unwrap();
    let (_, pair) = session(&server, &page, &ticket).await;
    assert_eq!(pair["role"], json!("admin"), "{pair}");
    provider.says(json!({"realm_access": {"roles": ["guests"]}}));
    let refused = log_in(&server, &provider).await.unwrap_err();
    assert_eq!((&refused["status"], &refused["code"]), (&json!(403), &json!("no-role")), "{refused}");
    // Another of that provider is another here; and whoever is closed stays out.
    provider.says(json!({"sub": "somebody else"}));
    let (page, ticket) = log_in(&server, &provider).await.unwrap();
    let other = me(&server, &session(&server, &page, &ticket).await.1).await;
    assert!(other["account"] != account && other["name"].as_str().unwrap().ends_with("@oidc"), "{other}");
    let id = other["account"].as_str().unwrap();
    assert_eq!(ask(&server, "DELETE", &format!("/api/v1/accounts/{id}"), TOKEN, None).await.0, 204);
    assert_eq!(log_in(&server, &provider).await.unwrap_err()["status"], json!(401));
    let (_, audit) = ask(&server, "GET", "/api/v1/audit", TOKEN, None).await;
    assert!(audit.to_string().contains("account-made-creator") && !audit.to_string().contains(SECRET), "{audit}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_that_providers_word_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let provider = Provider::start().await;
    let server = studio(&root, &provider, Some(Role::Viewer)).await;
    assert!(log_in(&server, &provider).await.is_ok());
    let now = klieg_api::access::now();
    for (what, changes) in [
        ("another's nonce", json!({"nonce": "another"})),
        ("no nonce", json!({"nonce": null})),
        ("another issuer", json!({"iss": "https://evil.example"})),
        ("another audience", json!({"aud": "another farm"})),
        ("no audience", json!({"aud": []})),
        ("two audiences, given to nobody", json!({"aud": [CLIENT, "another farm"]})),
        ("two audiences, given to another", json!({"aud": [CLIENT, "another farm"], "azp": "another farm"})),
        ("one that has expired", json!({"exp": now - 60})),
        ("one that never expires", json!({"exp": null})),
        ("one of the future", json!({"iat": now + 600})),
        ("one of long ago", json!({"iat": now - 3_600})),
        ("nobody's", json!({"sub": ""})),
    ] {
        provider.says(changes);
        let refused = log_in(&server, &provider).await.expect_err(what);
        assert_eq!(refused["status"], json!(401), "{what}: {refused}");
    }
    provider.says(json!({"aud": [CLIENT, "another farm"], "azp": CLIENT}));
    assert!(log_in(&server, &provider).await.is_ok());
    provider.says(Value::Null);
    for (what, header) in [
        ("nothing", json!({"alg": "none"})),
        ("nothing, by the key's name", json!({"alg": "none", "kid": "1"})),
        ("the public key as a secret", json!({"alg": "HS256", "kid": "1"})),
        ("another kind of key", json!({"alg": "RS256", "kid": "1"})),
        ("a key that is not there", json!({"alg": "ES256", "kid": "9"})),
    ] {
        let before = std::mem::replace(&mut provider.turn.lock().unwrap().header, header);
        let refused = log_in(&server, &provider).await.expect_err(what);
        assert_eq!(refused["status"], json!(401), "signed with {what}: {refused}");
        provider.turn.lock().unwrap().header = before;
    }
    // Somebody else's key, under the right name.
    let own = std::mem::replace(&mut provider.turn.lock().unwrap().key, Arc::new(Key::ec()));
    assert_eq!(log_in(&server, &provider).await.expect_err("another's signature")["status"], json!(401));
    provider.turn.lock().unwrap().key = own;
    assert!(log_in(&server, &provider).await.is_ok(), "and all was well but for that");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_set_out_does_not_come_back() {
    let root = tempfile::tempdir().unwrap();
    let provider = Provider::start().await;
    let server = studio(&root, &provider, Some(Role::Viewer)).await;
    let (_, said) = set_out(&server, &provider).await;
    let back = |query: &str| format!("/api/v1/auth/oidc/callback?{query}");
    let state = &said["state"];
    for (what, query, wanted) in [
        ("a state of one's own", "code=good-x&state=0123456789abcdef".to_owned(), 401),
        ("no state", "code=good-x".into(), 400),
        ("another provider", format!("code=good-x&state={state}&iss=https%3A%2F%2Fevil.example"), 401),
        ("the same state again", format!("code=good-x&state={state}"), 401),
    ] {
        let (status, place, answer) = visit(&server, &back(&query), "*/*").await;
        assert_eq!((status, place.as_str()), (wanted, ""), "{what}: {answer}");
    }
    for (what, query) in [("a code that is none", "code=bad"), ("an error", "error=access_denied&error_description=%3Cscript%3E")] {
        let (_, said) = set_out(&server, &provider).await;
        let path = back(&format!("{query}&state={}", said["state"]));
        let (status, _, answer) = visit(&server, &path, "*/*").await;
        assert_eq!((status, &answer["code"]), (401, &json!("login-refused")), "{what}: {answer}");
        assert!(!answer.to_string().contains("script"), "{answer}");
    }
    // A browser is shown the page to sign in.
    let (status, place, _) = visit(&server, &back("code=x&state=x"), "text/html,*/*").await;
    assert_eq!((status, place.as_str()), (303, "/#/signed-in?failed=unauthorized"));
    // Whoever has the ticket and is not the page that set out gets nothing, and the ticket is spent.
    let (page, ticket) = log_in(&server, &provider).await.unwrap();
    assert_eq!(session(&server, "another page's secret", &ticket).await.0, 401);
    assert_eq!(session(&server, &page, &ticket).await.0, 401);
    assert_eq!(visit(&server, "/api/v1/auth/oidc?page=short", "text/html").await.0, 400);
    server.stop().await;
    // A farm without a provider says so, and one whose provider is away, too.
    let plain = crate::house::serve(&part(&root, "plain"), anywhere()).await;
    ready(&plain).await;
    let page = "0".repeat(64);
    let (status, _, answer) = visit(&plain, &format!("/api/v1/auth/oidc?page={page}"), "*/*").await;
    assert_eq!((status, &answer["code"]), (404, &json!("no-oidc")), "{answer}");
    plain.stop().await;
    let gone = Provider { url: "http://127.0.0.1:9/realms/studio".into(), ..provider };
    let server = studio(&root, &gone, Some(Role::Viewer)).await;
    let (status, _, answer) = visit(&server, &format!("/api/v1/auth/oidc?page={page}"), "*/*").await;
    assert_eq!((status, &answer["code"]), (503, &json!("provider-away")), "{answer}");
    server.stop().await;
}

/// A key of tests: whoever reads this has it.
const RSA_OF_TESTS: &str = "
MIIEowIBAAKCAQEAm1IWsm+SQ7oPCT7yMcR2R+ovV67PUka4nt8u/LI3L8MneK1YopBala0I6G561ndixYtJSj8lNqhnV4wt1QrTfe99gXvoAXtH057OU7l7
BY76JNGgfadclimpihi/rTwT7L4mDEskt5hCa8UX5nnU8pcgEr9VEsUe8w3vGzD3oDEybXNQIz3wThOWdHkZhi+T3j+0MH/QiAyBW+vHmaR+R0QNoCg9DFum
VStmkiCxH3kaGA6Cu91u3muysTKPoBL4LAYPmL6XDuipq4s9GytMaFpCmIGIz2AM/T2VmcQSd4M8a+BufFufEagqY6OyztTYvlMg425Aneeo9Zzk4gAtgQID
AQABAoIBAAKwAvCHebJuT8BLNImj6qAH71XHEpNL4fntxrRcqRPMfqxZ44S8lrSsT9ElyD5Zxn3AkT4VpaEyfMdJB6n+C/bL5BIPgM41weJphwxv0y8fcDie
3/YMpU973REkqHxo47de+u2Ph00d91hCCs3UIdkowEdSxDgU7RorjY2c5UwCRv5d8KITchFcUdRjUp3qmTp9/sdtSZyrZjbD02DqhyCc51dJzQSXkBX1GtRS
oA+jCc7FgP5EO4ooP4qG1P1gsk+2X7QanAkpYoMamAhvLGsVrJYidT2FcRcfLy5Q7GMJ93leuTHxyMJOc+RUcA7+bWA1JCHlu+d7nbgsyGIa+BkCgYEA2Ls6
c1WPC56psbl3s6wLNatNQizAKZlzBYGF7jwTiDLih+FKXcr9ELD7Yq0TdGHqRHheMi0PmJaK7zHdogmTnnnPJDW7ug4OBFvtbQbwWI1ee5s6livCHrXnI/xa
VIHeLQQhtYTnaHfHAwrXzU/dY22qRuLbiS2xo0D0c2RmpSsCgYEAt3Zp2aOtDgqHbHjTkdG9noRkYz7hR6znZMoiixazt4Pk60ofRTSYrMavKQwA9cvB+rCM
swlVyDJBAEZbz0pD0psIjAM5Avsdio/uX+AJGF5ZT9Y2YioCeh283aLOuBk7vryVDpnFxpvdC6D2P+ySPS+VXEBDv736JynvM+LhugMCgYBL/rqsHmAeLvBJ
xULX2YfEteBNR+vJqmjOkXAo7R/cLhuIkdLFuJur8qLzIsUjlgHTKHG/HlXNp1voK5APdVQxyXx8seq1fqAjnyhNhpVYN5ndtbyBU66pnhcCY0Y5Q6BoIH7B
a2zJENbTlkW9VDfI2XdPi9R28XLMT8Znf9kOKQKBgQCTZILt412pJjRepUP0pvkcXWj5gw8isnrEstDFxdtk2IYVslslEniGdqlK5OXwk16otSaUwC82w4kN
W3lvNE8A6KUZN42aI308UR5F0Iv+E+7VAVh3zSBoU3Pk7GP/6+Xf+0oVjN0kDxyrtwmfmcRze8MXdln3tf0/caVHnkOTWQKBgDVuRf4FAODx5cS/vNBZarlr
T2OAa13xWEznmJuQTFeS13k3hHZuVJ42l2+3kunK6EOSTqZv5yPPWcgSn1AsPakzOvjS7ut3wCkcECqvPnrklG8dNM1KoPVrA344yu7OZu1/jzqXgsCoiEaL
M9LNrwD+DeXECp0BWsPws6DA7Qu+";
