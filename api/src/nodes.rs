//! `/v1/nodes`: the agent protocol, which is the `Dispatcher` port over HTTP.

use crate::{
    app::{App, Input, json},
    lines,
    problem::Trouble,
};
use axum::{Extension, Router, extract::State, response::Response, routing::post};
use http::StatusCode;
use klieg_protocol::{
    Beat, Command, Commands, Dispatcher, Offer, Report,
    wire::{Leave, Stride, Taken},
};
use klieg_scheduler::Farm;
use std::{future::Future, pin::Pin};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/join", post(join))
        .route("/beat", post(beat))
        .route("/leave", post(leave))
        .route("/progress", post(progress))
        .route("/report", post(report))
}

struct Stream(Box<dyn Commands>);

impl lines::Source for Stream {
    type Line = Command;
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Command>> + Send + '_>> {
        self.0.next()
    }
}

/// The answer is the node's commands, for as long as the connection holds and this server leads.
async fn join(State(app): State<App>, Extension(farm): Extension<Farm>, Input(offer): Input<Offer>) -> Result<Response, Trouble> {
    let permit = app.requests.enter()?;
    tracing::info!(node = offer.node.0, devices = offer.devices.len(), "a node joins");
    let commands = farm.take_in(offer).await?;
    Ok(lines::answer(Held(Stream(commands), permit), app.limits.alive_every))
}

/// A stream that counts as a request for as long as it lasts.
struct Held<S>(S, #[expect(dead_code, reason = "held as long as the stream")] tokio::sync::OwnedSemaphorePermit);

impl<S: lines::Source> lines::Source for Held<S> {
    type Line = S::Line;
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<S::Line>> + Send + '_>> {
        self.0.next()
    }
}

async fn beat(Extension(farm): Extension<Farm>, Input(beat): Input<Beat>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &farm.beat(beat).await?))
}

async fn leave(Extension(farm): Extension<Farm>, Input(leave): Input<Leave>) -> Result<StatusCode, Trouble> {
    tracing::info!(node = leave.node.0, "a node leaves");
    farm.leave(&leave.node, leave.incarnation).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Dropped under load.
async fn progress(Extension(farm): Extension<Farm>, Input(strides): Input<Vec<Stride>>) -> StatusCode {
    for Stride { id, token, progress } in strides {
        farm.progress(&id, token, progress);
    }
    StatusCode::NO_CONTENT
}

/// Durable when answered.
async fn report(Extension(farm): Extension<Farm>, Input(report): Input<Report>) -> Result<Response, Trouble> {
    let taken = farm.report(report).await?;
    Ok(json(StatusCode::OK, &Taken { taken }))
}
