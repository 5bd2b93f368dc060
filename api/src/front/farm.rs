//! The farm itself: nodes, queue, projects, costs.

use super::{
    Problems,
    views::{
        self, Costs, Demand, FarmHistory, GpuNow, History, Host, Minute, NewShare, Node, Project, Queue, Sample, Spent, Welcome,
    },
};
use crate::{
    app::{App, Input, json},
    problem::Trouble,
    quotas,
};
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use klieg_protocol::NodeId;
use klieg_scheduler::{Farm, records};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(farm))
        .routes(routes!(history))
        .routes(routes!(queue))
        .routes(routes!(nodes))
        .routes(routes!(node))
        .routes(routes!(telemetry))
        .routes(routes!(drain))
        .routes(routes!(undrain))
        .routes(routes!(projects))
        .routes(routes!(set_project))
        .routes(routes!(costs))
}

/// Who answers
#[utoipa::path(get, path = "/farm", tag = "farm", responses((status = 200, body = Welcome), Problems))]
async fn farm(State(app): State<App>) -> Response {
    let kinds = app.kinds.iter().map(|kind| kind.name().to_owned()).collect();
    json(StatusCode::OK, &Welcome { klieg: env!("CARGO_PKG_VERSION").into(), build: app.build.clone(), kinds })
}

/// What every minute has brought, for a day
///
/// Since this server leads: tasks, frames, and what was spent. The last minute has only begun.
#[utoipa::path(get, path = "/farm/history", tag = "farm", responses((status = 200, body = FarmHistory), Problems))]
async fn history(Extension(farm): Extension<Farm>) -> Response {
    json(StatusCode::OK, &FarmHistory { minutes: farm.tally().minutes().into_iter().map(Minute::from).collect() })
}

/// What there is to do, and who is there to do it
#[utoipa::path(get, path = "/queue", tag = "farm", responses((status = 200, body = Queue), Problems))]
async fn queue(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    let backlog = farm.backlog().await?;
    let (jobs, oldest_at_ms) = farm
        .look(|state, _| {
            let open = || state.jobs.values().filter(|job| !job.terminal());
            (open().count() as u64, open().map(|job| job.submitted_at).min())
        })
        .await?;
    let demand = |demand: klieg_protocol::wire::Demand| Demand {
        ready: demand.ready,
        running: demand.running,
        nodes: demand.nodes,
        slots: demand.slots,
    };
    let classes = backlog.classes.into_iter().map(|(class, of)| (class, demand(of))).collect();
    let (ready, running, nodes, slots) = (backlog.ready, backlog.running, backlog.nodes, backlog.slots);
    Ok(json(StatusCode::OK, &Queue { ready, running, nodes, slots, classes, jobs, oldest_at_ms }))
}

/// All nodes, by name.
pub(crate) async fn all(farm: &Farm) -> Result<Vec<Node>, Trouble> {
    let records = farm.look(|state, _| records::nodes(state)).await?;
    let told = farm.telemetry();
    let node = |record: records::NodeRecord| {
        let told = told.get(&record.id);
        Node::new(record, told)
    };
    Ok(records.into_iter().map(node).collect())
}

fn no_node(id: &str) -> Trouble {
    Trouble::new(StatusCode::NOT_FOUND, format!("there is no node {id}; `nodes` lists them")).coded("no-such-node")
}

/// The farm's nodes, by name
#[utoipa::path(get, path = "/nodes", tag = "farm", responses((status = 200, body = [Node]), Problems))]
async fn nodes(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &all(&farm).await?))
}

/// A node
#[utoipa::path(get, path = "/nodes/{id}", tag = "farm", params(("id" = String, Path)), responses((status = 200, body = Node), Problems))]
async fn node(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let found = all(&farm).await?.into_iter().find(|node| node.id == id);
    Ok(json(StatusCode::OK, &found.ok_or_else(|| no_node(&id))?))
}

/// What a node measured of itself in the last quarter of an hour
#[utoipa::path(get, path = "/nodes/{id}/telemetry", tag = "farm", params(("id" = String, Path)), responses((status = 200, body = History), Problems))]
async fn telemetry(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let node = known(&farm, &id).await?;
    let sample = |(at_ms, told): (u64, klieg_protocol::Telemetry)| Sample {
        at_ms,
        host: Host::from(&told.host),
        gpus: told.gpus.iter().map(GpuNow::from).collect(),
    };
    Ok(json(StatusCode::OK, &History { samples: farm.measurements(&node).into_iter().map(sample).collect() }))
}

async fn known(farm: &Farm, id: &str) -> Result<NodeId, Trouble> {
    let node = NodeId(id.into());
    let asked = node.clone();
    match farm.look(move |state, _| state.nodes.contains_key(&asked)).await? {
        true => Ok(node),
        false => Err(no_node(id)),
    }
}

/// Gives a node no more tasks
///
/// What runs there comes to its end.
#[utoipa::path(post, path = "/nodes/{id}/drain", tag = "farm", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn drain(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    farm.drain(&known(&farm, &id).await?, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a node tasks again
#[utoipa::path(post, path = "/nodes/{id}/undrain", tag = "farm", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn undrain(Extension(farm): Extension<Farm>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    farm.drain(&known(&farm, &id).await?, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Projects: what they may have and what they have had
#[utoipa::path(get, path = "/projects", tag = "farm", responses((status = 200, body = [Project]), Problems))]
async fn projects(State(app): State<App>, Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    Ok(json(StatusCode::OK, &known_projects(&app, &farm).await?))
}

async fn known_projects(app: &App, farm: &Farm) -> Result<Vec<Project>, Trouble> {
    let records = farm.look(|state, _| records::projects(state)).await?;
    let standing = quotas::standing(app, farm).await?;
    let project = |record: records::ProjectRecord| {
        let (quota, used) = standing.get(&record.name).copied().unwrap_or_default();
        Project { quota, used, ..Project::from(record) }
    };
    Ok(records.into_iter().map(project).collect())
}

/// Sets what a project may have from now on
#[utoipa::path(put, path = "/projects/{name}", tag = "farm", params(("name" = String, Path)), request_body = NewShare, responses((status = 200, body = Project), Problems))]
async fn set_project(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(name): Path<String>,
    Input(NewShare { share, quota }): Input<NewShare>,
) -> Result<Response, Trouble> {
    let bad = |pointer: &str, what: &str| Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, what).at(pointer.into());
    views::project_name(&name)?;
    if !(share.weight.is_finite() && share.weight > 0.0) {
        return Err(bad("/weight", "a weight is a number above 0"));
    }
    if !(share.burst_seconds.is_finite() && share.burst_seconds >= 0.0) {
        return Err(bad("/burst_seconds", "a burst is a number of seconds, 0 or more"));
    }
    if share.seconds_max.is_some_and(|most| !(most.is_finite() && most >= 0.0)) {
        return Err(bad("/seconds_max", "a bound is a number of seconds, 0 or more"));
    }
    if quota.and_then(|quota| quota.device_hours_per_month_max).is_some_and(|most| !(most.is_finite() && most >= 0.0)) {
        return Err(bad("/quota/device_hours_per_month_max", "a quota is a number of hours, 0 or more"));
    }
    farm.set_share(&name, share.into()).await?;
    if let Some(quota) = quota {
        app.ledger().await?.set_quota(&name, quota.into()).await?;
    }
    let found = known_projects(&app, &farm).await?.into_iter().find(|project| project.name == name);
    let found = found.ok_or_else(|| Trouble::new(StatusCode::NOT_FOUND, "there is no such project"))?;
    Ok(json(StatusCode::OK, &found))
}

/// What was spent, by project
#[utoipa::path(get, path = "/costs", tag = "farm", responses((status = 200, body = Costs), Problems))]
async fn costs(Extension(farm): Extension<Farm>) -> Result<Response, Trouble> {
    let records = farm.look(|state, _| records::projects(state)).await?;
    let (seconds, total) = records.iter().fold((0.0, 0.0), |(s, c), project| (s + project.seconds, c + project.cost));
    let spent = |project: records::ProjectRecord| Spent { project: project.name, seconds: project.seconds, cost: project.cost };
    Ok(json(StatusCode::OK, &Costs { projects: records.into_iter().map(spent).collect(), seconds, total }))
}
