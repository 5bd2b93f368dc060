//! The job kind `moderation`: what a text, picture, sound or film contains, and what a policy says to it.
//!
//! - Words: [`Category`], [`Score`], [`Evidence`], [`Finding`]; [`policy`]: from findings to a decision.
//! - Without any model: [`text`] (lexicons), [`picture`], [`film`] and [`sound`] (fingerprints and lists of known content), [`flash`]
//!   (ITU-R BT.1702), [`file`](mod@file) (types, polyglots, bombs).
//! - With models: whatever implements [`Classifier`]. What nothing here can judge is `unavailable`, never a made-up score.
//! - [`Moderation`]: the job kind; [`Report`]: what it writes.

mod category;
mod classifier;
pub mod file;
pub mod film;
mod finding;
pub mod flash;
mod kind;
mod known;
pub mod picture;
pub mod policy;
mod report;
pub mod sound;
pub mod text;

pub use category::{Category, Family, Likelihood};
pub use classifier::{Classifier, Content, Medium};
pub use finding::{EVIDENCE_MAX, Evidence, Finding, Findings, Place, Score};
pub use kind::{CONTENT_BYTES_MAX, Moderation, NAME};
pub use known::{LISTS_PREFIX, Lists};
pub use policy::{Decision, Policy, Verdict};
pub use report::{About, Report};
