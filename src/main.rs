//! klieg: scripts into films on every GPU you own.

mod cli;
mod deliver;
mod show;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(cli::Klieg::parse())
}
