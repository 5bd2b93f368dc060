//! Spaceships and the future: pads that change like weather, a low pulse, a few glassy notes of the theme far away.

use super::lead::{Lead, PHRASE_BEATS, Touch, fit, phrase, program, tonic};
use crate::brief::CueBrief;
use crate::piece::Piece;
use crate::scale::{LYDIAN, MINOR, PHRYGIAN, Scale, semitones};
use crate::sheet::{Sheet, pulse};
use crate::theme::{Telling, Theme};
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

const PATHS: [[i32; 4]; 4] = [[0, 5, 2, 4], [0, 3, 5, 1], [0, 2, 5, 3], [0, 1, 5, 0]];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let uneasy = matches!(brief.mood, Mood::Tense | Mood::Afraid | Mood::Angry);
    let scale: Scale = match brief.mood {
        Mood::Happy | Mood::Tender | Mood::Surprised | Mood::Proud | Mood::Playful => LYDIAN,
        Mood::Afraid | Mood::Angry => PHRYGIAN,
        _ => MINOR,
    };
    let mut sheet = Sheet::new(brief, 66.0 * pulse(brief.mood), 8.0, if brief.last { 4.0 } else { 1.2 });
    let key = tonic(brief, 45.0);
    let path = pick(brief.seed, 3, &PATHS);
    let pad = program(&mut sheet, 89, -0.15, 0.45, 0.7);
    let air = program(&mut sheet, if uneasy { 92 } else { 91 }, 0.2, 0.8, 0.8);
    let bass = program(&mut sheet, 39, 0.0, 0.5, 0.2);
    for bar in 0..sheet.bars {
        let at = bar as f32 * 8.0;
        let tone = |d: i32| key + semitones(scale, path[bar as usize % 4] + d) as f32;
        let fold = |k: f32| if k > key + 14.0 { k - 12.0 } else { k };
        sheet.chord(pad, at, 8.4, &[fold(tone(0)), fold(tone(4)), fold(tone(2)) + 12.0, fold(tone(8)) + 12.0], 0.55, 0.0);
        sheet.chord(air, at + 2.0, 6.0, &[fold(tone(4)) + 12.0, fold(tone(6)) + 12.0], 0.42, 0.0);
        let step = if uneasy { 0.5 } else { 2.0 };
        for i in 0..(8.0 / step) as u32 {
            let soft = if i % 4 == 0 { 0.6 } else { 0.4 };
            sheet.note(bass, at + i as f32 * step, step * 0.6, fold(tone(0)) - 12.0, soft);
        }
    }
    if uneasy {
        let tremolo = program(&mut sheet, 44, -0.3, 1.0, 0.6);
        for bar in (1..sheet.bars).step_by(2) {
            sheet.chord(tremolo, bar as f32 * 8.0, 7.0, &[key + 12.0, key + 13.0], 0.4, 0.0);
        }
    }
    glass(&mut sheet, theme, brief, key, scale);
    if brief.last {
        let end = sheet.beats();
        sheet.chord(pad, end, 5.0, &[key - 12.0, key, key + 7.0, key + 14.0], 0.55, 0.0);
    }
    sheet.finish("pads and a pulse")
}

fn glass(sheet: &mut Sheet, theme: &Theme, brief: &CueBrief, key: f32, scale: Scale) {
    let part = program(sheet, 98, 0.3, 0.9, 0.85);
    let lead = Lead { part, scale, tonic: key + 24.0, velocity: 0.7, touch: Touch::Plain, enters: 4.0, stretch: 1.0, rest: 12.0 };
    let mut at = lead.enters;
    for n in 0.. {
        let Some((tones, stretch)) = fit(&theme.told(n, Telling::Sparse), sheet.beats() - at, lead.stretch) else { break };
        phrase(sheet, &lead, &tones, at, stretch, brief.seed);
        at += PHRASE_BEATS * lead.stretch + lead.rest;
    }
}
