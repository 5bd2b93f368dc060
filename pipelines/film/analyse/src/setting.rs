//! What surrounds a scene's people: weather, sounds, silence, crowds, things, the occasion.

use crate::{
    ballot::{Ballot, Clue, Verdict},
    grammar::{is_adverb, is_conjunction, is_determiner, is_preposition, verb_at},
    read::{Item, SceneText},
    roster::Roster,
    tables::{FABRICS, Form, GROUPS, OCCASIONS, PEOPLE, SETTINGS, Setting, THINGS},
    text::{Sentence, Token, is_plural, sentences},
};
use klieg_film_words::story::{Occasion, TimeOfDay, Weather};

/// What a scene's headings and actions say of its surroundings.
#[derive(Default)]
pub struct Surroundings {
    pub weather: Option<Verdict<Weather>>,
    /// The hour that the action tells, for headings without one.
    pub time: Option<(TimeOfDay, Clue)>,
    pub sounds: Vec<(String, Clue)>,
    pub silence: Option<Clue>,
    pub extras: Option<(u32, Clue)>,
    pub props: Vec<(String, Clue)>,
    pub occasion: Ballot<Occasion>,
}

/// Reads a scene's surroundings.
pub fn read(scene: &SceneText, roster: &Roster) -> Surroundings {
    let mut out = Surroundings::default();
    let mut weather = Ballot::default();
    for sentence in sentences(&scene.heading, scene.lines.0) {
        setting(&sentence, &mut weather, &mut out, true);
        occasion(&sentence, 1.0, &mut out.occasion);
    }
    for item in &scene.items {
        match item {
            Item::Action(found) => {
                for sentence in found {
                    setting(sentence, &mut weather, &mut out, false);
                    occasion(sentence, 1.0, &mut out.occasion);
                    things(sentence, &mut out.props);
                    crowd(sentence, roster, &mut out.extras);
                }
            }
            Item::Speech(speech) => {
                for part in &speech.parts {
                    sentences(&part.text, part.line).iter().for_each(|s| occasion(s, 0.4, &mut out.occasion));
                }
            }
        }
    }
    out.weather = weather.verdict(0.5);
    out
}

fn setting(sentence: &Sentence, weather: &mut Ballot<Weather>, out: &mut Surroundings, heading: bool) {
    let words = &sentence.tokens;
    for (at, len, settings) in SETTINGS.all(words) {
        if is_past(words, at, len) || (!heading && is_verb_here(words, at, len) && verb_at(words, at).is_some()) {
            continue;
        }
        let clue = Clue::new(sentence.line, sentence.words(at, len));
        for setting in settings {
            match setting {
                Setting::Weather(value, weight) => weather.vote(*value, *weight, &clue),
                Setting::Time(time) if !heading => out.time = out.time.take().or(Some((*time, clue.clone()))),
                Setting::Sound(name) if !heading && !out.sounds.iter().any(|(n, _)| n == name) => {
                    out.sounds.push((name.clone(), clue.clone()))
                }
                Setting::Silence => out.silence = Some(clue.clone()),
                _ => {}
            }
        }
    }
    if words.len() == 1 && words[0].key == "silence" {
        out.silence = Some(Clue::new(sentence.line, words[0].text.clone()));
    }
}

/// "The rain has stopped", "no wind", "a face like thunder": named, but not there.
fn is_past(words: &[Token], at: usize, len: usize) -> bool {
    let over = words[at + len..].iter().take(4).any(|t| {
        matches!(
            t.key.as_str(),
            "stopped" | "stops" | "ceased" | "ended" | "ends" | "over" | "gone" | "stop" | "clears" | "cleared"
        )
    });
    let denied = at > 0 && matches!(words[at - 1].key.as_str(), "no" | "like" | "without" | "not" | "after" | "never");
    over || denied
}

fn occasion(sentence: &Sentence, weight: f32, ballot: &mut Ballot<Occasion>) {
    for (at, len, (occasion, sign)) in OCCASIONS.all(&sentence.tokens) {
        ballot.vote(*occasion, sign * weight, &Clue::new(sentence.line, sentence.words(at, len)));
    }
}

/// Drinks: the vessel stands for them, unless one is named.
pub const DRINKS: &[&str] = &[
    "tea",
    "coffee",
    "wine",
    "whiskey",
    "whisky",
    "bourbon",
    "champagne",
    "chai",
    "beer",
    "soju",
    "sake",
    "mead",
    "lassi",
    "cognac",
    "pastis",
];

fn things(sentence: &Sentence, props: &mut Vec<(String, Clue)>) {
    let words = &sentence.tokens;
    let found = THINGS.all(words);
    for &(at, len, thing) in &found {
        let drink = len == 1 && DRINKS.contains(&words[at].key.as_str());
        let vessel = drink
            && found.iter().any(|f| {
                f.0 != at && matches!(f.2.name.as_str(), "tea bowl" | "tea cup" | "coffee cup" | "glass" | "bottle" | "teapot")
            });
        let verb = is_verb_here(words, at, len) || is_modifier(words, at, len) || is_worn(words, at);
        let denied = at > 0 && matches!(words[at - 1].key.as_str(), "no" | "without" | "like");
        let known = props.iter().any(|(name, _)| *name == thing.name);
        if !(thing.fixed || vessel || verb || denied || known) {
            props.push((thing.name.clone(), Clue::new(sentence.line, sentence.words(at, len))));
        }
    }
}

/// Whether what could be a thing is what someone or something does: "Frank drinks", "the bell rings".
fn is_verb_here(words: &[Token], at: usize, len: usize) -> bool {
    let acts = crate::tables::VERBS.at(words, at).is_some_and(|(_, v)| v.form != Form::Base);
    // "Ravens watch": a plural in front of a base form.
    let plural_acts = at > 0
        && (is_plural(&words[at - 1]) || GROUPS.word(&words[at - 1].key).is_some())
        && !words[at].gap.comma
        && crate::tables::VERBS.at(words, at).is_some_and(|(n, v)| n == 1 && v.base == words[at].key);
    let acts = acts || plural_acts;
    let led = at.checked_sub(1).map(|b| &words[b]).is_some_and(|b| {
        is_determiner(b) || is_preposition(b) || b.possessive || b.key.parse::<u32>().is_ok() || FABRICS.word(&b.key).is_some()
    });
    len == 1 && acts && !led && words.len() > 1
}

/// Nouns that mostly tell what another thing is made of or for, when a noun follows: "paper screens", "rose silk".
fn is_modifier(words: &[Token], at: usize, len: usize) -> bool {
    const MODIFIERS: &[&str] = &[
        "paper",
        "rose",
        "glass",
        "stone",
        "straw",
        "tea",
        "coffee",
        "rice",
        "wheat",
        "gold",
        "marigold",
        "jasmine",
        "flower",
        "fruit",
        "book",
        "coin",
        "letter",
        "gun",
        "card",
        "crystal",
        "candle",
        "lemon",
        "orange",
        "lotus",
        "diamond",
        "banana",
        "coconut",
        "wine",
        "whiskey",
        "bottle",
        "drum",
        "toy",
        "mustard",
        "sugarcane",
    ];
    let next = words.get(at + len);
    len == 1
        && words[at].forms.iter().any(|f| MODIFIERS.contains(&f.as_str()))
        && next.is_some_and(|n| {
            let apart = n.gap.comma || n.gap.dash || n.gap.closed;
            let joins = is_preposition(n) || is_conjunction(n) || is_determiner(n) || is_adverb(n);
            !(apart || joins || verb_at(words, at + len).is_some())
        })
}

/// "his hat", "red beret," behind a name: on someone, and not a thing by itself.
fn is_worn(words: &[Token], at: usize) -> bool {
    let near = at.saturating_sub(3)..=at;
    let owned = near.clone().any(|i| matches!(words[i].key.as_str(), "his" | "her" | "wears" | "wearing" | "their"));
    let listed = near.clone().any(|i| i > 0 && words[i].gap.comma) || near.into_iter().any(|i| words[i].key == "in");
    crate::dress::is_garment(words, at) && (owned || listed)
}

fn crowd(sentence: &Sentence, roster: &Roster, extras: &mut Option<(u32, Clue)>) {
    let words = &sentence.tokens;
    let mut at = 0;
    while at < words.len() {
        if let Some((len, _)) = roster.mention(words, at) {
            at += len;
            continue;
        }
        let group = GROUPS.at(words, at).filter(|(len, _)| !words[at + len - 1].possessive).map(|(len, n)| (len, *n));
        let plural = || {
            PEOPLE
                .at(words, at)
                .filter(|(len, s)| {
                    is_plural(&words[at + len - 1]) && !words[at + len - 1].forms[0].eq(&s.noun) && !words[at + len - 1].possessive
                })
                .map(|(len, _)| (len, 4))
        };
        let Some((len, usual)) = group.or_else(plural) else {
            at += 1;
            continue;
        };
        let back = usual == 5
            && at > 0
            && words[at - 1].key == "the"
            && extras.is_none()
            && roster.people.len() > 1
            && len == 1
            && matches!(words[at].key.as_str(), "men" | "women" | "girls" | "boys" | "friends");
        let denied = at > 0 && matches!(words[at - 1].key.as_str(), "no" | "without");
        let count = counted(words, at).unwrap_or(usual).min(24);
        if !back && !denied && extras.as_ref().is_none_or(|(n, _)| count > *n) {
            *extras = Some((count, Clue::new(sentence.line, sentence.words(at, len))));
        }
        at += len;
    }
}

/// "three guests", "a dozen farmers", "hundreds of people".
fn counted(words: &[Token], at: usize) -> Option<u32> {
    const NUMBERS: &[(&str, u32)] = &[
        ("one", 1),
        ("two", 2),
        ("three", 3),
        ("four", 4),
        ("five", 5),
        ("six", 6),
        ("seven", 7),
        ("eight", 8),
        ("nine", 9),
        ("ten", 10),
        ("twelve", 12),
        ("dozen", 12),
        ("dozens", 20),
        ("twenty", 20),
        ("hundred", 24),
        ("hundreds", 24),
        ("thousands", 24),
        ("few", 3),
        ("several", 5),
        ("many", 12),
        ("couple", 2),
        ("both", 2),
        ("pair", 2),
    ];
    (1..=3usize.min(at)).find_map(|back| {
        let word = &words[at - back];
        let number = NUMBERS.iter().find(|(n, _)| *n == word.key).map(|n| n.1).or_else(|| word.key.parse().ok());
        number.filter(|_| back == 1 || words[at - 1].key == "of" || !is_determiner(&words[at - 1]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Film;

    fn surroundings(action: &str) -> Surroundings {
        let script = format!("EXT. STREET - NIGHT\n\n{action}\n");
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        read(&film.scenes[0], &roster)
    }

    #[test]
    fn weather_sounds_and_silence() {
        let got = surroundings("Rain hammers the asphalt. Thunder. Then no music.");
        assert_eq!(got.weather.unwrap().value, Weather::Rain);
        assert!(got.sounds.iter().any(|(s, _)| s == "thunder"));
        assert_eq!(got.silence.unwrap().words, "no music");
        assert!(surroundings("The rain has stopped.").weather.is_none());
    }

    #[test]
    fn crowds_are_counted_and_things_named() {
        assert_eq!(surroundings("Guests sit in rows.").extras.unwrap().0, 10);
        assert_eq!(surroundings("Three guests sit.").extras.unwrap().0, 3);
        assert!(surroundings("Nobody. No passengers.").extras.is_none());
        let names: Vec<String> =
            surroundings("He pours tea into a tea bowl. Two Oil Lamps by the door.").props.into_iter().map(|p| p.0).collect();
        assert_eq!(names, ["tea bowl", "oil lamp"]);
    }

    #[test]
    fn occasions() {
        assert_eq!(surroundings("The bride smiles at the groom.").occasion.verdict(1.0).unwrap().value, Occasion::Wedding);
    }
}
