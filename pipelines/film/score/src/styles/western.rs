//! The West: a chamber orchestra by feeling. Glad: guitar, pizzicato, glockenspiel; tender and sad: piano, strings, a cello or an
//! oboe; tense: a pulse under tremolo; angry: low ostinato, brass and drums; solemn: slow strings and horn. Hospitals: piano and strings.

use super::lead::{Lead, Touch, program, strokes, tell, tonic};
use crate::brief::CueBrief;
use crate::drums::Drum;
use crate::piece::{Instrument, Piece};
use crate::scale::{DORIAN, HARMONIC_MINOR, MAJOR, MINOR, Scale, semitones};
use crate::sheet::{PartId, Seat, Sheet, pulse};
use crate::theme::Theme;
use klieg_film_words::pick;
use klieg_film_words::story::{Mood, Period};

/// Roots in degrees, a bar each.
const BRIGHT: [[i32; 4]; 4] = [[0, 4, 5, 3], [0, 5, 3, 4], [0, 3, 0, 4], [0, 2, 3, 4]];
const DARK: [[i32; 4]; 4] = [[0, 5, 2, 6], [0, 3, 5, 4], [0, 6, 5, 4], [0, 2, 5, 3]];

struct Band {
    key: f32,
    scale: Scale,
    path: [i32; 4],
}

impl Band {
    fn new(brief: &CueBrief, scale: Scale, bright: bool) -> Self {
        let path = *pick(brief.seed, 6, if bright { &BRIGHT } else { &DARK });
        Self { key: tonic(brief, 45.0), scale, path }
    }
    /// The `d`-th degree above the root of `bar`'s chord, the root kept within an octave of the tonic.
    fn tone(&self, bar: u32, d: i32) -> f32 {
        let root = self.path[bar as usize % 4];
        let root = if root > 3 { root - 7 } else { root };
        self.key + semitones(self.scale, root + d) as f32
    }
}

pub fn write(brief: &CueBrief, theme: &Theme) -> Piece {
    match brief.mood {
        Mood::Happy | Mood::Playful | Mood::Proud | Mood::Surprised => glad(brief, theme),
        Mood::Tense | Mood::Afraid => tense(brief, theme),
        Mood::Angry => angry(brief, theme),
        Mood::Neutral | Mood::Tender | Mood::Sad | Mood::Solemn | Mood::Tired => chamber(brief, theme, false),
    }
}

/// A hospital: the chamber, with long strings and the piano alone.
pub fn hospital(brief: &CueBrief, theme: &Theme) -> Piece {
    if matches!(brief.mood, Mood::Tense | Mood::Afraid) { tense(brief, theme) } else { chamber(brief, theme, true) }
}

fn glad(brief: &CueBrief, theme: &Theme) -> Piece {
    let mut sheet = Sheet::new(brief, 100.0 * pulse(brief.mood), 4.0, if brief.last { 2.6 } else { 0.6 });
    let band = Band::new(brief, MAJOR, true);
    let old = brief.period == Period::Victorian;
    let guitar = program(&mut sheet, if old { 6 } else { 25 }, -0.3, 0.6, 0.35);
    let pizzicato = program(&mut sheet, 45, 0.25, 0.65, 0.45);
    let bass = program(&mut sheet, if old { 43 } else { 32 }, 0.0, 0.7, 0.2);
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        sheet.note(bass, at, 1.6, band.tone(bar, 0) - 12.0, 0.66);
        sheet.note(bass, at + 2.0, 1.6, band.tone(bar, 4) - 12.0, 0.6);
        for (i, d) in [0, 4, 7, 9, 7, 4, 7, 4].iter().enumerate() {
            sheet.note(guitar, at + i as f32 * 0.5, 1.0, band.tone(bar, *d), 0.5);
        }
        if bar >= 2 {
            for (beat, d) in [(1.0, 2), (1.5, 4), (3.0, 2)] {
                sheet.note(pizzicato, at + beat, 0.4, band.tone(bar, d) + 12.0, 0.55);
            }
        }
    }
    if !old {
        let kit = sheet.part(Instrument::Kit(40), Seat { pan: 0.1, gain: 0.9, hall: 0.25 });
        for bar in 2..sheet.bars {
            strokes_kit(&mut sheet, kit, bar);
        }
    }
    let part = program(&mut sheet, *pick(brief.seed, 8, &[71, 73, 68]), 0.12, 0.48, 0.5);
    let lead = Lead {
        part,
        scale: MAJOR,
        tonic: band.key + 24.0,
        velocity: 0.66,
        touch: Touch::Scoop,
        enters: 4.0,
        stretch: 1.0,
        rest: 4.0,
    };
    tell(&mut sheet, theme, &lead, brief);
    let bells = program(&mut sheet, 9, 0.4, 0.6, 0.6);
    tell(
        &mut sheet,
        theme,
        &Lead { part: bells, tonic: band.key + 36.0, enters: 20.0, rest: 20.0, touch: Touch::Plain, ..lead },
        brief,
    );
    if brief.last {
        close(&mut sheet, &band, guitar, bass, part, lead.tonic);
    }
    sheet.finish("chamber music")
}

fn strokes_kit(sheet: &mut Sheet, kit: PartId, bar: u32) {
    let at = bar as f32 * 4.0;
    for (beat, key, velocity) in [
        (0.0, 36.0, 0.5),
        (1.0, 38.0, 0.4),
        (2.0, 36.0, 0.42),
        (3.0, 38.0, 0.42),
        (0.5, 42.0, 0.3),
        (1.5, 42.0, 0.3),
        (2.5, 42.0, 0.3),
        (3.5, 42.0, 0.34),
    ] {
        sheet.note(kit, at + beat, 0.4, key, velocity);
    }
}

fn chamber(brief: &CueBrief, theme: &Theme, clinical: bool) -> Piece {
    let bright = matches!(brief.mood, Mood::Tender | Mood::Neutral);
    let scale = if bright {
        MAJOR
    } else if brief.mood == Mood::Tired {
        DORIAN
    } else {
        MINOR
    };
    let mut sheet = Sheet::new(brief, 74.0 * pulse(brief.mood), 4.0, if brief.last { 3.8 } else { 1.0 });
    sheet.loose = 0.016;
    let band = Band::new(brief, scale, bright);
    let piano = program(&mut sheet, 0, -0.15, 1.0, 0.45);
    let strings = program(&mut sheet, if clinical { 49 } else { 48 }, 0.1, 0.32, 0.65);
    let solemn = brief.mood == Mood::Solemn;
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        let figure: &[i32] = if clinical || solemn {
            &[0, 4]
        } else {
            pick::<[i32; 6]>(brief.seed, 20 + u64::from(bar / 2), &[[0, 4, 7, 9, 7, 4], [0, 4, 9, 7, 8, 7], [0, 7, 9, 11, 9, 7]])
        };
        let step = 4.0 / figure.len() as f32;
        for (i, d) in figure.iter().enumerate() {
            sheet.note(piano, at + i as f32 * step, step * 1.8, band.tone(bar, *d), if i == 0 { 0.5 } else { 0.38 });
        }
        if bar >= 1 || clinical || solemn {
            sheet.chord(strings, at, 4.15, &[band.tone(bar, 0), band.tone(bar, 4), band.tone(bar, 2) + 12.0], 0.42, 0.0);
        }
    }
    let number = match brief.mood {
        _ if clinical => 0,
        Mood::Sad | Mood::Tired => 42,
        Mood::Solemn => 60,
        Mood::Tender => *pick(brief.seed, 9, &[40, 68]),
        _ => 0,
    };
    let octave = if matches!(number, 42 | 60) { 12.0 } else { 24.0 };
    let part = program(&mut sheet, number, 0.15, if number == 0 { 1.0 } else { 0.55 }, 0.6);
    let touch = if number == 0 { Touch::Plain } else { Touch::Scoop };
    let lead = Lead {
        part,
        scale,
        tonic: band.key + octave,
        velocity: 0.62,
        touch,
        enters: 4.0,
        stretch: 1.0,
        rest: if clinical { 8.0 } else { 4.0 },
    };
    tell(&mut sheet, theme, &lead, brief);
    if brief.last {
        close(&mut sheet, &band, piano, strings, part, lead.tonic);
    }
    sheet.finish("chamber music")
}

fn tense(brief: &CueBrief, theme: &Theme) -> Piece {
    let mut sheet = Sheet::new(brief, 92.0 * pulse(brief.mood), 4.0, if brief.last { 3.0 } else { 0.8 });
    let band = Band::new(brief, HARMONIC_MINOR, false);
    let low = program(&mut sheet, 43, -0.1, 0.7, 0.4);
    let tremolo = program(&mut sheet, 44, 0.2, 0.7, 0.6);
    let piano = program(&mut sheet, 0, -0.3, 1.0, 0.6);
    let heart = sheet.part(Instrument::Drum(Drum::Taiko), Seat { pan: 0.0, gain: 0.22, hall: 0.4 });
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        for i in 0..8 {
            let key = band.key - 12.0 + if i == 6 { 1.0 } else { 0.0 };
            sheet.note(low, at + i as f32 * 0.5, 0.35, key, if i % 4 == 0 { 0.6 } else { 0.42 });
        }
        strokes(&mut sheet, heart, at, 0.5, "00......", 0.45);
        if bar % 2 == 1 {
            sheet.chord(
                tremolo,
                at,
                4.1,
                &[band.tone(bar, 0) + 12.0, band.tone(bar, 0) + 13.0 + f32::from(u8::from(bar % 4 == 3)) * 5.0],
                0.44,
                0.0,
            );
        }
        if bar % 4 == 2 {
            sheet.chord(piano, at + 1.0, 3.0, &[band.key + 24.0, band.key + 25.0], 0.4, 0.5);
        }
    }
    let part = program(&mut sheet, 42, 0.15, 0.5, 0.6);
    let lead = Lead {
        part,
        scale: HARMONIC_MINOR,
        tonic: band.key,
        velocity: 0.55,
        touch: Touch::Scoop,
        enters: 8.0,
        stretch: 1.0,
        rest: 12.0,
    };
    tell(&mut sheet, theme, &lead, brief);
    if brief.last {
        close(&mut sheet, &band, piano, low, part, lead.tonic);
    }
    sheet.finish("chamber music")
}

fn angry(brief: &CueBrief, theme: &Theme) -> Piece {
    let mut sheet = Sheet::new(brief, 96.0 * pulse(brief.mood), 4.0, if brief.last { 2.8 } else { 0.6 });
    let band = Band::new(brief, HARMONIC_MINOR, false);
    let low = program(&mut sheet, 48, -0.1, 0.65, 0.4);
    let drum = sheet.part(Instrument::Drum(Drum::Taiko), Seat { pan: 0.0, gain: 0.6, hall: 0.4 });
    for bar in 0..sheet.bars {
        let at = bar as f32 * 4.0;
        for (i, d) in [0, 0, 4, 0, 0, 5, 4, 2].iter().enumerate() {
            sheet.note(low, at + i as f32 * 0.5, 0.4, band.tone(bar, *d) - 12.0, if i % 3 == 0 { 0.76 } else { 0.56 });
        }
        strokes(&mut sheet, drum, at, 0.5, if bar % 2 == 0 { "0..0..0." } else { "0..0.000" }, 0.62);
    }
    let part = program(&mut sheet, 61, 0.15, 0.5, 0.55);
    let lead = Lead {
        part,
        scale: HARMONIC_MINOR,
        tonic: band.key + 12.0,
        velocity: 0.64,
        touch: Touch::Plain,
        enters: 4.0,
        stretch: 1.0,
        rest: 4.0,
    };
    tell(&mut sheet, theme, &lead, brief);
    if brief.last {
        close(&mut sheet, &band, low, low, part, lead.tonic);
    }
    sheet.finish("chamber music")
}

/// The tonic chord, rolled, with the tune's last note on top.
fn close(sheet: &mut Sheet, band: &Band, chord: PartId, bass: PartId, lead: PartId, tonic: f32) {
    let end = sheet.beats();
    let third = semitones(band.scale, 2) as f32;
    sheet.chord(chord, end, 5.0, &[band.key, band.key + 7.0, band.key + 12.0, band.key + 12.0 + third], 0.5, 0.08);
    sheet.note(bass, end, 5.0, band.key - 12.0, 0.56);
    sheet.note(lead, end + 0.3, 4.0, tonic, 0.5);
}
