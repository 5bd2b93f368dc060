//! One character as the lexicons have it, whatever it was written with.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Letters of other scripts that look like Latin ones: those of Unicode's confusables (UTS #39, `confusables.txt`, revision 16) whose
/// prototype is a basic Latin letter, from Cyrillic, Greek, Armenian and the Latin extensions that NFKC leaves alone.
const CONFUSABLES: &[(char, &str)] = &[
    ('a', "аɑαａ"),
    ('b', "ЬƄьᏏ"),
    ('c', "сϲᴄⅽ"),
    ('d', "ԁⅾᏧ"),
    ('e', "еҽєε℮"),
    ('f', "ſƒꞙẝϝ"),
    ('g', "ɡցƍ"),
    ('h', "һհᏂн"),
    ('i', "іıɩιɪӏ"),
    ('j', "јϳ"),
    ('k', "кκĸ"),
    ('l', "ⅼǀ"),
    ('m', "мⅿ"),
    ('n', "ոпռη"),
    ('o', "оοσօᴏø"),
    ('p', "рρϱ"),
    ('q', "ԛզ"),
    ('r', "гᴦⲅ"),
    ('s', "ѕƽꜱ"),
    ('t', "тτ"),
    ('u', "υսцᴜʋ"),
    ('v', "ѵνᴠ"),
    ('w', "ԝшᴡɯω"),
    ('x', "хχ×"),
    ('y', "уγүʏ"),
    ('z', "ᴢ"),
];

/// Enclosed letters that NFKC leaves alone: 🅐, 🅰 and flags' letters.
const ENCLOSED: [u32; 3] = [0x1f150, 0x1f170, 0x1f1e6];

/// Hidden in a word these change nothing that is seen.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Marks that a word is written with, not decorated: vowel signs of Devanagari, voicing marks of kana.
fn belongs(mark: char) -> bool {
    matches!(mark, '\u{900}'..='\u{97f}' | '\u{3099}' | '\u{309a}')
}

/// A character folded: none, one or several; `looks` is set if it only looked like what came out.
pub(super) fn fold(c: char, out: &mut Vec<char>) -> bool {
    if invisible(c) {
        return false;
    }
    if let Some(letter) = enclosed(c) {
        out.push(letter);
        return true;
    }
    let mut looks = false;
    let kana = matches!(c, '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}');
    for c in std::iter::once(c).nfkd().flat_map(char::to_lowercase).nfkd() {
        if is_combining_mark(c) && !belongs(c) {
            continue;
        }
        match native(c) {
            Some(c) if kana && is_combining_mark(c) => match out.pop() {
                // NFKD has taken the voicing mark off; together they are one letter again
                Some(base) => out.extend([base, c].into_iter().nfc()),
                None => out.push(c),
            },
            Some(c) => out.push(match CONFUSABLES.iter().find(|(_, alike)| alike.contains(c)) {
                Some((letter, _)) => {
                    looks = true;
                    *letter
                }
                None => c,
            }),
            None => {}
        }
    }
    looks
}

fn enclosed(c: char) -> Option<char> {
    let letter = |first: u32| (c as u32).checked_sub(first).filter(|n| *n < 26).and_then(|n| char::from_u32('a' as u32 + n));
    ENCLOSED.iter().find_map(|first| letter(*first))
}

/// Spellings that a script's own readers take as the same.
fn native(c: char) -> Option<char> {
    Some(match c {
        // Arabic: hamza seats, final forms, the lengthening stroke
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' | 'ی' => 'ي',
        'ة' => 'ه',
        'ک' => 'ك',
        'ؤ' => 'و',
        'ئ' => 'ي',
        'ـ' => return None,
        // Devanagari: the dot of borrowed sounds, the two signs of a nasal vowel
        '\u{93c}' => return None,
        '\u{901}' => '\u{902}',
        'ß' => 's',
        'æ' => 'e',
        'œ' => 'e',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = Vec::new();
        text.chars().for_each(|c| {
            fold(c, &mut out);
        });
        out.into_iter().collect()
    }

    #[test]
    fn disguises_fold_to_letters() {
        for (text, wanted) in [
            ("ＫＩＬＬ", "kill"),
            ("k\u{200b}i\u{ad}ll", "kill"),
            ("kіӏӏ", "kiii"),
            ("𝓴𝓲𝓵𝓵", "kill"),
            ("ⓚⓘⓛⓛ", "kill"),
            ("🅺🅸🅻🅻", "kill"),
            ("k̴̡i̷ll", "kill"),
            ("Mörder", "morder"),
            ("قَتَلَ", "قتل"),
            ("ज़हर", "जहर"),
            ("ガ", "ガ"),
            ("ｶﾞ", "ガ"),
        ] {
            assert_eq!(folded(text), wanted, "{text}");
        }
    }
}
