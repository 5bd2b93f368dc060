//! Word tables: a phrase of one or more words to what it means, matched word by word, longest first.
//!
//! A table is a text of tab-separated columns; the last column lists phrases separated by commas; `#` starts a comment line.

use crate::text::{Token, tokens};
use std::collections::HashMap;

/// A fault in a table, by its 1-based line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the table: {message}")]
pub struct TableError {
    pub line: usize,
    pub message: String,
}

struct Entry<V> {
    words: Vec<String>,
    value: V,
}

/// Phrases and their meanings.
pub struct Lexicon<V> {
    by_first: HashMap<String, Vec<Entry<V>>>,
    len: usize,
}

impl<V: Clone> Lexicon<V> {
    /// Reads a table whose rows have `columns` columns, the phrases included; `value` reads the others.
    pub fn parse(table: &str, columns: usize, value: impl Fn(&[&str], &str) -> Result<V, String>) -> Result<Self, TableError> {
        let mut lexicon = Self { by_first: HashMap::new(), len: 0 };
        for (n, row) in table.lines().enumerate() {
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            let fault = |message: String| TableError { line: n + 1, message };
            let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
            if cells.len() != columns {
                return Err(fault(format!("{} columns where {columns} are due", cells.len())));
            }
            for phrase in cells[columns - 1].split(',').map(str::trim).filter(|p| !p.is_empty()) {
                let meaning = value(&cells[..columns - 1], phrase).map_err(fault)?;
                lexicon.add(phrase, meaning);
            }
        }
        for entries in lexicon.by_first.values_mut() {
            entries.sort_by_key(|e| std::cmp::Reverse(e.words.len()));
        }
        Ok(lexicon)
    }

    fn add(&mut self, phrase: &str, value: V) {
        let words: Vec<String> = tokens(phrase).into_iter().map(|t| t.key).collect();
        if let Some(first) = words.first().cloned() {
            self.len += 1;
            self.by_first.entry(first).or_default().push(Entry { words, value });
        }
    }

    /// The same phrases with all the meanings that `value` reads from a phrase's entries gathered into one.
    pub fn gathered<W: Clone>(&self, value: impl Fn(&V) -> W) -> Lexicon<Vec<W>> {
        let mut out = Lexicon { by_first: HashMap::new(), len: 0 };
        for (first, entries) in &self.by_first {
            let slot: &mut Vec<Entry<Vec<W>>> = out.by_first.entry(first.clone()).or_default();
            for entry in entries {
                match slot.iter_mut().find(|e| e.words == entry.words) {
                    Some(e) => e.value.push(value(&entry.value)),
                    None => slot.push(Entry { words: entry.words.clone(), value: vec![value(&entry.value)] }),
                }
            }
            out.len += slot.len();
        }
        out
    }

    /// How many phrases there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The longest phrase that begins at token `at`, with the number of tokens it takes.
    pub fn at(&self, words: &[Token], at: usize) -> Option<(usize, &V)> {
        let first = words.get(at)?;
        let mut best: Option<(usize, &V)> = None;
        for form in first.forms.iter().map(String::as_str).chain(glued(&first.key)) {
            let Some(entries) = self.by_first.get(form) else { continue };
            let hit = entries.iter().find(|e| e.words.len() <= words.len() - at && e.matches(&words[at..]));
            if let Some(e) = hit.filter(|e| best.is_none_or(|(len, _)| e.words.len() > len)) {
                best = Some((e.words.len(), &e.value));
            }
        }
        best
    }

    /// Every phrase in `words`, left to right, without overlaps: (first token, tokens, meaning).
    pub fn all<'a>(&'a self, words: &[Token]) -> Vec<(usize, usize, &'a V)> {
        let (mut at, mut out) = (0, Vec::new());
        while at < words.len() {
            match self.at(words, at) {
                Some((len, value)) => {
                    out.push((at, len, value));
                    at += len;
                }
                None => at += 1,
            }
        }
        out
    }

    /// The meaning of a single word.
    pub fn word(&self, key: &str) -> Option<&V> {
        self.by_first.get(key)?.iter().find(|e| e.words.len() == 1).map(|e| &e.value)
    }
}

impl<V> Entry<V> {
    fn matches(&self, words: &[Token]) -> bool {
        // The words of a phrase stand together: no comma, dash or parenthesis between them.
        self.words.iter().enumerate().skip(1).all(|(n, word)| {
            let token = &words[n];
            !(token.gap.comma || token.gap.dash || token.gap.closed) && token.forms.iter().any(|form| form == word)
        })
    }
}

/// Stems of words of scripts that glue case endings on (Indic, Arabic, Cyrillic): prefixes of at least 3 letters.
fn glued(key: &str) -> impl Iterator<Item = &str> {
    let glues = key
        .chars()
        .next()
        .is_some_and(|c| matches!(c, '\u{0400}'..='\u{052f}' | '\u{0600}'..='\u{06ff}' | '\u{0900}'..='\u{0dff}'));
    let cuts: Vec<usize> = if glues { key.char_indices().skip(3).map(|(i, _)| i).collect() } else { Vec::new() };
    cuts.into_iter().rev().map(move |cut| &key[..cut])
}

/// Declares a table that is read once: `table!(NAME: Type, "file.tsv", columns, |cells, phrase| …)`.
macro_rules! table {
    ($(#[$m:meta])* $name:ident: $value:ty, $file:literal, $columns:literal, $read:expr) => {
        $(#[$m])*
        pub static $name: std::sync::LazyLock<$crate::lexicon::Lexicon<$value>> = std::sync::LazyLock::new(|| {
            let table = include_str!(concat!("../lexicons/", $file));
            $crate::lexicon::Lexicon::parse(table, $columns, $read).unwrap_or_else(|e| panic!("{}: {e}", $file))
        });
    };
}
pub(crate) use table;

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon<String> {
        Lexicon::parse("# comment\nthing\toil lamp, lamp, tea bowl\nplace\tకోవెల\n", 2, |cells, _| Ok(cells[0].to_owned())).unwrap()
    }

    #[test]
    fn the_longest_phrase_wins_and_plurals_match() {
        let words = tokens("two Oil Lamps and a lamp");
        let hits: Vec<(usize, usize)> = lexicon().all(&words).iter().map(|h| (h.0, h.1)).collect();
        assert_eq!(hits, [(1, 2), (5, 1)]);
    }

    #[test]
    fn words_match_whole_and_together() {
        assert!(lexicon().all(&tokens("lamplight; oil, lampoon; tea, bowl")).is_empty());
    }

    #[test]
    fn case_endings_are_looked_through() {
        assert_eq!(lexicon().all(&tokens("కోవెలలో")).len(), 1);
    }

    #[test]
    fn a_short_row_is_named() {
        let fault = Lexicon::<()>::parse("a\tb\nonly\n", 2, |_, _| Ok(())).err();
        assert_eq!(fault.map(|f| f.line), Some(2));
    }
}
