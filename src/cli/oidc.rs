//! How `klieg serve` lets people log in by another provider.

use super::Stop;
use klieg_api::{OidcOptions, Role};
use std::path::PathBuf;

/// Log in by another provider (OpenID Connect).
#[derive(clap::Args)]
pub struct Args {
    /// A provider by which people log in besides names and passwords: its issuer, such as https://login.example/realms/studio.
    #[arg(long, value_name = "URL", env = "KLIEG_OIDC_ISSUER", requires = "oidc_client_id")]
    oidc_issuer: Option<String>,
    /// How the provider calls this farm.
    #[arg(long, value_name = "ID", env = "KLIEG_OIDC_CLIENT_ID", requires = "oidc_issuer")]
    oidc_client_id: Option<String>,
    /// The client's secret. It is seen by all who may list processes: rather use --oidc-client-secret-file or the environment.
    #[arg(long, env = "KLIEG_OIDC_CLIENT_SECRET", hide_env_values = true)]
    oidc_client_secret: Option<String>,
    /// A file with the client's secret; without one the farm is a public client.
    #[arg(long, value_name = "FILE", env = "KLIEG_OIDC_CLIENT_SECRET_FILE", conflicts_with = "oidc_client_secret")]
    oidc_client_secret_file: Option<PathBuf>,
    /// What the button to log in says.
    #[arg(long, value_name = "NAME", env = "KLIEG_OIDC_NAME", default_value = "single sign-on")]
    oidc_name: String,
    /// Which claim says what somebody is; dots lead into it (realm_access.roles).
    #[arg(long, value_name = "CLAIM", env = "KLIEG_OIDC_ROLES_CLAIM", default_value = "groups")]
    oidc_roles_claim: String,
    /// Which role has who is in which group, as GROUP=ROLE; the first that fits counts. May be given more than once.
    #[arg(long, value_name = "GROUP=ROLE", env = "KLIEG_OIDC_ROLE", value_delimiter = ',', value_parser = role)]
    oidc_role: Vec<(String, Role)>,
    /// The role of those in none of these groups [default: they may not come in].
    #[arg(long, value_name = "ROLE", env = "KLIEG_OIDC_DEFAULT_ROLE", value_parser = known)]
    oidc_default_role: Option<Role>,
    /// Where the provider sends people back to [default: /api/v1/auth/oidc/callback at --advertise].
    #[arg(long, value_name = "URL", env = "KLIEG_OIDC_REDIRECT")]
    oidc_redirect: Option<String>,
}

fn known(text: &str) -> Result<Role, String> {
    match text.parse() {
        Ok(Role::Node) => Err("nobody who logs in is a node".into()),
        role => role.map_err(|error| format!("failed to {error}")),
    }
}

fn role(text: &str) -> Result<(String, Role), String> {
    let (group, role) = text.rsplit_once('=').ok_or("expected GROUP=ROLE, such as film-makers=creator")?;
    Ok((group.to_owned(), known(role)?))
}

impl Args {
    /// The provider, if one is named.
    pub fn options(&self) -> Result<Option<OidcOptions>, Stop> {
        let (Some(issuer), Some(client_id)) = (&self.oidc_issuer, &self.oidc_client_id) else { return Ok(None) };
        let client_secret = match &self.oidc_client_secret_file {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                Some(text.map_err(|e| Stop::bad(format!("read the client's secret in {}: {e}", path.display())))?.trim().to_owned())
            }
            None => self.oidc_client_secret.as_ref().map(|secret| secret.trim().to_owned()),
        };
        Ok(Some(OidcOptions {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret,
            name: self.oidc_name.clone(),
            roles_claim: self.oidc_roles_claim.clone(),
            roles: self.oidc_role.clone(),
            otherwise: self.oidc_default_role,
            redirect: self.oidc_redirect.clone(),
            ca: None,
        }))
    }
}
