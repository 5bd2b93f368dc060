//! Text to utterances, and utterances to sound.

use crate::params::{AudioParams, bad};
use crate::wav;
use klieg_film_speech::{Utterance, Voice, voices};
use klieg_film_words::seed_of;
use klieg_film_words::story::{Age, Build, Character, Culture, Gender, Mood, Occasion, Period};
use klieg_kind::{BadInput, Desk};
use klieg_protocol::{Fault, TaskFailure, TaskResult, TaskSpec};

/// Kinds of voices; each has [`EACH`] of its own, called `woman`, `woman-2`, …
const VOICES: &[(&str, Age, Gender)] = &[
    ("woman", Age::Young, Gender::Female),
    ("man", Age::Young, Gender::Male),
    ("old-woman", Age::Old, Gender::Female),
    ("old-man", Age::Old, Gender::Male),
    ("girl", Age::Child, Gender::Female),
    ("boy", Age::Child, Gender::Male),
];
const EACH: usize = 3;

/// A piece of text is said in one task, and is about as long.
const PIECE_CHARS: usize = 600;

/// The voice of that name for a language. Two names are two voices.
pub fn voice(params: &AudioParams, text: &str) -> Result<Voice, BadInput> {
    let name = params.voice.as_deref().unwrap_or("woman");
    let (kind, number) = name.rsplit_once('-').and_then(|(kind, n)| Some((kind, n.parse().ok()?))).unwrap_or((name, 1));
    let known = VOICES.iter().find(|(known, ..)| *known == kind).filter(|_| (1..=EACH).contains(&number));
    let Some((_, age, gender)) = known else {
        let kinds: Vec<&str> = VOICES.iter().map(|(kind, ..)| *kind).collect();
        return Err(bad(format!("voice {name:?}: there is no such voice; there are {}, each up to -{EACH}", kinds.join(", "))));
    };
    let language = params.language.clone().unwrap_or_else(|| language_of(text).into());
    let cast: Vec<Character> = (0..number).map(|i| someone(i, *age, *gender, &language)).collect();
    voices(&cast).pop().ok_or_else(|| bad("voice: none was found"))
}

fn someone(i: usize, age: Age, gender: Gender, language: &str) -> Character {
    let name = format!("voice {i}");
    Character {
        seed: seed_of(&[&name]),
        name,
        age,
        gender,
        build: Build::Medium,
        culture: Culture::American,
        period: Period::Modern,
        occasion: Occasion::Everyday,
        language: language.to_owned(),
        dress: Vec::new(),
        line: 1,
    }
}

/// English, unless the letters say otherwise: then `speak` finds a voice that reads them.
fn language_of(text: &str) -> &'static str {
    klieg_film_speech::of_script(text).unwrap_or("en")
}

/// Text in pieces of whole sentences, paragraphs apart. The pause in seconds that follows each stands with it.
pub fn pieces(text: &str) -> Vec<(String, f32)> {
    let mut out: Vec<(String, f32)> = Vec::new();
    let paragraphs = text.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    for paragraph in paragraphs.filter(|p| p.chars().any(char::is_alphanumeric)) {
        let mut piece = String::new();
        for sentence in sentences(&paragraph) {
            if !piece.is_empty() && piece.chars().count() + sentence.chars().count() > PIECE_CHARS {
                out.push((std::mem::take(&mut piece).trim().to_owned(), 0.25));
            }
            piece.push_str(sentence);
        }
        out.push((piece.trim().to_owned(), 0.7));
    }
    out.retain(|(piece, _)| !piece.is_empty());
    out
}

/// Parts of a paragraph that end with a sentence, or where a sentence is very long with a word.
fn sentences(paragraph: &str) -> Vec<&str> {
    let (mut out, mut from, mut length) = (Vec::new(), 0, 0);
    let mut chars = paragraph.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        length += 1;
        let blank = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        let ended = "。！？।॥".contains(c) || blank && ".!?…".contains(c);
        let too_long = length >= PIECE_CHARS && (c.is_whitespace() || length >= 2 * PIECE_CHARS);
        if ended || too_long {
            out.push(&paragraph[from..at + c.len_utf8()]);
            (from, length) = (at + c.len_utf8(), 0);
        }
    }
    out.push(&paragraph[from..]);
    out.retain(|part| !part.is_empty());
    out
}

/// What a `say` task is asked for.
pub fn utterance(params: &AudioParams, voice: &Voice, text: String) -> Utterance {
    Utterance { text, voice: voice.clone(), mood: params.mood.unwrap_or(Mood::Neutral) }
}

/// Runs a `say` task: `sound` (mono WAV) and `said` (who spoke, as JSON).
pub fn say(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let utterance: Utterance = crate::kind::from_json(&task.params)?;
    // A voice that is missing here may be installed on another node.
    let (samples, spoken) = klieg_film_speech::speak(&utterance, desk.scratch()).map_err(|e| TaskFailure {
        fault: if e.retryable() { Fault::Node } else { Fault::Input },
        message: format!("failed to speak: {e}"),
    })?;
    let said = serde_json::json!({"voice": spoken.voice, "voice_fallback": spoken.fallback, "seconds": spoken.seconds});
    let outputs = [
        ("sound".to_owned(), desk.store(&wav::written(&samples.iter().map(|s| [*s, *s]).collect::<Vec<_>>())?)?),
        ("about".to_owned(), desk.store(said.to_string().as_bytes())?),
    ];
    Ok(TaskResult { outputs: outputs.into(), adds: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn voices_have_names_and_others_are_refused_with_them() {
        let of = |name: &str| {
            let (params, _) = AudioParams::of(&json!({"text": "Hello.", "voice": name}), None).unwrap();
            voice(&params, "Hello.")
        };
        let names =
            ["woman", "woman-2", "woman-3", "man", "old-woman", "old-man", "girl", "boy-2"].map(|name| of(name).unwrap().name());
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
        for wrong in ["robot", "woman-9", "woman-0", ""] {
            assert!(of(wrong).unwrap_err().message.contains("old-woman, old-man"), "{wrong}");
        }
    }

    #[test]
    fn pieces_hold_every_word_once() {
        let long = "One two three. ".repeat(200);
        let text = format!("Hello there.\n\n...\n\n{long}\n\n{}", "word ".repeat(500));
        let pieces = pieces(&text);
        let words = |text: &str| text.split_whitespace().filter(|w| *w != "...").count();
        assert_eq!(pieces.iter().map(|(piece, _)| words(piece)).sum::<usize>(), words(&text));
        assert!(
            pieces.iter().all(|(piece, _)| piece.chars().count() <= 2 * PIECE_CHARS),
            "{:?}",
            pieces.iter().map(|p| p.0.len()).max()
        );
        assert_eq!(pieces[0], ("Hello there.".to_owned(), 0.7));
        assert!(sentences(&"あ".repeat(5_000)).iter().all(|part| part.chars().count() <= 2 * PIECE_CHARS));
    }
}
