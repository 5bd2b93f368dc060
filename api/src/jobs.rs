//! `/v1/jobs`: submit, look, watch, cancel.

use crate::{
    app::{App, Input, json},
    lines,
    problem::Trouble,
};
use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use klieg_kind::{BadInput, Kind};
use klieg_protocol::{Class, Digest, Event, JobId, JobSpec, Plan, wire::Submission};
use klieg_scheduler::{Farm, FarmError, Terms, Watch};
use serde_json::json as value;
use std::{future::Future, io, pin::Pin, sync::Arc};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list).post(submit))
        .route("/{job}", get(show))
        .route("/{job}/tasks", get(tasks))
        .route("/{job}/events", get(events))
        .route("/{job}/cancel", post(cancel))
}

/// Plans and accepts a job. 201 when it is durable; its inputs must be here already.
async fn submit(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Input(job): Input<Submission>,
) -> Result<Response, Trouble> {
    let _waiting = app.plans_waiting.enter()?;
    let kind = app.kinds.iter().find(|kind| kind.name() == job.kind).cloned().ok_or_else(|| {
        let known: Vec<&str> = app.kinds.iter().map(|kind| kind.name()).collect();
        let detail = format!("there is no job kind {:?} here; there is {}", job.kind, known.join(", "));
        Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })?;
    let missing = farm.missing(job.inputs.values().copied().collect()).await?;
    if !missing.is_empty() {
        return Err(Trouble::missing(missing.into_iter().collect()));
    }
    let terms = Terms { project: job.project, priority: job.priority };
    let spec = JobSpec { kind: job.kind, label: job.label, params: job.params, inputs: job.inputs };
    let auto = auto(app.device, &farm).await?;
    let plan = {
        let _turn = app.plans.wait().await?;
        plan(kind, spec.clone(), auto, farm.clone()).await?
    };
    let id = farm.submit_as(spec, plan, &app.build, terms).await?;
    tracing::info!(job = id.0, "accepted a job");
    let mut response = json(StatusCode::CREATED, &value!({ "id": id }));
    if let Ok(place) = HeaderValue::try_from(format!("/v1/jobs/{}", id.0)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// The class that makes what differs from class to class: the server's, or the best that the farm's nodes have now. A job keeps to it,
/// whatever comes or goes later.
async fn auto(chosen: Option<Class>, farm: &Farm) -> Result<Class, FarmError> {
    if let Some(class) = chosen {
        return Ok(class);
    }
    let backlog = farm.backlog().await?;
    let has = |class: &Class| backlog.classes.get(&class.to_string()).is_some_and(|there| there.slots > 0);
    // As `--device auto` chooses on one machine.
    Ok([Class::Cuda, Class::Wgpu].into_iter().find(has).unwrap_or(Class::Cpu))
}

/// The job's task graph, made away from the threads that answer requests.
async fn plan(kind: Arc<dyn Kind>, spec: JobSpec, auto: Class, farm: Farm) -> Result<Plan, Trouble> {
    let handle = Handle::current();
    let planned = tokio::task::spawn_blocking(move || -> Result<Plan, BadInput> {
        let read = |digest: &Digest| -> io::Result<Vec<u8>> {
            if !spec.inputs.values().any(|input| input == digest) {
                return Err(io::Error::other("not an input of this job"));
            }
            handle.block_on(farm.blob(digest)).map_err(io::Error::other)
        };
        kind.plan(&spec, auto, &read)
    });
    match planned.await {
        Ok(planned) => Ok(planned?),
        Err(error) => Err(Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to plan the job: {error}"))),
    }
}

async fn list(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &farm.jobs().await?))
}

async fn show(Extension(farm): Extension<Farm>, Path(job): Path<String>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &farm.job(&JobId(job)).await?))
}

async fn tasks(Extension(farm): Extension<Farm>, Path(job): Path<String>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &farm.task_records(&JobId(job)).await?))
}

async fn cancel(Extension(farm): Extension<Farm>, Path(job): Path<String>) -> Result<StatusCode, Trouble> {
    let job = JobId(job);
    farm.job(&job).await?;
    farm.cancel(&job).await?;
    Ok(StatusCode::ACCEPTED)
}

struct Events {
    inbox: mpsc::Receiver<Event>,
    _permit: OwnedSemaphorePermit,
}

impl lines::Source for Events {
    type Line = Event;
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Event>> + Send + '_>> {
        Box::pin(self.inbox.recv())
    }
}

/// The job's events from its beginning. Ends after `job_ended`; ends without it when this server does not lead any more.
async fn events(State(app): State<App>, Extension(farm): Extension<Farm>, Path(job): Path<String>) -> Result<Response, Trouble> {
    let job = JobId(job);
    let permit = app.watchers.enter()?;
    farm.job(&job).await?;
    let (events, inbox) = mpsc::channel(64);
    tokio::spawn(follow(farm.watch(&job), events));
    Ok(lines::answer(Events { inbox, _permit: permit }, app.limits.alive_every))
}

async fn follow(mut watch: Watch, events: mpsc::Sender<Event>) {
    loop {
        let event = tokio::select! {
            event = watch.next() => event,
            () = events.closed() => return,
        };
        let Some(event) = event else { return };
        if events.send(event).await.is_err() {
            return;
        }
    }
}
