//! A model's folder, as a Hugging Face repository has it.

use crate::Error;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Bytes of a settings file, at most.
const JSON_BYTES_MAX: u64 = 64 << 20;

/// A folder with `config.json`, `*.safetensors` and what the tokenizer needs.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// The bytes of a small file.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.path(name);
        let size = std::fs::metadata(&path).map_err(|source| Error::File { path: path.clone(), source })?.len();
        if size > JSON_BYTES_MAX {
            return Err(Error::config(name, format!("it has {size} bytes, of at most {JSON_BYTES_MAX}")));
        }
        std::fs::read(&path).map_err(|source| Error::File { path, source })
    }

    /// A JSON file.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes(name)?).map_err(|error| Error::config(name, error))
    }

    /// All tensors of all safetensors files of the folder itself, converted to `dtype` when they are asked for.
    pub fn weights(&self, dtype: DType, device: &Device) -> Result<VarBuilder<'static>, Error> {
        let listing = std::fs::read_dir(&self.0).map_err(|source| Error::File { path: self.0.clone(), source })?;
        let is_weights = |path: &Path| path.extension().is_some_and(|extension| extension == "safetensors");
        let mut files: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).filter(|path| is_weights(path)).collect();
        files.sort();
        if files.is_empty() {
            return Err(Error::config("*.safetensors", "the folder has none"));
        }
        // SAFETY: files of a model are never written to once they are there; the shelf puts whole folders in place.
        Ok(unsafe { VarBuilder::from_mmaped_safetensors(&files, dtype, device)? })
    }
}
