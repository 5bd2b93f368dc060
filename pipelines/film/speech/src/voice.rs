//! One voice a character. The synthesisers have few voices, so klieg makes more of them: `formants` shortens or lengthens the
//! vocal tract (samples played faster or slower, with the tempo and pitch asked of the synthesiser set against it), which is
//! what the ear takes for age and size.

use crate::language;
use klieg_film_words::story::{Age, Character, Gender};
use serde::{Deserialize, Serialize};

/// The program that speaks, and its own voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
pub enum Engine {
    /// `name` is one of slt, rms, awb, kal16.
    Flite { name: String },
    /// espeak-ng's language voice with one of its speaker variants (`f3`, `m1`).
    Espeak { voice: String, variant: String },
}

/// How somebody sounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    pub engine: Engine,
    /// BCP 47.
    pub language: String,
    /// Resonances relative to the recorded speaker: 1.2 is a child's shorter vocal tract, 0.92 a large man's.
    pub formants: f32,
    /// Middle of the voice's range in hertz.
    pub pitch: f32,
    /// How widely the pitch moves, 1 being the synthesiser's own.
    pub expression: f32,
    /// Tempo, 1 being the synthesiser's own.
    pub pace: f32,
    /// Why this is not a voice of `language`, if so.
    pub fallback: Option<String>,
}

impl Voice {
    /// `flite/slt` or `espeak/ta+f3`, with the formant shift when there is one (`flite/slt@1.07`).
    pub fn name(&self) -> String {
        let base = match &self.engine {
            Engine::Flite { name } => format!("flite/{name}"),
            Engine::Espeak { voice, variant } => format!("espeak/{voice}+{variant}"),
        };
        if (self.formants - 1.0).abs() < 0.005 { base } else { format!("{base}@{:.2}", self.formants) }
    }
}

impl Voice {
    /// As credits say it: `voice: flite slt`, `voice: eSpeak NG ta (f3)`.
    pub fn credit(&self) -> String {
        match &self.engine {
            Engine::Flite { name } => format!("voice: flite {name}"),
            Engine::Espeak { voice, variant } => format!("voice: eSpeak NG {voice} ({variant})"),
        }
    }
}

/// A speaker to be cast: base voice, formants, pitch in hertz.
type Speaker = (&'static str, f32, f32);

/// Who a synthesiser's voices can be, best first.
struct Company {
    women: &'static [Speaker],
    men: &'static [Speaker],
    old_women: &'static [Speaker],
    old_men: &'static [Speaker],
    girls: &'static [Speaker],
    boys: &'static [Speaker],
}

/// rms keeps its own pitch (its model ignores the target), so its pitches here follow its formants.
const FLITE: Company = Company {
    women: &[("slt", 1.0, 176.0), ("slt", 1.08, 212.0), ("slt", 0.93, 156.0), ("awb", 1.17, 190.0), ("awb", 1.24, 226.0)],
    men: &[
        ("rms", 1.0, 102.0),
        ("awb", 1.0, 127.0),
        ("rms", 0.91, 93.0),
        ("awb", 0.91, 104.0),
        ("rms", 1.09, 111.0),
        ("kal16", 1.0, 96.0),
    ],
    old_women: &[("slt", 0.89, 150.0), ("awb", 1.10, 162.0), ("slt", 0.96, 186.0)],
    old_men: &[("awb", 0.94, 112.0), ("rms", 0.94, 96.0), ("awb", 0.86, 92.0), ("kal16", 0.93, 88.0)],
    girls: &[("slt", 1.18, 262.0), ("awb", 1.33, 270.0), ("slt", 1.25, 290.0)],
    boys: &[("awb", 1.29, 246.0), ("slt", 1.14, 238.0), ("awb", 1.22, 214.0)],
};

const ESPEAK: Company = Company {
    women: &[("f2", 1.0, 190.0), ("f3", 1.05, 215.0), ("f5", 0.97, 175.0), ("f1", 1.0, 185.0), ("f4", 1.08, 205.0)],
    men: &[("m3", 1.0, 105.0), ("m1", 1.0, 118.0), ("m7", 0.95, 92.0), ("m2", 0.97, 100.0), ("m6", 1.05, 125.0)],
    old_women: &[("f5", 0.90, 160.0), ("f1", 0.93, 165.0), ("f2", 0.90, 158.0)],
    old_men: &[("m7", 0.92, 88.0), ("m4", 0.93, 95.0), ("m5", 0.96, 110.0)],
    girls: &[("f3", 1.18, 265.0), ("f2", 1.22, 280.0), ("f4", 1.2, 255.0)],
    boys: &[("f4", 1.12, 240.0), ("m1", 1.3, 235.0), ("m6", 1.35, 250.0)],
};

impl Company {
    fn speakers(&self, age: Age, gender: Gender, odd: bool) -> &'static [Speaker] {
        // Where the script leaves the gender open, seeds decide, so that a crowd of clerks is mixed.
        let female = gender == Gender::Female || (gender == Gender::Neutral && odd);
        match (age, female) {
            (Age::Infant | Age::Child, true) => self.girls,
            (Age::Infant | Age::Child, false) => self.boys,
            (Age::Old, true) => self.old_women,
            (Age::Old, false) => self.old_men,
            (_, true) => self.women,
            (_, false) => self.men,
        }
    }
}

/// One voice for each of `cast`, in its order, by language, gender and age. Nobody later in the cast changes the voice of
/// somebody earlier; two people sound alike only when the synthesiser's speakers for their kind have been gone through thrice.
pub fn voices(cast: &[Character]) -> Vec<Voice> {
    let mut taken: Vec<Voice> = Vec::with_capacity(cast.len());
    for character in cast {
        let voice = cast_voice(character, &taken);
        taken.push(voice);
    }
    taken
}

fn cast_voice(c: &Character, taken: &[Voice]) -> Voice {
    let spoken = language::spoken_as(&c.language);
    let company = if spoken.english { &FLITE } else { &ESPEAK };
    let speakers = company.speakers(c.age, c.gender, c.seed & 1 == 1);
    // Second and third rounds shift every speaker a little: up, then down.
    let rounds = [(1.0, 1.0), (1.045, 1.09), (0.96, 0.93)];
    let candidates =
        rounds.iter().flat_map(|&(f, p)| speakers.iter().map(move |&(base, formants, pitch)| (base, formants * f, pitch * p)));
    let chosen = candidates
        .clone()
        .find(|s| taken.iter().all(|v| !alike(v, s)))
        .or_else(|| candidates.clone().nth(taken.len() % speakers.len()));
    let (base, formants, pitch) = chosen.unwrap_or(("slt", 1.0, 176.0));
    let engine = if spoken.english {
        Engine::Flite { name: base.into() }
    } else {
        Engine::Espeak { voice: spoken.voice.to_owned(), variant: base.into() }
    };
    Voice {
        engine,
        language: c.language.clone(),
        formants,
        pitch,
        expression: expression(c.age),
        pace: pace(c.age),
        fallback: spoken.fallback,
    }
}

/// The same base voice less than 4 % apart in formants is heard as the same person.
fn alike(voice: &Voice, (base, formants, _): &Speaker) -> bool {
    let name = match &voice.engine {
        Engine::Flite { name } => name,
        Engine::Espeak { variant, .. } => variant,
    };
    name == base && (voice.formants / formants - 1.0).abs() < 0.04
}

fn expression(age: Age) -> f32 {
    match age {
        Age::Infant | Age::Child => 1.35,
        Age::Teen => 1.15,
        Age::Young => 1.1,
        Age::Middle => 1.0,
        Age::Old => 0.9,
    }
}

/// Below 1 throughout: read at the synthesisers' own tempo, dialogue sounds like an announcement.
fn pace(age: Age) -> f32 {
    match age {
        Age::Infant | Age::Child => 0.97,
        Age::Teen => 1.0,
        Age::Young => 0.97,
        Age::Middle => 0.94,
        Age::Old => 0.85,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klieg_film_words::story::{Build, Culture, Occasion, Period};

    pub(crate) fn someone(name: &str, age: Age, gender: Gender, language: &str) -> Character {
        Character {
            name: name.into(),
            age,
            gender,
            build: Build::Medium,
            culture: Culture::American,
            period: Period::Modern,
            occasion: Occasion::Everyday,
            language: language.into(),
            dress: Vec::new(),
            line: 1,
            seed: klieg_film_words::seed_of(&[name]),
        }
    }

    fn mixed() -> Vec<Character> {
        let mut cast = Vec::new();
        for (i, &age) in [Age::Child, Age::Young, Age::Middle, Age::Old, Age::Young].iter().enumerate() {
            for gender in [Gender::Female, Gender::Male] {
                cast.push(someone(&format!("{gender:?} {i}"), age, gender, "en"));
            }
        }
        cast.push(someone("Tamil woman", Age::Young, Gender::Female, "ta"));
        cast.push(someone("Tamil man", Age::Old, Gender::Male, "ta"));
        cast
    }

    #[test]
    fn nobody_in_a_mixed_cast_sounds_like_another() {
        let all = voices(&mixed());
        for (i, a) in all.iter().enumerate() {
            for b in &all[..i] {
                assert!(a.name() != b.name(), "two people are {}", a.name());
            }
        }
    }

    #[test]
    fn age_and_gender_are_heard() {
        let all = voices(&mixed());
        assert!(all[0].pitch > all[2].pitch, "a girl is higher than a woman");
        assert!(all[2].pitch > all[3].pitch, "a woman is higher than a man");
        assert!(all[6].pace < all[2].pace, "the old are slower than the young");
    }

    #[test]
    fn joining_the_cast_late_changes_no_earlier_voice() {
        let cast = mixed();
        assert_eq!(voices(&cast)[..4], voices(&cast[..4])[..]);
    }

    #[test]
    fn a_language_without_a_voice_says_who_speaks_instead() {
        let voice = &voices(&[someone("Ade", Age::Young, Gender::Male, "yo")])[0];
        assert!(voice.fallback.as_deref().is_some_and(|why| why.contains("yo")), "{voice:?}");
    }
}
