//! Who may do what: the one table of routes, and the check before any of them.

use crate::{
    app::{App, Counts},
    body,
    connections::Peer,
    problem::{REQUEST, Trouble},
    rates::Left,
    traced::Traced,
};
use axum::{
    body::Body,
    extract::{MatchedPath, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use klieg_accounts::{AccountError, AccountId, Caller, Permission, Role};
use klieg_protocol::wire::{PROTOCOL, PROTOCOL_HEADER};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tracing::Instrument;

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: whoever comes.
    Open,
    /// Anybody whom the farm knows.
    Known,
    /// Somebody who may do this.
    May(Permission),
    /// Somebody who may do one of these.
    Either(Permission, Permission),
}

use Access::{Either, Known, May, Open};
use Permission::{ManageAccounts, ManageFarm, ManageJobs, Moderate, OwnAccount, ReadFarm, ReadJobs, SubmitJobs, WorkTasks};

/// Every route that is not the page's or a health check's. One that is not here is closed.
pub const TABLE: &[(&str, &str, Access)] = &[
    ("GET", "/api/v1/openapi.json", Open),
    ("POST", "/api/v1/auth/login", Open),
    ("POST", "/api/v1/auth/refresh", Open),
    ("POST", "/api/v1/auth/logout", Known),
    ("GET", "/api/v1/auth/me", Known),
    ("GET", "/api/v1/auth/keys", Open),
    ("POST", "/api/v1/auth/password", May(OwnAccount)),
    ("POST", "/api/v1/auth/register", May(ManageAccounts)),
    ("POST", "/api/v1/auth/signup", Open),
    ("GET", "/api/v1/auth/ways", Open),
    ("GET", "/api/v1/auth/oidc", Open),
    ("GET", "/api/v1/auth/oidc/callback", Open),
    ("POST", "/api/v1/auth/oidc/session", Open),
    ("GET", "/api/v1/accounts", May(ManageAccounts)),
    ("DELETE", "/api/v1/accounts/{id}", May(ManageAccounts)),
    ("GET", "/api/v1/accounts/{id}/export", May(OwnAccount)),
    ("POST", "/api/v1/accounts/{id}/erase", May(OwnAccount)),
    ("GET", "/api/v1/audit", May(ManageAccounts)),
    ("GET", "/api/v1/tokens", May(OwnAccount)),
    ("POST", "/api/v1/tokens", May(OwnAccount)),
    ("DELETE", "/api/v1/tokens/{id}", May(OwnAccount)),
    ("GET", "/api/v1/webhooks", May(OwnAccount)),
    ("POST", "/api/v1/webhooks", May(OwnAccount)),
    ("GET", "/api/v1/webhooks/{id}", May(OwnAccount)),
    ("DELETE", "/api/v1/webhooks/{id}", May(OwnAccount)),
    ("POST", "/api/v1/webhooks/{id}/enable", May(OwnAccount)),
    ("POST", "/api/v1/webhooks/{id}/secret", May(OwnAccount)),
    ("POST", "/api/v1/webhooks/{id}/test", May(OwnAccount)),
    ("GET", "/api/v1/webhooks/{id}/deliveries", May(OwnAccount)),
    ("POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", May(OwnAccount)),
    ("GET", "/api/v1/farm", Known),
    ("GET", "/api/v1/farm/history", Either(ReadFarm, ReadJobs)),
    ("GET", "/api/v1/queue", Either(ReadFarm, ReadJobs)),
    ("GET", "/api/v1/queues", Either(ReadFarm, ReadJobs)),
    // Who asks says so in the subprotocol or in the first message: browsers can give no header.
    ("GET", "/api/v1/ws", Open),
    ("GET", "/api/v1/nodes", May(ReadFarm)),
    ("GET", "/api/v1/nodes/{id}", May(ReadFarm)),
    ("GET", "/api/v1/nodes/{id}/telemetry", May(ReadFarm)),
    ("POST", "/api/v1/nodes/{id}/drain", May(ManageFarm)),
    ("POST", "/api/v1/nodes/{id}/undrain", May(ManageFarm)),
    ("GET", "/api/v1/projects", Either(ReadFarm, ReadJobs)),
    ("PUT", "/api/v1/projects/{name}", May(ManageFarm)),
    ("GET", "/api/v1/costs", Either(ReadFarm, ReadJobs)),
    ("GET", "/api/v1/jobs", May(ReadJobs)),
    ("POST", "/api/v1/jobs", May(SubmitJobs)),
    ("POST", "/api/v1/jobs/estimate", May(SubmitJobs)),
    ("GET", "/api/v1/jobs/{id}", May(ReadJobs)),
    ("DELETE", "/api/v1/jobs/{id}", May(ManageJobs)),
    ("GET", "/api/v1/jobs/{id}/status", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/tasks", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/why", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/events", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/logs", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/outputs", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/outputs/{*name}", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/shots", May(ReadJobs)),
    ("GET", "/api/v1/jobs/{id}/cut", May(ReadJobs)),
    ("POST", "/api/v1/jobs/{id}/cancel", May(SubmitJobs)),
    ("POST", "/api/v1/jobs/{id}/retry", May(SubmitJobs)),
    ("POST", "/api/v1/jobs/{id}/priority", May(ManageJobs)),
    ("POST", "/api/v1/generate/film", May(SubmitJobs)),
    ("POST", "/api/v1/generate/{id}", May(SubmitJobs)),
    ("GET", "/api/v1/generate/{id}/status", May(ReadJobs)),
    ("GET", "/api/v1/generate/{id}/result", May(ReadJobs)),
    ("DELETE", "/api/v1/generate/{id}", May(SubmitJobs)),
    ("GET", "/api/v1/moderate/content", May(ReadJobs)),
    ("POST", "/api/v1/moderate/content", May(SubmitJobs)),
    ("GET", "/api/v1/moderate/queue", May(Moderate)),
    ("GET", "/api/v1/moderate/{id}", Either(Moderate, ReadJobs)),
    ("POST", "/api/v1/moderate/{id}/claim", May(Moderate)),
    ("POST", "/api/v1/moderate/{id}/release", May(Moderate)),
    ("PUT", "/api/v1/moderate/{id}/decision", May(Moderate)),
    ("POST", "/api/v1/moderate/{id}/escalate", May(Moderate)),
    ("POST", "/api/v1/moderate/{id}/appeal", May(SubmitJobs)),
    ("GET", "/api/v1/assets", May(ReadJobs)),
    ("POST", "/api/v1/assets/upload", May(SubmitJobs)),
    ("GET", "/api/v1/assets/uploads/{id}", May(SubmitJobs)),
    ("PATCH", "/api/v1/assets/uploads/{id}", May(SubmitJobs)),
    ("DELETE", "/api/v1/assets/uploads/{id}", May(SubmitJobs)),
    ("GET", "/api/v1/assets/{digest}/record", May(ReadJobs)),
    ("PATCH", "/api/v1/assets/{digest}", May(SubmitJobs)),
    ("DELETE", "/api/v1/assets/{digest}", May(SubmitJobs)),
    ("GET", "/api/v1/assets/{digest}", Either(ReadJobs, WorkTasks)),
    ("PUT", "/api/v1/assets/{digest}", Either(SubmitJobs, WorkTasks)),
    // The agents' own: the port `Dispatcher`, artifacts, and what autoscalers ask.
    ("POST", "/v1/nodes/join", May(WorkTasks)),
    ("POST", "/v1/nodes/beat", May(WorkTasks)),
    ("POST", "/v1/nodes/leave", May(WorkTasks)),
    ("POST", "/v1/nodes/progress", May(WorkTasks)),
    ("POST", "/v1/nodes/report", May(WorkTasks)),
    ("GET", "/v1/artifacts/{digest}", Either(WorkTasks, ReadJobs)),
    ("PUT", "/v1/artifacts/{digest}", Either(WorkTasks, SubmitJobs)),
    ("GET", "/v1/farm", Known),
    ("GET", "/v1/backlog", Either(ReadFarm, ReadJobs)),
    ("GET", "/metrics", May(ReadFarm)),
];

/// What a route asks for; `None`: it is not in the table.
pub fn of(method: &Method, path: &str) -> Option<Access> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    TABLE.iter().find(|(known, route, _)| *known == method && *route == path).map(|(_, _, access)| *access)
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Who {
    pub caller: Caller,
    /// They have the farm's own token, and may do everything.
    pub owns: bool,
}

impl Who {
    fn owner() -> Self {
        let caller = Caller { account: AccountId("farm".into()), role: Role::Admin, scopes: None, session: None };
        Self { caller, owns: true }
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.owns || self.caller.may(permission)
    }

    fn grants(&self, access: Access) -> bool {
        match access {
            Open | Known => true,
            May(permission) => self.may(permission),
            Either(one, other) => self.may(one) || self.may(other),
        }
    }
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the front door's one clock")]
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The header that names a request, in answers and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lets through who may, in a version that is spoken here, as long as there is room. Names the request.
pub async fn check(State(app): State<App>, mut request: Request<Body>, next: Next) -> Response {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = format!("{}-{:x}", app.incarnation, NEXT.fetch_add(1, Ordering::Relaxed));
    let named = HeaderValue::try_from(&id).ok();
    let traced = Traced::begin(request.headers(), request.method(), &id);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", id, trace = traced.trace(), method = %request.method(), path = request.uri().path());
    let answer = async {
        Counts::add(&app.counts.requests, 1);
        let mut left = None;
        let permit = match admit(&app, &mut request, &mut left).await {
            Ok(permit) => permit,
            Err(trouble) => {
                Counts::add(&app.counts.refused, 1);
                let mut response = trouble.into_response();
                left.inspect(|left| left.tell(response.headers_mut()));
                return response;
            }
        };
        let _permit = permit;
        let mut response = as_problem(next.run(request).await).await;
        left.inspect(|left| left.tell(response.headers_mut()));
        response
    };
    let mut response = traced.around(REQUEST.scope(id.clone(), answer.instrument(span))).await;
    traced.end(route.as_ref().map_or("", MatchedPath::as_str), &id, response.status().as_u16());
    response.headers_mut().extend(named.map(|named| (REQUEST_ID, named)));
    response
}

/// The longest refusal of the router that is read.
const REFUSAL_BYTES_MAX: usize = 4_096;

/// What the router refuses by itself (a query or a path that is none) as a problem, like every other error.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let plain = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() && plain) {
        return response;
    }
    let said = axum::body::to_bytes(response.into_body(), REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let detail = format!("the path or the query is not what this route takes: {}", String::from_utf8_lossy(&said));
    Trouble::new(status, detail).into_response()
}

async fn admit(
    app: &App,
    request: &mut Request<Body>,
    left: &mut Option<Left>,
) -> Result<tokio::sync::OwnedSemaphorePermit, Trouble> {
    body::framed(request.headers())?;
    body::plain(request.uri())?;
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let closed = || Trouble::new(StatusCode::FORBIDDEN, "this route is closed");
    // A route that does not know the method says so itself.
    let elsewhere = TABLE.iter().any(|(_, route, _)| *route == path).then_some(Known);
    let access = of(request.method(), &path).or(elsewhere).ok_or_else(closed)?;
    let address = request.extensions().get::<Peer>().map_or_else(String::new, |peer| peer.0.to_string());
    if access == Open {
        *left = Some(app.rates.of_stranger(&address, &app.limits));
        often(left.as_ref())?;
    } else {
        let who = match who(app, request.headers()).await {
            Ok(who) => who,
            Err(trouble) => {
                // Whoever tries tokens is as slow as one who tries passwords.
                *left = Some(app.rates.of_stranger(&address, &app.limits));
                often(left.as_ref())?;
                return Err(trouble);
            }
        };
        if !who.owns && !who.may(WorkTasks) {
            *left = Some(app.rates.of_known(&who.caller.account.0, &app.limits));
            often(left.as_ref())?;
        }
        if !who.grants(access) {
            return Err(forbidden(&who, access));
        }
        request.extensions_mut().insert(who);
    }
    version(request)?;
    app.requests.enter()
}

/// Whether somebody has asked too often.
fn often(left: Option<&Left>) -> Result<(), Trouble> {
    match left {
        Some(Left { granted: false, most, reset, .. }) => {
            let detail = format!("too many requests: {most} at once are allowed, and then a few a second; wait");
            Err(Trouble::later(StatusCode::TOO_MANY_REQUESTS, detail, (*reset).max(Duration::from_secs(1))).coded("too-often"))
        }
        _ => Ok(()),
    }
}

fn forbidden(who: &Who, access: Access) -> Trouble {
    let wanted = match access {
        May(permission) => permission.to_string(),
        Either(one, other) => format!("{one} or {other}"),
        Open | Known => String::new(),
    };
    let by = if who.caller.scopes.is_some() { "this token of a" } else { "a" };
    let detail = format!("{by} {} may not do that: it wants the permission {wanted}; an admin can give it", who.caller.role);
    Trouble::new(StatusCode::FORBIDDEN, detail)
}

/// Who shows these headers.
pub async fn who(app: &App, headers: &HeaderMap) -> Result<Who, Trouble> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = given else {
        let detail = "this farm wants a token; give it with --token-file or KLIEG_TOKEN (HTTP: Authorization: Bearer …)";
        return Err(Trouble::new(StatusCode::UNAUTHORIZED, detail));
    };
    of_token(app, token.trim()).await
}

/// Whose token it is: the farm's own, one of an account, or one that a login gave.
pub async fn of_token(app: &App, token: &str) -> Result<Who, Trouble> {
    // Comparing hashes of the blake3 crate takes the same time whatever they are.
    if blake3::hash(token.as_bytes()) == app.token {
        return Ok(Who::owner());
    }
    app.accounts()?.caller(token, now()).await.map(|caller| Who { caller, owns: false }).map_err(|error| match error {
        AccountError::BadToken(why) => {
            let detail = format!(
                "the token is not this farm's ({why}); give the one in the server's token file with --token-file or KLIEG_TOKEN, or log in"
            );
            Trouble::new(StatusCode::UNAUTHORIZED, detail)
        }
        other => other.into(),
    })
}

/// Agents must name the version that they speak; people with curl need not.
fn version(request: &Request<Body>) -> Result<(), Trouble> {
    let named = request.headers().get(PROTOCOL_HEADER);
    if named.is_none() && !request.uri().path().starts_with("/v1/nodes") {
        return Ok(());
    }
    let named = named.and_then(|value| value.to_str().ok()).unwrap_or("none");
    if named == PROTOCOL.to_string() {
        return Ok(());
    }
    let detail = format!(
        "this server speaks version {PROTOCOL} of the farm's protocol and the caller {named}; install the same klieg on both"
    );
    Err(Trouble::new(StatusCode::UPGRADE_REQUIRED, detail))
}

impl From<AccountError> for Trouble {
    fn from(error: AccountError) -> Self {
        let detail = format!("failed to {error}");
        let status = match &error {
            AccountError::Database(_) | AccountError::Busy => {
                return Self::later(StatusCode::SERVICE_UNAVAILABLE, detail, Duration::from_secs(1));
            }
            AccountError::Slower { wait, .. } => {
                return Self::later(StatusCode::TOO_MANY_REQUESTS, detail, Duration::from_secs(wait.unsigned_abs()));
            }
            AccountError::BadName(_) | AccountError::BadPassword { .. } | AccountError::BadNewToken { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            AccountError::Taken(_) => StatusCode::CONFLICT,
            AccountError::Crowded(_) => StatusCode::FORBIDDEN,
            AccountError::NotThem | AccountError::BadToken(_) => StatusCode::UNAUTHORIZED,
            AccountError::Missing(_) => StatusCode::NOT_FOUND,
            AccountError::TooMuch { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, detail)
    }
}
