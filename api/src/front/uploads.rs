//! Uploads that may break off and go on: offsets as tus 1.0 has them.

use super::{
    Problems,
    assets::{check, kept, theirs},
    jobs::owner,
    views::{AssetRecord, Upload, UploadPlace, UploadState},
};
use crate::{
    access::{Who, now},
    app::{App, json},
    problem::Trouble,
    quotas, sniff,
    uploads::{self, Writing},
};
use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use klieg_assets::{Asset, Upload as Record};
use klieg_protocol::{Digest, Dispatcher};
use klieg_scheduler::Farm;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, receive, end))
}

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// What PATCH takes.
const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// Notes an upload. `there`: an artifact with its bytes, which becomes an asset at once.
pub(super) async fn begin(
    app: &App,
    farm: &Farm,
    who: &Who,
    upload: &Upload,
    there: Option<Digest>,
) -> Result<UploadPlace, Trouble> {
    check(upload)?;
    let (assets, at) = (app.assets()?, now());
    let record = Record {
        id: id()?,
        name: upload.name.clone().unwrap_or_default(),
        project: upload.project.clone(),
        declared: upload.media_type.clone(),
        bytes: i64::try_from(upload.bytes).unwrap_or(i64::MAX),
        digest: upload.digest.as_ref().map(|digest| digest.to_ascii_lowercase()),
        owner: owner(who),
        created_at: at,
        touched_at: at,
    };
    if let Some(digest) = there {
        let counted = quotas::upload(app, who, &upload.project, digest, upload.bytes).await?;
        let found = farm.blob_size(digest).await?.unwrap_or(0);
        if found != upload.bytes {
            let detail = format!("what has this digest has {found} bytes, not {}", upload.bytes);
            return Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at("/bytes".into()));
        }
        let _turn = app.uploads.turn().await;
        let asset = kept(farm, asset_of(&record, digest), record.declared.as_deref()).await?;
        let asset = AssetRecord::from(assets.add(&asset).await?);
        counted.kept();
        return Ok(UploadPlace { present: true, method: "GET".into(), url: asset.url.clone(), upload: None, asset: Some(asset) });
    }
    // Told before a byte is sent; it counts when all have come.
    drop(quotas::upload(app, who, &upload.project, Digest::of(record.id.as_bytes()), upload.bytes).await?);
    // The same begun again is the one that is under way.
    let record = match assets.begun(&record).await? {
        Some(begun) => begun,
        None => {
            assets.begin(&record).await?;
            record
        }
    };
    let url = format!("/api/v1/assets/uploads/{}", record.id);
    Ok(UploadPlace { present: false, method: "PATCH".into(), url, upload: Some(record.id), asset: None })
}

/// Random: nobody else's, and no path.
fn id() -> Result<String, Trouble> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to draw random numbers: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}

fn asset_of(upload: &Record, digest: Digest) -> Asset {
    Asset {
        digest: digest.hex(),
        name: upload.name.clone(),
        project: upload.project.clone(),
        media_type: String::new(),
        bytes: upload.bytes,
        owner: upload.owner.clone(),
        created_at: now(),
    }
}

/// An upload of somebody's own.
async fn own(app: &App, who: &Who, id: &str) -> Result<Record, Trouble> {
    let upload = app.assets()?.upload(id).await?;
    theirs(who, &upload.owner, "upload")?;
    Ok(upload)
}

fn whole(upload: &Record) -> u64 {
    u64::try_from(upload.bytes).unwrap_or(0)
}

/// How many bytes of an upload are here. All of them, where a server ended after it had made them an artifact.
async fn offset(app: &App, farm: &Farm, upload: &Record) -> Result<u64, Trouble> {
    if let Some(length) = app.uploads.length(&upload.id).await? {
        return Ok(length);
    }
    let Some(digest) = upload.digest.as_deref().and_then(|digest| digest.parse::<Digest>().ok()) else { return Ok(0) };
    Ok(farm.blob_size(digest).await?.filter(|bytes| *bytes == whole(upload)).unwrap_or(0))
}

/// How much of an upload has come
///
/// `Upload-Offset` and `Upload-Length` say it, too; HEAD gives nothing else.
#[utoipa::path(get, path = "/assets/uploads/{id}", tag = "assets", params(("id" = String, Path)),
    responses((status = 200, body = UploadState, headers(("upload-offset" = u64), ("upload-length" = u64))), Problems))]
async fn show(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let upload = own(&app, &who, &id).await?;
    let offset = offset(&app, &farm, &upload).await?;
    let mut response = json(StatusCode::OK, &UploadState { id, name: upload.name.clone(), offset, bytes: whole(&upload) });
    response.headers_mut().insert(OFFSET, offset.into());
    response.headers_mut().insert(LENGTH, whole(&upload).into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Sends more of an upload
///
/// `Upload-Offset` says where the bytes belong: right behind what has come, else 409 and the offset that is right. 204 while more is to
/// come; 201 with the asset when all has, which must have the digest that was announced, if one was.
#[utoipa::path(patch, path = "/assets/uploads/{id}", tag = "assets",
    params(("id" = String, Path), ("Upload-Offset" = u64, Header)),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 201, body = AssetRecord), (status = 204, headers(("upload-offset" = u64))), Problems))]
async fn receive(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Trouble> {
    let asked = asked(request.headers())?;
    own(&app, &who, &id).await?;
    let writing = app.uploads.write(&id)?;
    let _permit = app.transfers.enter()?;
    // Looked for again: whoever wrote until now may have finished it.
    let upload = own(&app, &who, &id).await?;
    let there = offset(&app, &farm, &upload).await?;
    if asked != there {
        return Ok(at_another(there));
    }
    let room = whole(&upload).saturating_sub(there);
    // Of an empty file there is a file, too.
    let writing = match room == 0 && there > 0 {
        true => writing,
        false => {
            let (writing, poured) = uploads::pour(&app, writing, request.into_body(), room).await;
            app.assets()?.touch(&id, now()).await?;
            poured?;
            writing
        }
    };
    let there = offset(&app, &farm, &upload).await?;
    if there == whole(&upload) {
        let asset = finish(&app, &farm, &who, &upload, writing).await?;
        return Ok(json(StatusCode::CREATED, &AssetRecord::from(asset)));
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(OFFSET, there.into());
    Ok(response)
}

/// Where somebody says that their bytes belong.
fn asked(headers: &HeaderMap) -> Result<u64, Trouble> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media != OFFSET_STREAM {
        let detail = format!("this route takes bytes (Content-Type: {OFFSET_STREAM})");
        return Err(Trouble::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    headers.get(OFFSET).and_then(|value| value.to_str().ok()?.parse().ok()).ok_or_else(|| {
        let detail = "say where the bytes belong: Upload-Offset, as HEAD tells it";
        Trouble::new(StatusCode::BAD_REQUEST, detail).coded("no-offset")
    })
}

fn at_another(there: u64) -> Response {
    let detail = format!("{there} bytes of this upload have come: go on from there (Upload-Offset: {there})");
    let mut response = Trouble::new(StatusCode::CONFLICT, detail).coded("another-offset").into_response();
    response.headers_mut().insert(OFFSET, there.into());
    response
}

/// Makes an asset of an upload whose bytes have all come. Whatever ends in the middle, asking again goes on from there.
async fn finish(app: &App, farm: &Farm, who: &Who, upload: &Record, writing: Writing) -> Result<Asset, Trouble> {
    let (assets, path) = (app.assets()?, app.uploads.path(&upload.id));
    let digest = match app.uploads.length(&upload.id).await? {
        Some(_) => {
            let (digest, head) = uploads::look(path.clone()).await?;
            if let Some(announced) = upload.digest.as_ref().filter(|announced| **announced != digest.hex()) {
                app.uploads.clear(&upload.id).await?;
                let detail = format!(
                    "the bytes that came have the digest {digest}, not {announced}; it is to be sent again from its beginning"
                );
                return Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).coded("another-digest"));
            }
            if let Err(trouble) = sniff::media_type(&head, upload.declared.as_deref()) {
                app.uploads.clear(&upload.id).await?;
                assets.end(&upload.id).await?;
                return Err(trouble);
            }
            digest
        }
        // It is an artifact already.
        None => super::assets::digest_of(upload.digest.as_deref().unwrap_or_default())?,
    };
    let counted = quotas::upload(app, who, &upload.project, digest, whole(upload)).await?;
    assets.found(&upload.id, &digest.hex()).await?;
    if app.uploads.length(&upload.id).await?.is_some() {
        farm.adopt(digest, path).await?;
    }
    let _turn = app.uploads.turn().await;
    let asset = kept(farm, asset_of(upload, digest), upload.declared.as_deref()).await?;
    let asset = assets.finish(&upload.id, &asset).await?;
    counted.kept();
    drop(writing);
    Ok(asset)
}

/// Gives an upload up
#[utoipa::path(delete, path = "/assets/uploads/{id}", tag = "assets", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn end(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    own(&app, &who, &id).await?;
    let _writing = app.uploads.write(&id)?;
    app.uploads.clear(&id).await?;
    app.assets()?.end(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
