//! Screenplays from bytes: Fountain 1.1 and Final Draft FDX to elements with their spans, and back to Fountain.
//! The rules, and the decisions where public parsers disagree, stand in this crate's README.md.

mod element;
mod error;

pub use element::{Element, ElementKind, Script, Span};
pub use error::{Fault, ScriptError};
