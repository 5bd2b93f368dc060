//! China: erhu or bamboo flute over a guzheng in pentatonic gong (yu when sad), with glissandi; blocks and a small gong when glad.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{GONG, Scale, YU, semitones};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

const ROLLS: [[i32; 8]; 4] =
    [[0, 2, 3, 5, 7, 5, 3, 2], [0, 3, 5, 7, 8, 7, 5, 3], [0, 2, 5, 3, 5, 7, 5, 2], [0, 5, 3, 5, 2, 5, 3, 5]];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let glad = matches!(brief.mood, Mood::Happy | Mood::Playful | Mood::Proud | Mood::Surprised);
    let scale = if matches!(brief.mood, Mood::Sad | Mood::Tense | Mood::Afraid | Mood::Angry | Mood::Solemn | Mood::Tired) {
        YU
    } else {
        GONG
    };
    let mut sheet = Sheet::new(brief, 78.0 * pulse(brief.mood), 4.0, if brief.last { 3.4 } else { 0.8 });
    let key = tonic(brief, 50.0);
    let zheng = program(&mut sheet, 107, -0.25, 0.95, 0.5);
    roll(&mut sheet, zheng, brief, key, scale);
    let (number, touch) = if glad { (73, Touch::Meend) } else { (110, Touch::Scoop) };
    let part = program(&mut sheet, number, 0.18, 0.45, 0.6);
    let lead = Lead {
        part,
        scale,
        tonic: key + if glad { 24.0 } else { 12.0 },
        velocity: 0.7,
        touch,
        enters: 4.0,
        stretch: 1.0,
        rest: 4.0,
    };
    tell(&mut sheet, theme, &lead, brief);
    if glad {
        let block = sheet.part(Instrument::Drum(Drum::Clapper), Seat { pan: 0.35, gain: 0.5, hall: 0.3 });
        for bar in 0..sheet.bars {
            strokes(&mut sheet, block, bar as f32 * 4.0, 0.5, if bar % 2 == 0 { "1..11.1." } else { "1..1.111" }, 0.45);
        }
    }
    if brief.last {
        let end = sheet.beats();
        for i in 0..10 {
            sheet.note(zheng, end + i as f32 * 0.09, 4.0, key + semitones(scale, i - 5) as f32, 0.5 + 0.02 * i as f32);
        }
        sheet.bent(part, end, 3.0, lead.tonic, 0.6, vec![(0.0, -0.6), (0.1, 0.0)]);
    }
    sheet.finish("pentatonic for erhu and guzheng")
}

fn roll(sheet: &mut Sheet, part: PartId, brief: &CueBrief, key: f32, scale: Scale) {
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        let shift = [0, -2, -1, 0][bar as usize % 4];
        sheet.note(part, at, 4.0, key - 12.0 + semitones(scale, shift) as f32, 0.62);
        for (i, degree) in pick(brief.seed, u64::from(bar), &ROLLS).iter().enumerate().skip(1) {
            if sheet.chance(u64::from(bar) * 16 + i as u64, 0.0, 1.0) < 0.8 {
                sheet.note(part, at + i as f32 * 0.5, 2.0, key + semitones(scale, *degree + shift) as f32, 0.42);
            }
        }
        if bar % 4 == 3 {
            for i in 0..10 {
                sheet.note(part, at + 3.0 + i as f32 * 0.08, 1.5, key + 24.0 + semitones(scale, -i) as f32, 0.36);
            }
        }
    }
}
