//! What jobs take and make, by digest, and what people know of it: names, projects, types.

use super::{
    Problems,
    views::{self, AssetChange, AssetRecord, Assets, Stored, Upload, UploadPlace, WhichAssets},
};
use crate::{
    access::Who,
    app::{App, Input, json},
    artifacts,
    problem::Trouble,
    quotas, sniff, uploads,
};
use axum::{
    Extension,
    extract::{Path, Query, Request, State},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};
use klieg_accounts::Permission;
use klieg_assets::{ASSETS_PAGE_MAX, AssetError};
use klieg_protocol::Digest;
use klieg_scheduler::Farm;
use std::collections::BTreeSet;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(place))
        .routes(routes!(list))
        .routes(routes!(give, take, change, remove))
        .routes(routes!(record))
        .merge(super::uploads::routes())
}

impl From<AssetError> for Trouble {
    fn from(error: AssetError) -> Self {
        let detail = format!("failed to {error}");
        match &error {
            AssetError::Database(_) => Self::later(StatusCode::SERVICE_UNAVAILABLE, detail, std::time::Duration::from_secs(1)),
            AssetError::TooManyUploads(_) => {
                Self::later(StatusCode::TOO_MANY_REQUESTS, detail, std::time::Duration::from_secs(60)).coded("too-many-uploads")
            }
            AssetError::Missing("asset") => Self::new(StatusCode::NOT_FOUND, detail).coded("no-such-asset"),
            AssetError::Missing(_) => Self::new(StatusCode::NOT_FOUND, detail).coded("no-such-upload"),
        }
    }
}

pub(super) fn digest_of(text: &str) -> Result<Digest, Trouble> {
    views::digest(text).map_err(|error| Trouble::new(StatusCode::BAD_REQUEST, format!("failed to {error}")))
}

/// Characters of an asset's name, of a project's, and of a media type.
const NAME_MAX: usize = 255;
const PROJECT_MAX: usize = 100;
const TYPE_MAX: usize = 127;

/// A text that people give.
fn checked(pointer: &str, text: &str, least: usize, most: usize) -> Result<(), Trouble> {
    let count = text.chars().count();
    if (least..=most).contains(&count) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let detail = format!("it has {least} to {most} characters, none of them a control character");
    Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(pointer.into()))
}

/// Where an asset is uploaded
///
/// With a name: an upload that may break off and go on. Its bytes are sent with PATCH to the `url` that is answered, from the offset that
/// HEAD there tells, and it becomes an asset when all have come. Without one, by its digest alone: all bytes at once, with PUT.
/// `present`: the farm has the bytes already, and nothing is to be sent.
#[utoipa::path(post, path = "/assets/upload", tag = "assets", request_body = Upload, responses((status = 200, body = UploadPlace), Problems))]
async fn place(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Input(upload): Input<Upload>,
) -> Result<Response, Trouble> {
    let wrong = |trouble: klieg_protocol::NotADigest| {
        Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, format!("failed to {trouble}")).at("/digest".into())
    };
    let digest = upload.digest.as_deref().map(views::digest).transpose().map_err(wrong)?;
    let most = app.limits.artifact_bytes_max;
    if upload.bytes > most {
        let detail = format!("the artifact has {} bytes; the limit is {most} (artifact_bytes_max)", upload.bytes);
        return Err(Trouble::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let present = match digest {
        Some(digest) => farm.missing(BTreeSet::from([digest])).await?.is_empty(),
        None => false,
    };
    let place = match (upload.name.is_some(), digest) {
        (true, _) => super::uploads::begin(&app, &farm, &who, &upload, digest.filter(|_| present)).await?,
        (false, Some(digest)) => {
            let url = views::upload_url(digest, &upload.project);
            UploadPlace { present, method: "PUT".into(), url, upload: None, asset: None }
        }
        (false, None) => {
            let detail = "give a `name`, to upload by parts, or a `digest`, to upload all at once";
            return Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at("/name".into()));
        }
    };
    Ok(json(StatusCode::OK, &place))
}

/// What an upload says of itself, checked.
pub(super) fn check(upload: &Upload) -> Result<(), Trouble> {
    checked("/name", upload.name.as_deref().unwrap_or_default(), 1, NAME_MAX)?;
    checked("/project", &upload.project, 0, PROJECT_MAX)?;
    checked("/media_type", upload.media_type.as_deref().unwrap_or_default(), 0, TYPE_MAX)
}

/// Makes an asset of an artifact that is there, and keeps it from being swept. `finish` notes it.
pub(super) async fn kept(farm: &Farm, asset: klieg_assets::Asset, declared: Option<&str>) -> Result<klieg_assets::Asset, Trouble> {
    let digest = digest_of(&asset.digest)?;
    farm.keep(digest).await?;
    let (path, bytes) = (farm.blob_file(&digest).await?, farm.blob_size(digest).await?.unwrap_or(0));
    let head = uploads::begins(&path).map_err(artifacts::disk)?;
    let media_type = sniff::media_type(&head, declared)?;
    Ok(klieg_assets::Asset { media_type, bytes: i64::try_from(bytes).unwrap_or(i64::MAX), ..asset })
}

/// Assets, the newest first
#[utoipa::path(get, path = "/assets", tag = "assets", params(WhichAssets), responses((status = 200, body = Assets), Problems))]
async fn list(State(app): State<App>, Query(which): Query<WhichAssets>) -> Result<Response, Trouble> {
    let limit = which.limit.unwrap_or(50);
    if !(1..=ASSETS_PAGE_MAX).contains(&limit) {
        let detail = format!("a page has 1 to {ASSETS_PAGE_MAX} assets; limit={limit} was asked for");
        return Err(Trouble::new(StatusCode::BAD_REQUEST, detail));
    }
    let page = app.assets()?.page(which.project.as_deref(), limit, which.cursor).await?;
    Ok(json(StatusCode::OK, &Assets { assets: page.assets.into_iter().map(AssetRecord::from).collect(), next: page.next }))
}

/// What is known of an asset
#[utoipa::path(get, path = "/assets/{digest}/record", tag = "assets", params(("digest" = String, Path)), responses((status = 200, body = AssetRecord), Problems))]
async fn record(State(app): State<App>, Path(digest): Path<String>) -> Result<Response, Trouble> {
    let asset = app.assets()?.asset(&digest_of(&digest)?.hex()).await?;
    Ok(json(StatusCode::OK, &AssetRecord::from(asset)))
}

/// Whether somebody may change or remove an asset: it is their own, or they manage everybody's work.
pub(super) fn theirs(who: &Who, of: &str, what: &str) -> Result<(), Trouble> {
    if who.may(Permission::ManageJobs) || !of.is_empty() && of == who.caller.account.0 {
        return Ok(());
    }
    let detail = format!("this {what} is somebody else's: that wants the permission manage-jobs; an admin can give it");
    Err(Trouble::new(StatusCode::FORBIDDEN, detail).coded("not-yours"))
}

/// Gives an asset another name or project
#[utoipa::path(patch, path = "/assets/{digest}", tag = "assets", params(("digest" = String, Path)), request_body = AssetChange,
    responses((status = 200, body = AssetRecord), Problems))]
async fn change(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(digest): Path<String>,
    Input(AssetChange { name, project }): Input<AssetChange>,
) -> Result<Response, Trouble> {
    let (assets, digest) = (app.assets()?, digest_of(&digest)?);
    let before = assets.asset(&digest.hex()).await?;
    theirs(&who, &before.owner, "asset")?;
    name.as_deref().map(|name| checked("/name", name, 1, NAME_MAX)).transpose()?;
    project.as_deref().map(|project| checked("/project", project, 0, PROJECT_MAX)).transpose()?;
    let moved = project.as_deref().filter(|project| **project != before.project);
    let counted = match moved {
        Some(project) => Some(quotas::upload(&app, &who, project, digest, u64::try_from(before.bytes).unwrap_or(0)).await?),
        None => None,
    };
    let changed = assets.change(&digest.hex(), name.as_deref(), project.as_deref()).await?;
    if let Some(counted) = counted {
        counted.kept();
        app.ledger().await?.give_room_back(&before.project, &digest.hex()).await?;
    }
    Ok(json(StatusCode::OK, &AssetRecord::from(changed)))
}

/// Forgets an asset
///
/// Its bytes go, too, unless a job or a cached result names them.
#[utoipa::path(delete, path = "/assets/{digest}", tag = "assets", params(("digest" = String, Path)), responses((status = 204), Problems))]
async fn remove(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(digest): Path<String>,
) -> Result<StatusCode, Trouble> {
    let (assets, digest) = (app.assets()?, digest_of(&digest)?);
    let asset = assets.asset(&digest.hex()).await?;
    theirs(&who, &asset.owner, "asset")?;
    let _turn = app.uploads.turn().await;
    assets.remove(&digest.hex()).await?;
    farm.release(digest).await?;
    app.ledger().await?.give_room_back(&asset.project, &digest.hex()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An artifact
///
/// Its bytes, whether it is an asset, an input or something that a job made. `Range` is honoured; the strong `ETag` is its digest.
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
/// It is there, as a whole, when this is answered, and not before: its bytes must have the digest. It has no record, and may be swept
/// when no job wants it any more.
#[utoipa::path(put, path = "/assets/{digest}", tag = "assets", params(("digest" = String, Path), views::Charged),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 201, body = Stored), Problems))]
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
    Ok(json(StatusCode::CREATED, &Stored { digest: digest.hex(), url }))
}
