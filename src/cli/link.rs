//! How a farm's server is reached, for every verb that speaks to one.

use super::Stop;
use klieg_nodes::remote::{LinkError, LinkOptions};
use std::path::PathBuf;

#[derive(clap::Args, Clone, Default)]
pub struct LinkArgs {
    /// The farm's server, such as https://farm.example:7421; several are tried in turn.
    #[arg(long, value_name = "URL", env = "KLIEG_SERVER", value_delimiter = ',')]
    pub server: Vec<String>,
    /// The farm's token. It is seen by all who may list processes: rather use --token-file or the environment.
    #[arg(long, env = "KLIEG_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A file with the farm's token; the server keeps it as `token` in its folder.
    #[arg(long, value_name = "FILE", env = "KLIEG_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) that are trusted besides the system's.
    #[arg(long, value_name = "FILE", env = "KLIEG_CA")]
    pub ca: Option<PathBuf>,
}

impl LinkArgs {
    /// The way to the farm.
    pub fn options(&self) -> Result<LinkOptions, Stop> {
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => token.trim().to_owned(),
            (None, Some(path)) => klieg_api::token_in(path, false).map_err(|e| Stop::bad(format!("failed to {e}")))?,
            (None, None) => return Err(Stop::bad("the farm wants a token: give it with --token-file FILE or KLIEG_TOKEN")),
        };
        if self.server.is_empty() {
            return Err(Stop::bad("name the farm's server with --server URL"));
        }
        Ok(LinkOptions { servers: self.server.clone(), token, ca: self.ca.clone() })
    }
}

/// What to tell about a server's answer.
pub fn link_stop(error: &LinkError) -> Stop {
    let text = match error {
        // What it says stands for itself: a script's line, a limit.
        LinkError::Refused { problem, .. } if matches!(problem.status, 404 | 413 | 422) => problem.detail.clone(),
        other => format!("failed to {other}"),
    };
    let bad = error.outcast()
        || matches!(error, LinkError::BadServer { .. } | LinkError::BadCa { .. })
        || matches!(error.status(), Some(404 | 413 | 422));
    if bad { Stop::bad(text) } else { Stop::failed(text) }
}
