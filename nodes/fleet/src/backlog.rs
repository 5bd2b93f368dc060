//! How much work waits: `GET /v1/backlog` of a klieg server.

use http::Method;
use klieg_nodes::remote::{Ask, Link, LinkError, LinkOptions};
use klieg_protocol::wire;
use std::time::Duration;

/// What the farm has to do, and with what.
pub use klieg_protocol::wire::Demand as Backlog;

/// The servers have so long to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// The farm's servers, of which one leads and the others know it.
pub struct Server {
    link: Link,
    class: Option<String>,
}

impl Server {
    /// Checks the options; connects to nothing yet.
    pub fn new(options: &LinkOptions) -> Result<Self, LinkError> {
        Ok(Self { link: Link::new(options)?, class: None })
    }

    /// Looks only at the work for one class of device: `cpu`, `cuda`, `wgpu`.
    pub fn for_class(self, class: Option<String>) -> Self {
        Self { class, ..self }
    }

    /// What the first server that answers says. The error is the last server's.
    pub async fn look(&self) -> Result<Backlog, LinkError> {
        let ask = Ask::new(Method::GET, "/v1/backlog");
        let silent = |_| LinkError::Away { at: "its servers".into(), what: format!("no answer within {} s", ANSWER.as_secs()) };
        let all = tokio::time::timeout(ANSWER, self.link.get::<wire::Backlog>(&ask)).await.map_err(silent)??;
        let wire::Backlog { ready, running, nodes, slots, classes } = all;
        Ok(match &self.class {
            None => Backlog { ready, running, nodes, slots },
            // A class that the server does not name has no work.
            Some(class) => classes.get(class).copied().unwrap_or_default(),
        })
    }
}
