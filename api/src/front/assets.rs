//! What jobs take and make, by digest.

use super::{
    Problems,
    views::{self, Asset, Upload, UploadPlace},
};
use crate::{
    access::Who,
    app::{App, Input, json},
    artifacts,
    problem::Trouble,
    quotas,
};
use axum::{
    Extension,
    extract::{Path, Query, Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};
use klieg_protocol::Digest;
use klieg_scheduler::Farm;
use std::collections::BTreeSet;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(place)).routes(routes!(give, take))
}

fn digest_of(text: &str) -> Result<Digest, Trouble> {
    views::digest(text).map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("failed to {error}")))
}

/// Where an artifact is uploaded
///
/// It is to be sent there with PUT, unless it is here already.
#[utoipa::path(post, path = "/assets/upload", tag = "assets", request_body = Upload, responses((status = 200, body = UploadPlace), Problems))]
async fn place(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Input(upload): Input<Upload>,
) -> Result<Response, Trouble> {
    let wrong = |trouble: klieg_protocol::NotADigest| {
        Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, format!("failed to {trouble}")).at("/digest".into())
    };
    let digest = views::digest(&upload.digest).map_err(wrong)?;
    let most = app.limits.artifact_bytes_max;
    if upload.bytes > most {
        let detail = format!("the artifact has {} bytes; the limit is {most} (artifact_bytes_max)", upload.bytes);
        return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let present = farm.missing(BTreeSet::from([digest])).await?.is_empty();
    let url = views::upload_url(digest, &upload.project);
    Ok(json(StatusCode::OK, &UploadPlace { present, method: "PUT".into(), url }))
}

/// An artifact
#[utoipa::path(get, path = "/assets/{digest}", tag = "assets", params(("digest" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 206, content_type = "application/octet-stream", body = Vec<u8>), Problems))]
async fn give(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(digest): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    artifacts::serve(&app, &farm, digest_of(&digest)?, &method, &headers).await
}

/// Uploads an artifact
///
/// It is there, as a whole, when this is answered, and not before: its bytes must have the digest.
#[utoipa::path(put, path = "/assets/{digest}", tag = "assets", params(("digest" = String, Path), views::Charged),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = Asset), Problems))]
async fn take(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(digest): Path<String>,
    Query(views::Charged { project }): Query<views::Charged>,
    request: Request,
) -> Result<Response, Trouble> {
    let digest = digest_of(&digest)?;
    views::project_name(&project)?;
    let counted = quotas::upload(&app, &who, &project, digest, artifacts::length_of(&app, &request)?).await?;
    artifacts::accept(&app, &farm, digest, request).await?;
    counted.kept();
    let url = format!("/api/v1/assets/{}", digest.hex());
    Ok(json(StatusCode::CREATED, &Asset { digest: digest.hex(), url }))
}
