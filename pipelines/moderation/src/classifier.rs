//! The port for models: what one can judge, and its judgement with evidence.

use crate::{Category, Evidence};
use klieg_kind::Shown;
use klieg_protocol::TaskFailure;

/// What a classifier is shown.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// At most `text::TEXT_CHARS_MAX` characters.
    Text(&'a str),
    /// A picture, or a frame of a film at its time.
    Picture(&'a Shown),
}

/// What kind of content it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    Text,
    Picture,
}

impl Content<'_> {
    pub fn medium(&self) -> Medium {
        match self {
            Self::Text(_) => Medium::Text,
            Self::Picture(_) => Medium::Picture,
        }
    }
}

/// A model that judges content. The same content has the same judgement, whatever was judged before.
pub trait Classifier: Send + Sync {
    /// What reports call it: `model NAME@DIGEST`.
    fn name(&self) -> &str;
    /// The categories that it can judge of a medium; none if it cannot.
    fn judges(&self, medium: Medium) -> &[Category];
    /// What it finds, each piece in a category that `judges` names; a category without evidence was looked for and not found. Errors are
    /// the node's or the task's, and fail the task: a judgement that is missing must not look like none was needed.
    fn judge(&self, content: Content<'_>) -> Result<Vec<(Category, Evidence)>, TaskFailure>;
}
