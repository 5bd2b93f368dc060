//! Understands a parsed screenplay: scenes, people, what they say and do, where and when, each inference with the script
//! line that it rests on. The rules of the notes by which writers override inferences stand in this crate's README.md.
//!
//! `read` gives scenes of sentences (`text`); `roster` finds the people (`roman` across scripts) and `traits`, `dress`, `language` what they are like;
//! `culture`, `heading`, `setting` and `moods` tell where, when and how; `stage` and `talk` turn action and speeches into beats;
//! `scenes`, `people` and `story` put the story together; `notes` holds the overrides; `glossary` says what single words mean. What words mean stands in `lexicons/`,
//! read by `lexicon`, `tables` and `inflect`.

mod ballot;
mod culture;
mod dress;
mod glossary;
mod grammar;
mod heading;
mod inflect;
mod language;
mod lexicon;
mod log;
mod moods;
mod notes;
mod people;
mod read;
mod roman;
mod roster;
mod scenes;
mod setting;
mod stage;
mod story;
mod tables;
mod talk;
mod text;
mod traits;

pub use glossary::{Phrase, Sense, glossary};
pub use notes::AnalyseError;
pub use story::analyse;
