//! The lines of a screenplay once notes and boneyards are taken out.

use super::omit::Omission;
use std::borrow::Cow;

/// A line as it is printed. Where a note spans lines, what stands before and after it is one line.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Where pieces of `text` begin: (offset in `text`, offset in the file); at least one.
    pieces: Vec<(usize, usize)>,
    /// A note or boneyard was taken out.
    omitted: bool,
}

impl Line<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
    /// Ends a paragraph: nothing on it, now or before notes were taken out.
    pub(crate) fn is_blank(&self) -> bool {
        self.is_empty() && !self.omitted
    }
    /// Held nothing but notes or boneyards.
    pub(crate) fn is_only_omitted(&self) -> bool {
        self.is_empty() && self.omitted
    }
    /// The line of two spaces that keeps dialogue open.
    pub(crate) fn keeps_open(&self) -> bool {
        self.text == "  " && !self.omitted
    }
    /// File offset of a byte of `text`; the end of a piece belongs to that piece.
    fn source(&self, offset: usize, is_end: bool) -> usize {
        let past = self.pieces.partition_point(|(at, _)| if is_end { *at < offset } else { *at <= offset });
        let (at, source) = self.pieces[past.saturating_sub(1)];
        source + (offset - at.min(offset))
    }
    /// File offsets of the trimmed text.
    pub(crate) fn trimmed_span(&self) -> (usize, usize) {
        let start = self.text.len() - self.text.trim_start().len();
        (self.source(start, false), self.end())
    }
    /// File offset of the first byte.
    pub(crate) fn start(&self) -> usize {
        self.source(0, false)
    }
    /// File offset behind the last byte that is not white space.
    pub(crate) fn end(&self) -> usize {
        self.source(self.text.trim_end().len(), true)
    }
}

/// Cuts what `omissions` leave into lines at LF, CR LF and CR. Unicode's line separators are ordinary characters.
pub(crate) fn lines<'a>(text: &'a str, omissions: &[Omission]) -> Vec<Line<'a>> {
    let mut out = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    for omission in omissions.iter().filter(|o| !o.nested) {
        let start = cut(text, at, omission.start, &mut open, &mut out);
        open.push((start, omission.start));
        at = omission.end;
    }
    let start = cut(text, at, text.len(), &mut open, &mut out);
    open.push((start, text.len()));
    out.push(assemble(text, &open));
    out
}

/// Closes every line that ends in `from..to`; returns where the line that stays open begins.
fn cut<'a>(text: &'a str, from: usize, to: usize, open: &mut Vec<(usize, usize)>, out: &mut Vec<Line<'a>>) -> usize {
    let bytes = text.as_bytes();
    let (mut start, mut at) = (from, from);
    while at < to {
        if !matches!(bytes[at], b'\n' | b'\r') {
            at += 1;
            continue;
        }
        open.push((start, at));
        out.push(assemble(text, open));
        open.clear();
        at += if bytes[at] == b'\r' && at + 1 < to && bytes[at + 1] == b'\n' { 2 } else { 1 };
        start = at;
    }
    start
}

/// Joins the pieces of a line. Of the blanks on both sides of a note one side is kept, and none at the line's ends.
fn assemble<'a>(text: &'a str, pieces: &[(usize, usize)]) -> Line<'a> {
    if let [(start, end)] = pieces {
        return Line { text: Cow::Borrowed(&text[*start..*end]), pieces: vec![(0, *start)], omitted: false };
    }
    let mut joined = String::new();
    let mut places = Vec::with_capacity(pieces.len());
    for (i, (start, end)) in pieces.iter().enumerate() {
        let piece = &text[*start..*end];
        let swallow = i > 0 && (joined.is_empty() || joined.ends_with([' ', '\t']));
        let kept = if swallow { piece.trim_start_matches([' ', '\t']) } else { piece };
        if !kept.is_empty() {
            places.push((joined.len(), end - kept.len()));
            joined.push_str(kept);
        }
    }
    if pieces.last().is_some_and(|(start, end)| text[*start..*end].trim().is_empty()) {
        joined.truncate(joined.trim_end().len());
    }
    if places.is_empty() {
        places.push((0, pieces.first().map_or(0, |p| p.0)));
    }
    Line { text: Cow::Owned(joined), pieces: places, omitted: true }
}
