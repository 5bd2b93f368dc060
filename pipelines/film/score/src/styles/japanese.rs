//! Japan: koto and shakuhachi in hirajoshi (in-sen when uneasy, yo when glad), notes that are given time to end, and silence.

use super::lead::{Lead, PHRASE_BEATS, Touch, fit, phrase, program, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{HIRAJOSHI, IN_SEN, Scale, YO, semitones};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::{Telling, Theme};
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

/// Koto figures in degrees, one a half-beat; 99 is silence.
const FIGURES: [[i32; 8]; 6] = [
    [0, 99, 4, 5, 7, 99, 99, 99],
    [5, 4, 99, 2, 0, 99, 99, 99],
    [0, 2, 4, 99, 5, 99, 4, 99],
    [9, 7, 5, 4, 2, 99, 0, 99],
    [0, 99, 99, 5, 99, 99, 99, 99],
    [4, 99, 5, 7, 99, 5, 99, 99],
];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let scale: Scale = match brief.mood {
        Mood::Happy | Mood::Playful | Mood::Proud | Mood::Surprised => YO,
        Mood::Tense | Mood::Afraid | Mood::Angry => IN_SEN,
        _ => HIRAJOSHI,
    };
    let mut sheet = Sheet::new(brief, 60.0 * pulse(brief.mood), 4.0, if brief.last { 4.0 } else { 1.0 });
    sheet.loose = 0.03;
    let key = tonic(brief, 48.0);
    let koto = program(&mut sheet, 107, -0.22, 1.0, 0.55);
    let flute = program(&mut sheet, 77, 0.25, 0.4, 0.75);
    strings(&mut sheet, koto, brief, key, scale);
    breath(&mut sheet, flute, theme, brief, key + 12.0, scale);
    if matches!(brief.mood, Mood::Tense | Mood::Angry | Mood::Proud) {
        drum(&mut sheet);
    }
    let bowl = sheet.part(Instrument::Drum(Drum::Bowl), Seat { pan: 0.0, gain: 0.9, hall: 0.6 });
    if matches!(brief.mood, Mood::Solemn | Mood::Sad | Mood::Tender) {
        sheet.note(bowl, 0.0, 4.0, 0.0, 0.5);
    }
    if brief.last {
        let end = sheet.beats();
        for (i, degree) in [0, 2, 3, 5].iter().enumerate() {
            sheet.note(koto, end + i as f32 * 0.16, 5.0, key + semitones(scale, *degree) as f32, 0.62);
        }
        sheet.bent(flute, end + 0.5, 3.0, key + 12.0, 0.5, vec![(0.0, -0.8), (0.15, 0.0), (0.8, 0.0), (1.0, -0.4)]);
    }
    sheet.finish("koto and shakuhachi")
}

/// A figure, then as much silence again; now and then a glissando over all strings, or a string pressed after the pluck (ato-oshi).
fn strings(sheet: &mut Sheet, part: PartId, brief: &CueBrief, key: f32, scale: Scale) {
    let mut at = 0.0;
    let mut n = 0u64;
    while at < sheet.beats() - 1.0 {
        let figure = pick(brief.seed, n, &FIGURES);
        for (i, degree) in figure.iter().enumerate().filter(|(_, d)| **d != 99) {
            let pressed = i > 0 && sheet.chance(n * 10 + i as u64, 0.0, 1.0) < 0.18;
            let bends = if pressed { vec![(0.0, 0.0), (0.2, 0.0), (0.32, 1.0), (0.5, 1.0), (0.62, 0.0)] } else { Vec::new() };
            let beat = at + i as f32 * 0.5;
            if beat < sheet.beats() {
                sheet.bent(
                    part,
                    beat,
                    3.0,
                    key + semitones(scale, *degree) as f32,
                    0.62 + 0.16 * sheet.chance(n * 10 + i as u64 + 5, 0.0, 1.0),
                    bends,
                );
            }
        }
        if n % 4 == 2 {
            for i in 0..9 {
                sheet.note(
                    part,
                    at + 4.0 + i as f32 * 0.07,
                    2.0,
                    key + 12.0 + semitones(scale, 8 - i) as f32,
                    0.4 + 0.02 * i as f32,
                );
            }
        }
        at += 4.0 + sheet.chance(n + 700, 1.0, 4.5).round();
        n += 1;
    }
}

fn breath(sheet: &mut Sheet, part: PartId, theme: &Theme, brief: &CueBrief, key: f32, scale: Scale) {
    let lead = Lead { part, scale, tonic: key, velocity: 0.6, touch: Touch::Scoop, enters: 3.0, stretch: 0.75, rest: 5.0 };
    let mut at = lead.enters;
    for n in 0.. {
        let told = theme.told(n, if n == 0 { Telling::Plain } else { Telling::Sparse });
        let Some((tones, stretch)) = fit(&told, sheet.beats() - at, lead.stretch) else { break };
        phrase(sheet, &lead, &tones, at, stretch, brief.seed ^ u64::from(n));
        at += PHRASE_BEATS * lead.stretch + lead.rest;
    }
}

fn drum(sheet: &mut Sheet) {
    let taiko = sheet.part(Instrument::Drum(Drum::Taiko), Seat { pan: 0.0, gain: 0.5, hall: 0.5 });
    for bar in (0..sheet.bars).step_by(2) {
        sheet.note(taiko, bar as f32 * 4.0, 2.0, 0.0, 0.6);
        sheet.note(taiko, bar as f32 * 4.0 + 3.5, 0.5, 0.0, 0.35);
    }
}
