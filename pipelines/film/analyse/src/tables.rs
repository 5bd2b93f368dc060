//! The word tables of `lexicons/`, read once.

use crate::lexicon::{Lexicon, table};
use klieg_film_words::story::{Age, Build, Culture, Gender, Mood, Occasion, Period, Place, TimeOfDay, Verb, Weather};
use std::{collections::HashMap, sync::LazyLock};

fn word<T>(what: &str, name: &str, from: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    from(name).ok_or_else(|| format!("unknown {what} {name:?}"))
}

fn number(cell: &str) -> Result<f32, String> {
    cell.parse().map_err(|_| format!("{cell:?} is no number"))
}

fn optional<T>(what: &str, name: &str, from: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if name == "-" { Ok(None) } else { word(what, name, from).map(Some) }
}

/// Cultures by name, or a family's.
fn cultures(cell: &str) -> Result<Vec<Culture>, String> {
    use Culture::*;
    let mut out = Vec::new();
    for name in cell.split('|') {
        match name {
            "south-indian" => out.extend([Tamil, Telugu, Malayalam, Kannada]),
            "north-indian" => out.extend([Hindi, Punjabi, Bengali]),
            "indian" => out.extend([Tamil, Telugu, Malayalam, Kannada, Hindi, Punjabi, Bengali]),
            "east-asian" => out.extend([Chinese, Japanese, Korean]),
            "western" => out.extend([American, European]),
            _ => out.push(word("culture", name, Culture::from_name)?),
        }
    }
    Ok(out)
}

/// What a word says about a culture.
#[derive(Clone, Debug)]
pub struct CultureSign {
    pub cultures: Vec<Culture>,
    pub weight: f32,
}

/// All that a phrase says about cultures: it may stand in several rows.
pub static CULTURES: LazyLock<Lexicon<Vec<CultureSign>>> = LazyLock::new(|| {
    merged(include_str!("../lexicons/culture.tsv"), 3, |cells, _| {
        Ok(CultureSign { cultures: cultures(cells[0])?, weight: number(cells[1])? })
    })
});

/// What a name says about its bearer.
#[derive(Clone, Debug)]
pub struct NameSign {
    pub cultures: Vec<Culture>,
    /// `None` for surnames and names of either gender.
    pub gender: Option<Gender>,
}

/// All that a name says: several cultures may share it.
pub static NAMES: LazyLock<Lexicon<Vec<NameSign>>> = LazyLock::new(|| {
    merged(include_str!("../lexicons/names.tsv"), 3, |cells, _| {
        let gender = match cells[1] {
            "f" => Some(Gender::Female),
            "m" => Some(Gender::Male),
            "s" => None,
            other => return Err(format!("unknown gender {other:?}")),
        };
        Ok(NameSign { cultures: cultures(cells[0])?, gender })
    })
});

/// The same by the skeleton of a spelling: for names in Indic letters.
pub static NAMES_BY_SOUND: LazyLock<HashMap<String, Vec<NameSign>>> = LazyLock::new(|| {
    let mut out: HashMap<String, Vec<NameSign>> = HashMap::new();
    for row in include_str!("../lexicons/names.tsv").lines().filter(|r| !r.starts_with('#')) {
        for name in row.rsplit('\t').next().unwrap_or("").split(',') {
            let key = crate::text::fold(name.trim());
            if let Some(signs) = NAMES.word(&key) {
                out.entry(crate::roman::skeleton(&key)).or_insert_with(|| signs.clone());
            }
        }
    }
    out
});

/// A table in which a phrase may stand in several rows: its meanings are gathered.
fn merged<V: Clone>(text: &'static str, columns: usize, read: impl Fn(&[&str], &str) -> Result<V, String>) -> Lexicon<Vec<V>> {
    let rows: Lexicon<(String, V)> = Lexicon::parse(text, columns, |cells, phrase| Ok((phrase.to_owned(), read(cells, phrase)?)))
        .unwrap_or_else(|e| panic!("{e}"));
    rows.gathered(|(_, value)| value.clone())
}

table!(PERIODS: (Period, f32), "period.tsv", 3, |cells, _| {
    Ok((word("period", cells[0], Period::from_name)?, number(cells[1])?))
});

/// What a place's noun says.
#[derive(Clone, Copy, Debug)]
pub struct PlaceSign {
    pub place: Place,
    pub interior: Option<bool>,
    pub strength: u8,
}

table!(PLACES: PlaceSign, "places.tsv", 4, |cells, _| {
    let interior = match cells[1] { "i" => Some(true), "e" => Some(false), "-" => None, other => return Err(format!("unknown {other:?}")) };
    Ok(PlaceSign { place: word("place", cells[0], Place::from_name)?, interior, strength: number(cells[2])? as u8 })
});

table!(/// Rooms of a ship, once the film is science fiction.
    ABOARD: (), "ship.tsv", 1, |_, _| Ok(()));

/// One row of `setting.tsv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    Weather(Weather, f32),
    Time(TimeOfDay),
    Sound(String),
    Silence,
}

/// All that a phrase says about the setting: thunder is weather and sound.
pub static SETTINGS: LazyLock<Lexicon<Vec<Setting>>> = LazyLock::new(|| {
    merged(include_str!("../lexicons/setting.tsv"), 4, |cells, _| match cells[0] {
        "weather" => Ok(Setting::Weather(word("weather", cells[1], Weather::from_name)?, number(cells[2])?)),
        "time" => Ok(Setting::Time(word("time", cells[1], TimeOfDay::from_name)?)),
        "sound" => Ok(Setting::Sound(cells[1].to_owned())),
        "silence" => Ok(Setting::Silence),
        other => Err(format!("unknown setting {other:?}")),
    })
});

table!(OCCASIONS: (Occasion, f32), "occasions.tsv", 3, |cells, _| {
    Ok((word("occasion", cells[0], Occasion::from_name)?, number(cells[1])?))
});

table!(/// People in the background, and how many.
    GROUPS: u32, "groups.tsv", 2, |cells, _| Ok(number(cells[0])? as u32));

/// All moods of a phrase.
pub static MOODS: LazyLock<Lexicon<Vec<(Mood, f32)>>> = LazyLock::new(|| {
    merged(include_str!("../lexicons/moods.tsv"), 3, |cells, _| Ok((word("mood", cells[0], Mood::from_name)?, number(cells[1])?)))
});

/// What a noun for a person says.
#[derive(Clone, Debug)]
pub struct PersonSign {
    pub noun: String,
    pub gender: Option<Gender>,
    pub age: Option<Age>,
    pub occasion: Option<Occasion>,
    pub clothes: Vec<String>,
}

table!(PEOPLE: PersonSign, "people.tsv", 5, |cells, phrase| {
    let gender = match cells[0] { "f" => Some(Gender::Female), "m" => Some(Gender::Male), "-" => None, other => return Err(format!("unknown {other:?}")) };
    Ok(PersonSign {
        noun: phrase.to_owned(),
        gender,
        age: optional("age", cells[1], Age::from_name)?,
        occasion: optional("occasion", cells[2], Occasion::from_name)?,
        clothes: if cells[3] == "-" { Vec::new() } else { cells[3].split(';').map(str::to_owned).collect() },
    })
});

/// What an adjective says about a person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trait {
    Age(Age),
    Build(Build),
    Gender(Gender),
}

/// All that an adjective says: `frail` is old and thin.
pub static TRAITS: LazyLock<Lexicon<Vec<Trait>>> = LazyLock::new(|| {
    merged(include_str!("../lexicons/traits.tsv"), 3, |cells, _| match cells[0] {
        "age" => Ok(Trait::Age(word("age", cells[1], Age::from_name)?)),
        "build" => Ok(Trait::Build(word("build", cells[1], Build::from_name)?)),
        "gender" => Ok(Trait::Gender(word("gender", cells[1], Gender::from_name)?)),
        other => Err(format!("unknown trait {other:?}")),
    })
});

/// A thing.
#[derive(Clone, Debug)]
pub struct Thing {
    /// Lowercase singular.
    pub name: String,
    /// Part of the set: handled, but not dressed as a prop.
    pub fixed: bool,
}

table!(THINGS: Thing, "props.tsv", 3, |cells, _| Ok(Thing { name: cells[1].to_owned(), fixed: cells[0] == "f" }));

/// Something worn.
#[derive(Clone, Debug)]
pub struct Wear {
    pub name: String,
    pub gender: Option<Gender>,
}

table!(GARMENTS: Wear, "garments.tsv", 3, |cells, _| {
    let gender = match cells[1] { "f" => Some(Gender::Female), "m" => Some(Gender::Male), "-" => None, other => return Err(format!("unknown {other:?}")) };
    Ok(Wear { name: cells[0].to_owned(), gender })
});

/// Colour or material.
#[derive(Clone, Debug)]
pub enum Fabric {
    Colour(String),
    Material(String),
}

table!(FABRICS: Fabric, "fabrics.tsv", 3, |cells, _| match cells[0] {
    "c" => Ok(Fabric::Colour(cells[1].to_owned())),
    "m" => Ok(Fabric::Material(cells[1].to_owned())),
    other => Err(format!("unknown fabric {other:?}")),
});

/// How a verb stands in its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `walk`
    Base,
    /// `walks`
    Present,
    /// `walking`
    Ing,
    /// `walked`
    Past,
}

/// A verb in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerbForm {
    pub verb: Verb,
    pub form: Form,
    /// The infinitive as the table has it.
    pub base: String,
}

/// Verbs in all their forms, by phrase.
pub static VERBS: LazyLock<Lexicon<VerbForm>> =
    LazyLock::new(|| crate::inflect::verbs().unwrap_or_else(|e| panic!("verbs.tsv: {e}")));

/// Languages by function word: a word may belong to several.
pub static LANGUAGES: LazyLock<HashMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    let mut out: HashMap<String, Vec<&'static str>> = HashMap::new();
    for row in include_str!("../lexicons/languages.tsv").lines().filter(|r| !r.starts_with('#')) {
        if let Some((language, words)) = row.split_once('\t') {
            for word in words.split(',') {
                out.entry(word.trim().to_owned()).or_default().push(language);
            }
        }
    }
    out
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_reads_and_is_as_large_as_promised() {
        assert!(CULTURES.len() > 900, "{}", CULTURES.len());
        assert!(NAMES.len() > 1500, "{}", NAMES.len());
        assert!(PERIODS.len() > 150 && PLACES.len() > 400 && SETTINGS.len() > 250);
        assert!(OCCASIONS.len() > 80 && GROUPS.len() > 80 && MOODS.len() > 300 && PEOPLE.len() > 300);
        assert!(TRAITS.len() > 60 && THINGS.len() > 300 && GARMENTS.len() > 200 && FABRICS.len() > 100);
        assert!(ABOARD.len() > 20 && LANGUAGES.len() > 100);
    }

    #[test]
    fn all_values_of_the_words_are_reached() {
        for place in Place::ALL {
            assert!(include_str!("../lexicons/places.tsv").contains(&format!("\n{}\t", place.name())), "{}", place.name());
        }
        let verbs = include_str!("../lexicons/verbs.tsv");
        for verb in Verb::ALL {
            assert!(verbs.contains(&format!("\n{}\t", verb.name())), "{}", verb.name());
        }
        for culture in Culture::ALL {
            assert!(include_str!("../lexicons/names.tsv").contains(&format!("\n{}\t", culture.name())), "{}", culture.name());
        }
    }

    #[test]
    fn the_large_cultures_have_sixty_given_names_of_each_gender() {
        for row in include_str!("../lexicons/names.tsv").lines().filter(|r| !r.starts_with('#')) {
            let cells: Vec<&str> = row.split('\t').collect();
            let small = ["fantasy", "science-fiction"].contains(&cells[0]) || cells[1] == "s";
            assert!(small || cells[2].split(',').count() >= 50, "{} {}: {}", cells[0], cells[1], cells[2].split(',').count());
        }
    }
}
