//! The job kind `openjd`: Open Job Description templates (`jobtemplate-2023-09`, <https://github.com/OpenJobDescription/openjd-specifications>)
//! as jobs of the farm. The specification itself is the business of the crates `openjd-model`, `openjd-expr` and `openjd-sessions`.
//!
//! - [`template`]: from a file and parameters to a job; [`check`]: what the reference's `check` says.
//! - [`plan`]: from a job to tasks: each is one *session* that enters the environments, runs its share of a step, and exits them.
//!   [`share`]: what a session runs. [`require`]: host requirements as an ask.
//! - [`sitting`]: one session, on the farm or at the command line. [`guest`]: the process of its own that it has on the farm, and
//!   [`host`], who starts it: as another user, with limits ([`confine`]).
//! - [`attach`]: files that travel with a job: in by digest, out as an archive.

pub mod attach;
pub mod check;
pub mod confine;
pub mod document;
pub mod guest;
pub mod host;
mod kind;
pub mod local;
pub mod log;
mod plan;
pub mod require;
pub mod select;
pub mod share;
pub mod sitting;
pub mod summary;
pub mod template;

pub use attach::{Attachment, Flow};
pub use kind::{KIND, OpenJd, PERMISSION};
pub use plan::{FILES, LOG, MANIFEST, Params, TEMPLATE, gathered};
