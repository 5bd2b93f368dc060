//! The language of what is said, as BCP 47: by its letters, and for Latin letters by function words.

use crate::tables::LANGUAGES;
use std::collections::BTreeMap;

/// The language that a text's letters stand for; `None` for Latin or no letters.
pub fn by_script(text: &str) -> Option<&'static str> {
    let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
    for c in text.chars() {
        if let Some(language) = of_letter(c) {
            *counts.entry(language).or_default() += 1;
        }
    }
    let kana = counts.get("ja").copied().unwrap_or(0);
    let han = counts.get("zh").copied().unwrap_or(0);
    let latin = counts.remove("latin").unwrap_or(0);
    if kana > 0 && kana * 6 >= han {
        counts.remove("zh");
        counts.insert("ja", kana + han);
    }
    let (language, count) = counts.into_iter().max_by_key(|(_, n)| *n)?;
    if count <= latin {
        return None;
    }
    Some(match language {
        "ar" if text.contains(['ٹ', 'ڈ', 'ڑ', 'ے', 'ں']) => "ur",
        "ar" if text.contains(['پ', 'چ', 'ژ', 'گ']) => "fa",
        "ru" if text.contains(['і', 'ї', 'є', 'І', 'Ї', 'Є']) => "uk",
        other => other,
    })
}

fn of_letter(c: char) -> Option<&'static str> {
    Some(match c {
        'a'..='z' | 'A'..='Z' | '\u{00c0}'..='\u{024f}' => "latin",
        '\u{0370}'..='\u{03ff}' => "el",
        '\u{0400}'..='\u{052f}' => "ru",
        '\u{0590}'..='\u{05ff}' => "he",
        '\u{0600}'..='\u{06ff}' => "ar",
        '\u{0900}'..='\u{097f}' => "hi",
        '\u{0980}'..='\u{09ff}' => "bn",
        '\u{0a00}'..='\u{0a7f}' => "pa",
        '\u{0a80}'..='\u{0aff}' => "gu",
        '\u{0b00}'..='\u{0b7f}' => "or",
        '\u{0b80}'..='\u{0bff}' => "ta",
        '\u{0c00}'..='\u{0c7f}' => "te",
        '\u{0c80}'..='\u{0cff}' => "kn",
        '\u{0d00}'..='\u{0d7f}' => "ml",
        '\u{0d80}'..='\u{0dff}' => "si",
        '\u{0e00}'..='\u{0e7f}' => "th",
        '\u{1200}'..='\u{137f}' => "am",
        '\u{3040}'..='\u{30ff}' => "ja",
        '\u{3400}'..='\u{9fff}' => "zh",
        '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => "ko",
        _ => return None,
    })
}

/// The language of all of someone's lines. Latin letters are English unless the function words of another language are
/// clearly more.
pub fn of_lines(text: &str) -> &'static str {
    if let Some(language) = by_script(text) {
        return language;
    }
    let mut counts: BTreeMap<&'static str, u32> = BTreeMap::new();
    let lower = text.to_lowercase().replace('’', "'");
    let mut words = 0u32;
    for word in lower.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|w| !w.is_empty()) {
        words += 1;
        for language in LANGUAGES.get(word).into_iter().flatten() {
            *counts.entry(language).or_default() += 1;
        }
    }
    let english = counts.get("en").copied().unwrap_or(0);
    let other = counts.into_iter().filter(|(l, _)| *l != "en").max_by_key(|(_, n)| *n);
    match other {
        Some((language, n)) if n >= 2 && n > english + english / 2 + 1 && n * 4 >= words => language,
        _ => "en",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_tell_the_language() {
        assert_eq!(of_lines("நீ வந்துட்ட!"), "ta");
        assert_eq!(of_lines("お茶をどうぞ。"), "ja");
        assert_eq!(of_lines("请喝茶。"), "zh");
        assert_eq!(of_lines("우리 헤어지자."), "ko");
        assert_eq!(of_lines("آپ کیسے ہیں؟ بڑے"), "ur");
    }

    #[test]
    fn latin_letters_are_english_unless_clearly_not() {
        assert_eq!(of_lines("Tie it, kanna! The rice is getting cold!"), "en");
        assert_eq!(of_lines("Je ne sais pas où est la clé."), "fr");
        assert_eq!(of_lines("Ich habe keine Zeit für das."), "de");
        assert_eq!(of_lines("¿Por qué no me lo dijiste? Yo te quiero."), "es");
        assert_eq!(of_lines("Non so che cosa è questo."), "it");
        assert_eq!(of_lines("Você não sabe o que é isso."), "pt");
        assert_eq!(of_lines("No. Me. Die, a la carte!"), "en");
    }
}
