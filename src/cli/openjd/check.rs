//! `klieg openjd check`.

use super::{ReferenceArgs, tell_message};
use crate::cli::{Common, Stop};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The template: JSON if its name ends with .json, YAML otherwise.
    path: PathBuf,
    #[command(flatten)]
    reference: ReferenceArgs,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let checked = args.reference.extensions().and_then(|extensions| {
        let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
        klieg_openjd::check::check(&args.path, &extensions)
    });
    tell_message(args.reference.form(common), checked)
}
