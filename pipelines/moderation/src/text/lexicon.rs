//! Lexicons: phrases with their category and strength, and the words that give them a context.
//!
//! A file is TOML; its phrases are coded (base64 of UTF-8), so that nobody reads them by accident. `examples/lexicon.rs` decodes a file
//! and codes phrases. A phrase is words; `(one|other|)` stands for each of them, and a `*` after the last word for whatever ends it has.

use super::{
    context::Context,
    language::Language,
    tokens::{Disguise, Token, disguise, key, tokens},
};
use crate::Category;
use aho_corasick::{AhoCorasick, BuildError};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Phrases that one of a file may stand for.
const FORMS_MAX: usize = 512;
/// Words of a phrase.
const WORDS_MAX: usize = 16;
/// The shortest phrase of several words that is looked for within letters with gaps between them.
const SPACED_PHRASE_CHARS_MIN: usize = 7;
/// Words before and after such letters that may belong to a phrase with them.
const SPACED_NEIGHBOURS: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    #[error("read the lexicon {0}: {1}")]
    Toml(&'static str, #[source] Box<toml::de::Error>),
    #[error("read the lexicon {language}: {category}, entry {number}: {what}")]
    Entry { language: &'static str, category: String, number: usize, what: &'static str },
    #[error("build the search for the lexicons: {0}")]
    Search(#[from] BuildError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    context: BTreeMap<Context, Vec<String>>,
    entries: BTreeMap<Category, Vec<String>>,
}

/// What a phrase means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    Judges { category: Category, strength: f32, name: String, language: &'static str },
    Says { context: Context, language: &'static str },
}

#[derive(Debug)]
struct Phrase {
    words: Vec<Vec<char>>,
    /// The last word may go on.
    stem: bool,
    meaning: usize,
}

/// A phrase in a text: from this word on, so many words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    pub(super) meaning: usize,
    pub(super) first: usize,
    pub(super) words: usize,
    pub(super) disguises: Vec<Disguise>,
}

/// All languages' phrases, ready to be looked for.
#[derive(Debug)]
pub struct Lexicon {
    search: AhoCorasick,
    spaced: AhoCorasick,
    phrases: Vec<Phrase>,
    /// Of `spaced`'s patterns, which phrase each is.
    squeezed: Vec<usize>,
    pub(super) meanings: Vec<Meaning>,
    /// `en 3, de 1, …`: languages and versions, for reports.
    pub version: String,
}

/// Codes a phrase for a lexicon's file.
pub fn code(phrase: &str) -> String {
    STANDARD.encode(phrase)
}

/// Decodes a phrase of a lexicon's file.
pub fn decode(coded: &str) -> Option<String> {
    STANDARD.decode(coded).ok().and_then(|bytes| String::from_utf8(bytes).ok())
}

impl Lexicon {
    /// Reads the lexicons of languages.
    pub fn of(languages: &[Language]) -> Result<Self, LexiconError> {
        let (mut meanings, mut phrases, mut versions) = (Vec::new(), Vec::new(), Vec::new());
        for language in languages {
            let file: File = toml::from_str(language.file).map_err(|e| LexiconError::Toml(language.code, Box::new(e)))?;
            versions.push(format!("{} {}", language.code, file.version));
            let bad = |category: &str, number, what| LexiconError::Entry {
                language: language.code,
                category: category.into(),
                number,
                what,
            };
            for (context, words) in &file.context {
                meanings.push(Meaning::Says { context: *context, language: language.code });
                for (number, form) in words.iter().enumerate() {
                    let made = read(form, meanings.len() - 1).map_err(|what| bad(&format!("{context:?}"), number, what))?;
                    phrases.extend(made);
                }
            }
            for (category, entries) in &file.entries {
                for (number, entry) in entries.iter().enumerate() {
                    let bad = |what| bad(category.word(), number, what);
                    let (strength, coded) =
                        entry.split_once(' ').ok_or_else(|| bad("an entry is a strength and a coded phrase"))?;
                    let strength = strength.parse().ok().filter(|strength| (0.0..=1.0).contains(strength));
                    let strength = strength.ok_or_else(|| bad("a strength is a number of 0 to 1"))?;
                    let phrase = decode(coded).ok_or_else(|| bad("the phrase is no base64 of UTF-8"))?;
                    let name = format!("{} {category} {number}", language.code);
                    meanings.push(Meaning::Judges { category: *category, strength, name, language: language.code });
                    phrases.extend(read(&phrase, meanings.len() - 1).map_err(bad)?);
                }
            }
        }
        Self::ready(phrases, meanings, versions.join(", "))
    }

    fn ready(phrases: Vec<Phrase>, meanings: Vec<Meaning>, version: String) -> Result<Self, LexiconError> {
        let keyed = |phrase: &Phrase| phrase.words.iter().map(|word| format!(" {}", key(word))).collect::<String>();
        let search = AhoCorasick::new(phrases.iter().map(keyed))?;
        let letters = |phrase: &Phrase| phrase.words.concat();
        let hideable = |phrase: &Phrase| {
            let judges = matches!(meanings[phrase.meaning], Meaning::Judges { .. });
            judges && phrase.words.len() > 1 && letters(phrase).len() >= SPACED_PHRASE_CHARS_MIN
        };
        let squeezed: Vec<usize> = (0..phrases.len()).filter(|at| hideable(&phrases[*at])).collect();
        let spaced = AhoCorasick::new(squeezed.iter().map(|at| letters(&phrases[*at]).into_iter().collect::<String>()))?;
        Ok(Self { search, spaced, phrases, squeezed, meanings, version })
    }

    /// Every phrase in words, in disguise or not. `most`: hits are looked for until there are so many.
    pub(super) fn find(&self, words: &[Token], most: usize) -> Vec<Hit> {
        let (mut hay, mut starts) = (String::new(), Vec::with_capacity(words.len()));
        for word in words {
            if word.begins {
                hay.push('\n');
            }
            starts.push(hay.len());
            hay.push(' ');
            hay.push_str(&word.key);
        }
        let hits = self.search.find_overlapping_iter(&hay).filter_map(|found| {
            let phrase = &self.phrases[found.pattern().as_usize()];
            let first = starts.binary_search(&found.start()).ok()?;
            let at = words.get(first..first + phrase.words.len())?;
            let last = phrase.words.len() - 1;
            let mut disguises = Vec::new();
            for (i, (token, word)) in at.iter().zip(&phrase.words).enumerate() {
                disguises.extend(disguise(token, word, phrase.stem && i == last)?);
            }
            disguises.sort();
            disguises.dedup();
            Some(Hit { meaning: phrase.meaning, first, words: phrase.words.len(), disguises })
        });
        hits.take(most).collect()
    }

    /// Phrases of several words in letters that had gaps between them, and none between their words, or only some: each with its first
    /// word and how many words it covers, one of which is spaced.
    pub(super) fn find_spaced(&self, words: &[Token], most: usize) -> Vec<Hit> {
        let mut hits = Vec::new();
        for at in (0..words.len()).filter(|at| words[*at].spaced) {
            let first = at.saturating_sub(SPACED_NEIGHBOURS);
            let window = &words[first..words.len().min(at + SPACED_NEIGHBOURS + 1)];
            let (mut plain, mut ends) = (String::new(), Vec::with_capacity(window.len()));
            for word in window {
                plain.extend(word.folded.iter().map(|c| super::tokens::letter(*c)));
                ends.push(plain.len());
            }
            let covers = |found: &aho_corasick::Match| {
                let begins = ends.iter().position(|end| found.start() < *end)?;
                let last = ends.iter().position(|end| found.end() <= *end)?;
                (begins..=last).contains(&(at - first)).then_some((first + begins, last - begins + 1))
            };
            let found = self.spaced.find_overlapping_iter(&plain).filter_map(|found| {
                let (first, words) = covers(&found)?;
                let meaning = self.phrases[self.squeezed[found.pattern().as_usize()]].meaning;
                Some(Hit { meaning, first, words, disguises: vec![Disguise::Spaced] })
            });
            hits.extend(found.take(most.saturating_sub(hits.len())));
        }
        hits
    }
}

/// The forms of a phrase.
fn read(phrase: &str, meaning: usize) -> Result<Vec<Phrase>, &'static str> {
    let forms = forms(phrase)?;
    let one = |form: &String| {
        let (form, stem) = form.trim().strip_suffix('*').map_or((form.as_str(), false), |rest| (rest, true));
        if form.contains('*') {
            return Err("a `*` stands after the last word only");
        }
        let words: Vec<Vec<char>> = tokens(form).into_iter().map(|token| token.folded).collect();
        match words.len() {
            0 => Err("a form has no word"),
            n if n > WORDS_MAX => Err("a form has too many words"),
            _ => Ok(Phrase { words, stem, meaning }),
        }
    };
    forms.iter().map(one).collect()
}

/// Puts each alternative in its place.
fn forms(phrase: &str) -> Result<Vec<String>, &'static str> {
    let mut forms = vec![String::new()];
    let mut rest = phrase;
    while let Some((before, after)) = rest.split_once('(') {
        let (inside, after) = after.split_once(')').ok_or("a `(` is not closed")?;
        let with = |form: &String| inside.split('|').map(|other| format!("{form}{before}{other}")).collect::<Vec<_>>();
        forms = forms.iter().flat_map(with).collect();
        if forms.len() > FORMS_MAX {
            return Err("the phrase has too many forms");
        }
        rest = after;
    }
    Ok(forms.into_iter().map(|form| form + rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_become_forms() {
        assert_eq!(forms("a (b|c) d").unwrap(), ["a b d", "a c d"]);
        assert_eq!(forms("(a|) b(s|)").unwrap(), ["a bs", "a b", " bs", " b"]);
        assert!(forms("(a").is_err() && forms(&"(a|b)".repeat(10)).is_err() && read("a* b", 0).is_err() && read("(|)", 0).is_err());
    }

    #[test]
    fn every_lexicon_is_read_and_covers_every_content_category() {
        for language in super::super::LANGUAGES {
            let lexicon = Lexicon::of(&[*language]).unwrap();
            let has = |category: Category| {
                lexicon.meanings.iter().any(|meaning| matches!(meaning, Meaning::Judges { category: of, .. } if *of == category))
            };
            let content = Category::ALL.iter().filter(|category| category.family() == crate::Family::Content);
            let missing: Vec<_> = content.filter(|category| !has(**category)).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", language.code);
            for context in [Context::Negated, Context::Reported, Context::Taught, Context::Fiction] {
                assert!(
                    lexicon.meanings.contains(&Meaning::Says { context, language: language.code }),
                    "{}: {context:?}",
                    language.code
                );
            }
        }
    }

    #[test]
    fn lexicons_cannot_be_read_by_accident() {
        for language in super::super::LANGUAGES {
            let lines = language.file.lines().skip_while(|line| *line != "[entries]").skip(1);
            for line in lines.filter(|line| !line.starts_with('"') && line.trim() != "]" && !line.is_empty()) {
                let coded = line.trim().trim_matches([',', '"']).split_once(' ').map(|(_, coded)| coded).unwrap_or_default();
                assert!(decode(coded).is_some(), "{}: {line}", language.code);
            }
        }
    }
}
