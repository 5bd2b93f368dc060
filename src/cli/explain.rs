//! `klieg explain`.

use super::{Common, Stop, film_args::FilmArgs, print, print_json};
use klieg_pipelines::film::explain;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    film: FilmArgs,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let (_, preparation, _) = args.film.prepare()?;
    if common.json {
        return print_json(&preparation.story.inferences);
    }
    print(&explain(&preparation.story, &args.film.params().file));
    Ok(())
}
