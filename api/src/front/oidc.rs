//! Ways to sign in, and one of them: by another provider (OpenID Connect). No token stands in an address: who comes back gets a ticket behind
//! `#`, which no server sees, and only the page that set out can change it for a session.

use super::{Problems, people::Pair};
use crate::{
    access::now,
    app::{App, Input, json},
    oidc::Oidc,
    people::Registration,
    problem::Trouble,
};
use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ways)).routes(routes!(set_out)).routes(routes!(come_back)).routes(routes!(redeem))
}

/// How one may sign in.
#[derive(Serialize, ToSchema)]
struct Ways {
    /// Whoever comes may make an account for themselves, with `/auth/signup`.
    signup: bool,
    /// What another provider is called, by which `/auth/oidc` leads in; null: there is none.
    oidc: Option<String>,
}

/// How one may sign in, besides with a name and a password
#[utoipa::path(get, path = "/auth/ways", tag = "people", security(()), responses((status = 200, body = Ways), Problems))]
async fn ways(State(app): State<App>) -> Response {
    let oidc = app.oidc.as_ref().map(|oidc| oidc.options.name.clone());
    json(StatusCode::OK, &Ways { signup: app.people.registration == Registration::Open, oidc })
}

fn provider(app: &App) -> Result<&Oidc, Trouble> {
    let none = || Trouble::new(StatusCode::NOT_FOUND, "this farm knows no other provider; log in with a name").coded("no-oidc");
    app.oidc.as_ref().ok_or_else(none)
}

/// The page that sets out.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// BLAKE3, in hex, of a secret that the page keeps, and shows when it asks for its session.
    page: String,
}

fn to(place: &str) -> Result<Response, Trouble> {
    let bad = |error: http::header::InvalidHeaderValue| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::try_from(place).map_err(bad)?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Leads to the other provider
#[utoipa::path(get, path = "/auth/oidc", tag = "people", security(()), params(Page), responses((status = 303, description = "To the provider."), Problems))]
async fn set_out(State(app): State<App>, Query(Page { page }): Query<Page>) -> Result<Response, Trouble> {
    let oidc = provider(&app)?;
    let bad = |error: klieg_accounts::AccountError| match error {
        klieg_accounts::AccountError::BadToken(what) => Trouble::new(StatusCode::BAD_REQUEST, what),
        other => other.into(),
    };
    let journey = app.accounts()?.set_out(&page, now()).await.map_err(bad)?;
    to(&oidc.leave_for(&journey).await?)
}

/// With what the provider sends somebody back.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Back {
    state: Option<String>,
    code: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Who sends them back (RFC 9207).
    iss: Option<String>,
}

/// Where the other provider sends people back to
///
/// It leads to the dashboard, with a ticket behind `#`.
#[utoipa::path(get, path = "/auth/oidc/callback", tag = "people", security(()), params(Back), responses((status = 303, description = "To the dashboard."), Problems))]
async fn come_back(State(app): State<App>, headers: HeaderMap, Query(back): Query<Back>) -> Result<Response, Trouble> {
    match ticket(&app, back).await {
        Ok(ticket) => to(&format!("/#/signed-in?ticket={ticket}")),
        Err(trouble) => {
            let page =
                headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes().windows(9).any(|nine| nine == b"text/html"));
            tracing::info!(detail = trouble.detail(), "a login by the other provider failed");
            // A browser shows the page to sign in, which says what was wrong.
            if page { to(&format!("/#/signed-in?failed={}", trouble.code())) } else { Err(trouble) }
        }
    }
}

async fn ticket(app: &App, back: Back) -> Result<String, Trouble> {
    let (oidc, accounts) = (provider(app)?, app.accounts()?);
    let Back { state, code, error, iss } = back;
    let state = state.ok_or_else(|| Trouble::new(StatusCode::BAD_REQUEST, "the provider sends no state back"))?;
    let kept = accounts.come_back(&state, now()).await?;
    if iss.is_some_and(|iss| iss != oidc.options.issuer) {
        let detail = "another provider than the one that was asked sends you back";
        return Err(Trouble::new(StatusCode::UNAUTHORIZED, detail).coded("login-refused"));
    }
    let Some(code) = code.filter(|_| error.is_none()) else {
        let detail = "the provider did not let you in; begin again, or log in with a password";
        return Err(Trouble::new(StatusCode::UNAUTHORIZED, detail).coded("login-refused"));
    };
    let account = oidc.welcome(accounts, &code, &kept).await?;
    Ok(accounts.ticket(&account, &kept, now()).await?)
}

/// A ticket, and the secret of the page that set out for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Ticket {
    ticket: String,
    page: String,
}

/// Begins a session for a ticket that the other provider's callback gave
#[utoipa::path(post, path = "/auth/oidc/session", tag = "people", request_body = Ticket, security(()), responses((status = 200, body = Pair), Problems))]
async fn redeem(State(app): State<App>, Input(Ticket { ticket, page }): Input<Ticket>) -> Result<Response, Trouble> {
    provider(&app)?;
    let pair = app.accounts()?.redeem(&ticket, &page, now()).await?;
    Ok(super::people::secret(StatusCode::OK, &Pair::from(pair)))
}
