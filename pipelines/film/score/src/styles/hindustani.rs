//! North India: tanpura, sitar or bansuri with meend over a raga of the hour, tabla in keherwa or a slow teental, santoor sparks.

use super::carnatic::drone;
use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{Scale, hindustani, semitones};
use crate::sheet::{Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::{Mood, Occasion};

/// Half-beats of keherwa: 0 ge, 1 na, 2 dry, 3 tin.
const KEHERWA: [&str; 4] = ["01.3.2013.1.2.1.", "01.3.1.201.3.2.1", "0.13.2.10.13.212", "01.3.20.0.13.211"];

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let raga = hindustani(brief.mood, brief.time);
    let calm = matches!(brief.mood, Mood::Sad | Mood::Tired | Mood::Solemn | Mood::Afraid);
    let festive = matches!(brief.occasion, Occasion::Wedding | Occasion::Festival);
    let tempo = if festive { 108.0 } else { 80.0 } * pulse(brief.mood);
    let mut sheet = Sheet::new(brief, tempo, 8.0, if brief.last { 3.2 } else { 0.8 });
    let sa = tonic(brief, 48.0);
    drone(&mut sheet, sa, if raga.notes.contains(&7) { 7.0 } else { 5.0 });
    let (number, octave, gain) = match brief.mood {
        _ if festive => (111, 12.0, 0.45),
        Mood::Tender | Mood::Sad | Mood::Tired => (73, 24.0, 0.6),
        _ => (104, 12.0, 1.0),
    };
    let part = program(&mut sheet, number, 0.1, gain, 0.55);
    let lead = Lead {
        part,
        scale: raga.notes,
        tonic: sa + octave,
        velocity: 0.74,
        touch: Touch::Meend,
        enters: 2.0,
        stretch: 1.0,
        rest: 3.0,
    };
    let told = tell(&mut sheet, theme, &lead, brief);
    santoor(&mut sheet, &told, sa, raga.notes, lead.rest);
    if !calm {
        tabla(&mut sheet, brief, u32::from(!festive));
    }
    if brief.last {
        let end = sheet.beats();
        sheet.bent(part, end, 3.0, sa + octave, 0.75, vec![(0.0, 2.0), (0.12, 0.0)]);
    }
    sheet.finish(format!("raga {}", raga.name))
}

fn santoor(sheet: &mut Sheet, told: &[(f32, f32)], sa: f32, raga: Scale, rest: f32) {
    let part = program(sheet, 15, -0.4, 1.0, 0.6);
    for (at, length) in told {
        for i in 0..8 {
            let beat = at + length + i as f32 * rest / 9.0;
            let degree = if i < 5 { i } else { 9 - i };
            if beat < sheet.beats() {
                sheet.note(part, beat, 0.8, sa + 12.0 + semitones(raga, degree) as f32, 0.62 + 0.03 * i as f32);
            }
        }
    }
}

fn tabla(sheet: &mut Sheet, brief: &CueBrief, silent_bars: u32) {
    let part = sheet.part(Instrument::Drum(Drum::Tabla), Seat { pan: 0.25, gain: 0.5, hall: 0.22 });
    for bar in silent_bars..sheet.bars {
        strokes(sheet, part, bar as f32 * 8.0, 0.5, pick::<&str>(brief.seed, 400 + u64::from(bar), &KEHERWA), 0.7);
    }
    if brief.last {
        let end = sheet.beats();
        sheet.note(part, end, 1.0, 0.0, 0.85);
        sheet.note(part, end, 1.0, 1.0, 0.8);
    }
}
