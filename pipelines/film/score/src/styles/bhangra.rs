//! Punjab at harvest: the dhol's swinging chaal at 150, tumbi on one high string, algoza (two flutes) with the tune, claps.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::MIXOLYDIAN;
use crate::sheet::{Seat, Sheet};
use crate::theme::Theme;
use klieg_film_words::pick;

/// Half-beats of a bar of four: dha na na na, na dha dha na.
const CHAAL: [&str; 3] = ["01110011", "01120012", "0112.011"];
const TUMBI: [[i32; 8]; 4] =
    [[0, 0, 3, 0, 2, 0, 1, 0], [0, 2, 0, 3, 2, 1, 0, 0], [3, 2, 3, 2, 1, 0, 1, 0], [0, 0, 2, 0, 0, 3, 2, 1]];
const TUMBI_NOTES: [f32; 4] = [0.0, 2.0, 3.0, 5.0];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let mut sheet = Sheet::new(brief, 150.0, 4.0, if brief.last { 1.8 } else { 0.4 });
    sheet.swing = 0.6;
    let sa = tonic(brief, 48.0);
    let dhol = sheet.part(Instrument::Drum(Drum::Dhol), Seat { pan: 0.0, gain: 0.55, hall: 0.18 });
    let clap = sheet.part(Instrument::Drum(Drum::Handclaps), Seat { pan: -0.25, gain: 1.0, hall: 0.3 });
    let tumbi = program(&mut sheet, 105, 0.35, 0.9, 0.25);
    let drone = program(&mut sheet, 20, -0.1, 0.4, 0.3);
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        let fill = bar % 8 == 7;
        strokes(
            &mut sheet,
            dhol,
            at,
            0.5,
            if fill { "01112222" } else { pick::<&str>(brief.seed, u64::from(bar / 2), &CHAAL) },
            0.82,
        );
        if bar % 8 >= 2 {
            strokes(&mut sheet, clap, at + 1.0, 2.0, "00", 0.9);
        }
        let riff = pick(brief.seed, 100 + u64::from(bar / 4) + u64::from(bar % 2), &TUMBI);
        for (i, n) in riff.iter().enumerate() {
            sheet.note(tumbi, at + i as f32 * 0.5, 0.4, sa + 24.0 + TUMBI_NOTES[*n as usize], if i % 2 == 0 { 0.74 } else { 0.58 });
        }
        if bar % 4 == 0 {
            sheet.chord(drone, at, 16.0, &[sa, sa + 7.0], 0.5, 0.0);
        }
    }
    for (pan, tune, gain) in [(0.1, 0.0, 0.62), (-0.12, 0.1, 0.4)] {
        let part = program(&mut sheet, 72, pan, gain, 0.35);
        let lead = Lead {
            part,
            scale: MIXOLYDIAN,
            tonic: sa + 24.0 + tune,
            velocity: 0.72,
            touch: Touch::Meend,
            enters: 8.0,
            stretch: 1.0,
            rest: 8.0,
        };
        tell(&mut sheet, theme, &lead, brief);
    }
    if brief.last {
        let end = sheet.beats();
        strokes(&mut sheet, dhol, end - 1.5, 0.5, "222", 0.85);
        for key in [0.0, 2.0] {
            sheet.note(dhol, end, 1.0, key, 0.95);
        }
        sheet.note(tumbi, end, 1.0, sa + 24.0, 0.85);
    }
    sheet.finish("bhangra")
}
