//! The last step: pieces joined, brought to the delivery's loudness and peak, written in their format; and the manifest.

use crate::params::AudioParams;
use crate::plan::Master;
use crate::wav;
use klieg_film_words::sound::Stereo;
use klieg_kind::Desk;
use klieg_protocol::{Fault, TaskFailure, TaskResult};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where sound that a program made without a trained model comes from (IPTC NewsCodes, digital source type).
const ALGORITHMIC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia";

/// Runs the `master` task: `sound` and `manifest`.
pub fn run(master: &Master, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let (mut sounds, mut pieces) = (Vec::new(), Vec::new());
    for name in desk.inputs() {
        match name.split_once('/') {
            Some(("sound", _)) => sounds.push(wav::read(&desk.input(&name)?)?),
            _ => {
                let about: Value = serde_json::from_slice(&desk.input(&name)?).map_err(|e| failed("read a piece", e))?;
                pieces.push(about);
            }
        }
    }
    let profile = master.audio.loudness.profile();
    let (sound, loudness) = klieg_film_mix::alone(joined(&sounds, &master.pauses), profile);
    let bytes = file(&sound, &master.audio, desk)?;
    let digest = desk.store(&bytes)?;
    let manifest = json!({
        "klieg": env!("CARGO_PKG_VERSION"), "kind": "audio", "digital_source_type": ALGORITHMIC,
        "content_credentials": "none in the farm's own bytes; who delivers them may sign them (--c2pa-key), and notes it in provenance.json",
        "renderer": if master.audio.text.is_some() || master.audio.file.is_some() { "flite and espeak-ng" } else { "klieg's score" },
        "params": master.audio, "read": master.read, "seconds": sound.seconds(), "loudness": loudness, "pieces": pieces,
        "outputs": [{"file": format!("sound.{}", master.audio.format.extension()), "digest": digest, "bytes": bytes.len()}],
    });
    let text = serde_json::to_vec_pretty(&manifest).map_err(|e| failed("write the manifest", e))?;
    let outputs = BTreeMap::from([("sound".to_owned(), digest), ("manifest".to_owned(), desk.store(&text)?)]);
    Ok(TaskResult { outputs, adds: Vec::new() })
}

fn joined(sounds: &[Stereo], pauses: &[f32]) -> Stereo {
    let mut all = Stereo::default();
    for (n, sound) in sounds.iter().enumerate() {
        all.samples.extend_from_slice(&sound.samples);
        if n + 1 < sounds.len() {
            all.samples.extend(Stereo::silence(pauses.get(n).copied().unwrap_or_default()).samples);
        }
    }
    all
}

fn file(sound: &Stereo, params: &AudioParams, desk: &mut dyn Desk) -> Result<Vec<u8>, TaskFailure> {
    let scratch = desk.scratch().to_owned();
    let wav = scratch.join("sound.wav");
    klieg_film_mix::write_wav(&wav, sound)
        .map_err(|e| TaskFailure { fault: Fault::Node, message: format!("failed to write the sound: {e}") })?;
    let path = match params.format.encoded() {
        None => wav,
        Some(format) => {
            let path = scratch.join(format!("encoded.{}", params.format.extension()));
            desk.media().sound(&path, format, &wav, &tags(params))?;
            path
        }
    };
    std::fs::read(&path).map_err(|e| TaskFailure { fault: Fault::Node, message: format!("failed to read the sound: {e}") })
}

/// What stands in the file besides the sound.
fn tags(params: &AudioParams) -> BTreeMap<String, String> {
    const CHARS: usize = 500;
    let words: String =
        params.prompt.as_ref().or(params.text.as_ref()).into_iter().flat_map(|text| text.chars()).take(CHARS).collect();
    let parameters = json!({"seed": params.seed, "voice": params.voice, "language": params.language, "mood": params.mood,
        "culture": params.culture, "tempo": params.tempo, "digital_source_type": ALGORITHMIC});
    let comment = format!("klieg {}: {parameters}", env!("CARGO_PKG_VERSION"));
    BTreeMap::from([("title".to_owned(), words), ("comment".to_owned(), comment)])
}

fn failed(what: &str, why: impl std::fmt::Display) -> TaskFailure {
    TaskFailure { fault: Fault::Task, message: format!("failed to {what}: {why}") }
}
