//! Prompts with weights: `(more)` ×1.1, `[less]` ÷1.1, `(this:1.3)` ×1.3, nested, and `\(` for a bracket that is meant.

use crate::error::{Error, Result};
use std::ops::Range;

/// Characters of a prompt.
pub const CHARS_MAX: usize = 20_000;
/// Brackets within brackets.
pub const DEPTH_MAX: usize = 32;
/// The largest weight that brackets can come to.
pub const WEIGHT_MAX: f64 = 10.0;
const STEP: f64 = 1.1;

/// Words of one weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Without brackets, weights and escapes.
    pub text: String,
    pub weight: f32,
    /// Where they stand in the prompt, in bytes, their weight with them.
    pub span: Range<usize>,
}

struct Open {
    bracket: char,
    at: usize,
    /// The first piece within.
    piece: usize,
}

struct Parser<'a> {
    prompt: &'a str,
    pieces: Vec<(String, f64, Range<usize>)>,
    /// Words since the last bracket, where they began, and where in them a weight may begin.
    text: String,
    start: usize,
    colon: Option<usize>,
    open: Vec<Open>,
}

/// A prompt's pieces, neighbours of one weight joined. An empty prompt has none.
pub fn parse(prompt: &str) -> Result<Vec<Piece>> {
    let count = prompt.chars().take(CHARS_MAX + 1).count();
    if count > CHARS_MAX {
        let all = prompt.chars().count();
        return Err(Error::wish("prompt", format!("{all} characters"), format!("at most {CHARS_MAX}")));
    }
    let mut parser = Parser { prompt, pieces: Vec::new(), text: String::new(), start: 0, colon: None, open: Vec::new() };
    let mut chars = prompt.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next_if(|&(_, c)| matches!(c, '(' | ')' | '[' | ']' | '\\')) {
                Some((_, escaped)) => parser.text.push(escaped),
                None => parser.text.push(c),
            },
            '(' | '[' => parser.begin(c, at)?,
            ')' | ']' => parser.end(c, at)?,
            ':' => {
                parser.colon = Some(parser.text.len());
                parser.text.push(c);
            }
            _ => parser.text.push(c),
        }
    }
    parser.finish()
}

fn wrong<T>(span: Range<usize>, remedy: impl Into<String>) -> Result<T> {
    Err(Error::Prompt { span, remedy: remedy.into() })
}

impl Parser<'_> {
    fn flush(&mut self, end: usize, next: usize) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.pieces.push((text, 1.0, self.start..end));
        }
        (self.start, self.colon) = (next, None);
    }

    fn begin(&mut self, bracket: char, at: usize) -> Result<()> {
        if self.open.len() == DEPTH_MAX {
            return wrong(at..at + 1, format!("brackets at most {DEPTH_MAX} deep"));
        }
        self.flush(at, at + 1);
        self.open.push(Open { bracket, at, piece: self.pieces.len() });
        Ok(())
    }

    fn end(&mut self, bracket: char, at: usize) -> Result<()> {
        let wanted = if bracket == ')' { '(' } else { '[' };
        let Some(open) = self.open.pop().filter(|open| open.bracket == wanted) else {
            return wrong(at..at + 1, format!("no {wanted} is open here; write \\{bracket} for a bracket that is meant"));
        };
        let factor = match self.colon.filter(|_| bracket == ')') {
            Some(colon) => self.weight(colon, open.at..at + 1)?,
            None if bracket == ')' => STEP,
            None => 1.0 / STEP,
        };
        self.flush(at, at + 1);
        for (_, weight, span) in &mut self.pieces[open.piece..] {
            *weight *= factor;
            if *weight > WEIGHT_MAX {
                return wrong(span.clone(), format!("a weight of {weight:.2}; at most {WEIGHT_MAX}"));
            }
        }
        Ok(())
    }

    /// The number after the last colon, which is taken out of the words; words after a colon are words.
    fn weight(&mut self, colon: usize, span: Range<usize>) -> Result<f64> {
        let written = self.text[colon + 1..].trim();
        let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
        if written.is_empty() || !written.chars().all(numeric) {
            return Ok(STEP);
        }
        match written.parse::<f64>() {
            Ok(weight) if (0.0..=WEIGHT_MAX).contains(&weight) => {
                self.text.truncate(colon);
                Ok(weight)
            }
            _ => wrong(span, format!("a weight from 0 to {WEIGHT_MAX}, not {written}")),
        }
    }

    fn finish(mut self) -> Result<Vec<Piece>> {
        if let Some(open) = self.open.last() {
            let (bracket, at) = (open.bracket, open.at);
            return wrong(at..at + 1, format!("it is never closed; write \\{bracket} for a bracket that is meant"));
        }
        self.flush(self.prompt.len(), self.prompt.len());
        let mut joined: Vec<Piece> = Vec::new();
        for (text, weight, span) in self.pieces {
            let weight = weight as f32;
            match joined.last_mut().filter(|last| last.weight == weight) {
                Some(last) => {
                    last.text.push_str(&text);
                    last.span.end = span.end;
                }
                None => joined.push(Piece { text, weight, span }),
            }
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(prompt: &str) -> Vec<(String, f32)> {
        parse(prompt).unwrap().into_iter().map(|piece| (piece.text, (piece.weight * 1000.0).round() / 1000.0)).collect()
    }

    fn pieces(expected: &[(&str, f32)]) -> Vec<(String, f32)> {
        expected.iter().map(|&(text, weight)| (text.to_owned(), weight)).collect()
    }

    #[test]
    fn brackets_weigh() {
        assert_eq!(weights(""), pieces(&[]));
        assert_eq!(weights("a temple"), pieces(&[("a temple", 1.0)]));
        assert_eq!(weights("a (temple) at [dusk]"), pieces(&[("a ", 1.0), ("temple", 1.1), (" at ", 1.0), ("dusk", 0.909)]));
        assert_eq!(weights("((x:2) y:1.5)"), pieces(&[("x", 3.0), (" y", 1.5)]));
        assert_eq!(weights("(a (b) c:0.5)"), pieces(&[("a ", 0.5), ("b", 0.55), (" c", 0.5)]));
        assert_eq!(weights("((([deep])))"), pieces(&[("deep", 1.21)]));
        assert_eq!(weights("(a ratio of 4 : 3 wide)"), pieces(&[("a ratio of 4 : 3 wide", 1.1)]));
    }

    #[test]
    fn escapes_are_meant() {
        assert_eq!(weights(r"a \(b\) \[c\] \\ d\e"), pieces(&[(r"a (b) [c] \ d\e", 1.0)]));
        assert_eq!(weights(r"(x \(y\):1.2)"), pieces(&[("x (y)", 1.2)]));
        assert_eq!(weights("tabby: a cat"), pieces(&[("tabby: a cat", 1.0)]));
        assert_eq!(weights("(tabby: a cat)"), pieces(&[("tabby: a cat", 1.1)]));
    }

    #[test]
    fn errors_say_where() {
        let span = |prompt: &str| match parse(prompt) {
            Err(Error::Prompt { span, .. }) => span,
            other => panic!("{prompt}: {other:?}"),
        };
        assert_eq!(span("a (b"), 2..3);
        assert_eq!(span("é ) b"), 3..4);
        assert_eq!(span("(a]"), 2..3);
        assert_eq!(span("x (a:99)"), 2..8);
        assert_eq!(span("x (a:-1)"), 2..8);
        assert_eq!(span("(a:1.2.3)"), 0..9);
        assert_eq!(span(&"(".repeat(40)), 32..33);
        // The words with the weight that is to be made less.
        assert_eq!(span("((x:9):9)"), 2..5);
        let long = parse(&"a".repeat(100_000)).unwrap_err().to_string();
        assert_eq!(long, "use prompt = 100000 characters: at most 20000");
    }
}
