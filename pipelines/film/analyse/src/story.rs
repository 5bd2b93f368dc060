//! A parsed screenplay to a story.

use crate::{
    culture::{self, LEAST},
    log::Log,
    notes::{self, AnalyseError, Override, Value},
    people::{self, Casting},
    read::Film,
    roster::Roster,
    scenes::{self, Context},
    traits,
};
use klieg_film_script::{Script, plain};
use klieg_film_words::story::{Culture, Period, Story};

/// Understands a screenplay. `file` is its name: it stands in errors, and titles a film whose script has no title.
///
/// # Errors
/// A script without a scene, and notes with unknown keys, values or characters, each with its place.
pub fn analyse(script: &Script, file: &str) -> Result<Story, AnalyseError> {
    let film = Film::read(script);
    if film.scenes.is_empty() {
        let message =
            "no scene; start each scene with a heading such as \"INT. KITCHEN - DAY\", with a blank line before it".to_owned();
        return Err(AnalyseError { file: file.to_owned(), line: 1, column: 1, message });
    }
    let overrides = notes::read(&film, file)?;
    let roster = Roster::build(&film);
    check_people(&overrides, &roster, file)?;
    let traits = traits::read(&film, &roster);
    let wheres = culture::read(&film, &roster, &traits);
    let genders = people::genders(&roster, &traits, &overrides);
    let mut log = Log::default();
    let culture_known = of_film(&wheres.film, &overrides, &film, &mut log);
    let scenes = scenes::build(
        &Context { film: &film, roster: &roster, genders: &genders, wheres: &wheres, overrides: &overrides },
        &mut log,
    );
    let casting = Casting { roster: &roster, traits: &traits, scenes: &scenes, overrides: &overrides, culture_known };
    let cast = people::build(&casting, &mut log);
    Ok(Story { title: title(script, file), credits: credits(script), scenes, cast, inferences: log.inferences })
}

fn check_people(overrides: &[Override], roster: &Roster, file: &str) -> Result<(), AnalyseError> {
    for o in overrides {
        let Some(name) = o.person.as_deref().filter(|name| roster.by_name(name).is_none()) else { continue };
        let names: Vec<&str> = roster.people.iter().map(|p| p.name.as_str()).collect();
        let message = format!("unknown character {name:?}; the script has {}", names.join(", "));
        return Err(AnalyseError { file: file.to_owned(), line: o.line, column: o.column, message });
    }
    Ok(())
}

/// Records the film's culture and period; answers whether the culture rests on anything.
fn of_film(found: &culture::Where, overrides: &[Override], film: &Film, log: &mut Log) -> bool {
    let line = film.scenes[0].lines.0;
    let set = |pick: &dyn Fn(&Value) -> bool| {
        overrides.iter().rev().find(|o| o.scene.is_none() && o.person.is_none() && pick(&o.setting))
    };
    let verdict = found.culture.verdict(LEAST);
    let known = verdict.is_some() || overrides.iter().any(|o| o.person.is_none() && matches!(o.setting, Value::Culture(_)));
    for o in [set(&|v| matches!(v, Value::Culture(_))), set(&|v| matches!(v, Value::Period(_)))].into_iter().flatten() {
        if let Some((key, value)) = o.words.split_once('=') {
            log.add(key, "film", value, 1.0, &crate::ballot::Clue::new(o.line, o.words.clone()));
        }
    }
    if set(&|v| matches!(v, Value::Culture(_))).is_none() {
        log.settle("culture", "film", verdict, Culture::American, line, Culture::name);
    }
    if set(&|v| matches!(v, Value::Period(_))).is_none() {
        log.settle("period", "film", found.period.verdict(LEAST), Period::Modern, line, Period::name);
    }
    known
}

/// The title page's title, else the file's name made readable.
fn title(script: &Script, file: &str) -> String {
    let lines = script.title("title").unwrap_or_default();
    let title = lines.iter().map(|l| plain(l).trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
    if !title.is_empty() {
        return title;
    }
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words = stem.split(['-', '_', ' ', '.']).filter(|w| !w.is_empty()).map(capitalised);
    let title = words.collect::<Vec<_>>().join(" ");
    if title.is_empty() { "Untitled".to_owned() } else { title }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Credit lines of the title page, in its order.
fn credits(script: &Script) -> Vec<String> {
    const KEYS: &[&str] = &["credit", "author", "authors", "source", "date"];
    let mut out = Vec::new();
    for (key, values) in &script.title_page {
        if KEYS.contains(&key.trim().to_lowercase().as_str()) {
            out.extend(values.iter().map(|v| plain(v).trim().to_owned()).filter(|v| !v.is_empty()));
        }
    }
    out
}
