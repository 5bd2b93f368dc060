//! Whether a film, or most of one, is known: PDQ hashes of its frames, a second apart, as ThreatExchange's vPDQ has them.
//!
//! Two films are compared as sets of frames: of each, the share of its frames that the other has within 31 bits. That holds against cuts,
//! inserts and other frame rates; it does not against mirrored or rotated pictures. TMK+PDQF, which compares a film's course over time, is
//! not here.

use crate::picture::{Hash, KnownHash, QUALITY_MIN, RADIUS_MAX, brute, distance, hex, pdq};
use klieg_kind::Shown;

/// Seconds between frames that are hashed.
pub const EVERY_SECONDS: f64 = 1.0;
/// Frames of a film that are hashed.
pub const FRAMES_MAX: usize = 4 * 3600;
/// Share of a film's frames from which on it is the same film.
pub const SAME_MIN: f32 = 0.8;

/// A frame of a film's fingerprint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePrint {
    pub hash: Hash,
    pub quality: f32,
    pub seconds: f64,
}

/// Gathers a film's fingerprint from its frames.
#[derive(Debug, Default)]
pub struct Printer {
    frames: Vec<FramePrint>,
    next: f64,
}

impl Printer {
    /// The next frame; hashed if it is due.
    pub fn push(&mut self, frame: &Shown) -> Option<FramePrint> {
        if frame.seconds < self.next || self.frames.len() == FRAMES_MAX {
            return None;
        }
        self.next = frame.seconds + EVERY_SECONDS;
        let (hash, quality) = pdq(frame.width, frame.height, &frame.rgb)?;
        let print = FramePrint { hash, quality, seconds: frame.seconds };
        self.frames.push(print);
        Some(print)
    }

    pub fn finish(self) -> Vec<FramePrint> {
        self.frames
    }
}

/// How much two films have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Common {
    /// Share of the first's frames that the second has, and the other way round; frames of low quality do not count.
    pub of_first: f32,
    pub of_second: f32,
    /// The first and last second of the first film that the second has.
    pub from: f64,
    pub to: f64,
}

/// Compares two fingerprints.
pub fn compare(first: &[FramePrint], second: &[Hash]) -> Common {
    let clear: Vec<&FramePrint> = first.iter().filter(|frame| frame.quality >= QUALITY_MIN).collect();
    if clear.is_empty() || second.is_empty() {
        return Common::default();
    }
    let found: Vec<f64> =
        clear.iter().filter(|frame| !brute(second, &frame.hash, RADIUS_MAX).is_empty()).map(|frame| frame.seconds).collect();
    let had = second.iter().filter(|hash| clear.iter().any(|frame| distance(&frame.hash, hash) <= RADIUS_MAX)).count();
    Common {
        of_first: found.len() as f32 / clear.len() as f32,
        of_second: had as f32 / second.len() as f32,
        from: found.first().copied().unwrap_or(0.0),
        to: found.last().copied().unwrap_or(0.0),
    }
}

/// A fingerprint as a list's hashes, to be exported: `hash,"seconds"` of every frame that is clear enough.
pub fn known(frames: &[FramePrint]) -> Vec<KnownHash> {
    let clear = frames.iter().filter(|frame| frame.quality >= QUALITY_MIN);
    clear.map(|frame| KnownHash { hash: frame.hash, label: format!("{:.3}", frame.seconds) }).collect()
}

/// As vPDQ writes it: `number,quality,hash,seconds` a line, quality of 100.
pub fn vpdq(frames: &[FramePrint]) -> String {
    let line = |(number, frame): (usize, &FramePrint)| {
        format!("{number},{:.0},{},{:.3}\n", frame.quality * 100.0, hex(&frame.hash), frame.seconds)
    };
    frames.iter().enumerate().map(line).collect()
}
