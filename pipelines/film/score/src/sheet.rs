//! Music paper: notes are written in beats and land in seconds, a little off the grid as players are.

use crate::brief::CueBrief;
use crate::piece::{Instrument, Note, Part, Piece};
use klieg_film_words::between;
use klieg_film_words::story::Mood;

/// Where a part stands on the stage and how loud it is.
#[derive(Clone, Copy)]
pub struct Seat {
    pub pan: f32,
    pub gain: f32,
    pub hall: f32,
}

/// Which part of a sheet is meant.
#[derive(Clone, Copy)]
pub struct PartId(usize);

pub struct Sheet {
    pub seconds: f32,
    /// Seconds a beat.
    pub beat: f32,
    /// Whole bars before the ending.
    pub bars: u32,
    pub beats_a_bar: f32,
    /// Where the second half of a beat falls, 0.5 being straight.
    pub swing: f32,
    /// How far off the grid, in seconds.
    pub loose: f32,
    seed: u64,
    count: u64,
    parts: Vec<Part>,
    fade: f32,
}

/// How much faster or slower a feeling goes.
pub fn pulse(mood: Mood) -> f32 {
    match mood {
        Mood::Neutral => 0.96,
        Mood::Happy => 1.14,
        Mood::Tender => 0.86,
        Mood::Sad => 0.76,
        Mood::Angry => 1.2,
        Mood::Afraid => 1.08,
        Mood::Surprised => 1.06,
        Mood::Tense => 1.04,
        Mood::Solemn => 0.8,
        Mood::Playful => 1.2,
        Mood::Proud => 1.0,
        Mood::Tired => 0.74,
    }
}

impl Sheet {
    /// Paper for a cue at about `tempo` beats a minute: the tempo gives way so that whole bars fill the cue, with `ending`
    /// seconds left for the last sound to die in.
    pub fn new(brief: &CueBrief, tempo: f32, beats_a_bar: f32, ending: f32) -> Self {
        let seconds = brief.seconds.max(1.0);
        let ending = ending.min(seconds * 0.3);
        let room = seconds - ending;
        let bars = (room * tempo / 60.0 / beats_a_bar).round().max(1.0);
        let beat = room / (bars * beats_a_bar);
        let fade: f32 = if brief.last { 1.2 } else { 1.0 };
        Self {
            seconds,
            beat,
            bars: bars as u32,
            beats_a_bar,
            swing: 0.5,
            loose: 0.008,
            seed: brief.seed,
            count: 0,
            parts: Vec::new(),
            fade: fade.min(seconds * 0.2),
        }
    }

    pub fn part(&mut self, instrument: Instrument, seat: Seat) -> PartId {
        self.parts.push(Part { instrument, pan: seat.pan, gain: seat.gain, hall: seat.hall, notes: Vec::new() });
        PartId(self.parts.len() - 1)
    }

    /// All beats before the ending.
    pub fn beats(&self) -> f32 {
        self.bars as f32 * self.beats_a_bar
    }

    /// Seconds at `beat`, swung.
    pub fn time(&self, beat: f32) -> f32 {
        let (whole, part) = (beat.floor(), beat.rem_euclid(1.0));
        let swung = if part < 0.5 { part * 2.0 * self.swing } else { self.swing + (part - 0.5) * 2.0 * (1.0 - self.swing) };
        (whole + swung) * self.beat
    }

    pub fn note(&mut self, part: PartId, beat: f32, beats: f32, key: f32, velocity: f32) {
        self.bent(part, beat, beats, key, velocity, Vec::new());
    }

    /// A note with `bends`: (part of its length 0–1, semitones).
    pub fn bent(&mut self, part: PartId, beat: f32, beats: f32, key: f32, velocity: f32, bends: Vec<(f32, f32)>) {
        self.count += 1;
        // The first beat of the picture is exact.
        let off = if beat <= 0.0 { 0.0 } else { between(self.seed, self.count, -self.loose, self.loose) };
        let at = (self.time(beat) + off).max(0.0);
        if at >= self.seconds - 0.02 {
            return;
        }
        let seconds = (self.time(beat + beats) - self.time(beat)).max(0.03);
        let velocity = (velocity * between(self.seed, self.count + 50_000, 0.92, 1.06)).clamp(0.02, 1.0);
        let bends = bends.into_iter().map(|(share, semitones)| (share * seconds, semitones)).collect();
        self.parts[part.0].notes.push(Note { at, seconds, key, velocity, bends });
    }

    /// The keys together, rolled upwards by `roll` beats a note.
    pub fn chord(&mut self, part: PartId, beat: f32, beats: f32, keys: &[f32], velocity: f32, roll: f32) {
        for (i, &key) in keys.iter().enumerate() {
            let late = i as f32 * roll;
            self.note(part, beat + late, (beats - late).max(0.1), key, velocity);
        }
    }

    /// A number in [low, high) of its own for each `n`.
    pub fn chance(&self, n: u64, low: f32, high: f32) -> f32 {
        between(self.seed ^ 0x5bd1_e995, n, low, high)
    }

    pub fn finish(mut self, what: impl Into<String>) -> Piece {
        for part in &mut self.parts {
            part.notes.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.key.total_cmp(&b.key)));
        }
        self.parts.retain(|p| !p.notes.is_empty());
        Piece { what: what.into(), seconds: self.seconds, parts: self.parts, fade_seconds: self.fade }
    }
}
