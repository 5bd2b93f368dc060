//! Elements back to Fountain.

use crate::{Element, ElementKind, Script, fountain, rules};

impl Script {
    /// The script as Fountain. Parsing it again gives the same title page and the same elements but for their spans; where an
    /// element (of a Final Draft file, say) would read as something else, the marker that forces its kind is added. (Notes are printed after the
    /// paragraph in which they stood, so halves of `/*` and `*/` that were plain text may find each other.)
    pub fn to_fountain(&self) -> String {
        let mut printer = Printer { elements: &self.elements, out: title_page(self), in_dialogue: false };
        for at in 0..self.elements.len() {
            printer.print(at);
        }
        printer.out
    }
}

fn title_page(script: &Script) -> String {
    let mut out = String::new();
    for (key, values) in &script.title_page {
        out += &match values.as_slice() {
            [value] if !value.contains('\n') => format!("{key}: {value}\n"),
            _ => format!("{key}:\n{}", values.iter().flat_map(|v| v.lines()).map(|v| format!("    {v}\n")).collect::<String>()),
        };
    }
    out
}

struct Printer<'a> {
    elements: &'a [Element],
    out: String,
    in_dialogue: bool,
}

impl Printer<'_> {
    fn print(&mut self, at: usize) {
        use ElementKind::{Boneyard, Character, Dialogue, Lyrics, Note, Parenthetical};
        let element = &self.elements[at];
        let attached = match element.kind {
            Parenthetical | Dialogue | Lyrics => self.in_dialogue,
            Note | Boneyard => self.in_dialogue && self.speech_follows(at),
            _ => false,
        };
        if !attached && !self.out.is_empty() {
            self.out.push('\n');
        }
        let first = self.out.is_empty();
        let line = match element.kind {
            Character => self.character(element, at),
            Parenthetical if attached => format!("({})", element.text),
            Dialogue if attached => open_lines(&element.text),
            Parenthetical | Dialogue => format!("!{}", element.text),
            ElementKind::Action => action(element, first),
            _ => other(element),
        };
        self.out.push_str(&line);
        self.out.push('\n');
        self.in_dialogue = attached || element.kind == Character;
    }

    /// The next element that is not a note goes on with a speech.
    fn speech_follows(&self, at: usize) -> bool {
        let next = self.elements[at + 1..].iter().find(|e| !matches!(e.kind, ElementKind::Note | ElementKind::Boneyard));
        next.is_some_and(|e| matches!(e.kind, ElementKind::Parenthetical | ElementKind::Dialogue | ElementKind::Lyrics))
    }

    fn character(&self, element: &Element, at: usize) -> String {
        let natural = !element.forced && rules::is_name(&element.text) && self.speech_follows(at);
        let extension = element.extension.as_ref().map(|e| format!(" ({e})")).unwrap_or_default();
        format!("{}{}{extension}{}", if natural { "" } else { "@" }, element.text, if element.dual { " ^" } else { "" })
    }
}

/// Lines with their empty ones kept open by two spaces.
fn open_lines(text: &str) -> String {
    text.split('\n').map(|l| if l.is_empty() { "  " } else { l }).collect::<Vec<_>>().join("\n")
}

fn action(element: &Element, first_in_file: bool) -> String {
    let lines = element.text.split('\n').enumerate();
    let several = element.text.contains('\n');
    let printed = lines.map(|(i, line)| {
        if i == 0 && !element.forced && !several && rules::is_transition(line) {
            return format!("{line} ");
        }
        let forced = i == 0 && (element.forced || reads_as_other(line, several) || first_in_file && fountain::is_title_line(line));
        let body = line.trim_start();
        let marked = forced || rules::is_one_liner(line) || body.strip_prefix('!').is_some_and(|rest| !rest.trim().is_empty());
        format!("{}{}{body}", &line[..line.len() - body.len()], if marked { "!" } else { "" })
    });
    printed.collect::<Vec<_>>().join("\n")
}

/// At the start of a paragraph this line would be no action.
fn reads_as_other(line: &str, several: bool) -> bool {
    let body = line.trim_start();
    let character = several && !body.starts_with(['!', '(']) && rules::is_name(rules::cue(body).name);
    let at = body.starts_with('@') && !rules::cue(&body[1..]).name.is_empty();
    rules::is_heading(line) || rules::forced_heading(line).is_some() || rules::is_transition(line) || character || at
}

fn other(element: &Element) -> String {
    let text = &element.text;
    match element.kind {
        ElementKind::SceneHeading => {
            let dot = if element.forced || !rules::is_heading(text) { "." } else { "" };
            let number = element.scene_number.as_ref().map(|n| format!(" #{n}#")).unwrap_or_default();
            format!("{dot}{text}{number}")
        }
        ElementKind::Transition if !element.forced && rules::is_transition(text) => text.clone(),
        ElementKind::Transition => format!("> {text}"),
        ElementKind::Centered => format!("> {text} <"),
        ElementKind::Lyrics => format!("~{text}"),
        ElementKind::PageBreak => "===".to_owned(),
        ElementKind::Section => format!("{} {text}", "#".repeat(usize::from(element.depth.unwrap_or(1)))),
        ElementKind::Synopsis => format!("= {text}"),
        ElementKind::Note => format!("[[{}]]", open_lines(text)),
        ElementKind::Boneyard => format!("/*{text}*/"),
        ElementKind::Action | ElementKind::Character | ElementKind::Dialogue | ElementKind::Parenthetical => text.clone(),
    }
}
