//! English by the `flite` program (Flite 2.2, Carnegie Mellon; BSD-like). `-psdur` prints each utterance's phones as
//! `phone:end` on a line, times counting from the utterance's start. Two runs give the same bytes.

use crate::mouth;
use crate::program::{self, SpeechError};
use crate::signal::{Raw, RawPhone, read_wav};
use std::path::{Path, PathBuf};

pub const INSTALL: &str = "install it with `apt install flite`";

/// How flite is asked to speak: its own parameters.
pub struct Manner {
    pub pitch_hz: f32,
    /// Standard deviation of the pitch in hertz.
    pub spread_hz: f32,
    /// Durations relative to the voice's own.
    pub stretch: f32,
}

pub fn find() -> Option<PathBuf> {
    program::on_path("flite")
}

/// Speaks `text` (ASCII) with the voice `name`.
pub fn speak(text: &str, name: &str, manner: &Manner, scratch: &Path) -> Result<Raw, SpeechError> {
    let flite = find().ok_or(SpeechError::Missing { program: "flite", language: "English".into(), install: INSTALL })?;
    let scratch_failed = |source| SpeechError::Scratch { path: scratch.to_owned(), source };
    let folder = tempfile::tempdir_in(scratch).map_err(scratch_failed)?;
    let (script, wav) = (folder.path().join("line.txt"), folder.path().join("line.wav"));
    std::fs::write(&script, format!("{text}\n")).map_err(scratch_failed)?;
    let arguments = [
        "-voice".into(),
        name.into(),
        "-f".into(),
        script.display().to_string(),
        "-o".into(),
        wav.display().to_string(),
        "-psdur".into(),
        "--setf".into(),
        format!("int_f0_target_mean={:.2}", manner.pitch_hz),
        "--setf".into(),
        format!("int_f0_target_stddev={:.2}", manner.spread_hz),
        "--setf".into(),
        format!("duration_stretch={:.4}", manner.stretch),
    ];
    let printed = program::run(&flite, &arguments, b"")?;
    let (samples, sample_rate) = read_wav(&wav, "flite")?;
    let phones = parse(&printed, name == "kal16");
    if phones.is_empty() {
        return Err(SpeechError::Failed { program: "flite".into(), message: "it printed no phones".into() });
    }
    Ok(Raw { samples, sample_rate: sample_rate as f32, phones })
}

/// The phones that `-psdur` printed, in seconds from the first sample of the first utterance. A diphone voice (kal16) sounds only
/// half of an utterance's last phone, a pause: it has no second half to join to.
fn parse(printed: &str, diphones: bool) -> Vec<RawPhone> {
    let mut phones = Vec::new();
    let mut base = 0.0f32;
    for line in printed.lines() {
        let mut at = 0.0f32;
        for (symbol, end) in line.split_whitespace().filter_map(|p| p.split_once(':')) {
            let Ok(end) = end.parse::<f32>() else { continue };
            if !end.is_finite() || end < at {
                continue;
            }
            phones.push(RawPhone { symbol: symbol.into(), start: base + at, end: base + end, mouth: mouth::of_flite(symbol) });
            at = end;
        }
        if diphones
            && at > 0.0
            && let Some(last) = phones.last_mut()
        {
            let half = (last.end - last.start) / 2.0;
            last.end -= half;
            at -= half;
        }
        base += at;
    }
    phones
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_second_utterance_follow_the_first() {
        let phones = parse("pau:0.2 ay:0.5 \npau:0.1 n:0.3 ow:x pau:0.4\n", false);
        let ends: Vec<f32> = phones.iter().map(|p| p.end).collect();
        assert_eq!(phones.len(), 5);
        assert!((ends[2] - 0.6).abs() < 1e-6 && (ends[4] - 0.9).abs() < 1e-6, "{ends:?}");
    }

    #[test]
    fn the_voices_sound_as_long_as_their_phones_say() {
        if find().is_none() {
            eprintln!("skipped: flite is not installed (apt install flite)");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let manner = Manner { pitch_hz: 110.0, spread_hz: 12.0, stretch: 1.05 };
        for name in ["slt", "rms", "awb", "kal16"] {
            let raw = speak("Stop it. She said so. I have never seen this before!", name, &manner, scratch.path()).unwrap();
            let (sound, phones) = (raw.samples.len() as f32 / raw.sample_rate, raw.phones.last().unwrap().end);
            assert!((sound - phones).abs() < 0.04, "{name}: {sound} s of sound, {phones} s of phones");
        }
    }
}
