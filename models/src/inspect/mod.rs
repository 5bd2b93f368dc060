//! What a folder or file is: its family, its files, and whether configuration and tensors agree. Reads headers only.

mod agree;
mod folder;
#[cfg(test)]
mod tests;
mod weights;

use crate::{
    Error, Family, Part, Progress, Record, Tensor,
    families::{self, Config},
    formats::{
        scan,
        table::{Refusal, Table},
    },
};
use folder::Folder;
pub use folder::is_weights;
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The longest configuration or index that is read, in bytes.
const CONFIG_BYTES_MAX: u64 = 32 << 20;
/// Components of a pipeline that have weights.
const COMPONENTS: [&str; 5] = ["unet", "vae", "text_encoder", "text_encoder_2", "image_encoder"];
/// Components of a pipeline that klieg does without.
const DISPENSABLE: [&str; 1] = ["safety_checker"];

/// A folder or file that may become a model.
#[derive(Debug)]
pub struct Inspection {
    pub family: Family,
    pub root: PathBuf,
    /// What belongs to the model, sorted by path.
    pub files: Vec<Listed>,
    pub left_out: Vec<LeftOut>,
    /// What else is known of it: `base` (which models a LoRA goes with), `layout`, `rank`.
    pub about: BTreeMap<String, String>,
}

/// A file of it.
#[derive(Debug)]
pub struct Listed {
    pub path: String,
    pub bytes: u64,
    table: Option<Table>,
}

impl Listed {
    /// What is in it, if it has weights, in the order of the file.
    pub fn tensors(&self) -> &[Tensor] {
        self.table.as_ref().map_or(&[], |table| &table.tensors)
    }
}

/// A file that does not become part of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub path: String,
    pub why: &'static str,
}

impl Inspection {
    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Parameters of all its tensors.
    pub fn parameters(&self) -> u64 {
        let tensors = self.files.iter().flat_map(Listed::tensors);
        tensors.map(|tensor| tensor.shape.iter().product::<u64>()).sum()
    }

    /// Reads all of it, several files at a time: their digests, and whether every weight is a number.
    pub fn read(&self, progress: &Progress) -> Result<Vec<Part>, Error> {
        let part = |file: &Listed| {
            let digest = scan::read(&self.root.join(&file.path), file.bytes, file.table.as_ref(), progress)?;
            Ok(Part { path: file.path.clone(), bytes: file.bytes, digest })
        };
        self.files.par_iter().map(part).collect()
    }
}

/// What a folder (as of Hugging Face) or a file (safetensors, GGUF) is.
pub fn inspect(path: &Path) -> Result<Inspection, Error> {
    of_folder(Folder::walk(path)?)
}

/// The same of a model on a shelf, of which only its own files are looked at.
pub fn inspect_record(record: &Record) -> Result<Inspection, Error> {
    of_folder(Folder::of_record(record))
}

fn of_folder(folder: Folder) -> Result<Inspection, Error> {
    let mut found = Found { listed: BTreeMap::new(), left_out: folder.left_out.clone(), about: BTreeMap::new(), folder: &folder };
    let family = if folder.has("model_index.json") {
        found.pipeline()?
    } else if folder.has("config.json") && folder.file("config.json").is_none() {
        found.transformer()?
    } else {
        found.single()?
    };
    found.small_files();
    found.unclaimed();
    let Found { listed, left_out, about, .. } = found;
    let files = listed.into_iter().map(|(path, (bytes, table))| Listed { path, bytes, table }).collect();
    Ok(Inspection { family, root: folder.root, files, left_out, about })
}

/// The family of a pipeline of diffusers.
fn pipeline_family(index: &Config) -> Result<Family, Refusal> {
    let class = index.word("_class_name").unwrap_or_default();
    let other = || Refusal::Family { what: format!("its pipeline is a {class:?}") };
    match class {
        _ if class.starts_with("StableDiffusion3") => Err(other()),
        _ if class.starts_with("StableDiffusionXL") => Ok(Family::StableDiffusionXl),
        _ if class.starts_with("StableDiffusion") || class.starts_with("LatentConsistency") => Ok(Family::StableDiffusion),
        _ => Err(other()),
    }
}

/// Whether klieg may know what a folder will be, of which so far only the configuration is there.
pub fn foresee(path: &Path) -> Result<(), Error> {
    let folder = Folder::walk(path)?;
    let refused = |name: &str, refusal: Refusal| Error::refused(folder.at(name), refusal);
    if folder.has("model_index.json") {
        pipeline_family(&folder.json("model_index.json")?).map_err(|refusal| refused("model_index.json", refusal))?;
    } else if folder.has("config.json") {
        families::of_config(&folder.json("config.json")?).map_err(|refusal| refused("config.json", refusal))?;
    }
    Ok(())
}

/// Of a repository's files those that make a model: configurations, tokenizers, and the weights in one form. `files`: the weights
/// that are wanted, if its own choice is not.
pub fn wanted(names: impl Iterator<Item = String>, files: &[String]) -> Result<BTreeSet<String>, Refusal> {
    let folder = Folder::of_names(names);
    let mut wanted: BTreeSet<String> = files.iter().cloned().collect();
    let mut take = |chosen: weights::Weights| wanted.extend(chosen.files.into_iter().chain(chosen.index));
    if !files.is_empty() {
        // They have been named.
    } else if folder.has("model_index.json") {
        for component in COMPONENTS.iter().filter(|component| folder.has_folder(component)) {
            take(weights::choose(&folder, component)?);
        }
    } else if folder.has("config.json") && folder.ending("", ".gguf").is_none() {
        take(weights::choose(&folder, "")?);
    } else {
        take(weights::Weights { index: None, files: vec![weights::only(&folder)?] });
    }
    let small = folder.small().map(|(path, _)| path);
    wanted.extend(small.filter(|path| !is_dispensable(path) && !path.contains(".index.")).map(str::to_owned));
    Ok(wanted)
}

/// Whether klieg does without a file.
fn is_dispensable(path: &str) -> bool {
    DISPENSABLE.iter().any(|component| path.starts_with(&format!("{component}/")))
}

/// What has been found so far in a folder.
struct Found<'a> {
    folder: &'a Folder,
    listed: BTreeMap<String, (u64, Option<Table>)>,
    left_out: Vec<LeftOut>,
    about: BTreeMap<String, String>,
}

impl Found<'_> {
    /// A pipeline of diffusers: each component in a folder of its own.
    fn pipeline(&mut self) -> Result<Family, Error> {
        let index = self.folder.json("model_index.json")?;
        let refused = |refusal: Refusal| Error::refused(self.folder.at("model_index.json"), refusal);
        let family = pipeline_family(&index).map_err(refused)?;
        let needed: &[&str] = match family {
            Family::StableDiffusionXl => {
                &["unet", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler"]
            }
            _ => &["unet", "vae", "text_encoder", "tokenizer", "scheduler"],
        };
        let mut configs = BTreeMap::new();
        for component in needed {
            if !self.folder.has_folder(component) {
                return Err(Error::refused(&self.folder.root, Refusal::NoFile(format!("{component}/, which a {family} has,"))));
            }
            if COMPONENTS.contains(component) {
                configs.insert(*component, self.component(component)?);
            }
        }
        if self.folder.has("image_encoder/config.json") {
            configs.insert("image_encoder", self.component("image_encoder")?);
        }
        agree::pipeline(family, &configs).map_err(refused)?;
        for (tokenizer, encoder) in [("tokenizer", "text_encoder"), ("tokenizer_2", "text_encoder_2")] {
            if let Some(config) = configs.get(encoder) {
                agree::tokenizer(self.folder, tokenizer, config)?;
            }
        }
        Ok(family)
    }

    /// A component of a pipeline, its weights checked; its configuration.
    fn component(&mut self, name: &str) -> Result<Config, Error> {
        let config = self.folder.json(&format!("{name}/config.json"))?;
        self.weights(name, &config)?;
        Ok(config)
    }

    /// A model of transformers, or a single model of diffusers.
    fn transformer(&mut self) -> Result<Family, Error> {
        let config = self.folder.json("config.json")?;
        let family = families::of_config(&config).map_err(|refusal| Error::refused(self.folder.at("config.json"), refusal))?;
        if self.folder.ending("", ".gguf").is_some() && self.folder.ending("", ".safetensors").is_none() {
            return self.single();
        }
        self.weights("", &config)?;
        agree::tokenizer(self.folder, "", &config)?;
        Ok(family)
    }

    /// Weights in a folder beside their configuration.
    fn weights(&mut self, folder: &str, config: &Config) -> Result<(), Error> {
        let refused = |refusal: Refusal| Error::refused(self.folder.at(folder), refusal);
        let sheet = families::sheet(config).map_err(|refusal| Error::refused(self.folder.at(config.path()), refusal))?;
        let weights = weights::choose(self.folder, folder).map_err(refused)?;
        let mut tensors = Vec::new();
        for path in &weights.files {
            let (bytes, table) = self.folder.table(path)?;
            tensors.extend(table.tensors.iter().cloned());
            self.listed.insert(path.clone(), (bytes, Some(table)));
        }
        if let Some(index) = &weights.index {
            let tables = weights.files.iter().filter_map(|path| Some((path.as_str(), self.listed.get(path)?.1.as_ref()?)));
            agree::index(self.folder, index, tables.collect())?;
        }
        sheet.check(&tensors, config.path()).map_err(refused)
    }

    /// One file of weights that says itself what it is.
    fn single(&mut self) -> Result<Family, Error> {
        let path = weights::only(self.folder).map_err(|refusal| Error::refused(&self.folder.root, refusal))?;
        let (bytes, table) = self.folder.table(&path)?;
        let refused = |refusal: Refusal| Error::refused(self.folder.at(&path), refusal);
        let family = if path.ends_with(".gguf") {
            let (family, sheet) = families::gguf(&table, &path).map_err(refused)?;
            sheet.check(&table.tensors, "its metadata").map_err(refused)?;
            self.about.insert("layout".into(), "gguf".into());
            family
        } else {
            let (family, about) = families::recognise(&table).map_err(refused)?;
            self.about.extend(about.into_iter().map(|(key, text)| (key.to_owned(), text)));
            family
        };
        self.listed.insert(path, (bytes, Some(table)));
        Ok(family)
    }

    /// Configurations, tokenizers, licences.
    fn small_files(&mut self) {
        for (path, bytes) in self.folder.small() {
            // Indexes belong to weights, which may not have been chosen.
            let index = path.ends_with(".index.json") && !self.listed.keys().any(|own| weights::is_of_index(own, path));
            if !is_dispensable(path) && !index {
                self.listed.entry(path.to_owned()).or_insert((bytes, None));
            }
        }
    }

    /// What nobody has asked for.
    fn unclaimed(&mut self) {
        for path in self.folder.paths() {
            if !self.listed.contains_key(path) {
                self.left_out.push(LeftOut { path: path.to_owned(), why: weights::why_not(path) });
            }
        }
    }
}
