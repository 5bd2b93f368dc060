//! Words to a cue, and the cue to sound: the film's composer and players.

use crate::params::{AudioParams, bad};
use crate::wav;
use klieg_film_analyse::{Sense, glossary};
use klieg_film_score::{CueBrief, Piece};
use klieg_film_words::mix;
use klieg_film_words::story::{Culture, Mood, Occasion, Period, Place, TimeOfDay};
use klieg_kind::{BadInput, Desk};
use klieg_protocol::{TaskFailure, TaskResult, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a `play` task is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tune {
    pub brief: CueBrief,
    /// 1 is the style's own.
    pub tempo: f32,
}

/// The cue that is asked for, and what of the words was understood.
///
/// # Errors
/// Words of which nothing says anything about music: what does is named.
pub fn tune(params: &AudioParams) -> Result<(Tune, Value), BadInput> {
    let prompt = params.prompt.as_deref().unwrap_or_default();
    let phrases = glossary(prompt);
    let said: Vec<&Sense> = phrases.iter().flat_map(|phrase| &phrase.senses).collect();
    fn first<T>(senses: &[&Sense], of: impl Fn(&Sense) -> Option<T>) -> Option<T> {
        senses.iter().find_map(|sense| of(sense))
    }
    let mood = params.mood.or(first(&said, |s| if let Sense::Mood(m) = s { Some(*m) } else { None }));
    let culture = params.culture.or(first(&said, |s| if let Sense::Culture(c) = s { c.first().copied() } else { None }));
    let place = first(&said, |s| if let Sense::Place { place, .. } = s { Some(*place) } else { None });
    let time = first(&said, |s| if let Sense::Time(t) = s { Some(*t) } else { None });
    let occasion = first(&said, |s| if let Sense::Occasion(o) = s { Some(*o) } else { None });
    let period = first(&said, |s| if let Sense::Period(p) = s { Some(*p) } else { None });
    if mood.is_none() && culture.is_none() && place.is_none() && time.is_none() && occasion.is_none() && period.is_none() {
        let moods: Vec<&str> = Mood::ALL.iter().map(|mood| mood.name()).collect();
        return Err(bad(format!(
            "prompt {prompt:?}: says nothing of music; name a mood ({}), a culture, a place, an hour or an occasion",
            moods.join(", ")
        )));
    }
    let tempo = params.tempo.unwrap_or(1.0) as f32;
    let brief = CueBrief {
        culture: culture.unwrap_or(Culture::American),
        period: period.unwrap_or(Period::Modern),
        mood: mood.unwrap_or(Mood::Neutral),
        place: place.unwrap_or(Place::House),
        time: time.unwrap_or(TimeOfDay::Day),
        occasion: occasion.unwrap_or(Occasion::Everyday),
        // Played faster, more of it is heard in the same time.
        seconds: params.seconds() as f32 * tempo,
        film_seed: mix(params.seed),
        seed: mix(params.seed ^ 0x6d_7573_6963),
        last: true,
    };
    let known: Vec<Value> =
        phrases.iter().filter(|phrase| phrase.senses.iter().any(speaks)).map(|phrase| json!(phrase.text)).collect();
    Ok((Tune { brief, tempo }, json!({ "understood": known })))
}

fn speaks(sense: &Sense) -> bool {
    matches!(
        sense,
        Sense::Mood(_) | Sense::Culture(_) | Sense::Place { .. } | Sense::Time(_) | Sense::Occasion(_) | Sense::Period(_)
    )
}

/// The same notes in another time.
fn paced(mut piece: Piece, tempo: f32) -> Piece {
    piece.seconds /= tempo;
    for note in piece.parts.iter_mut().flat_map(|part| &mut part.notes) {
        note.at /= tempo;
        note.seconds /= tempo;
        note.bends.iter_mut().for_each(|(at, _)| *at /= tempo);
    }
    piece
}

/// Runs a `play` task: `sound` (stereo WAV) and `about` (what was played, as JSON).
pub fn play(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let tune: Tune = crate::kind::from_json(&task.params)?;
    // Without a sound font the score's own synth plays.
    let font = klieg_film_score::sound_font().ok();
    let piece = paced(klieg_film_score::compose(&tune.brief), tune.tempo);
    let sound = klieg_film_score::play(&piece, font.as_deref());
    let name = font.as_ref().and_then(|font| font.path().file_name().map(|name| name.to_string_lossy().into_owned()));
    let about = json!({"piece": piece.what, "sound_font": name, "seconds": sound.seconds()});
    let outputs = [
        ("sound".to_owned(), desk.store(&wav::written(&sound.samples)?)?),
        ("about".to_owned(), desk.store(about.to_string().as_bytes())?),
    ];
    Ok(TaskResult { outputs: outputs.into(), adds: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(params: Value) -> Result<CueBrief, BadInput> {
        let (params, _) = AudioParams::of(&params, None)?;
        tune(&params).map(|(tune, _)| tune.brief)
    }

    #[test]
    fn words_say_which_music() {
        let night = of(json!({"prompt": "a sad tune for a night in Kyoto"})).unwrap();
        assert_eq!((night.mood, night.culture, night.time), (Mood::Sad, Culture::Japanese, TimeOfDay::Night));
        let told = of(json!({"prompt": "a sad tune", "mood": "proud", "culture": "tamil"})).unwrap();
        assert_eq!((told.mood, told.culture), (Mood::Proud, Culture::Tamil));
        let refusal = of(json!({"prompt": "flurble"})).unwrap_err().message;
        assert!(refusal.contains("flurble") && refusal.contains("solemn"), "{refusal}");
    }

    #[test]
    fn tempo_keeps_the_length_and_moves_the_notes() {
        let of = |tempo: f64| {
            let (params, _) = AudioParams::of(&json!({"mood": "happy", "seconds": 8, "tempo": tempo}), None).unwrap();
            let (tune, _) = tune(&params).unwrap();
            paced(klieg_film_score::compose(&tune.brief), tune.tempo)
        };
        let (slow, fast) = (of(0.5), of(2.0));
        assert!((slow.seconds - 8.0).abs() < 1e-3 && (fast.seconds - 8.0).abs() < 1e-3, "{} {}", slow.seconds, fast.seconds);
        let notes = |piece: &Piece| piece.parts.iter().map(|part| part.notes.len()).sum::<usize>();
        assert!(notes(&fast) > notes(&slow), "{} and {}", notes(&fast), notes(&slow));
    }
}
