//! `klieg openjd summary`.

use super::{ReferenceArgs, parameters::JobArgs, tell, tell_message};
use crate::cli::{Common, Stop};
use klieg_openjd::summary::{Summary, of_job, of_step};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// Only this step.
    #[arg(long, value_name = "STEP_NAME")]
    step: Option<String>,
    #[command(flatten)]
    reference: ReferenceArgs,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let form = args.reference.form(common);
    match summary(args) {
        Ok((text, fields)) => tell(form, true, &text, fields),
        Err(message) => tell_message(form, Err(message)),
    }
}

fn summary(args: &Args) -> Result<Summary, String> {
    let prepared = args.job.prepare(&args.reference.extensions()?, &[])?;
    match &args.step {
        Some(step) => of_step(&prepared.job, step),
        None => Ok(of_job(&prepared)),
    }
}
