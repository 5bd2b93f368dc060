//! Who speaks, to whom, and how: speeches to beats.

use crate::{
    ballot::Clue,
    grammar::pronoun,
    moods::{self, Around},
    read::{Item, SceneText, Speech},
    roster::is_voice_cue,
    stage::Stage,
    tables::PEOPLE,
    text::{Sentence, Token, sentences, tokens},
};
use klieg_film_words::story::{Beat, CharacterId, Gender, Line, LineId, Mood};

/// What a scene's talk needs to know.
pub struct Talk<'a> {
    pub scene: &'a SceneText,
    pub mood: Mood,
    /// The number that the next line gets.
    pub next: LineId,
}

/// How a voice reaches us, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Seen,
    /// Near by, but out of the picture.
    OffScreen,
    /// A narrator, a thought, a telephone.
    Over,
}

/// Reads `(V.O.)`, `(O.S.)`, `(on phone)` and their like.
pub fn voice(extension: Option<&str>) -> Voice {
    let Some(text) = extension else { return Voice::Seen };
    let plain: String = text.to_uppercase().chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    if has("VO")
        || plain.contains("VOICE OVER")
        || has("VOICEOVER")
        || has("FILTERED")
        || has("PRELAP")
        || has("NARRATION")
        || has("NARRATING")
    {
        return Voice::Over;
    }
    let device = ["PHONE", "TELEPHONE", "RADIO", "INTERCOM", "COMM", "COMMS", "TV", "SPEAKER", "RECORDING", "HOLOGRAM"]
        .iter()
        .any(|d| has(d));
    if device && !has("INTO") && !has("TO") {
        return Voice::Over;
    }
    if has("OS") || has("OC") || plain.contains("OFF SCREEN") || plain.contains("OFF CAMERA") || has("OFFSCREEN") || has("OFF") {
        return Voice::OffScreen;
    }
    Voice::Seen
}

/// Takes the speech at `at` of the scene's items onto the stage.
pub fn speak(stage: &mut Stage<'_>, talk: &mut Talk<'_>, at: usize, speech: &Speech) {
    let mut voice = voice(speech.extension.as_deref());
    if is_voice_cue(&speech.cue) && voice == Voice::Seen {
        voice = Voice::OffScreen;
    }
    let mut speakers = stage.roster.speakers(&speech.cue);
    speakers.dedup();
    if speakers.is_empty() {
        speakers = together(stage, talk.scene, &speech.cue);
    }
    for part in &speech.parts {
        let inner = part.parenthetical.as_deref();
        let heard = match crate::talk::voice(inner) {
            Voice::Seen => voice,
            other => other,
        };
        if speakers.is_empty() {
            stage.beats.push(Beat::Describe { text: format!("{}: {}", speech.cue, part.text), line: part.line });
        }
        for (n, speaker) in speakers.iter().copied().enumerate() {
            let crowd = stage.roster.people[speaker].collective;
            let seen = heard == Voice::Seen && !crowd;
            if seen {
                stage.see(speaker, &Clue::new(speech.line, speech.cue.clone()));
            }
            if let Some(text) = inner.filter(|_| seen && n == 0) {
                stage.aside(text, part.aside_line, speaker);
            }
            if part.text.is_empty() {
                continue;
            }
            let to =
                if heard == Voice::Over { None } else { addressee(stage, talk.scene, at, speaker, &part.text, inner, part.line) };
            let around = Around { parenthetical: inner, before: before(stage, speaker), scene: talk.mood };
            let line = Line {
                id: talk.next,
                speaker,
                to,
                text: part.text.clone(),
                parenthetical: inner.map(str::to_owned),
                mood: moods::of_line(&part.text, &around),
                off_screen: !seen,
                dual: n > 0 || speech.dual,
                line: part.line,
            };
            talk.next += 1;
            stage.beats.push(Beat::Line(line));
            stage.spoke(speaker);
        }
    }
}

/// "BOTH" and "ALL": those who are there, else those who speak in the scene.
fn together(stage: &Stage<'_>, scene: &SceneText, cue: &str) -> Vec<CharacterId> {
    let most = if cue.to_uppercase().contains("BOTH") { 2 } else { 3 };
    let mut ids: Vec<CharacterId> = stage.present.iter().map(|(id, _)| *id).collect();
    for id in scene.speeches().flat_map(|s| stage.roster.speakers(&s.cue)) {
        if !ids.contains(&id) && stage.present.is_empty() {
            ids.push(id);
        }
    }
    let from = ids.len().saturating_sub(most);
    ids.split_off(from)
}

/// The mood of what the speaker did right before.
fn before(stage: &Stage<'_>, speaker: CharacterId) -> Option<Mood> {
    match stage.beats.last() {
        Some(Beat::Action(action)) if action.who == speaker && action.mood != Mood::Neutral => Some(action.mood),
        _ => None,
    }
}

/// Whom a line is for: "(to Vera)", a name called in it, else the one who spoke before or speaks next, else the only other
/// person there.
fn addressee(
    stage: &Stage<'_>,
    scene: &SceneText,
    at: usize,
    speaker: CharacterId,
    text: &str,
    parenthetical: Option<&str>,
    line: u32,
) -> Option<CharacterId> {
    if let Some(words) = parenthetical.map(tokens)
        && let Some(to) = words.iter().position(|t| t.key == "to" || t.key == "at")
    {
        if words.get(to + 1).is_some_and(|t| t.key.ends_with("self")) {
            return None;
        }
        let named =
            (to + 1..words.len()).find_map(|i| stage.roster.mention(&words, i).map(|m| m.1).or_else(|| noun(stage, &words, i)));
        let meant = named.or_else(|| words.get(to + 1).and_then(pronoun).and_then(|g| of_gender(stage, speaker, g)));
        if let Some(id) = meant.filter(|id| *id != speaker) {
            return Some(id);
        }
    }
    let called = sentences(text, line).iter().find_map(|s| vocative(stage, s).filter(|id| *id != speaker));
    if called.is_some() {
        return called;
    }
    let polite = sentences(text, line).iter().find_map(polite_address).and_then(|g| of_gender(stage, speaker, g));
    if polite.is_some() {
        return polite;
    }
    let previous = other_speaker(stage, speaker, scene.items[..at].iter().rev());
    let next = || other_speaker(stage, speaker, scene.items[at + 1..].iter().take(3));
    let only = || {
        let mut others = stage.present.iter().map(|(id, _)| *id).filter(|id| *id != speaker);
        others.next().filter(|_| others.next().is_none())
    };
    previous.or_else(next).or_else(only)
}

/// The first of the items that someone else speaks.
fn other_speaker<'i>(stage: &Stage<'_>, speaker: CharacterId, mut items: impl Iterator<Item = &'i Item>) -> Option<CharacterId> {
    items.find_map(|item| match item {
        Item::Speech(speech) => {
            stage.roster.speakers(&speech.cue).into_iter().find(|id| *id != speaker && !stage.roster.people[*id].collective)
        }
        Item::Action(_) => None,
    })
}

fn of_gender(stage: &Stage<'_>, not: CharacterId, gender: Gender) -> Option<CharacterId> {
    stage.present.iter().rev().map(|(id, _)| *id).find(|id| *id != not && stage.genders[*id] == Some(gender))
}

fn noun(stage: &Stage<'_>, words: &[Token], at: usize) -> Option<CharacterId> {
    let (len, _) = PEOPLE.at(words, at)?;
    stage.roster.noun(&words[at..at + len])
}

/// A name or a noun for someone, set off by commas: "Nine yards of silk, Paati."
fn vocative(stage: &Stage<'_>, sentence: &Sentence) -> Option<CharacterId> {
    let words = &sentence.tokens;
    for at in 0..words.len() {
        let starts = at == 0 || words[at].gap.comma;
        let found = stage
            .roster
            .mention(words, at)
            .or_else(|| noun(stage, words, at).map(|id| (PEOPLE.at(words, at).map_or(1, |f| f.0), id)));
        let Some((len, id)) = found.filter(|_| starts) else { continue };
        let ends = words.get(at + len).is_none_or(|t| t.gap.comma || t.gap.dash);
        // A whole sentence of one name mostly names: "Paati." in answer to "Who?".
        let only_name = len == words.len() && sentence.text.ends_with('.');
        if ends && !only_name && !words[at].possessive {
            return Some(id);
        }
    }
    None
}

/// "My lord, …", "Yes, madam.": someone of a gender.
fn polite_address(sentence: &Sentence) -> Option<Gender> {
    let words = &sentence.tokens;
    (0..words.len()).find_map(|at| {
        let starts = at == 0 || words[at].gap.comma || (words[at - 1].key == "my" && at == 1);
        let (len, sign) = PEOPLE.at(words, at).filter(|_| starts && words.len() > 1)?;
        let ends = words.get(at + len).is_none_or(|t| t.gap.comma);
        sign.gender.filter(|_| {
            ends && matches!(
                words[at].key.as_str(),
                "lord"
                    | "sir"
                    | "madam"
                    | "lady"
                    | "mister"
                    | "miss"
                    | "monsieur"
                    | "madame"
                    | "brother"
                    | "sister"
                    | "son"
                    | "man"
                    | "boy"
                    | "girl"
                    | "king"
                    | "queen"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read::Film, roster::Roster, traits};

    fn lines(script: &str) -> Vec<(String, Option<String>, bool, bool)> {
        let film = Film::read(&klieg_film_script::parse("a.fountain", script.as_bytes()).unwrap());
        let roster = Roster::build(&film);
        let genders: Vec<Option<Gender>> = traits::read(&film, &roster).iter().map(traits::Traits::gender_now).collect();
        let mut stage = Stage::new(&roster, &genders);
        let mut talk = Talk { scene: &film.scenes[0], mood: Mood::Neutral, next: 0 };
        for (at, item) in film.scenes[0].items.iter().enumerate() {
            match item {
                Item::Action(found) => stage.paragraph(found),
                Item::Speech(speech) => speak(&mut stage, &mut talk, at, speech),
            }
        }
        let name = |id: CharacterId| roster.people[id].name.clone();
        let lines = stage.beats.iter().filter_map(|b| match b {
            Beat::Line(l) => Some((name(l.speaker), l.to.map(name), l.off_screen, l.dual)),
            _ => None,
        });
        lines.collect()
    }

    #[test]
    fn addressees_are_called_answered_or_pointed_at() {
        let got = lines(
            "INT. ROOM - DAY\n\nANNA\nHello.\n\nBEN\nHm.\n\nCARL\nAnna, come.\n\nBEN\n(to Carl)\nWhy?\n\nANNA\n(to herself)\nOh.\n",
        );
        let to: Vec<Option<&str>> = got.iter().map(|l| l.1.as_deref()).collect();
        assert_eq!(to, [Some("BEN"), Some("ANNA"), Some("ANNA"), Some("CARL"), None]);
    }

    #[test]
    fn voices_off_and_crowds_are_not_seen_and_both_speak_together() {
        let got = lines("INT. ROOM - DAY\n\nAnna and Ben sit.\n\nANNA\nA.\n\nBEN (V.O.)\nB.\n\nBOTH\nC!\n\nGUESTS\nD!\n");
        let seen: Vec<(&str, bool, bool)> = got.iter().map(|l| (l.0.as_str(), l.2, l.3)).collect();
        assert_eq!(
            seen,
            [("ANNA", false, false), ("BEN", true, false), ("ANNA", false, false), ("BEN", false, true), ("GUESTS", true, false)]
        );
    }

    #[test]
    fn extensions() {
        assert_eq!(voice(Some("V.O.")), Voice::Over);
        assert_eq!(voice(Some("O.S., CONT'D")), Voice::OffScreen);
        assert_eq!(voice(Some("into phone")), Voice::Seen);
        assert_eq!(voice(Some("on phone")), Voice::Over);
        assert_eq!(voice(Some("CONT’D")), Voice::Seen);
        assert_eq!(voice(Some("softly")), Voice::Seen);
    }
}
