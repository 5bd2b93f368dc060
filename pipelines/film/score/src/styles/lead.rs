//! What melodies of all traditions share: the theme laid over the cue in phrases, and how a player touches a note.

use crate::brief::CueBrief;
use crate::piece::Instrument;
use crate::scale::{Scale, semitones};
use crate::sheet::{PartId, Seat, Sheet};
use crate::theme::{Telling, Theme, Tone};
use klieg_film_words::unit;

/// How notes are joined and shaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    Plain,
    /// South Indian: long notes other than Sa and Pa swing to their upper neighbour and back.
    Gamaka,
    /// North Indian: notes are reached in a glide from the last one.
    Meend,
    /// From below, with a late vibrato: flutes, fiddles, horns, voices.
    Scoop,
}

/// A melody line.
#[derive(Clone, Copy)]
pub struct Lead {
    pub part: PartId,
    pub scale: Scale,
    /// MIDI key of degree 0.
    pub tonic: f32,
    pub velocity: f32,
    pub touch: Touch,
    /// Beats before it enters.
    pub enters: f32,
    /// Cue beats for a beat of the theme.
    pub stretch: f32,
    /// Beats of silence after a phrase.
    pub rest: f32,
}

/// Seats a program.
pub fn program(sheet: &mut Sheet, number: u8, pan: f32, gain: f32, hall: f32) -> PartId {
    sheet.part(Instrument::Program(number), Seat { pan, gain, hall })
}

/// Tells the theme's phrases one after another until the cue's ending, and says where each began and how long it was, in
/// beats. The last cue of a film ends on the answer.
pub fn tell(sheet: &mut Sheet, theme: &Theme, lead: &Lead, brief: &CueBrief) -> Vec<(f32, f32)> {
    let length = PHRASE_BEATS * lead.stretch;
    let mut at = lead.enters.min(sheet.beats() * 0.25);
    let mut told = Vec::new();
    for n in 0.. {
        let room = sheet.beats() - at;
        let final_phrase = room < length * 1.5 + lead.rest;
        let tones = if final_phrase && brief.last { theme.told(1, Telling::Plain) } else { theme.phrase(n, brief.seed) };
        let Some((tones, stretch)) = fit(&tones, room, lead.stretch) else { break };
        phrase(sheet, lead, &tones, at, stretch, brief.seed ^ u64::from(n));
        let took = tones.last().map_or(0.0, |t| t.beat + t.beats) * stretch;
        told.push((at, took));
        at += took + lead.rest;
    }
    told
}

/// Beats of the theme in a phrase.
pub const PHRASE_BEATS: f32 = 16.0;

/// As much of a phrase as `room` beats hold without hurrying it to less than 0.7 of its time: all of it, or its last two bars, or
/// its last one, from the new beginning; and its stretch. `None` when not even that fits.
pub fn fit(tones: &[Tone], room: f32, stretch: f32) -> Option<(Vec<Tone>, f32)> {
    let window = [16.0, 8.0, 4.0].into_iter().find(|w| room >= w * stretch * 0.7)?;
    let from = PHRASE_BEATS - window;
    let kept = tones.iter().filter(|t| t.beat + t.beats > from + 0.01);
    let kept = kept.map(|t| Tone { beat: (t.beat - from).max(0.0), beats: t.beats - (from - t.beat).max(0.0), ..*t }).collect();
    Some((kept, stretch.min(room / window)))
}

/// One phrase from `at` on.
pub fn phrase(sheet: &mut Sheet, lead: &Lead, tones: &[Tone], at: f32, stretch: f32, seed: u64) {
    let mut before: Option<f32> = None;
    for (i, tone) in tones.iter().enumerate() {
        let key = lead.tonic + semitones(lead.scale, tone.degree) as f32;
        let above = (semitones(lead.scale, tone.degree + 1) - semitones(lead.scale, tone.degree)) as f32;
        let seconds = tone.beats * stretch * sheet.beat;
        let fixed = matches!(semitones(lead.scale, tone.degree).rem_euclid(12), 0 | 7);
        let bends = bends(lead.touch, seconds, before.map(|b| b - key), above, fixed, unit(seed, i as u64));
        // Phrases breathe: they swell to the middle and close softly.
        let arc = 0.88 + 0.14 * (std::f32::consts::PI * tone.beat / 16.0).sin();
        let accent = if tone.beat % 4.0 == 0.0 { 1.05 } else { 1.0 };
        sheet.bent(lead.part, at + tone.beat * stretch, tone.beats * stretch * 0.96, key, lead.velocity * arc * accent, bends);
        before = Some(key);
    }
}

/// The bends of a note: (part of its length, semitones).
fn bends(touch: Touch, seconds: f32, from: Option<f32>, above: f32, fixed: bool, chance: f32) -> Vec<(f32, f32)> {
    match touch {
        Touch::Plain => Vec::new(),
        Touch::Scoop => scoop(seconds, chance),
        Touch::Meend => glide(from, seconds, 0.28),
        Touch::Gamaka => {
            let mut curve = glide(from.map(|f| f.clamp(-4.0, 4.0)), seconds, 0.14);
            if !fixed && seconds > 0.45 {
                shake(&mut curve, seconds, above.min(2.5) * (0.45 + 0.25 * chance));
            } else if fixed && curve.is_empty() && seconds > 0.5 {
                curve.extend([(0.0, -1.0), ((0.07 / seconds).min(0.5), 0.0)]);
            }
            curve
        }
    }
}

fn glide(from: Option<f32>, seconds: f32, slide_seconds: f32) -> Vec<(f32, f32)> {
    match from {
        Some(f) if f != 0.0 && f.abs() <= 7.0 => {
            let end = (slide_seconds / seconds).min(0.45);
            vec![(0.0, f), (end * 0.35, f * 0.8), (end * 0.75, f * 0.15), (end, 0.0)]
        }
        _ => Vec::new(),
    }
}

/// Kampita: about five swings a second between the note and `depth` above it, settling at the end.
fn shake(curve: &mut Vec<(f32, f32)>, seconds: f32, depth: f32) {
    let start = curve.last().map_or(0.0, |c| c.0) + 0.02;
    let swings = ((1.0 - start) * seconds * 5.0 * 0.8).floor().max(1.0) as usize;
    let width = (0.92 - start) / swings as f32;
    for k in 0..swings {
        let (at, fade) = (start + k as f32 * width, 1.0 - 0.35 * k as f32 / swings as f32);
        curve.extend([
            (at, 0.0),
            (at + width * 0.3, depth * fade),
            (at + width * 0.6, depth * 0.8 * fade),
            (at + width * 0.97, 0.0),
        ]);
    }
}

fn scoop(seconds: f32, chance: f32) -> Vec<(f32, f32)> {
    let mut curve = Vec::new();
    if seconds > 0.35 && chance < 0.6 {
        curve.extend([(0.0, -0.9 + 0.5 * chance), ((0.13 / seconds).min(0.4), 0.0)]);
    }
    if seconds > 0.7 {
        let start = (0.4 / seconds).max(0.45);
        let swings = ((1.0 - start) * seconds * 5.0).floor() as usize;
        let width = (1.0 - start) / swings.max(1) as f32;
        for k in 0..swings {
            let depth = 0.16 * (k as f32 + 1.0) / swings as f32;
            let at = start + k as f32 * width;
            curve.extend([(at, 0.0), (at + width * 0.25, depth), (at + width * 0.75, -depth)]);
        }
    }
    curve
}

/// Writes a bar of strokes from a line of characters, one a `step` of beats: digits are keys, `.` is a rest.
pub fn strokes(sheet: &mut Sheet, part: PartId, at: f32, step: f32, pattern: &str, velocity: f32) {
    for (i, c) in pattern.chars().enumerate() {
        let Some(key) = c.to_digit(10) else { continue };
        let beat = at + i as f32 * step;
        let accent = if i == 0 {
            1.12
        } else if i % 2 == 0 {
            1.0
        } else {
            0.82
        };
        if beat < sheet.beats() - 0.01 {
            sheet.note(part, beat, step, key as f32, velocity * accent);
        }
    }
}

/// The film's tonic: seven keys up from `low`.
pub fn tonic(brief: &CueBrief, low: f32) -> f32 {
    low + (unit(brief.film_seed, 99) * 7.0).floor()
}
