//! The languages that lexicons are there for, and whether a text is written in their scripts.

use super::tokens::Token;

/// A language with its lexicon's file.
#[derive(Clone, Copy, Debug)]
pub struct Language {
    /// ISO 639-1.
    pub code: &'static str,
    pub(super) file: &'static str,
}

macro_rules! languages {
    ($($code:literal),+) => {
        &[$(Language { code: $code, file: include_str!(concat!("../../lexicons/", $code, ".toml")) }),+]
    };
}

pub const LANGUAGES: &[Language] = languages!["en", "de", "fr", "es", "pt", "it", "hi", "ar", "zh", "ja"];

/// Share of letters in words of other scripts from which on a text cannot be judged by lexicons.
const STRANGE_MAX: f64 = 0.3;

/// Whether a text is written in scripts that lexicons are there for. A text without letters is.
pub(super) fn readable(tokens: &[Token]) -> bool {
    let known = |c: &char| {
        !c.is_alphabetic()
            || matches!(c, 'a'..='z' | '\u{600}'..='\u{6ff}' | '\u{900}'..='\u{97f}' | '\u{3040}'..='\u{30ff}')
            || matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
    };
    let letters = |token: &Token| token.folded.iter().filter(|c| c.is_alphabetic()).count();
    let all: usize = tokens.iter().map(letters).sum();
    let strange: usize = tokens.iter().filter(|token| !token.folded.iter().all(known)).map(letters).sum();
    strange as f64 <= all as f64 * STRANGE_MAX
}
