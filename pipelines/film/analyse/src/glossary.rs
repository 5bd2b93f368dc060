//! What single phrases of a text mean to the analysis, word by word: for those who are told in a few words what is to be seen, and
//! who must say which of them were understood.

use crate::tables::{
    CULTURES, FABRICS, Fabric, Form, GARMENTS, GROUPS, MOODS, NAMES, OCCASIONS, PEOPLE, PERIODS, PLACES, SETTINGS, Setting, THINGS,
    TRAITS, VERBS,
};
use crate::text::{Token, is_plural, tokens};
use klieg_film_words::story::{Age, Culture, Gender, Mood, Occasion, Period, Place, TimeOfDay, Verb, Weather};

/// One meaning of a phrase.
#[derive(Clone, Debug, PartialEq)]
pub enum Sense {
    /// With whether it is a room, where that is known, and how sure the noun is, 1–3.
    Place {
        place: Place,
        interior: Option<bool>,
        strength: u8,
    },
    Time(TimeOfDay),
    Weather(Weather),
    Sound(String),
    /// Cultures that it speaks for.
    Culture(Vec<Culture>),
    Period(Period),
    Mood(Mood),
    Occasion(Occasion),
    /// A noun for a person.
    Person {
        gender: Option<Gender>,
        age: Option<Age>,
    },
    /// A given name.
    Name {
        gender: Option<Gender>,
    },
    /// People in the background, and roughly how many.
    Group(u32),
    /// Says how somebody looks.
    Trait,
    /// A thing; `fixed` ones are part of the set.
    Thing {
        name: String,
        fixed: bool,
    },
    Garment(String),
    Colour(String),
    Material(String),
    /// What a body does; `ing`: as in "praying".
    Act {
        verb: Verb,
        ing: bool,
    },
}

/// A phrase of a text with all that it means; nothing where no lexicon has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// As written.
    pub text: String,
    /// In small letters, without accents, a blank between words.
    pub key: String,
    /// Its last word is a plural.
    pub plural: bool,
    /// Begins with a capital.
    pub capital: bool,
    /// A comma, dash or parenthesis stands before it.
    pub apart: bool,
    pub senses: Vec<Sense>,
}

/// The phrases of a text, in order; of those that begin at a word the longest that any lexicon has.
pub fn glossary(text: &str) -> Vec<Phrase> {
    let words = tokens(text);
    let (mut out, mut at) = (Vec::new(), 0);
    while at < words.len() {
        let found = senses(&words, at);
        let len = found.iter().map(|(len, _)| *len).max().unwrap_or(1);
        let of = &words[at..at + len];
        out.push(Phrase {
            text: of.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" "),
            key: of.iter().map(|word| word.key.as_str()).collect::<Vec<_>>().join(" "),
            plural: of.last().is_some_and(is_plural),
            capital: of[0].capital,
            apart: of[0].gap.comma || of[0].gap.dash || of[0].gap.closed,
            senses: found.into_iter().filter(|(own, _)| *own == len).map(|(_, sense)| sense).collect(),
        });
        at += len;
    }
    out
}

/// What begins at a word: how many words it takes, and what it means.
fn senses(words: &[Token], at: usize) -> Vec<(usize, Sense)> {
    let mut out = Vec::new();
    if let Some((len, sign)) = PLACES.at(words, at) {
        out.push((len, Sense::Place { place: sign.place, interior: sign.interior, strength: sign.strength }));
    }
    if let Some((len, settings)) = SETTINGS.at(words, at) {
        out.extend(settings.iter().map(|setting| (len, of_setting(setting))));
    }
    if let Some((len, signs)) = CULTURES.at(words, at) {
        out.push((len, Sense::Culture(signs.iter().flat_map(|sign| sign.cultures.clone()).collect())));
    }
    if let Some((len, (period, _))) = PERIODS.at(words, at) {
        out.push((len, Sense::Period(*period)));
    }
    if let Some((len, moods)) = MOODS.at(words, at) {
        out.extend(moods.iter().map(|(mood, _)| (len, Sense::Mood(*mood))));
    }
    if let Some((len, (occasion, sign))) = OCCASIONS.at(words, at)
        && *sign > 0.0
    {
        out.push((len, Sense::Occasion(*occasion)));
    }
    out.extend(of_people(words, at));
    out.extend(of_things(words, at));
    out
}

fn of_setting(setting: &Setting) -> Sense {
    match setting {
        Setting::Weather(weather, _) => Sense::Weather(*weather),
        Setting::Time(time) => Sense::Time(*time),
        Setting::Sound(name) => Sense::Sound(name.clone()),
        Setting::Silence => Sense::Sound("silence".into()),
    }
}

fn of_people(words: &[Token], at: usize) -> Vec<(usize, Sense)> {
    let mut out = Vec::new();
    if let Some((len, sign)) = PEOPLE.at(words, at) {
        out.push((len, Sense::Person { gender: sign.gender, age: sign.age }));
    }
    if let Some((len, count)) = GROUPS.at(words, at) {
        out.push((len, Sense::Group(*count)));
    }
    if let Some((len, _)) = TRAITS.at(words, at) {
        out.push((len, Sense::Trait));
    }
    // In running text a name has a capital; "rose" and "may" have none.
    if let Some((len, signs)) = NAMES.at(words, at).filter(|_| words[at].capital) {
        out.push((len, Sense::Name { gender: signs.iter().find_map(|sign| sign.gender) }));
    }
    out
}

fn of_things(words: &[Token], at: usize) -> Vec<(usize, Sense)> {
    let mut out = Vec::new();
    if let Some((len, thing)) = THINGS.at(words, at) {
        out.push((len, Sense::Thing { name: thing.name.clone(), fixed: thing.fixed }));
    }
    if let Some((len, wear)) = GARMENTS.at(words, at) {
        out.push((len, Sense::Garment(wear.name.clone())));
    }
    if let Some((len, fabric)) = FABRICS.at(words, at) {
        let sense = match fabric {
            Fabric::Colour(name) => Sense::Colour(name.clone()),
            Fabric::Material(name) => Sense::Material(name.clone()),
        };
        out.push((len, sense));
    }
    if let Some((len, form)) = VERBS.at(words, at) {
        out.push((len, Sense::Act { verb: form.verb, ing: form.form == Form::Ing }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, Vec<Sense>)> {
        glossary(text).into_iter().map(|phrase| (phrase.key, phrase.senses)).collect()
    }

    #[test]
    fn every_word_is_in_one_phrase_and_the_longest_wins() {
        let got = of("An old priest praying with an oil lamp, zorblax");
        let keys: Vec<&str> = got.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["an", "old", "priest", "praying", "with", "an", "oil lamp", "zorblax"]);
        assert!(got[1].1.contains(&Sense::Trait), "{:?}", got[1]);
        assert!(got[2].1.iter().any(|sense| matches!(sense, Sense::Person { gender: Some(Gender::Male), .. })), "{:?}", got[2]);
        assert!(got[3].1.contains(&Sense::Act { verb: Verb::Pray, ing: true }), "{:?}", got[3]);
        assert!(got[6].1.contains(&Sense::Thing { name: "oil lamp".into(), fixed: false }), "{:?}", got[6]);
        assert_eq!(got[7].1, []);
    }

    #[test]
    fn a_word_may_mean_several_things() {
        let rain = &of("rain")[0].1;
        assert!(rain.contains(&Sense::Weather(Weather::Rain)) && rain.contains(&Sense::Sound("rain".into())), "{rain:?}");
    }
}
