//! What a screenplay is made of.

use serde_json::{Map, Value, json};

/// Where an element stands in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// Byte offsets into the file, end exclusive.
    pub start: usize,
    pub end: usize,
}

/// The kinds of Fountain's specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementKind {
    SceneHeading,
    Action,
    Character,
    Parenthetical,
    Dialogue,
    Lyrics,
    Transition,
    Centered,
    PageBreak,
    Section,
    Synopsis,
    Note,
    Boneyard,
}

impl ElementKind {
    /// The word used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::SceneHeading => "scene_heading",
            Self::Action => "action",
            Self::Character => "character",
            Self::Parenthetical => "parenthetical",
            Self::Dialogue => "dialogue",
            Self::Lyrics => "lyrics",
            Self::Transition => "transition",
            Self::Centered => "centered",
            Self::PageBreak => "page_break",
            Self::Section => "section",
            Self::Synopsis => "synopsis",
            Self::Note => "note",
            Self::Boneyard => "boneyard",
        }
    }
}

/// One element, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    pub kind: ElementKind,
    /// Without its marker characters, lines joined by `\n`. Emphasis is kept as written: see [`crate::emphasis`] and [`crate::plain`].
    pub text: String,
    pub span: Span,
    /// The writer forced the kind with a marker (`.`, `!`, `@`, `>`).
    pub forced: bool,
    /// Scene headings: the number without its `#`.
    pub scene_number: Option<String>,
    /// Characters: speaks at the same time as the character before.
    pub dual: bool,
    /// Sections: 1–6.
    pub depth: Option<u8>,
    /// Characters: what stands behind the name in parentheses, without them (`V.O.`, `CONT'D`).
    pub extension: Option<String>,
}

impl Element {
    /// An element with nothing but kind, text and span.
    pub fn new(kind: ElementKind, text: impl Into<String>, span: Span) -> Self {
        Self { kind, text: text.into(), span, forced: false, scene_number: None, dual: false, depth: None, extension: None }
    }

    fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("type".into(), self.kind.name().into());
        out.insert("text".into(), self.text.as_str().into());
        out.insert("line".into(), self.span.line.into());
        out.insert("column".into(), self.span.column.into());
        out.insert("forced".into(), self.forced.into());
        if let Some(number) = &self.scene_number {
            out.insert("scene_number".into(), number.as_str().into());
        }
        if self.dual {
            out.insert("dual".into(), true.into());
        }
        if let Some(depth) = self.depth {
            out.insert("depth".into(), depth.into());
        }
        if let Some(extension) = &self.extension {
            out.insert("extension".into(), extension.as_str().into());
        }
        Value::Object(out)
    }
}

/// A parsed screenplay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Keys as written, in order, each with its values; a repeated key is one entry with all its values.
    pub title_page: Vec<(String, Vec<String>)>,
    pub elements: Vec<Element>,
}

impl Script {
    /// `{"title_page": {key: [values]}, "elements": [{"type", "text", "line", "column", "forced", …}]}`.
    pub fn to_json(&self) -> Value {
        let title: Map<String, Value> = self.title_page.iter().map(|(key, values)| (key.clone(), json!(values))).collect();
        let elements: Vec<Value> = self.elements.iter().map(Element::to_json).collect();
        json!({"title_page": title, "elements": elements})
    }

    /// The values of a title page key, whatever its case.
    pub fn title(&self, key: &str) -> Option<&[String]> {
        self.title_page.iter().find(|(k, _)| k.to_lowercase() == key.to_lowercase()).map(|(_, values)| values.as_slice())
    }
}
