//! Whether a sound, or a part of it, is known: Chromaprint fingerprints (Lalinský, AcoustID), and the stretches that two have in common.

use rusty_chromaprint::{Configuration, Fingerprinter, match_fingerprints};

/// Samples a second that fingerprints are made of.
pub const RATE: u32 = 11_025;
/// Numbers of a fingerprint: about two hours.
pub const ITEMS_MAX: usize = 60_000;
/// The shortest stretch that counts, in seconds.
const STRETCH_SECONDS_MIN: f32 = 3.0;
/// Chromaprint's score of a stretch: bits by which its numbers differ; from here on it is something else.
const STRETCH_SCORE_MAX: f64 = 8.0;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// A melody of tones with overtones; `seed` chooses which.
    fn melody(seed: u32, seconds: u32) -> Vec<f32> {
        let note = |number: u32| {
            let mixed = (number + 1).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(40_503)) >> 16;
            220.0 * 2.0_f32.powf((mixed % 24) as f32 / 12.0)
        };
        let sample = |i: u32| {
            let (t, pitch) = (i as f32 / RATE as f32, note(i / (RATE / 3)));
            (1..5).map(|k| (t * pitch * k as f32 * std::f32::consts::TAU).sin() / k as f32).sum::<f32>() * 0.2
        };
        (0..RATE * seconds).map(sample).collect()
    }

    fn print(samples: &[f32]) -> SoundPrint {
        let mut printer = Printer::new().unwrap();
        samples.chunks(1_000).for_each(|piece| printer.push(piece));
        printer.finish()
    }

    #[test]
    fn a_part_of_a_sound_is_found_where_it_stands() {
        let (whole, other) = (melody(1, 40), melody(2, 40));
        let mut inside = other[..RATE as usize * 10].to_vec();
        // quieter, and not from a frame's beginning
        inside.extend(whole[RATE as usize * 12 + 333..RATE as usize * 30].iter().map(|sample| sample * 0.6));
        inside.extend(&other[RATE as usize * 20..]);
        let found = common(&print(&inside), &print(&whole));
        let longest = found.first().expect("the part is found");
        assert!((longest.from - 10.0).abs() < 2.0 && (longest.to - 28.0).abs() < 3.0, "{found:?}");
        assert!((longest.other - longest.from - 2.0).abs() < 1.0 && longest.likeness > 0.75, "{found:?}");
        assert!(common(&print(&other), &print(&whole)).is_empty());
    }

    #[test]
    fn lists_are_read_and_written() {
        let known = vec![("a song\tby us".to_owned(), vec![1, u32::MAX, 7])];
        let read = import(&export(&known)).unwrap();
        assert_eq!(read, [("a song by us".to_owned(), vec![1, u32::MAX, 7])]);
        assert!(import("chromaprint\tx\t1,2,-3").is_err() && import("x\ty").is_err());
    }
}
