//! Screenplays from bytes: Fountain 1.1 and Final Draft FDX to elements with their spans, and back to Fountain.
//! The rules, and the decisions where public parsers disagree, stand in this crate's README.md.

mod decode;
mod element;
mod emphasis;
mod error;
mod fdx;
mod fountain;
mod locate;
mod print;
mod rules;

pub use decode::MAX_BYTES;
pub use element::{Element, ElementKind, Script, Span};
pub use emphasis::{Run, emphasis, plain};
pub use error::{Fault, ScriptError};

/// Parses a screenplay. `name` is the file's name: it stands in errors, and its extension helps to tell FDX from Fountain.
///
/// A text without a scene heading parses (it may be a fragment): see [`require_scenes`].
pub fn parse(name: &str, bytes: &[u8]) -> Result<Script, ScriptError> {
    let text = decode::decode(name, bytes)?;
    if fdx::is_fdx(name, text) { fdx::parse(name, text) } else { Ok(fountain::parse(text)) }
}

/// Refuses a script that has no scene to film.
pub fn require_scenes(name: &str, script: &Script) -> Result<(), ScriptError> {
    if script.elements.iter().any(|e| e.kind == ElementKind::SceneHeading) {
        return Ok(());
    }
    let remedy = "no scene heading; start each scene with a line such as \"INT. KITCHEN - DAY\" or \"EXT. TEMPLE - DAWN\", with a blank line before it";
    Err(ScriptError::whole(name, Fault::NoScenes, remedy))
}
