//! `klieg worker`: a worker process, started by the agent.

use super::device_of;
use klieg_kernels::Choice;
use klieg_nodes::encode::Ffmpeg;
use klieg_pipelines::film::Film;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    /// The device that pictures are made on.
    #[arg(long, default_value = "auto", value_parser = device_of, env = klieg_nodes::discover::WORKER_DEVICE)]
    device: Choice,
}

pub fn run(args: &Args) -> ExitCode {
    klieg_nodes::worker::serve(&[&Film::on(args.device)], &Ffmpeg)
}
