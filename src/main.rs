//! klieg: scripts into films on every GPU you own.

mod cli;
mod deliver;
mod house;
mod kinds;
mod seal;
mod show;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse() {
        Ok(klieg) => cli::run(klieg),
        Err(code) => code,
    }
}
