//! A model's files, as they lie in a Hugging Face repository, to a model in memory.

use crate::{Config, Decoder, Error, Gguf, Grammars, Source, Vocabulary, config::Ids};
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Bytes of a configuration: what is longer is none.
const CONFIG_BYTES_MAX: u64 = 4 << 20;

/// Where a model's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `config.json`; a GGUF file has its own.
    pub config: Option<PathBuf>,
    /// `generation_config.json`, if there is one: it may name more tokens that end a text.
    pub generation: Option<PathBuf>,
    pub tokenizer: PathBuf,
    /// Safetensors, in any order, or one GGUF.
    pub weights: Vec<PathBuf>,
}

/// A model that can write.
pub struct Loaded {
    pub model: Decoder,
    pub vocabulary: Vocabulary,
    grammars: OnceLock<Grammars>,
}

/// A whole file of at most so many bytes.
fn small(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read { path: path.display().to_string(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > bytes_max {
        return Err(Error::Config(format!("{} has {bytes} bytes; the limit is {bytes_max}", path.display())));
    }
    std::fs::read(path).map_err(failed)
}

fn mapped(path: &Path) -> Result<memmap2::Mmap, Error> {
    let failed = |source| Error::Read { path: path.display().to_string(), source };
    let file = File::open(path).map_err(failed)?;
    // SAFETY: the files of a model on a shelf are written once, under another name; whoever overwrites one in place breaks the promise
    // of the shelf, and reads damaged weights at worst while the map lives.
    unsafe { memmap2::Mmap::map(&file) }.map_err(failed)
}

impl Files {
    fn is_gguf(&self) -> bool {
        matches!(&self.weights[..], [one] if one.extension().is_some_and(|extension| extension == "gguf"))
    }

    /// The configuration, with all tokens that end a text.
    pub fn config(&self) -> Result<Config, Error> {
        let mut config = match &self.config {
            Some(path) if !self.is_gguf() => Config::parse(&small(path, CONFIG_BYTES_MAX)?)?,
            _ if self.is_gguf() => Gguf::open(&mapped(&self.weights[0])?, &Device::Cpu)?.config()?,
            _ => return Err(Error::Config("config.json is missing".into())),
        };
        if let Some(path) = &self.generation {
            #[derive(serde::Deserialize)]
            struct Ends {
                eos_token_id: Option<Ids>,
            }
            let ends: Ends =
                serde_json::from_slice(&small(path, CONFIG_BYTES_MAX)?).map_err(|error| Error::Config(error.to_string()))?;
            config.eos_token_id = ends.eos_token_id.or(config.eos_token_id);
        }
        Ok(config)
    }

    /// The tokenizer alone.
    pub fn vocabulary(&self) -> Result<Vocabulary, Error> {
        Vocabulary::parse(&small(&self.tokenizer, 1 << 30)?)
    }

    /// The whole model on a processor, in single precision; quantised weights stay as they are.
    pub fn load(&self) -> Result<Loaded, Error> {
        let (config, vocabulary) = (self.config()?, self.vocabulary()?);
        let maps = self.weights.iter().map(|path| mapped(path)).collect::<Result<Vec<_>, _>>()?;
        let model = match self.is_gguf() {
            true => Decoder::load(&Source::Gguf(Gguf::open(&maps[0], &Device::Cpu)?), config)?,
            false => {
                // SAFETY: as in `mapped`.
                let vb = unsafe { VarBuilder::from_mmaped_safetensors(&self.weights, DType::F32, &Device::Cpu) };
                Decoder::load(&Source::Safetensors(vb.map_err(|error| Error::Weights(error.to_string()))?), config)?
            }
        };
        Ok(Loaded { model, vocabulary, grammars: OnceLock::new() })
    }
}

impl Loaded {
    /// Grammars over the model's tokens; made once.
    pub fn grammars(&self) -> Result<&Grammars, Error> {
        if let Some(grammars) = self.grammars.get() {
            return Ok(grammars);
        }
        let made = grammars(self.model.config(), &self.vocabulary)?;
        Ok(self.grammars.get_or_init(|| made))
    }
}

/// Grammars for a model that is not loaded yet.
pub fn grammars(config: &Config, vocabulary: &Vocabulary) -> Result<Grammars, Error> {
    let eos = config.eos().first().copied();
    let eos = eos.ok_or_else(|| Error::Config("no token ends a text: `eos_token_id` is missing".into()))?;
    Grammars::new(vocabulary, config.vocab_size, eos)
}
