//! English verbs in all their forms, by the regular rules of spelling and a table of the irregular ones.

use crate::{
    lexicon::{Lexicon, TableError},
    tables::{Form, VerbForm},
};
use klieg_film_words::story::Verb;
use std::collections::HashMap;

/// Reads the table of verbs and inflects the first word of every phrase.
pub fn verbs() -> Result<Lexicon<VerbForm>, TableError> {
    let irregular = irregular();
    let mut lines = Vec::new();
    for row in include_str!("../lexicons/verbs.tsv").lines().filter(|r| !r.trim().is_empty() && !r.starts_with('#')) {
        let Some((verb, phrases)) = row.split_once('\t') else { continue };
        for phrase in phrases.split(',').map(str::trim) {
            let (first, rest) = phrase.split_once(' ').unwrap_or((phrase, ""));
            for (form, word) in forms(first, &irregular) {
                lines.push(format!("{verb}\t{form}\t{phrase}\t{word} {rest}"));
            }
        }
    }
    for row in include_str!("../lexicons/verbs-indic.tsv").lines().filter(|r| !r.trim().is_empty() && !r.starts_with('#')) {
        let Some((verb, stems)) = row.split_once('\t') else { continue };
        lines.extend(stems.split(',').map(|stem| format!("{verb}\tpresent\t{}\t{}", stem.trim(), stem.trim())));
    }
    Lexicon::parse(&lines.join("\n"), 4, |cells, _| {
        let verb = Verb::from_name(cells[0]).ok_or_else(|| format!("unknown verb {:?}", cells[0]))?;
        let form = match cells[1] {
            "base" => Form::Base,
            "present" => Form::Present,
            "ing" => Form::Ing,
            _ => Form::Past,
        };
        Ok(VerbForm { verb, form, base: cells[2].to_owned() })
    })
}

fn irregular() -> HashMap<&'static str, Vec<&'static str>> {
    let rows = include_str!("../lexicons/irregular.tsv").lines().filter(|r| !r.starts_with('#'));
    rows.filter_map(|r| r.split_once('\t')).map(|(base, past)| (base, past.split(',').map(str::trim).collect())).collect()
}

/// The forms of one verb: (`base` | `present` | `ing` | `past`, word).
fn forms(base: &str, irregular: &HashMap<&str, Vec<&str>>) -> Vec<(&'static str, String)> {
    let mut out = vec![("base", base.to_owned()), ("present", present(base)), ("ing", ing(base))];
    match irregular.get(base) {
        Some(past) => {
            for word in past {
                out.push((if word.ends_with("ing") { "ing" } else { "past" }, (*word).to_owned()));
            }
        }
        None => out.push(("past", past(base))),
    }
    out
}

fn is_vowel(c: u8) -> bool {
    matches!(c, b'a' | b'e' | b'i' | b'o' | b'u')
}

fn ends_in_consonant_y(base: &str) -> bool {
    let b = base.as_bytes();
    b.len() > 1 && b[b.len() - 1] == b'y' && !is_vowel(b[b.len() - 2])
}

fn present(base: &str) -> String {
    if ends_in_consonant_y(base) {
        return format!("{}ies", &base[..base.len() - 1]);
    }
    let hisses = ["s", "x", "z", "ch", "sh", "o"].iter().any(|end| base.ends_with(end));
    format!("{base}{}", if hisses { "es" } else { "s" })
}

/// Whether the last consonant doubles: a short vowel before one consonant, in words of one syllable.
fn doubles(base: &str) -> bool {
    let b = base.as_bytes();
    let n = b.len();
    let syllables = b.windows(2).filter(|w| is_vowel(w[0]) && !is_vowel(w[1])).count();
    n > 2
        && syllables == 1
        && !is_vowel(b[n - 1])
        && !matches!(b[n - 1], b'w' | b'x' | b'y')
        && is_vowel(b[n - 2])
        && !is_vowel(b[n - 3])
}

fn ing(base: &str) -> String {
    match base {
        _ if base.ends_with("ie") => format!("{}ying", &base[..base.len() - 2]),
        _ if base.ends_with('e') && !base.ends_with("ee") => format!("{}ing", &base[..base.len() - 1]),
        _ if doubles(base) => format!("{base}{}ing", &base[base.len() - 1..]),
        _ => format!("{base}ing"),
    }
}

fn past(base: &str) -> String {
    match base {
        _ if base.ends_with('e') => format!("{base}d"),
        _ if ends_in_consonant_y(base) => format!("{}ied", &base[..base.len() - 1]),
        _ if doubles(base) => format!("{base}{}ed", &base[base.len() - 1..]),
        _ => format!("{base}ed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tables::VERBS, text::tokens};

    #[test]
    fn verbs_inflect_as_english_does() {
        assert_eq!([present("walk"), present("cry"), present("watch"), present("play")], ["walks", "cries", "watches", "plays"]);
        assert_eq!(
            [ing("sit"), ing("give"), ing("die"), ing("wait"), ing("flee")],
            ["sitting", "giving", "dying", "waiting", "fleeing"]
        );
        assert_eq!([past("nod"), past("cry"), past("smile"), past("pour")], ["nodded", "cried", "smiled", "poured"]);
    }

    #[test]
    fn phrases_win_over_their_first_word() {
        let found = |text: &str| VERBS.at(&tokens(text), 0).map(|(_, v)| (v.verb, v.form));
        assert_eq!(found("stands up slowly"), Some((Verb::Rise, Form::Present)));
        assert_eq!(found("standing"), Some((Verb::Stand, Form::Ing)));
        assert_eq!(found("lit a cigarette"), Some((Verb::Smoke, Form::Past)));
        assert_eq!(found("lying down"), Some((Verb::Sleep, Form::Ing)));
    }

    #[test]
    fn there_are_many_verbs() {
        assert!(VERBS.len() > 2000, "{}", VERBS.len());
    }
}
