//! Africa south of the Sahara: kalimba and balafon in interlocking twelves, a harp as kora, djembe with a bell pattern, voices
//! that answer.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{GONG, MIXOLYDIAN, YU, semitones};
use crate::sheet::{Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::Mood;

/// Twelve to the bar. The standard bell pattern of West Africa, and djembe parts: 0 bass, 1 tone, 2 slap.
const BELL: &str = "1.1.11.1.1.1";
const DJEMBE: [&str; 3] = ["0.211.0.2.11", "0..211.0.211", "02.110.02.1."];
const UPPER: [[i32; 6]; 3] = [[0, 2, 4, 2, 3, 1], [4, 2, 0, 2, 1, 2], [5, 4, 2, 4, 0, 2]];
const LOWER: [[i32; 4]; 3] = [[0, 2, 1, 2], [0, 3, 2, 3], [-2, 0, 1, 0]];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let calm = matches!(brief.mood, Mood::Sad | Mood::Tired | Mood::Solemn | Mood::Tender | Mood::Afraid);
    let dark = matches!(brief.mood, Mood::Sad | Mood::Tense | Mood::Afraid | Mood::Angry);
    let scale = if dark { YU } else { GONG };
    let mut sheet = Sheet::new(brief, 104.0 * pulse(brief.mood), 4.0, if brief.last { 2.8 } else { 0.8 });
    let key = tonic(brief, 52.0);
    let kalimba = program(&mut sheet, 108, -0.3, 0.85, 0.4);
    let balafon = program(&mut sheet, 12, 0.3, 1.0, 0.35);
    let djembe = sheet.part(Instrument::Drum(Drum::Djembe), Seat { pan: 0.05, gain: 0.5, hall: 0.25 });
    let bell = sheet.part(Instrument::Drum(Drum::Clapper), Seat { pan: 0.4, gain: 0.6, hall: 0.3 });
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        let shift = [0, 0, -1, 0, 1, 1, -1, 0][bar as usize % 8];
        for (i, d) in pick(brief.seed, u64::from(bar / 2), &UPPER).iter().enumerate() {
            sheet.note(kalimba, at + i as f32 * 2.0 / 3.0, 1.0, key + 12.0 + semitones(scale, d + shift) as f32, 0.62);
        }
        for (i, d) in pick(brief.seed, 50 + u64::from(bar / 2), &LOWER).iter().enumerate() {
            sheet.note(balafon, at + 1.0 / 3.0 + i as f32, 0.8, key + semitones(scale, d + shift) as f32, 0.5);
        }
        if !calm && bar > 0 {
            strokes(&mut sheet, djembe, at, 1.0 / 3.0, pick::<&str>(brief.seed, 90 + u64::from(bar), &DJEMBE), 0.66);
            strokes(&mut sheet, bell, at, 1.0 / 3.0, BELL, 0.5);
        }
    }
    let kora = program(&mut sheet, 46, -0.1, 0.65, 0.5);
    let lead = Lead {
        part: kora,
        scale: if dark { YU } else { MIXOLYDIAN },
        tonic: key + 12.0,
        velocity: 0.66,
        touch: Touch::Plain,
        enters: 4.0,
        stretch: 1.0,
        rest: 8.0,
    };
    let told = tell(&mut sheet, theme, &lead, brief);
    let choir = program(&mut sheet, 52, 0.0, 0.7, 0.7);
    for (at, length) in told {
        if at + length + 7.0 < sheet.beats() {
            for (i, chord) in [[0, 2, 4], [-1, 1, 4], [0, 2, 5]].iter().enumerate() {
                let keys: Vec<f32> = chord.iter().map(|d| key + semitones(scale, *d) as f32).collect();
                sheet.chord(choir, at + length + i as f32 * 2.5, 2.3, &keys, 0.5, 0.0);
            }
        }
    }
    if brief.last {
        let end = sheet.beats();
        sheet.chord(kora, end, 4.0, &[key, key + 7.0, key + 12.0, key + 16.0], 0.6, 0.15);
        sheet.note(djembe, end, 1.0, 0.0, 0.8);
    }
    sheet.finish("kalimba, balafon and djembe")
}
