//! `/api/v1`: what people, web apps and the command line ask for. A file a resource; `views` is what they take and give, and
//! `crate::access` says who may.

mod assets;
mod docs;
pub mod events;
mod farm;
mod hooks;
mod jobs;
mod moderate;
mod oidc;
mod outputs;
mod people;
mod privacy;
pub mod queues;
mod socket;
mod uploads;
pub mod views;

pub(crate) use farm::all as nodes_of;

use crate::{app::App, idempotency, leader};
use axum::{
    Json, Router, middleware,
    routing::{MethodRouter, get},
};
use std::collections::BTreeMap;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

/// The ways in which every route may fail.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = |what: &str| {
            let content = Content::new(Some(Ref::from_schema_name("Problem")));
            RefOr::T(ResponseBuilder::new().description(what).content(klieg_protocol::wire::PROBLEM, content).build())
        };
        [
            ("400", "The request is not what this route takes."),
            ("401", "There is no token, or not one of this farm's."),
            ("403", "Whoever asks may not do that."),
            ("404", "There is no such thing."),
            ("409", "It does not go with what is there."),
            ("413", "The body is too long."),
            ("415", "The body is not of a type that this route takes."),
            ("422", "What was asked for is wrong: `detail` says what would be right, `place` or `pointer` where."),
            ("429", "A bound is reached: again after `Retry-After`."),
            ("500", "The server failed; its log has the request's id."),
            ("503", "No scheduler is active, or something that it needs is away: again after `Retry-After`."),
        ]
        .into_iter()
        .map(|(status, what)| (status.to_owned(), problem(what)))
        .collect()
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "klieg",
        description = "Turns scripts into films on every GPU you own. Send `Authorization: Bearer` with the farm's token, a token of an account, or what a login gave. A standby answers 307 with the leader's address.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    modifiers(&Security),
    components(schemas(ProblemView)),
    security(("token" = [])),
    tags(
        (name = "jobs", description = "Submit, look, watch, fetch, cancel"),
        (name = "generate", description = "One route a kind of job"),
        (name = "farm", description = "Nodes, queue, projects, costs"),
        (name = "assets", description = "What jobs take and make, by digest"),
        (name = "moderation", description = "What content is judged to be, and what people decide of it"),
        (name = "webhooks", description = "Other programs are told of what happens"),
        (name = "people", description = "Sign in, tokens, accounts, audit"),
    )
)]
struct Document;

/// Why a request was not granted (RFC 9457).
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "only its schema is wanted: the type itself is the protocol's")]
struct ProblemView {
    #[schema(rename = "type")]
    r#type: String,
    title: String,
    status: u16,
    /// One sentence for people, with the remedy if there is one.
    detail: String,
    /// For programs: never changes for the same cause.
    #[schema(example = "no-such-job")]
    code: Option<String>,
    /// As the server's log names the request.
    request_id: Option<String>,
    /// Where in the body (RFC 6901).
    pointer: Option<String>,
    /// Where in a script.
    place: Option<PlaceView>,
    /// Digests of artifacts that are wanted first.
    missing: Option<Vec<String>>,
    /// With `quota-exceeded`.
    quota: Option<HitView>,
}

/// The quota that does not allow it.
#[derive(utoipa::ToSchema)]
#[schema(as = QuotaHit)]
#[expect(dead_code, reason = "only its schema is wanted: it is written as JSON where it is hit")]
struct HitView {
    project: String,
    /// As `PUT /projects/{name}` calls it.
    #[schema(example = "jobs_open_max")]
    name: String,
    used: f64,
    limit: f64,
}

/// Where bad input is.
#[derive(utoipa::ToSchema)]
#[schema(as = Place)]
#[expect(dead_code, reason = "only its schema is wanted: the type itself is the protocol's")]
struct PlaceView {
    file: String,
    /// From 1; 0 when the whole file is meant.
    line: u32,
    column: u32,
}

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = document.components.as_mut() {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
    }
}

/// The routes, and the document that describes them.
fn described(app: &App) -> (Router<App>, utoipa::openapi::OpenApi) {
    // Whatever needs the active scheduler is sent on by a standby.
    let led = OpenApiRouter::new()
        .merge(jobs::routes().layer(middleware::from_fn_with_state(app.clone(), idempotency::keep)))
        .merge(events::routes())
        .merge(outputs::routes())
        .merge(farm::routes())
        .merge(assets::routes())
        .merge(queues::routes())
        .merge(moderate::routes())
        .merge(socket::routes())
        .merge(privacy::routes())
        .layer(middleware::from_fn_with_state(app.clone(), leader::find_farm));
    let all = OpenApiRouter::new().merge(led).merge(people::routes()).merge(oidc::routes()).merge(hooks::routes());
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", all).split_for_parts();
    // A name with slashes in it is one parameter, for which OpenAPI has no word of its own.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    (router, document)
}

/// All of `/api/v1`.
pub fn routes(app: &App) -> Router<App> {
    let (router, document) = described(app);
    let document = std::sync::Arc::new(document);
    router.route("/api/v1/openapi.json", get(move || async move { Json((*document).clone()) }))
}

/// The page that tells people of it.
pub fn docs(app: &App) -> MethodRouter<App> {
    let page = docs::page(&document(app));
    get(move || async move { docs::answer(page.clone()) })
}

/// The document alone.
pub fn document(app: &App) -> utoipa::openapi::OpenApi {
    described(app).1
}
