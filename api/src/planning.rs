//! From what was submitted to a job of the farm: planned away from the threads that answer requests, a few at a time.

use crate::{app::App, idempotency, problem::Trouble, quotas};
use http::StatusCode;
use klieg_kind::{BadInput, Forecast, Kind, Read};
use klieg_protocol::{Class, Digest, JobId, JobSpec};
use klieg_scheduler::{Farm, FarmError, Terms};
use std::{io, sync::Arc};
use tokio::runtime::Handle;

/// A job that somebody may submit.
pub struct Submitted {
    pub kind: Arc<dyn Kind>,
    pub spec: JobSpec,
    pub terms: Terms,
}

/// Plans and accepts a job: durable when it is done. Its inputs must be here already.
pub async fn submit(app: &App, farm: &Farm, job: Submitted) -> Result<JobId, Trouble> {
    let Submitted { kind, spec, terms } = job;
    if let Some(id) = begun_before(farm, &spec, &terms).await? {
        return Ok(id);
    }
    let plan = plan(app, farm, kind, spec.clone(), |kind, spec, auto, read| kind.plan(spec, auto, read)).await?;
    let _turn = quotas::admit(app, farm, &terms.project, &plan).await?;
    let id = farm.submit_as(spec, plan, &app.build, terms).await?;
    tracing::info!(job = id.0, "accepted a job");
    Ok(id)
}

/// How much earlier than the request that began it a job may seem to be, by the clock of another server.
const CLOCKS_APART_S: i64 = 30;

/// The job that an earlier try of the same request submitted, if there was one whose answer is not known.
async fn begun_before(farm: &Farm, spec: &JobSpec, terms: &Terms) -> Result<Option<JobId>, Trouble> {
    let Some(since) = idempotency::BEGUN_BEFORE.try_with(|since| *since).ok().flatten() else { return Ok(None) };
    let since_ms = u64::try_from(since - CLOCKS_APART_S).unwrap_or(0) * 1000;
    let alike = |job: &klieg_scheduler::JobRecord| {
        job.submitted_at >= since_ms && job.owner == terms.owner && job.project == terms.project && job.kind == spec.kind
    };
    for job in farm.jobs().await?.into_iter().filter(alike) {
        if farm.spec(&job.id).await? == *spec {
            return Ok(Some(job.id));
        }
    }
    Ok(None)
}

/// What a job would come to.
pub async fn forecast(app: &App, farm: &Farm, job: Submitted) -> Result<Forecast, Trouble> {
    let Submitted { kind, spec, .. } = job;
    plan(app, farm, kind, spec, |kind, spec, auto, read| kind.forecast(spec, auto, read)).await
}

async fn plan<T: Send + 'static>(
    app: &App,
    farm: &Farm,
    kind: Arc<dyn Kind>,
    spec: JobSpec,
    work: impl FnOnce(&dyn Kind, &JobSpec, Class, Read<'_>) -> Result<T, BadInput> + Send + 'static,
) -> Result<T, Trouble> {
    let _waiting = app.plans_waiting.enter()?;
    let missing = farm.missing(spec.inputs.values().copied().collect()).await?;
    if !missing.is_empty() {
        return Err(Trouble::missing(missing.into_iter().collect()));
    }
    let auto = auto(app.device, farm).await?;
    let _turn = app.plans.wait().await?;
    let (handle, farm) = (Handle::current(), farm.clone());
    let planned = tokio::task::spawn_blocking(move || {
        let read = |digest: &Digest| -> io::Result<Vec<u8>> {
            if !spec.inputs.values().any(|input| input == digest) {
                return Err(io::Error::other("not an input of this job"));
            }
            handle.block_on(farm.blob(digest)).map_err(io::Error::other)
        };
        work(&*kind, &spec, auto, &read)
    });
    match planned.await {
        Ok(planned) => Ok(planned?),
        Err(error) => Err(Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to plan the job: {error}"))),
    }
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
