//! A text as words, each with the characters it stands at; a letter of Chinese or Japanese is a word.
//!
//! Beside its folded letters a word has a *key*: digits and signs that stand for letters become classes of letters, and repeated letters
//! one. Two words of one key may be the same word in disguise; [`disguise`] says whether they are.

use super::fold::fold;
use serde::{Deserialize, Serialize};

/// Letters of a word that are looked at; what a longer one has more is ignored.
const WORD_CHARS_MAX: usize = 64;

/// Letters of a piece of a word, and of what pieces become together.
const PIECE_CHARS_MAX: usize = 3;
const JOINED_CHARS_MIN: usize = 4;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// Folded, with digits and signs as they stand.
    pub(super) folded: Vec<char>,
    pub(super) key: String,
    /// Characters of the text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Some letter was another that looks like it.
    pub(super) looks: bool,
    /// A sentence ends before it.
    pub(super) begins: bool,
    /// Letters with gaps between them were put together.
    pub(super) spaced: bool,
}

/// How a word was hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disguise {
    /// Letters of other scripts.
    Homoglyphs,
    /// Digits and signs for letters.
    Leet,
    /// Repeated letters.
    Stretched,
    /// Gaps between letters.
    Spaced,
}

/// The letters that a digit or sign may stand for.
fn stands_for(sign: char) -> &'static [char] {
    match sign {
        '0' => &['o'],
        '1' | '!' | '|' => &['i', 'l'],
        '3' | '€' => &['e'],
        '4' | '@' => &['a'],
        '5' | '$' => &['s'],
        '7' | '+' => &['t'],
        '8' => &['b'],
        '9' => &['g'],
        _ => &[],
    }
}

/// The letter that a digit or sign is read as first.
pub(super) fn letter(c: char) -> char {
    stands_for(c).first().copied().unwrap_or(c)
}

/// The class of letters that one belongs to in keys.
fn class(c: char) -> char {
    if c == 'l' { 'i' } else { letter(c) }
}

/// The key of folded letters.
pub(super) fn key(folded: &[char]) -> String {
    let mut key = String::new();
    for c in folded.iter().map(|c| class(*c)) {
        if !key.ends_with(c) {
            key.push(c);
        }
    }
    key
}

/// A script whose letters are words: no spaces tell them apart.
fn alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3134f}')
}

/// Signs that may be part of a word: those that stand for letters.
fn sign(c: char) -> bool {
    matches!(c, '@' | '$' | '!' | '|' | '+' | '€')
}

/// Vowel signs and the like, which are no letters of their own; not the danda, which ends a sentence.
fn sound_of_devanagari(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{963}' | '\u{966}'..='\u{97f}')
}

/// Apostrophes join what they stand between.
fn apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '＇' | '`' | '´')
}

/// The words of a text.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { done: Vec::new(), open: None, begins: true };
    for (at, c) in text.chars().enumerate() {
        reader.take(at, c);
    }
    reader.close();
    reader.done
}

struct Reader {
    done: Vec<Token>,
    open: Option<Token>,
    begins: bool,
}

impl Reader {
    fn take(&mut self, at: usize, c: char) {
        let mut letters = Vec::new();
        let looks = fold(c, &mut letters);
        if letters.is_empty() || (apostrophe(c) && self.open.is_some()) {
            return;
        }
        if alone(c) {
            self.close();
            self.begin(at);
        } else if !letters.iter().all(|c| c.is_alphanumeric() || sign(*c) || sound_of_devanagari(*c)) {
            self.close();
            self.begins |= matches!(c, '.' | '?' | '\n' | '。' | '！' | '？' | '।' | '؟' | ';' | ':' | '…');
            return;
        }
        if self.open.is_none() {
            self.begin(at);
        }
        if let Some(open) = &mut self.open {
            let room = WORD_CHARS_MAX.saturating_sub(open.folded.len());
            open.folded.extend(letters.into_iter().take(room));
            open.looks |= looks;
            open.end = at + 1;
        }
        if alone(c) {
            self.close();
        }
    }

    fn begin(&mut self, at: usize) {
        let begins = std::mem::take(&mut self.begins);
        self.open = Some(Token { folded: Vec::new(), key: String::new(), start: at, end: at, looks: false, begins, spaced: false });
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        // what ends a word with an exclamation mark is none of its letters
        while open.folded.last().is_some_and(|c| matches!(c, '!' | '|' | '+')) {
            open.folded.pop();
            open.end -= 1;
            self.begins = true;
        }
        if open.folded.is_empty() {
            self.begins |= open.begins;
            return;
        }
        open.key = key(&open.folded);
        self.done.push(open);
    }
}

/// The same words, with runs of single letters, or of pieces parted by signs without a space, put together: `k i l l`, `k.i.l.l`, `ki-ll`.
pub(super) fn joined(text: &str, tokens: &[Token]) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut all = Vec::with_capacity(tokens.len());
    let mut from = 0;
    while from < tokens.len() {
        let near = |a: &Token, b: &Token| gap(&chars, a.end, b.start, a.folded.len() == 1 && b.folded.len() == 1);
        let short = |token: &Token| token.folded.len() <= PIECE_CHARS_MAX;
        let mut to = from + 1;
        while to < tokens.len() && short(&tokens[to - 1]) && short(&tokens[to]) && near(&tokens[to - 1], &tokens[to]) {
            to += 1;
        }
        let run = &tokens[from..to];
        if run.len() >= 2 && run.iter().map(|token| token.folded.len()).sum::<usize>() >= JOINED_CHARS_MIN {
            let folded: Vec<char> = run.iter().flat_map(|token| token.folded.iter().copied()).collect();
            let (start, end, looks) = (run[0].start, run[run.len() - 1].end, run.iter().any(|token| token.looks));
            all.push(Token { key: key(&folded), folded, start, end, looks, begins: run[0].begins, spaced: true });
        } else {
            all.extend_from_slice(run);
        }
        from = to;
    }
    all
}

/// Whether what stands between two words only parts letters of one: a sign, or one or two spaces between single letters.
fn gap(chars: &[char], from: usize, to: usize, single: bool) -> bool {
    let between = chars.get(from..to).unwrap_or_default();
    match between {
        ['.' | '-' | '_' | '*' | '~' | '/' | '·' | '•'] => true,
        [] => false,
        _ => single && between.len() <= 3 && between.iter().all(|c| *c == ' ' || *c == '\t'),
    }
}

/// Whether a word of a text is a word of a lexicon, as it stands or in disguise. `stem`: the word may go on.
pub(super) fn disguise(token: &Token, word: &[char], stem: bool) -> Option<Vec<Disguise>> {
    let mut found: Vec<Disguise> = token.looks.then_some(Disguise::Homoglyphs).into_iter().collect();
    found.extend(token.spaced.then_some(Disguise::Spaced));
    let begins = |folded: &[char]| if stem { folded.starts_with(word) } else { folded == word };
    if begins(&token.folded) {
        return Some(found);
    }
    // digits alone are a number, but for one that stands for a word of one letter
    if token.folded.len() > 1 && !token.folded.iter().any(|c| c.is_alphabetic()) {
        return None;
    }
    let (mut at, mut stretched, mut leet) = (0, false, false);
    for (i, letter) in word.iter().enumerate() {
        let c = *token.folded.get(at)?;
        if c != *letter {
            let alike = stands_for(c).contains(letter) || (token.looks && class(c) == class(*letter));
            if !alike {
                return None;
            }
            leet |= !c.is_alphabetic();
        }
        at += 1;
        if word.get(i + 1) != Some(letter) {
            let run = word[..=i].iter().rev().take_while(|c| *c == letter).count();
            let more = token.folded[at..].iter().take_while(|c| **c == *letter).count();
            if more > 0 && more + run >= 3 {
                stretched = true;
                at += more;
            }
        }
    }
    if !stem && at != token.folded.len() {
        return None;
    }
    found.extend(leet.then_some(Disguise::Leet));
    found.extend(stretched.then_some(Disguise::Stretched));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).iter().map(|token| token.folded.iter().collect()).collect()
    }

    fn is(text: &str, word: &str) -> Option<Vec<Disguise>> {
        let word: Vec<char> = word.chars().collect();
        let plain = tokens(text);
        let all = [joined(text, &plain), plain].concat();
        all.iter().find_map(|token| disguise(token, &word, false))
    }

    #[test]
    fn words_stand_where_they_stand() {
        let text = "Don't! Ｇo\u{200b} 殺す 4$";
        let found = tokens(text);
        assert_eq!(words(text), ["dont", "go", "殺", "す", "4$"]);
        assert_eq!(found.iter().map(|t| (t.start, t.end)).collect::<Vec<_>>(), [(0, 5), (7, 9), (11, 12), (12, 13), (14, 16)]);
        assert_eq!(found.iter().map(|t| t.begins).collect::<Vec<_>>(), [true, true, false, false, false]);
    }

    #[test]
    fn disguises_are_seen_through_and_named() {
        assert_eq!(is("kill", "kill"), Some(vec![]));
        assert_eq!(is("k1ll", "kill"), Some(vec![Disguise::Leet]));
        assert_eq!(is("k!11", "kill"), Some(vec![Disguise::Leet]));
        assert_eq!(is("kiiiillll", "kill"), Some(vec![Disguise::Stretched]));
        assert_eq!(is("k i l l", "kill"), Some(vec![Disguise::Spaced]));
        assert_eq!(is("k.i.l.l", "kill"), Some(vec![Disguise::Spaced]));
        assert_eq!(is("ki-ll", "kill"), Some(vec![Disguise::Spaced]));
        assert_eq!(is("кіll", "kill"), Some(vec![Disguise::Homoglyphs]));
    }

    #[test]
    fn other_words_are_other_words() {
        for (text, word) in
            [("as", "ass"), ("455", "ass"), ("skill", "kill"), ("kiln", "kill"), ("coop", "cop"), ("a s s e s s", "ass")]
        {
            assert_eq!(is(text, word), None, "{text}");
        }
    }
}
