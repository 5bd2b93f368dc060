//! `klieg man`: manual pages, one a verb.

use super::{Common, Klieg, Stop, print, print_json};
use clap::CommandFactory;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    /// The folder that gets the pages: klieg.1, klieg-submit.1, … A system keeps them in share/man/man1.
    folder: PathBuf,
}

pub fn run(common: &Common, args: &Args) -> Result<(), Stop> {
    let failed = |e: std::io::Error| Stop::failed(format!("write {}: {e}", args.folder.display()));
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Klieg::command(), &args.folder).map_err(failed)?;
    let pages = pages(&args.folder).map_err(failed)?;
    if common.json {
        return print_json(&json!({"folder": args.folder, "pages": pages}));
    }
    if !common.quiet {
        print(&format!("{} pages are in {}\n", pages.len(), args.folder.display()));
    }
    Ok(())
}

/// The names of klieg's pages in a folder.
fn pages(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.retain(|name| name.starts_with("klieg") && name.ends_with(".1"));
    names.sort();
    Ok(names)
}
