//! The tasks of an audio job: its pieces, and the master that ends it.

use crate::params::{AudioParams, Wanted};
use crate::{music, speech};
use klieg_kind::BadInput;
use klieg_protocol::{Ask, Input, Source, TaskSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MIB: u64 = 1 << 20;

/// Parameters of the `master` task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Master {
    pub audio: AudioParams,
    /// Seconds of silence behind each piece but the last.
    pub pauses: Vec<f32>,
    /// What of the words was understood.
    pub read: Value,
}

pub fn tasks(params: &AudioParams, wanted: &Wanted) -> Result<Vec<TaskSpec>, BadInput> {
    let (mut tasks, pauses, read) = match wanted {
        Wanted::Speech(text) => {
            let voice = speech::voice(params, text)?;
            let (pieces, pauses): (Vec<String>, Vec<f32>) = speech::pieces(text).into_iter().unzip();
            let say = |(n, text): (usize, String)| {
                let seconds = 0.3 + 0.004 * text.chars().count() as f64;
                let label = text.chars().take(40).collect();
                task("say", n, json!(speech::utterance(params, &voice, text)), 96 * MIB, seconds, label)
            };
            let read = json!({"voice": voice.name(), "language": voice.language, "voice_fallback": voice.fallback});
            (pieces.into_iter().enumerate().map(say).collect::<Vec<_>>(), pauses, read)
        }
        Wanted::Music => {
            let (tune, read) = music::tune(params)?;
            let seconds = 1.0 + params.seconds() * 0.06;
            (vec![task("play", 0, json!(tune), 400 * MIB, seconds, "music".into())], vec![0.0], read)
        }
    };
    let inputs = tasks.iter().flat_map(|task| {
        ["sound", "about"].map(|name| {
            let from = Source::Output { task: task.name.clone(), name: name.into() };
            (format!("{name}/{}", task.name.rsplit('/').next().unwrap_or_default()), Input { from })
        })
    });
    let inputs: BTreeMap<String, Input> = inputs.collect();
    let master = Master { audio: params.clone(), pauses, read };
    let seconds = 0.5 + 0.1 * tasks.iter().map(|task| task.ask.seconds).sum::<f64>();
    let last = task("master", 0, json!(master), 400 * MIB, seconds, "the finished sound".into());
    tasks.push(TaskSpec { name: "master".into(), inputs, rank: 1_000_000, ..last });
    Ok(tasks)
}

fn task(step: &str, n: usize, params: Value, memory_bytes: u64, seconds: f64, label: String) -> TaskSpec {
    let ask = Ask { memory_bytes, seconds, ..Ask::default() };
    TaskSpec { name: format!("{step}/{n:05}"), step: step.into(), params, inputs: BTreeMap::new(), ask, rank: n as u32, label }
}
