//! Who may come in: sign in, refresh, tokens, accounts, audit.

use super::Problems;
use crate::{
    access::{Who, now},
    app::{App, Input, json},
    connections::Peer,
    people::Registration,
    problem::Trouble,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use klieg_accounts::{self as accounts, AccountError, AccountId, NewToken, Permission, Role};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(me))
        .routes(routes!(keys))
        .routes(routes!(password))
        .routes(routes!(register))
        .routes(routes!(sign_up))
        .routes(routes!(all))
        .routes(routes!(close))
        .routes(routes!(tokens, issue))
        .routes(routes!(end))
        .routes(routes!(audit))
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    name: String,
    #[schema(format = Password)]
    password: String,
}

/// What a login gives.
#[derive(Serialize, ToSchema)]
pub(super) struct Pair {
    /// For `Authorization: Bearer`; a JWT (EdDSA).
    access_token: String,
    /// For `/auth/refresh`, once.
    refresh_token: String,
    /// Seconds until the access token is worth nothing.
    expires_in: i64,
    role: String,
}

impl From<accounts::Pair> for Pair {
    fn from(pair: accounts::Pair) -> Self {
        let accounts::Pair { access_token, refresh_token, expires_in, role } = pair;
        Self { access_token, refresh_token, expires_in, role: role.to_string() }
    }
}

/// No secret is ever kept by whatever is between.
pub(super) fn secret(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Signs in
#[utoipa::path(post, path = "/auth/login", tag = "people", request_body = Login, security(()), responses((status = 200, body = Pair), Problems))]
async fn login(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Input(Login { name, password }): Input<Login>,
) -> Result<Response, Trouble> {
    let accounts = app.accounts()?;
    match accounts.login(&name, &password, now()).await {
        Ok(pair) => Ok(secret(StatusCode::OK, &Pair::from(pair))),
        Err(error) => {
            if matches!(error, AccountError::NotThem | AccountError::Slower { .. }) {
                missed(&app, &name, &address(peer)).await;
            }
            Err(error.into())
        }
    }
}

/// Where a request comes from.
fn address(peer: Option<Extension<Peer>>) -> String {
    peer.map_or_else(|| "an unknown address".into(), |Extension(peer)| peer.0.to_string())
}

/// Wrong passwords for one name from one address are noted once a minute, and so many from one address in a minute.
const MISSES_PER_MINUTE: u32 = 10;

/// Notes a wrong password in the audit.
async fn missed(app: &App, name: &str, address: &str) {
    let (now_s, at) = (now(), Instant::now());
    let pair = format!("{address} {}", blake3::hash(name.trim().to_lowercase().as_bytes()).to_hex());
    let noted = app.misses.take(&pair, 1.0 / 60.0, 1, at).granted
        && app.misses.take(address, f64::from(MISSES_PER_MINUTE) / 60.0, MISSES_PER_MINUTE, at).granted;
    if !noted {
        return;
    }
    if let Ok(accounts) = app.accounts()
        && let Err(error) = accounts.note_miss(name, address, now_s).await
    {
        tracing::warn!(%error, "a wrong password is not in the audit");
    }
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    refresh_token: String,
}

/// Gives the next pair for a refresh token
///
/// Which then works no more: showing it twice ends the session.
#[utoipa::path(post, path = "/auth/refresh", tag = "people", request_body = Refresh, security(()), responses((status = 200, body = Pair), Problems))]
async fn refresh(State(app): State<App>, Input(Refresh { refresh_token }): Input<Refresh>) -> Result<Response, Trouble> {
    let pair = app.accounts()?.refresh(&refresh_token, now()).await?;
    Ok(secret(StatusCode::OK, &Pair::from(pair)))
}

/// Ends the session of the access token
#[utoipa::path(post, path = "/auth/logout", tag = "people", responses((status = 204), Problems))]
async fn logout(State(app): State<App>, Extension(who): Extension<Who>) -> Result<StatusCode, Trouble> {
    app.accounts()?.logout(&who.caller, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks, and what they may do.
#[derive(Serialize, ToSchema)]
struct Me {
    /// `farm`: whoever has the farm's own token.
    account: String,
    name: String,
    role: String,
    permissions: Vec<String>,
}

/// Who asks, and what they may do
#[utoipa::path(get, path = "/auth/me", tag = "people", responses((status = 200, body = Me), Problems))]
async fn me(State(app): State<App>, Extension(who): Extension<Who>) -> Result<Response, Trouble> {
    let account = who.caller.account.clone();
    let name = match who.owns {
        true => "the farm's token".to_owned(),
        false => app.accounts()?.account(&account).await?.name,
    };
    let permissions =
        Permission::ALL.into_iter().filter(|permission| who.may(*permission)).map(|permission| permission.to_string());
    let me = Me { account: account.0, name, role: who.caller.role.to_string(), permissions: permissions.collect() };
    Ok(json(StatusCode::OK, &me))
}

/// The keys by which access tokens are checked (RFC 7517)
#[utoipa::path(get, path = "/auth/keys", tag = "people", security(()), responses((status = 200, body = Object), Problems))]
async fn keys(State(app): State<App>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &app.accounts()?.jwks(now()).await?))
}

/// The old password and the next.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Passwords {
    #[schema(format = Password)]
    old: String,
    #[schema(format = Password)]
    new: String,
}

/// Changes one's own password
#[utoipa::path(post, path = "/auth/password", tag = "people", request_body = Passwords, responses((status = 204), Problems))]
async fn password(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Input(Passwords { old, new }): Input<Passwords>,
) -> Result<StatusCode, Trouble> {
    account_of(&who)?;
    app.accounts()?.change_password(&who.caller, &old, &new, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The farm's own token belongs to nobody.
fn account_of(who: &Who) -> Result<&AccountId, Trouble> {
    match who.owns {
        false => Ok(&who.caller.account),
        true => Err(Trouble::new(
            StatusCode::CONFLICT,
            "the farm's own token belongs to no account: make one with /auth/register, and log in as that",
        )
        .coded("no-account")),
    }
}

/// Somebody who is to have an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    name: String,
    #[schema(format = Password)]
    password: String,
    /// `admin`, `operator`, `moderator`, `creator`, `viewer` or `node`.
    #[serde(default = "viewer")]
    role: String,
}

fn viewer() -> String {
    Role::Viewer.to_string()
}

/// An account.
#[derive(Serialize, ToSchema)]
struct Account {
    id: String,
    name: String,
    role: String,
    /// Seconds since 1970.
    created_at: i64,
    closed: bool,
}

impl From<accounts::Account> for Account {
    fn from(account: accounts::Account) -> Self {
        let accounts::Account { id, name, role, created_at, closed } = account;
        Self { id: id.0, name, role: role.to_string(), created_at, closed }
    }
}

/// Makes an account
#[utoipa::path(post, path = "/auth/register", tag = "people", request_body = Register, responses((status = 201, body = Account), Problems))]
async fn register(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Input(new): Input<Register>,
) -> Result<Response, Trouble> {
    let wrong =
        |error: accounts::Unknown| Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, format!("failed to {error}")).at("/role".into());
    let role: Role = new.role.parse().map_err(wrong)?;
    let account = app.accounts()?.create(&new.name, &new.password, role, &who.caller.account.0, now()).await?;
    Ok(json(StatusCode::CREATED, &Account::from(account)))
}

/// Accounts that people of one address may make for themselves at once, and then in an hour.
const NEWCOMERS: u32 = 5;
/// Accounts that people may have made for themselves, closed ones too.
const NEWCOMERS_MAX: i64 = 10_000;

/// Makes an account for oneself
///
/// A viewer's, where the farm is open to that (`klieg serve --registration open`).
#[utoipa::path(post, path = "/auth/signup", tag = "people", request_body = Login, security(()), responses((status = 201, body = Account), Problems))]
async fn sign_up(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    Input(Login { name, password }): Input<Login>,
) -> Result<Response, Trouble> {
    if app.people.registration != Registration::Open {
        let detail = "this farm is closed to newcomers: ask an admin for an account (`klieg accounts make`)";
        return Err(Trouble::new(StatusCode::FORBIDDEN, detail).coded("registration-closed"));
    }
    let left = app.newcomers.take(&address(peer), f64::from(NEWCOMERS) / 3_600.0, NEWCOMERS, Instant::now());
    if !left.granted {
        let detail = format!("{NEWCOMERS} accounts an hour can be made from one address; wait, or ask an admin for one");
        return Err(Trouble::later(StatusCode::TOO_MANY_REQUESTS, detail, left.reset).coded("too-often"));
    }
    let account = app.accounts()?.join(&name, &password, NEWCOMERS_MAX, now()).await?;
    Ok(json(StatusCode::CREATED, &Account::from(account)))
}

/// All accounts, by name
#[utoipa::path(get, path = "/accounts", tag = "people", responses((status = 200, body = [Account]), Problems))]
async fn all(State(app): State<App>) -> Result<Response, Trouble> {
    let all = app.accounts()?.all().await?;
    Ok(json(StatusCode::OK, &all.into_iter().map(Account::from).collect::<Vec<_>>()))
}

/// Closes an account
///
/// Its sessions and tokens are worth nothing from then on.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "people", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn close(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    app.accounts()?.close(&AccountId(id), &who.caller.account.0, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token of an account, for a program.
#[derive(Serialize, ToSchema)]
struct Token {
    id: String,
    name: String,
    scopes: Vec<String>,
    /// Seconds since 1970.
    created_at: i64,
    expires_at: Option<i64>,
    ended: bool,
}

/// One's own tokens, the newest first
#[utoipa::path(get, path = "/tokens", tag = "people", responses((status = 200, body = [Token]), Problems))]
async fn tokens(State(app): State<App>, Extension(who): Extension<Who>) -> Result<Response, Trouble> {
    let known = match who.owns {
        true => Vec::new(),
        false => app.accounts()?.tokens(&who.caller.account).await?,
    };
    let token = |token: accounts::TokenInfo| Token {
        scopes: token.scopes.iter().map(Permission::to_string).collect(),
        id: token.id,
        name: token.name,
        created_at: token.created_at,
        expires_at: token.expires_at,
        ended: token.ended,
    };
    Ok(json(StatusCode::OK, &known.into_iter().map(token).collect::<Vec<_>>()))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Issue {
    name: String,
    /// What it may do; never more than whoever makes it.
    scopes: Vec<String>,
    /// Seconds since 1970; for ever if not given.
    #[serde(default)]
    expires_at: Option<i64>,
    /// For which account; one's own if not given. Only admins make tokens for others, such as for nodes.
    #[serde(default)]
    account: Option<String>,
}

/// A token that has just been made. It is not shown again.
#[derive(Serialize, ToSchema)]
struct Issued {
    id: String,
    token: String,
}

/// Makes a token
#[utoipa::path(post, path = "/tokens", tag = "people", request_body = Issue, responses((status = 201, body = Issued), Problems))]
async fn issue(State(app): State<App>, Extension(who): Extension<Who>, Input(new): Input<Issue>) -> Result<Response, Trouble> {
    let owner = match new.account {
        Some(other) => AccountId(other),
        None => account_of(&who)?.clone(),
    };
    let wrong = |at: usize, error: accounts::Unknown| {
        Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, format!("failed to {error}")).at(format!("/scopes/{at}"))
    };
    let scopes = new.scopes.iter().enumerate().map(|(at, scope)| scope.parse().map_err(|error| wrong(at, error)));
    let scopes = scopes.collect::<Result<Vec<Permission>, Trouble>>()?;
    let new = NewToken { name: new.name, scopes, expires_at: new.expires_at };
    let accounts::Issued { id, token } = app.accounts()?.issue(&who.caller, &owner, &new, now()).await?;
    Ok(secret(StatusCode::CREATED, &Issued { id, token }))
}

/// Ends a token
#[utoipa::path(delete, path = "/tokens/{id}", tag = "people", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn end(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    let account = account_of(&who)?;
    app.accounts()?.end_token(account, &id, &account.0, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which part of the audit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Entries on a page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<i64>,
    /// What an earlier page gave as `next`.
    before: Option<i64>,
}

/// Who did what, the newest first.
#[derive(Serialize, ToSchema)]
struct Audit {
    entries: Vec<Entry>,
    /// For `before`, to get the next page; null: there is none.
    next: Option<i64>,
}

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
struct Entry {
    id: i64,
    /// Seconds since 1970.
    at: i64,
    actor: String,
    action: String,
    subject: String,
}

/// Who did what, the newest first
#[utoipa::path(get, path = "/audit", tag = "people", params(Part), responses((status = 200, body = Audit), Problems))]
async fn audit(State(app): State<App>, Query(Part { limit, before }): Query<Part>) -> Result<Response, Trouble> {
    let page = app.accounts()?.audit(limit.unwrap_or(100), before).await?;
    let entry = |entry: accounts::AuditEntry| Entry {
        id: entry.id,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        subject: entry.subject,
    };
    Ok(json(StatusCode::OK, &Audit { entries: page.entries.into_iter().map(entry).collect(), next: page.next }))
}
