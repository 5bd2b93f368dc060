//! What the script says about each person: age, gender, build, dress, and the culture that the name comes from.

use crate::{
    ballot::{Ballot, Clue},
    dress,
    grammar::{is_body_part, pronoun, verb_at},
    read::{Film, Item, SceneText},
    roster::{Person, Roster},
    tables::{Form, GARMENTS, NAMES, NAMES_BY_SOUND, PEOPLE, PLACES, PersonSign, THINGS, TRAITS, Trait},
    text::{Sentence, Token, tokens},
};
use klieg_film_words::story::{Age, Build, CharacterId, Culture, Garment, Gender, Occasion};

/// Clues about one person.
#[derive(Default)]
pub struct Traits {
    pub age: Ballot<Age>,
    pub gender: Ballot<Gender>,
    pub build: Ballot<Build>,
    pub culture: Ballot<Culture>,
    pub occasion: Ballot<Occasion>,
    pub dress: Vec<(Garment, String)>,
}

impl Traits {
    /// The gender as far as it is known.
    pub fn gender_now(&self) -> Option<Gender> {
        self.gender.verdict(0.3).map(|v| v.value)
    }
}

/// Reads everyone's traits.
pub fn read(film: &Film, roster: &Roster) -> Vec<Traits> {
    let mut all: Vec<Traits> = roster.people.iter().map(from_name).collect();
    for scene in &film.scenes {
        let mut recent: Vec<CharacterId> = Vec::new();
        for item in &scene.items {
            match item {
                Item::Action(found) => found.iter().for_each(|s| describe(s, roster, &mut all, &mut recent)),
                Item::Speech(speech) => roster.speakers(&speech.cue).into_iter().for_each(|id| latest(&mut recent, id)),
            }
        }
        addressed(scene, roster, &mut all);
    }
    dress::read(film, roster, &mut all);
    all
}

/// What a name alone says.
fn from_name(person: &Person) -> Traits {
    let mut traits = Traits::default();
    if person.collective {
        return traits;
    }
    let words = tokens(&person.full_name);
    for (at, len, sign) in PEOPLE.all(&words) {
        // "JOHN BAKER" is no baker, and "ANNA KING" no king.
        let surname = at > 0 && words.len() > 1 && NAMES.word(&words[at].key).is_some() && NAMES.word(&words[at - 1].key).is_some();
        if !words[at + len - 1].possessive && !surname {
            called(&mut traits, sign, &person.first, 1.0);
        }
    }
    for called_so in &person.called {
        let noun = tokens(&called_so.noun);
        if let Some((_, sign)) = PEOPLE.at(&noun, 0) {
            called(&mut traits, sign, &called_so.clue, 1.0);
        }
    }
    for (at, _, adjectives) in TRAITS.all(&words) {
        adjectives.iter().for_each(|t| adjective(&mut traits, *t, &Clue::new(person.first.line, words[at].text.clone())));
    }
    name_signs(&mut traits, &words, &person.first);
    traits
}

fn name_signs(traits: &mut Traits, words: &[Token], clue: &Clue) {
    let mut known = false;
    for signs in words.iter().filter_map(|t| NAMES_BY_SOUND.get(t.skeleton.as_deref()?)) {
        let genders: Vec<Gender> = signs.iter().filter_map(|s| s.gender).collect();
        genders.iter().for_each(|g| traits.gender.vote(*g, 2.5 / genders.len() as f32, clue));
        known |= !genders.is_empty();
    }
    for (at, _, signs) in NAMES.all(words) {
        let cultures: Vec<Culture> = signs.iter().flat_map(|s| s.cultures.iter().copied()).collect();
        for culture in &cultures {
            let sure = if signs.iter().all(|s| s.gender.is_none()) { 1.0 } else { 2.0 };
            traits.culture.vote(*culture, sure / cultures.len() as f32, clue);
        }
        let genders: Vec<Gender> = signs.iter().filter_map(|s| s.gender).collect();
        let weight = if at == 0 || words.len() == 1 { 2.5 } else { 0.8 };
        for gender in &genders {
            traits.gender.vote(*gender, weight / genders.len() as f32, clue);
            known = true;
        }
    }
    let named = PEOPLE.all(words).is_empty() && THINGS.all(words).is_empty();
    if let Some((gender, weight)) = words.first().filter(|_| named && !known).and_then(|w| ending(&w.key)) {
        traits.gender.vote(gender, weight, clue);
    }
}

/// What given names end in, by custom.
fn ending(name: &str) -> Option<(Gender, f32)> {
    const FEMALE: &[&str] = &[
        "amma", "lakshmi", "devi", "priya", "mathi", "selvi", "kumari", "ette", "elle", "ine", "inda", "issa", "ina", "ia", "ika",
        "ita", "bai", "kaur", "hee", "eko", "iko", "uko", "na", "ya", "la", "ra", "sha", "a", "i",
    ];
    const MALE: &[&str] = &[
        "appa", "ayya", "swamy", "swami", "kumar", "nathan", "esh", "raj", "deep", "jit", "inder", "winder", "singh", "an", "us",
        "o", "ro", "ta", "suke", "ic", "ov", "er", "ar", "ard", "am", "ek", "or",
    ];
    if !name.is_ascii() || name.len() < 4 {
        return None;
    }
    let longest = |ends: &[&str]| ends.iter().filter(|e| name.ends_with(**e)).map(|e| e.len()).max().unwrap_or(0);
    let (f, m) = (longest(FEMALE), longest(MALE));
    match f.cmp(&m) {
        std::cmp::Ordering::Greater => Some((Gender::Female, 0.4 + 0.1 * f as f32)),
        std::cmp::Ordering::Less => Some((Gender::Male, 0.4 + 0.1 * m as f32)),
        std::cmp::Ordering::Equal => None,
    }
}

fn called(traits: &mut Traits, sign: &PersonSign, clue: &Clue, weight: f32) {
    if let Some(gender) = sign.gender {
        let sure = if sign.clothes.is_empty() { 2.6 } else { 1.0 };
        traits.gender.vote(gender, sure * weight, clue);
    }
    if let Some(age) = sign.age {
        let sure = if sign.clothes.is_empty() && age != Age::Young { 1.6 } else { 0.6 };
        traits.age.vote(age, sure * weight, clue);
    }
    if let Some(occasion) = sign.occasion {
        traits.occasion.vote(occasion, 2.0 * weight, clue);
    }
    for name in &sign.clothes {
        let garment = Garment { name: name.clone(), colour: None, material: None, line: clue.line };
        if !traits.dress.iter().any(|(g, _)| g.name == *name) {
            traits.dress.push((garment, clue.words.clone()));
        }
    }
}

fn adjective(traits: &mut Traits, what: Trait, clue: &Clue) {
    match what {
        Trait::Age(age) => traits.age.vote(age, 1.8, clue),
        Trait::Build(build) => traits.build.vote(build, 1.5, clue),
        Trait::Gender(gender) => traits.gender.vote(gender, 1.5, clue),
    }
}

/// Puts someone last of those named.
fn latest(recent: &mut Vec<CharacterId>, id: CharacterId) {
    recent.retain(|r| *r != id);
    recent.push(id);
}

/// Reads one sentence; `recent` are the people named before, the latest last.
fn describe(sentence: &Sentence, roster: &Roster, all: &mut [Traits], recent: &mut Vec<CharacterId>) {
    let words = &sentence.tokens;
    let mut mentions: Vec<(usize, usize, CharacterId)> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match roster.mention(words, at) {
            Some((len, id)) => {
                mentions.push((at, len, id));
                at += len;
            }
            None => at += 1,
        }
    }
    if let Some(gender) = pronoun(&words[0]).filter(|_| matches!(words[0].key.as_str(), "he" | "she")) {
        // The latest person whom the pronoun may mean.
        let meant = recent
            .iter()
            .rev()
            .copied()
            .find(|id| !mentions.iter().any(|m| m.2 == *id) && all[*id].gender_now().is_none_or(|g| g == gender));
        if let Some(id) = meant {
            all[id].gender.vote(gender, 1.0, &Clue::new(sentence.line, words[0].text.clone()));
        }
    }
    let single = mentions.iter().all(|m| m.2 == mentions[0].2);
    for (n, &(at, len, id)) in mentions.iter().enumerate() {
        let end = mentions.get(n + 1).map_or(words.len(), |m| m.0);
        appositive(sentence, at, len, end, &mut all[id]);
        pronouns(sentence, at + len, end, if single { 1.0 } else { 0.3 }, &mut all[id]);
    }
    mentions.iter().for_each(|m| latest(recent, m.2));
}

/// Ages and adjectives between a name and its verb, in parentheses behind it, or right before it.
fn appositive(sentence: &Sentence, at: usize, len: usize, end: usize, traits: &mut Traits) {
    let words = &sentence.tokens;
    if at > 0
        && let Some(found) = TRAITS.word(&words[at - 1].key).filter(|_| !words[at].gap.comma)
    {
        let clue = Clue::new(sentence.line, words[at - 1].text.clone());
        found.iter().for_each(|t| adjective(traits, *t, &clue));
    }
    let apposed = words.get(at + len).is_some_and(|t| t.gap.comma || t.inside || t.gap.dash || t.key == "is");
    let mut i = at + len;
    while apposed && i < end && i < at + len + 20 {
        let stops = verb_at(words, i).is_some_and(|(_, v)| v.form == Form::Present) && !words[i].inside;
        if stops {
            break;
        }
        if let Some((age, n)) = age_at(words, i, i == at + len) {
            traits.age.vote(age, 8.0, &Clue::new(sentence.line, sentence.words(i, n)));
        }
        match TRAITS.at(words, i) {
            Some((n, found)) => {
                if describes_person(words, i + n) {
                    let clue = Clue::new(sentence.line, sentence.words(i, n));
                    found.iter().for_each(|t| adjective(traits, *t, &clue));
                }
                i += n;
            }
            None => i += 1,
        }
    }
}

/// Whether an adjective before token `next` is not about a thing: "an old coat".
fn describes_person(words: &[Token], next: usize) -> bool {
    for n in next..words.len().min(next + 3) {
        if words[n].gap.comma || words[n].gap.closed || words[n].inside {
            return true;
        }
        if PEOPLE.at(words, n).is_some() {
            return true;
        }
        if GARMENTS.at(words, n).is_some()
            || THINGS.at(words, n).is_some()
            || PLACES.at(words, n).is_some()
            || is_body_part(&words[n])
        {
            return false;
        }
    }
    true
}

/// "60s", "45", "mid-30s", "seven-year-old": an age in years, told from other numbers by where it stands.
fn age_at(words: &[Token], at: usize, first: bool) -> Option<(Age, usize)> {
    let token = &words[at];
    let decade = token.key.strip_suffix('s').filter(|d| d.len() == 2).and_then(|d| d.parse::<u32>().ok());
    if let Some(decade) = decade.filter(|d| d % 10 == 0) {
        let early = at > 0 && words[at - 1].key == "early";
        return Some((of_years(decade + if early { 2 } else { 5 }), 1));
    }
    let years = token.key.parse::<u32>().ok().or_else(|| number_word(&token.key))?;
    let next = |n: usize| words.get(at + n).map_or("", |t| t.key.as_str());
    if next(1).starts_with("month") {
        return Some((Age::Infant, 2));
    }
    let said = next(1) == "year"
        || next(1) == "years"
        || next(1) == "yo"
        || (at > 0 && matches!(words[at - 1].key.as_str(), "aged" | "age"));
    let spelt = first && token.gap.comma && words.get(at + 1).is_none_or(|t| t.gap.comma);
    let stands_so = spelt || token.key.parse::<u32>().is_ok() && (token.inside || (first && token.gap.comma) || said);
    ((stands_so || said) && years < 120).then(|| (of_years(years), if next(1) == "year" && next(2) == "old" { 3 } else { 1 }))
}

fn number_word(word: &str) -> Option<u32> {
    const WORDS: &[&str] = &[
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    WORDS.iter().position(|w| *w == word).map(|n| n as u32 + 1)
}

/// The ages of art direction from years.
pub fn of_years(years: u32) -> Age {
    match years {
        0..=1 => Age::Infant,
        2..=12 => Age::Child,
        13..=18 => Age::Teen,
        19..=36 => Age::Young,
        37..=59 => Age::Middle,
        _ => Age::Old,
    }
}

/// "He", "her": the first pronoun behind a name that is not an object nor the owner of a relative.
fn pronouns(sentence: &Sentence, from: usize, end: usize, weight: f32, traits: &mut Traits) {
    let words = &sentence.tokens;
    for i in from..end {
        let Some(gender) = pronoun(&words[i]) else { continue };
        let object = i > 0 && verb_before(words, i);
        let relative = (1..=3).any(|n| PEOPLE.at(words, i + n).is_some());
        let subject = matches!(words[i].key.as_str(), "he" | "she");
        if !relative && (subject || !object) {
            traits.gender.vote(
                gender,
                if subject { weight * 1.3 } else { weight },
                &Clue::new(sentence.line, words[i].text.clone()),
            );
            return;
        }
    }
}

/// Whether a verb stands right before token `at`: "gives her", "touches his".
fn verb_before(words: &[Token], at: usize) -> bool {
    crate::tables::VERBS.at(words, at - 1).is_some() || crate::grammar::is_preposition(&words[at - 1])
}

/// "Grandfather, you sweep": in a talk of two, a noun set off by a comma calls the other.
fn addressed(scene: &SceneText, roster: &Roster, all: &mut [Traits]) {
    let mut speakers: Vec<CharacterId> = Vec::new();
    for speech in scene.speeches() {
        for id in roster.speakers(&speech.cue) {
            if !speakers.contains(&id) && !roster.people[id].collective {
                speakers.push(id);
            }
        }
    }
    let [a, b] = speakers.as_slice() else { return };
    for item in &scene.items {
        let Item::Speech(speech) = item else { continue };
        let from = roster.speakers(&speech.cue);
        let to = match from.as_slice() {
            [one] if one == a => *b,
            [one] if one == b => *a,
            _ => continue,
        };
        for part in &speech.parts {
            let words = tokens(&part.text);
            if let Some((len, sign)) = PEOPLE.at(&words, 0).filter(|(len, _)| words.get(*len).is_some_and(|t| t.gap.comma)) {
                let clue = Clue::new(part.line, words[..len].iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" "));
                let kin = PersonSign { clothes: Vec::new(), occasion: None, ..sign.clone() };
                called(&mut all[to], &kin, &clue, 0.5);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_script(script: &str) -> (Roster, Vec<Traits>) {
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        let traits = read(&film, &roster);
        (roster, traits)
    }

    fn one(action: &str) -> (Option<Gender>, Option<Age>, Option<Build>) {
        let (_, traits) = read_script(&format!("INT. ROOM - DAY\n\n{action}\n"));
        let t = &traits[0];
        (t.gender_now(), t.age.verdict(0.5).map(|v| v.value), t.build.verdict(0.5).map(|v| v.value))
    }

    #[test]
    fn introductions_tell_age_gender_and_build() {
        assert_eq!(
            one("KENJI (60s), a thin gardener in a kimono, sweeps."),
            (Some(Gender::Male), Some(Age::Old), Some(Build::Thin))
        );
        assert_eq!(one("HARU (7), a girl in a yellow kimono, runs."), (Some(Gender::Female), Some(Age::Child), None));
        assert_eq!(one("PAATI (70s), her round grandmother, waits."), (Some(Gender::Female), Some(Age::Old), Some(Build::Round)));
        assert_eq!(one("ALEX, 34, in an old coat, sits. She drinks."), (Some(Gender::Female), Some(Age::Young), None));
        assert_eq!(one("ZORA, a seven-year-old, runs."), (Some(Gender::Female), Some(Age::Child), None));
        assert_eq!(one("DR. QUILL (early 40s) adjusts his tie."), (Some(Gender::Male), Some(Age::Middle), None));
    }

    #[test]
    fn names_alone_tell_gender() {
        for (name, gender) in [
            ("ANNA", Gender::Female),
            ("UNNI", Gender::Male),
            ("MIN-HO", Gender::Male),
            ("JOHN BAKER", Gender::Male),
            ("SUNITA", Gender::Female),
            ("TAKESHI", Gender::Male),
            ("రవి", Gender::Male),
        ] {
            let (_, traits) = read_script(&format!("INT. ROOM - DAY\n\n@{name}\nHello.\n"));
            assert_eq!(traits[0].gender_now(), Some(gender), "{name}");
            assert!(traits[0].dress.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_vocative_tells_about_the_other() {
        let (_, traits) = read_script("INT. ROOM - DAY\n\nQUILL\nGrandfather, look.\n\nBORN\nI see.\n");
        assert_eq!((traits[1].gender_now(), traits[1].age.verdict(0.5).map(|v| v.value)), (Some(Gender::Male), Some(Age::Old)));
    }
}
