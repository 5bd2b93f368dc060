//! What of a line is said: emphasis and brackets removed, trailing thoughts turned into pauses, shouted words read as words.
//! Numbers, dates and abbreviations are the synthesiser's business.

/// A stretch of speech, or a silence in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Say(String),
    Pause(f32),
}

/// Where a voice trails off.
const TRAILING_SECONDS: f32 = 0.42;
/// Where a thought breaks.
const BREAK_SECONDS: f32 = 0.22;

/// The pieces of `text`, in order; empty when nothing in it can be said. `latin` drops what only other scripts' voices can read.
pub fn pieces(text: &str, latin: bool) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut said = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let mut dots = usize::from(c == '.');
        while c == '.' && chars.next_if_eq(&'.').is_some() {
            dots += 1;
        }
        let dashes = c == '-' && chars.next_if_eq(&'-').is_some();
        if c == '…' || dots >= 2 {
            flush(&mut said, &mut all, Some(TRAILING_SECONDS), latin);
        } else if dashes || matches!(c, '—' | '―') {
            flush(&mut said, &mut all, Some(BREAK_SECONDS), latin);
        } else {
            said.push(c);
        }
    }
    flush(&mut said, &mut all, None, latin);
    while matches!(all.last(), Some(Piece::Pause(_))) {
        all.pop();
    }
    all
}

/// Whether `said` asks for yes or no, which rises in English; a question with a question word falls.
pub fn rises(said: &str) -> bool {
    let sentence = said.trim_end_matches(['?', '!', ' ', '\'']).rsplit(['.', '?', '!', ';']).next().unwrap_or_default();
    let first = sentence.split(|c: char| !c.is_alphabetic()).find(|w| !w.is_empty()).unwrap_or_default().to_lowercase();
    let asks = ["what", "who", "whom", "whose", "why", "where", "when", "which", "how", "then", "and", "but", "so"]
        .contains(&first.as_str());
    said.trim_end().ends_with('?') && !asks
}

fn flush(said: &mut String, all: &mut Vec<Piece>, pause: Option<f32>, latin: bool) {
    let clean = clean(said, latin);
    said.clear();
    if clean.chars().any(char::is_alphanumeric) {
        all.push(Piece::Say(clean));
    }
    // No pause before the first word and none upon another.
    if let Some(seconds) = pause
        && matches!(all.last(), Some(Piece::Say(_)))
    {
        all.push(Piece::Pause(seconds));
    }
}

fn clean(text: &str, latin: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '’' | '‘' | 'ʼ' => out.push('\''),
            '“' | '”' | '"' | '«' | '»' | '*' | '_' | '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '\\' | '|' | '#' | '~'
            | '^' => out.push(' '),
            '–' => out.push_str(", "),
            '&' if latin => out.push_str(" and "),
            '%' if latin => out.push_str(" percent"),
            c if c.is_ascii() && !c.is_control() => out.push(c),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c if latin => out.push_str(unaccented(c)),
            c => out.push(c),
        }
    }
    let words: Vec<String> = out.split_whitespace().map(calm).collect();
    words.join(" ")
}

/// Shouted words are words, not abbreviations: `NEVER` is read, `FBI` spelt.
fn calm(word: &str) -> String {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).collect();
    let upper = letters.len() >= 2 && letters.iter().all(|c| c.is_ascii_uppercase());
    let short = [
        "NO", "GO", "ME", "WE", "HE", "SO", "TO", "DO", "MY", "AM", "IS", "IT", "IN", "ON", "UP", "OH", "YES", "YOU", "WHY", "NOT",
        "NOW", "OUT", "GET", "SHE", "THE", "AND", "ARE", "CAN", "RUN", "HOW", "WHO", "MAN",
    ];
    let bare: String = letters.iter().collect();
    if upper && (letters.len() > 3 || short.contains(&bare.as_str())) { word.to_lowercase() } else { word.to_owned() }
}

/// The letters that flite can read in place of an accented one; what has none is dropped.
fn unaccented(c: char) -> &'static str {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'À'..='Å' | 'Ā' => "A",
        'æ' => "ae",
        'ç' | 'ć' | 'č' => "ch",
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
        'È'..='Ë' | 'Ē' => "E",
        'ì'..='ï' | 'ī' | 'ı' => "i",
        'Ì'..='Ï' | 'Ī' => "I",
        'ñ' | 'ṅ' | 'ṇ' | 'ń' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
        'Ò'..='Ö' | 'Ø' | 'Ō' => "O",
        'œ' => "oe",
        'ù'..='ü' | 'ū' | 'ů' => "u",
        'Ù'..='Ü' | 'Ū' => "U",
        'ý' | 'ÿ' => "y",
        'ś' | 'š' | 'ş' | 'ṣ' => "sh",
        'Ś' | 'Š' | 'Ş' | 'Ṣ' => "Sh",
        'ß' => "ss",
        'ṭ' | 'ť' => "t",
        'ḍ' | 'ď' | 'đ' => "d",
        'ř' | 'ṛ' => "r",
        'ž' | 'ź' | 'ż' => "z",
        'ł' | 'ḷ' => "l",
        'ğ' => "g",
        'ḥ' => "h",
        'ṃ' => "m",
        _ => " ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(text: &str) -> Piece {
        Piece::Say(text.into())
    }

    #[test]
    fn ellipses_and_dashes_are_pauses() {
        assert_eq!(
            pieces("I thought... well — never", true),
            [say("I thought"), Piece::Pause(0.42), say("well"), Piece::Pause(0.22), say("never")]
        );
        assert_eq!(pieces("…and then.", true), [say("and then.")]);
        assert_eq!(pieces("Wait--", true), [say("Wait")]);
    }

    #[test]
    fn questions_for_yes_or_no_rise() {
        assert!(rises("Are you Delaney?") && rises("You came. With him?"));
        assert!(!rises("Who are you?") && !rises("You are.") && !rises("It rains. Why?"));
    }

    #[test]
    fn marks_are_not_spoken() {
        assert_eq!(pieces("*No* “really” _no_ [x]!", true), [say("No really no x !")]);
        assert_eq!(pieces("Zoë’s café", true), [say("Zoe's cafe")]);
        assert_eq!(pieces("வணக்கம்", false), [say("வணக்கம்")]);
    }

    #[test]
    fn shouting_is_read_and_abbreviations_spelt() {
        assert_eq!(pieces("NEVER tell the FBI, NO!", true), [say("never tell the FBI, no!")]);
    }

    #[test]
    fn nothing_to_say_is_nothing() {
        for text in ["", "...", "?!", "— …", "  "] {
            assert_eq!(pieces(text, true), [], "{text:?}");
        }
        assert_eq!(pieces("你好", true), []);
    }
}
