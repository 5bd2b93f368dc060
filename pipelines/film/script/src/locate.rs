//! Byte offsets to lines and columns.

use crate::Element;

/// Walks forward through a text, counting lines and characters; each byte is looked at once.
pub(crate) struct Locator<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    column: u32,
}

impl<'a> Locator<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, line: 1, column: 1 }
    }

    /// Line and column (1-based) of a byte offset that is not before the last one asked for.
    pub(crate) fn find(&mut self, offset: usize) -> (u32, u32) {
        let Some(between) = self.text.get(self.at..offset.max(self.at)) else { return (self.line, self.column) };
        let mut previous = self.text[..self.at].chars().next_back();
        for c in between.chars() {
            match c {
                '\n' if previous == Some('\r') => {}
                '\n' | '\r' => {
                    self.line = self.line.saturating_add(1);
                    self.column = 1;
                }
                _ => self.column = self.column.saturating_add(1),
            }
            previous = Some(c);
        }
        self.at = offset.max(self.at);
        (self.line, self.column)
    }
}

/// Line and column (1-based) of one byte offset.
pub(crate) fn position(text: &str, offset: usize) -> (u32, u32) {
    Locator::new(text).find(offset)
}

/// Fills in lines and columns of elements that are ordered by their start.
pub(crate) fn locate(text: &str, elements: &mut [Element]) {
    let mut locator = Locator::new(text);
    for element in elements {
        (element.span.line, element.span.column) = locator.find(element.span.start);
    }
}
