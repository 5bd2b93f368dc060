//! The body: paragraphs to elements.

use super::line::Line;
use crate::{Element, ElementKind, Span, rules};

/// The elements of the body without notes and boneyards, ordered by start; lines and columns are not filled in yet.
pub(crate) fn elements(lines: &[Line<'_>]) -> Vec<Element> {
    let mut body = Body { lines, at: 0, out: Vec::new(), starts_paragraph: true, partner: false };
    while let Some(line) = lines.get(body.at) {
        if line.is_empty() {
            body.starts_paragraph = true;
            body.at += 1;
        } else {
            body.element(line);
        }
    }
    body.out
}

struct Body<'a> {
    lines: &'a [Line<'a>],
    at: usize,
    out: Vec<Element>,
    /// A blank line, a line of notes, or an element that is always one line stands before.
    starts_paragraph: bool,
    /// The last printed element belongs to a dialogue that a caret may join.
    partner: bool,
}

impl Body<'_> {
    fn element(&mut self, line: &Line<'_>) {
        if self.one_liner(line) || self.starts_paragraph && (self.heading(line) || self.transition(line) || self.character(line)) {
            return;
        }
        self.action();
    }

    /// Adds an element made of one line.
    fn push(&mut self, kind: ElementKind, text: &str, line: &Line<'_>) -> &mut Element {
        let (start, end) = line.trimmed_span();
        self.out.push(Element::new(kind, text, Span { start, end, ..Span::default() }));
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    /// Elements whose marker says it all: they need no blank line around them.
    fn one_liner(&mut self, line: &Line<'_>) -> bool {
        let text = &line.text;
        let ends_paragraph = if rules::is_page_break(text) {
            self.push(ElementKind::PageBreak, "", line);
            true
        } else if let Some((depth, title)) = rules::section(text) {
            self.push(ElementKind::Section, title, line).depth = Some(depth);
            true
        } else if let Some(synopsis) = rules::synopsis(text) {
            self.push(ElementKind::Synopsis, synopsis, line);
            true
        } else if let Some(centered) = rules::centered(text) {
            self.push(ElementKind::Centered, centered, line);
            false
        } else if let Some(transition) = rules::forced_transition(text) {
            self.push(ElementKind::Transition, transition, line).forced = true;
            true
        } else if let Some(lyrics) = rules::lyrics(text) {
            self.push(ElementKind::Lyrics, lyrics, line).forced = true;
            false
        } else {
            return false;
        };
        self.ended(ends_paragraph);
        true
    }

    fn ended(&mut self, starts_paragraph: bool) {
        self.at += 1;
        self.starts_paragraph = starts_paragraph;
        self.partner = false;
    }

    fn heading(&mut self, line: &Line<'_>) -> bool {
        let forced = rules::forced_heading(&line.text);
        let Some(heading) = forced.or_else(|| rules::is_heading(&line.text).then(|| line.text.trim())) else { return false };
        let (text, number) = rules::split_scene_number(heading);
        let element = self.push(ElementKind::SceneHeading, text, line);
        element.forced = forced.is_some();
        element.scene_number = number.map(str::to_owned);
        self.ended(false);
        true
    }

    fn transition(&mut self, line: &Line<'_>) -> bool {
        if !rules::is_transition(&line.text) {
            return false;
        }
        self.push(ElementKind::Transition, line.text.trim(), line);
        self.ended(true);
        true
    }

    fn character(&mut self, line: &Line<'_>) -> bool {
        let forced = line.text.trim().strip_prefix('@');
        let cue = rules::cue(forced.unwrap_or(&line.text));
        let natural = || {
            !line.text.trim_start().starts_with(['!', '('])
                && rules::is_name(cue.name)
                && !is_cancelled(line)
                && self.speech_follows()
        };
        if cue.name.is_empty() || forced.is_none() && !natural() {
            return false;
        }
        let dual = cue.dual && self.partner;
        let element = self.push(ElementKind::Character, cue.name, line);
        element.forced = forced.is_some();
        element.extension = cue.extension;
        element.dual = dual;
        self.at += 1;
        self.dialogue();
        self.partner = true;
        self.starts_paragraph = false;
        true
    }

    /// The next line that holds more than notes is not empty.
    fn speech_follows(&self) -> bool {
        self.lines[self.at + 1..].iter().find(|l| !l.is_only_omitted()).is_some_and(|l| !l.is_empty())
    }

    /// Everything up to the blank line that ends the speech.
    fn dialogue(&mut self) {
        let mut speech: Option<Element> = None;
        let mut empty_lines = 0;
        while let Some(line) = self.lines.get(self.at) {
            if line.is_blank() && !line.keeps_open() || rules::is_page_break(&line.text) {
                break;
            }
            self.at += 1;
            if line.is_only_omitted() {
                continue;
            }
            if line.keeps_open() {
                empty_lines += 1;
            } else if let Some(inner) = rules::parenthetical(&line.text) {
                self.out.extend(speech.take());
                self.push(ElementKind::Parenthetical, inner, line);
                empty_lines = 0;
            } else if let Some(sung) = rules::lyrics(&line.text) {
                self.out.extend(speech.take());
                self.push(ElementKind::Lyrics, sung, line).forced = true;
                empty_lines = 0;
            } else {
                say(&mut speech, line, empty_lines);
                empty_lines = 0;
            }
        }
        self.out.extend(speech);
    }

    /// Everything that is nothing else: lines up to a blank one, or to one that a marker makes something else.
    fn action(&mut self) {
        let begin = self.at;
        let first = &self.lines[begin];
        let mut element = Element::new(ElementKind::Action, "", Span { start: first.start(), end: first.end(), ..Span::default() });
        while let Some(line) = self.lines.get(self.at).filter(|l| !l.is_empty()) {
            let follows = self.at > begin;
            if follows && rules::is_one_liner(&line.text) {
                break;
            }
            let (text, forced) = action_line(&line.text);
            if follows {
                element.text.push('\n');
            }
            element.forced |= forced;
            element.text.push_str(&text);
            element.span.end = line.end();
            self.at += 1;
        }
        self.out.push(element);
        self.starts_paragraph = false;
        self.partner = false;
    }
}

/// Adds a line to a speech; the empty lines before it count only inside the speech.
fn say(speech: &mut Option<Element>, line: &Line<'_>, empty_lines: usize) {
    let (start, end) = line.trimmed_span();
    match speech {
        Some(speech) => {
            speech.text.extend(std::iter::repeat_n('\n', empty_lines + 1));
            speech.text.push_str(line.text.trim());
            speech.span.end = end;
        }
        None => *speech = Some(Element::new(ElementKind::Dialogue, line.text.trim(), Span { start, end, ..Span::default() })),
    }
}

/// `CUT TO: ` with white space behind it: a transition that the writer made an action.
fn is_cancelled(line: &Line<'_>) -> bool {
    let trimmed = line.text.trim_end();
    trimmed.len() < line.text.len() && rules::is_transition(trimmed)
}

/// A line of action: leading white space kept, tabs as four spaces, a forcing `!` taken off.
fn action_line(line: &str) -> (String, bool) {
    let line = line.trim_end();
    let body = line.trim_start();
    let indent = &line[..line.len() - body.len()];
    let (body, forced) = match body.strip_prefix('!') {
        Some(rest) if !rest.trim().is_empty() => (rest, true),
        _ => (body, false),
    };
    (format!("{indent}{body}").replace('\t', "    "), forced)
}
