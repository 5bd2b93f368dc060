//! Lists of known content that a policy names: pictures, films, sounds.

use crate::{
    Category, Evidence, Findings, Place,
    film::{self, FramePrint},
    picture::{self, Hash, Index, KnownHash, QUALITY_MIN, RADIUS_MAX},
    sound::{self, SoundPrint},
};
use klieg_kind::BadInput;

/// Inputs of a job that are lists: `list/NAME`.
pub const LISTS_PREFIX: &str = "list/";
/// Bytes of a list's file.
pub const LIST_BYTES_MAX: usize = 2 << 30;

/// A list, ready to be looked into.
#[derive(Debug)]
struct List {
    name: String,
    hashes: Vec<KnownHash>,
    index: Index,
    sounds: Vec<(String, SoundPrint)>,
}

/// What a list has: hashes, or sounds with their names.
pub(crate) type Known = (Vec<KnownHash>, Vec<(String, SoundPrint)>);

/// All lists of a job.
#[derive(Debug, Default)]
pub struct Lists(Vec<List>);

impl Lists {
    /// Reads a list of hashes (PDQ text or CSV) or of sounds (lines that begin with `chromaprint`).
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), BadInput> {
        let bad = |message: String| BadInput { file: format!("{LISTS_PREFIX}{name}"), line: 0, column: 0, message };
        let (hashes, sounds) = Self::check(name, bytes)?;
        let only: Vec<Hash> = hashes.iter().map(|known| known.hash).collect();
        let index = Index::new(only).map_err(|hashes| bad(format!("{} hashes are more than an index takes", hashes.len())))?;
        self.0.push(List { name: name.to_owned(), hashes, index, sounds });
        Ok(())
    }

    /// Reads a list without making it ready to be looked into.
    pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<Known, BadInput> {
        let bad = |message: String| BadInput { file: format!("{LISTS_PREFIX}{name}"), line: 0, column: 0, message };
        if bytes.len() > LIST_BYTES_MAX {
            return Err(bad(format!("a list has at most {LIST_BYTES_MAX} bytes; this has {}", bytes.len())));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| bad("a list is UTF-8".into()))?;
        if text.lines().any(|line| line.starts_with("chromaprint\t")) {
            return Ok((Vec::new(), sound::import(text).map_err(|e| bad(format!("failed to {e}")))?));
        }
        Ok((picture::import(text).map_err(|e| bad(format!("failed to {e}")))?, Vec::new()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks for a picture, or a frame of a film at its time.
    pub fn picture(&self, print: &FramePrint, place: &Place, findings: &mut Findings) {
        for list in &self.0 {
            let by = format!("pdq list {}", list.name);
            findings.judged(Category::KnownContent, &by);
            if print.quality < QUALITY_MIN {
                continue;
            }
            if let Some(near) = list.index.near(&print.hash, RADIUS_MAX).first() {
                let label = list.hashes.get(near.number as usize).map_or("", |known| known.label.as_str());
                let note = format!("{} of 256 bits from entry {} ({label})", near.distance, near.number + 1);
                findings.add(Category::KnownContent, Evidence { place: place.clone(), score: likeness(near.distance), by, note });
            }
        }
    }

    /// Looks for a film: one of which a list has most frames is known as a whole.
    pub fn film(&self, frames: &[FramePrint], findings: &mut Findings) {
        for list in self.0.iter().filter(|list| !list.hashes.is_empty()) {
            let found: Vec<&FramePrint> = frames
                .iter()
                .filter(|frame| frame.quality >= QUALITY_MIN && !list.index.near(&frame.hash, RADIUS_MAX).is_empty())
                .collect();
            let clear = frames.iter().filter(|frame| frame.quality >= QUALITY_MIN).count();
            let share = if clear == 0 { 0.0 } else { found.len() as f32 / clear as f32 };
            if let (Some(first), Some(last), true) = (found.first(), found.last(), share >= film::SAME_MIN) {
                let by = format!("pdq list {}", list.name);
                let note = format!("{:.0} % of its frames are in the list", share * 100.0);
                let place = Place::Time { from: first.seconds, to: last.seconds };
                findings.add(Category::KnownContent, Evidence { place, score: 1.0, by, note });
            }
        }
    }

    /// Looks for stretches of a sound.
    pub fn sound(&self, print: &[u32], findings: &mut Findings) {
        for list in self.0.iter().filter(|list| !list.sounds.is_empty()) {
            let by = format!("sound list {}", list.name);
            findings.judged(Category::KnownContent, &by);
            for (name, known) in &list.sounds {
                for stretch in sound::common(print, known) {
                    let place = Place::Time { from: stretch.from.into(), to: stretch.to.into() };
                    let note = format!("as {name} from {:.1} s on", stretch.other);
                    findings.add(Category::KnownContent, Evidence { place, score: stretch.likeness, by: by.clone(), note });
                }
            }
        }
    }
}

/// 1 for the same bits, 0.9 at PDQ's threshold: within it two pictures are taken as one.
fn likeness(distance: u32) -> f32 {
    1.0 - 0.1 * distance as f32 / RADIUS_MAX as f32
}
