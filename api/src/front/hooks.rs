//! Webhooks: who is told of what happens, and what became of it.

use super::Problems;
use crate::{
    access::{Who, now},
    app::{App, Input, json},
    problem::Trouble,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use klieg_accounts::Permission;
use klieg_webhooks::{self as webhooks, WebhookError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(all, add))
        .routes(routes!(show, remove))
        .routes(routes!(enable))
        .routes(routes!(renew))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

impl From<WebhookError> for Trouble {
    fn from(error: WebhookError) -> Self {
        let detail = format!("failed to {error}");
        let status = match &error {
            WebhookError::Database(_) => {
                return Self::later(StatusCode::SERVICE_UNAVAILABLE, detail, std::time::Duration::from_secs(1));
            }
            WebhookError::Missing(_) => StatusCode::NOT_FOUND,
            WebhookError::TooMany { .. } | WebhookError::Disabled(_) | WebhookError::TooManyWait(_) => StatusCode::CONFLICT,
            WebhookError::BadUrl { .. } | WebhookError::BadEvents { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, detail)
    }
}

/// Whose webhooks somebody sees: one's own; admins everybody's.
fn owner(who: &Who) -> Option<&str> {
    (!who.may(Permission::ManageAccounts)).then_some(who.caller.account.0.as_str())
}

/// Who is told of what.
#[derive(Serialize, ToSchema)]
pub(super) struct Webhook {
    id: String,
    /// The account whose it is.
    owner: String,
    url: String,
    /// `job.succeeded`, `job.*`, or `*`.
    events: Vec<String>,
    /// Seconds since 1970.
    created_at: i64,
    disabled_at: Option<i64>,
    /// Why nothing is delivered any more.
    disabled_why: Option<String>,
    /// Only when it has just been added: what its deliveries are signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<webhooks::Webhook> for Webhook {
    fn from(webhook: webhooks::Webhook) -> Self {
        let webhooks::Webhook { id, owner, url, events, created_at, disabled_at, disabled_why } = webhook;
        Self { id, owner, url, events, created_at, disabled_at, disabled_why, secret: None }
    }
}

/// All webhooks of an account.
pub(super) async fn of_owner(app: &App, account: &str) -> Result<Vec<Webhook>, Trouble> {
    Ok(app.webhooks()?.all(Some(account)).await?.into_iter().map(Webhook::from).collect())
}

/// A webhook to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// Where it is told: reachable by everybody, unless the farm allows more.
    #[schema(example = "https://app.example/klieg")]
    url: String,
    /// `job.succeeded`, `job.failed`, `job.cancelled`, `job.*`, or `*`.
    #[serde(default = "everything")]
    events: Vec<String>,
}

fn everything() -> Vec<String> {
    vec!["*".into()]
}

/// One's own webhooks; an admin's are everybody's
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", responses((status = 200, body = [Webhook]), Problems))]
async fn all(State(app): State<App>, Extension(who): Extension<Who>) -> Result<Response, Trouble> {
    let all = app.webhooks()?.all(owner(&who)).await?;
    Ok(json(StatusCode::OK, &all.into_iter().map(Webhook::from).collect::<Vec<_>>()))
}

/// Adds a webhook
///
/// Deliveries are signed as Standard Webhooks says, with the secret that is shown here and never again.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook, responses((status = 201, body = Webhook), Problems))]
async fn add(State(app): State<App>, Extension(who): Extension<Who>, Input(new): Input<NewWebhook>) -> Result<Response, Trouble> {
    let new = webhooks::NewWebhook { url: new.url, events: new.events };
    let created = app.webhooks()?.add(&who.caller.account.0, &new, now()).await?;
    let secret = Some(created.secret.reveal().to_owned());
    Ok(json(StatusCode::CREATED, &Webhook { secret, ..created.webhook.into() }))
}

/// A webhook
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)), responses((status = 200, body = Webhook), Problems))]
async fn show(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let found = app.webhooks()?.webhook(owner(&who), &id).await?;
    Ok(json(StatusCode::OK, &Webhook::from(found)))
}

/// Removes a webhook, and what waits for it
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn remove(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    app.webhooks()?.remove(owner(&who), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delivers again to a webhook that had been given up
#[utoipa::path(post, path = "/webhooks/{id}/enable", tag = "webhooks", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn enable(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    app.webhooks()?.enable(owner(&who), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret, shown once.
#[derive(Serialize, ToSchema)]
struct Secret {
    secret: String,
}

/// Gives a webhook another secret
///
/// For a day deliveries are signed with the one before, too.
#[utoipa::path(post, path = "/webhooks/{id}/secret", tag = "webhooks", params(("id" = String, Path)), responses((status = 201, body = Secret), Problems))]
async fn renew(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let secret = app.webhooks()?.renew_secret(owner(&who), &id, now()).await?;
    Ok(json(StatusCode::CREATED, &Secret { secret: secret.reveal().to_owned() }))
}

/// An event that is on its way.
#[derive(Serialize, ToSchema)]
struct Sent {
    /// What the receiver sees as `webhook-id`.
    delivery: String,
}

/// Sends a webhook an event that is only a test
///
/// `webhook.test`, whatever the webhook listens to; its deliveries tell what became of it.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = String, Path)), responses((status = 202, body = Sent), Problems))]
async fn test(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let delivery = app.webhooks()?.test(owner(&who), &id, now()).await?;
    Ok(json(StatusCode::ACCEPTED, &Sent { delivery }))
}

/// Which part of the deliveries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Deliveries on a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// What an earlier page gave as `next`.
    before: Option<i64>,
}

/// What became of an event on its way to a webhook.
#[derive(Serialize, ToSchema)]
struct Delivery {
    /// What the receiver sees as `webhook-id`, at every try the same.
    id: String,
    event: String,
    /// `waiting`, `delivered` or `failed`.
    state: String,
    /// Seconds since 1970.
    created_at: i64,
    attempts: i64,
    due_at: Option<i64>,
    tried_at: Option<i64>,
    /// What the receiver answered last.
    status: Option<i64>,
    /// What was wrong with the last try.
    trouble: Option<String>,
}

/// What became of events, the newest first.
#[derive(Serialize, ToSchema)]
struct Deliveries {
    deliveries: Vec<Delivery>,
    /// For `before`, to get the next page; null: there is none.
    next: Option<i64>,
}

/// What became of a webhook's deliveries
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = String, Path), Part), responses((status = 200, body = Deliveries), Problems))]
async fn deliveries(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Query(Part { limit, before }): Query<Part>,
) -> Result<Response, Trouble> {
    let webhooks = app.webhooks()?;
    webhooks.webhook(owner(&who), &id).await?;
    let page = webhooks.deliveries(&id, limit.unwrap_or(100), before).await?;
    let delivery = |delivery: webhooks::Delivery| Delivery {
        id: delivery.id,
        event: delivery.event,
        state: match delivery.state {
            webhooks::State::Waiting => "waiting",
            webhooks::State::Delivered => "delivered",
            webhooks::State::Failed => "failed",
        }
        .into(),
        created_at: delivery.created_at,
        attempts: delivery.attempts,
        due_at: delivery.due_at,
        tried_at: delivery.tried_at,
        status: delivery.status,
        trouble: delivery.trouble,
    };
    Ok(json(StatusCode::OK, &Deliveries { deliveries: page.deliveries.into_iter().map(delivery).collect(), next: page.next }))
}

/// Delivers again, under the same id
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/replay", tag = "webhooks",
    params(("id" = String, Path), ("delivery" = String, Path)), responses((status = 202), Problems))]
async fn replay(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<StatusCode, Trouble> {
    let webhooks = app.webhooks()?;
    webhooks.webhook(owner(&who), &id).await?;
    webhooks.replay(&id, &delivery, now()).await?;
    Ok(StatusCode::ACCEPTED)
}
