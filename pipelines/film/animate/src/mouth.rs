//! Lip-sync: mouth weights of a held pose from the phones of a line.

use klieg_film_words::sound::{MouthShape, Phone, Spoken};

/// Pauses longer than this relax the mouth.
const REST: f32 = 0.35;
/// Reach of coarticulation on either side, seconds.
const BLUR: f32 = 0.07;

/// Weights in the order of [`MouthShape::ALL`], sum 1.
pub type Weights = [f32; 9];

pub fn rest() -> Weights {
    only(MouthShape::X)
}

pub fn only(shape: MouthShape) -> Weights {
    let mut w = [0.0; 9];
    w[shape as usize] = 1.0;
    w
}

/// The mouth of a pose that is shown from `start` to `start + held` seconds of the line. Lips that close (or meet the teeth) are
/// closed on the pose in which the phone is released or on the one before it, whatever sounds around.
pub fn mouth(spoken: &Spoken, start: f32, held: f32) -> Weights {
    if start + held <= 0.0 || start >= spoken.seconds {
        return rest();
    }
    if let Some(shape) = closure(&spoken.phones, start, held) {
        return only(shape);
    }
    let centre = start + held / 2.0;
    let mut w = [0.0; 9];
    for phone in &spoken.phones {
        let share = overlap(phone, centre);
        if share <= 0.0 || is_closure(phone.mouth) {
            continue;
        }
        let shape = match phone.mouth {
            MouthShape::X if phone.end - phone.start < REST => MouthShape::B,
            shape => shape,
        };
        // Open vowels carry a little further than consonants.
        let strength = if matches!(shape, MouthShape::C | MouthShape::D | MouthShape::F) { 1.3 } else { 1.0 };
        w[shape as usize] += share * strength;
    }
    let sum: f32 = w.iter().sum();
    if sum > 1e-6 { w.map(|v| v / sum) } else { only(MouthShape::B) }
}

fn is_closure(shape: MouthShape) -> bool {
    matches!(shape, MouthShape::A | MouthShape::G)
}

/// The closure that belongs to the pose: a phone's pose is the last one of which at least half lies before its release.
fn closure(phones: &[Phone], start: f32, held: f32) -> Option<MouthShape> {
    phones
        .iter()
        .filter(|p| is_closure(p.mouth))
        .find(|p| {
            let pose = (p.end - start - 0.5 * held) / held;
            (0.0..1.0).contains(&pose)
        })
        .map(|p| p.mouth)
}

/// Area of a triangle of reach [`BLUR`] around `centre` that the phone covers.
fn overlap(phone: &Phone, centre: f32) -> f32 {
    let cdf = |t: f32| {
        let x = ((t - centre) / BLUR).clamp(-1.0, 1.0);
        if x < 0.0 { 0.5 * (1.0 + x).powi(2) } else { 1.0 - 0.5 * (1.0 - x).powi(2) }
    };
    cdf(phone.end) - cdf(phone.start)
}

/// How far the jaw drops for the mouth.
pub fn jaw(w: &Weights) -> f32 {
    0.3 * w[MouthShape::D as usize] + 0.16 * w[MouthShape::C as usize] + 0.08 * w[MouthShape::E as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Spoken {
        let phones = [
            ("m", 0.0, 0.08, MouthShape::A),
            ("aa", 0.08, 0.3, MouthShape::D),
            ("p", 0.3, 0.36, MouthShape::A),
            ("iy", 0.36, 0.5, MouthShape::B),
        ];
        let mut phones: Vec<Phone> = phones
            .iter()
            .map(|(s, start, end, mouth)| Phone { symbol: (*s).into(), start: *start, end: *end, mouth: *mouth, stressed: false })
            .collect();
        phones.push(Phone { symbol: "pau".into(), start: 0.5, end: 1.2, mouth: MouthShape::X, stressed: false });
        phones.push(Phone { symbol: "f".into(), start: 1.2, end: 1.28, mouth: MouthShape::G, stressed: false });
        Spoken { seconds: 1.3, phones, voice: "test".into(), fallback: None }
    }

    #[test]
    fn closures_are_shown_wherever_the_grid_falls() {
        for offset in 0..24 {
            let first = offset as f32 / 24.0 / 12.0 - 1.0 / 12.0;
            let poses: Vec<Weights> = (0..18).map(|i| mouth(&line(), first + i as f32 / 12.0, 1.0 / 12.0)).collect();
            let closed = |shape: MouthShape| poses.iter().filter(|w| w[shape as usize] == 1.0).count();
            assert_eq!((closed(MouthShape::A), closed(MouthShape::G)), (2, 1), "offset {offset}");
        }
    }

    #[test]
    fn long_pauses_and_silence_rest() {
        let line = line();
        assert_eq!(mouth(&line, 0.8, 1.0 / 12.0), rest());
        assert_eq!(mouth(&line, -0.2, 1.0 / 12.0), rest());
        assert_eq!(mouth(&line, 1.4, 1.0 / 12.0), rest());
        for i in 0..16 {
            let sum: f32 = mouth(&line, i as f32 / 12.0, 1.0 / 12.0).iter().sum();
            assert!((sum - 1.0).abs() < 1e-5);
        }
        assert!(mouth(&line, 0.16, 1.0 / 12.0)[MouthShape::D as usize] > 0.8);
    }
}
