//! `klieg assets`: what people have brought to a farm.

use super::{
    Common, LinkArgs, Stop, block_on, door,
    jobs::encoded,
    link_stop,
    people::{self, ask},
    print, print_json,
};
use crate::house::transfer_stop;
use http::Method;
use klieg_api::{
    client::{Client, NewAsset},
    front::views::{AssetRecord, Assets},
};
use klieg_protocol::Digest;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// List assets, the newest first.
    List {
        /// Only those of this project.
        #[arg(long)]
        project: Option<String>,
    },
    /// Bring files. What broke off goes on when it is done again.
    Add {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// What people know it by, of one file [default: the file's name].
        #[arg(long)]
        name: Option<String>,
        /// Whose it is.
        #[arg(long, default_value = "")]
        project: String,
        /// What it is said to be, such as image/png [default: what its bytes say].
        #[arg(long = "type", value_name = "TYPE")]
        media_type: Option<String>,
    },
    /// Fetch an asset, its digest checked.
    Get {
        /// Its digest, as `klieg assets list` shows it.
        digest: Digest,
        /// Where it goes [default: its name, here].
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Give an asset another name or project.
    Change {
        digest: Digest,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        project: Option<String>,
    },
    /// Forget an asset. Its bytes go, too, unless a job needs them.
    Remove { digest: Digest },
}

pub fn run(common: &Common, link: &LinkArgs, verb: &Verb) -> Result<(), Stop> {
    let client = door::server(common, link)?;
    match verb {
        Verb::List { project } => list(common, &client, project.as_deref()),
        Verb::Add { files, name, project, media_type } => {
            if files.len() > 1 && name.is_some() {
                return Err(Stop::bad("--name names one file; several are known by their own names"));
            }
            let new = |path: &PathBuf| NewAsset {
                path: path.clone(),
                name: name.clone().unwrap_or_else(|| base(path)),
                project: project.clone(),
                media_type: media_type.clone(),
            };
            add(common, &client, &files.iter().map(new).collect::<Vec<_>>())
        }
        Verb::Get { digest, out } => get(common, &client, *digest, out.as_deref()),
        Verb::Change { digest, name, project } => {
            let change: serde_json::Map<String, serde_json::Value> = [("name", name), ("project", project)]
                .into_iter()
                .filter_map(|(field, value)| Some((field.to_owned(), value.clone()?.into())))
                .collect();
            let changed = block_on(ask(&client, Method::PATCH, &format!("/assets/{}", digest.hex()), Some(&change.into())))??;
            people::shown(common, &changed, |one| format!("{} {}\n", one["digest"].as_str().unwrap_or_default(), one["name"]))
        }
        Verb::Remove { digest } => {
            block_on(ask(&client, Method::DELETE, &format!("/assets/{}", digest.hex()), None))??;
            match common.json {
                true => print_json(&json!({"digest": digest.hex()})),
                false => Ok(()),
            }
        }
    }
}

/// The last part of a path.
fn base(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn line(asset: &AssetRecord) -> String {
    format!("{} {:>14} {:<24} {}\n", asset.digest, asset.bytes, asset.media_type, asset.name)
}

fn list(common: &Common, client: &Client, project: Option<&str>) -> Result<(), Stop> {
    let of = project.map(|project| format!("&project={}", encoded(project))).unwrap_or_default();
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Assets = block_on(client.get(&format!("/assets?limit=200{of}{cursor}")))?.map_err(|e| link_stop(&e))?;
        if common.json {
            all.extend(page.assets);
        } else {
            page.assets.iter().for_each(|asset| print(&line(asset)));
        }
        let Some(next) = page.next else { break };
        cursor = format!("&cursor={next}");
    }
    if common.json { print_json(&all) } else { Ok(()) }
}

fn add(common: &Common, client: &Client, files: &[NewAsset]) -> Result<(), Stop> {
    let mut brought = Vec::new();
    for file in files {
        let asset = block_on(client.bring(file))?.map_err(|e| transfer_stop(&e))?;
        if !common.json {
            print(&line(&asset));
        }
        brought.push(asset);
    }
    if common.json { print_json(&brought) } else { Ok(()) }
}

fn get(common: &Common, client: &Client, digest: Digest, out: Option<&Path>) -> Result<(), Stop> {
    let hex = digest.hex();
    let to = match out {
        Some(out) => out.to_owned(),
        None => {
            let asset: AssetRecord = block_on(client.get(&format!("/assets/{hex}/record")))?.map_err(|e| link_stop(&e))?;
            // A name is never a way out of this folder.
            PathBuf::from(Path::new(&asset.name).file_name().map_or(hex.clone().into(), std::ffi::OsStr::to_owned))
        }
    };
    let from = block_on(client.file(digest))?.map_err(|e| transfer_stop(&e))?;
    crate::deliver::place(&from, &to)?;
    if common.json {
        return print_json(&json!({"digest": hex, "file": to}));
    }
    print(&format!("{}\n", to.display()));
    Ok(())
}
