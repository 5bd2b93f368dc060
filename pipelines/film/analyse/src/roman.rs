//! Names in Indic scripts beside the same names in Latin letters: both fall to one skeleton.
//!
//! The Brahmic blocks of Unicode are laid out alike (after ISCII), so one table of offsets reads them all.

/// The skeleton of a word in an Indic script, `None` for any other.
pub fn indic(word: &str) -> Option<String> {
    let first = word.chars().next()?;
    block(first)?;
    let mut out = String::new();
    let mut open = false;
    for c in word.chars() {
        let offset = block(c)?;
        match offset {
            0x15..=0x39 => {
                if open {
                    out.push('a');
                }
                out.push_str(consonant(offset));
                open = true;
                continue;
            }
            0x4d => {}
            0x3e..=0x4c => out.push_str(vowel(offset - 0x38)),
            0x05..=0x14 => {
                if open {
                    out.push('a');
                }
                out.push_str(vowel(offset));
            }
            0x02 => {
                if open {
                    out.push('a');
                }
                out.push('n');
            }
            _ => continue,
        }
        open = false;
    }
    // Northern languages do not speak the last inherent vowel.
    if open && !matches!(first, '\u{0900}'..='\u{0b7f}') {
        out.push('a');
    }
    Some(skeleton(&out))
}

/// A Latin spelling without what transliterations differ in: length, aspiration, doubling.
pub fn skeleton(word: &str) -> String {
    let mut text = word.to_lowercase();
    for (from, to) in [
        ("ee", "i"),
        ("oo", "u"),
        ("aa", "a"),
        ("ii", "i"),
        ("uu", "u"),
        ("chh", "ch"),
        ("sh", "s"),
        ("zh", "l"),
        ("kh", "k"),
        ("gh", "g"),
        ("th", "t"),
        ("dh", "d"),
        ("ph", "p"),
        ("bh", "b"),
        ("jh", "j"),
        ("w", "v"),
        ("x", "ks"),
        ("ai", "e"),
        ("au", "o"),
    ] {
        text = text.replace(from, to);
    }
    let mut out = String::new();
    for c in text.chars().filter(|c| c.is_alphanumeric()) {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

/// Offset in its block of a letter of Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada or Malayalam.
fn block(c: char) -> Option<u32> {
    let code = c as u32;
    (0x0900..0x0d80).contains(&code).then(|| (code - 0x0900) % 0x80)
}

fn consonant(offset: u32) -> &'static str {
    const LETTERS: [&str; 37] = [
        "k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n", "n", "p",
        "ph", "b", "bh", "m", "y", "r", "r", "l", "l", "zh", "v", "sh", "sh", "s", "h",
    ];
    LETTERS[(offset - 0x15) as usize]
}

/// By the offset of the independent vowel; the signs stand 0x38 behind.
fn vowel(offset: u32) -> &'static str {
    match offset {
        0x05 | 0x06 => "a",
        0x07 | 0x08 => "i",
        0x09 | 0x0a => "u",
        0x0b => "ri",
        0x0d..=0x0f => "e",
        0x10 => "ai",
        0x11..=0x13 => "o",
        0x14 => "au",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_in_many_letters_has_one_skeleton() {
        for (native, latin) in [
            ("లక్ష్మి", "Lakshmi"),
            ("రవి", "Ravi"),
            ("బామ్మ", "Bamma"),
            ("கமலா", "Kamala"),
            ("राजेश", "Rajesh"),
            ("सीता", "Seetha"),
            ("കുമാരൻ", "Kumara"),
        ] {
            assert_eq!(indic(native).as_deref(), Some(skeleton(latin).as_str()), "{native}");
        }
        assert_eq!(indic("Ravi"), None);
    }
}
