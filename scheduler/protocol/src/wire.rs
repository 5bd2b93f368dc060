//! What travels over HTTP between a server of the farm and its agents and users, beside the protocol's own types.

use crate::{Beaten, Digest, Incarnation, NodeId, Progress, TaskId, Token};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version of everything here and of the routes that carry it. Another one is refused with 426.
pub const PROTOCOL: u32 = 1;
/// The header that every request names its version in.
pub const PROTOCOL_HEADER: &str = "klieg-protocol";
/// The header in which a standby names the leader's URL, with a redirect to it.
pub const LEADER_HEADER: &str = "klieg-leader";
/// The header of a request that a standby has passed on: whoever gets it answers by itself or not at all.
pub const PASSED_HEADER: &str = "klieg-passed-on";
/// The media type of streams: one JSON value a line. An empty line says that the other side lives.
pub const LINES: &str = "application/x-ndjson";
/// The media type of a problem.
pub const PROBLEM: &str = "application/problem+json";

/// Why a request was not granted (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// `about:blank` where the status says it all.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A few words that are the same every time.
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub status: u16,
    /// One sentence for people, with the remedy if there is one.
    #[serde(default)]
    pub detail: String,
    /// What it is, for programs: never changes for the same cause (`no-such-job`, `too-many-requests`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// The request that it answers, as the log names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Of a body that is not what the route takes: where (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Of bad input: where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Artifacts that are wanted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Digest>,
}

/// Where bad input is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub file: String,
    /// 1-based; 0 when the whole file is meant.
    pub line: u32,
    pub column: u32,
}

/// Who answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Its version of klieg.
    pub klieg: String,
    /// Names the code that plans its jobs. Results of another are not the same bytes for certain.
    pub build: String,
}

/// The answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub answer: Beaten,
    /// The node's session with the scheduler that answers.
    pub session: u64,
    /// How long the farm believes that the node lives when it does not hear of it.
    pub lease_ms: u64,
    /// How long after that the farm believes that the node's attempts run on: the node ends them before.
    pub grace_ms: u64,
}

/// The answer to a report: durable. `false`: the attempt was fenced and the result is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub taken: bool,
}

/// A node that leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    pub node: NodeId,
    pub incarnation: Incarnation,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stride {
    pub id: TaskId,
    pub token: Token,
    pub progress: Progress,
}

/// A job as it is submitted. Its inputs are artifacts that have been uploaded before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// `film`, …
    pub kind: String,
    pub label: String,
    pub params: Value,
    #[serde(default)]
    pub inputs: BTreeMap<String, Digest>,
    /// "": the default project.
    #[serde(default)]
    pub project: String,
    /// Higher first.
    #[serde(default)]
    pub priority: i32,
}

/// What the farm has to do and who is there to do it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Tasks that could run now.
    pub ready: u64,
    pub running: u64,
    /// Nodes that may be given tasks.
    pub nodes: u64,
    /// Slots of their devices.
    pub slots: u64,
    /// The same by device class (`cpu`, `cuda`, `wgpu`); nodes count for each class that they have.
    #[serde(default)]
    pub classes: BTreeMap<String, Demand>,
}

/// What there is to do for one class of device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    pub ready: u64,
    pub running: u64,
    pub nodes: u64,
    pub slots: u64,
}
