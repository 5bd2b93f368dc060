//! `Idempotency-Key`: a request that is sent twice is done once, and both times answered the same; for a day, whatever crashes.

use crate::{
    access::{Who, now},
    app::App,
    body,
    problem::{REQUEST, Trouble},
};
use axum::{
    body::Body,
    extract::{MatchedPath, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use klieg_ledger::{Answer, Begun, Claim, Ledger, LedgerError, Seconds, digest_of};
use std::time::Duration;
use tracing::Instrument;

/// The routes that honour it, as the OpenAPI document says too.
const ROUTES: [&str; 4] = ["/api/v1/jobs", "/api/v1/generate/film", "/api/v1/generate/{id}", "/api/v1/jobs/{id}/retry"];
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// In answers that were given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const KEY_BYTES_MAX: usize = 255;
/// Of an answer that is kept.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// How long, and how often, the same request that is under way is waited for.
const WAIT_MAX: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_millis(50);

tokio::task_local! {
    /// The request was begun then, by somebody who was not heard of again: it may have been done.
    pub static BEGUN_BEFORE: Option<Seconds>;
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        Self::later(StatusCode::SERVICE_UNAVAILABLE, format!("failed to {error}"), Duration::from_secs(1))
    }
}

/// Does a request that has a key, unless it was done.
pub async fn keep(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    match key_of(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => once(app, key, request, next).await.unwrap_or_else(IntoResponse::into_response),
        Err(trouble) => trouble.into_response(),
    }
}

fn key_of(request: &Request<Body>) -> Result<Option<String>, Trouble> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if request.method() != Method::POST || !ROUTES.contains(&path) {
        return Ok(None);
    }
    let mut all = request.headers().get_all(&KEY).iter();
    let Some(value) = all.next() else { return Ok(None) };
    let fits = |text: &&str| (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    match value.to_str().ok().filter(fits).filter(|_| all.next().is_none()) {
        Some(key) => Ok(Some(key.to_owned())),
        None => {
            let detail = format!("an Idempotency-Key is one word of 1 to {KEY_BYTES_MAX} visible ASCII characters");
            Err(Trouble::new(StatusCode::BAD_REQUEST, detail).coded("bad-idempotency-key"))
        }
    }
}

async fn once(app: App, key: String, request: Request<Body>, next: Next) -> Result<Response, Trouble> {
    let account = request.extensions().get::<Who>().map_or_else(String::new, |who| who.caller.account.0.clone());
    let (head, body) = request.into_parts();
    let bytes = body::read(&app, Request::from_parts(head.clone(), body)).await?;
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let digest = digest_of(&[head.method.as_str().as_bytes(), path.as_bytes(), &bytes]);
    let ledger = app.ledger().await?.clone();
    let claim = match begin(&ledger, &account, &key, &digest).await? {
        Ok(claim) => claim,
        Err(answer) => return Ok(replayed(answer)),
    };
    // It comes to its end, and its answer is kept, though the caller hang up.
    let work = async move {
        let before = claim.begun_before;
        let response = BEGUN_BEFORE.scope(before, next.run(Request::from_parts(head, Body::from(bytes)))).await;
        settle(&ledger, &claim, response).await
    };
    let id = REQUEST.try_with(Clone::clone).unwrap_or_default();
    let done = tokio::spawn(REQUEST.scope(id, work).instrument(tracing::Span::current())).await;
    done.map_err(|error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to do the request: {error}")))
}

/// The right to do the request, or what it was answered.
async fn begin(ledger: &Ledger, account: &str, key: &str, digest: &str) -> Result<Result<Claim, Answer>, Trouble> {
    let begun = tokio::time::Instant::now();
    loop {
        match ledger.begin(account, key, digest, now()).await? {
            Begun::Mine(claim) => return Ok(Ok(claim)),
            Begun::Answered(answer) => return Ok(Err(answer)),
            Begun::Busy if begun.elapsed() < WAIT_MAX => tokio::time::sleep(WAIT).await,
            Begun::Busy => {
                let detail = "the same request, under the same Idempotency-Key, is still being done; ask again";
                let trouble = Trouble::later(StatusCode::CONFLICT, detail, Duration::from_secs(5));
                return Err(trouble.coded("idempotency-key-in-use"));
            }
            Begun::Other => {
                let detail = "this Idempotency-Key was used for another request within the last day; take a new one for each";
                return Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).coded("idempotency-key-reused"));
            }
            Begun::TooMany => {
                let detail = format!(
                    "the account has used {} Idempotency-Keys within a day, which is the most (KEYS_MAX); go on without, or later",
                    klieg_ledger::KEYS_MAX
                );
                let trouble = Trouble::later(StatusCode::TOO_MANY_REQUESTS, detail, Duration::from_secs(3_600));
                return Err(trouble.coded("too-many-idempotency-keys"));
            }
        }
    }
}

/// Keeps what was done. What was refused had no effect: the key is free again. Of what failed nobody knows: the next looks.
async fn settle(ledger: &Ledger, claim: &Claim, response: Response) -> Response {
    let (head, body) = response.into_parts();
    let status = head.status;
    let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let read = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await;
    let Ok(bytes) = read else {
        let detail = format!("the answer is longer than the {ANSWER_BYTES_MAX} bytes that are kept under an Idempotency-Key");
        return Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response();
    };
    let noted = if status.is_success() {
        let answer = Answer { status: status.as_u16(), location, body: String::from_utf8_lossy(&bytes).into_owned() };
        ledger.answer(claim, &answer).await.map(drop)
    } else if status.is_server_error() {
        ledger.leave(claim).await
    } else {
        ledger.release(claim).await
    };
    if let Err(error) = noted {
        tracing::warn!(%error, "failed to note what was answered under an idempotency key");
    }
    Response::from_parts(head, Body::from(bytes))
}

fn replayed(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(location) = answer.location.and_then(|location| HeaderValue::try_from(location).ok()) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
