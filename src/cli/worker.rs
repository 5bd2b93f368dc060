//! `klieg worker`: a worker process, started by the agent.

use super::{Common, device_of, openjd::Terms};
use crate::kinds;
use klieg_kernels::Choice;
use klieg_models::Shelf;
use klieg_nodes::encode::Ffmpeg;
use std::{process::ExitCode, sync::Arc};

#[derive(clap::Args)]
pub struct Args {
    /// The device that pictures are made on.
    #[arg(long, default_value = "auto", value_parser = device_of, env = klieg_nodes::discover::WORKER_DEVICE)]
    device: Choice,
    /// Take jobs of the kind openjd, on these terms.
    #[arg(long, value_name = "JSON")]
    openjd: Option<String>,
}

pub fn run(common: &Common, args: &Args) -> ExitCode {
    // Where no folder is known there are no models, and other jobs run all the same.
    let shelf = common.shelf().unwrap_or_else(|_| Arc::new(Shelf::none()));
    match args.openjd.as_deref().map(serde_json::from_str::<Terms>).transpose() {
        Ok(terms) => {
            let kinds = kinds::run_on(args.device, terms.map(Terms::kind), &shelf);
            klieg_nodes::worker::serve(&kinds.iter().map(AsRef::as_ref).collect::<Vec<_>>(), &Ffmpeg)
        }
        Err(error) => {
            eprintln!("failed to start the worker: --openjd: {error}");
            ExitCode::FAILURE
        }
    }
}
