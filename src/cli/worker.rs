//! `klieg worker`: a worker process, started by the agent.

use klieg_nodes::encode::Ffmpeg;
use klieg_pipelines::film::Film;
use std::process::ExitCode;

pub fn run() -> ExitCode {
    klieg_nodes::worker::serve(&[&Film], &Ffmpeg)
}
