//! A paragraph of Final Draft to an element.

use crate::{Element, ElementKind, Span, rules};

/// What stands in a paragraph that stands in another paragraph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In the script itself, or in one side of a dual dialogue.
    #[default]
    Body,
    /// A script note, or a beat that hangs on a scene.
    Note,
    /// The summary on a scene's index card.
    Summary,
}

#[derive(Debug, Default)]
pub(super) struct Paragraph {
    kind: String,
    number: Option<String>,
    centered: bool,
    starts_page: bool,
    place: Place,
    pub(super) text: String,
    pub(super) dual: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Paragraph {
    /// `start` is the byte offset of its tag.
    pub(super) fn starting_at(start: usize) -> Self {
        Self { start, ..Self::default() }
    }

    pub(super) fn attribute(&mut self, key: &str, value: &str) {
        match key {
            "Type" => self.kind = value.trim().to_owned(),
            "Number" => self.number = Some(value.trim().to_owned()).filter(|n| !n.is_empty()),
            "Alignment" => self.centered = value.eq_ignore_ascii_case("center"),
            "StartsNewPage" => self.starts_page = value.eq_ignore_ascii_case("yes"),
            _ => {}
        }
    }

    /// Where it stands, by the names of the elements around it.
    pub(super) fn place(&mut self, around: &[String]) {
        let inside = around.iter().rposition(|name| name == "Paragraph").map_or(&[][..], |at| &around[at + 1..]);
        self.place = match inside.first().map(String::as_str) {
            None | Some("DualDialogue") => Place::Body,
            Some(_) if inside.iter().any(|name| name == "Summary") => Place::Summary,
            Some(_) => Place::Note,
        };
    }

    pub(super) fn is_speaker(&self) -> bool {
        self.kind == "Character" && self.place == Place::Body
    }

    /// The element, and the page break before it. An empty paragraph is none.
    pub(super) fn elements(self) -> Vec<Element> {
        let span = Span { start: self.start, end: self.end, ..Span::default() };
        let mut out = Vec::new();
        if self.starts_page {
            out.push(Element::new(ElementKind::PageBreak, "", span));
        }
        if !self.text.trim().is_empty() {
            out.push(self.element(span));
        }
        out
    }

    fn element(self, span: Span) -> Element {
        let (kind, depth) = self.element_kind();
        let text = self.text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim();
        let mut element = Element::new(kind, text, span);
        element.depth = depth;
        match kind {
            ElementKind::SceneHeading => {
                let (heading, number) = rules::split_scene_number(text);
                element.scene_number = self.number.or_else(|| number.map(str::to_owned));
                element.text = heading.to_owned();
            }
            ElementKind::Character => {
                let cue = rules::cue(text);
                element.text = cue.name.to_owned();
                element.extension = cue.extension;
                element.dual = self.dual;
            }
            ElementKind::Parenthetical => element.text = rules::parenthetical(text).unwrap_or(text).to_owned(),
            _ => {}
        }
        element
    }

    /// Final Draft's paragraph types; an unknown one is action, so that no text is lost.
    fn element_kind(&self) -> (ElementKind, Option<u8>) {
        let kind = match (self.place, self.kind.as_str()) {
            (Place::Note, _) => ElementKind::Note,
            (Place::Summary, _) => ElementKind::Synopsis,
            (_, "Scene Heading") => ElementKind::SceneHeading,
            (_, "Character") => ElementKind::Character,
            (_, "Parenthetical") => ElementKind::Parenthetical,
            (_, "Dialogue") => ElementKind::Dialogue,
            (_, "Transition") => ElementKind::Transition,
            (_, "Lyrics" | "Singing") => ElementKind::Lyrics,
            (_, "New Act" | "Outline 1") => return (ElementKind::Section, Some(1)),
            (_, "Outline 2") => return (ElementKind::Section, Some(2)),
            (_, "Outline 3") => return (ElementKind::Section, Some(3)),
            (_, "Outline 4") => return (ElementKind::Section, Some(4)),
            (_, "Outline Body") => ElementKind::Synopsis,
            (_, "End of Act") => ElementKind::Centered,
            _ if self.centered => ElementKind::Centered,
            _ => ElementKind::Action,
        };
        (kind, None)
    }
}
