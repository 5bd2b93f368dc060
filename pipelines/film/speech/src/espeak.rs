//! Every other language by `klieg-speech-helper`, the GPL-3.0 program around espeak-ng (`pipelines/speech-helper`). Its protocol
//! is one JSON object in, one out; a process speaks one line, because a second utterance in one process gives other samples.

use crate::mouth;
use crate::program::{self, SpeechError};
use crate::signal::{Raw, RawPhone, read_wav};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub const PROGRAM: &str = "klieg-speech-helper";
pub const INSTALL: &str = "install it with `apt install libespeak-ng-dev` and `cargo build --release --manifest-path pipelines/speech-helper/Cargo.toml`, then put \
                           it beside klieg, on the PATH, or name it in KLIEG_SPEECH_HELPER";

/// espeak-ng's tempo that matches pace 1, in words a minute.
const WORDS_A_MINUTE: f32 = 165.0;
/// Steps of espeak-ng's pitch scale (0–99) to an octave, measured on 1.51.
const PITCH_STEPS_AN_OCTAVE: f32 = 66.0;
/// The pitch of its women's and men's variants at 50, measured on 1.51.
const WOMEN_HZ: f32 = 196.0;
const MEN_HZ: f32 = 100.0;

#[derive(Serialize)]
struct Request<'a> {
    text: &'a str,
    voice: String,
    rate: i32,
    pitch: i32,
    range: i32,
    wav: &'a Path,
}

#[derive(Deserialize)]
struct Answer {
    sample_rate: u32,
    phones: Vec<Phone>,
}

#[derive(Deserialize)]
struct Phone {
    symbol: String,
    sample: u32,
}

/// How espeak-ng is asked to speak.
pub struct Manner {
    pub pitch_hz: f32,
    pub expression: f32,
    pub pace: f32,
}

/// KLIEG_SPEECH_HELPER, then beside the running program, then on the PATH.
pub fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("KLIEG_SPEECH_HELPER") {
        return Some(PathBuf::from(named)).filter(|p| p.is_file());
    }
    let beside =
        std::env::current_exe().ok().and_then(|exe| exe.parent().map(|folder| folder.join(PROGRAM))).filter(|p| p.is_file());
    beside.or_else(|| program::on_path(PROGRAM))
}

/// Speaks `text` in espeak-ng's `voice` with its speaker `variant`.
pub fn speak(text: &str, voice: &str, variant: &str, manner: &Manner, scratch: &Path) -> Result<Raw, SpeechError> {
    let helper =
        find().ok_or_else(|| SpeechError::Missing { program: PROGRAM, language: format!("`{voice}`"), install: INSTALL })?;
    speak_with(&helper, text, voice, variant, manner, scratch)
}

fn speak_with(helper: &Path, text: &str, voice: &str, variant: &str, manner: &Manner, scratch: &Path) -> Result<Raw, SpeechError> {
    let scratch_failed = |source| SpeechError::Scratch { path: scratch.to_owned(), source };
    let folder = tempfile::tempdir_in(scratch).map_err(scratch_failed)?;
    let wav = folder.path().join("line.wav");
    let base = if variant.starts_with('f') { WOMEN_HZ } else { MEN_HZ };
    let request = Request {
        text,
        voice: format!("{voice}+{variant}"),
        rate: (WORDS_A_MINUTE * manner.pace).round() as i32,
        pitch: (50.0 + PITCH_STEPS_AN_OCTAVE * (manner.pitch_hz / base).log2()).round() as i32,
        range: (50.0 * manner.expression).round() as i32,
        wav: &wav,
    };
    let failed = |message: String| SpeechError::Failed { program: PROGRAM.into(), message };
    let json = serde_json::to_vec(&request).map_err(|e| failed(e.to_string()))?;
    let printed = program::run(helper, &[], &json)?;
    let answer: Answer = serde_json::from_str(&printed).map_err(|e| failed(format!("its answer is not what it should be: {e}")))?;
    let (samples, sample_rate) = read_wav(&wav, PROGRAM)?;
    if answer.sample_rate != sample_rate {
        return Err(failed(format!("it says {} samples a second and wrote {sample_rate}", answer.sample_rate)));
    }
    let phones = timed(&answer.phones, samples.len(), sample_rate);
    Ok(Raw { samples, sample_rate: sample_rate as f32, phones })
}

/// Each phone lasts until the next.
fn timed(phones: &[Phone], samples: usize, sample_rate: u32) -> Vec<RawPhone> {
    let seconds = |sample: u32| (sample as usize).min(samples) as f32 / sample_rate as f32;
    let ends = phones.iter().skip(1).map(|p| seconds(p.sample)).chain([samples as f32 / sample_rate as f32]);
    let mut at = 0.0f32;
    let mut all = Vec::with_capacity(phones.len());
    for (phone, end) in phones.iter().zip(ends) {
        let start = seconds(phone.sample).max(at);
        at = end.max(start);
        all.push(RawPhone { symbol: phone.symbol.clone(), start, end: at, mouth: mouth::of_ipa(&phone.symbol) });
    }
    all
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The helper, built for this test run; `None` (with a message) where libespeak-ng is not installed.
    pub fn built_helper() -> Option<PathBuf> {
        if let Some(found) = find() {
            return Some(found);
        }
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../speech-helper/Cargo.toml");
        let target = std::env::temp_dir().join("klieg-speech-helper-target");
        let status = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .status();
        if !status.is_ok_and(|s| s.success()) {
            eprintln!("skipped: the speech helper does not build here (apt install libespeak-ng-dev)");
            return None;
        }
        Some(target.join("debug").join(PROGRAM))
    }

    #[test]
    fn other_languages_are_spoken_with_phones_in_order() {
        let Some(helper) = built_helper() else { return };
        let scratch = tempfile::tempdir().unwrap();
        let manner = Manner { pitch_hz: 200.0, expression: 1.0, pace: 0.95 };
        for (voice, text) in [("ta", "வணக்கம் லட்சுமி"), ("hi", "नमस्ते, कैसे हो?"), ("ja", "こんにちは"), ("ar", "السلام عليكم")]
        {
            let raw = speak_with(&helper, text, voice, "f3", &manner, scratch.path()).unwrap();
            let length = raw.samples.len() as f32 / raw.sample_rate;
            assert!(length > 0.4, "{voice}: {length} s");
            assert!(raw.phones.len() > 5, "{voice}: {} phones", raw.phones.len());
            assert!(raw.phones.windows(2).all(|w| w[0].end <= w[1].start + 1e-4), "{voice}");
            assert!(raw.phones.iter().all(|p| p.end <= length + 1e-4), "{voice}");
            let again = speak_with(&helper, text, voice, "f3", &manner, scratch.path()).unwrap();
            assert!(raw.samples == again.samples, "{voice} differs between two runs");
        }
        assert!(speak_with(&helper, "hello", "xx", "f3", &manner, scratch.path()).is_err(), "a voice that does not exist");
    }
}
