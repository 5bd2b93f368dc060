//! When each word was said: how the decoder's heads look at the sound, normalised, smoothed and warped onto the tokens, as
//! transformers' `_extract_token_timestamps`; tokens become words as in its `_combine_tokens_into_words`.

use serde::{Deserialize, Serialize};

/// A word and when it was said, in seconds from the sound's begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub text: String,
    pub start: f64,
    pub end: f64,
}

/// Of each token the encoder position at which it begins. `looks`: of each head (tokens, positions).
pub fn places(looks: &[Vec<Vec<f32>>], positions: usize, median: usize) -> Vec<usize> {
    let tokens = looks.first().map_or(0, Vec::len);
    if tokens == 0 || positions == 0 {
        return vec![0; tokens];
    }
    let mut mean = vec![0.0f32; tokens * positions];
    for head in looks {
        let mut head: Vec<f32> = head.iter().flat_map(|row| row[..positions].iter().copied()).collect();
        normalise(&mut head, tokens, positions);
        for (row, sum) in head.chunks(positions).zip(mean.chunks_mut(positions)) {
            smoothed(row, median).into_iter().zip(sum).for_each(|(value, sum)| *sum += value / looks.len() as f32);
        }
    }
    warp(&mean, tokens, positions)
}

/// Over the tokens: mean 0, deviation 1. A single token has no deviation and stays as it is.
fn normalise(head: &mut [f32], tokens: usize, positions: usize) {
    for at in 0..positions {
        let column = || (0..tokens).map(|row| row * positions + at);
        let mean = column().map(|i| head[i]).sum::<f32>() / tokens as f32;
        let spread = (column().map(|i| (head[i] - mean).powi(2)).sum::<f32>() / tokens as f32).sqrt();
        if spread > 0.0 {
            column().collect::<Vec<_>>().into_iter().for_each(|i| head[i] = (head[i] - mean) / spread);
        }
    }
}

/// Medians of so many neighbours, the ends mirrored.
fn smoothed(row: &[f32], width: usize) -> Vec<f32> {
    let half = width / 2;
    if row.len() <= half {
        return row.to_vec();
    }
    let mirrored = |at: isize| {
        let last = row.len() as isize - 1;
        row[(if at < 0 {
            -at
        } else if at > last {
            2 * last - at
        } else {
            at
        }) as usize]
    };
    let median = |at: usize| {
        let mut near: Vec<f32> = (0..width).map(|i| mirrored(at as isize + i as isize - half as isize)).collect();
        near.sort_by(f32::total_cmp);
        near[half]
    };
    (0..row.len()).map(median).collect()
}

/// Dynamic time warping of (tokens, positions), the larger the better: where each token begins.
fn warp(matrix: &[f32], tokens: usize, positions: usize) -> Vec<usize> {
    let wide = positions + 1;
    let mut cost = vec![f32::INFINITY; (tokens + 1) * wide];
    let mut trace = vec![2u8; (tokens + 1) * wide];
    cost[0] = 0.0;
    for j in 1..=positions {
        for i in 1..=tokens {
            let (both, token, time) = (cost[(i - 1) * wide + j - 1], cost[(i - 1) * wide + j], cost[i * wide + j - 1]);
            let (best, step) = match () {
                () if both < token && both < time => (both, 0),
                () if token < both && token < time => (token, 1),
                () => (time, 2),
            };
            cost[i * wide + j] = (f64::from(-matrix[(i - 1) * positions + j - 1]) + f64::from(best)) as f32;
            trace[i * wide + j] = step;
        }
    }
    let mut begins = vec![0; tokens];
    let (mut i, mut j) = (tokens, positions);
    while i > 0 {
        begins[i - 1] = j.saturating_sub(1);
        match if j == 0 { 1 } else { trace[i * wide + j] } {
            0 => (i, j) = (i - 1, j - 1),
            1 => i -= 1,
            _ => j -= 1,
        }
    }
    begins
}

const PREPENDED: &str = "\"'“¡¿([{-";
const APPENDED: &str = "\"'.。,，!！?？:：”)]}、";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// Languages whose writing has no spaces between words.
const UNSPACED: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];

/// Tokens with their times (start, end) as words. `decode` gives the text of tokens.
pub fn joined(tokens: &[(u32, f64, f64)], language: &str, decode: impl Fn(&[u32]) -> String) -> Vec<Word> {
    let characters = by_character(tokens, &decode);
    let mut words: Vec<Word> = Vec::new();
    for piece in characters {
        let mark = piece.text.trim();
        let punctuation = PUNCTUATION.contains(mark);
        let alone = UNSPACED.contains(&language) || piece.text.starts_with(' ') || punctuation;
        match words.last_mut() {
            Some(word) if !alone => {
                word.text.push_str(&piece.text);
                word.end = piece.end;
            }
            _ => words.push(piece),
        }
    }
    merged(words)
}

/// The smallest runs of tokens that are whole characters.
fn by_character(tokens: &[(u32, f64, f64)], decode: &impl Fn(&[u32]) -> String) -> Vec<Word> {
    let (mut out, mut run): (Vec<Word>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut start = 0.0;
    for (at, (token, from, to)) in tokens.iter().enumerate() {
        if run.is_empty() {
            start = *from;
        }
        run.push(*token);
        let text = decode(&run);
        if !text.ends_with('\u{FFFD}') || at + 1 == tokens.len() {
            out.push(Word { text, start, end: *to });
            run.clear();
        }
    }
    out
}

/// Quotes and brackets go with the word that they open or close.
fn merged(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut opened: Option<Word> = None;
    for mut word in words {
        let is_one_of = |marks: &str, text: &str| !text.is_empty() && marks.contains(text);
        let opens = word.text.starts_with(' ') && is_one_of(PREPENDED, word.text.trim());
        if let Some(before) = opened.take() {
            word = Word { text: before.text + &word.text, start: before.start, end: word.end };
        }
        if opens {
            opened = Some(word);
        } else if let Some(last) = out.last_mut().filter(|last| !last.text.ends_with(' ') && is_one_of(APPENDED, &word.text)) {
            last.text.push_str(&word.text);
            last.end = word.end;
        } else {
            out.push(word);
        }
    }
    out.extend(opened);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warping_follows_a_diagonal() {
        let (tokens, positions) = (4, 12);
        let matrix: Vec<f32> =
            (0..tokens * positions).map(|i| if (i % positions) / 3 == i / positions { 1.0 } else { -1.0 }).collect();
        assert_eq!(warp(&matrix, tokens, positions), [0, 3, 6, 9]);
    }

    #[test]
    fn punctuation_joins_its_word() {
        let pieces = [" \"", "Hel", "lo", ",", " world", "!", " (", "yes", ")"];
        let pieces: Vec<Word> = pieces
            .iter()
            .zip(0..)
            .map(|(text, at)| Word { text: (*text).into(), start: f64::from(at), end: f64::from(at) + 1.0 })
            .collect();
        let tokens: Vec<(u32, f64, f64)> = pieces.iter().zip(0..).map(|(word, at)| (at, word.start, word.end)).collect();
        let words = joined(&tokens, "en", |tokens| tokens.iter().map(|at| pieces[*at as usize].text.clone()).collect());
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, [" \"Hello,", " world!", " (yes)"]);
        assert_eq!((words[0].start, words[0].end), (0.0, 4.0));
    }
}
