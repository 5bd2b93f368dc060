//! The film's theme: eight bars of scale degrees, the same in every cue, told each time in another mode, tempo and voice.

use klieg_film_words::{between, pick, unit};

/// A note of the theme, in beats of a four-beat bar and degrees of whatever scale the cue is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    pub beat: f32,
    pub beats: f32,
    pub degree: i32,
}

/// How a phrase is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    Plain,
    /// Only what falls on strong beats, held.
    Sparse,
    /// Long notes broken by their neighbours.
    Ornamented,
    /// Upside down around its first note.
    Inverted,
    /// Two degrees higher, coming home at the end.
    Lifted,
}

const TELLINGS: [Telling; 5] = [Telling::Ornamented, Telling::Lifted, Telling::Plain, Telling::Sparse, Telling::Inverted];
/// Beats of the notes of a bar.
const RHYTHMS: [&[f32]; 8] = [
    &[1.0, 1.0, 2.0],
    &[1.5, 0.5, 2.0],
    &[2.0, 1.0, 1.0],
    &[3.0, 1.0],
    &[0.5, 0.5, 1.0, 2.0],
    &[1.0, 0.5, 0.5, 2.0],
    &[2.0, 2.0],
    &[1.5, 1.5, 1.0],
];
const PHRASE_BARS: u32 = 4;

/// Eight bars: a question and an answer of four each.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    phrases: [Vec<Tone>; 2],
}

impl Theme {
    /// The theme of the film with this seed.
    pub fn new(film_seed: u64) -> Self {
        let rhythm_a = *pick(film_seed, 1, &RHYTHMS);
        let rhythm_b = *pick(film_seed, 2, &RHYTHMS);
        let start = *pick(film_seed, 3, &[0, 2, 4]);
        let question = phrase(film_seed, [rhythm_a, rhythm_b, rhythm_a], start, 4);
        let answer = phrase(klieg_film_words::mix(film_seed), [rhythm_a, rhythm_b, rhythm_b], start, 0);
        Self { phrases: [question, answer] }
    }

    /// The `n`-th phrase of a cue, four bars long: the theme itself first, then told differently each time.
    pub fn phrase(&self, n: u32, seed: u64) -> Vec<Tone> {
        let base = &self.phrases[n as usize % 2];
        if n < 2 { base.clone() } else { tell(base, *pick(seed, u64::from(n), &TELLINGS)) }
    }

    /// The `n`-th phrase told in a given way.
    pub fn told(&self, n: u32, telling: Telling) -> Vec<Tone> {
        tell(&self.phrases[n as usize % 2], telling)
    }
}

fn phrase(seed: u64, rhythms: [&[f32]; 3], start: i32, end: i32) -> Vec<Tone> {
    let mut tones = Vec::new();
    let mut degree = start;
    let mut count = 10u64;
    for (bar, rhythm) in rhythms.iter().enumerate() {
        let mut beat = bar as f32 * 4.0;
        for &beats in *rhythm {
            tones.push(Tone { beat, beats, degree });
            beat += beats;
            count += 1;
            degree = step(seed, count, degree);
        }
    }
    // The last bar comes to rest by step.
    let last = (PHRASE_BARS - 1) as f32 * 4.0;
    let approach = end + if degree > end { 1 } else { -1 };
    tones.push(Tone { beat: last, beats: 1.0, degree: approach });
    tones.push(Tone { beat: last + 1.0, beats: 3.0, degree: end });
    tones
}

/// Mostly by step; a leap now and then, turned back by what follows because the range pulls it home.
fn step(seed: u64, n: u64, degree: i32) -> i32 {
    let pull = (2 - degree) as f32 * 0.12;
    let up = unit(seed, n) + pull > 0.5;
    let size = match between(seed, n + 1000, 0.0, 1.0) {
        u if u < 0.1 => 0,
        u if u < 0.72 => 1,
        u if u < 0.9 => 2,
        _ => 3,
    };
    (degree + if up { size } else { -size }).clamp(-3, 8)
}

fn tell(tones: &[Tone], telling: Telling) -> Vec<Tone> {
    let home = tones.last().map_or(0, |t| t.degree);
    let last = tones.len().saturating_sub(1);
    match telling {
        Telling::Plain => tones.to_vec(),
        Telling::Sparse => {
            let strong: Vec<Tone> = tones
                .iter()
                .enumerate()
                .filter(|(i, t)| *i == last || (t.beat % 2.0 == 0.0 && t.beats >= 1.0))
                .map(|(_, t)| *t)
                .collect();
            let ends = strong.iter().skip(1).map(|t| t.beat).chain([PHRASE_BARS as f32 * 4.0]);
            strong.iter().zip(ends).map(|(t, end)| Tone { beats: end - t.beat, ..*t }).collect()
        }
        Telling::Ornamented => tones.iter().flat_map(ornament).collect(),
        Telling::Inverted => {
            let axis = tones.first().map_or(0, |t| t.degree);
            let turn = |(i, t): (usize, &Tone)| Tone { degree: if i == last { home } else { 2 * axis - t.degree }, ..*t };
            tones.iter().enumerate().map(turn).collect()
        }
        Telling::Lifted => {
            let lift = |(i, t): (usize, &Tone)| Tone { degree: if i + 2 > last { t.degree } else { t.degree + 2 }, ..*t };
            tones.iter().enumerate().map(lift).collect()
        }
    }
}

fn ornament(t: &Tone) -> Vec<Tone> {
    if t.beats < 2.0 {
        return vec![*t];
    }
    let quarter = t.beats / 4.0;
    [(0.0, 2.0, 0), (2.0, 1.0, 1), (3.0, 1.0, 0)]
        .iter()
        .map(|&(at, n, up)| Tone { beat: t.beat + at * quarter, beats: n * quarter, degree: t.degree + up })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_fill_four_bars_in_order_and_come_home() {
        for seed in 0..40 {
            let theme = Theme::new(seed);
            for n in 0..12 {
                let tones = theme.phrase(n, seed);
                assert!(tones.windows(2).all(|w| w[0].beat + w[0].beats <= w[1].beat + 1e-4), "{seed} {n}: {tones:?}");
                let end = tones.last().unwrap();
                assert!((end.beat + end.beats - 16.0).abs() < 1e-4, "{seed} {n}");
                assert_eq!(end.degree, if n % 2 == 0 { 4 } else { 0 });
            }
        }
    }

    #[test]
    fn films_have_their_own_themes() {
        let different = (0..40).filter(|&s| Theme::new(s) != Theme::new(s + 1)).count();
        assert!(different >= 39, "{different}");
    }
}
