//! When captions come and go: long enough to be read, never two at once.

use crate::{
    Caption,
    heard::Heard,
    rules::{CHARACTERS_A_SECOND, FLICKER_FRAMES, GAP_FRAMES, LEAD_FRAMES, LONGEST_FRAMES, SHORTEST_FRAMES},
    text,
};
use klieg_film_words::FPS;

/// Frames that it takes to read these lines.
fn reading(lines: &[String]) -> u32 {
    let characters = lines.iter().map(|l| text::length(l) as u32).sum::<u32>();
    (characters * FPS).div_ceil(CHARACTERS_A_SECOND).clamp(SHORTEST_FRAMES, LONGEST_FRAMES)
}

/// Gives every caption its frames in a film of so many. Captions for which the film has no frames left are dropped.
pub(crate) fn spread(heard: Vec<Heard>, film_frames: u32) -> Vec<Caption> {
    let starts = starts(&heard, film_frames);
    let mut out: Vec<Caption> = Vec::with_capacity(heard.len());
    for (i, heard) in heard.into_iter().enumerate() {
        let limit = starts.get(i + 1).map_or(film_frames, |next| next.saturating_sub(GAP_FRAMES));
        let needed = reading(&heard.lines);
        let start = starts[i];
        let mut end = heard.end.max(start + needed).min(start + LONGEST_FRAMES).min(limit);
        if limit.saturating_sub(end) < FLICKER_FRAMES - GAP_FRAMES && i + 1 < starts.len() {
            end = limit.min(start + LONGEST_FRAMES);
        }
        // what is still too fast may come a little before its sound
        let free = out.last().map_or(0, |last| last.end_frame + GAP_FRAMES);
        let earliest = free.max(heard.start.saturating_sub(LEAD_FRAMES)).min(start);
        let start = start.min(end.saturating_sub(needed)).max(earliest);
        if start + SHORTEST_FRAMES <= end {
            out.push(Caption { start_frame: start, end_frame: end, lines: heard.lines, speaker: heard.speaker });
        }
    }
    out
}

/// First frames that leave each caption its shortest time, whatever overlaps: first pushed later one by one, then, at the end of
/// the film, earlier.
fn starts(heard: &[Heard], film_frames: u32) -> Vec<u32> {
    let step = SHORTEST_FRAMES + GAP_FRAMES;
    let mut starts: Vec<u32> = heard.iter().map(|h| h.start).collect();
    for i in 1..starts.len() {
        starts[i] = starts[i].max(starts[i - 1] + step);
    }
    let mut latest = film_frames.saturating_sub(SHORTEST_FRAMES);
    for start in starts.iter_mut().rev() {
        *start = (*start).min(latest);
        latest = start.saturating_sub(step);
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::{reading, spread};
    use crate::{
        heard::Heard,
        rules::{GAP_FRAMES, LONGEST_FRAMES, SHORTEST_FRAMES},
    };
    use proptest::prelude::*;

    fn heard(start: u32, frames: u32, characters: usize) -> Heard {
        Heard { start, end: start + frames, lines: vec!["x".repeat(characters)], speaker: "A".into() }
    }

    fn times(heard: Vec<Heard>, film: u32) -> Vec<(u32, u32)> {
        spread(heard, film).iter().map(|c| (c.start_frame, c.end_frame)).collect()
    }

    #[test]
    fn time_to_read_is_taken_from_the_silence_after() {
        // 34 characters need two seconds
        assert_eq!(times(vec![heard(100, 24, 34)], 1000), [(100, 148)]);
        // until the next one comes; the rest is taken from before
        assert_eq!(times(vec![heard(100, 24, 34), heard(140, 48, 10)], 1000), [(90, 138), (140, 188)]);
        // but no more than half a second
        assert_eq!(times(vec![heard(100, 24, 42), heard(126, 48, 10)], 1000), [(88, 124), (126, 174)]);
    }

    #[test]
    fn short_gaps_are_closed_and_long_ones_stay() {
        assert_eq!(times(vec![heard(0, 48, 5), heard(57, 48, 5)], 1000), [(0, 55), (57, 105)]);
        assert_eq!(times(vec![heard(0, 48, 5), heard(80, 48, 5)], 1000), [(0, 48), (80, 128)]);
    }

    #[test]
    fn overlapping_speech_takes_turns() {
        assert_eq!(times(vec![heard(0, 60, 5), heard(10, 60, 5)], 1000), [(0, 20), (22, 70)]);
    }

    #[test]
    fn the_last_caption_ends_with_the_film() {
        assert_eq!(times(vec![heard(95, 10, 5)], 100), [(80, 100)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_rules_hold(lines in prop::collection::vec((0..400u32, 1..300u32, 1..42usize), 1..8)) {
            let mut heard: Vec<Heard> = lines.into_iter().map(|(s, f, c)| self::heard(s, f, c)).collect();
            heard.sort_by_key(|h| h.start);
            let needed: Vec<u32> = heard.iter().map(|h| reading(&h.lines)).collect();
            let found = times(heard.clone(), 900);
            prop_assert_eq!(found.len(), heard.len());
            for (i, (start, end)) in found.iter().enumerate() {
                prop_assert!(end - start >= SHORTEST_FRAMES && end - start <= LONGEST_FRAMES && *end <= 900);
                let next = found.get(i + 1).map_or(900 + GAP_FRAMES, |n| n.0);
                prop_assert!(next >= end + GAP_FRAMES);
                // too fast only where no time is left
                prop_assert!(end - start >= needed[i] || next == end + GAP_FRAMES);
            }
        }
    }
}
