//! From the cut to stretches of text with the time in which they are heard.

use crate::{rules::LINE_CHARACTERS, text};
use klieg_film_words::{
    shot::{Cut, Does},
    story::{Beat, Line, LineId, Story},
};
use std::collections::BTreeMap;

/// A caption's text with the frames in which its words are heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) lines: Vec<String>,
    pub(crate) speaker: String,
}

/// Every spoken line as one or more captions, by the time they begin.
pub(crate) fn heard(cut: &Cut, story: &Story) -> Vec<Heard> {
    let lines: BTreeMap<LineId, &Line> = story.scenes.iter().flat_map(|s| &s.beats).filter_map(spoken).map(|l| (l.id, l)).collect();
    let unseen = unseen(cut);
    let mut timings: Vec<_> = cut.lines.iter().filter(|t| t.frames > 0).collect();
    timings.sort_by_key(|t| (t.start, t.line));
    let mut out: Vec<Heard> = Vec::new();
    for timing in timings {
        let Some(line) = lines.get(&timing.line) else { continue };
        let speaker = story.cast.get(line.speaker).map_or("", |c| c.name.as_str());
        let label = unseen.get(&line.id).copied().unwrap_or(line.off_screen).then_some(speaker).filter(|s| !s.is_empty());
        let (start, end) = (timing.start, timing.start + timing.frames);
        if line.dual
            && let Some(last) = out.last_mut()
            && let Some(both) = together(last, start, end, &line.text, speaker)
        {
            *last = both;
            continue;
        }
        out.extend(share(start, end, text::captions(&line.text, label, timing.frames), speaker));
    }
    out.sort_by_key(|h| h.start);
    out
}

fn spoken(beat: &Beat) -> Option<&Line> {
    match beat {
        Beat::Line(line) => Some(line),
        Beat::Action(_) | Beat::Describe { .. } => None,
    }
}

/// Whether the speaker is out of the picture in the shot where the line is first heard.
fn unseen(cut: &Cut) -> BTreeMap<LineId, bool> {
    let mut unseen = BTreeMap::new();
    for cue in cut.shots.iter().flat_map(|s| &s.cues) {
        if let Does::Say { line, off_screen, .. } = cue.what {
            unseen.entry(line).or_insert(off_screen);
        }
    }
    unseen
}

/// Two who speak at once: one line each, with dashes, when both are short.
fn together(first: &Heard, start: u32, end: u32, text: &str, speaker: &str) -> Option<Heard> {
    let [said] = first.lines.as_slice() else { return None };
    let dashed = |s: &str| if s.starts_with("- ") { s.to_owned() } else { format!("- {s}") };
    let lines = vec![dashed(said), dashed(&text::clean(text))];
    let fits = start < first.end && lines.iter().all(|l| text::length(l) <= LINE_CHARACTERS && l.len() > 2);
    fits.then(|| Heard {
        start: first.start.min(start),
        end: first.end.max(end),
        lines,
        speaker: format!("{} & {speaker}", first.speaker),
    })
}

/// Shares the time of a line among its captions in proportion to their text.
fn share(start: u32, end: u32, captions: Vec<Vec<String>>, speaker: &str) -> Vec<Heard> {
    let length = |lines: &[String]| lines.iter().map(|l| text::length(l) as u64).sum::<u64>();
    let total: u64 = captions.iter().map(|c| length(c)).sum::<u64>().max(1);
    let mut before = 0;
    let at = |characters: u64| start + (u64::from(end - start) * characters / total) as u32;
    captions
        .into_iter()
        .map(|lines| {
            let from = at(before);
            before += length(&lines);
            Heard { start: from, end: at(before), lines, speaker: speaker.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::heard;
    use klieg_film_words::{
        shot::{Angle, CameraKey, Cue, Cut, Does, LineTiming, Move, Purpose, Shot, Size},
        story::*,
    };

    fn person(name: &str) -> Character {
        Character {
            name: name.into(),
            age: Age::Young,
            gender: Gender::Neutral,
            build: Build::Medium,
            culture: Culture::American,
            period: Period::Modern,
            occasion: Occasion::Everyday,
            language: "en".into(),
            dress: Vec::new(),
            line: 1,
            seed: 0,
        }
    }

    fn story(lines: &[(&str, bool, bool)]) -> Story {
        let line = |(id, (text, off_screen, dual)): (usize, &(&str, bool, bool))| {
            let (text, mood, line) = ((*text).to_owned(), Mood::Neutral, 1);
            Beat::Line(Line {
                id,
                speaker: id % 2,
                to: None,
                text,
                parenthetical: None,
                mood,
                off_screen: *off_screen,
                dual: *dual,
                line,
            })
        };
        let scene = Scene {
            id: "sc010".into(),
            heading: "INT. HOUSE".into(),
            lines: (1, 9),
            interior: true,
            place: Place::House,
            place_name: "HOUSE".into(),
            time: TimeOfDay::Day,
            weather: Weather::Clear,
            culture: Culture::American,
            period: Period::Modern,
            mood: Mood::Neutral,
            occasion: Occasion::Everyday,
            present: vec![0, 1],
            extras: 0,
            props: Vec::new(),
            beats: lines.iter().enumerate().map(line).collect(),
            sounds: Vec::new(),
            silent: false,
            seed: 0,
        };
        Story {
            title: "T".into(),
            credits: Vec::new(),
            scenes: vec![scene],
            cast: vec![person("ANN"), person("BOB")],
            inferences: Vec::new(),
        }
    }

    /// One shot; each line with its time and whether its speaker is out of the picture.
    fn cut(lines: &[(u32, u32, bool)]) -> Cut {
        let cue = |(line, (start, frames, off_screen)): (usize, &(u32, u32, bool))| Cue {
            start: *start as i32,
            frames: *frames,
            who: line % 2,
            what: Does::Say { line, mood: Mood::Neutral, off_screen: *off_screen },
        };
        let key = CameraKey {
            frame: 0,
            position: [0.0; 3],
            look_at: [0.0; 3],
            lens_mm: 35.0,
            focus_m: 2.0,
            aperture_m: 0.0,
            roll_degrees: 0.0,
        };
        let shot = Shot {
            name: "sc010_sh010".into(),
            scene: 0,
            purpose: Purpose::Master,
            size: Size::Wide,
            angle: Angle::Eye,
            movement: Move::Static,
            frames: 1000,
            camera: vec![key],
            marks: Vec::new(),
            cues: lines.iter().enumerate().map(cue).collect(),
            script_lines: Vec::new(),
            mood: Mood::Neutral,
            seed: 0,
        };
        let lines = lines
            .iter()
            .enumerate()
            .map(|(line, (start, frames, _))| LineTiming { line, start: *start, frames: *frames })
            .collect();
        Cut { shots: vec![shot], lines }
    }

    #[test]
    fn speakers_out_of_the_picture_are_named() {
        let found =
            heard(&cut(&[(0, 48, false), (60, 48, true)]), &story(&[("Hello.", false, false), ("Who's there?", false, false)]));
        let said: Vec<_> = found.iter().map(|h| (h.start, h.end, h.lines.join("|"), h.speaker.as_str())).collect();
        assert_eq!(said, [(0, 48, "Hello.".to_owned(), "ANN"), (60, 108, "BOB: Who's there?".to_owned(), "BOB")]);
    }

    #[test]
    fn a_long_line_shares_its_time_by_its_text() {
        let text = "The first of these sentences is long enough to fill a caption all by itself, I think. The second one is exactly as long as the first and it says the same thing twice, I think.";
        let found = heard(&cut(&[(100, 200, false)]), &story(&[(text, false, false)]));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((found[0].start, found[2].end), (100, 300));
        for pair in found.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
    }

    #[test]
    fn two_at_once_share_a_caption() {
        let found = heard(&cut(&[(0, 30, false), (5, 40, false)]), &story(&[("Stop!", false, false), ("Never!", false, true)]));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].lines.join("|").as_str(), found[0].speaker.as_str(), found[0].end),
            ("- Stop!|- Never!", "ANN & BOB", 45)
        );
    }
}
