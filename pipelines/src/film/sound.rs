//! The steps that make sound: `speak` a line, `score` a scene, `mix` the film.

use super::{cut, failed, from_json, numbers, params::Loudness, prepared, wav};
use crate::kind::Desk;
use klieg_film_mix::{Profile, Sources};
use klieg_film_score::CueBrief;
use klieg_film_speech::Utterance;
use klieg_film_words::sound::Stereo;
use klieg_protocol::{Fault, TaskFailure, TaskResult, TaskSpec};
use std::collections::BTreeMap;

/// Speaks one line: `sound` (mono WAV) and `spoken` (phones as JSON).
pub fn speak(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let utterance: Utterance = from_json(&task.params)?;
    // A voice that is missing here may be installed on another node.
    let (samples, spoken) = klieg_film_speech::speak(&utterance, desk.scratch())
        .map_err(|e| TaskFailure { fault: Fault::Node, message: format!("speak the line: {e}") })?;
    let spoken = serde_json::to_vec(&spoken).map_err(|e| failed("write the phones", e))?;
    let outputs = [("sound".to_owned(), desk.store(&wav::mono(&samples)?)?), ("spoken".to_owned(), desk.store(&spoken)?)];
    Ok(TaskResult { outputs: outputs.into(), adds: Vec::new() })
}

/// Composes and plays one scene's cue: `music` (stereo WAV).
pub fn score(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let brief: CueBrief = from_json(&task.params)?;
    // Without a sound font the score's own synth plays.
    let font = klieg_film_score::sound_font().ok();
    let music = klieg_film_score::play(&klieg_film_score::compose(&brief), font.as_deref());
    Ok(TaskResult { outputs: [("music".to_owned(), desk.store(&wav::stereo(&music)?)?)].into(), adds: Vec::new() })
}

/// Mixes the film: four stems and their sum as 24-bit WAV, and `loudness` as JSON.
pub fn mix(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
    let (params, preparation) = prepared(task, desk)?;
    let cut = cut(desk)?;
    let mut lines: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for (line, name) in numbers(desk, "sound/")? {
        lines.insert(line, wav::read_mono(&desk.input(&name)?)?);
    }
    let mut score: BTreeMap<usize, Stereo> = BTreeMap::new();
    for (scene, name) in numbers(desk, "score/")? {
        score.insert(scene, wav::read_stereo(&desk.input(&name)?)?);
    }
    let mix = klieg_film_mix::mixdown(&Sources {
        cut: &cut,
        story: &preparation.story,
        lines: lines.iter().map(|(id, samples)| (*id, samples.as_slice())).collect(),
        score: score.iter().map(|(scene, music)| (*scene, music)).collect(),
        profile: match params.loudness {
            Loudness::Web => Profile::Web,
            Loudness::Ebu => Profile::Ebu,
            Loudness::Netflix => Profile::Netflix,
        },
    });
    let mut outputs = BTreeMap::new();
    for (name, sound) in [
        ("dialogue", &mix.dialogue),
        ("music", &mix.music),
        ("effects", &mix.effects),
        ("ambience", &mix.ambience),
        ("film", &mix.film),
    ] {
        let path = desk.scratch().join(format!("{name}.wav"));
        klieg_film_mix::write_wav(&path, sound)
            .map_err(|e| TaskFailure { fault: Fault::Node, message: format!("write the {name} stem: {e}") })?;
        outputs.insert(name.to_owned(), desk.store_file(&path)?);
    }
    let loudness = serde_json::to_vec(&mix.loudness).map_err(|e| failed("write the loudness", e))?;
    outputs.insert("loudness".to_owned(), desk.store(&loudness)?);
    Ok(TaskResult { outputs, adds: Vec::new() })
}
