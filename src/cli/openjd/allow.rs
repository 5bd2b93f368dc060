//! Whether and how a machine takes jobs that run others' commands.

use super::Stop;
use klieg_nodes::AgentOptions;
use klieg_openjd::{
    OpenJd,
    confine::{self, Guest},
    document, require,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Job kinds that run whatever their submitter wants.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Foreign {
    Openjd,
}

#[derive(clap::Args, Clone, Debug)]
pub struct AllowArgs {
    /// Let jobs of this kind run on this machine. They run any command that their submitter wants.
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',', env = "KLIEG_ALLOW")]
    pub allow: Vec<Foreign>,
    /// Who runs their commands, when the node itself is run by root.
    #[arg(long, value_name = "USER", env = "KLIEG_OPENJD_USER", default_value = "nobody")]
    openjd_user: String,
    /// Where this machine has what submitters have elsewhere: path mapping rules (pathmapping-1.0), as JSON or in a file (file://PATH).
    #[arg(long, value_name = "JSON", env = "KLIEG_PATH_MAPPING_RULES")]
    path_mapping_rules: Option<String>,
    /// What openjd jobs may require of this machine, beside its system and processor: attr.NAME=VALUE, with commas between.
    #[arg(long, value_name = "WORDS", value_delimiter = ',', env = "KLIEG_GIVES")]
    gives: Vec<String>,
}

/// On which terms a worker takes openjd jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Terms {
    guest: Option<Guest>,
    rules: Value,
}

impl Terms {
    /// The kind on these terms.
    pub fn kind(self) -> OpenJd {
        // They were read before they were passed on.
        OpenJd::here(self.guest, serde_json::from_value(self.rules).unwrap_or_default())
    }
}

impl AllowArgs {
    /// For a farm of the caller's own, who may run commands anyway.
    pub fn own() -> Self {
        Self { allow: vec![Foreign::Openjd], openjd_user: "nobody".into(), path_mapping_rules: None, gives: Vec::new() }
    }

    /// An agent's options with what is allowed.
    pub fn allow(&self, mut options: AgentOptions) -> Result<AgentOptions, Stop> {
        if !self.allow.contains(&Foreign::Openjd) {
            return Ok(options);
        }
        let guest = match confine::is_root() {
            true => {
                Some(confine::guest(&self.openjd_user).map_err(|e| Stop::bad(format!("--openjd-user {}: {e}", self.openjd_user)))?)
            }
            false => {
                tracing::warn!(
                    "openjd jobs run as this node's own user, who can read its token: only root can let them run as another"
                );
                None
            }
        };
        let rules = self.path_mapping_rules.as_deref().map(document::path_rules).transpose();
        let rules = rules.map_err(|e| Stop::bad(format!("--path-mapping-rules: {e}")))?.unwrap_or_default();
        let terms = Terms { guest, rules: serde_json::json!(rules) };
        let terms = serde_json::to_string(&terms).map_err(|e| Stop::failed(format!("start workers: {e}")))?;
        options.worker.extend(["--openjd".into(), terms.into()]);
        options.tools.gives.extend(require::standard());
        options.tools.gives.extend(self.gives.iter().map(|word| word.trim().to_lowercase()));
        Ok(options)
    }
}
