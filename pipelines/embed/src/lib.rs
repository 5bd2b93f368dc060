//! The job kind `embed`: texts and pictures to vectors, as Arrow IPC, Parquet or JSON lines, with a manifest.
//!
//! A job takes one text file (a text a line, JSON lines with a field, or a screenplay, whose scenes are the texts) or pictures.
//! Its rows stand in the order of the input, whatever the order in which tasks end; what a row is does not depend on how the job was cut.

mod kind;
mod manifest;
mod params;
mod source;
mod table;

pub use kind::{Embed, KIND};
pub use manifest::Manifest;
pub use params::{EmbedParams, Format, Long, Number, Texts};
pub use source::{Item, Source};
