//! Moderation: content is given to it, people work its queue, owners appeal.
//!
//! What a moderation job came to is noted when somebody looks (at the content, or at the queue): the job and its report are the farm's, and
//! nothing is lost if nobody looks for a while.

use super::{
    Problems, jobs,
    views::{self, NewJob, State as Stands},
};
use crate::{
    access::{Who, now},
    app::{App, Input, json},
    artifacts, planning,
    problem::Trouble,
    quotas, sniff, uploads,
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::StatusCode;
use klieg_accounts::Permission;
use klieg_protocol::{Digest, JobId};
use klieg_review::{self as review, Content, Decision, NewContent, Outcome, ReviewError, Reviews};
use klieg_scheduler::Farm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(submit, mine))
        .routes(routes!(queue))
        .routes(routes!(show))
        .routes(routes!(claim))
        .routes(routes!(release))
        .routes(routes!(decide))
        .routes(routes!(escalate))
        .routes(routes!(appeal))
}

/// The job kind, and the file of its that says how it went.
const KIND: &str = "moderation";
const REPORT: &str = "moderation.json";
/// Contents whose jobs are looked at when somebody looks at the queue.
const SETTLED_MAX: i64 = 50;
/// The largest report that is read.
const REPORT_BYTES_MAX: u64 = 4 << 20;
/// Characters of a text that is sent as it is; longer ones are uploaded.
const TEXT_CHARS_MAX: usize = 100_000;

/// Content to moderate: an artifact that was uploaded before, or a text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewModeration {
    /// BLAKE3, hex, of an uploaded artifact.
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    text: Option<String>,
    /// What people know it by; its extension is held against its bytes.
    name: String,
    #[serde(default)]
    project: String,
    /// A policy's digest; the built-in one if there is none.
    #[serde(default)]
    policy: Option<String>,
    /// A text is fiction, whether it looks like a screenplay or not.
    #[serde(default)]
    fiction: bool,
    #[serde(default)]
    priority: i32,
}

/// Why somebody does something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Because {
    /// 1 to 2,000 characters.
    reason: String,
}

/// What a person decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    decision: DecisionWord,
    /// 1 to 2,000 characters.
    reason: String,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DecisionWord {
    Approve,
    Reject,
}

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HowMany {
    /// Contents of a list.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
}

/// Content as it stands.
#[derive(Serialize, ToSchema)]
struct Moderated {
    id: String,
    digest: String,
    name: String,
    media_type: String,
    project: String,
    /// The account that brought it; `farm`: whoever had the farm's own token.
    owner: String,
    job: String,
    /// `judging`, `waiting`, `approved`, `rejected`, `failed`.
    state: String,
    /// Higher is looked at first.
    priority: i64,
    /// 0–1; null until it is known.
    risk: Option<f64>,
    /// Seconds since 1970.
    created_at: i64,
    updated_at: i64,
    /// Who looks at it, and until when nobody else may.
    claimed_by: Option<String>,
    claimed_until: Option<i64>,
    /// Null: the policy alone.
    decided_by: Option<String>,
    reason: String,
    escalated_by: Option<String>,
    appeal: Option<String>,
    /// Whether whoever asks brought it.
    yours: bool,
}

/// Content with its report and its history.
#[derive(Serialize, ToSchema)]
struct ModeratedWhole {
    #[serde(flatten)]
    content: Moderated,
    /// `moderation.json` of its job; null until there is one.
    report: Option<Value>,
    history: Vec<Happened>,
}

/// That something happened to content.
#[derive(Serialize, ToSchema)]
struct Happened {
    at: i64,
    /// An account; `policy`: the policy alone.
    actor: String,
    action: String,
    reason: String,
}

/// Contents, in their order.
#[derive(Serialize, ToSchema)]
struct ModeratedList {
    contents: Vec<Moderated>,
}

impl Moderated {
    fn of(content: Content, who: &Who) -> Self {
        let claimed = content.claimed_by.filter(|_| content.claimed_until > now());
        Self {
            yours: content.owner == me(who),
            claimed_until: claimed.is_some().then_some(content.claimed_until),
            claimed_by: claimed,
            state: content.state.word().into(),
            risk: content.risk.map(|risk| risk as f64 / 1000.0),
            id: content.id,
            digest: content.digest,
            name: content.name,
            media_type: content.media_type,
            project: content.project,
            owner: content.owner,
            job: content.job,
            priority: content.priority,
            created_at: content.created_at,
            updated_at: content.updated_at,
            decided_by: content.decided_by,
            reason: content.reason,
            escalated_by: content.escalated_by,
            appeal: content.appeal,
        }
    }
}

impl From<ReviewError> for Trouble {
    fn from(error: ReviewError) -> Self {
        let detail = format!("failed to {error}");
        match error {
            ReviewError::Database(_) => Self::later(StatusCode::SERVICE_UNAVAILABLE, detail, Duration::from_secs(1)),
            ReviewError::Missing(_) => Self::new(StatusCode::NOT_FOUND, detail).coded("no-such-content"),
            ReviewError::State { .. } => Self::new(StatusCode::CONFLICT, detail).coded("not-now"),
            ReviewError::Claimed { .. } => Self::new(StatusCode::CONFLICT, detail).coded("claimed"),
            ReviewError::NotClaimed(_) => Self::new(StatusCode::CONFLICT, detail).coded("not-claimed"),
            ReviewError::NotYou(_) => Self::new(StatusCode::FORBIDDEN, detail).coded("not-you"),
            ReviewError::NotOwner => Self::new(StatusCode::FORBIDDEN, detail).coded("not-yours"),
            ReviewError::Appealed => Self::new(StatusCode::CONFLICT, detail).coded("appealed-before"),
            ReviewError::Reason => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at("/reason".into()),
        }
    }
}

/// Whoever asks, as reviews know them.
fn me(who: &Who) -> &str {
    &who.caller.account.0
}

/// Moderates content
///
/// A moderation job judges it; the policy approves or rejects it, or a person has to look.
#[utoipa::path(post, path = "/moderate/content", tag = "moderation", request_body = NewModeration, responses((status = 202, body = Moderated), Problems))]
async fn submit(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Input(new): Input<NewModeration>,
) -> Result<Response, Trouble> {
    let reviews = app.reviews()?;
    let digest = brought(&app, &farm, &who, &new).await?;
    let mut inputs = BTreeMap::from([("content".to_owned(), digest.hex())]);
    inputs.extend(new.policy.map(|policy| ("policy".to_owned(), policy)));
    let params = Map::from_iter([("file".to_owned(), Value::from(new.name.clone())), ("fiction".to_owned(), new.fiction.into())]);
    let (project, priority) = (new.project, new.priority);
    let job =
        NewJob { kind: KIND.into(), label: new.name.clone(), params: params.into(), inputs, project: project.clone(), priority };
    let job = planning::submit(&app, &farm, jobs::read(&app, &who, job)?).await?;
    let head = uploads::begins(&farm.blob_file(&digest).await?).map_err(artifacts::disk)?;
    let content = NewContent {
        id: drawn()?,
        digest: digest.hex(),
        name: new.name,
        media_type: sniff::media_type(&head, None)?,
        project,
        owner: me(&who).to_owned(),
        job: job.0,
    };
    reviews.add(&content, now()).await?;
    Ok(json(StatusCode::ACCEPTED, &Moderated::of(reviews.content(&content.id).await?, &who)))
}

/// The artifact that is meant: one that is there, or the text, which becomes one.
async fn brought(app: &App, farm: &Farm, who: &Who, new: &NewModeration) -> Result<Digest, Trouble> {
    let wrong = |pointer: &str, detail: String| Err(Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(pointer.into()));
    views::project_name(&new.project)?;
    match (&new.digest, &new.text) {
        (Some(digest), None) => match views::digest(digest) {
            Ok(digest) => Ok(digest),
            Err(error) => wrong("/digest", format!("failed to {error}")),
        },
        (None, Some(text)) => {
            let chars = text.chars().count();
            if chars > TEXT_CHARS_MAX {
                return wrong("/text", format!("the text has {chars} characters; {TEXT_CHARS_MAX} are the most: split it"));
            }
            let digest = Digest::of(text.as_bytes());
            let counted = quotas::upload(app, who, &new.project, digest, text.len() as u64).await?;
            farm.put(text.clone().into_bytes()).await?;
            counted.kept();
            Ok(digest)
        }
        _ => wrong("/digest", "give either `digest`, of an artifact that was uploaded, or `text`".into()),
    }
}

/// A name that nobody guesses.
fn drawn() -> Result<String, Trouble> {
    let mut random = [0; 12];
    let failed = |error| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to draw random numbers: {error}"));
    getrandom::fill(&mut random).map_err(failed)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What one has brought, the newest first
#[utoipa::path(get, path = "/moderate/content", tag = "moderation", params(HowMany), responses((status = 200, body = ModeratedList), Problems))]
async fn mine(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Query(HowMany { limit }): Query<HowMany>,
) -> Result<Response, Trouble> {
    let reviews = app.reviews()?;
    settle_some(&farm, reviews).await?;
    let contents = reviews.of_owner(me(&who), count(limit)?).await?;
    Ok(json(StatusCode::OK, &listed(contents, &who)))
}

/// What waits for a person, the most urgent first
#[utoipa::path(get, path = "/moderate/queue", tag = "moderation", params(HowMany), responses((status = 200, body = ModeratedList), Problems))]
async fn queue(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Query(HowMany { limit }): Query<HowMany>,
) -> Result<Response, Trouble> {
    let reviews = app.reviews()?;
    settle_some(&farm, reviews).await?;
    let contents = reviews.queue(count(limit)?).await?;
    Ok(json(StatusCode::OK, &listed(contents, &who)))
}

fn listed(contents: Vec<Content>, who: &Who) -> ModeratedList {
    ModeratedList { contents: contents.into_iter().map(|content| Moderated::of(content, who)).collect() }
}

fn count(limit: Option<i64>) -> Result<i64, Trouble> {
    let most = review::QUEUE_MAX;
    let limit = limit.unwrap_or(50);
    let detail = || format!("a list has 1 to {most} contents; limit={limit} was asked for");
    if (1..=most).contains(&limit) { Ok(limit) } else { Err(Trouble::new(StatusCode::BAD_REQUEST, detail())) }
}

/// Content, its report and its history
///
/// For who brought it and for reviewers.
#[utoipa::path(get, path = "/moderate/{id}", tag = "moderation", params(("id" = String, Path)), responses((status = 200, body = ModeratedWhole), Problems))]
async fn show(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let reviews = app.reviews()?;
    let content = reviews.content(&id).await?;
    if content.owner != me(&who) && !who.may(Permission::Moderate) {
        let detail = "this content is somebody else's: that wants the permission moderate; an admin can give it";
        return Err(Trouble::new(StatusCode::FORBIDDEN, detail).coded("not-yours"));
    }
    settle(&farm, reviews, &content).await?;
    let content = reviews.content(&id).await?;
    let report = match content.report.as_deref().map(views::digest) {
        Some(Ok(digest)) => read_report(&farm, digest).await?,
        _ => None,
    };
    let history = reviews.history(&id).await?.into_iter();
    let history = history.map(|review::Event { at, actor, action, reason }| Happened { at, actor, action, reason });
    let whole = ModeratedWhole { content: Moderated::of(content, &who), report, history: history.collect() };
    Ok(json(StatusCode::OK, &whole))
}

/// Takes content for a quarter of an hour
#[utoipa::path(post, path = "/moderate/{id}/claim", tag = "moderation", params(("id" = String, Path)), responses((status = 200, body = Moderated), Problems))]
async fn claim(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let content = app.reviews()?.claim(&id, me(&who), now()).await?;
    noted(&app, &who, "moderation-claimed", content).await
}

/// Gives claimed content back
#[utoipa::path(post, path = "/moderate/{id}/release", tag = "moderation", params(("id" = String, Path)), responses((status = 200, body = Moderated), Problems))]
async fn release(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<Response, Trouble> {
    let content = app.reviews()?.release(&id, me(&who), now()).await?;
    noted(&app, &who, "moderation-released", content).await
}

/// Decides on claimed content
#[utoipa::path(put, path = "/moderate/{id}/decision", tag = "moderation", params(("id" = String, Path)), request_body = NewDecision,
    responses((status = 200, body = Moderated), Problems))]
async fn decide(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Input(NewDecision { decision, reason }): Input<NewDecision>,
) -> Result<Response, Trouble> {
    let (decision, action) = match decision {
        DecisionWord::Approve => (Decision::Approve, "moderation-approved"),
        DecisionWord::Reject => (Decision::Reject, "moderation-rejected"),
    };
    let content = app.reviews()?.decide(&id, me(&who), decision, &reason, now()).await?;
    noted(&app, &who, action, content).await
}

/// Passes claimed content on to another reviewer, before the rest
#[utoipa::path(post, path = "/moderate/{id}/escalate", tag = "moderation", params(("id" = String, Path)), request_body = Because,
    responses((status = 200, body = Moderated), Problems))]
async fn escalate(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Input(Because { reason }): Input<Because>,
) -> Result<Response, Trouble> {
    let content = app.reviews()?.escalate(&id, me(&who), &reason, now()).await?;
    noted(&app, &who, "moderation-escalated", content).await
}

/// Asks for another look at what was rejected
///
/// Once, by who brought it; another reviewer than the first decides.
#[utoipa::path(post, path = "/moderate/{id}/appeal", tag = "moderation", params(("id" = String, Path)), request_body = Because,
    responses((status = 200, body = Moderated), Problems))]
async fn appeal(
    State(app): State<App>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
    Input(Because { reason }): Input<Because>,
) -> Result<Response, Trouble> {
    let content = app.reviews()?.appeal(&id, me(&who), &reason, now()).await?;
    noted(&app, &who, "moderation-appealed", content).await
}

/// Writes down in the audit what somebody did, and answers with the content.
async fn noted(app: &App, who: &Who, action: &str, content: Content) -> Result<Response, Trouble> {
    app.accounts()?.note(now(), me(who), action, &content.id).await?;
    Ok(json(StatusCode::OK, &Moderated::of(content, who)))
}

async fn settle_some(farm: &Farm, reviews: &Reviews) -> Result<(), Trouble> {
    for content in reviews.judging(SETTLED_MAX).await? {
        settle(farm, reviews, &content).await?;
    }
    Ok(())
}

/// Notes what a moderation job came to, if it has ended.
async fn settle(farm: &Farm, reviews: &Reviews, content: &Content) -> Result<(), Trouble> {
    if content.state != review::State::Judging {
        return Ok(());
    }
    let failed = |reason: String| Outcome { state: review::State::Failed, risk: None, report: None, reason };
    let id = JobId(content.job.clone());
    let outcome = match farm.job(&id).await {
        Ok(job) => match Stands::from(job.state) {
            Stands::Succeeded => judged(farm, &id).await?,
            state if state.over() => failed(job.reason.unwrap_or_else(|| state.word().into())),
            _ => return Ok(()),
        },
        Err(error) => match Trouble::from(error) {
            trouble if trouble.status() == StatusCode::NOT_FOUND => {
                failed("its moderation job was deleted before it was read".into())
            }
            trouble => return Err(trouble),
        },
    };
    reviews.settle(&content.id, &outcome, now()).await?;
    Ok(())
}

/// What the report of a finished job says. One that cannot be read is looked at by a person.
async fn judged(farm: &Farm, id: &JobId) -> Result<Outcome, Trouble> {
    let outputs = farm.outputs(id).await?;
    let digest = outputs.iter().find(|((_, name), _)| name == REPORT).map(|(_, digest)| *digest);
    let report = match digest {
        Some(digest) => read_report(farm, digest).await?,
        None => None,
    };
    let said = report.unwrap_or_default();
    let state = match said["decision"].as_str() {
        Some("approve") => review::State::Approved,
        Some("reject") => review::State::Rejected,
        _ => review::State::Waiting,
    };
    let reasons = said["reasons"].as_array().into_iter().flatten();
    let reason = reasons.filter_map(|reason| {
        let category = reason["category"].as_str()?;
        Some(reason["score"].as_f64().map_or_else(|| format!("{category} unavailable"), |score| format!("{category} {score:.2}")))
    });
    let reason = reason.collect::<Vec<_>>().join(", ");
    let risk = said["risk"].as_f64().map(|risk| (risk.clamp(0.0, 1.0) * 1000.0) as i64);
    Ok(Outcome { state, risk, report: digest.map(|digest| digest.hex()), reason })
}

async fn read_report(farm: &Farm, digest: Digest) -> Result<Option<Value>, Trouble> {
    if farm.blob_size(digest).await?.is_none_or(|bytes| bytes > REPORT_BYTES_MAX) {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&farm.blob(&digest).await?).ok())
}
