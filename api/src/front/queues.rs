//! What waits, by class of device.

use super::{Problems, views::ClassQueue};
use crate::{
    app::{App, json},
    problem::Trouble,
};
use axum::{Extension, response::Response};
use http::StatusCode;
use klieg_scheduler::{Farm, why};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(queues))
}

/// The queues as they are now.
pub async fn all(farm: &Farm) -> Result<Vec<ClassQueue>, Trouble> {
    let queues = farm.look(|state, _| why::queues(state)).await?;
    Ok(queues.into_iter().map(ClassQueue::from).collect())
}

/// What waits for each class of device, since when and why
#[utoipa::path(get, path = "/queues", tag = "farm", responses((status = 200, body = [ClassQueue]), Problems))]
async fn queues(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &all(&farm).await?))
}
