//! Where and when the film and its scenes play.

use crate::{
    ballot::{Ballot, Clue},
    language,
    read::{Film, Item, SceneText},
    roster::Roster,
    tables::{CULTURES, PERIODS},
    text::{Sentence, Token, sentences},
    traits::Traits,
};
use klieg_film_words::story::{Culture, Period};
use std::collections::HashMap;

/// Clues to culture and period.
#[derive(Default)]
pub struct Where {
    pub culture: Ballot<Culture>,
    pub period: Ballot<Period>,
}

/// The film's clues, and each scene's (its own and, at half weight, the film's).
pub struct Wheres {
    pub film: Where,
    pub scenes: Vec<Where>,
}

/// Weight that a value needs before it beats the default.
pub const LEAST: f32 = 0.9;

/// Weighs everything that speaks for a culture or a period.
pub fn read(film: &Film, roster: &Roster, traits: &[Traits]) -> Wheres {
    let own: Vec<Where> = film.scenes.iter().map(|scene| of_scene(scene, roster, traits)).collect();
    let mut whole = Where::default();
    for scene in &own {
        whole.culture.merge(&scene.culture, 1.0);
        whole.period.merge(&scene.period, 1.0);
    }
    for traits in traits {
        whole.culture.merge(&traits.culture, 0.5);
    }
    genre(&mut whole);
    let scenes = own
        .into_iter()
        .map(|mut scene| {
            scene.culture.merge(&whole.culture, 0.5);
            scene.period.merge(&whole.period, 0.5);
            scene
        })
        .collect();
    Wheres { film: whole, scenes }
}

/// Imagined worlds bring their time along, when nothing else tells it.
fn genre(film: &mut Where) {
    match film.culture.verdict(LEAST).map(|v| (v.value, v.clue)) {
        Some((Culture::ScienceFiction, clue)) => film.period.vote(Period::Future, 3.0, &clue),
        Some((Culture::Fantasy, clue)) => film.period.vote(Period::Medieval, 2.0, &clue),
        _ => {}
    }
}

fn of_scene(scene: &SceneText, roster: &Roster, traits: &[Traits]) -> Where {
    let mut out = Where::default();
    let mut seen = HashMap::new();
    let mut speakers: Vec<usize> = scene.speeches().flat_map(|s| roster.speakers(&s.cue)).collect();
    speakers.sort_unstable();
    speakers.dedup();
    for id in speakers {
        out.culture.merge(&traits[id].culture, 0.5);
    }
    for sentence in sentences(&scene.heading, scene.lines.0) {
        signs(&sentence, 1.2, &mut seen, &mut out);
        years(&sentence, true, &mut out);
    }
    for item in &scene.items {
        match item {
            Item::Action(found) => {
                for sentence in found {
                    signs(sentence, 1.0, &mut seen, &mut out);
                    years(sentence, false, &mut out);
                }
            }
            Item::Speech(speech) => {
                for part in &speech.parts {
                    for sentence in sentences(&part.text, part.line) {
                        signs(&sentence, 0.5, &mut seen, &mut out);
                        script_of(&sentence, &mut out.culture);
                    }
                }
            }
        }
    }
    out
}

/// Honorifics count only behind a hyphen: "Kenji-san".
const SUFFIXES: &[&str] = &["san", "sama", "kun", "chan", "ji", "ssi", "nim", "shi", "garu", "senpai"];

fn signs(sentence: &Sentence, weight: f32, seen: &mut HashMap<String, u32>, out: &mut Where) {
    let words = &sentence.tokens;
    for (at, len, signs) in CULTURES.all(words) {
        if len == 1 && SUFFIXES.contains(&words[at].key.as_str()) && !words[at].gap.hyphen {
            continue;
        }
        let clue = Clue::new(sentence.line, sentence.words(at, len));
        let fades = fade(seen, &words[at..at + len]);
        for sign in signs {
            for culture in &sign.cultures {
                out.culture.vote(*culture, sign.weight * weight * fades, &clue);
            }
        }
    }
    for (at, len, (period, sign)) in PERIODS.all(words) {
        let clue = Clue::new(sentence.line, sentence.words(at, len));
        out.period.vote(*period, sign * weight * fade(seen, &words[at..at + len]), &clue);
    }
}

/// A word said again says less.
fn fade(seen: &mut HashMap<String, u32>, words: &[Token]) -> f32 {
    let key = words.iter().map(|t| t.key.as_str()).collect::<Vec<_>>().join(" ");
    let times = seen.entry(key).or_default();
    *times += 1;
    match *times {
        1 | 2 => 1.0,
        3 | 4 => 0.3,
        _ => 0.0,
    }
}

/// "1947", "the 1920s", "stardate 2391": numbers that stand like years.
fn years(sentence: &Sentence, heading: bool, out: &mut Where) {
    let words = &sentence.tokens;
    for (at, token) in words.iter().enumerate() {
        let digits = token.key.strip_suffix('s').unwrap_or(&token.key);
        let Some(year) = digits.parse::<u32>().ok().filter(|y| (1000..3000).contains(y) && digits.len() == 4) else { continue };
        let led = at > 0
            && matches!(
                words[at - 1].key.as_str(),
                "in" | "year"
                    | "of"
                    | "since"
                    | "circa"
                    | "august"
                    | "december"
                    | "january"
                    | "summer"
                    | "winter"
                    | "spring"
                    | "autumn"
                    | "fall"
            );
        if heading || led || token.key.ends_with('s') || token.inside || words.len() <= 3 {
            out.period.vote(of_year(year), 4.0, &Clue::new(sentence.line, token.text.clone()));
        }
    }
}

fn of_year(year: u32) -> Period {
    match year {
        0..500 => Period::Ancient,
        500..1700 => Period::Medieval,
        1700..1920 => Period::Victorian,
        1920..1960 => Period::Noir,
        1960..2060 => Period::Modern,
        _ => Period::Future,
    }
}

/// The writing of what is said: Tamil letters speak for Tamil Nadu.
fn script_of(sentence: &Sentence, culture: &mut Ballot<Culture>) {
    let Some(word) = sentence.tokens.first() else { return };
    let clue = Clue::new(sentence.line, word.text.clone());
    match language::by_script(&sentence.text) {
        Some("ta") => culture.vote(Culture::Tamil, 1.5, &clue),
        Some("te") => culture.vote(Culture::Telugu, 1.5, &clue),
        Some("ml") => culture.vote(Culture::Malayalam, 1.5, &clue),
        Some("kn") => culture.vote(Culture::Kannada, 1.5, &clue),
        Some("hi") => culture.vote(Culture::Hindi, 1.5, &clue),
        Some("pa") => culture.vote(Culture::Punjabi, 1.5, &clue),
        Some("bn") => culture.vote(Culture::Bengali, 1.5, &clue),
        Some("zh") => culture.vote(Culture::Chinese, 1.5, &clue),
        Some("ja") => culture.vote(Culture::Japanese, 1.5, &clue),
        Some("ko") => culture.vote(Culture::Korean, 1.5, &clue),
        Some("ar" | "fa") => culture.vote(Culture::MiddleEastern, 1.5, &clue),
        Some("ur") => culture.vote(Culture::Hindi, 1.0, &clue),
        Some("ru" | "el" | "uk") => culture.vote(Culture::European, 1.0, &clue),
        Some("am") => culture.vote(Culture::African, 1.5, &clue),
        _ => {}
    }
}

/// The culture of one person: imagined worlds and the film's place go before the name, except that a foreigner stays one
/// in a Western or undecided film.
pub fn of_person(film: Option<Culture>, name: &Ballot<Culture>) -> Option<(Culture, f32, Clue)> {
    use Culture::*;
    let named = name.verdict(0.6)?;
    let shared =
        |c: Culture| Culture::ALL.iter().any(|o| o.region() == c.region() && name.weight(*o) >= 0.4 * name.weight(named.value));
    let western = |c: Culture| matches!(c, American | European);
    match film {
        Some(Fantasy | ScienceFiction) => None,
        Some(of_film) if of_film.region() == named.value.region() => {
            (name.weight(of_film) < named.confidence && !western(of_film)).then_some((named.value, named.confidence, named.clue))
        }
        Some(of_film) if shared(of_film) => None,
        Some(of_film) if western(of_film) && !matches!(named.value, Fantasy | ScienceFiction) => {
            Some((named.value, named.confidence, named.clue))
        }
        None if !western(named.value) => Some((named.value, named.confidence, named.clue)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits;

    fn judge(script: &str) -> (Option<Culture>, Option<Period>) {
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        let traits = traits::read(&film, &roster);
        let found = read(&film, &roster, &traits).film;
        (found.culture.verdict(LEAST).map(|v| v.value), found.period.verdict(LEAST).map(|v| v.value))
    }

    #[test]
    fn the_four_souths_are_told_apart() {
        assert_eq!(judge("EXT. TEMPLE, MADURAI - DAY\n\nPaati wears a saree.\n").0, Some(Culture::Tamil));
        assert_eq!(judge("EXT. TEMPLE - DAY\n\nBathukamma flowers. Ravi garu bows.\n").0, Some(Culture::Telugu));
        assert_eq!(judge("EXT. BACKWATERS - DAY\n\nUNNI (20) in a mundu rows. Onam.\n").0, Some(Culture::Malayalam));
        assert_eq!(judge("EXT. MYSORE PALACE - DAY\n\nA Mysore peta. Yakshagana drums.\n").0, Some(Culture::Kannada));
    }

    #[test]
    fn worlds_and_years_are_found() {
        assert_eq!(
            judge("INT. STARSHIP - CORRIDOR\n\nThe airlock hisses.\n"),
            (Some(Culture::ScienceFiction), Some(Period::Future))
        );
        assert_eq!(
            judge("EXT. CASTLE - DAY\n\nA knight draws his sword. The dragon roars.\n"),
            (Some(Culture::Fantasy), Some(Period::Medieval))
        );
        assert_eq!(judge("EXT. STREET, DELHI - DAY (1947)\n\nA tonga passes.\n"), (Some(Culture::Hindi), Some(Period::Noir)));
        assert_eq!(judge("INT. ROOM - DAY\n\nSomeone sits.\n"), (None, None));
    }
}
