use std::collections::BTreeMap;

/// What is kept above a measured peak: allocators and drivers differ a little from run to run.
const MARGIN_PERCENT: u64 = 10;

/// Memory peaks that were measured, by (job kind, step, shape).
#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    known: BTreeMap<(String, String, String), Peak>,
    /// How many are remembered; the one that was measured longest ago makes room.
    entries_max: usize,
    /// Counts measurements.
    count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peak {
    bytes: u64,
    at: u64,
}

impl Default for Peaks {
    fn default() -> Self {
        Self { known: BTreeMap::new(), entries_max: 10_000, count: 0 }
    }
}

impl Peaks {
    /// An attempt used so much. The highest of all counts; true when this is it.
    pub fn learn(&mut self, kind: &str, step: &str, shape: &str, bytes: u64) -> bool {
        if shape.is_empty() {
            return false;
        }
        self.count += 1;
        let key = (kind.to_string(), step.to_string(), shape.to_string());
        if !self.known.contains_key(&key) && self.known.len() >= self.entries_max {
            let oldest = self.known.iter().min_by_key(|(_, peak)| peak.at).map(|(key, _)| key.clone());
            oldest.map(|key| self.known.remove(&key));
        }
        let peak = self.known.entry(key).or_insert(Peak { bytes: 0, at: 0 });
        let higher = bytes > peak.bytes;
        *peak = Peak { bytes: peak.bytes.max(bytes), at: self.count };
        higher
    }

    /// What a task of that kind, step and shape should be given, if its like has run.
    pub fn of(&self, kind: &str, step: &str, shape: &str) -> Option<u64> {
        if shape.is_empty() || self.known.is_empty() {
            return None;
        }
        let peak = self.known.get(&(kind.to_string(), step.to_string(), shape.to_string()))?;
        Some(peak.bytes.saturating_add(peak.bytes / 100 * MARGIN_PERCENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counts_and_the_oldest_goes() {
        let mut peaks = Peaks { entries_max: 2, ..Peaks::default() };
        assert!(peaks.learn("film", "render", "a", 1_000));
        assert!(!peaks.learn("film", "render", "a", 500));
        peaks.learn("film", "render", "", 5);
        assert_eq!(peaks.of("film", "render", "a"), Some(1_100));
        assert_eq!(peaks.of("film", "render", ""), None);
        peaks.learn("film", "render", "b", 1);
        peaks.learn("film", "render", "a", 1);
        peaks.learn("film", "render", "c", 1);
        assert_eq!((peaks.of("film", "render", "b"), peaks.of("film", "render", "c")), (None, Some(1)));
    }
}
