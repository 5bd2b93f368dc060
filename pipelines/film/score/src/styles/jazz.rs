//! Noir: a brushed trio. Walking bass, brushes, piano without roots and with ninths, and a muted trumpet, tenor or vibraphone
//! that says the theme late and leaves room.

use super::lead::{Lead, PHRASE_BEATS, Touch, fit, phrase, program, tonic};
use crate::brief::CueBrief;
use crate::piece::{Instrument, Piece};
use crate::scale::{DORIAN, HARMONIC_MINOR, MAJOR, Scale};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::{Telling, Theme};
use klieg_film_words::pick;
use klieg_film_words::story::{Mood, Period};

/// A chord: its root above the tonic, its notes above the root (third, seventh, ninth …), and the third for the bass to use.
struct Chord {
    root: f32,
    notes: [f32; 4],
    third: f32,
}

const fn chord(root: f32, notes: [f32; 4], third: f32) -> Chord {
    Chord { root, notes, third }
}
const MINOR_NINTH: [f32; 4] = [3.0, 7.0, 10.0, 14.0];
const MAJOR_NINTH: [f32; 4] = [4.0, 7.0, 11.0, 14.0];
const ALTERED: [f32; 4] = [4.0, 10.0, 13.0, 15.0];
const DOMINANT: [f32; 4] = [4.0, 9.0, 10.0, 14.0];

const SMOKE: [Chord; 4] =
    [chord(0.0, MINOR_NINTH, 3.0), chord(8.0, MAJOR_NINTH, 4.0), chord(2.0, [3.0, 6.0, 10.0, 15.0], 3.0), chord(7.0, ALTERED, 4.0)];
const RAIN: [Chord; 4] =
    [chord(0.0, MINOR_NINTH, 3.0), chord(5.0, MINOR_NINTH, 3.0), chord(10.0, DOMINANT, 4.0), chord(7.0, ALTERED, 4.0)];
const STEPS: [Chord; 4] =
    [chord(0.0, MINOR_NINTH, 3.0), chord(10.0, DOMINANT, 4.0), chord(8.0, MAJOR_NINTH, 4.0), chord(7.0, ALTERED, 4.0)];
const WARM: [Chord; 4] =
    [chord(0.0, MAJOR_NINTH, 4.0), chord(9.0, MINOR_NINTH, 3.0), chord(2.0, MINOR_NINTH, 3.0), chord(7.0, DOMINANT, 4.0)];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let bright = brief.period != Period::Noir && matches!(brief.mood, Mood::Happy | Mood::Playful | Mood::Proud | Mood::Neutral);
    let tempo = if bright { 104.0 } else { 74.0 } * pulse(brief.mood).max(0.84);
    let mut sheet = Sheet::new(brief, tempo, 4.0, if brief.last { 3.6 } else { 0.8 });
    sheet.swing = 0.64;
    sheet.loose = 0.014;
    let key = tonic(brief, 45.0);
    let changes: &[Chord; 4] = if bright { &WARM } else { pick::<&[Chord; 4]>(brief.seed, 1, &[&SMOKE, &RAIN, &STEPS]) };
    let bass = program(&mut sheet, 32, 0.0, 0.5, 0.18);
    let piano = program(&mut sheet, 0, -0.25, 0.9, 0.4);
    let brushes = sheet.part(Instrument::Kit(40), Seat { pan: 0.2, gain: 1.0, hall: 0.25 });
    for bar in 0..sheet.bars {
        let now = &changes[bar as usize % 4];
        let next = &changes[(bar as usize + 1) % 4];
        walk(&mut sheet, bass, bar, key - 12.0, now, next);
        comp(&mut sheet, piano, bar, key, now);
        sweep(&mut sheet, brushes, bar);
    }
    lead(
        &mut sheet,
        theme,
        brief,
        key,
        if bright {
            MAJOR
        } else if brief.mood == Mood::Tense {
            HARMONIC_MINOR
        } else {
            DORIAN
        },
    );
    if brief.last {
        close(&mut sheet, [bass, piano, brushes], key, bright);
    }
    sheet.finish("a brushed jazz trio")
}

fn walk(sheet: &mut Sheet, part: PartId, bar: u32, key: f32, now: &Chord, next: &Chord) {
    let at = bar as f32 * 4.0;
    let low = |k: f32| if k > key + 9.0 { k - 12.0 } else { k };
    let (root, target) = (low(key + now.root), low(key + next.root));
    let lean = if sheet.chance(u64::from(bar), 0.0, 1.0) < 0.5 { 1.0 } else { -1.0 };
    let steps = if sheet.chance(u64::from(bar) + 500, 0.0, 1.0) < 0.6 {
        [root, root + now.third, root + 7.0, target + lean]
    } else {
        [root, root + 7.0, root + 12.0, target + lean]
    };
    for (i, k) in steps.iter().enumerate() {
        sheet.note(part, at + i as f32, 0.92, *k, if i % 2 == 0 { 0.72 } else { 0.64 });
    }
    if sheet.chance(u64::from(bar) + 900, 0.0, 1.0) < 0.3 {
        sheet.note(part, at + 3.5, 0.4, target + lean, 0.45);
    }
}

/// Where the piano speaks in a bar: never twice alike.
fn comp(sheet: &mut Sheet, part: PartId, bar: u32, key: f32, now: &Chord) {
    let places: &[(f32, f32)] = match (sheet.chance(u64::from(bar) + 1300, 0.0, 4.0)) as u32 {
        0 => &[(0.0, 3.2)],
        1 => &[(0.5, 1.0), (2.5, 1.4)],
        2 => &[(1.5, 2.2)],
        _ => &[(0.0, 1.2), (2.5, 1.2)],
    };
    for &(beat, beats) in places {
        // The left hand keeps within an octave around middle C.
        let keys: Vec<f32> = now
            .notes
            .iter()
            .map(|n| key + now.root + n)
            .map(|k| {
                if k > 69.0 {
                    k - 12.0
                } else if k < 52.0 {
                    k + 12.0
                } else {
                    k
                }
            })
            .collect();
        sheet.chord(part, bar as f32 * 4.0 + beat, beats, &keys, 0.46, 0.02);
    }
}

/// The brush kit: a swirl through the bar, taps on two and four, a little ride.
fn sweep(sheet: &mut Sheet, part: PartId, bar: u32) {
    let at = bar as f32 * 4.0;
    for beat in 0..4 {
        let b = at + beat as f32;
        sheet.note(part, b, 0.9, 51.0, if beat % 2 == 0 { 0.46 } else { 0.56 });
        if beat % 2 == 1 {
            sheet.note(part, b + 0.5, 0.4, 51.0, 0.4);
            sheet.note(part, b, 0.4, 38.0, 0.66);
            sheet.note(part, b, 0.3, 44.0, 0.6);
        } else {
            sheet.note(part, b, 1.0, 40.0, 0.55);
        }
    }
    if bar % 4 == 3 {
        sheet.note(part, at + 3.5, 0.4, 38.0, 0.55);
    }
}

fn lead(sheet: &mut Sheet, theme: &Theme, brief: &CueBrief, key: f32, scale: Scale) {
    let (number, octave) = match brief.mood {
        Mood::Tender | Mood::Happy | Mood::Playful => (11, 24.0),
        Mood::Sad | Mood::Tired | Mood::Solemn => (66, 12.0),
        _ => (59, 24.0),
    };
    let part = program(sheet, number, 0.18, if number == 11 { 0.95 } else { 0.5 }, 0.55);
    let voice = Lead {
        part,
        scale,
        tonic: key + octave,
        velocity: 0.66,
        touch: if number == 11 { Touch::Plain } else { Touch::Scoop },
        enters: 4.0,
        stretch: 1.0,
        rest: 8.0,
    };
    let mut at = voice.enters.min(sheet.beats() * 0.25);
    for n in 0.. {
        let telling = if n % 2 == 0 { Telling::Plain } else { Telling::Sparse };
        let Some((tones, stretch)) = fit(&theme.told(n, telling), sheet.beats() - at, voice.stretch) else { break };
        // Behind the beat by a tenth.
        phrase(sheet, &voice, &tones, at + 0.1, stretch, brief.seed ^ u64::from(n));
        at += PHRASE_BEATS * voice.stretch + voice.rest;
    }
}

fn close(sheet: &mut Sheet, [bass, piano, brushes]: [PartId; 3], key: f32, bright: bool) {
    let end = sheet.beats();
    let third = if bright { 4.0 } else { 3.0 };
    sheet.note(bass, end, 4.0, key - 12.0, 0.7);
    sheet.chord(piano, end, 4.0, &[key + 12.0 + third, key + 19.0, key + 23.0, key + 26.0], 0.5, 0.08);
    sheet.note(brushes, end, 3.0, 49.0, 0.16);
}
