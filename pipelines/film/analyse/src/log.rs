//! The record of every inference with what it rests on.

use crate::ballot::{Clue, Verdict};
use klieg_film_words::story::Inference;

/// What `because` says when no word of the script decided.
pub const DEFAULT: &str = "default";

/// Inferences in the order made.
#[derive(Default)]
pub struct Log {
    pub inferences: Vec<Inference>,
}

impl Log {
    pub fn add(&mut self, what: &str, about: &str, value: impl Into<String>, confidence: f32, clue: &Clue) {
        self.inferences.push(Inference {
            what: what.to_owned(),
            about: about.to_owned(),
            value: value.into(),
            confidence,
            line: clue.line.max(1),
            because: clue.words.clone(),
        });
    }

    /// The verdict's value, or the default with the line that it is assumed for.
    pub fn settle<T: Copy>(
        &mut self,
        what: &str,
        about: &str,
        verdict: Option<Verdict<T>>,
        default: T,
        line: u32,
        name: impl Fn(T) -> &'static str,
    ) -> T {
        match verdict {
            Some(v) => {
                self.add(what, about, name(v.value), v.confidence, &v.clue);
                v.value
            }
            None => {
                self.add(what, about, name(default), 0.2, &Clue::new(line, DEFAULT));
                default
            }
        }
    }
}
