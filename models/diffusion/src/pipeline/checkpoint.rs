use crate::{
    error::{Error, Result},
    schedule::{self, BetaSchedule, Prediction},
    single_file::{self, Layout},
    text, unet, vae,
    weights::Weights,
};
use candle_core::{DType, Device};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Bytes of a configuration.
const CONFIG_MAX: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 1.x and 2.x.
    StableDiffusion,
    StableDiffusionXl,
}

/// How a checkpoint's parts are built.
#[derive(Clone, Debug, PartialEq)]
pub struct Configs {
    pub unet: unet::Config,
    pub vae: vae::Config,
    pub texts: Vec<text::Config>,
    pub scheduler: schedule::Config,
    /// Without a negative prompt its states are zeros (SDXL's `force_zeros_for_empty_prompt`).
    pub zeros_for_no_negative: bool,
}

impl Configs {
    /// What the authors' files do not say themselves.
    pub fn of(layout: Layout) -> Self {
        let trained = schedule::Config {
            num_train_timesteps: Some(1000),
            beta_start: Some(0.000_85),
            beta_end: Some(0.012),
            beta_schedule: Some(BetaSchedule::ScaledLinear),
            steps_offset: Some(1),
            set_alpha_to_one: Some(false),
            clip_sample: Some(false),
            ..Default::default()
        };
        let (unet, vae, texts, scheduler) = match layout {
            Layout::Sd1 => (unet::Config::sd15(), vae::Config::default(), vec![text::Config::clip_l()], trained),
            Layout::Sd2 => {
                let scheduler = schedule::Config { prediction_type: Some(Prediction::VPrediction), ..trained };
                (unet::Config::sd21(), vae::Config::default(), vec![text::Config::open_clip_h()], scheduler)
            }
            Layout::Sdxl => {
                let texts = vec![text::Config::clip_l(), text::Config::open_clip_g()];
                (unet::Config::sdxl(), vae::Config::sdxl(), texts, trained)
            }
        };
        Self { unet, vae, texts, scheduler, zeros_for_no_negative: layout == Layout::Sdxl }
    }
}

/// A text encoder on disk.
pub struct TextPart {
    pub weights: Weights,
    pub config: text::Config,
    /// The folder of its tokenizer.
    pub words: PathBuf,
}

impl TextPart {
    pub(super) fn tokenizer(&self) -> Result<text::Tokenizer> {
        text::Tokenizer::open(&self.words)
    }
}

/// A model's weights, shared by all that is laid over them.
pub struct Checkpoint {
    pub family: Family,
    pub configs: Configs,
    pub unet: Weights,
    pub vae: Weights,
    pub texts: Vec<TextPart>,
}

impl Checkpoint {
    /// Reads a folder in diffusers' layout.
    pub fn open(folder: &Path, dtype: DType, device: &Device) -> Result<Self> {
        let second = folder.join("text_encoder_2").is_dir();
        let family = if second { Family::StableDiffusionXl } else { Family::StableDiffusion };
        let parts = if second {
            vec![("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")]
        } else {
            vec![("text_encoder", "tokenizer")]
        };
        let mut texts = Vec::new();
        for (part, words) in parts {
            let weights = Weights::open(part, &weight_files(&folder.join(part))?, dtype, device)?;
            texts.push(TextPart { weights, config: json(&folder.join(part).join("config.json"))?, words: folder.join(words) });
        }
        let index: serde_json::Value = json(&folder.join("model_index.json"))?;
        let zeros = index["force_zeros_for_empty_prompt"].as_bool().unwrap_or(second);
        let vae_config: vae::Config = json(&folder.join("vae/config.json"))?;
        let vae_dtype = vae_config.dtype_beside(dtype);
        let configs = Configs {
            unet: json(&folder.join("unet/config.json"))?,
            vae: vae_config,
            texts: texts.iter().map(|text| text.config.clone()).collect(),
            scheduler: json(&folder.join("scheduler/scheduler_config.json"))?,
            zeros_for_no_negative: zeros && second,
        };
        let unet = Weights::open("the UNet", &weight_files(&folder.join("unet"))?, dtype, device)?;
        let vae = Weights::open("the VAE", &weight_files(&folder.join("vae"))?, vae_dtype, device)?;
        Self { family, configs, unet, vae, texts }.whole()
    }

    /// Reads one file in its authors' layout. `words`: the folders of its tokenizers, which it does not carry. `configs`: what it is
    /// built like, if it is none of the three known.
    pub fn single(file: &Path, configs: Option<Configs>, words: &[PathBuf], dtype: DType, device: &Device) -> Result<Self> {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let all = Weights::open(&name, &[file.to_owned()], dtype, &Device::Cpu)?;
        let layout = Layout::of(all.tensors().keys().map(String::as_str));
        let layout = layout.ok_or_else(|| Error::weights(&name, "cond_stage_model", "is not there: no known layout"))?;
        let configs = configs.unwrap_or_else(|| Configs::of(layout));
        let layers = configs.unet.layers_per_block.at(0);
        let (_, parts) = single_file::convert(&name, all.tensors().clone(), layers, configs.vae.block_out_channels.len())?;
        if words.len() != parts.texts.len() || configs.texts.len() != parts.texts.len() {
            return Err(Error::Tokenizer(format!("{} tokenizers for {} text encoders", words.len(), parts.texts.len())));
        }
        let mut texts = Vec::new();
        for ((tensors, config), words) in parts.texts.into_iter().zip(&configs.texts).zip(words) {
            let weights = Weights::new("a text encoder", tensors, dtype, device)?;
            texts.push(TextPart { weights, config: config.clone(), words: words.clone() });
        }
        let family = if layout == Layout::Sdxl { Family::StableDiffusionXl } else { Family::StableDiffusion };
        let unet = Weights::new("the UNet", parts.unet, dtype, device)?;
        let vae = Weights::new("the VAE", parts.vae, configs.vae.dtype_beside(dtype), device)?;
        Self { family, configs, unet, vae, texts }.whole()
    }

    /// Whether the parts belong together.
    fn whole(self) -> Result<Self> {
        let width: usize = self.texts.iter().map(|text| text.config.hidden_size).sum();
        let wanted = self.configs.unet.cross_attention_dim;
        if width != wanted {
            return Err(Error::config("the UNet", format!("it reads states of {wanted}, and the text encoders give {width}")));
        }
        let (latents, out) = (self.configs.vae.latent_channels, self.configs.unet.out_channels);
        if latents != out {
            return Err(Error::config("the VAE", format!("it has {latents} latent channels, and the UNet gives {out}")));
        }
        Ok(self)
    }

    /// Bytes of all weights as they are held.
    pub fn bytes(&self) -> u64 {
        self.unet.bytes() + self.vae.bytes() + self.texts.iter().map(|text| text.weights.bytes()).sum::<u64>()
    }
}

pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > CONFIG_MAX {
        return Err(failed(std::io::Error::other(format!("{bytes} bytes; a configuration has at most {CONFIG_MAX}"))));
    }
    let text = std::fs::read(path).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|e| failed(std::io::Error::other(e)))
}

/// A part's safetensors, all shards; those without a variant (`.fp16.`) where there are both.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    let variant = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem.to_string_lossy().contains(".fp16"));
    if files.iter().any(|path| !variant(path)) {
        files.retain(|path| !variant(path));
    }
    match files.is_empty() {
        true => Err(failed(std::io::Error::other("it has no safetensors"))),
        false => Ok(files),
    }
}
