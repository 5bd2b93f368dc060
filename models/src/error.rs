use crate::Refusal;
use std::{io, path::PathBuf};

/// Why a model cannot be had, kept or trusted. Fits "failed to {…}".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("use {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("find a folder for models: name one with --models DIR")]
    Nowhere,
    #[error("name a model {0:?}: want 1 to 96 letters, digits, `.`, `_` or `-`, and a letter or digit first")]
    BadName(String),
    #[error("add the model {0:?}: there is one of that name; give another name with --as, or remove it first: klieg models rm {0}")]
    Taken(String),
    #[error("find the model {0:?}: there is none of that name; `klieg models ls` lists them")]
    Unknown(String),
    #[error("read the record of the model {name:?}: {what}; remove it and add it again: klieg models rm {name}")]
    BadRecord { name: String, what: String },
    /// What is on the disk is no longer what was added.
    #[error("trust the model {name:?}: {what}")]
    Changed { name: String, what: String },
    #[error("take {}: {refusal}", .path.display())]
    Refused { path: PathBuf, refusal: Box<Refusal> },
    #[error("go on: it was interrupted")]
    Stopped,
}

impl Error {
    pub(crate) fn refused(path: impl Into<PathBuf>, refusal: Refusal) -> Self {
        Self::Refused { path: path.into(), refusal: Box::new(refusal) }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
