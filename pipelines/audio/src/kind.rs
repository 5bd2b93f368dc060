//! The kind `audio` as the farm knows it.

use crate::params::AudioParams;
use crate::{master, music, plan, speech};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read, Takes};
use klieg_protocol::{Class, Fault, JobSpec, Plan, TaskFailure, TaskResult, TaskSpec};
use serde_json::Value;

/// Makes speech from text and music from words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Audio;

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, TaskFailure> {
    serde_json::from_value(value.clone())
        .map_err(|e| TaskFailure { fault: Fault::Input, message: format!("read the task's parameters: {e}") })
}

impl Kind for Audio {
    fn name(&self) -> &'static str {
        "audio"
    }

    fn takes(&self) -> Takes {
        Takes { input: "text", needed: false, bytes_max: 1_000_000 }
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let text = job.inputs.get("text").map(read).transpose();
        let text = text.map_err(|e| crate::params::bad(format!("input text: read: {e}")))?;
        let (params, wanted) = AudioParams::of(&job.params, text)?;
        Ok(Plan { tasks: plan::tasks(&params, &wanted)? })
    }

    fn files(&self, job: &JobSpec, outputs: &Outputs) -> Vec<File> {
        let Ok(params) = serde_json::from_value::<AudioParams>(job.params.clone()) else { return Vec::new() };
        let of = |output: &str, name: String, media_type| {
            let digest = *outputs.get(&("master".to_owned(), output.to_owned()))?;
            Some(File { name, media_type, digest })
        };
        let sound = of("sound", format!("sound.{}", params.format.extension()), params.format.media_type());
        [sound, of("manifest", "manifest.json".into(), "application/json")].into_iter().flatten().collect()
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        match task.step.as_str() {
            "say" => speech::say(task, desk),
            "play" => music::play(task, desk),
            "master" => master::run(&from_json(&task.params)?, desk),
            other => Err(TaskFailure { fault: Fault::Input, message: format!("run audio step {other:?}: there is no such step") }),
        }
    }
}
