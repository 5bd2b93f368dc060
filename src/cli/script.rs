//! `klieg script parse`.

use super::{Common, Stop, film_args::read_script, print, print_json};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Show a screenplay's elements with their lines and columns.
    Parse {
        /// A Fountain or Final Draft screenplay; - reads standard input.
        script: PathBuf,
    },
}

pub fn run(common: &Common, verb: &Verb) -> Result<(), Stop> {
    let Verb::Parse { script: path } = verb;
    let bytes = read_script(path)?;
    let script = klieg_film_script::parse(&path.to_string_lossy(), &bytes).map_err(|e| Stop::bad(e.to_string()))?;
    if common.json {
        return print_json(&script.to_json());
    }
    let mut text = String::new();
    for element in &script.elements {
        let shown = element.text.replace('\n', " ⏎ ");
        text += &format!("{:>5}:{:<3} {:<14} {shown}\n", element.span.line, element.span.column, element.kind.name());
    }
    print(&text);
    Ok(())
}
