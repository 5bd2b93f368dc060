//! Every error of the API as a problem (RFC 9457).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use klieg_kind::BadInput;
use klieg_protocol::{
    Closed, Digest, TaskFailure,
    wire::{PROBLEM, Place, Problem},
};
use klieg_scheduler::{FarmError, admit::Refusal, blobs::BlobError};
use std::time::Duration;

/// What a route fails with.
#[derive(Debug)]
pub struct Trouble {
    problem: Box<Problem>,
    /// Members of its own (RFC 9457, 3.2).
    more: serde_json::Map<String, serde_json::Value>,
    retry_after: Option<Duration>,
}

impl Trouble {
    /// A sentence with a status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or_default().into(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code(status).into(),
            ..Problem::default()
        };
        Self { problem: problem.into(), more: serde_json::Map::new(), retry_after: None }
    }

    /// The same may go well after a while.
    pub fn later(status: StatusCode, detail: impl Into<String>, after: Duration) -> Self {
        Self { retry_after: Some(after), ..Self::new(status, detail) }
    }

    /// A bound of the server is reached.
    pub fn full(what: &str) -> Self {
        Self::later(StatusCode::TOO_MANY_REQUESTS, format!("the server has all the {what} that it may have; try again"), SOON)
    }

    /// No scheduler is active here.
    pub fn away(why: &str) -> Self {
        Self::later(StatusCode::SERVICE_UNAVAILABLE, format!("no scheduler is active here: {why}"), SOON)
    }

    /// The same with a code of its own.
    pub fn coded(mut self, code: &str) -> Self {
        self.problem.code = code.into();
        self
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// As it is said where there is no answer to a request.
    pub fn problem(self) -> Problem {
        *self.problem
    }

    /// The same with a member of its own.
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Self {
        self.more.insert(name.into(), value);
        self
    }

    /// What it says to programs.
    pub fn code(&self) -> &str {
        &self.problem.code
    }

    /// What it says to people.
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    /// A body that is JSON, but not what the route takes.
    pub fn at(mut self, pointer: String) -> Self {
        self.problem.pointer = Some(pointer);
        self
    }

    /// Artifacts that have to come first.
    pub fn missing(digests: Vec<Digest>) -> Self {
        let detail = format!("{} of the job's inputs are not among the farm's artifacts; upload them first", digests.len());
        let mut trouble = Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
        trouble.problem.missing = digests;
        trouble.coded("missing-inputs")
    }
}

/// What a status means where nothing more is said.
fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "bad-request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not-found",
        405 => "method-not-allowed",
        408 => "too-slow",
        409 => "conflict",
        411 => "length-required",
        413 => "too-large",
        415 => "unsupported-media-type",
        416 => "no-such-range",
        422 => "unprocessable",
        426 => "another-version",
        429 => "too-many-requests",
        503 => "not-now",
        _ => "failed",
    }
}

/// A problem with the members of its own.
#[derive(serde::Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(flatten)]
    more: &'a serde_json::Map<String, serde_json::Value>,
}

tokio::task_local! {
    /// The request that is being answered.
    pub static REQUEST: String;
}

/// A pause that a caller hardly notices.
const SOON: Duration = Duration::from_secs(1);
/// A pause in which somebody may have freed some space.
const A_WHILE: Duration = Duration::from_secs(5);

impl IntoResponse for Trouble {
    fn into_response(mut self) -> Response {
        self.problem.request_id = REQUEST.try_with(Clone::clone).unwrap_or_default();
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(detail = self.problem.detail, request = self.problem.request_id, "a request failed");
        }
        let mut response =
            Response::new(Body::from(serde_json::to_vec(&Told { problem: &self.problem, more: &self.more }).unwrap_or_default()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.as_secs().into());
        }
        response
    }
}

impl Trouble {
    /// The same goes well when what is wrong here has been mended.
    fn waits(error: &FarmError) -> Self {
        Self::later(StatusCode::SERVICE_UNAVAILABLE, format!("failed to {error}"), A_WHILE)
    }
}

impl From<FarmError> for Trouble {
    fn from(error: FarmError) -> Self {
        let status = match &error {
            FarmError::Closed => return Closed.into(),
            FarmError::Refused(refusal) => return refused(refusal),
            FarmError::Blob(BlobError::Full(_)) => return Self::waits(&error),
            // A server behind this one is away, or its disk is full.
            _ if error.retryable() => return Self::waits(&error),
            FarmError::Plan(_) | FarmError::TurnedAway { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            FarmError::NoSuchJob(_) => return Self::new(StatusCode::NOT_FOUND, format!("failed to {error}")).coded("no-such-job"),
            FarmError::Blob(BlobError::Missing(_)) => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, format!("failed to {error}"))
    }
}

fn refused(refusal: &Refusal) -> Trouble {
    let detail = format!("failed to {refusal}");
    match refusal.retryable() {
        true => Trouble::later(StatusCode::TOO_MANY_REQUESTS, detail, A_WHILE),
        false => Trouble::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
    }
}

impl From<Closed> for Trouble {
    fn from(_: Closed) -> Self {
        Self::away("it has just ended")
    }
}

impl From<BadInput> for Trouble {
    fn from(bad: BadInput) -> Self {
        let mut trouble = Self::new(StatusCode::UNPROCESSABLE_ENTITY, bad.to_string());
        trouble.problem.place = Some(Place { file: bad.file, line: bad.line, column: bad.column });
        trouble.coded("bad-input")
    }
}

/// What the farm's artifacts fail with: nothing that the caller did.
impl From<TaskFailure> for Trouble {
    fn from(failure: TaskFailure) -> Self {
        Self::later(StatusCode::SERVICE_UNAVAILABLE, failure.message, A_WHILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_that_cannot_be_reached_are_worth_another_try() {
        let away = BlobError::Unreachable { at: "s3://bucket/".into(), what: "it is slow".into() };
        let response = Trouble::from(FarmError::from(away)).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        let missing = Trouble::from(FarmError::from(BlobError::Missing(Digest::of(b"x")))).into_response();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
}
