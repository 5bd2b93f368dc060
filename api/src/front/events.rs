//! What happens to a job, as it happens: server-sent events, or a JSON value a line for our own client; and the same as a log to read.

use super::Problems;
use crate::{app::App, lines, problem::Trouble};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use klieg_protocol::{Event, JobId, wire::LINES};
use klieg_scheduler::{Farm, Place, Watch};
use std::{convert::Infallible, fmt::Write, future::Future, pin::Pin, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(logs))
}

/// Events that wait for a slow reader. One that is further behind for too long is hung up on, and resumes by `Last-Event-ID`.
const WAITING_MAX: usize = 64;
const SLOW_MAX: Duration = Duration::from_secs(30);

/// Where in the story an event is, as its id says.
pub(super) fn id(place: Place) -> String {
    format!("{:x}.{}", place.telling, place.index)
}

pub(super) fn place(id: &str) -> Option<Place> {
    let (telling, index) = id.split_once('.')?;
    Some(Place { telling: u64::from_str_radix(telling, 16).ok()?, index: index.parse().ok()? })
}

/// Boxed, because a channel has room for 32 from the first one on, and there may be ten thousand watchers.
type Told = Box<(Place, Event)>;

struct Inbox {
    events: mpsc::Receiver<Told>,
    _permit: OwnedSemaphorePermit,
}

impl lines::Source for Inbox {
    type Line = Event;
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Event>> + Send + '_>> {
        Box::pin(async { self.events.recv().await.map(|told| told.1) })
    }
}

/// What happens to a job
///
/// Server-sent events from the job's beginning, or after the event that `Last-Event-ID` names; each has an id, its kind as the event's
/// name, and the event as JSON. `reset` says that the story is told anew from its beginning, by another leader. The stream ends after
/// `job_ended`. With `Accept: application/x-ndjson` a JSON value a line.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs",
    params(("id" = String, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = String), Problems))]
async fn events(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let job = JobId(job);
    let permit = app.watchers.enter()?;
    farm.job(&job).await?;
    let last = headers.get("last-event-id").and_then(|value| place(value.to_str().ok()?));
    let watch = match last {
        Some(last) => farm.watch_after(&job, last),
        None => farm.watch(&job),
    };
    let (sender, events) = mpsc::channel(WAITING_MAX);
    tokio::spawn(follow(watch, sender));
    let inbox = Inbox { events, _permit: permit };
    let wants_lines = headers.get(header::ACCEPT).is_some_and(|value| value.to_str().is_ok_and(|value| value.contains(LINES)));
    Ok(match wants_lines {
        true => lines::answer(inbox, app.limits.alive_every),
        false => streamed(inbox, last, app.limits.alive_every),
    })
}

fn streamed(inbox: Inbox, last: Option<Place>, alive_every: Duration) -> Response {
    let telling = last.map(|last| last.telling);
    let events = stream::unfold((inbox, telling, None), |(mut inbox, telling, held)| async move {
        let (place, event) = match held {
            Some(held) => held,
            None => *inbox.events.recv().await?,
        };
        if telling.is_some_and(|telling| telling != place.telling) {
            let reset = sse::Event::default().event("reset").data("{}");
            return Some((Ok::<_, Infallible>(reset), (inbox, Some(place.telling), Some((place, event)))));
        }
        let data = serde_json::to_string(&event).unwrap_or_default();
        let told = sse::Event::default().id(id(place)).event(name(&event)).data(data);
        Some((Ok(told), (inbox, Some(place.telling), None)))
    });
    let mut response = Sse::new(events).keep_alive(sse::KeepAlive::new().interval(alive_every)).into_response();
    // Nothing between may keep it back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::TaskAdded { .. } => "task_added",
        Event::TaskStarted { .. } => "task_started",
        Event::TaskProgress { .. } => "task_progress",
        Event::TaskSucceeded { .. } => "task_succeeded",
        Event::TaskFailed { .. } => "task_failed",
        Event::JobEnded { .. } => "job_ended",
    }
}

async fn follow(mut watch: Watch, events: mpsc::Sender<Told>) {
    loop {
        let event = tokio::select! {
            event = watch.next() => event,
            () = events.closed() => return,
        };
        let Some(event) = event else { return };
        if events.send_timeout(Box::new((watch.place(), event)), SLOW_MAX).await.is_err() {
            return;
        }
    }
}

/// How much of a log.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct HowMuch {
    /// Go on until the job has ended.
    #[serde(default)]
    follow: bool,
}

/// A job's log
///
/// A line an event, for people: what was begun, what failed and why, how it ended.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs", params(("id" = String, Path), HowMuch),
    responses((status = 200, content_type = "text/plain", body = String), Problems))]
async fn logs(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Path(job): Path<String>,
    Query(HowMuch { follow: on }): Query<HowMuch>,
) -> Result<Response, Trouble> {
    let job = JobId(job);
    let permit = app.watchers.enter()?;
    farm.job(&job).await?;
    let (sender, events) = mpsc::channel(WAITING_MAX);
    tokio::spawn(follow(farm.watch(&job), sender));
    let text = stream::unfold(Inbox { events, _permit: permit }, move |mut inbox| async move {
        // What is there comes at once; a log that is not followed ends where nothing more comes.
        let next = match on {
            true => inbox.events.recv().await,
            false => tokio::time::timeout(THERE, inbox.events.recv()).await.ok().flatten(),
        };
        let told = next?;
        Some((Ok::<_, Infallible>(line(&told.1)), inbox))
    });
    let mut response = Response::new(axum::body::Body::from_stream(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    Ok(response)
}

/// How long the next line of what is there may take.
const THERE: Duration = Duration::from_millis(300);

/// An event as a line of a log; empty for what is no news to people.
pub fn line(event: &Event) -> String {
    let mut out = String::new();
    let _ = match event {
        Event::TaskAdded { .. } => Ok(()),
        Event::TaskStarted { task, attempt, .. } => writeln!(out, "{task}: begun (attempt {attempt})"),
        Event::TaskProgress { task, progress } => match progress.note.as_str() {
            "" => Ok(()),
            note => writeln!(out, "{task}: {:.0} %, {note}", f64::from(progress.fraction) * 100.0),
        },
        Event::TaskSucceeded { task, reused: true, .. } => writeln!(out, "{task}: its result was computed before"),
        Event::TaskSucceeded { task, seconds, .. } => writeln!(out, "{task}: done in {seconds:.1} s"),
        Event::TaskFailed { task, failure, again } => {
            let again = if *again { "; it is tried again" } else { "" };
            writeln!(out, "{task}: failed: {}{again}", failure.message)
        }
        Event::JobEnded { state, reason } => {
            let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            writeln!(out, "the job {}{reason}", super::views::State::from(*state).word())
        }
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_back() {
        let there = Place { telling: u64::MAX, index: 7 };
        assert_eq!(place(&id(there)), Some(there));
        assert_eq!((place("x"), place("1.-1"), place("")), (None, None, None));
    }
}
