//! The Middle East: oud in a low drone and runs, ney or strings with the tune, qanun sparks, darbuka in maqsum; hijaz or bayati.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{BAYATI, HIJAZ, Scale, semitones};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

/// Half-beats: 0 dum, 1 tek, 3 ka.
const MAQSUM: [&str; 4] = ["01.103.1", "01310313", "01.1031.", "01.10.13"];
const SAMAI: [&str; 2] = ["0...1...", "0..3..1."];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let calm = matches!(brief.mood, Mood::Sad | Mood::Tired | Mood::Solemn | Mood::Tender | Mood::Afraid);
    let scale = if matches!(brief.mood, Mood::Tender | Mood::Sad | Mood::Tired) { BAYATI } else { HIJAZ };
    let mut sheet = Sheet::new(brief, 92.0 * pulse(brief.mood), 4.0, if brief.last { 3.2 } else { 0.8 });
    let key = tonic(brief, 45.0);
    let oud = program(&mut sheet, 24, -0.25, 0.6, 0.4);
    pluck(&mut sheet, oud, brief, key, scale);
    let darbuka = sheet.part(Instrument::Drum(Drum::Darbuka), Seat { pan: 0.22, gain: 0.6, hall: 0.25 });
    for bar in u32::from(calm) * 2..sheet.bars {
        let pattern = if calm { pick(brief.seed, u64::from(bar), &SAMAI) } else { pick(brief.seed, u64::from(bar), &MAQSUM) };
        strokes(&mut sheet, darbuka, bar as f32 * 4.0, 0.5, pattern, if calm { 0.45 } else { 0.68 });
    }
    let part = program(&mut sheet, if calm { 77 } else { 48 }, 0.15, 0.75, 0.6);
    let lead = Lead {
        part,
        scale,
        tonic: key + if calm { 24.0 } else { 12.0 },
        velocity: 0.66,
        touch: Touch::Meend,
        enters: 4.0,
        stretch: 1.0,
        rest: 4.0,
    };
    let told = tell(&mut sheet, theme, &lead, brief);
    let qanun = program(&mut sheet, 15, 0.4, 1.0, 0.5);
    for (at, length) in told {
        for i in 0..8 {
            let beat = at + length + i as f32 * 0.25;
            if beat < sheet.beats() {
                sheet.note(qanun, beat, 1.0, key + 24.0 + semitones(scale, 7 - i) as f32, 0.7);
            }
        }
    }
    if brief.last {
        let end = sheet.beats();
        sheet.chord(oud, end, 4.0, &[key - 12.0, key - 5.0, key, key + 12.0], 0.7, 0.1);
        sheet.note(darbuka, end, 1.0, 0.0, 0.7);
        sheet.bent(part, end, 3.0, lead.tonic, 0.6, vec![(0.0, 1.0), (0.12, 0.0)]);
    }
    sheet.finish("a maqam for oud, ney and darbuka")
}

fn pluck(sheet: &mut Sheet, part: PartId, brief: &CueBrief, key: f32, scale: Scale) {
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        sheet.note(part, at, 3.0, key - 12.0, 0.7);
        let walk = *pick(
            brief.seed,
            800 + u64::from(bar),
            &[[0, 1, 2, 1, 0, -1], [4, 3, 2, 1, 0, 0], [0, 2, 1, 3, 2, 0], [2, 1, 0, -1, 0, 0]],
        );
        for (i, degree) in walk.iter().enumerate() {
            if sheet.chance(u64::from(bar) * 9 + i as u64, 0.0, 1.0) < 0.72 {
                sheet.note(part, at + 1.0 + i as f32 * 0.5, 0.8, key + semitones(scale, *degree) as f32, 0.5);
            }
        }
    }
}
