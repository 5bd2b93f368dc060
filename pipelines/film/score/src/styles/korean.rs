//! Korea: gayageum, haegeum and a low flute in triple time (jungmori, quicker gutgeori when glad) with janggu.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{GYEMYEONJO, PYEONGJO, semitones};
use crate::sheet::{Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

/// Twelve half-beats: 0 kung (left), 1 deok (right).
const JANGDAN: [&str; 3] = ["0..1.11.0.1.", "0..1..0.11.1", "0.11..0..1.1"];
const PLUCKS: [[i32; 6]; 3] = [[0, 3, 5, 6, 5, 3], [0, 2, 5, 3, 2, 3], [5, 3, 2, 0, 2, 3]];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let glad = matches!(brief.mood, Mood::Happy | Mood::Playful | Mood::Proud | Mood::Neutral | Mood::Surprised);
    let scale = if glad { PYEONGJO } else { GYEMYEONJO };
    let mut sheet = Sheet::new(brief, if glad { 112.0 } else { 84.0 } * pulse(brief.mood), 6.0, if brief.last { 3.2 } else { 0.8 });
    let key = tonic(brief, 48.0);
    let gayageum = program(&mut sheet, 107, -0.25, 1.0, 0.5);
    let janggu = sheet.part(Instrument::Drum(Drum::Janggu), Seat { pan: 0.2, gain: 0.6, hall: 0.3 });
    for bar in 0..sheet.bars {
        let at = bar as f32 * 6.0;
        for (i, degree) in pick(brief.seed, u64::from(bar), &PLUCKS).iter().enumerate() {
            let shaken = if i == 2 { vec![(0.0, 0.0), (0.15, 0.6), (0.3, 0.0), (0.45, 0.5), (0.6, 0.0)] } else { Vec::new() };
            sheet.bent(gayageum, at + i as f32, 2.5, key + semitones(scale, *degree) as f32, 0.55, shaken);
        }
        if bar > 0 || glad {
            strokes(
                &mut sheet,
                janggu,
                at,
                0.5,
                pick::<&str>(brief.seed, 60 + u64::from(bar), &JANGDAN),
                if glad { 0.66 } else { 0.48 },
            );
        }
    }
    let part = program(&mut sheet, if brief.mood == Mood::Tender || glad { 73 } else { 110 }, 0.2, 0.4, 0.6);
    let lead = Lead { part, scale, tonic: key + 12.0, velocity: 0.68, touch: Touch::Scoop, enters: 3.0, stretch: 1.5, rest: 6.0 };
    tell(&mut sheet, theme, &lead, brief);
    if brief.last {
        let end = sheet.beats();
        sheet.note(janggu, end, 1.0, 0.0, 0.7);
        sheet.chord(gayageum, end, 4.0, &[key - 12.0, key, key + 12.0], 0.6, 0.12);
        sheet.bent(part, end, 3.0, key + 12.0, 0.6, vec![(0.0, -0.5), (0.15, 0.0)]);
    }
    sheet.finish("gayageum and janggu")
}
