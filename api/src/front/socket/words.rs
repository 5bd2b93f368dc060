//! What is said on a WebSocket: a JSON object a message.

use crate::{front::views, problem::Trouble};
use axum::extract::ws::{CloseFrame, Message};
use klieg_protocol::{Event, wire::Problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a client says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Said {
    pub token: Option<String>,
    pub subscribe: Option<Wish>,
    pub unsubscribe: Option<Wish>,
}

/// What somebody wants to hear of, or no more.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    pub jobs: Option<Which>,
    pub projects: Vec<String>,
    pub nodes: bool,
    pub queues: bool,
    /// The last id that was heard of a job, and under `*` of the jobs in general: only what comes after is told.
    pub after: BTreeMap<String, String>,
}

/// Some jobs, whose events are told, or all, which are told as they stand.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Which {
    All(All),
    Some(Vec<String>),
}

#[derive(Debug, Deserialize)]
pub enum All {
    #[serde(rename = "all")]
    All,
}

/// What all jobs together are called where ids of jobs stand.
pub const EVERY: &str = "*";

/// What the server says.
#[derive(Serialize)]
#[serde(rename_all = "lowercase", untagged)]
pub enum Told<'a> {
    Welcome {
        welcome: Welcome<'a>,
    },
    Subscribed {
        subscribed: Subscribed<'a>,
    },
    Event {
        event: &'a Event,
        job: &'a str,
        id: String,
    },
    /// The story of a job is told anew from its beginning. `*`: ask for all jobs anew, what was missed is too much to be told.
    Reset {
        reset: &'a str,
    },
    Job {
        job: &'a views::Job,
        id: String,
    },
    Nodes {
        nodes: &'a [views::Node],
    },
    Queues {
        queues: &'a [views::ClassQueue],
    },
    Error {
        error: &'a Problem,
    },
}

/// Who is spoken to.
#[derive(Serialize)]
pub struct Welcome<'a> {
    pub account: &'a str,
    pub role: String,
}

/// What is told from now on.
#[derive(Serialize)]
pub struct Subscribed<'a> {
    pub jobs: Vec<&'a str>,
    pub all: bool,
    pub projects: Vec<&'a str>,
    pub nodes: bool,
    pub queues: bool,
}

impl Told<'_> {
    pub fn message(&self) -> Message {
        Message::text(serde_json::to_string(self).unwrap_or_default())
    }
}

/// An error as a message.
pub fn error(trouble: Trouble) -> Message {
    Told::Error { error: &trouble.problem() }.message()
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client has gone, or said that it goes.
    Gone,
    /// No token in time, a wrong one, or one that has ended.
    Unknown,
    /// It does not read what waits for it, or does not answer.
    Slow,
    /// What it said is longer than a message may be.
    TooLong,
    /// Another server leads.
    Elsewhere,
}

impl End {
    /// How the client is told; those of 4000 and above are klieg's own.
    pub fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Unknown => (4401, "the token is missing, wrong or has ended"),
            Self::Slow => (4408, "too slow: connect again and go on after the last id"),
            Self::TooLong => (1009, "a message is too long (socket_message_bytes_max)"),
            Self::Elsewhere => (1012, "this server does not lead any more: connect again and go on after the last id"),
        };
        Some(CloseFrame { code, reason: reason.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read() {
        let said = |text: &str| serde_json::from_str::<Said>(text);
        let wish = said(r#"{"subscribe": {"jobs": "all", "after": {"*": "7"}}}"#).unwrap().subscribe.unwrap();
        assert!(matches!(wish.jobs, Some(Which::All(All::All))) && wish.after["*"] == "7");
        let wish = said(r#"{"subscribe": {"jobs": ["job-000001"], "projects": ["p"], "nodes": true}}"#).unwrap().subscribe.unwrap();
        assert!(matches!(wish.jobs, Some(Which::Some(jobs)) if jobs == ["job-000001"]) && wish.nodes && !wish.queues);
        for wrong in [r#"{"subscribe": {"jobs": "none"}}"#, r#"{"subcribe": {}}"#, r#"{"subscribe": {"node": true}}"#, "[1]", "x"] {
            assert!(said(wrong).is_err(), "{wrong}");
        }
    }
}
