//! A parsed screenplay to scenes of sentences and speeches, with their lines.

use crate::text::{Sentence, sentences};
use klieg_film_script::{Element, ElementKind, Script, plain};

/// A scene as written.
pub struct SceneText {
    /// `sc010`, `sc020`, …
    pub id: String,
    pub heading: String,
    /// Its heading's line and its last line (1-based).
    pub lines: (u32, u32),
    pub items: Vec<Item>,
}

/// A paragraph of action, or a speech.
pub enum Item {
    Action(Vec<Sentence>),
    Speech(Speech),
}

/// What stands under one character cue.
pub struct Speech {
    pub cue: String,
    pub line: u32,
    pub extension: Option<String>,
    pub dual: bool,
    pub parts: Vec<Part>,
}

/// A stretch of a speech between parentheticals.
pub struct Part {
    pub parenthetical: Option<String>,
    /// Line of the parenthetical, or of the words without one.
    pub aside_line: u32,
    pub text: String,
    /// Line of the words, or of the parenthetical where no words follow.
    pub line: u32,
}

/// A note with its place: `scene` is `None` before the first heading.
pub struct NoteText {
    pub scene: Option<usize>,
    pub text: String,
    pub line: u32,
    pub column: u32,
}

/// The whole script.
#[derive(Default)]
pub struct Film {
    pub scenes: Vec<SceneText>,
    pub notes: Vec<NoteText>,
}

impl Film {
    pub fn read(script: &Script) -> Self {
        let mut film = Self::default();
        let mut in_speech = false;
        for element in &script.elements {
            in_speech = film.take(element, in_speech);
        }
        film.close_lines();
        film
    }

    /// Takes one element; answers whether a speech is open behind it.
    fn take(&mut self, element: &Element, in_speech: bool) -> bool {
        let line = element.span.line;
        if element.kind == ElementKind::Note {
            let scene = self.scenes.len().checked_sub(1);
            self.notes.push(NoteText { scene, text: element.text.clone(), line, column: element.span.column });
            return in_speech;
        }
        if element.kind == ElementKind::SceneHeading {
            let id = format!("sc{:03}", (self.scenes.len() + 1) * 10);
            let heading = plain(&element.text).split_whitespace().collect::<Vec<_>>().join(" ");
            self.scenes.push(SceneText { id, heading, lines: (line, line), items: Vec::new() });
            return false;
        }
        let Some(scene) = self.scenes.last_mut() else { return false };
        scene.lines.1 = scene.lines.1.max(line + element.text.matches('\n').count() as u32);
        scene.take(element, in_speech)
    }

    /// A scene reaches to the line before the next heading.
    fn close_lines(&mut self) {
        for n in 1..self.scenes.len() {
            let next = self.scenes[n].lines.0;
            let lines = &mut self.scenes[n - 1].lines;
            lines.1 = lines.1.max(next.saturating_sub(1)).max(lines.0);
        }
    }
}

impl SceneText {
    fn take(&mut self, element: &Element, in_speech: bool) -> bool {
        let line = element.span.line;
        match element.kind {
            ElementKind::Action => {
                let found = sentences(&plain(&element.text), line);
                if !found.is_empty() {
                    self.items.push(Item::Action(found));
                }
                false
            }
            ElementKind::Character => {
                self.items.push(Item::Speech(Speech {
                    cue: plain(&element.text),
                    line,
                    extension: element.extension.clone(),
                    dual: element.dual,
                    parts: Vec::new(),
                }));
                true
            }
            ElementKind::Parenthetical if in_speech => {
                let text = plain(&element.text);
                self.speak(|speech| {
                    speech.parts.push(Part { parenthetical: Some(text), aside_line: line, text: String::new(), line })
                });
                true
            }
            ElementKind::Dialogue | ElementKind::Lyrics if in_speech => {
                let text = plain(&element.text).split_whitespace().collect::<Vec<_>>().join(" ");
                self.speak(|speech| speech.say(&text, line));
                true
            }
            // Remarks beside the script do not end a speech.
            ElementKind::Boneyard | ElementKind::Synopsis | ElementKind::PageBreak => in_speech,
            _ => false,
        }
    }

    fn speak(&mut self, change: impl FnOnce(&mut Speech)) {
        if let Some(Item::Speech(speech)) = self.items.last_mut() {
            change(speech);
        }
    }

    /// Sentences of the action paragraphs, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Sentence> {
        self.items.iter().flat_map(|item| match item {
            Item::Action(sentences) => sentences.as_slice(),
            Item::Speech(_) => &[],
        })
    }

    pub fn speeches(&self) -> impl Iterator<Item = &Speech> {
        self.items.iter().filter_map(|item| match item {
            Item::Speech(speech) => Some(speech),
            Item::Action(_) => None,
        })
    }
}

impl Speech {
    fn say(&mut self, text: &str, line: u32) {
        match self.parts.last_mut() {
            Some(part) if part.text.is_empty() => {
                part.text = text.to_owned();
                part.line = line;
            }
            Some(part) => {
                part.text.push(' ');
                part.text.push_str(text);
            }
            None => self.parts.push(Part { parenthetical: None, aside_line: line, text: text.to_owned(), line }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeches_split_at_parentheticals_and_scenes_end_before_the_next() {
        let script = klieg_film_script::parse(
            "a.fountain",
            b"INT. ROOM - DAY\n\nAnna sits.\n\nANNA (V.O.)\nOne.\n(beat)\nTwo *three*.\n\nEXT. STREET - NIGHT\n\nRain.\n",
        )
        .unwrap();
        let film = Film::read(&script);
        assert_eq!(film.scenes.len(), 2);
        assert_eq!(film.scenes[0].lines, (1, 9));
        let speech = film.scenes[0].speeches().next().unwrap();
        let parts: Vec<(Option<&str>, &str, u32)> =
            speech.parts.iter().map(|p| (p.parenthetical.as_deref(), p.text.as_str(), p.line)).collect();
        assert_eq!(parts, [(None, "One.", 6), (Some("beat"), "Two three.", 8)]);
        assert_eq!(speech.extension.as_deref(), Some("V.O."));
    }
}
