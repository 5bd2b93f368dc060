//! The job kinds `text` (completion and chat) and `script` (an idea to a Fountain screenplay), by the language models of a shelf.
//!
//! The port between kinds and nodes carries no stream: while a task writes, the end of its text is seen in its progress note, and
//! the whole text when it is done.

mod desk;
mod model;
mod screenplay;
mod script;
mod text;

pub use script::Script;
pub use text::Text;
