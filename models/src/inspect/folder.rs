//! A folder that is not trusted: how many files it has, how deep it is, how long they are.

use super::{CONFIG_BYTES_MAX, LeftOut};
use crate::{
    Error, Record,
    families::Config,
    formats::{
        gguf, pickle, safetensors,
        table::{Refusal, Table},
    },
    record,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 3;
/// The longest tokenizer or configuration that becomes part of a model, in bytes.
const SMALL_BYTES_MAX: u64 = 64 << 20;
/// Endings of configurations, vocabularies, tokenizers and chat templates.
const SMALL: [&str; 5] = [".json", ".txt", ".model", ".jinja", ".tiktoken"];

/// Files by their paths under a root.
pub struct Folder {
    pub root: PathBuf,
    files: BTreeMap<String, u64>,
    pub left_out: Vec<LeftOut>,
    /// The one file that was named, if it was a file.
    only: Option<String>,
}

impl Folder {
    /// Everything under a folder, or one file. Links to files are followed, as in Hugging Face's cache; links to folders are not.
    pub fn walk(path: &Path) -> Result<Self, Error> {
        let about = fs::metadata(path).map_err(Error::io(path))?;
        let mut folder = Self { root: path.into(), files: BTreeMap::new(), left_out: Vec::new(), only: None };
        if about.is_dir() {
            folder.enter("", 0)?;
            return Ok(folder);
        }
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| record::is_inside(name));
        let name = name.ok_or_else(|| Error::refused(path, Refusal::Other("its name is no UTF-8".into())))?;
        // A bare name lies in the folder that the program runs in.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).clone_into(&mut folder.root);
        folder.files.insert(name.into(), about.len());
        folder.only = Some(name.into());
        Ok(folder)
    }

    /// Files of which only the names are known.
    pub fn of_names(names: impl Iterator<Item = String>) -> Self {
        let files = names.filter(|name| record::is_inside(name) && !name.split('/').any(|word| word.starts_with('.')));
        Self { root: PathBuf::new(), files: files.map(|name| (name, 0)).collect(), left_out: Vec::new(), only: None }
    }

    /// What a record says is there.
    pub fn of_record(record: &Record) -> Self {
        let files: BTreeMap<String, u64> = record.files.iter().map(|part| (part.path.clone(), part.bytes)).collect();
        let only = files.keys().next().filter(|path| files.len() == 1 && is_weights(path)).cloned();
        Self { root: record.root.clone(), files, left_out: Vec::new(), only }
    }

    fn enter(&mut self, under: &str, depth: usize) -> Result<(), Error> {
        let here = self.at(under);
        for entry in fs::read_dir(&here).map_err(Error::io(&here))? {
            let entry = entry.map_err(Error::io(&here))?;
            let name = entry.file_name();
            // Of names that are no UTF-8 nothing asks; hidden files are tools'.
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let path = if under.is_empty() { name.to_owned() } else { format!("{under}/{name}") };
            let kind = entry.file_type().map_err(Error::io(entry.path()))?;
            if kind.is_dir() {
                if depth < DEPTH_MAX {
                    self.enter(&path, depth + 1)?;
                }
                continue;
            }
            let about = fs::metadata(entry.path()).map_err(Error::io(entry.path()))?;
            if !about.is_file() {
                continue;
            }
            self.files.insert(path, about.len());
            if self.files.len() > FILES_MAX {
                return Err(Error::refused(
                    &self.root,
                    Refusal::Other(format!("it has more than {FILES_MAX} files: is it a model?")),
                ));
            }
        }
        Ok(())
    }

    pub fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub fn has_folder(&self, name: &str) -> bool {
        self.files.keys().any(|path| path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))
    }

    /// The file that was named itself, if that is its path.
    pub fn file(&self, path: &str) -> Option<&str> {
        self.only.as_deref().filter(|only| *only == path)
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Names of the files right in a folder ("" is the root).
    pub fn names(&self, folder: &str) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .filter_map(move |path| match (folder, path.strip_prefix(folder)?) {
                ("", rest) => Some(rest),
                (_, rest) => rest.strip_prefix('/'),
            })
            .filter(|name| !name.contains('/'))
    }

    /// The first file right in a folder with that ending.
    pub fn ending(&self, folder: &str, ending: &str) -> Option<&str> {
        self.names(folder).find(|name| name.ends_with(ending))
    }

    /// Configurations, tokenizers, licences.
    pub fn small(&self) -> impl Iterator<Item = (&str, u64)> {
        let small = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            SMALL.iter().any(|ending| name.ends_with(ending)) || name.to_ascii_uppercase().starts_with("LICENSE")
        };
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), *bytes))
            .filter(move |(path, bytes)| small(path) && *bytes <= SMALL_BYTES_MAX)
    }

    /// A JSON file.
    pub fn json(&self, path: &str) -> Result<Config, Error> {
        let at = self.at(path);
        let mut text = Vec::new();
        let file = match File::open(&at) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::refused(&self.root, Refusal::NoFile(path.into())));
            }
            file => file.map_err(Error::io(&at))?,
        };
        file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut text).map_err(Error::io(&at))?;
        if text.len() as u64 > CONFIG_BYTES_MAX {
            return Err(Error::refused(at, Refusal::Other(format!("it is longer than {CONFIG_BYTES_MAX} bytes"))));
        }
        match serde_json::from_slice(&text) {
            Ok(value @ serde_json::Value::Object(_)) => Ok(Config::new(path, value)),
            Ok(_) => Err(Error::refused(at, Refusal::Header("it is no JSON object".into()))),
            Err(error) => Err(Error::refused(at, Refusal::Header(error.to_string()))),
        }
    }

    /// The length and the table of a file of weights.
    pub fn table(&self, path: &str) -> Result<(u64, Table), Error> {
        let at = self.at(path);
        if pickle::is_called(path) {
            return Err(Error::refused(at, Refusal::Pickle));
        }
        let file = File::open(&at).map_err(Error::io(&at))?;
        let bytes = file.metadata().map_err(Error::io(&at))?.len();
        let from = BufReader::with_capacity(1 << 16, file);
        let table = if path.ends_with(".gguf") { gguf::read(from, bytes) } else { safetensors::read(from, bytes) };
        Ok((bytes, table.map_err(|refusal| Error::refused(at, refusal))?))
    }
}

/// Whether a file of that name has weights that klieg reads.
pub fn is_weights(path: &str) -> bool {
    path.ends_with(".safetensors") || path.ends_with(".gguf")
}
