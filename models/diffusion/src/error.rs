use std::{ops::Range, path::PathBuf};

/// Why no picture comes of it. Reads after "failed to ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wish that cannot be fulfilled, found before any work.
    #[error("use {field} = {value}: {remedy}")]
    Wish { field: &'static str, value: String, remedy: String },
    /// Where in the prompt (bytes), and what would be right.
    #[error("understand the prompt at bytes {}..{}: {remedy}", .span.start, .span.end)]
    Prompt { span: Range<usize>, remedy: String },
    #[error("read {}: {source}", .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A configuration that this crate does not cover, or that contradicts itself.
    #[error("use the configuration of {part}: {what}")]
    Config { part: &'static str, what: String },
    /// Weights of another model, or not all of them.
    #[error("use the weights of {part}: tensor {tensor}: {what}")]
    Weights { part: String, tensor: String, what: String },
    #[error("read a tokenizer: {0}")]
    Tokenizer(String),
    /// Somebody said that nobody wants the picture any more.
    #[error("go on: cancelled")]
    Cancelled,
    #[error("compute: {0}")]
    Compute(#[from] candle_core::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn wish(field: &'static str, value: impl ToString, remedy: impl Into<String>) -> Self {
        Self::Wish { field, value: value.to_string(), remedy: remedy.into() }
    }

    pub(crate) fn config(part: &'static str, what: impl Into<String>) -> Self {
        Self::Config { part, what: what.into() }
    }

    pub(crate) fn weights(part: impl Into<String>, tensor: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Weights { part: part.into(), tensor: tensor.into(), what: what.into() }
    }
}
