//! What a job gives: files, the shots of a film as they fill, the cut as it grows.

use super::{
    Problems,
    jobs::{outputs_of, said},
    views::{Output, Shot},
};
use crate::{
    app::{App, json},
    artifacts::{self, Served},
    problem::Trouble,
};
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use klieg_kind::{Conform, Growing, Media};
use klieg_nodes::encode::Ffmpeg;
use klieg_protocol::{Digest, Dispatcher, JobId, TaskState};
use klieg_scheduler::Farm;
use std::{collections::BTreeMap, path::PathBuf};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(give)).routes(routes!(shots)).routes(routes!(cut))
}

/// The files that a job gives, as far as they are there
#[utoipa::path(get, path = "/jobs/{id}/outputs", tag = "jobs", params(("id" = String, Path)), responses((status = 200, body = [Output]), Problems))]
async fn list(State(app): State<App>, Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let job = JobId(id);
    farm.job(&job).await?;
    Ok(json(StatusCode::OK, &outputs_of(&app, &farm, &job).await?))
}

/// A file that a job gives
///
/// `Range` is honoured; the strong `ETag` is its digest.
#[utoipa::path(get, path = "/jobs/{id}/outputs/{*name}", tag = "jobs", params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 206, content_type = "application/octet-stream", body = Vec<u8>), Problems))]
async fn give(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path((id, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let job = JobId(id);
    let (spec, outputs) = (farm.spec(&job).await?, farm.outputs(&job).await?);
    let file = app.kind(&spec.kind)?.files(&spec, &outputs).into_iter().find(|file| file.name == name);
    let nothing = || {
        Trouble::new(StatusCode::NOT_FOUND, format!("{} has no output {name:?} yet; `outputs` lists what is there", job.0))
            .coded("no-such-output")
    };
    let file = file.ok_or_else(nothing)?;
    let mut response = artifacts::serve(&app, &farm, file.digest, &method, &headers).await?;
    if response.status().is_success() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
        let base = file.name.rsplit('/').next().unwrap_or_default();
        if let Ok(as_file) = HeaderValue::try_from(format!("attachment; filename=\"{base}\"")) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, as_file);
        }
    }
    Ok(response)
}

/// The shots of a film as they fill
///
/// Empty until the film has been directed, and of jobs that make no film.
#[utoipa::path(get, path = "/jobs/{id}/shots", tag = "jobs", params(("id" = String, Path)), responses((status = 200, body = [Shot]), Problems))]
async fn shots(State(app): State<App>, Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let job = JobId(id);
    let pieces = said(&app, &farm, &job, |kind, spec, outputs, read| kind.pieces(spec, outputs, read)).await?;
    let parts: BTreeMap<String, f64> = farm
        .task_records(&job)
        .await?
        .into_iter()
        .map(|task| (task.name, if task.state == TaskState::Succeeded { 1.0 } else { f64::from(task.fraction) }))
        .collect();
    let shot = |piece: klieg_kind::Piece| Shot {
        done: piece.tasks.iter().map(|task| parts.get(task).copied().unwrap_or(0.0)).sum::<f64>() / piece.tasks.len().max(1) as f64,
        name: piece.name,
        scene: piece.group,
        first_frame: piece.first,
        frames: piece.frames,
        tasks: piece.tasks,
        picture: piece.picture.map(|digest| format!("/api/v1/assets/{}", digest.hex())),
    };
    Ok(json(StatusCode::OK, &pieces.into_iter().map(shot).collect::<Vec<_>>()))
}

/// The film as far as it is there
///
/// Finished shots in the film's order, without sound until it is whole: then the film itself. 404 while nothing is there. `Range` is
/// honoured; the `ETag` changes as it grows.
#[utoipa::path(get, path = "/jobs/{id}/cut", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, content_type = "video/mp4", body = Vec<u8>), (status = 206, content_type = "video/mp4", body = Vec<u8>), Problems))]
async fn cut(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let job = JobId(id);
    let film = |kind: &dyn klieg_kind::Kind, spec: &_, outputs: &_| {
        kind.files(spec, outputs).into_iter().find(|file| file.media_type.starts_with("video/"))
    };
    let found = said(&app, &farm, &job, move |kind, spec, outputs, read| {
        Ok((film(kind, spec, outputs), kind.growing(spec, outputs, read)?))
    });
    let mut response = match found.await? {
        (Some(file), _) => {
            let mut response = artifacts::serve(&app, &farm, file.digest, &method, &headers).await?;
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
            response
        }
        (None, Some(growing)) => partial(&app, &farm, growing, &headers).await?,
        (None, None) => {
            return Err(
                Trouble::new(StatusCode::NOT_FOUND, format!("nothing of {} is there to be seen yet", job.0)).coded("no-cut-yet")
            );
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// The segments joined, kept as long as anybody asks for the same.
async fn partial(app: &App, farm: &Farm, growing: Growing, headers: &HeaderMap) -> Result<Response, Trouble> {
    let mut hasher = blake3::Hasher::new();
    for (digest, _) in &growing.segments {
        hasher.update(&digest.0);
    }
    let name = Digest(*hasher.finalize().as_bytes());
    let folder = farm.scratch().join("cuts");
    let path = folder.join(name.hex());
    let permit = app.transfers.enter()?;
    let _turn = app.cuts.lock().await;
    if !path.exists() {
        let failed =
            |e: &dyn std::fmt::Display| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to join the cut: {e}"));
        let mut segments: Vec<(PathBuf, u32)> = Vec::new();
        for (digest, frames) in &growing.segments {
            segments.push((farm.blob_file(digest).await?, *frames));
        }
        let (spec, to) = (growing.spec.clone(), path.clone());
        let joined = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
            tidy(&folder);
            let film = Conform {
                spec: &spec,
                segments: &segments,
                sound: None,
                captions: None,
                language: "und",
                chapters: &[],
                metadata: &BTreeMap::new(),
            };
            Ffmpeg.conform(&to, &film).map_err(|failure| failure.message)
        });
        joined.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
    }
    let mut response = artifacts::serve_file(app, Served { path, tag: name.hex(), permit }, headers).await?;
    let media = match growing.spec.format {
        klieg_kind::Format::Mp4 => "video/mp4",
        klieg_kind::Format::Webm => "video/webm",
        klieg_kind::Format::Mov => "video/quicktime",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    Ok(response)
}

/// Partial cuts that are kept. Whoever reads an older one goes on with it; asking for it again makes it again.
const CUTS_KEPT: usize = 16;

fn tidy(folder: &std::path::Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let dated = entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())));
    let mut dated: Vec<_> = dated.collect();
    dated.sort();
    let extra = dated.len().saturating_sub(CUTS_KEPT - 1);
    dated.into_iter().take(extra).for_each(|(_, path)| drop(std::fs::remove_file(path)));
}
