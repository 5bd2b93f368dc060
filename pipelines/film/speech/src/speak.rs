//! A line from its words to 48 kHz samples with phone times.

use crate::program::SpeechError;
use crate::signal::{self, Raw, RawPhone};
use crate::text::{self, Piece};
use crate::voice::{Engine, Voice};
use crate::{espeak, flite, language, mouth};
use klieg_film_words::sound::{MouthShape, Phone, SAMPLE_RATE, Spoken};
use klieg_film_words::story::Mood;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A line to be spoken. Everything that the samples depend on is in it, so its digest can name them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    pub text: String,
    pub voice: Voice,
    pub mood: Mood,
}

/// Bytes of text in one line; a page of dialogue is a tenth of it.
const TEXT_BYTES_MAX: usize = 20_000;
/// How long a line lasts in which nothing can be said ("...").
const WORDLESS_SECONDS: f32 = 0.8;

/// Speaks `u`: mono samples at 48 kHz, trimmed to 20 ms of silence at both ends, and the times of its phones. The same
/// utterance gives the same samples. `scratch` is an existing folder for files that are gone when this returns.
///
/// # Errors
/// A synthesiser that is missing, fails, hangs or cannot write; a text over 20 kB.
pub fn speak(u: &Utterance, scratch: &Path) -> Result<(Vec<f32>, Spoken), SpeechError> {
    if u.text.len() > TEXT_BYTES_MAX {
        return Err(SpeechError::TooLong { bytes: u.text.len(), max: TEXT_BYTES_MAX });
    }
    let (voice, why) = able_to_read(&u.voice, &u.text);
    let latin = matches!(voice.engine, Engine::Flite { .. });
    let mut line = Assembly::default();
    for piece in text::pieces(&u.text, latin) {
        match piece {
            Piece::Say(words) => line.say(synthesise(&words, &voice, u.mood, scratch)?, latin && text::rises(&words)),
            Piece::Pause(seconds) => line.pause(seconds),
        }
    }
    if line.samples.is_empty() {
        line.pause(WORDLESS_SECONDS);
    }
    signal::soften_ends(&mut line.samples);
    let seconds = line.samples.len() as f32 / SAMPLE_RATE as f32;
    let spoken = Spoken { seconds, phones: line.phones(), voice: voice.name(), fallback: why };
    Ok((line.samples, spoken))
}

/// `voice`, or one of the text's own script when it could read none of it.
fn able_to_read(voice: &Voice, text: &str) -> (Voice, Option<String>) {
    match language::of_script(text) {
        Some(script) if !language::writes(&voice.language, script) => {
            let spoken = language::spoken_as(script);
            let female = voice.pitch > 150.0;
            let engine = Engine::Espeak { voice: spoken.voice.to_owned(), variant: if female { "f3" } else { "m3" }.into() };
            let why = format!("the line is written in the script of `{script}`, which the voice {} cannot read", voice.name());
            (Voice { engine, formants: voice.formants.clamp(0.92, 1.15), ..voice.clone() }, Some(why))
        }
        _ => (voice.clone(), voice.fallback.clone()),
    }
}

/// What a feeling does to tempo, pitch and its movement (after the surveys of Scherer 2003 and Juslin & Laukka 2003).
fn delivery(mood: Mood) -> (f32, f32, f32) {
    match mood {
        Mood::Neutral => (1.0, 1.0, 1.0),
        Mood::Happy => (1.05, 1.07, 1.35),
        Mood::Tender => (0.91, 0.97, 0.95),
        Mood::Sad => (0.84, 0.93, 0.7),
        Mood::Angry => (1.08, 1.09, 1.45),
        Mood::Afraid => (1.12, 1.13, 1.2),
        Mood::Surprised => (1.03, 1.13, 1.6),
        Mood::Tense => (1.02, 1.02, 0.85),
        Mood::Solemn => (0.87, 0.95, 0.8),
        Mood::Playful => (1.05, 1.08, 1.5),
        Mood::Proud => (0.95, 0.99, 1.2),
        Mood::Tired => (0.82, 0.93, 0.65),
    }
}

fn synthesise(words: &str, voice: &Voice, mood: Mood, scratch: &Path) -> Result<Raw, SpeechError> {
    let (pace, pitch, movement) = delivery(mood);
    let (pace, pitch) = (voice.pace * pace, voice.pitch * pitch);
    // Playing faster by `formants` raises pitch and tempo with the resonances: both are asked for that much lower.
    let raw = match &voice.engine {
        Engine::Flite { name } => {
            // The spread of the voices' own pitch, relative to its middle.
            let natural = if name == "kal16" { 0.09 } else { 0.15 };
            let pitch_hz = pitch / voice.formants;
            let spread_hz = natural * pitch_hz * voice.expression * movement;
            let manner = flite::Manner { pitch_hz, spread_hz, stretch: voice.formants / pace };
            flite::speak(words, name, &manner, scratch)?
        }
        Engine::Espeak { voice: language, variant } => {
            let manner = espeak::Manner {
                pitch_hz: pitch / voice.formants,
                expression: voice.expression * movement,
                pace: pace / voice.formants,
            };
            espeak::speak(words, language, variant, &manner, scratch)?
        }
    };
    Ok(raw.faster(voice.formants))
}

/// A line being put together from its pieces.
#[derive(Default)]
struct Assembly {
    samples: Vec<f32>,
    raw: Vec<RawPhone>,
}

impl Assembly {
    fn say(&mut self, mut raw: Raw, rises: bool) {
        let mut samples = signal::to_48k(&raw.samples, raw.sample_rate);
        if rises {
            signal::rise(&mut samples, &mut raw.phones);
        }
        let keep = signal::audible(&samples);
        let base = self.seconds();
        let (from, until) = (keep.start as f32 / SAMPLE_RATE as f32, keep.end as f32 / SAMPLE_RATE as f32);
        self.samples.extend_from_slice(&samples[keep]);
        for phone in raw.phones {
            let (start, end) = (phone.start.clamp(from, until), phone.end.clamp(from, until));
            if end > start {
                self.raw.push(RawPhone { start: base + start - from, end: base + end - from, ..phone });
            }
        }
    }

    fn pause(&mut self, seconds: f32) {
        let start = self.seconds();
        self.samples.resize(self.samples.len() + (seconds * SAMPLE_RATE as f32) as usize, 0.0);
        self.raw.push(RawPhone { symbol: "pau".into(), start, end: self.seconds(), mouth: mouth::of_flite("pau") });
    }

    fn seconds(&self) -> f32 {
        self.samples.len() as f32 / SAMPLE_RATE as f32
    }

    /// Diphthongs as two phones of one symbol, neighbouring pauses as one.
    fn phones(&self) -> Vec<Phone> {
        let stressed = signal::stresses(&self.raw, &self.samples);
        let mut phones: Vec<Phone> = Vec::with_capacity(self.raw.len());
        for (p, stressed) in self.raw.iter().zip(stressed) {
            if p.mouth.first == MouthShape::X
                && let Some(last) = phones.last_mut().filter(|l| l.mouth == MouthShape::X)
            {
                last.end = p.end;
                continue;
            }
            let middle = if p.mouth.then.is_some() { p.start + (p.end - p.start) * 0.55 } else { p.end };
            phones.push(Phone { symbol: p.symbol.clone(), start: p.start, end: middle, mouth: p.mouth.first, stressed });
            if let Some(mouth) = p.mouth.then {
                phones.push(Phone { symbol: p.symbol.clone(), start: middle, end: p.end, mouth, stressed: false });
            }
        }
        phones
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(name: &str, formants: f32, pitch: f32) -> Voice {
        Voice {
            engine: Engine::Flite { name: name.into() },
            language: "en".into(),
            formants,
            pitch,
            expression: 1.0,
            pace: 1.0,
            fallback: None,
        }
    }

    fn say(text: &str, voice: Voice) -> Option<(Vec<f32>, Spoken)> {
        if flite::find().is_none() {
            eprintln!("skipped: flite is not installed (apt install flite)");
            return None;
        }
        let scratch = tempfile::tempdir().unwrap();
        Some(speak(&Utterance { text: text.into(), voice, mood: Mood::Neutral }, scratch.path()).unwrap())
    }

    #[test]
    fn the_same_line_gives_the_same_samples() {
        let Some(a) = say("Hello... there.", voice("slt", 1.08, 212.0)) else { return };
        assert!(Some(a) == say("Hello... there.", voice("slt", 1.08, 212.0)));
    }

    #[test]
    fn phones_follow_each_other_within_the_line() {
        let Some((samples, spoken)) = say("I never said that. Did I? Well... no.", voice("rms", 1.0, 102.0)) else { return };
        assert_eq!(spoken.seconds, samples.len() as f32 / 48_000.0);
        assert!(spoken.phones.windows(2).all(|w| w[0].end <= w[1].start + 1e-4 && w[0].start < w[0].end));
        assert!(spoken.phones.last().is_some_and(|p| p.end <= spoken.seconds + 1e-4));
        let longest = spoken.phones.iter().filter(|p| p.mouth == MouthShape::X).map(|p| p.end - p.start).fold(0.0, f32::max);
        assert!(longest > 0.4, "the ellipsis is a pause, not {longest} s");
        let stressed = spoken.phones.iter().filter(|p| p.stressed).count();
        assert!((2..10).contains(&stressed), "{stressed} stressed syllables");
    }

    #[test]
    fn lips_close_on_mama_and_papa() {
        let Some((_, spoken)) = say("mama papa", voice("slt", 1.0, 176.0)) else { return };
        let closed = spoken.phones.iter().filter(|p| p.mouth == MouthShape::A).count();
        assert_eq!(closed, 4, "{:?}", spoken.phones);
        assert!(spoken.phones.iter().filter(|p| matches!(p.symbol.as_str(), "m" | "p")).all(|p| p.mouth == MouthShape::A));
    }

    #[test]
    fn a_shorter_vocal_tract_does_not_talk_faster() {
        let Some((_, woman)) = say("We came by the river road.", voice("slt", 1.0, 176.0)) else { return };
        let Some((_, child)) = say("We came by the river road.", voice("slt", 1.18, 262.0)) else { return };
        assert!((child.seconds / woman.seconds - 1.0).abs() < 0.06, "{} against {}", child.seconds, woman.seconds);
    }

    #[test]
    fn nothing_to_say_is_a_short_silence() {
        let Some((samples, spoken)) = say("...", voice("slt", 1.0, 176.0)) else { return };
        assert!(samples.iter().all(|&s| s == 0.0) && spoken.seconds > 0.5);
        assert!(spoken.phones.iter().all(|p| p.mouth == MouthShape::X));
    }

    #[test]
    fn a_line_in_another_script_gets_a_voice_that_reads_it() {
        let (chosen, why) = able_to_read(&voice("slt", 1.0, 176.0), "வணக்கம்");
        assert_eq!(chosen.name(), "espeak/ta+f3", "and keeps its size");
        assert!(why.is_some_and(|w| w.contains("flite/slt")));
        assert_eq!(able_to_read(&voice("slt", 1.0, 176.0), "Vanakkam").1, None);
    }

    #[test]
    fn too_much_text_is_an_error() {
        let text = "word ".repeat(5000);
        let u = Utterance { text, voice: voice("slt", 1.0, 176.0), mood: Mood::Neutral };
        assert!(matches!(speak(&u, Path::new("/nowhere")), Err(SpeechError::TooLong { .. })));
    }
}
