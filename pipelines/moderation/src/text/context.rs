//! What surrounds a phrase changes what it means: it is denied, quoted, reported, taught, or a character says it.

use crate::Category;
use serde::{Deserialize, Serialize};

/// A context that weakens a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// "I would never …"
    Negated,
    /// "The police said …"
    Reported,
    /// Between quotation marks, where somebody reports or teaches.
    Quoted,
    /// Medicine, education, prevention, law.
    Taught,
    /// A screenplay, a novel, a game: a villain may threaten.
    Fiction,
}

/// What is left of a phrase's strength in a context. Children in sexual contexts are as bad in fiction, and instructions work wherever
/// they stand.
pub(super) fn left(context: Context, category: Category) -> f32 {
    use Category::{HarassmentThreatening, IllicitViolent, SelfHarmInstructions, SexualMinors};
    match (context, category) {
        (Context::Negated, SexualMinors) => 0.6,
        (Context::Negated, _) => 0.35,
        (Context::Reported | Context::Taught, SexualMinors) => 0.4,
        (Context::Reported, HarassmentThreatening) => 0.4,
        (Context::Reported, _) => 0.45,
        (Context::Quoted, SexualMinors) => 0.7,
        (Context::Quoted, _) => 0.5,
        (Context::Taught, SelfHarmInstructions | IllicitViolent) => 0.6,
        (Context::Taught, _) => 0.4,
        (Context::Fiction, SexualMinors) => 1.0,
        (Context::Fiction, SelfHarmInstructions | IllicitViolent) => 0.8,
        (Context::Fiction, _) => 0.4,
    }
}

/// Whether a text is a screenplay: it has a scene heading, alone in its line.
pub(super) fn is_screenplay(text: &str) -> bool {
    let heading = |line: &str| {
        let line = line.trim();
        let starts =
            ["INT.", "EXT.", "INT ", "EXT ", "INT/EXT", "INT./EXT.", "I/E", "EST."].iter().any(|start| line.starts_with(start));
        starts && line.chars().count() <= 120 && !line.chars().any(char::is_lowercase)
    };
    text.lines().any(heading)
}

/// The longest quotation, in characters.
const QUOTE_CHARS_MAX: usize = 2_000;

/// Of each character whether it stands between quotation marks; marks that are not closed within a paragraph, and
/// within `QUOTE_CHARS_MAX`, quote nothing.
pub(super) fn quoted(text: &str) -> Vec<bool> {
    let closing = |c: char| match c {
        '"' => Some(['"', '"']),
        '“' => Some(['”', '“']),
        '„' => Some(['“', '”']),
        '«' => Some(['»', '»']),
        '»' => Some(['«', '«']),
        '「' => Some(['」', '」']),
        '『' => Some(['』', '』']),
        '《' => Some(['》', '》']),
        _ => None,
    };
    let chars: Vec<char> = text.chars().collect();
    let mut inside = vec![false; chars.len()];
    let mut at = 0;
    while at < chars.len() {
        let end = closing(chars[at]).and_then(|ends| {
            let rest = &chars[at + 1..];
            rest.iter()
                .take(QUOTE_CHARS_MAX)
                .take_while(|c| **c != '\n')
                .position(|c| ends.contains(c))
                .map(|length| at + 1 + length)
        });
        match end {
            Some(end) => {
                inside[at + 1..end].fill(true);
                at = end + 1;
            }
            None => at += 1,
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screenplays_have_scene_headings() {
        assert!(is_screenplay("FADE IN:\n\nINT. KITCHEN - NIGHT\n\nAnna waits.\n"));
        assert!(!is_screenplay("Int. calls are free.\nEXTRA! EXTRA!\n"));
    }

    #[test]
    fn quotation_marks_pair() {
        let count = |text: &str| quoted(text).iter().filter(|inside| **inside).count();
        assert_eq!(count("a \"bc\" d „ef“ «gh» 「ij」"), 8);
        assert_eq!(count("an inch is 1\" long\nand \""), 0);
    }
}
