//! Readings of Chinese characters, which espeak-ng's own voices lack: it spells them out in English ("Chinese letter").

use pinyin::ToPinyin;

/// The voice and text that say `text` in `voice`: Japanese in hiragana, Chinese in pinyin with tone numbers.
pub fn pronounceable(voice: &str, text: &str) -> (String, String) {
    let (language, variant) = voice.split_once('+').map_or((voice, ""), |(l, v)| (l, v));
    match language {
        "ja" => (voice.to_owned(), kakasi::convert(text).hiragana),
        "cmn" => {
            let variant = if variant.is_empty() { String::new() } else { format!("+{variant}") };
            (format!("cmn-latn-pinyin{variant}"), in_pinyin(text))
        }
        _ => (voice.to_owned(), text.to_owned()),
    }
}

fn in_pinyin(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for c in text.chars() {
        match c.to_pinyin() {
            Some(syllable) => {
                let tone = syllable.with_tone_num_end();
                out.push_str(tone);
                // The neutral tone carries no number there and is the fifth here.
                out.push_str(if tone.ends_with(|d: char| d.is_ascii_digit()) { " " } else { "5 " });
            }
            None => out.push(match c {
                '，' | '、' | '；' => ',',
                '。' => '.',
                '？' => '?',
                '！' => '!',
                other => other,
            }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read() {
        assert_eq!(pronounceable("cmn+f3", "你好。").1.replace(' ', ""), "ni3hao3.");
        assert_eq!(pronounceable("cmn+f3", "你").0, "cmn-latn-pinyin+f3");
        assert_eq!(pronounceable("ja+m1", "桜").1.trim(), "さくら");
        assert_eq!(pronounceable("ta+f3", "வணக்கம்").1, "வணக்கம்");
    }
}
