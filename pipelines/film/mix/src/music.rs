//! Where each scene's cue lies, and how it makes way for words.

use crate::loudness::{SILENCE_LUFS, integrated, within};
use klieg_film_dsp::{RATE, gain, samples};
use klieg_film_words::FPS;
use klieg_film_words::shot::Cut;
use klieg_film_words::sound::Stereo;
use std::ops::Range;

/// Under words: twelve below the dialogue.
const UNDER_LUFS: f32 = -29.0;
/// Alone.
const UP_LUFS: f32 = -18.0;
/// Words closer together than this are one stretch: the music stays down.
const GAP_SECONDS: f32 = 1.5;
const DOWN_SECONDS: f32 = 0.7;
const RISE_SECONDS: f32 = 1.4;
/// How often the level is moved, in samples.
const BLOCK: usize = 480;

/// Seconds from the film's start to the cue of `scene`, the title card being part of the first scene's cue.
pub fn cue_start_seconds(cut: &Cut, scene: usize) -> f32 {
    span_frames(cut, scene).map_or(0.0, |s| s.start as f32 / FPS as f32)
}

/// Length of the cue of `scene`: its shots, with the title card or the credits that are shown over it. 0 for a scene without shots.
pub fn cue_seconds(cut: &Cut, scene: usize) -> f32 {
    span_frames(cut, scene).map_or(0.0, |s| s.len() as f32 / FPS as f32)
}

/// Film frames of a scene, first to last.
pub fn span_frames(cut: &Cut, scene: usize) -> Option<Range<u32>> {
    let starts = cut.starts();
    let shots = || cut.shots.iter().zip(&starts).filter(|(s, _)| s.scene == scene);
    let first = *shots().next()?.1;
    let (last, start) = shots().next_back()?;
    Some(first..start + last.frames)
}

/// Stretches of speech in samples, with gaps up to 1.5 s closed. `spoken` is in order of time.
pub fn stretches(spoken: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for span in spoken {
        match all.last_mut() {
            Some(last) if span.start <= last.end + samples(GAP_SECONDS) => last.end = last.end.max(span.end),
            _ => all.push(span.clone()),
        }
    }
    all
}

/// Adds `cue` to the music from `at` (samples) on for `length`: up where nobody speaks, down in time before somebody does.
pub fn lay(music: &mut [[f32; 2]], cue: &Stereo, at: usize, length: usize, talk: &[Range<usize>]) {
    let length = length.min(cue.samples.len()).min(music.len().saturating_sub(at));
    let cue = &cue.samples[..length];
    let average = integrated(cue);
    if average <= SILENCE_LUFS {
        return;
    }
    let local: Vec<(Range<usize>, f32)> = talk.iter().filter_map(|t| under(cue, t, at, average)).collect();
    let up = UP_LUFS - average;
    let mut now = wanted(&local, 0, up);
    let (fall, rise) = (11.0 / (DOWN_SECONDS * RATE), 11.0 / (RISE_SECONDS * RATE));
    let fade = samples(8.0 / FPS as f32).min(length);
    for block in (0..length).step_by(BLOCK) {
        let target = wanted(&local, block, up);
        let before = gain(now);
        now = if target < now { (now - fall * BLOCK as f32).max(target) } else { (now + rise * BLOCK as f32).min(target) };
        let after = gain(now);
        for i in block..(block + BLOCK).min(length) {
            let x = (i - block) as f32 / BLOCK as f32;
            let end = ((length - i) as f32 / fade.max(1) as f32).min(1.0);
            let level = (before + (after - before) * x) * end;
            music[at + i] = [music[at + i][0] + cue[i][0] * level, music[at + i][1] + cue[i][1] * level];
        }
    }
}

/// The part of the cue (its own samples) under a stretch, and the decibels that bring it to its place there: measured on the
/// stretch itself, because a cue is not everywhere as loud as on average.
fn under(cue: &[[f32; 2]], talk: &Range<usize>, at: usize, average: f32) -> Option<(Range<usize>, f32)> {
    let (start, end) = (talk.start.saturating_sub(at), talk.end.saturating_sub(at).min(cue.len()));
    if start >= end || talk.end <= at {
        return None;
    }
    let here = integrated(&within(cue, std::slice::from_ref(&(start..end))));
    // A rest in the music must not be pulled up into hiss.
    let here = if here <= SILENCE_LUFS { average } else { here.max(average - 6.0) };
    Some((start.saturating_sub(samples(DOWN_SECONDS))..end + samples(0.25), UNDER_LUFS - here))
}

fn wanted(local: &[(Range<usize>, f32)], at: usize, up: f32) -> f32 {
    local.iter().filter(|(span, _)| span.contains(&at)).map(|(_, db)| *db).fold(up, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixdown::tests::{film, tune};

    #[test]
    fn cues_cover_the_film_with_its_cards() {
        let (cut, _) = film();
        let total: f32 = (0..2).map(|s| cue_seconds(&cut, s)).sum();
        assert!((total - cut.frames() as f32 / FPS as f32).abs() < 1e-3);
        assert_eq!(cue_start_seconds(&cut, 0), 0.0);
        assert!((cue_start_seconds(&cut, 1) - cue_seconds(&cut, 0)).abs() < 1e-4);
        assert_eq!(cue_seconds(&cut, 7), 0.0);
    }

    #[test]
    fn short_gaps_are_closed() {
        assert_eq!(stretches(&[0..100, 60_000..70_000, 200_000..210_000]), [0..70_000, 200_000..210_000]);
    }

    #[test]
    fn music_goes_down_before_the_words_and_up_after() {
        let mut music = vec![[0.0f32; 2]; 48_000 * 20];
        let talk = 48_000 * 6..48_000 * 12;
        lay(&mut music, &tune(20.0), 0, 48_000 * 20, &[talk]);
        let level = |a: usize, b: usize| integrated(&music[48_000 * a..48_000 * b]);
        assert!((level(6, 12) - UNDER_LUFS).abs() < 0.7, "{}", level(6, 12));
        assert!((level(1, 5) - UP_LUFS).abs() < 1.2, "{}", level(1, 5));
        assert!((level(15, 19) - UP_LUFS).abs() < 1.2, "{}", level(15, 19));
    }
}
