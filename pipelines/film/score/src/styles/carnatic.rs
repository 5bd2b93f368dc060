//! South India: tanpura, a raga by feeling and hour sung by veena, violin or bamboo flute with gamaka, mridangam in adi tala
//! (4 + 2 + 2); at weddings nadaswaram and thavil. The last cue ends with a tirmanam, a figure played three times to land on sam.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::carnatic;
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::{Mood, Occasion};

/// Half-beats of an avartana of eight: 0 thom, 1 nam, 2 ta, 3 soft.
const ADI: [&str; 6] =
    ["0.3.1.3.0.2.1.3.", "0.1.3.1.0.1.2.3.", "0.31.31.0.3.1.3.", "0.3.13310.1.2.31", "0.1331.30.1.0331", "0313.1310.3.1.2."];
const FILL: &str = "01330133012301201";

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    let wedding = brief.occasion == Occasion::Wedding;
    let raga = carnatic(brief.mood, brief.time, wedding);
    let calm = matches!(brief.mood, Mood::Sad | Mood::Tired | Mood::Tender | Mood::Solemn | Mood::Afraid) && !wedding;
    let tempo = if wedding { 104.0 } else { 84.0 } * pulse(brief.mood).max(if wedding { 0.9 } else { 0.0 });
    let mut sheet = Sheet::new(brief, tempo, 8.0, if brief.last { 3.4 } else { 0.8 });
    let sa = tonic(brief, 48.0);
    drone(&mut sheet, sa, if raga.notes.contains(&7) { 7.0 } else { 5.0 });
    melody(&mut sheet, theme, brief, raga.notes, sa, wedding);
    if !calm || sheet.bars > 3 {
        tala(&mut sheet, brief, wedding, if calm { 2 } else { u32::from(!wedding) });
    }
    if brief.last {
        let end = sheet.beats();
        let part = program(&mut sheet, if wedding { 111 } else { 104 }, 0.05, 0.6, 0.6);
        sheet.bent(part, end, 3.0, sa + 12.0, 0.75, vec![(0.0, -1.0), (0.06, 0.0)]);
    }
    sheet.finish(format!("raga {} in adi tala", raga.name))
}

/// Pa (or Ma), Sa, Sa, low Sa, a second or so each, in its own time.
pub fn drone(sheet: &mut Sheet, sa: f32, fifth: f32) {
    let part = sheet.part(Instrument::Tanpura, Seat { pan: -0.1, gain: 0.25, hall: 0.35 });
    let step = 1.12 / sheet.beat;
    let strings = [fifth - 12.0, 0.0, 0.0, -12.0];
    let total = sheet.seconds / sheet.beat;
    let mut at = 0.0;
    for i in 0.. {
        if at > total {
            break;
        }
        sheet.note(part, at, step * 3.5, sa + strings[i % 4], 0.72);
        at += step * if i % 4 == 3 { 1.35 } else { 1.0 };
    }
}

fn melody(sheet: &mut Sheet, theme: &Theme, brief: &CueBrief, raga: crate::scale::Scale, sa: f32, wedding: bool) {
    let (number, octave, gain, velocity) = match (wedding, brief.mood) {
        (true, _) => (111, 12.0, 0.62, 0.78),
        (_, Mood::Tender | Mood::Happy | Mood::Playful) => (73, 24.0, 0.5, 0.72),
        (_, Mood::Sad | Mood::Tired | Mood::Afraid | Mood::Tense) => (40, 12.0, 0.55, 0.68),
        _ => (104, 12.0, 1.0, 0.84),
    };
    let part = program(sheet, number, 0.12, gain, 0.55);
    let lead = Lead {
        part,
        scale: raga,
        tonic: sa + octave,
        velocity,
        touch: Touch::Gamaka,
        enters: if wedding { 0.0 } else { 2.0 },
        stretch: 1.0,
        rest: if wedding { 0.0 } else { 4.0 },
    };
    let told = tell(sheet, theme, &lead, brief);
    // A second voice: the other nadaswaram in unison, or the veena answering in the rests.
    if wedding {
        let second = program(sheet, 111, -0.35, 0.42, 0.6);
        tell(sheet, theme, &Lead { part: second, tonic: sa + octave + 0.08, velocity: 0.6, ..lead }, brief);
    } else {
        let veena = program(sheet, 104, -0.3, 0.9, 0.5);
        for (at, length) in told {
            answer(sheet, veena, at + length, lead.rest, sa, raga, brief.seed);
        }
    }
}

fn answer(sheet: &mut Sheet, part: PartId, at: f32, beats: f32, sa: f32, raga: crate::scale::Scale, seed: u64) {
    let walk = *pick(seed, at as u64, &[[4, 3, 2, 1, 0], [2, 3, 4, 2, 0], [5, 4, 2, 1, 0], [0, 2, 1, 2, 4]]);
    for (i, degree) in walk.iter().enumerate() {
        let beat = at + i as f32 * beats * 0.17;
        if beat < sheet.beats() {
            sheet.note(part, beat, beats * 0.3, sa + crate::scale::semitones(raga, *degree) as f32, 0.6);
        }
    }
}

fn tala(sheet: &mut Sheet, brief: &CueBrief, wedding: bool, silent_bars: u32) {
    let drum = if wedding { Drum::Thavil } else { Drum::Mridangam };
    let part = sheet.part(Instrument::Drum(drum), Seat { pan: 0.25, gain: if wedding { 0.5 } else { 0.75 }, hall: 0.25 });
    let cymbals = sheet.part(Instrument::Drum(Drum::Cymbals), Seat { pan: -0.3, gain: 0.5, hall: 0.3 });
    for bar in silent_bars..sheet.bars {
        let at = bar as f32 * 8.0;
        let pattern = *pick(brief.seed, 300 + u64::from(bar), &ADI);
        let final_bar = bar + 1 == sheet.bars;
        match (final_bar && brief.last, bar % 4 == 3) {
            (true, _) => tirmanam(sheet, part, at),
            (_, true) => {
                strokes(sheet, part, at, 0.5, &pattern[..8], 0.72);
                strokes(sheet, part, at + 4.0, 0.25, FILL, 0.66);
            }
            _ => strokes(sheet, part, at, 0.5, pattern, 0.72),
        }
        for (beat, key) in [(0.0, 1.0), (4.0, 1.0), (6.0, 1.0), (2.0, 2.0)] {
            sheet.note(cymbals, at + beat, 0.5, key, if key == 1.0 { 0.6 } else { 0.4 });
        }
    }
    if brief.last {
        let end = sheet.beats();
        sheet.note(part, end, 1.0, 0.0, 0.9);
        sheet.note(part, end, 1.0, 1.0, 0.8);
        sheet.note(cymbals, end, 1.0, 1.0, 0.7);
    }
}

/// Tha dhi gi na thom, three times with a breath between, from the second beat to the next sam.
fn tirmanam(sheet: &mut Sheet, part: PartId, at: f32) {
    strokes(sheet, part, at, 0.5, "0.1.", 0.7);
    for round in 0..3 {
        strokes(sheet, part, at + 2.0 + round as f32 * 2.0, 0.25, "2133..", 0.75 + 0.05 * round as f32);
        strokes(sheet, part, at + 3.0 + round as f32 * 2.0, 0.5, "0", 0.85);
    }
}
