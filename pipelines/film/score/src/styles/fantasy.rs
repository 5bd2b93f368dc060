//! Fantasy and the Middle Ages: harp in arpeggios, horns or recorder with the tune in an old mode, strings, low drums for war.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{DORIAN, LYDIAN, MIXOLYDIAN, PHRYGIAN, Scale, semitones};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

/// Roots in degrees, a bar each.
const PATHS: [[i32; 4]; 4] = [[0, 6, 3, 0], [0, 3, 6, 4], [0, 5, 6, 0], [0, 2, 3, 6]];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let scale = match brief.mood {
        Mood::Surprised | Mood::Tender | Mood::Happy => LYDIAN,
        Mood::Proud | Mood::Playful => MIXOLYDIAN,
        Mood::Afraid | Mood::Angry => PHRYGIAN,
        _ => DORIAN,
    };
    let war = matches!(brief.mood, Mood::Angry | Mood::Tense | Mood::Proud);
    let mut sheet = Sheet::new(brief, 84.0 * pulse(brief.mood), 4.0, if brief.last { 3.6 } else { 1.0 });
    let key = tonic(brief, 48.0);
    let path = pick(brief.seed, 4, &PATHS);
    let strings = program(&mut sheet, 48, 0.0, 0.7, 0.65);
    let harp = program(&mut sheet, 46, -0.3, 1.0, 0.55);
    for bar in 0..sheet.bars {
        accompany(&mut sheet, [strings, harp], bar, key, scale, path[bar as usize % 4]);
    }
    if war {
        let drum = sheet.part(Instrument::Drum(Drum::Taiko), Seat { pan: 0.0, gain: 0.26, hall: 0.5 });
        for bar in 0..sheet.bars {
            strokes(&mut sheet, drum, bar as f32 * 4.0, 0.5, if bar % 2 == 0 { "0..0.0.." } else { "0..0.000" }, 0.6);
        }
    }
    let number = match brief.mood {
        Mood::Proud | Mood::Solemn | Mood::Angry | Mood::Tense => 60,
        Mood::Tender | Mood::Sad => 69,
        _ => 74,
    };
    let part = program(&mut sheet, number, 0.2, 0.6, 0.65);
    let lead = Lead {
        part,
        scale,
        tonic: key + if number == 74 { 24.0 } else { 12.0 },
        velocity: 0.68,
        touch: Touch::Scoop,
        enters: 4.0,
        stretch: 1.0,
        rest: 4.0,
    };
    tell(&mut sheet, theme, &lead, brief);
    if brief.last {
        let end = sheet.beats();
        sheet.chord(strings, end, 4.0, &[key - 12.0, key, key + 7.0, key + 12.0], 0.6, 0.0);
        sheet.chord(harp, end, 4.0, &[key, key + 7.0, key + 12.0, key + 19.0, key + 24.0], 0.6, 0.1);
        sheet.note(part, end, 3.5, lead.tonic, 0.6);
    }
    sheet.finish("a modal tune for harp, horns and strings")
}

fn accompany(sheet: &mut Sheet, [strings, harp]: [PartId; 2], bar: u32, key: f32, scale: Scale, root: i32) {
    let at = bar as f32 * 4.0;
    let tone = |d: i32| key + semitones(scale, root + d) as f32;
    let low = |k: f32| if k > key + 8.0 { k - 12.0 } else { k };
    sheet.chord(strings, at, 4.1, &[low(tone(0)) - 12.0, low(tone(4)), low(tone(2)) + 12.0], 0.46, 0.0);
    for (i, d) in [0, 4, 7, 9, 11, 9, 7, 4].iter().enumerate() {
        sheet.note(harp, at + i as f32 * 0.5, 2.0, low(tone(0)) + (tone(*d) - tone(0)), 0.44 + if i == 0 { 0.1 } else { 0.0 });
    }
}
