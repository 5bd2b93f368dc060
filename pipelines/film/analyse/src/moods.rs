//! The feeling of words, actions and scenes.

use crate::{
    ballot::{Ballot, Clue},
    read::{Item, SceneText},
    tables::MOODS,
    text::{Sentence, sentences, tokens},
};
use klieg_film_words::story::{Mood, Occasion, Place, TimeOfDay, Verb, Weather};

/// Words that tell a feeling in a stage direction but mostly something else in talk.
const NOT_IN_TALK: &[&str] = &[
    "cold", "dry", "still", "low", "bright", "soft", "warm", "sharp", "quick", "bold", "worn", "weak", "gone", "lost", "dead",
    "died", "serious", "quiet", "noble", "blood", "knife", "gun", "revolver", "shadow", "shadows", "moved", "touched", "hollow",
    "steady", "smile", "look out", "kind", "dear", "grave", "alone", "loss", "broken", "hurt", "love", "critical", "fight",
    "fights", "duel", "careful", "firm", "content", "silence", "dances", "sings", "glows", "alert", "death",
];

/// Votes for the moods of words; `talk` for what people say.
pub fn weigh(sentence: &Sentence, weight: f32, talk: bool, ballot: &mut Ballot<Mood>) {
    let words = &sentence.tokens;
    for (at, len, moods) in MOODS.all(words) {
        let text = sentence.words(at, len);
        let denied = at > 0
            && matches!(
                words[at - 1].key.as_str(),
                "not" | "no" | "never" | "without" | "isn't" | "don't" | "doesn't" | "didn't" | "wasn't"
            );
        if denied || (talk && words[at].forms.iter().any(|f| NOT_IN_TALK.contains(&f.as_str()))) {
            continue;
        }
        for (mood, sure) in moods {
            // "smiles sadly": the adverb knows better.
            let sure = if words[at].key.ends_with("ly") { 1.4 * sure } else { *sure };
            ballot.vote(*mood, sure * weight / moods.len() as f32, &Clue::new(sentence.line, text.clone()));
        }
    }
}

/// The mood of a stretch of text, if its words tell one.
pub fn of_text(text: &str, talk: bool) -> Option<Mood> {
    let mut ballot = Ballot::default();
    for sentence in sentences(text, 1) {
        weigh(&sentence, 1.0, talk, &mut ballot);
    }
    ballot.verdict(0.5).map(|v| v.value)
}

/// What a body's action feels like when no word says so.
pub fn of_verb(verb: Verb) -> Option<Mood> {
    match verb {
        Verb::Laugh | Verb::Dance => Some(Mood::Happy),
        Verb::Embrace => Some(Mood::Tender),
        Verb::Cry => Some(Mood::Sad),
        Verb::Fight => Some(Mood::Angry),
        Verb::Pray | Verb::Bow | Verb::Kneel => Some(Mood::Solemn),
        Verb::Sleep => Some(Mood::Tired),
        _ => None,
    }
}

/// What is known of a scene that its mood leans on.
pub struct Leaning {
    pub place: Place,
    pub time: TimeOfDay,
    pub weather: Weather,
    pub occasion: Occasion,
}

/// The scene's mood: from directions, parentheticals and talk, leaning on its place, hour, weather and occasion.
pub fn of_scene(scene: &SceneText, leaning: &Leaning, heading: &Clue) -> Ballot<Mood> {
    let mut ballot = Ballot::default();
    for item in &scene.items {
        match item {
            Item::Action(found) => found.iter().for_each(|s| weigh(s, 0.8, false, &mut ballot)),
            Item::Speech(speech) => {
                for part in &speech.parts {
                    for s in part.parenthetical.iter().flat_map(|p| sentences(p, part.aside_line)) {
                        weigh(&s, 1.0, false, &mut ballot);
                    }
                    sentences(&part.text, part.line).iter().for_each(|s| weigh(s, 0.5, true, &mut ballot));
                }
            }
        }
    }
    let leanings = [
        (leaning.occasion == Occasion::Wedding, Mood::Happy, 1.0),
        (leaning.occasion == Occasion::Festival, Mood::Happy, 1.0),
        (leaning.occasion == Occasion::Ritual, Mood::Solemn, 0.4),
        (leaning.place == Place::Temple, Mood::Solemn, 0.4),
        (leaning.place == Place::Hospital, Mood::Tense, 0.5),
        (leaning.place == Place::Street && leaning.time == TimeOfDay::Night, Mood::Tense, 0.5),
        (leaning.place == Place::Street && leaning.weather == Weather::Rain, Mood::Tense, 0.3),
        (leaning.weather == Weather::Storm, Mood::Tense, 0.6),
        (matches!(leaning.place, Place::Garden | Place::TeaHouse), Mood::Tender, 0.4),
    ];
    for (_, mood, weight) in leanings.into_iter().filter(|l| l.0) {
        ballot.vote(mood, weight, heading);
    }
    ballot
}

/// What stands around a line.
pub struct Around<'a> {
    pub parenthetical: Option<&'a str>,
    /// Mood of the speaker's own action right before.
    pub before: Option<Mood>,
    pub scene: Mood,
}

/// The mood of a spoken line.
pub fn of_line(text: &str, around: &Around<'_>) -> Mood {
    let mut ballot = Ballot::default();
    for s in around.parenthetical.iter().flat_map(|p| sentences(p, 1)) {
        weigh(&s, 3.0, false, &mut ballot);
    }
    for s in sentences(text, 1) {
        weigh(&s, 0.8, true, &mut ballot);
    }
    let clue = Clue::new(1, "action");
    if let Some(mood) = around.before {
        ballot.vote(mood, 0.7, &clue);
    }
    if let Some(verdict) = ballot.verdict(0.6) {
        return verdict.value;
    }
    let shouted = text.contains('!') || (tokens(text).len() > 1 && tokens(text).iter().all(|t| t.caps || t.text.len() == 1));
    let denies = tokens(text)
        .iter()
        .any(|t| matches!(t.key.as_str(), "no" | "not" | "never" | "don't" | "can't" | "won't" | "kill" | "killed" | "stop"));
    match (text.contains("?!") || text.contains("!?"), shouted, around.scene) {
        (true, ..) => Mood::Surprised,
        (_, true, Mood::Neutral | Mood::Solemn | Mood::Tense | Mood::Angry) if denies => Mood::Angry,
        (_, true, Mood::Neutral | Mood::Solemn | Mood::Tender | Mood::Tired) if tokens(text).len() > 3 => Mood::Happy,
        (_, true, Mood::Neutral | Mood::Solemn | Mood::Tender | Mood::Tired) => Mood::Surprised,
        (_, true, scene) => scene,
        _ => Mood::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, parenthetical: Option<&str>) -> Mood {
        of_line(text, &Around { parenthetical, before: None, scene: Mood::Neutral })
    }

    #[test]
    fn parentheticals_go_before_words_and_words_before_marks() {
        assert_eq!(line("You came!", Some("whispering")), Mood::Tender);
        assert_eq!(line("I hate you!", None), Mood::Angry);
        assert_eq!(line("What?!", None), Mood::Surprised);
        assert_eq!(line("I kept it dry.", None), Mood::Neutral);
        assert_eq!(line("I'm not afraid.", None), Mood::Neutral);
    }
}
