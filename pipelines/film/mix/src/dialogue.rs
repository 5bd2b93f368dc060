//! A voice from the studio into the scene: cleaned, evened out, set to its level, placed left to right, and answered by the room.

use crate::loudness::of_short;
use crate::place::room;
use crate::spot::heard_from;
use klieg_film_dsp::filter::Biquad;
use klieg_film_dsp::room::answer;
use klieg_film_dsp::{RATE, gain, pan_gains};
use klieg_film_words::shot::{Does, Shot, Size};
use klieg_film_words::story::{CharacterId, LineId, Mood, Scene};

/// Loudness of a spoken line before mastering.
pub const DIALOGUE_LUFS: f32 = -17.0;
/// ±15° on loudspeakers at ±30° is half the way to either side.
const PAN_MAX: f32 = 0.5;

/// How a line is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hearing {
    pub pan: f32,
    /// Decibels on the room's share: more when the camera is far.
    pub room_db: f32,
    /// Decibels on the voice.
    pub level_db: f32,
    /// From beyond the frame: the highs are lost.
    pub muffled: bool,
}

/// How `line` of `speaker` is heard in `shot`. Someone who speaks and is not in the scene at all narrates: close and dry.
pub fn hearing(shot: &Shot, frame: i32, speaker: CharacterId, line: LineId) -> Hearing {
    let off = shot.cues.iter().any(|c| matches!(c.what, Does::Say { line: l, off_screen: true, .. } if l == line));
    let Some(mark) = shot.marks.iter().find(|m| m.who == speaker) else {
        return Hearing { pan: 0.0, room_db: if off { -9.0 } else { 0.0 }, level_db: 0.0, muffled: false };
    };
    let (pan, _) = heard_from(shot, frame, [mark.x, 1.4, mark.z]);
    let (room_db, level_db) = match shot.size {
        Size::ExtremeWide | Size::VeryWide => (4.0, -1.0),
        Size::Wide | Size::Full => (2.5, -0.8),
        Size::MediumWide | Size::Cowboy => (1.0, -0.4),
        Size::Medium | Size::MediumClose | Size::Insert => (0.0, 0.0),
        Size::Close | Size::BigClose | Size::ExtremeClose => (-2.5, 0.3),
    };
    let far = if off { 4.0 } else { 0.0 };
    Hearing {
        pan: (pan * PAN_MAX / 0.8).clamp(-PAN_MAX, PAN_MAX),
        room_db: room_db + far,
        level_db: level_db - far * 0.2,
        muffled: off,
    }
}

/// The finished line with its room's tail.
pub fn treat(mono: &[f32], mood: Mood, heard: &Hearing, scene: &Scene) -> Vec<[f32; 2]> {
    let mut voice = mono.to_vec();
    clean(&mut voice, heard.muffled);
    compress(&mut voice);
    de_ess(&mut voice);
    let side = pan_gains(heard.pan);
    let mut placed: Vec<[f32; 2]> = voice.iter().map(|s| [s * side[0], s * side[1]]).collect();
    let wanted = DIALOGUE_LUFS + heard.level_db + temper(mood);
    let level = gain((wanted - of_short(&placed)).clamp(-40.0, 40.0));
    for s in &mut placed {
        *s = [s[0] * level, s[1] * level];
    }
    let (room, share_db) = room(scene);
    let share = gain(share_db + heard.room_db);
    let mut out = answer(&placed, &room);
    for (i, wet) in out.iter_mut().enumerate() {
        let dry = placed.get(i).copied().unwrap_or([0.0; 2]);
        *wet = [dry[0] + wet[0] * share, dry[1] + wet[1] * share];
    }
    out
}

/// The angry are a little louder, the tender softer; all stay within a decibel of the anchor.
fn temper(mood: Mood) -> f32 {
    match mood {
        Mood::Angry => 0.9,
        Mood::Afraid | Mood::Surprised | Mood::Happy | Mood::Playful | Mood::Proud => 0.4,
        Mood::Neutral | Mood::Tense => 0.0,
        Mood::Solemn => -0.3,
        Mood::Tender | Mood::Sad | Mood::Tired => -0.7,
    }
}

/// 80 Hz high-pass (fourth-order Butterworth), less box, more presence.
fn clean(voice: &mut [f32], muffled: bool) {
    Biquad::high_pass(80.0, 0.541).mono(voice);
    Biquad::high_pass(80.0, 1.307).mono(voice);
    Biquad::peak(320.0, 0.9, -2.0).mono(voice);
    Biquad::peak(3000.0, 0.8, 2.5).mono(voice);
    if muffled {
        Biquad::low_pass(3600.0, 0.6).mono(voice);
    }
}

/// Root mean square of what is louder than a tenth of the peak.
fn active_level(voice: &[f32]) -> f32 {
    let gate = voice.iter().fold(0.0f32, |p, s| p.max(s.abs())) * 0.1;
    let (sum, count) = voice.iter().filter(|s| s.abs() > gate).fold((0.0f64, 0u64), |(sum, n), s| (sum + f64::from(s * s), n + 1));
    (sum / count.max(1) as f64).sqrt() as f32
}

/// 2.5:1 above the line's own level, 4 ms attack, 110 ms release.
fn compress(voice: &mut [f32]) {
    let threshold = (active_level(voice) * 0.7).max(1e-5);
    let (attack, release) = (smoothing(0.004), smoothing(0.11));
    let mut level = 0.0f32;
    for s in voice {
        let x = s.abs();
        level += (x - level) * if x > level { attack } else { release };
        if level > threshold {
            *s *= (threshold / level).powf(1.0 - 1.0 / 2.5);
        }
    }
}

/// Turns down what lies above 5.2 kHz while it is louder than a third of the voice.
fn de_ess(voice: &mut [f32]) {
    let threshold = (active_level(voice) * 0.33).max(1e-5);
    let mut band = Biquad::high_pass(5200.0, 0.707);
    let (attack, release) = (smoothing(0.001), smoothing(0.04));
    let mut level = 0.0f32;
    for s in voice {
        let high = band.run(*s);
        let x = high.abs();
        level += (x - level) * if x > level { attack } else { release };
        if level > threshold {
            *s -= high * (1.0 - (threshold / level).powf(0.7));
        }
    }
}

fn smoothing(seconds: f32) -> f32 {
    1.0 - (-1.0 / (seconds * RATE)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixdown::tests::{film, mark, shot, speech};
    use klieg_film_words::shot::{Cue, Purpose};

    #[test]
    fn every_line_comes_to_its_level_whatever_it_was() {
        let (_, story) = film();
        for level in [0.02, 0.9] {
            let line: Vec<f32> = speech(2.0).iter().map(|s| s * level).collect();
            let heard = Hearing { pan: 0.3, room_db: 0.0, level_db: 0.0, muffled: false };
            let out = treat(&line, Mood::Neutral, &heard, &story.scenes[0]);
            let measured = crate::loudness::integrated(&out[..96_000]);
            assert!((measured - DIALOGUE_LUFS).abs() < 0.8, "{level}: {measured}");
            assert!(out.len() > 96_000, "the room answers");
        }
    }

    #[test]
    fn speakers_are_heard_where_they_stand_and_off_screen_from_afar() {
        let mut s = shot("sc010_sh010", 0, Purpose::Master, 96);
        s.marks = vec![mark(0, 1.0), mark(1, -1.0)];
        assert!(hearing(&s, 0, 0, 0).pan > 0.1 && hearing(&s, 0, 1, 0).pan < -0.1);
        assert!(hearing(&s, 0, 0, 0).pan <= PAN_MAX);
        s.cues = vec![Cue { start: 0, frames: 40, who: 1, what: Does::Say { line: 3, mood: Mood::Neutral, off_screen: true } }];
        let off = hearing(&s, 0, 1, 3);
        assert!(off.muffled && off.room_db > hearing(&s, 0, 0, 0).room_db);
        assert!(!hearing(&s, 0, 9, 3).muffled, "a narrator is close");
    }

    #[test]
    fn rumble_is_cut() {
        let mut low: Vec<f32> = (0..48_000).map(|i| (std::f32::consts::TAU * 30.0 * i as f32 / 48_000.0).sin()).collect();
        clean(&mut low, false);
        assert!(low[24_000..].iter().fold(0.0f32, |p, s| p.max(s.abs())) < 0.05);
    }
}
