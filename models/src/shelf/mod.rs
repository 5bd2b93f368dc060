//! The models of one machine: a folder with a folder for each, in which `model.json` is the record.

mod disk;
#[cfg(test)]
mod tests;

use crate::{Error, Family, Part, Progress, Record, record};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Models that a shelf may have.
const MODELS_MAX: usize = 10_000;

/// The models of one machine. Cheap to make; everything is read from the disk when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    folder: PathBuf,
}

/// Files that have been read and checked, and may become a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub family: Family,
    /// The folder that they are in.
    pub root: PathBuf,
    pub files: Vec<Part>,
}

/// Whether files are copied to the shelf or stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Copy,
    /// The folder is the shelf's own from now on: its files are moved.
    Move,
    /// The model is gone when they are.
    Link,
}

impl Shelf {
    /// The models in a folder. One that isn't there is an empty shelf, and is made when a model is added.
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The shelf of a machine that has no folder for one: it is empty and takes nothing.
    pub fn none() -> Self {
        Self { folder: PathBuf::new() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All models, by name. Fails at the first record that cannot be read.
    pub fn models(&self) -> Result<Vec<Record>, Error> {
        self.each()?.into_iter().collect()
    }

    /// Every model or what is wrong with its record, by name: one bad record hides no other model.
    pub fn each(&self) -> Result<Vec<Result<Record, Error>>, Error> {
        let listing = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(Error::io(&self.folder))?,
        };
        let mut names = Vec::new();
        for entry in listing.take(MODELS_MAX) {
            let name = entry.map_err(Error::io(&self.folder))?.file_name();
            names.extend(name.to_str().filter(|name| record::is_name(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names.iter().filter_map(|name| self.find(name).transpose()).collect())
    }

    /// The model of that name. No model may have a name that is none.
    pub fn find(&self, name: &str) -> Result<Option<Record>, Error> {
        if record::is_name(name) { disk::read(&self.folder.join(name), name) } else { Ok(None) }
    }

    /// The model of that name, which has to be there.
    pub fn get(&self, name: &str) -> Result<Record, Error> {
        self.find(name)?.ok_or_else(|| Error::Unknown(name.into()))
    }

    /// Puts files on the shelf. They are seen at once or not at all: what is not whole has no name yet. Of several that add the
    /// same name one wins, and the others hear [`Error::Taken`]. Copied bytes count as progress.
    pub fn put(&self, entry: &Entry, keep: Keep, progress: &Progress) -> Result<Record, Error> {
        let name = record::named(&entry.name)?;
        if self.folder.as_os_str().is_empty() {
            return Err(Error::Nowhere);
        }
        let target = self.folder.join(name);
        if target.exists() {
            return Err(Error::Taken(name.into()));
        }
        fs::create_dir_all(&self.folder).map_err(Error::io(&self.folder))?;
        // A name that begins with a dot is no model's.
        let making = tempfile::Builder::new().prefix(".adding-").tempdir_in(&self.folder).map_err(Error::io(&self.folder))?;
        if keep != Keep::Link {
            disk::bring(entry, making.path(), keep, progress)?;
        }
        disk::write(entry, making.path(), keep)?;
        progress.check()?;
        // A folder takes the place of no folder that has something in it.
        match fs::rename(making.path(), &target) {
            Ok(()) => drop(making.keep()),
            Err(_) if target.exists() => return Err(Error::Taken(name.into())),
            Err(error) => return Err(Error::io(&target)(error)),
        }
        disk::sync(&self.folder)?;
        self.get(name)
    }

    /// Takes a model away, with the files that were copied for it; linked files stay. It is gone at once: by rename.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let from = self.folder.join(record::named(name)?);
        let gone = tempfile::Builder::new().prefix(".removing-").tempdir_in(&self.folder);
        let missing = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Unknown(name.into()),
            _ => Error::io(&from)(error),
        };
        let gone = gone.map_err(missing)?;
        fs::rename(&from, gone.path().join(name)).map_err(missing)?;
        let path = gone.path().to_owned();
        gone.close().map_err(Error::io(path))
    }

    /// Says that a model has been verified just now: its files count as unchanged since.
    pub fn confirm(&self, record: &Record) -> Result<(), Error> {
        disk::touch(&self.folder.join(&record.name))
    }

    /// Whether a model's files are there, each with its length and not written to since they were last verified. Reads none of
    /// them: `verify` does.
    pub fn stands(&self, record: &Record) -> Result<(), Error> {
        disk::stands(&self.folder.join(&record.name), record)
    }
}
