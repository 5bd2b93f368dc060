//! How long a line takes to say, from its text alone.

use klieg_film_words::story::{Line, Mood};

/// Syllables a second of unhurried dialogue (Pellegrino et al. 2011 measure 5 to 8 for read speech; acted lines are slower).
const SYLLABLES_A_SECOND: f32 = 4.4;

/// Seconds that `line` takes to say, for planning before speech exists. Works for any script: vowel groups are counted in
/// alphabets, vowel signs and bare consonants in abugidas, characters in syllabaries and Han. At least 0.4.
pub fn estimate_seconds(line: &Line) -> f32 {
    let pace = match line.mood {
        Mood::Sad | Mood::Tired | Mood::Solemn | Mood::Tender => 1.12,
        Mood::Angry | Mood::Afraid | Mood::Playful | Mood::Surprised => 0.92,
        _ => 1.0,
    };
    (0.15 + pace * (syllables(&line.text) / SYLLABLES_A_SECOND + pauses(&line.text))).max(0.4)
}

/// Inner pauses at punctuation; what ends the line costs nothing.
fn pauses(text: &str) -> f32 {
    let inner = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    inner
        .chars()
        .map(|c| match c {
            ',' | ';' | ':' | '،' | '、' | '，' => 0.18,
            '.' | '!' | '?' | '।' | '。' | '！' | '？' | '؟' | '…' => 0.38,
            '—' | '–' => 0.25,
            _ => 0.0,
        })
        .sum()
}

fn syllables(text: &str) -> f32 {
    let mut count = 0.0;
    let mut in_vowels = false;
    let mut letters_of_word = 0;
    for c in text.chars() {
        let vowel = is_latin_like_vowel(c);
        count += match c {
            _ if vowel => f32::from(!in_vowels),
            '0'..='9' => 1.5,
            // Indic abugidas: a consonant or vowel letter carries a syllable, a virama takes it away.
            '\u{0900}'..='\u{0D7F}' if is_virama(c) => -0.8,
            '\u{0900}'..='\u{0D7F}' => f32::from(c.is_alphabetic() && !is_indic_sign(c)),
            // Kana, Hangul, Han; small kana belong to the syllable before.
            'ゃ' | 'ゅ' | 'ょ' | 'ャ' | 'ュ' | 'ョ' | 'ぁ' | 'ァ' | 'ィ' | 'ェ' | 'ォ' => 0.0,
            '\u{3041}'..='\u{30FF}' => 0.75,
            '\u{AC00}'..='\u{D7A3}' => 1.0,
            '\u{4E00}'..='\u{9FFF}' => 1.25,
            // Abjads and scripts of which we know nothing: short vowels are not written.
            _ if c.is_alphabetic() && !c.is_ascii() && !is_european(c) => 0.55,
            _ => 0.0,
        };
        letters_of_word = if c.is_alphabetic() { letters_of_word + 1 } else { 0 };
        // A word without a written vowel ("Hmm", "Mr") still takes a beat.
        if letters_of_word == 1 && !vowel && c.is_ascii() {
            count += 0.25;
        }
        in_vowels = vowel;
    }
    count.max(1.0)
}

fn is_latin_like_vowel(c: char) -> bool {
    let lower = c.to_lowercase().next().unwrap_or(c);
    matches!(lower, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
        || matches!(lower, 'à'..='æ' | 'è'..='ï' | 'ò'..='ö' | 'ø'..='ý' | 'ÿ' | 'ā' | 'ē' | 'ī' | 'ō' | 'ū' | 'œ' | 'ı')
        || matches!(lower, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я' | 'ё' | 'і')
        || matches!(lower, 'α' | 'ε' | 'η' | 'ι' | 'ο' | 'υ' | 'ω' | 'ά' | 'έ' | 'ή' | 'ί' | 'ό' | 'ύ' | 'ώ')
}

fn is_european(c: char) -> bool {
    matches!(c, '\u{0080}'..='\u{052F}')
}

/// Dependent vowel signs and modifiers, which belong to the consonant before them. Most are marks, not letters.
fn is_indic_sign(c: char) -> bool {
    matches!(u32::from(c) & 0x7f, 0x01..=0x03 | 0x3e..=0x4d)
}

fn is_virama(c: char) -> bool {
    u32::from(c) & 0x7f == 0x4d
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            id: 0,
            speaker: 0,
            to: None,
            text: text.into(),
            parenthetical: None,
            mood: Mood::Neutral,
            off_screen: false,
            dual: false,
            line: 1,
        }
    }

    #[test]
    fn plausible_in_several_scripts() {
        for (text, low, high) in [
            ("No.", 0.4, 0.9),
            ("I never thought the rain would stop.", 1.4, 3.0),
            ("நான் உன்னை நேசிக்கிறேன்.", 1.4, 3.4),
            ("मैं तुमसे प्यार करता हूँ।", 1.2, 3.2),
            ("桜が咲きましたね。", 1.0, 2.8),
            ("我爱你。", 0.6, 1.6),
            ("أنا أحبك كثيرا", 1.0, 2.6),
            ("Hmm.", 0.4, 0.8),
        ] {
            let seconds = estimate_seconds(&line(text));
            assert!((low..high).contains(&seconds), "{text}: {seconds}");
        }
    }

    #[test]
    fn grows_with_the_text_and_survives_nothing() {
        assert!(estimate_seconds(&line("")) >= 0.4);
        assert!(estimate_seconds(&line("one two three four")) > estimate_seconds(&line("one two")));
        assert!(estimate_seconds(&line("Yes, I do. Truly")) > estimate_seconds(&line("Yes I do Truly")));
    }
}
