//! Which synthesiser speaks a language, and which script a text is written in.

/// How a language is spoken.
pub struct SpokenAs {
    /// By flite; `voice` is empty.
    pub english: bool,
    /// espeak-ng's name of the language.
    pub voice: &'static str,
    pub fallback: Option<String>,
}

/// Languages of espeak-ng 1.51 (`espeak-ng --voices`), by primary subtag.
const ESPEAK: &[&str] = &[
    "af", "am", "an", "ar", "as", "az", "ba", "be", "bg", "bn", "bs", "ca", "cmn", "cs", "cv", "cy", "da", "de", "el", "en", "eo",
    "es", "et", "eu", "fa", "fi", "ga", "gd", "gn", "grc", "gu", "haw", "he", "hi", "hr", "ht", "hu", "hy", "ia", "id", "is", "it",
    "ja", "ka", "kk", "kn", "ko", "kok", "ku", "ky", "la", "lb", "lt", "lv", "mi", "mk", "ml", "mr", "ms", "mt", "my", "nb", "ne",
    "nl", "om", "or", "pa", "pl", "pt", "qu", "ro", "ru", "sd", "si", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tn",
    "tr", "tt", "ug", "uk", "ur", "uz", "yue",
];

/// Other names of the same language in espeak-ng.
const RENAMED: &[(&str, &str)] =
    &[("zh", "cmn"), ("no", "nb"), ("nn", "nb"), ("iw", "he"), ("fr", "fr-fr"), ("vi", "vi"), ("in", "id"), ("bh", "hi")];

/// Languages that espeak-ng lacks, with the nearest one it has in sounds and spelling.
const NEAREST: &[(&str, &str)] = &[
    ("yo", "sw"),
    ("ig", "sw"),
    ("ha", "sw"),
    ("zu", "tn"),
    ("xh", "tn"),
    ("st", "tn"),
    ("rw", "sw"),
    ("so", "sw"),
    ("wo", "fr-fr"),
    ("tl", "id"),
    ("fil", "id"),
    ("jv", "id"),
    ("bho", "hi"),
    ("mai", "hi"),
    ("sa", "hi"),
    ("raj", "hi"),
    ("ks", "ur"),
    ("ps", "fa"),
    ("gl", "pt"),
    ("lo", "th"),
    ("ti", "am"),
    ("tk", "tr"),
    ("mn", "kk"),
    ("yi", "de"),
];

/// Who speaks the BCP 47 language `tag`.
pub fn spoken_as(tag: &str) -> SpokenAs {
    let primary = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    if primary == "en" || primary.is_empty() {
        return SpokenAs { english: true, voice: "", fallback: None };
    }
    let renamed = RENAMED.iter().find(|(from, _)| *from == primary).map(|&(_, to)| to);
    if let Some(voice) = renamed.or_else(|| ESPEAK.iter().copied().find(|known| *known == primary)) {
        return SpokenAs { english: false, voice, fallback: None };
    }
    match NEAREST.iter().find(|(from, _)| *from == primary) {
        Some(&(_, voice)) => SpokenAs {
            english: false,
            voice,
            fallback: Some(format!("no voice speaks `{tag}`; the espeak-ng voice `{voice}` reads it")),
        },
        None => {
            SpokenAs { english: true, voice: "", fallback: Some(format!("no voice speaks `{tag}`; an English voice reads it")) }
        }
    }
}

/// The language that `text` is written for, when that is not the Latin script. A third of its letters decide: every voice reads
/// some Latin, and most scripts write a syllable in a letter or two.
pub fn of_script(text: &str) -> Option<&'static str> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    let mut latin = 0usize;
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        match script_language(c) {
            None => latin += 1,
            Some(language) => match counts.iter_mut().find(|(l, _)| *l == language) {
                Some((_, n)) => *n += 1,
                None => counts.push((language, 1)),
            },
        }
    }
    // One kana makes a text Japanese, however many of its characters are shared with Chinese.
    if counts.iter().any(|(l, _)| *l == "ja") && counts.iter().all(|(l, _)| matches!(*l, "ja" | "zh")) {
        return (counts.iter().map(|(_, n)| n).sum::<usize>() * 2 > latin).then_some("ja");
    }
    counts.into_iter().max_by_key(|&(_, n)| n).filter(|&(_, n)| n * 2 > latin).map(|(language, _)| language)
}

fn script_language(c: char) -> Option<&'static str> {
    Some(match c as u32 {
        0x0370..=0x03ff | 0x1f00..=0x1fff => "el",
        0x0400..=0x052f => "ru",
        0x0530..=0x058f => "hy",
        0x0590..=0x05ff => "he",
        0x0600..=0x06ff | 0x0750..=0x077f => "ar",
        0x0900..=0x097f => "hi",
        0x0980..=0x09ff => "bn",
        0x0a00..=0x0a7f => "pa",
        0x0a80..=0x0aff => "gu",
        0x0b00..=0x0b7f => "or",
        0x0b80..=0x0bff => "ta",
        0x0c00..=0x0c7f => "te",
        0x0c80..=0x0cff => "kn",
        0x0d00..=0x0d7f => "ml",
        0x0d80..=0x0dff => "si",
        0x0e00..=0x0e7f => "th",
        0x10a0..=0x10ff => "ka",
        0x1200..=0x137f => "am",
        0x1100..=0x11ff | 0xac00..=0xd7af => "ko",
        0x3040..=0x30ff => "ja",
        0x3400..=0x4dbf | 0x4e00..=0x9fff => "zh",
        _ => return None,
    })
}

/// Whether `language` is one that is written in the script of `script_language` (Marathi in Devanagari, Urdu in Arabic).
pub fn writes(language: &str, script_language: &str) -> bool {
    let primary = language.split(['-', '_']).next().unwrap_or_default();
    primary == script_language
        || match script_language {
            "ru" => matches!(primary, "uk" | "bg" | "sr" | "mk" | "be" | "kk" | "ky" | "tt" | "ba" | "cv" | "mn"),
            "ar" => matches!(primary, "fa" | "ur" | "ug" | "sd" | "ku" | "ks" | "ps"),
            "hi" => matches!(primary, "mr" | "ne" | "sa" | "kok" | "bho" | "mai" | "raj" | "ks"),
            "bn" => primary == "as",
            "zh" => matches!(primary, "cmn" | "yue" | "ja"),
            "he" => matches!(primary, "yi" | "iw"),
            "am" => primary == "ti",
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_name_their_language() {
        assert_eq!(of_script("வணக்கம், Lakshmi"), Some("ta"));
        assert_eq!(of_script("桜がきれい"), Some("ja"));
        assert_eq!(of_script("你好"), Some("zh"));
        assert_eq!(of_script("Hello there"), None);
        assert!(writes("mr", "hi") && !writes("en", "hi"));
    }
}
