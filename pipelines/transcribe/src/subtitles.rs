//! Segments as SubRip and WebVTT.

use klieg_hearing::Segment;
use std::fmt::Write;

fn clock(seconds: f64, point: char) -> String {
    let milliseconds = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{point}{:03}", milliseconds / 1000 % 60, milliseconds % 1000)
}

/// Segments with something in them; an end is never before its start.
fn shown(segments: &[Segment]) -> impl Iterator<Item = (f64, f64, String)> + '_ {
    // An arrow or an empty line within a cue would end it.
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").replace("-->", "→");
    segments
        .iter()
        .map(move |one| (one.start, one.end.max(one.start + 0.02), plain(&one.text)))
        .filter(|(_, _, text)| !text.is_empty())
}

pub fn srt(segments: &[Segment]) -> String {
    let mut out = String::new();
    for (at, (start, end, text)) in shown(segments).enumerate() {
        let _ = write!(out, "{}\n{} --> {}\n{text}\n\n", at + 1, clock(start, ','), clock(end, ','));
    }
    out
}

pub fn vtt(segments: &[Segment]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for (start, end, text) in shown(segments) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(out, "{} --> {}\n{text}\n\n", clock(start, '.'), clock(end, '.'));
    }
    out
}

pub fn text(segments: &[Segment]) -> String {
    let mut out: String = shown(segments).map(|(_, _, text)| text + "\n").collect();
    if out.is_empty() {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_are_timed_and_escaped() {
        let segment = |start, end, text: &str| Segment {
            start,
            end,
            text: text.into(),
            tokens: vec![],
            words: vec![],
            temperature: 0.0,
            mean_logprob: 0.0,
            compression: 1.0,
            no_speech: 0.0,
        };
        let segments = [segment(0.0, 1.5, " The bell"), segment(2.0, 2.0, "  "), segment(3661.04, 3660.0, "a <b> --> c\n\nd & e")];
        assert_eq!(
            srt(&segments),
            "1\n00:00:00,000 --> 00:00:01,500\nThe bell\n\n2\n01:01:01,040 --> 01:01:01,060\na <b> → c d & e\n\n"
        );
        assert_eq!(
            vtt(&segments),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nThe bell\n\n01:01:01.040 --> 01:01:01.060\na &lt;b&gt; → c d &amp; e\n\n"
        );
        assert_eq!(text(&segments), "The bell\na <b> → c d & e\n");
    }
}
