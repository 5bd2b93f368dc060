//! Scales, ragas and modes as semitones above the tonic.

use klieg_film_words::story::{Mood, TimeOfDay};

/// An ascending scale within an octave, from 0.
pub type Scale = &'static [i32];

pub const MAJOR: Scale = &[0, 2, 4, 5, 7, 9, 11];
pub const MINOR: Scale = &[0, 2, 3, 5, 7, 8, 10];
pub const DORIAN: Scale = &[0, 2, 3, 5, 7, 9, 10];
pub const LYDIAN: Scale = &[0, 2, 4, 6, 7, 9, 11];
pub const MIXOLYDIAN: Scale = &[0, 2, 4, 5, 7, 9, 10];
pub const PHRYGIAN: Scale = &[0, 1, 3, 5, 7, 8, 10];
pub const HARMONIC_MINOR: Scale = &[0, 2, 3, 5, 7, 8, 11];
pub const HIJAZ: Scale = &[0, 1, 4, 5, 7, 8, 10];
pub const BAYATI: Scale = &[0, 2, 3, 5, 7, 8, 10];
pub const HIRAJOSHI: Scale = &[0, 2, 3, 7, 8];
pub const IN_SEN: Scale = &[0, 1, 5, 7, 10];
pub const YO: Scale = &[0, 2, 5, 7, 9];
pub const GONG: Scale = &[0, 2, 4, 7, 9];
pub const YU: Scale = &[0, 3, 5, 7, 10];
pub const PYEONGJO: Scale = &[0, 2, 5, 7, 9];
pub const GYEMYEONJO: Scale = &[0, 3, 5, 7, 10];

/// A raga of South India: its notes, and which of them are never shaken (Sa and Pa always are plain).
pub struct Raga {
    pub name: &'static str,
    pub notes: Scale,
}

const fn raga(name: &'static str, notes: Scale) -> Raga {
    Raga { name, notes }
}

/// The raga for a feeling at an hour. Auspicious ones for weddings; dawn and dusk have their own.
pub fn carnatic(mood: Mood, time: TimeOfDay, wedding: bool) -> Raga {
    match (mood, time) {
        (Mood::Sad, _) => raga("Shivaranjani", &[0, 2, 3, 7, 9]),
        (Mood::Afraid | Mood::Tense, _) => raga("Shubhapantuvarali", &[0, 1, 3, 6, 7, 8, 11]),
        (Mood::Angry, _) => raga("Chakravakam", &[0, 1, 4, 5, 7, 9, 10]),
        (Mood::Tired, _) => raga("Neelambari", &[0, 2, 4, 5, 7, 9, 10]),
        (_, TimeOfDay::Dawn) if wedding => raga("Bilahari", &[0, 2, 4, 7, 9]),
        (Mood::Solemn, TimeOfDay::Dawn) => raga("Bhupalam", &[0, 1, 3, 7, 8]),
        (Mood::Solemn, _) => raga("Mayamalavagowla", &[0, 1, 4, 5, 7, 8, 11]),
        (Mood::Tender, TimeOfDay::Night | TimeOfDay::Evening) => raga("Behag", &[0, 4, 5, 7, 11]),
        (Mood::Tender, _) => raga("Kapi", &[0, 2, 3, 5, 7, 9, 10]),
        (Mood::Proud | Mood::Surprised, _) => raga("Hamsadhwani", &[0, 2, 4, 7, 11]),
        (_, TimeOfDay::Dusk | TimeOfDay::Evening) => raga("Kalyani", &[0, 2, 4, 6, 7, 9, 11]),
        (_, TimeOfDay::Night) => raga("Hindolam", &[0, 3, 5, 8, 10]),
        _ if wedding => raga("Kalyani", &[0, 2, 4, 6, 7, 9, 11]),
        _ => raga("Mohanam", &[0, 2, 4, 7, 9]),
    }
}

/// The raga of North India for a feeling at an hour.
pub fn hindustani(mood: Mood, time: TimeOfDay) -> Raga {
    match (mood, time) {
        (Mood::Sad, _) => raga("Bhairavi", &[0, 1, 3, 5, 7, 8, 10]),
        (Mood::Afraid | Mood::Tense | Mood::Angry, _) => raga("Todi", &[0, 1, 3, 6, 7, 8, 11]),
        (_, TimeOfDay::Dawn | TimeOfDay::Morning) => raga("Bhairav", &[0, 1, 4, 5, 7, 8, 11]),
        (_, TimeOfDay::Dusk | TimeOfDay::Evening) => raga("Yaman", &[0, 2, 4, 6, 7, 9, 11]),
        (_, TimeOfDay::Night) => raga("Bageshri", &[0, 2, 3, 5, 7, 9, 10]),
        _ => raga("Khamaj", &[0, 2, 4, 5, 7, 9, 10]),
    }
}

/// Semitones of the `degree`-th note (0 the tonic, negative below).
pub fn semitones(scale: Scale, degree: i32) -> i32 {
    let n = scale.len() as i32;
    scale[degree.rem_euclid(n) as usize] + 12 * degree.div_euclid(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_go_on_over_the_octave() {
        assert_eq!((semitones(HIRAJOSHI, 5), semitones(HIRAJOSHI, -1), semitones(MAJOR, 4)), (12, -4, 7));
    }

    #[test]
    fn every_raga_ascends_from_sa() {
        for &mood in Mood::ALL {
            for &time in TimeOfDay::ALL {
                for raga in [carnatic(mood, time, true), carnatic(mood, time, false), hindustani(mood, time)] {
                    assert!(raga.notes[0] == 0 && raga.notes.is_sorted() && raga.notes.iter().all(|&s| s < 12), "{}", raga.name);
                }
            }
        }
    }
}
