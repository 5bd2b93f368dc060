//! Jobs: submit, look, steer.

use super::{
    Problems,
    views::{
        self, Estimate, Generating, Job, Jobs, NewFilm, NewJob, NewThing, Output, Priority, Results, State as Stands, Status, Task,
        Which, Why,
    },
};
use crate::{
    access::Who,
    app::{App, Input, json},
    planning::{self, Submitted},
    problem::Trouble,
    quotas, traced,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use klieg_accounts::Permission;
use klieg_kind::Outputs;
use klieg_protocol::{Digest, JobId, JobSpec};
use klieg_scheduler::{Farm, JobRecord, Terms, records};
use serde_json::{Value, json as value};
use std::collections::{BTreeMap, BTreeSet};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, submit))
        .routes(routes!(estimate))
        .routes(routes!(show, remove))
        .routes(routes!(status))
        .routes(routes!(tasks))
        .routes(routes!(why))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(prioritise))
        .routes(routes!(generate_film))
        .routes(routes!(generate_status))
        .routes(routes!(generate_result))
        .routes(routes!(generate_cancel, generate_other))
}

/// The most jobs on a page, and how many there are if nobody says.
const PAGE_MAX: u32 = 200;
const PAGE: u32 = 50;
/// The most sentences that say why.
const SENTENCES_MAX: usize = 1_000;

/// The jobs, the newest first
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(Which), responses((status = 200, body = Jobs), Problems))]
async fn list(Extension(farm): Extension<Farm>, Query(which): Query<Which>) -> Result<Response, Trouble> {
    let limit = which.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Trouble::new(StatusCode::BAD_REQUEST, format!("a page has 1 to {PAGE_MAX} jobs; limit={limit} was asked for")));
    }
    let label = which.label.as_deref().map(str::to_lowercase);
    let wanted = |job: &JobRecord| {
        which.state.is_none_or(|state| Stands::from(job.state) == state)
            && which.kind.as_ref().is_none_or(|kind| job.kind == *kind)
            && which.project.as_ref().is_none_or(|project| job.project == *project)
            && label.as_ref().is_none_or(|label| job.label.to_lowercase().contains(label))
    };
    let before = which.cursor.clone().map(JobId);
    let (page, next) = farm.page(before.as_ref(), limit as usize, wanted).await?;
    Ok(json(StatusCode::OK, &Jobs { jobs: seen(&farm, page).await?, next: next.map(|id| id.0) }))
}

/// With how far they are.
async fn seen(farm: &Farm, records: Vec<JobRecord>) -> Result<Vec<Job>, Trouble> {
    let live = records.iter().filter(|job| !Stands::from(job.state).over()).map(|job| job.id.clone());
    let live: BTreeSet<JobId> = live.collect();
    let ways = match live.is_empty() {
        true => BTreeMap::new(),
        false => farm.look(move |state, now| records::ways(state, &live, now)).await?,
    };
    let job = |record: JobRecord| {
        let way = ways.get(&record.id);
        Job::new(record, way)
    };
    Ok(records.into_iter().map(job).collect())
}

async fn one(farm: &Farm, id: &str) -> Result<Job, Trouble> {
    let record = farm.job(&JobId(id.into())).await?;
    let found = seen(farm, vec![record]).await?.pop();
    found.ok_or_else(|| Trouble::new(StatusCode::NOT_FOUND, format!("there is no job {id}")))
}

fn accepted(status: StatusCode, id: &JobId, body: &impl serde::Serialize) -> Response {
    let mut response = json(status, body);
    if let Ok(place) = HeaderValue::try_from(format!("/api/v1/jobs/{}", id.0)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// What was sent, as the farm takes it. Whoever asks must be allowed the kind.
pub(super) fn read(app: &App, who: &Who, job: NewJob) -> Result<Submitted, Trouble> {
    let kind = app.kind(&job.kind)?;
    views::project_name(&job.project)?;
    views::label(&job.label)?;
    if let Some(wanted) = kind.permission()
        && !who.may(Permission::RunCommands)
    {
        let detail = format!(
            "a {} may not submit jobs of kind {}: it wants {wanted}; an admin can give the permission run-commands",
            who.caller.role, job.kind
        );
        return Err(Trouble::new(StatusCode::FORBIDDEN, detail));
    }
    let mut inputs = BTreeMap::new();
    for (name, digest) in job.inputs {
        let wrong = |error| {
            Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, format!("failed to {error}")).at(format!("/inputs/{}", escaped(&name)))
        };
        inputs.insert(name.clone(), views::digest(&digest).map_err(wrong)?);
    }
    let spec = JobSpec { kind: job.kind, label: job.label, params: job.params, inputs };
    Ok(Submitted {
        kind,
        spec,
        terms: Terms { project: job.project, owner: owner(who), priority: job.priority, trace: traced::current() },
    })
}

/// Whose a job is that somebody submits.
pub(super) fn owner(who: &Who) -> String {
    if who.owns { String::new() } else { who.caller.account.0.clone() }
}

/// Whether somebody may cancel a job or do it again: it is their own, or they manage everybody's.
fn theirs(who: &Who, job: &JobRecord) -> Result<(), Trouble> {
    if who.may(Permission::ManageJobs) || !job.owner.is_empty() && job.owner == who.caller.account.0 {
        return Ok(());
    }
    let detail = format!("{} is somebody else's: that wants the permission manage-jobs; an admin can give it", job.id.0);
    Err(Trouble::new(StatusCode::FORBIDDEN, detail).coded("not-yours"))
}

/// A name as a JSON pointer has it (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Submits a job
///
/// It survives any crash once this is answered. The same again, while the job has not ended, gives the same job.
#[utoipa::path(post, path = "/jobs", tag = "jobs", params(views::Once), request_body = NewJob, responses((status = 201, body = Job), Problems))]
async fn submit(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Input(job): Input<NewJob>,
) -> Result<Response, Trouble> {
    let id = planning::submit(&app, &farm, read(&app, &who, job)?).await?;
    Ok(accepted(StatusCode::CREATED, &id, &one(&farm, &id.0).await?))
}

/// What a job would come to
#[utoipa::path(post, path = "/jobs/estimate", tag = "jobs", request_body = NewJob, responses((status = 200, body = Estimate), Problems))]
async fn estimate(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Input(job): Input<NewJob>,
) -> Result<Response, Trouble> {
    let estimate = estimated(&app, &farm, read(&app, &who, job)?).await?;
    Ok(json(StatusCode::OK, &estimate))
}

async fn estimated(app: &App, farm: &Farm, job: Submitted) -> Result<Estimate, Trouble> {
    let forecast = planning::forecast(app, farm, job).await?;
    let slots = farm.backlog().await?.slots;
    Ok(Estimate {
        tasks: forecast.tasks,
        seconds: forecast.seconds,
        cost: klieg_scheduler::cost::of_seconds(forecast.seconds, app.price),
        eta_seconds: (slots > 0).then(|| forecast.seconds / slots as f64),
        plan: forecast.about,
    })
}

/// A job
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path)), responses((status = 200, body = Job), Problems))]
async fn show(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &one(&farm, &id).await?))
}

/// Forgets a job that has ended
///
/// What it made stays in the result cache for a while.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn remove(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    let id = JobId(id);
    farm.job(&id).await?;
    match farm.remove(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Trouble::new(StatusCode::CONFLICT, format!("{} has not ended; cancel it first", id.0)).coded("job-not-ended")),
    }
}

/// Where a job stands, in few words
#[utoipa::path(get, path = "/jobs/{id}/status", tag = "jobs", params(("id" = String, Path)), responses((status = 200, body = Status), Problems))]
async fn status(State(app): State<App>, Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    if let Some(known) = app.statuses.get(&id) {
        return Ok(known.into());
    }
    let job = one(&farm, &id).await?;
    let result = match job.state {
        Stands::Succeeded => Some(Results { outputs: outputs_of(&app, &farm, &JobId(id.clone())).await? }),
        _ => None,
    };
    let status = Status {
        job_id: job.id,
        status: job.state,
        progress: job.progress,
        stage: job.stage,
        eta: job.eta_seconds,
        reason: job.reason,
        result,
    };
    Ok(app.statuses.put(id, &status).into())
}

/// The files that a job gives, as far as they are there.
pub(super) async fn outputs_of(app: &App, farm: &Farm, id: &JobId) -> Result<Vec<Output>, Trouble> {
    let (spec, outputs) = (farm.spec(id).await?, farm.outputs(id).await?);
    let kind = app.kind(&spec.kind)?;
    let mut files = Vec::new();
    for file in kind.files(&spec, &outputs) {
        let bytes = farm.blob_size(file.digest).await?.unwrap_or(0);
        let (digest, url) = (file.digest.hex(), format!("/api/v1/jobs/{}/outputs/{}", id.0, file.name));
        files.push(Output { digest, bytes, media_type: file.media_type.into(), url, name: file.name });
    }
    Ok(files)
}

/// What a kind says of a job, read away from the threads that answer requests.
pub(super) async fn said<T: Send + 'static>(
    app: &App,
    farm: &Farm,
    id: &JobId,
    say: impl FnOnce(&dyn klieg_kind::Kind, &JobSpec, &Outputs, klieg_kind::Read<'_>) -> std::io::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    let (spec, outputs) = (farm.spec(id).await?, farm.outputs(id).await?);
    let (kind, farm) = (app.kind(&spec.kind)?, farm.clone());
    let handle = tokio::runtime::Handle::current();
    let said = tokio::task::spawn_blocking(move || {
        let read = |digest: &Digest| handle.block_on(farm.blob(digest)).map_err(std::io::Error::other);
        say(&*kind, &spec, &outputs, &read)
    });
    let failed = |error: &dyn std::fmt::Display| {
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to read what the job made: {error}"))
    };
    said.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
}

/// A job's tasks in the order of its plan
#[utoipa::path(get, path = "/jobs/{id}/tasks", tag = "jobs", params(("id" = String, Path)), responses((status = 200, body = [Task]), Problems))]
async fn tasks(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let tasks: Vec<Task> = farm.task_records(&JobId(id)).await?.into_iter().map(Task::from).collect();
    Ok(json(StatusCode::OK, &tasks))
}

/// Of which task.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Of {
    /// One task, instead of the job and all of them.
    task: Option<String>,
}

/// Why a job, or one of its tasks, stands where it does
#[utoipa::path(get, path = "/jobs/{id}/why", tag = "jobs", params(("id" = String, Path), Of), responses((status = 200, body = Why), Problems))]
async fn why(Extension(farm): Extension<Farm>, Path(id): Path<String>, Query(of): Query<Of>) -> Result<Response, Trouble> {
    let sentences = farm.why(&JobId(id), of.task.as_deref(), SENTENCES_MAX).await?;
    Ok(json(StatusCode::OK, &Why { sentences }))
}

/// Cancels a job
///
/// No error when it has ended already.
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path)), responses((status = 202, body = Job), Problems))]
async fn cancel(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    cancelled(&app, &farm, &who, id).await
}

async fn cancelled(app: &App, farm: &Farm, who: &Who, id: String) -> Result<Response, Trouble> {
    let job = JobId(id);
    theirs(who, &farm.job(&job).await?)?;
    farm.cancel(&job).await?;
    app.statuses.forget(&job.0);
    Ok(json(StatusCode::ACCEPTED, &one(farm, &job.0).await?))
}

/// Does a job that failed or was cancelled again
///
/// As a new job; what was computed is not computed again.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path), views::Once), responses((status = 202, body = Job), Problems))]
async fn retry(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let before = farm.job(&JobId(id.clone())).await?;
    theirs(&who, &before)?;
    if !matches!(Stands::from(before.state), Stands::Failed | Stands::Cancelled) {
        let detail = format!("{id} is {}: only what failed or was cancelled is done again", Stands::from(before.state).word());
        return Err(Trouble::new(StatusCode::CONFLICT, detail).coded("job-not-failed"));
    }
    let spec = farm.spec(&before.id).await?;
    let inputs = spec.inputs.iter().map(|(name, digest)| (name.clone(), digest.hex())).collect();
    let JobRecord { project, priority, .. } = before;
    let again = NewJob { kind: spec.kind, label: spec.label, params: spec.params, inputs, project, priority };
    let id = planning::submit(&app, &farm, read(&app, &who, again)?).await?;
    Ok(accepted(StatusCode::ACCEPTED, &id, &one(&farm, &id.0).await?))
}

/// Serves a job before others, or after them
#[utoipa::path(post, path = "/jobs/{id}/priority", tag = "jobs", params(("id" = String, Path)), request_body = Priority, responses((status = 200, body = Job), Problems))]
async fn prioritise(
    Extension(farm): Extension<Farm>,
    Path(id): Path<String>,
    Input(Priority { priority }): Input<Priority>,
) -> Result<Response, Trouble> {
    let job = JobId(id);
    farm.job(&job).await?;
    if !farm.set_priority(&job, priority).await? {
        return Err(Trouble::new(StatusCode::CONFLICT, format!("{} has ended", job.0)).coded("job-ended"));
    }
    Ok(json(StatusCode::OK, &one(&farm, &job.0).await?))
}

/// A screenplay to a film
#[utoipa::path(post, path = "/generate/film", tag = "generate", params(views::Once), request_body = NewFilm, responses((status = 202, body = Generating), Problems))]
async fn generate_film(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Input(film): Input<NewFilm>,
) -> Result<Response, Trouble> {
    let script = Digest::of(film.script.as_bytes());
    views::project_name(&film.project)?;
    let counted = quotas::upload(&app, &who, &film.project, script, film.script.len() as u64).await?;
    farm.put(film.script.into_bytes()).await?;
    counted.kept();
    let mut params = film.params;
    params.insert("file".into(), Value::String(film.file.clone()));
    let inputs = BTreeMap::from([("script".to_owned(), script.hex())]);
    let NewFilm { file: label, project, priority, .. } = NewFilm { script: String::new(), params: serde_json::Map::new(), ..film };
    let job = NewJob { kind: "film".into(), label, params: value!(params), inputs, project, priority };
    generating(&app, &farm, &who, job).await
}

/// Submits what somebody wants generated, and says what it will come to.
async fn generating(app: &App, farm: &Farm, who: &Who, job: NewJob) -> Result<Response, Trouble> {
    let estimate = estimated(app, farm, read(app, who, job.clone())?).await?;
    let id = planning::submit(app, farm, read(app, who, job)?).await?;
    let status = one(farm, &id.0).await?.state;
    let body = Generating { job_id: id.0.clone(), status, estimated_time: estimate.eta_seconds, estimated_cost: estimate.cost };
    Ok(accepted(StatusCode::ACCEPTED, &id, &body))
}

/// As `/jobs/{id}/status`
#[utoipa::path(get, path = "/generate/{id}/status", tag = "generate", params(("id" = String, Path)), responses((status = 200, body = Status), Problems))]
async fn generate_status(app: State<App>, farm: Extension<Farm>, id: Path<String>) -> Result<Response, Trouble> {
    status(app, farm, id).await
}

/// What a job gives, once it has succeeded
#[utoipa::path(get, path = "/generate/{id}/result", tag = "generate", params(("id" = String, Path)), responses((status = 200, body = Results), Problems))]
async fn generate_result(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let job = farm.job(&JobId(id)).await?;
    if Stands::from(job.state) != Stands::Succeeded {
        let detail = format!("{} is {}: there is no result", job.id.0, Stands::from(job.state).word());
        return Err(Trouble::new(StatusCode::CONFLICT, detail).coded("no-result"));
    }
    Ok(json(StatusCode::OK, &Results { outputs: outputs_of(&app, &farm, &job.id).await? }))
}

/// Words, or a file, to what a kind of job makes of them
///
/// For every kind but `film`, which has a route of its own: `image`, `audio`, …; for another the answer says which there are.
#[utoipa::path(post, path = "/generate/{id}", tag = "generate", params(("id" = String, Path, description = "The kind"), views::Once), request_body = NewThing, responses((status = 202, body = Generating), Problems))]
async fn generate_other(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Input(thing): Input<NewThing>,
) -> Result<Response, Trouble> {
    if app.kind(&id).is_err() {
        let kinds: Vec<&str> = app.kinds.iter().map(|kind| kind.name()).collect();
        let detail = format!("this farm does not generate {id:?}: it has the kinds {}", kinds.join(", "));
        return Err(Trouble::new(StatusCode::NOT_FOUND, detail).coded("no-such-kind"));
    }
    let NewThing { label, inputs, project, priority, params } = thing;
    let job = NewJob { label: label.unwrap_or_else(|| id.clone()), kind: id, params: value!(params), inputs, project, priority };
    generating(&app, &farm, &who, job).await
}

/// As `/jobs/{id}/cancel`
#[utoipa::path(delete, path = "/generate/{id}", tag = "generate", params(("id" = String, Path)), responses((status = 202, body = Job), Problems))]
async fn generate_cancel(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    cancelled(&app, &farm, &who, id).await
}
