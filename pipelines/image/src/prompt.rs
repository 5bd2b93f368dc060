//! A prompt read as a scene: which of its words say where, when, who and how it is framed, and the screenplay that puts them so.

use crate::params::{ImageParams, bad};
use klieg_film_analyse::{Phrase, Sense, glossary};
use klieg_film_words::shot::{Angle, Size};
use klieg_film_words::story::{Age, Gender, Verb};
use klieg_kind::BadInput;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// A phrase of the prompt and what it was taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    pub words: String,
    /// `place: temple`, `time: dusk`, `shot: close`, `style` (heeded by models only), …; empty: not understood.
    pub taken_for: String,
}

/// Somebody to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// In the screenplay's capitals.
    pub name: String,
    /// What they do, besides being there.
    pub verb: Verb,
}

/// A prompt, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// A scene with one heading.
    pub script: String,
    /// In the order in which they were named.
    pub leads: Vec<Lead>,
    /// How it is framed, where the prompt says so.
    pub size: Option<Size>,
    pub angle: Angle,
    /// Whether it asks for faces.
    pub portrait: bool,
    pub words: Vec<Word>,
    /// Things that the negative prompt takes away.
    pub without: Vec<String>,
    /// What else it names: this renderer does not heed it.
    pub unheeded: Vec<String>,
}

/// More people than these stand in the background.
const LEADS_MAX: usize = 6;

/// Reads a prompt.
///
/// # Errors
/// Nothing in it is known to the lexicons: the words are named, and what would be understood, unless `anything` is allowed.
pub fn read(params: &ImageParams) -> Result<Reading, BadInput> {
    let framed = Framed::of(&params.prompt);
    let phrases = glossary(&framed.text);
    let mut words = framed.words;
    words.extend(phrases.iter().filter_map(taken_for));
    if !params.anything && !phrases.iter().any(is_of_a_scene) {
        let unknown: Vec<&str> = words.iter().filter(|word| word.taken_for.is_empty()).map(|word| word.words.as_str()).collect();
        let named = if unknown.is_empty() { format!("{:?}", params.prompt) } else { unknown.join(", ") };
        return Err(bad(format!(
            "prompt: nothing in it can be built by the previz renderer ({named}): name a place (temple, bar, garden, street, beach, …), \
             people (two friends, a bride, an old priest, …), an hour, weather or things, or set anything=true for a scene of its own choice"
        )));
    }
    let leads = leads(&phrases);
    let script = script(&framed.text, &phrases, &leads, framed.inside);
    let (without, unheeded) = negative(&params.negative);
    let people = leads.into_iter().map(|lead| Lead { name: lead.name, verb: lead.verb }).collect();
    Ok(Reading {
        script,
        leads: people,
        size: framed.size,
        angle: framed.angle,
        portrait: framed.portrait,
        words,
        without,
        unheeded,
    })
}

/// Words of photographers, and what they ask for; the first that fits counts. None of them says what is to be seen.
const SHOTS: &[(&str, Option<Size>, Angle)] = &[
    ("extreme close-up", Some(Size::BigClose), Angle::Eye),
    ("extreme close up", Some(Size::BigClose), Angle::Eye),
    ("medium close-up", Some(Size::MediumClose), Angle::Eye),
    ("medium close up", Some(Size::MediumClose), Angle::Eye),
    ("close-up", Some(Size::Close), Angle::Eye),
    ("close up", Some(Size::Close), Angle::Eye),
    ("closeup", Some(Size::Close), Angle::Eye),
    ("headshot", Some(Size::Close), Angle::Eye),
    ("portrait", Some(Size::MediumClose), Angle::Eye),
    ("extreme wide shot", Some(Size::ExtremeWide), Angle::Eye),
    ("wide angle", Some(Size::VeryWide), Angle::Eye),
    ("wide shot", Some(Size::VeryWide), Angle::Eye),
    ("wide view", Some(Size::VeryWide), Angle::Eye),
    ("establishing shot", Some(Size::VeryWide), Angle::Eye),
    ("long shot", Some(Size::Wide), Angle::Eye),
    ("panorama", Some(Size::ExtremeWide), Angle::Eye),
    ("medium shot", Some(Size::Medium), Angle::Eye),
    ("waist up", Some(Size::Medium), Angle::Eye),
    ("full body", Some(Size::Full), Angle::Eye),
    ("full-body", Some(Size::Full), Angle::Eye),
    ("full length", Some(Size::Full), Angle::Eye),
    ("full shot", Some(Size::Full), Angle::Eye),
    ("low angle", None, Angle::Low),
    ("from below", None, Angle::Low),
    ("high angle", None, Angle::High),
    ("from above", None, Angle::High),
    ("bird's eye view", None, Angle::Overhead),
    ("overhead", None, Angle::Overhead),
    ("dutch angle", None, Angle::Dutch),
];

/// Words about the making of a picture: this renderer has one look.
const STYLES: &[&str] = &[
    "photograph of",
    "photo of",
    "picture of",
    "image of",
    "painting of",
    "drawing of",
    "illustration of",
    "render of",
    "shot of",
    "view of",
    "scene of",
    "oil painting",
    "watercolour",
    "watercolor",
    "digital art",
    "concept art",
    "cinematic",
    "photorealistic",
    "realistic",
    "highly detailed",
    "detailed",
    "masterpiece",
    "best quality",
    "high quality",
    "8k",
    "4k",
    "hdr",
    "uhd",
    "bokeh",
    "shallow depth of field",
    "depth of field",
    "35mm",
    "film still",
    "movie still",
    "trending on artstation",
    "anime",
    "beautiful",
    "stunning",
    "dramatic lighting",
    "soft light",
    "sharp focus",
];

/// A prompt without the words about its framing and making.
struct Framed {
    text: String,
    size: Option<Size>,
    angle: Angle,
    portrait: bool,
    inside: Option<bool>,
    words: Vec<Word>,
}

impl Framed {
    fn of(prompt: &str) -> Self {
        // The screenplay's own marks mean nothing here.
        let plain: String = prompt.chars().map(|c| if "[]*_#@~<>=|{}\\".contains(c) || c.is_control() { ' ' } else { c }).collect();
        let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut framed = Self { text, size: None, angle: Angle::Eye, portrait: false, inside: None, words: Vec::new() };
        for (words, size, angle) in SHOTS {
            if framed.take(words, &format!("shot: {}", size.map_or(angle.name(), Size::name))) {
                framed.size = framed.size.or(*size);
                framed.angle = if *angle == Angle::Eye { framed.angle } else { *angle };
                framed.portrait |= size.is_some_and(|size| size >= Size::MediumClose);
            }
        }
        for words in STYLES {
            framed.take(words, "style");
        }
        for (words, inside) in [
            ("interior of", true),
            ("interior", true),
            ("indoors", true),
            ("exterior of", false),
            ("exterior", false),
            ("outdoors", false),
        ] {
            if framed.take(words, if inside { "place: indoors" } else { "place: outdoors" }) {
                framed.inside = Some(inside);
            }
        }
        framed
    }

    /// Takes a phrase out of the text, if it stands there as whole words.
    fn take(&mut self, words: &str, taken_for: &str) -> bool {
        let lower = self.text.to_lowercase();
        // Where small letters take other room than capitals, nothing is cut.
        let found = lower.match_indices(words).map(|(at, _)| (at, at + words.len())).find(|(from, to)| {
            let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            edge(lower[..*from].chars().next_back()) && edge(lower[*to..].chars().next())
        });
        let Some((from, to)) = found.filter(|_| lower.len() == self.text.len()) else { return false };
        let (Some(before), Some(after)) = (self.text.get(..from), self.text.get(to..)) else { return false };
        // "a close-up of a bride": what is left of it says nothing.
        let after = after.trim_start();
        let after = after.strip_prefix("of ").or(after.strip_prefix("on ")).unwrap_or(after);
        let before = before.trim_end();
        let before = before.strip_suffix(" a").or(before.strip_suffix(" an")).unwrap_or(if before == "a" || before == "A" {
            ""
        } else {
            before
        });
        let joined = format!("{before} {after}");
        self.words.push(Word { words: words.to_owned(), taken_for: taken_for.to_owned() });
        self.text = joined.trim_matches(|c: char| c.is_whitespace() || c == ',').to_owned();
        true
    }
}

/// Words that hold a sentence together, and are not worth a remark.
const GRAMMAR: &[&str] = &[
    "a", "an", "the", "at", "in", "on", "of", "with", "and", "to", "from", "by", "for", "near", "beside", "under", "over",
    "behind", "before", "between", "into", "through", "around", "his", "her", "their", "its", "is", "are", "while", "who", "that",
    "some", "very", "inside", "outside", "as", "it", "there", "during", "s", "wearing", "dressed", "holding", "carrying", "one",
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "few", "several", "many", "group", "pair",
];

/// What a phrase was taken for; `None`: it only holds the sentence together.
fn taken_for(phrase: &Phrase) -> Option<Word> {
    let name = phrase.senses.iter().filter_map(says).collect::<Vec<_>>().join(", ");
    let silent = GRAMMAR.contains(&phrase.key.as_str()) || phrase.key.parse::<u32>().is_ok();
    (!silent).then(|| Word {
        words: phrase.text.clone(),
        taken_for: if phrase_of_people(&phrase.key).is_some() { "people".into() } else { name },
    })
}

fn says(sense: &Sense) -> Option<String> {
    Some(match sense {
        Sense::Place { place, .. } => format!("place: {}", place.name()),
        Sense::Time(time) => format!("time: {}", time.name()),
        Sense::Weather(weather) => format!("weather: {}", weather.name()),
        Sense::Culture(cultures) => {
            format!("culture: {}", cultures.iter().map(|culture| culture.name()).collect::<Vec<_>>().join(" or "))
        }
        Sense::Period(period) => format!("period: {}", period.name()),
        Sense::Mood(mood) => format!("mood: {}", mood.name()),
        Sense::Occasion(occasion) => format!("occasion: {}", occasion.name()),
        Sense::Person { .. } | Sense::Name { .. } => "person".into(),
        Sense::Group(_) => "people".into(),
        Sense::Trait => "looks".into(),
        Sense::Thing { name, fixed } => format!("{}: {name}", if *fixed { "set" } else { "prop" }),
        Sense::Garment(name) => format!("dress: {name}"),
        Sense::Colour(name) => format!("colour: {name}"),
        Sense::Material(name) => format!("material: {name}"),
        Sense::Act { verb, .. } => format!("act: {}", verb.name()),
        // Nothing is heard in a picture.
        Sense::Sound(_) => return None,
    })
}

/// Whether it says where, when, who or with what: something that can be built.
fn is_of_a_scene(phrase: &Phrase) -> bool {
    let grammar = GRAMMAR.contains(&phrase.key.as_str());
    let builds = |sense: &Sense| {
        matches!(
            sense,
            Sense::Place { .. }
                | Sense::Time(_)
                | Sense::Weather(_)
                | Sense::Occasion(_)
                | Sense::Person { .. }
                | Sense::Name { .. }
                | Sense::Group(_)
                | Sense::Thing { .. }
                | Sense::Garment(_)
                | Sense::Culture(_)
                | Sense::Period(_)
        )
    };
    !grammar && (phrase.senses.iter().any(builds) || phrase_of_people(&phrase.key).is_some())
}

/// A word for several people at once, and who they are.
fn phrase_of_people(key: &str) -> Option<&'static [(&'static str, &'static str)]> {
    Some(match key {
        "couple" | "lovers" | "newlyweds" => &[("WOMAN ONE", "25, woman"), ("MAN TWO", "27, man")],
        "family" => &[("MOTHER ONE", "38, woman"), ("FATHER TWO", "42, man"), ("GIRL THREE", "8, girl")],
        _ => return None,
    })
}

/// Somebody in the making.
struct Someone {
    name: String,
    /// Behind the name, in parentheses.
    about: String,
    /// Before the name: "old", "Japanese".
    looks: String,
    /// Where in the phrases they stand.
    at: usize,
    verb: Verb,
}

const NUMBERS: [&str; 10] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// How many a word says.
fn number(phrase: &Phrase) -> Option<usize> {
    let word = NUMBERS.iter().position(|word| *word == phrase.key).map(|at| at + 1);
    word.or_else(|| phrase.key.parse().ok()).or(match phrase.key.as_str() {
        "pair" => Some(2),
        "few" => Some(3),
        _ => None,
    })
}

/// Who is in front of the camera: nouns and names of people, numbers taken at their word.
fn leads(phrases: &[Phrase]) -> Vec<Someone> {
    let mut out: Vec<Someone> = Vec::new();
    for (at, phrase) in phrases.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|at| &phrases[at]);
        let told = (1..=3).find_map(|back| before(back).filter(|p| !p.apart || back == 1).and_then(number));
        let who = named(phrase, told);
        let looks = looks(phrases, at);
        let verb = verb_of(phrases, at);
        for (name, about) in who {
            if out.len() == LEADS_MAX {
                return out;
            }
            let alone = !out.iter().any(|other| other.name == name);
            let name = if alone { name } else { format!("{name} {}", NUMBERS[out.len() % NUMBERS.len()].to_uppercase()) };
            out.push(Someone { name, about, looks: looks.clone(), at, verb });
        }
    }
    out
}

/// Names for the people that a phrase speaks of.
fn named(phrase: &Phrase, told: Option<usize>) -> Vec<(String, String)> {
    if let Some(known) = phrase_of_people(&phrase.key) {
        return known.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).collect();
    }
    let person = person_of(phrase);
    let group = phrase.senses.iter().any(|sense| matches!(sense, Sense::Group(_)));
    let name = phrase.senses.iter().any(|sense| matches!(sense, Sense::Name { .. }));
    let acts = phrase.senses.iter().any(|sense| matches!(sense, Sense::Act { .. }));
    match (person, group, told) {
        // "friends", "guests" without a number are the background.
        (_, true, None) => Vec::new(),
        (_, true, Some(n)) if n > LEADS_MAX => Vec::new(),
        (_, true, Some(n)) => {
            let noun = singular(&phrase.key);
            // "children" is a crowd to the lexicons, "child" somebody of an age.
            let (gender, age) = glossary(&noun).iter().find_map(person_of).unwrap_or_default();
            several(&noun, n, gender, age)
        }
        (Some((gender, age)), false, told) => {
            let n = told.unwrap_or(if phrase.plural { 2 } else { 1 });
            if n == 1 {
                vec![(phrase.key.to_uppercase(), String::new())]
            } else {
                several(&singular(&phrase.key), n.min(LEADS_MAX), gender, age)
            }
        }
        (None, false, _) if name && !acts => vec![(phrase.text.to_uppercase(), String::new())],
        _ => Vec::new(),
    }
}

/// Gender and age that a noun for a person says.
fn person_of(phrase: &Phrase) -> Option<(Option<Gender>, Option<Age>)> {
    phrase.senses.iter().find_map(|sense| match sense {
        Sense::Person { gender, age } => Some((*gender, *age)),
        _ => None,
    })
}

fn several(noun: &str, n: usize, gender: Option<Gender>, age: Option<Age>) -> Vec<(String, String)> {
    let years = match age {
        Some(Age::Infant) => 1,
        Some(Age::Child) => 8,
        Some(Age::Teen) => 15,
        Some(Age::Middle) => 45,
        Some(Age::Old) => 72,
        Some(Age::Young) | None => 28,
    };
    let who = |i: usize| match gender {
        Some(Gender::Female) => "woman",
        Some(Gender::Male) => "man",
        // As many as of the other.
        _ if i.is_multiple_of(2) => "woman",
        _ => "man",
    };
    let child = matches!(age, Some(Age::Child | Age::Infant));
    let word = |i: usize| match (who(i), child) {
        ("woman", true) => "girl",
        ("man", true) => "boy",
        (word, _) => word,
    };
    (0..n)
        .map(|i| (format!("{} {}", noun.to_uppercase(), NUMBERS[i % 10].to_uppercase()), format!("{}, {}", years + i, word(i))))
        .collect()
}

fn singular(plural: &str) -> String {
    match plural {
        "children" => "child".into(),
        "women" => "woman".into(),
        "men" => "man".into(),
        "people" => "person".into(),
        _ if plural.ends_with("ies") => format!("{}y", &plural[..plural.len() - 3]),
        _ => plural.strip_suffix('s').unwrap_or(plural).to_owned(),
    }
}

/// The words right before somebody that say how they look or whence they come.
fn looks(phrases: &[Phrase], at: usize) -> String {
    let describes = |phrase: &&Phrase| {
        let tells =
            |s: &Sense| matches!(s, Sense::Trait | Sense::Culture(_) | Sense::Colour(_) | Sense::Material(_) | Sense::Mood(_));
        phrase.senses.iter().any(tells)
    };
    let mut words: Vec<&str> = phrases[..at].iter().rev().take_while(describes).map(|phrase| phrase.text.as_str()).collect();
    words.reverse();
    words.join(" ")
}

/// What somebody does: the next act behind them, before the next person.
fn verb_of(phrases: &[Phrase], at: usize) -> Verb {
    let is_person = |phrase: &Phrase| phrase.senses.iter().any(|s| matches!(s, Sense::Person { .. }));
    let act = |phrase: &Phrase| {
        phrase.senses.iter().find_map(|sense| match sense {
            Sense::Act { verb, ing: true } => Some(*verb),
            _ => None,
        })
    };
    let behind = phrases.iter().skip(at + 1).take(8).take_while(|phrase| !is_person(phrase));
    let and_on = || {
        // "a bride and a groom dancing": both do.
        let joined = phrases.iter().skip(at + 1).take(5).any(|phrase| phrase.key == "and");
        joined.then(|| phrases.iter().skip(at + 1).take(9).find_map(act)).flatten()
    };
    behind.filter(|phrase| !GRAMMAR.contains(&phrase.key.as_str())).find_map(act).or_else(and_on).unwrap_or(Verb::Stand)
}

/// The words that put the prompt as a scene.
fn script(text: &str, phrases: &[Phrase], leads: &[Someone], inside: Option<bool>) -> String {
    let best = |of: &dyn Fn(&Sense) -> Option<u8>| {
        let strength =
            |phrase: &&Phrase| phrase.senses.iter().filter_map(of).max().filter(|_| !GRAMMAR.contains(&phrase.key.as_str()));
        // Of equals the first: what follows tells more of it.
        let mut best: Option<(&Phrase, u8)> = None;
        for phrase in phrases {
            if let Some(own) = strength(&phrase)
                && best.is_none_or(|(_, known)| own > known)
            {
                best = Some((phrase, own));
            }
        }
        best.map(|(phrase, _)| phrase.text.to_uppercase())
    };
    let place = best(&|sense| if let Sense::Place { strength, .. } = sense { Some(*strength) } else { None });
    let time = best(&|sense| if let Sense::Time(_) = sense { Some(1) } else { None });
    let prefix = match inside {
        Some(true) => "INT. ",
        Some(false) => "EXT. ",
        None => ".",
    };
    let mut out = format!("{prefix}{}", place.unwrap_or_else(|| "SOMEWHERE".into()));
    if let Some(time) = time {
        let _ = write!(out, " - {time}");
    }
    let _ = write!(out, "\n\n{}.\n", capitalised(text.trim_end_matches(['.', '!', '?', ' '])));
    for (i, lead) in leads.iter().enumerate() {
        let until = leads[i + 1..].iter().map(|next| next.at).find(|at| *at > lead.at).unwrap_or(phrases.len());
        let rest: Vec<&str> = phrases[lead.at + 1..until].iter().map(|phrase| phrase.text.as_str()).collect();
        let about = if lead.about.is_empty() { String::new() } else { format!(" ({})", lead.about) };
        let article = if lead.looks.is_empty() { "" } else { "A " };
        let looks = if lead.looks.is_empty() { String::new() } else { format!("{} ", lead.looks) };
        let _ = write!(out, "\n{article}{looks}{}{about} stands {}.\n", lead.name, trimmed(&rest));
    }
    out
}

/// Without the article and joint that belong to who comes next.
fn trimmed(words: &[&str]) -> String {
    let mut words = words.to_vec();
    while words
        .last()
        .is_some_and(|word| ["a", "an", "the", "and", "with", "two", "of", "one"].contains(&word.to_lowercase().as_str()))
    {
        words.pop();
    }
    words.join(" ")
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// What a negative prompt takes away (things by their name), and what of it is not heeded.
fn negative(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut without, mut unheeded) = (Vec::new(), Vec::new());
    for phrase in glossary(text).iter().filter(|phrase| !GRAMMAR.contains(&phrase.key.as_str())) {
        let things = phrase.senses.iter().filter_map(|sense| match sense {
            Sense::Thing { name, fixed: false } => Some(name.clone()),
            Sense::Group(_) => Some("people in the background".into()),
            _ => None,
        });
        let before = without.len();
        without.extend(things);
        if without.len() == before {
            unheeded.push(phrase.text.clone());
        }
    }
    (without, unheeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reading(prompt: &str) -> Reading {
        read(&ImageParams::of(&json!({ "prompt": prompt })).unwrap()).unwrap()
    }

    fn names(reading: &Reading) -> Vec<&str> {
        reading.leads.iter().map(|lead| lead.name.as_str()).collect()
    }

    #[test]
    fn a_place_and_an_hour_are_the_heading() {
        let got = reading("a temple at dusk");
        assert!(got.script.starts_with(".TEMPLE - DUSK\n"), "{}", got.script);
        assert!(got.leads.is_empty());
        let taken: Vec<&str> = got.words.iter().map(|word| word.taken_for.as_str()).collect();
        assert!(taken[0].contains("place: temple") && taken[1].contains("time: dusk"), "{taken:?}");
        assert!(reading("interior of a temple").script.starts_with("INT. TEMPLE\n"));
    }

    #[test]
    fn people_are_counted_and_named() {
        assert_eq!(names(&reading("two friends at a rainy bar")), ["FRIEND ONE", "FRIEND TWO"]);
        assert_eq!(names(&reading("an old priest in a temple")), ["PRIEST"]);
        assert_eq!(names(&reading("a bride and a groom dancing")), ["BRIDE", "GROOM"]);
        assert_eq!(names(&reading("a couple on a beach")), ["WOMAN ONE", "MAN TWO"]);
        assert_eq!(names(&reading("a hundred guests at a wedding in a garden")), [""; 0]);
        assert_eq!(reading("a bride and a groom dancing").leads[0].verb, Verb::Dance);
        assert_eq!(reading("an old priest praying in a temple").leads[0].verb, Verb::Pray);
    }

    #[test]
    fn framing_is_taken_out_of_the_words() {
        let got = reading("a garden in spring, close-up of a bride");
        assert_eq!((got.size, got.angle, got.portrait), (Some(Size::Close), Angle::Eye, true));
        assert!(!got.script.contains("close-up"), "{}", got.script);
        let low = reading("low angle wide shot of a palace");
        assert_eq!((low.size, low.angle), (Some(Size::VeryWide), Angle::Low));
        assert_eq!(reading("a disclosed garden").size, None);
    }

    #[test]
    fn what_is_not_known_is_named_and_a_prompt_of_it_alone_refused() {
        let params = |anything: bool| ImageParams::of(&json!({"prompt": "flurble zorblax", "anything": anything})).unwrap();
        let refusal = read(&params(false)).unwrap_err().message;
        assert!(refusal.contains("flurble, zorblax") && refusal.contains("name a place"), "{refusal}");
        let got = read(&params(true)).unwrap();
        assert!(got.words.iter().all(|word| word.taken_for.is_empty()) && got.words.len() == 2);
        let style = ImageParams::of(&json!({"prompt": "masterpiece, 8k, cinematic"})).unwrap();
        assert!(read(&style).is_err());
    }

    #[test]
    fn marks_of_screenplays_are_only_letters_here() {
        let got = reading("a temple [[klieg: colour=red]] /* at */ dusk\n\nINT. BAR - DAY");
        assert!(!got.script.contains("[[") && got.script.matches("\n\n").count() == 1, "{}", got.script);
    }

    #[test]
    fn a_negative_prompt_takes_things_away_and_says_what_it_does_not() {
        let params = ImageParams::of(&json!({"prompt": "a temple", "negative": "oil lamps, blurry"})).unwrap();
        let got = read(&params).unwrap();
        assert_eq!((got.without, got.unheeded), (vec!["oil lamp".to_owned()], vec!["blurry".to_owned()]));
    }
}
