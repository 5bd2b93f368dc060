//! Scene headings: inside or outside, the place, the time of day.

use crate::{
    ballot::Clue,
    tables::{ABOARD, PLACES, SETTINGS, Setting},
    text::{Token, tokens},
};
use klieg_film_words::story::{Place, TimeOfDay};

/// A heading taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Heading {
    /// As INT or EXT says; `None` when neither or both stand there.
    pub interior: Option<bool>,
    /// The prefix as written ("INT.").
    pub prefix: String,
    pub place_name: String,
    pub time: Option<(TimeOfDay, String)>,
    /// "CONTINUOUS", "LATER": the time of the scene before.
    pub inherits: Option<String>,
}

const INHERIT: &[&str] = &["continuous", "later", "moments", "same", "momentarily", "simultaneous", "minutes", "seconds"];

/// Takes a heading apart.
pub fn read(heading: &str) -> Heading {
    let (prefix, rest) = split_prefix(heading);
    let segments = split_segments(rest);
    let (mut time, mut inherits, mut names): (Option<(TimeOfDay, String)>, Option<String>, Vec<&str>) = (None, None, Vec::new());
    for (n, segment) in segments.iter().enumerate() {
        let words = tokens(segment);
        let found = time_in(&words);
        let last = n > 0;
        if let Some(found) = found.clone().filter(|_| last) {
            time = Some(found);
        } else if last
            && words
                .iter()
                .enumerate()
                .any(|(i, w)| matches!(w.key.as_str(), "later" | "continuous") || (i == 0 && INHERIT.contains(&w.key.as_str())))
        {
            inherits = Some(segment.trim().to_owned());
        } else {
            names.push(segment.trim());
        }
        if n == 0 && segments.len() == 1 {
            time = found;
        }
    }
    let place_name = names.join(" - ").trim_matches(|c: char| c == '.' || c == '-' || c.is_whitespace()).to_owned();
    let place_name = if place_name.is_empty() { heading.trim().to_owned() } else { place_name };
    let upper = prefix.to_uppercase();
    let inside = upper.contains("INT") || upper.starts_with('I');
    let outside = upper.contains("EXT") || upper.contains("EST") || upper.contains('/');
    let interior = match (inside, outside) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    };
    Heading { interior, prefix: prefix.trim().to_owned(), place_name, time, inherits }
}

/// `INT. `, `EXT/INT `, `I/E. `, `EST. ` and what follows.
fn split_prefix(heading: &str) -> (&str, &str) {
    let end = heading.find(char::is_whitespace).unwrap_or(heading.len());
    let word: String = heading[..end].to_uppercase().replace('.', "");
    let known = ["INT", "EXT", "EST", "INT/EXT", "EXT/INT", "I/E", "E/I", "INTERIOR", "EXTERIOR"].contains(&word.as_str());
    if !known {
        return ("", heading);
    }
    let rest = heading[end..].trim_start();
    // "INT. / EXT. CAR"
    if let Some(more) = rest.strip_prefix("/ ").or_else(|| rest.strip_prefix('/')) {
        let end = heading.len() - more.trim_start().len() + more.trim_start().find(char::is_whitespace).unwrap_or(0);
        return (&heading[..end], heading[end..].trim_start());
    }
    (&heading[..end], rest)
}

/// Parts between " - ", " – ", " — " and a parenthesis.
fn split_segments(rest: &str) -> Vec<&str> {
    let mut parts = vec![rest];
    for separator in [" - ", " – ", " — ", " -- ", "(", ")"] {
        parts = parts.into_iter().flat_map(|p| p.split(separator)).collect();
    }
    // A last comma may stand for the dash: "EXT. BEACH, SUNSET".
    if let [one] = parts.as_slice()
        && let Some((place, time)) = one.rsplit_once([',', '.'])
        && time_in(&tokens(time)).is_some()
    {
        return vec![place, time];
    }
    parts.retain(|p| !p.trim().is_empty());
    parts
}

/// The last time of day that the words name.
pub fn time_in(words: &[Token]) -> Option<(TimeOfDay, String)> {
    let mut found = None;
    for (at, len, settings) in SETTINGS.all(words) {
        if let Some(Setting::Time(time)) = settings.iter().find(|s| matches!(s, Setting::Time(_))) {
            let text = words[at..at + len].iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ");
            found = Some((*time, text));
        }
    }
    found
}

/// The archetype that words name best: (place, whether it is a room, strength, clue). The strongest noun wins, then the last.
pub fn place_in(words: &[Token], line: u32, aboard: bool) -> Option<(Place, Option<bool>, u8, Clue)> {
    let mut best: Option<(Place, Option<bool>, u8, Clue)> = None;
    let clue =
        |at: usize, len: usize| Clue::new(line, words[at..at + len].iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" "));
    let mut best_part = 0;
    for (at, len, sign) in PLACES.all(words) {
        let beside =
            at > 0 && matches!(words[at - 1].key.as_str(), "outside" | "near" | "by" | "behind" | "opposite" | "towards" | "to");
        let strength = if words[at + len - 1].possessive || beside { 1 } else { sign.strength };
        // "WHEAT FIELD, VILLAGE": what stands behind a comma is where the place lies.
        let part = words[..=at].iter().filter(|t| t.gap.comma).count();
        if best.as_ref().is_none_or(|b| strength > b.2 || (strength == b.2 && part == best_part)) {
            best = Some((sign.place, sign.interior, strength, clue(at, len)));
            best_part = part;
        }
    }
    let unsure = best.as_ref().is_none_or(|b| b.0 != Place::Spaceship);
    if aboard
        && unsure
        && let Some((at, len, ())) = ABOARD.all(words).into_iter().last()
    {
        return Some((Place::Spaceship, Some(true), 3, clue(at, len)));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_fall_into_their_parts() {
        let got = read("INT. MEENAKSHI TEMPLE - PILLARED HALL - DAWN");
        assert_eq!((got.interior, got.place_name.as_str()), (Some(true), "MEENAKSHI TEMPLE - PILLARED HALL"));
        assert_eq!(got.time.map(|t| t.0), Some(TimeOfDay::Dawn));
        assert_eq!(read("EXT. BEACH, SUNSET").time.map(|t| t.0), Some(TimeOfDay::Dusk));
        assert_eq!(read("INT. BAR – MOMENTS LATER").inherits.as_deref(), Some("MOMENTS LATER"));
        assert_eq!(read("INT./EXT. CAR (MOVING) - NIGHT").interior, None);
        assert_eq!(read("SOMEWHERE").place_name, "SOMEWHERE");
        assert_eq!(read("EXT. NIGHT MARKET - DAY").time.map(|t| t.0), Some(TimeOfDay::Day));
    }

    fn place(text: &str) -> Option<Place> {
        place_in(&tokens(text), 1, false).map(|p| p.0)
    }

    #[test]
    fn the_strongest_noun_names_the_place_then_the_last() {
        assert_eq!(place("TEMPLE COURTYARD"), Some(Place::Temple));
        assert_eq!(place("GARDEN BRIDGE"), Some(Place::Garden));
        assert_eq!(place("POLICE STATION"), Some(Place::Office));
        assert_eq!(place("TRAIN STATION"), Some(Place::Station));
        assert_eq!(place("KENJI'S HOUSE - KITCHEN"), Some(Place::Kitchen));
        assert_eq!(place("HOSPITAL CORRIDOR"), Some(Place::Hospital));
        assert_eq!(place("HARBOR STREET"), Some(Place::Street));
        assert_eq!(place("WHEAT FIELD, VILLAGE NEAR LUDHIANA"), Some(Place::Field));
        assert_eq!(place("STREET OUTSIDE CAFE"), Some(Place::Street));
        assert_eq!(place("NOWHERE"), None);
        assert_eq!(place_in(&tokens("ENGINE CORRIDOR"), 1, true).map(|p| p.0), Some(Place::Spaceship));
    }
}
