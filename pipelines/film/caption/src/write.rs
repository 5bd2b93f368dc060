//! The caption files.

use crate::Caption;
use klieg_film_words::FPS;

/// SubRip. Empty when there are no captions.
pub fn srt(captions: &[Caption]) -> String {
    let mut out = String::new();
    for (i, caption) in captions.iter().enumerate() {
        let times = format!("{} --> {}", clock(caption.start_frame, ','), clock(caption.end_frame, ','));
        let text = caption.lines.join("\n").replace("-->", "—>");
        out += &format!("{}\n{times}\n{text}\n\n", i + 1);
    }
    out
}

/// WebVTT (W3C), the speaker in a voice tag.
pub fn vtt(captions: &[Caption]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for (i, caption) in captions.iter().enumerate() {
        let times = format!("{} --> {}", clock(caption.start_frame, '.'), clock(caption.end_frame, '.'));
        let lines: Vec<String> = caption.lines.iter().map(|l| escape(l)).collect();
        let voice = match caption.speaker.as_str() {
            "" => String::new(),
            name => format!("<v {}>", escape(name)),
        };
        out += &format!("{}\n{times}\n{voice}{}\n\n", i + 1, lines.join("\n"));
    }
    out
}

/// Advanced SubStation Alpha, for 1920×1080.
pub fn ass(captions: &[Caption]) -> String {
    let mut out = String::from(ASS_HEAD);
    for caption in captions {
        let lines: Vec<String> = caption.lines.iter().map(|l| escape_ass(l)).collect();
        let name = escape_ass(&caption.speaker).replace(',', " ");
        let (start, end) = (centiseconds(caption.start_frame), centiseconds(caption.end_frame));
        out += &format!("Dialogue: 0,{start},{end},Dialogue,{name},0,0,0,,{}\n", lines.join("\\N"));
    }
    out
}

/// `WrapStyle: 2`: lines break only where they are broken here.
const ASS_HEAD: &str = "[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 2
ScaledBorderAndShadow: yes
YCbCr Matrix: TV.709

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Dialogue,Noto Sans,60,&H00FFFFFF,&H000000FF,&H00101010,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,120,120,70,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
";

fn milliseconds(frame: u32) -> u64 {
    (u64::from(frame) * 1000 + u64::from(FPS) / 2) / u64::from(FPS)
}

/// `00:00:01,500`.
fn clock(frame: u32, point: char) -> String {
    let ms = milliseconds(frame);
    format!("{:02}:{:02}:{:02}{point}{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// `0:00:01.50`.
fn centiseconds(frame: u32) -> String {
    let cs = (u64::from(frame) * 100 + u64::from(FPS) / 2) / u64::from(FPS);
    format!("{}:{:02}:{:02}.{:02}", cs / 360_000, cs / 6000 % 60, cs / 100 % 60, cs % 100)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Braces begin overrides and a backslash a command: their look-alikes don't.
fn escape_ass(text: &str) -> String {
    text.replace('\\', "\u{29f5}").replace('{', "\u{ff5b}").replace('}', "\u{ff5d}")
}

#[cfg(test)]
mod tests {
    use super::{ass, srt, vtt};
    use crate::Caption;

    fn two() -> Vec<Caption> {
        let caption = |start_frame, end_frame, lines: &[&str], speaker: &str| Caption {
            start_frame,
            end_frame,
            lines: lines.iter().map(|l| (*l).to_owned()).collect(),
            speaker: speaker.to_owned(),
        };
        vec![caption(36, 84, &["Hello,", "<you> & me"], "JO"), caption(86_400 * 24 / 24 + 1, 86_448, &["{a\\b} --> c"], "")]
    }

    #[test]
    fn subrip() {
        let expected = "1\n00:00:01,500 --> 00:00:03,500\nHello,\n<you> & me\n\n2\n01:00:00,042 --> 01:00:02,000\n{a\\b} —> c\n\n";
        assert_eq!(srt(&two()), expected);
        assert_eq!(srt(&[]), "");
    }

    #[test]
    fn web_video_text_tracks() {
        let expected = "WEBVTT\n\n1\n00:00:01.500 --> 00:00:03.500\n<v JO>Hello,\n&lt;you&gt; &amp; me\n\n2\n01:00:00.042 --> 01:00:02.000\n{a\\b} --&gt; c\n\n";
        assert_eq!(vtt(&two()), expected);
    }

    #[test]
    fn advanced_substation_alpha() {
        let text = ass(&two());
        assert!(text.contains("\nDialogue: 0,0:00:01.50,0:00:03.50,Dialogue,JO,0,0,0,,Hello,\\N<you> & me\n"), "{text}");
        assert!(text.ends_with("Dialogue: 0,1:00:00.04,1:00:02.00,Dialogue,,0,0,0,,｛a⧵b｝ --> c\n"), "{text}");
    }
}
