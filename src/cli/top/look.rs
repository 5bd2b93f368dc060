//! One look at a farm.

use klieg_api::{
    client::Client,
    front::views::{Job, Jobs, Node, Queue},
};
use klieg_nodes::remote::LinkError;
use serde::Serialize;
use std::time::Duration;

/// How long a look may take.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Jobs that are shown of each state.
const JOBS_MAX: u32 = 50;

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    pub queue: Queue,
    pub nodes: Vec<Node>,
    /// Those that run, then those that wait, as far as there is room for them.
    pub jobs: Vec<Job>,
}

/// Asks the server. Whoever may not look at jobs sees none.
pub async fn look(client: &Client) -> Result<Seen, LinkError> {
    let (queue, nodes) = (client.get("/queue").await?, client.get("/nodes").await?);
    let mut jobs = Vec::new();
    for state in ["running", "queued"] {
        match client.get::<Jobs>(&format!("/jobs?state={state}&limit={JOBS_MAX}")).await {
            Ok(page) => jobs.extend(page.jobs),
            Err(error) if error.status() == Some(403) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Seen { queue, nodes, jobs })
}
