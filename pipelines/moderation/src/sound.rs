//! Whether a sound, or a part of it, is known: Chromaprint fingerprints (Lalinský, AcoustID), and the stretches that two have in common.

use rusty_chromaprint::{Configuration, Fingerprinter, match_fingerprints};

/// Samples a second that fingerprints are made of.
pub const RATE: u32 = 11_025;
/// Numbers of a fingerprint: about two hours.
pub const ITEMS_MAX: usize = 60_000;
/// The shortest stretch that counts, in seconds.
const STRETCH_SECONDS_MIN: f32 = 5.0;
/// Chromaprint's score of a stretch: bits by which its numbers differ; from here on it is something else.
const STRETCH_SCORE_MAX: f64 = 6.0;

/// What a sound is told by.
pub type SoundPrint = Vec<u32>;

/// Makes a fingerprint of mono samples that come in pieces.
pub struct Printer(Fingerprinter, Vec<i16>);

/// A stretch of a sound that is a stretch of another; seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    pub from: f32,
    pub to: f32,
    /// Where it begins in the other.
    pub other: f32,
    /// 0–1: how alike they are.
    pub likeness: f32,
}

#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    #[error("begin a fingerprint: {0}")]
    Begin(String),
    #[error("read line {line} of a sound list: {what}")]
    List { line: usize, what: &'static str },
}

fn configuration() -> Configuration {
    Configuration::preset_test2()
}

impl Printer {
    /// For samples of `RATE` a second.
    pub fn new() -> Result<Self, SoundError> {
        let mut printer = Fingerprinter::new(&configuration());
        printer.start(RATE, 1).map_err(|e| SoundError::Begin(e.to_string()))?;
        Ok(Self(printer, Vec::new()))
    }

    /// More samples, −1 to 1.
    pub fn push(&mut self, samples: &[f32]) {
        self.1.clear();
        self.1.extend(samples.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32_767.0) as i16));
        self.0.consume(&self.1);
    }

    /// The fingerprint, of at most `ITEMS_MAX` numbers.
    pub fn finish(mut self) -> SoundPrint {
        self.0.finish();
        self.0.fingerprint().iter().copied().take(ITEMS_MAX).collect()
    }
}

/// The stretches of one sound that another has, the longest first.
pub fn common(one: &[u32], other: &[u32]) -> Vec<Stretch> {
    let configuration = configuration();
    let seconds = configuration.item_duration_in_seconds();
    let found = match_fingerprints(one, other, &configuration).unwrap_or_default();
    let stretch = |segment: rusty_chromaprint::Segment| Stretch {
        from: segment.offset1 as f32 * seconds,
        to: (segment.offset1 + segment.items_count) as f32 * seconds,
        other: segment.offset2 as f32 * seconds,
        likeness: (1.0 - segment.score / 32.0) as f32,
    };
    let near = found.into_iter().filter(|segment| segment.score <= STRETCH_SCORE_MAX).map(stretch);
    let mut long: Vec<Stretch> = near.filter(|stretch| stretch.to - stretch.from >= STRETCH_SECONDS_MIN).collect();
    long.sort_by(|a, b| (b.to - b.from).total_cmp(&(a.to - a.from)));
    long
}

/// A list of known sounds: `chromaprint`, a name, the numbers with commas, parted by tabs; as `fpcalc -raw` gives the numbers.
pub fn import(text: &str) -> Result<Vec<(String, SoundPrint)>, SoundError> {
    let line = |(at, line): (usize, &str)| {
        let bad = |what| SoundError::List { line: at + 1, what };
        let fields: Vec<&str> = line.split('\t').collect();
        let ["chromaprint", name, numbers] = fields[..] else {
            return Err(bad("a line is `chromaprint`, a name and numbers, parted by tabs"));
        };
        let numbers: Result<SoundPrint, _> = numbers.split(',').take(ITEMS_MAX).map(|number| number.trim().parse()).collect();
        Ok((name.to_owned(), numbers.map_err(|_| bad("a fingerprint is whole numbers of 32 bits with commas between them"))?))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#')).map(line).collect()
}

/// Writes such a list.
pub fn export(known: &[(String, SoundPrint)]) -> String {
    let line = |(name, print): &(String, SoundPrint)| {
        let numbers: Vec<String> = print.iter().map(u32::to_string).collect();
        format!("chromaprint\t{}\t{}\n", name.replace(['\t', '\n', '\r'], " "), numbers.join(","))
    };
    known.iter().map(line).collect()
}
