//! Plain text to sentences and tokens: what every later step matches words against.

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    pub comma: bool,
    /// A dash, colon or semicolon.
    pub dash: bool,
    /// A closing parenthesis.
    pub closed: bool,
    /// A quotation mark.
    pub quote: bool,
    /// The word before is joined by a hyphen.
    pub hyphen: bool,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As written, possessive ending included.
    pub text: String,
    /// Lowercase, without accents and possessive ending.
    pub key: String,
    /// `key` and what it may be the plural of.
    pub forms: Vec<String>,
    /// Of a word in an Indic script: what it shares with its Latin spellings.
    pub skeleton: Option<String>,
    pub possessive: bool,
    /// A full stop stands right behind.
    pub dot: bool,
    /// Two or more letters, all of them capitals.
    pub caps: bool,
    /// Starts with a capital.
    pub capital: bool,
    /// Inside parentheses.
    pub inside: bool,
    pub gap: Gap,
}

/// A sentence of an action paragraph or of a speech.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    pub text: String,
    /// 1-based script line it begins on.
    pub line: u32,
    pub tokens: Vec<Token>,
}

impl Sentence {
    /// The words `from..from + len` as written.
    pub fn words(&self, from: usize, len: usize) -> String {
        let mut out = String::new();
        for (n, token) in self.tokens[from..from + len].iter().enumerate() {
            if n > 0 && !(is_packed(&token.text) && is_packed(&self.tokens[from + n - 1].text)) {
                out.push(if token.gap.hyphen { '-' } else { ' ' });
            }
            out.push_str(&token.text);
            if token.dot && n + 1 < len {
                out.push('.');
            }
        }
        out
    }
}

/// Sentences of `text`, whose first line is script line `line`.
pub fn sentences(text: &str, line: u32) -> Vec<Sentence> {
    let mut out = Vec::new();
    let (mut from, mut at) = (0, line);
    for end in ends(text) {
        push_sentence(&text[from..end], &mut at, &mut out);
        from = end;
    }
    push_sentence(&text[from..], &mut at, &mut out);
    out
}

fn push_sentence(piece: &str, at: &mut u32, out: &mut Vec<Sentence>) {
    let lead = &piece[..piece.len() - piece.trim_start().len()];
    let line = *at + lead.matches('\n').count() as u32;
    *at += piece.matches('\n').count() as u32;
    let text = piece.split_whitespace().collect::<Vec<_>>().join(" ");
    let tokens = tokens(&text);
    if !tokens.is_empty() {
        out.push(Sentence { text, line, tokens });
    }
}

const ABBREVIATIONS: &[&str] =
    &["mr", "mrs", "ms", "dr", "st", "prof", "sgt", "lt", "capt", "col", "gen", "jr", "sr", "vs", "no", "rev", "det"];

/// Byte offsets behind the ends of sentences.
fn ends(text: &str) -> Vec<usize> {
    let mut out = Vec::new();
    let mut depth = 0i32;
    let mut chars = text.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            '(' => depth += 1,
            ')' => depth = (depth - 1).max(0),
            '।' | '॥' | '。' | '！' | '？' | '؟' | '۔' => out.push(i + c.len_utf8()),
            '.' | '!' | '?' | '…' if depth == 0 => {
                let mut end = i + c.len_utf8();
                while let Some(&(j, d)) = chars.peek() {
                    if !matches!(d, '.' | '!' | '?' | '"' | '”' | '’' | '\'' | '…') {
                        break;
                    }
                    end = j + d.len_utf8();
                    chars.next();
                }
                if ends_here(text, i, c, end) {
                    out.push(end);
                }
            }
            _ => {}
        }
    }
    out
}

fn ends_here(text: &str, dot: usize, mark: char, end: usize) -> bool {
    let rest = &text[end..];
    if !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let next = rest.trim_start().chars().next();
    if next.is_some_and(char::is_lowercase) {
        return false;
    }
    let word = text[..dot].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    let short = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    !(mark == '.' && (short || ABBREVIATIONS.contains(&word.to_lowercase().as_str())))
}

/// Scripts written without blanks between words, or whose particles are glued on: one token a character.
fn is_packed_char(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}')
}

fn is_packed(word: &str) -> bool {
    word.chars().next().is_some_and(is_packed_char)
}

/// Letters, digits, and the signs that Indic scripts put on letters (the virama is no letter to Unicode).
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '\u{0300}'..='\u{036f}' | '\u{0900}'..='\u{0963}' | '\u{0980}'..='\u{0dff}' | '\u{064b}'..='\u{065f}' | '\u{200c}' | '\u{200d}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// Words of one line of text.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<Token> = Vec::new();
    let (mut i, mut gap, mut depth) = (0, Gap::default(), 0i32);
    while i < chars.len() {
        let c = chars[i];
        if is_word_char(c) {
            let end = word_end(&chars, i);
            let word: String = chars[i..end].iter().collect();
            out.push(token(&word, depth > 0, gap));
            gap = Gap::default();
            i = end;
            continue;
        }
        match c {
            '.' if i > 0 && is_word_char(chars[i - 1]) => {
                if let Some(last) = out.last_mut() {
                    last.dot = true;
                }
            }
            ',' | '、' | '،' => gap.comma = true,
            ';' | ':' | '–' | '—' => gap.dash = true,
            '-' if i > 0 && i + 1 < chars.len() && is_word_char(chars[i - 1]) && is_word_char(chars[i + 1]) => gap.hyphen = true,
            '-' => gap.dash = true,
            '(' | '[' => depth += 1,
            ')' | ']' => {
                depth = (depth - 1).max(0);
                gap.closed = true;
            }
            '"' | '“' | '”' => gap.quote = true,
            _ => {}
        }
        i += 1;
    }
    out
}

fn word_end(chars: &[char], from: usize) -> usize {
    if is_packed_char(chars[from]) {
        return from + 1;
    }
    let mut end = from;
    while end < chars.len() {
        let c = chars[end];
        let inner = is_apostrophe(c) && chars.get(end + 1).is_some_and(|&n| n.is_alphabetic());
        let last = is_apostrophe(c) && !inner && end > from && matches!(chars[end - 1], 's' | 'S');
        if last {
            return end + 1;
        }
        let letter = is_word_char(c) && !is_packed_char(c);
        if !(letter || inner) {
            break;
        }
        end += 1;
    }
    end
}

fn token(word: &str, inside: bool, gap: Gap) -> Token {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    let folded = fold(word);
    let (key, possessive) = split_possessive(&folded);
    let forms = forms(&key);
    Token {
        text: word.to_owned(),
        forms,
        skeleton: crate::roman::indic(&key),
        dot: false,
        possessive,
        caps: letters.len() > 1
            && letters.iter().all(|c| c.is_uppercase() || !(c.is_lowercase() || c.is_uppercase()))
            && letters.iter().any(|c| c.is_uppercase()),
        capital: letters.first().is_some_and(|c| c.is_uppercase()),
        key,
        inside,
        gap,
    }
}

/// Lowercase, straight apostrophes, Latin letters without their accents.
pub fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '’' | 'ʼ' => out.push('\''),
            '\u{0300}'..='\u{036f}' => {}
            '\u{00c0}'..='\u{024f}' | '\u{1e00}'..='\u{1eff}' => match deunicode::deunicode_char(c) {
                Some(plain) => out.push_str(&plain.to_lowercase()),
                None => out.extend(c.to_lowercase()),
            },
            _ => out.extend(c.to_lowercase()),
        }
    }
    out
}

fn split_possessive(word: &str) -> (String, bool) {
    if let Some(base) = word.strip_suffix("'s") {
        return (base.to_owned(), true);
    }
    match word.strip_suffix('\'') {
        Some(base) => (base.to_owned(), true),
        None => (word.to_owned(), false),
    }
}

const IRREGULAR_PLURALS: &[(&str, &str)] = &[
    ("women", "woman"),
    ("men", "man"),
    ("children", "child"),
    ("people", "person"),
    ("teeth", "tooth"),
    ("feet", "foot"),
    ("knives", "knife"),
    ("wives", "wife"),
    ("wolves", "wolf"),
    ("scarves", "scarf"),
    ("leaves", "leaf"),
    ("loaves", "loaf"),
    ("shelves", "shelf"),
    ("thieves", "thief"),
    ("geese", "goose"),
    ("mice", "mouse"),
    ("policemen", "policeman"),
    ("policewomen", "policewoman"),
    ("firemen", "fireman"),
    ("fishermen", "fisherman"),
    ("gentlemen", "gentleman"),
    ("grandchildren", "grandchild"),
    ("bridesmen", "bridesman"),
    ("oxen", "ox"),
];

/// The word and what it may be the plural of.
pub fn forms(key: &str) -> Vec<String> {
    let mut out = vec![key.to_owned()];
    if let Some((_, one)) = IRREGULAR_PLURALS.iter().find(|(many, _)| *many == key) {
        out.push((*one).to_owned());
    } else if key.is_ascii() && key.len() > 3 && key.ends_with('s') && !key.ends_with("ss") {
        out.push(key[..key.len() - 1].to_owned());
        if let Some(stem) = key.strip_suffix("ies") {
            out.push(format!("{stem}y"));
        } else if let Some(stem) = key.strip_suffix("es") {
            out.push(stem.to_owned());
        }
    }
    out
}

/// Whether the word is a plural by its form.
pub fn is_plural(token: &Token) -> bool {
    token.forms.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|t| t.key).collect()
    }

    #[test]
    fn words_lose_case_accents_and_possessive_endings() {
        assert_eq!(keys("Frank’s CAFÉ, the girls' dolls"), ["frank", "cafe", "the", "girls", "dolls"]);
        assert!(tokens("Frank’s")[0].possessive && !tokens("Franks")[0].possessive);
        assert!(tokens("girls' dolls")[0].possessive);
    }

    #[test]
    fn indic_words_stay_whole_and_han_falls_into_characters() {
        assert_eq!(keys("లక్ష్మి వస్తుంది"), ["లక్ష్మి", "వస్తుంది"]);
        assert_eq!(keys("茶室で"), ["茶", "室", "で"]);
    }

    #[test]
    fn sentences_end_where_they_end_and_know_their_line() {
        let got = sentences("Dr. Rao sits. She looks\nup... and waits. \"Now!\" He\nruns.", 10);
        let lines: Vec<(u32, &str)> = got.iter().map(|s| (s.line, s.text.as_str())).collect();
        assert_eq!(lines, [(10, "Dr. Rao sits."), (10, "She looks up... and waits."), (11, "\"Now!\""), (11, "He runs.")]);
    }

    #[test]
    fn plurals_know_their_singular() {
        assert!(forms("cities").contains(&"city".to_owned()));
        assert!(forms("women").contains(&"woman".to_owned()));
        assert!(forms("glasses").contains(&"glass".to_owned()));
        assert_eq!(forms("dress"), ["dress"]);
    }

    #[test]
    fn gaps_tell_what_stood_between() {
        let got = tokens("ANNA (45), a half-broken cup");
        assert!(got[1].inside && got[2].gap.closed && got[2].gap.comma && got[4].gap.hyphen);
    }
}
