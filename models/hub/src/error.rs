use std::{io, path::PathBuf};

/// Why a model could not be fetched. Fits "failed to {…}".
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("use the hub {endpoint:?}: {what}; HF_ENDPOINT names it, as https://HOST")]
    BadEndpoint { endpoint: String, what: String },
    #[error("find the model {0:?}: a repository is called OWNER/NAME, of letters, digits, `.`, `_` and `-`")]
    BadRepo(String),
    #[error("reach the hub at {at}: {what}; the same again goes on where it broke off")]
    Away { at: String, what: String },
    #[error("get {what} from {at}: it answers {status}; the same again goes on where it broke off")]
    Status { at: String, what: String, status: u16 },
    #[error("get {what} from {at}: {}", token_remedy(*.token))]
    Forbidden { at: String, what: String, token: bool },
    #[error("get {what} from {at}: there is none; look at its name and --revision")]
    NotFound { at: String, what: String },
    #[error("follow {at}: {what}")]
    Redirect { at: String, what: String },
    #[error("understand the hub at {at}: {what}")]
    Garbled { at: String, what: String },
    #[error("take {file}: the hub has {wanted} bytes of it and sent {found}; the same again goes on where it broke off")]
    Truncated { file: String, wanted: u64, found: u64 },
    #[error("take {file}: its digest is {found}, and the hub says {wanted}; what came was thrown away: pull it again")]
    Digest { file: String, wanted: String, found: String },
    #[error(
        "take {file}: the hub names no digest of it, so nobody can tell whether it is whole; use the public hub or another mirror"
    )]
    NoDigest { file: String },
    #[error("choose the weights of {repo}: {what}")]
    Choice { repo: String, what: String },
    #[error("fetch into {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("fetch into {}: another klieg is pulling the same model there", .0.display())]
    Busy(PathBuf),
    #[error(transparent)]
    Model(#[from] klieg_models::Error),
}

fn token_remedy(token: bool) -> &'static str {
    match token {
        true => {
            "the token in HF_TOKEN may not have it, or it isn't there; accept its terms on its page at the hub, with the token's account"
        }
        false => "it isn't there, or it is only for people who are known; look at its name, or set HF_TOKEN to a token of the hub",
    }
}

impl HubError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Whether the same may go well a little later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// Whether what was asked for is wrong: asking again cannot help.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::BadEndpoint { .. } | Self::BadRepo(_) | Self::Forbidden { .. } | Self::NotFound { .. } | Self::Choice { .. }
        )
    }
}
