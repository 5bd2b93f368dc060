//! Fountain 1.1 (<https://fountain.io/syntax>): notes and boneyards are taken out first, what is left is cut into lines,
//! then the title page and the body are read line by line.

mod body;
mod line;
mod omit;
mod title;

use crate::{Element, ElementKind, Script, Span, locate::locate};
use omit::Omission;
pub(crate) use title::is_title_line;

/// Parses Fountain. Every text is valid Fountain.
pub(crate) fn parse(text: &str) -> Script {
    let omissions = omit::omissions(text);
    let lines = line::lines(text, &omissions);
    let (title_page, first) = title::title_page(&lines);
    let body = body::elements(&lines[first..]);
    let mut elements = merge(body, omissions.iter().filter(|o| !o.nested).map(|o| omitted_element(text, o)));
    locate(text, &mut elements);
    Script { title_page, elements }
}

fn omitted_element(text: &str, omission: &Omission) -> Element {
    let kind = if omission.boneyard { ElementKind::Boneyard } else { ElementKind::Note };
    let span = Span { start: omission.start, end: omission.end, ..Span::default() };
    Element::new(kind, omission.inner(text), span)
}

/// Merges two lists that are ordered by their start.
fn merge(body: Vec<Element>, omitted: impl Iterator<Item = Element>) -> Vec<Element> {
    let mut out = Vec::with_capacity(body.len());
    let mut omitted = omitted.peekable();
    for element in body {
        while let Some(earlier) = omitted.next_if(|o| o.span.start < element.span.start) {
            out.push(earlier);
        }
        out.push(element);
    }
    out.extend(omitted);
    out
}

#[cfg(test)]
mod tests;
