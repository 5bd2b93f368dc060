//! The writer's overrides: notes of the form `[[klieg: key=value …]]`. The grammar stands in this crate's README.md.

use crate::read::{Film, NoteText};
use klieg_film_words::story::{Age, Build, Culture, Gender, Mood, Occasion, Period, Place, TimeOfDay, Weather};

/// Why a script cannot be analysed: fit to stand behind "failed to analyse".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct AnalyseError {
    pub file: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// What is wrong and what would be right.
    pub message: String,
}

/// One key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// `None` before the first heading: the whole film.
    pub scene: Option<usize>,
    /// The person meant, if any, as the note writes them.
    pub person: Option<String>,
    pub setting: Value,
    pub line: u32,
    pub column: u32,
    /// `key=value` as written.
    pub words: String,
}

/// What an override sets.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Culture(Culture),
    Period(Period),
    Place(Place),
    Interior(bool),
    Time(TimeOfDay),
    Weather(Weather),
    Mood(Mood),
    Occasion(Occasion),
    Extras(u32),
    /// No music.
    Silent(bool),
    Language(String),
    Age(Age),
    Gender(Gender),
    Build(Build),
    Dress(String),
}

/// Keys for scenes and the film.
const SCENE_KEYS: &[&str] =
    &["culture", "period", "place", "interior", "time", "weather", "mood", "occasion", "extras", "score", "language"];
/// Keys for people.
const PERSON_KEYS: &[&str] = &["age", "gender", "build", "dress", "culture", "period", "occasion", "language"];
/// People in the background that a set holds.
const EXTRAS_MAX: u32 = 24;

/// Reads every note that begins with `klieg:`.
pub fn read(film: &Film, file: &str) -> Result<Vec<Override>, AnalyseError> {
    let mut out = Vec::new();
    for note in &film.notes {
        if let Some(from) = directive(&note.text) {
            read_note(note, from, file, &mut out)?;
        } else if misses_colon(&note.text) {
            let (line, column) = place_of(note, &note.text.chars().collect::<Vec<_>>(), 0);
            let message = "settings without effect; write [[klieg: key=value]], the colon right behind klieg".into();
            return Err(AnalyseError { file: file.to_owned(), line, column, message });
        }
    }
    Ok(out)
}

/// Whether a note looks like settings, but for the colon behind its first word.
fn misses_colon(text: &str) -> bool {
    let mut words = text.trim_start_matches("[[").split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("klieg")) && words.any(|word| word.contains('='))
}

/// Characters before what stands behind `klieg:`.
fn directive(text: &str) -> Option<usize> {
    let inner = text.trim_start_matches("[[");
    let lead = text.len() - inner.len();
    let trimmed = inner.trim_start();
    let word = trimmed.get(..6)?;
    word.eq_ignore_ascii_case("klieg:").then(|| text[..lead + inner.len() - trimmed.len()].chars().count() + 6)
}

/// A word or `key=value` with its place in the note.
struct Piece {
    key: Option<String>,
    text: String,
    at: usize,
}

fn read_note(note: &NoteText, from: usize, file: &str, out: &mut Vec<Override>) -> Result<(), AnalyseError> {
    let chars: Vec<char> = note.text.trim_end_matches("]]").chars().collect();
    let place = |at: usize| place_of(note, &chars, at);
    let fail = |at: usize, message: String| {
        let (line, column) = place(at);
        AnalyseError { file: file.to_owned(), line, column, message }
    };
    let mut person: Option<String> = None;
    let mut any = false;
    for piece in pieces(&chars, from).map_err(|(at, message)| fail(at, message))? {
        let Some(key) = piece.key else {
            let name = person.get_or_insert_with(String::new);
            if any {
                return Err(fail(piece.at, format!("{:?} stands alone; write key=value, or a character's name first", piece.text)));
            }
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(&piece.text);
            continue;
        };
        any = true;
        if key == "character" {
            person = Some(piece.text);
            continue;
        }
        let setting = value(&key, &piece.text, person.as_deref()).map_err(|message| fail(piece.at, message))?;
        let (line, column) = place(piece.at);
        let words = format!("{key}={}", piece.text);
        out.push(Override { scene: note.scene, person: person.clone(), setting, line, column, words });
    }
    if any { Ok(()) } else { Err(fail(from, format!("no key=value; valid keys are {}", SCENE_KEYS.join(", ")))) }
}

/// Line and column of a character in a note.
fn place_of(note: &NoteText, chars: &[char], at: usize) -> (u32, u32) {
    let before = &chars[..at.min(chars.len())];
    let breaks = before.iter().filter(|c| **c == '\n').count() as u32;
    let since = before.iter().rev().take_while(|c| **c != '\n').count() as u32;
    // A note's own column is that of its first bracket.
    let brackets = if note.text.starts_with("[[") { 0 } else { 2 };
    (note.line + breaks, if breaks == 0 { note.column + brackets + since } else { since + 1 })
}

/// Splits at blanks, commas and semicolons; values may be quoted.
fn pieces(chars: &[char], from: usize) -> Result<Vec<Piece>, (usize, String)> {
    let mut out = Vec::new();
    let mut i = from;
    while i < chars.len() {
        if chars[i].is_whitespace() || matches!(chars[i], ',' | ';') {
            i += 1;
            continue;
        }
        let at = i;
        let (first, end) = word(chars, i)?;
        i = end;
        if chars.get(i) == Some(&'=') {
            let (text, end) = word(chars, i + 1)?;
            if text.is_empty() {
                return Err((at, format!("{first:?} has no value")));
            }
            out.push(Piece { key: Some(first.to_lowercase()), text, at });
            i = end;
        } else {
            out.push(Piece { key: None, text: first, at });
        }
    }
    Ok(out)
}

/// One word or quoted phrase from `from`: (text, where it ends).
fn word(chars: &[char], from: usize) -> Result<(String, usize), (usize, String)> {
    let closing = match chars.get(from) {
        Some('"') => '"',
        Some('“') => '”',
        _ => {
            let end = (from..chars.len())
                .find(|i| chars[*i].is_whitespace() || matches!(chars[*i], '=' | ',' | ';'))
                .unwrap_or(chars.len());
            return Ok((chars[from..end].iter().collect(), end));
        }
    };
    match (from + 1..chars.len()).find(|i| chars[*i] == closing) {
        Some(end) => Ok((chars[from + 1..end].iter().collect(), end + 1)),
        None => Err((from, "the quotation mark is never closed".to_owned())),
    }
}

/// Reads a value; `person` tells whose key it is.
fn value(key: &str, text: &str, person: Option<&str>) -> Result<Value, String> {
    let keys = if person.is_some() { PERSON_KEYS } else { SCENE_KEYS };
    if !keys.contains(&key) {
        let whom = if person.is_some() { "a character" } else { "a scene" };
        let hint = if person.is_none() && PERSON_KEYS.contains(&key) {
            " (name the character first: [[klieg: NAME age=old]])"
        } else {
            ""
        };
        return Err(format!("unknown key {key:?} for {whom}{hint}; valid keys are {}", keys.join(", ")));
    }
    let word = text.trim().to_lowercase().replace(' ', "-");
    match key {
        "culture" => one(key, &word, Culture::ALL, Culture::name).map(Value::Culture),
        "period" => one(key, &word, Period::ALL, Period::name).map(Value::Period),
        "place" => one(key, &word, Place::ALL, Place::name).map(Value::Place),
        "time" => one(key, &word, TimeOfDay::ALL, TimeOfDay::name).map(Value::Time),
        "weather" => one(key, &word, Weather::ALL, Weather::name).map(Value::Weather),
        "mood" => one(key, &word, Mood::ALL, Mood::name).map(Value::Mood),
        "occasion" => one(key, &word, Occasion::ALL, Occasion::name).map(Value::Occasion),
        "age" => one(key, &word, Age::ALL, Age::name).map(Value::Age),
        "gender" => one(key, &word, Gender::ALL, Gender::name).map(Value::Gender),
        "build" => one(key, &word, Build::ALL, Build::name).map(Value::Build),
        "interior" => choice(key, &word, &[("yes", true), ("no", false)]).map(Value::Interior),
        "score" => choice(key, &word, &[("none", true), ("on", false)]).map(Value::Silent),
        "extras" => match word.parse::<u32>() {
            Ok(n) if n <= EXTRAS_MAX => Ok(Value::Extras(n)),
            _ => Err(format!("unknown value {text:?} for extras; valid values are whole numbers from 0 to {EXTRAS_MAX}")),
        },
        "language" => language(&word).map(Value::Language),
        _ => Ok(Value::Dress(text.trim().to_owned())),
    }
}

fn one<T: Copy>(key: &str, word: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|v| name(*v) == word).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|v| name(*v)).collect();
        format!("unknown value {word:?} for {key}; valid values are {}", names.join(", "))
    })
}

fn choice(key: &str, word: &str, all: &[(&str, bool)]) -> Result<bool, String> {
    all.iter().find(|(name, _)| *name == word).map(|(_, v)| *v).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|v| v.0).collect();
        format!("unknown value {word:?} for {key}; valid values are {}", names.join(", "))
    })
}

/// BCP 47: a language subtag of two or three letters, perhaps with more.
fn language(word: &str) -> Result<String, String> {
    let primary = word.split('-').next().unwrap_or("");
    let fits = (2..=3).contains(&primary.len()) && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits {
        Ok(word.to_owned())
    } else {
        Err(format!("unknown value {word:?} for language; valid values are BCP 47 tags such as en, ta, hi, ja, pt-br"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(note: &str) -> Result<Vec<Override>, AnalyseError> {
        let script = format!("INT. ROOM - DAY\n\nAnna sits.\n\n{note}\n");
        read(&Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap()), "a.fountain")
    }

    fn message(note: &str) -> String {
        notes(note).unwrap_err().to_string()
    }

    #[test]
    fn keys_values_and_people_are_read() {
        let got = notes("[[klieg: culture=tamil time=dusk extras=6 score=none place=\"tea house\"]]").unwrap();
        let values: Vec<Value> = got.iter().map(|o| o.setting.clone()).collect();
        assert_eq!(
            values,
            [
                Value::Culture(Culture::Tamil),
                Value::Time(TimeOfDay::Dusk),
                Value::Extras(6),
                Value::Silent(true),
                Value::Place(Place::TeaHouse)
            ]
        );
        let got = notes("[[klieg: OLD ANNA age=old, dress=\"red silk saree\"]]").unwrap();
        assert_eq!((got[0].person.as_deref(), &got[1].setting), (Some("OLD ANNA"), &Value::Dress("red silk saree".into())));
        assert_eq!(notes("[[klieg: character=\"ANNA\" build=round]]").unwrap()[0].person.as_deref(), Some("ANNA"));
        assert!(notes("[[remember the milk: a=b]]").unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_what_would_be_right() {
        assert_eq!(
            message("[[klieg: time=tea]]"),
            "a.fountain:5:10: unknown value \"tea\" for time; valid values are dawn, morning, day, afternoon, dusk, evening, night"
        );
        assert!(
            message("[[klieg: colour=red]]")
                .starts_with("a.fountain:5:10: unknown key \"colour\" for a scene; valid keys are culture, period")
        );
        assert!(
            message("[[klieg: time=dusk age=old]]")
                .starts_with("a.fountain:5:20: unknown key \"age\" for a scene (name the character first")
        );
        assert!(message("[[klieg: extras=many]]").contains("whole numbers from 0 to 24"));
        assert!(message("[[klieg: ANNA dress=\"red]]").contains("never closed"));
        assert!(message("[[klieg: dusk]]").contains("no key=value"));
        assert!(message("[[klieg:]]").contains("no key=value"));
        for forgotten in ["[[klieg ANNA: age=old]]", "[[Klieg time=dusk]]", "[[ klieg : time=dusk ]]"] {
            assert!(message(forgotten).contains("the colon right behind klieg"), "{forgotten}");
        }
        assert!(notes("[[klieg renders this one well]]").unwrap().is_empty());
    }
}
