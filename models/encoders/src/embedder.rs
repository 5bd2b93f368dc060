//! Texts and pictures to vectors, by whatever model a folder holds.

use crate::heads::rows;
use crate::pooling::{Pooling, pool, unit};
use crate::{Bert, BertConfig, Clip, ClipConfig, Deberta, DebertaConfig, Error, Folder, Parcel, Preprocess, Siglip, SiglipConfig};
use crate::{Tokens, Words, parcels};
use candle_core::{DType, Device, Tensor};
use image::RgbImage;
use rayon::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// Tokens that one thread of a processor takes at once: what they come to between two layers stays in its second cache.
const PARCEL_TOKENS: usize = 256;
/// Tokens that another device takes at once.
const DEVICE_TOKENS: usize = 32 * 1024;
/// Pictures that one thread takes at once.
const PICTURES: usize = 2;

/// What came of one text or picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    pub values: Vec<f32>,
    /// Tokens that the model saw; of a picture 0.
    pub tokens: usize,
    /// Tokens of the text beyond what the model takes.
    pub left_out: usize,
}

enum Body {
    Bert(Box<Bert>),
    Deberta(Box<Deberta>),
    Clip(Box<Clip>),
    Siglip(Box<Siglip>),
}

/// What is known of a model before its weights are read.
pub struct Outline {
    folder: Folder,
    kind: String,
    tokens: Tokens,
    pixels: Option<Preprocess>,
    pooling: Pooling,
    unit: bool,
    width: usize,
}

/// A model that makes vectors.
pub struct Embedder {
    body: Body,
    outline: Outline,
    device: Device,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    model_type: String,
}

impl Outline {
    /// A sentence model (BERT, RoBERTa, XLM-R, DeBERTa-v2; pooled as its `modules.json` says, by the mean without one), CLIP or SigLIP.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let folder = Folder::new(root);
        let kind = folder.json::<Kind>("config.json")?.model_type;
        let (tokens, pixels, sentence, width) = match kind.as_str() {
            "clip" => {
                let config: ClipConfig = folder.json("config.json")?;
                let tokens = Tokens::open(&folder, config.text_config.max_position_embeddings)?;
                (tokens, Some(Preprocess::open(&folder, "clip")?), Sentence::JOINT, config.projection_dim)
            }
            "siglip" => {
                let SiglipConfig { text_config: text, .. } = folder.json("config.json")?;
                let tokens = Tokens::open(&folder, text.max_position_embeddings)?.filled(text.pad_token_id.unwrap_or(1));
                let width = text.projection_size.unwrap_or(text.hidden_size);
                (tokens, Some(Preprocess::open(&folder, "siglip")?), Sentence::JOINT, width)
            }
            "bert" | "roberta" | "xlm-roberta" | "deberta-v2" => {
                let (most, width) = if kind == "deberta-v2" {
                    let config: DebertaConfig = folder.json("config.json")?;
                    (config.max_position_embeddings, config.hidden_size)
                } else {
                    let config: BertConfig = folder.json("config.json")?;
                    (config.tokens_max(), config.hidden_size)
                };
                let sentence = Sentence::open(&folder)?;
                let tokens = Tokens::open(&folder, sentence.tokens_max.unwrap_or(most).min(most))?;
                (tokens, None, sentence, width)
            }
            other => return Err(Error::config("config.json", format!("a model of type {other:?} makes no vectors here"))),
        };
        Ok(Self { folder, kind, tokens, pixels, pooling: sentence.pooling, unit: sentence.unit, width })
    }

    /// Floats of a vector.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Tokens of a text that are seen, special ones included.
    pub fn tokens_max(&self) -> usize {
        self.tokens.most()
    }

    pub fn takes_pictures(&self) -> bool {
        self.pixels.is_some()
    }

    /// Whether vectors have unit length unless something else is asked for.
    pub fn gives_units(&self) -> bool {
        self.unit
    }

    /// Sets whether vectors have unit length.
    pub fn with_units(mut self, unit: bool) -> Self {
        self.unit = unit;
        self
    }

    pub fn encode(&self, text: &str) -> Result<Words, Error> {
        self.tokens.encode(text)
    }

    /// Reads the weights.
    pub fn load(self, dtype: DType, device: &Device) -> Result<Embedder, Error> {
        let vb = self.folder.weights(dtype, device)?;
        let config = "config.json";
        let body = match self.kind.as_str() {
            "clip" => Body::Clip(Box::new(Clip::load(&self.folder.json(config)?, &vb)?)),
            "siglip" => Body::Siglip(Box::new(Siglip::load(&self.folder.json(config)?, &vb)?)),
            "deberta-v2" => Body::Deberta(Box::new(Deberta::load(&self.folder.json(config)?, &vb)?)),
            _ => Body::Bert(Box::new(Bert::load(&self.folder.json(config)?, &vb)?)),
        };
        Ok(Embedder { body, outline: self, device: device.clone() })
    }
}

impl Embedder {
    /// Outline and weights.
    pub fn open(root: &Path, dtype: DType, device: &Device) -> Result<Self, Error> {
        Outline::open(root)?.load(dtype, device)
    }

    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// A vector for each text, in their order; each is the same whatever the others are.
    pub fn texts<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Vector>, Error> {
        self.sequences(&texts.par_iter().map(|text| self.outline.encode(text.as_ref())).collect::<Result<Vec<_>, _>>()?)
    }

    /// The same of texts that are tokens already.
    pub fn sequences(&self, words: &[Words]) -> Result<Vec<Vector>, Error> {
        let lengths: Vec<usize> = words.iter().map(|words| words.ids.len()).collect();
        let run = |range: std::ops::Range<usize>| self.parcel(&words[range]);
        let vectors: Vec<Vec<Vec<f32>>> = match self.device.is_cpu() {
            true => parcels(&lengths, PARCEL_TOKENS).into_par_iter().map(run).collect::<Result<_, _>>()?,
            false => parcels(&lengths, DEVICE_TOKENS).into_iter().map(run).collect::<Result<_, _>>()?,
        };
        let both = vectors.into_iter().flatten().zip(words);
        Ok(both.map(|(values, words)| Vector { values, tokens: words.ids.len(), left_out: words.left_out }).collect())
    }

    fn parcel(&self, words: &[Words]) -> Result<Vec<Vec<f32>>, Error> {
        let ids: Vec<&[u32]> = words.iter().map(|words| words.ids.as_slice()).collect();
        let parcel = Parcel { types: words.iter().flat_map(|words| words.types.iter().copied()).collect(), ..Parcel::of(&ids) };
        let unheard = &mut |_: &Tensor| ();
        let vectors = match &self.body {
            Body::Bert(bert) => pool(&bert.forward(&parcel, unheard)?, &parcel.bounds, self.outline.pooling)?,
            Body::Deberta(deberta) => pool(&deberta.forward(&parcel, unheard)?, &parcel.bounds, self.outline.pooling)?,
            Body::Clip(clip) => clip.texts(&parcel)?,
            Body::Siglip(siglip) => siglip.texts(&parcel)?,
        };
        self.finished(&vectors)
    }

    fn finished(&self, vectors: &Tensor) -> Result<Vec<Vec<f32>>, Error> {
        let vectors = vectors.to_dtype(DType::F32)?;
        if self.outline.unit { rows(&unit(&vectors)?) } else { rows(&vectors) }
    }

    /// A vector for each picture, in their order.
    pub fn pictures(&self, pictures: &[RgbImage]) -> Result<Vec<Vector>, Error> {
        let Some(pixels) = &self.outline.pixels else {
            return Err(Error::Unable("make vectors of pictures: the model takes texts only".into()));
        };
        let run = |pictures: &[RgbImage]| {
            let tensors = pictures.iter().map(|picture| pixels.apply(picture, &self.device)).collect::<Result<Vec<_>, _>>()?;
            let all = Tensor::stack(&tensors, 0)?;
            let vectors = match &self.body {
                Body::Clip(clip) => clip.pictures(&all)?,
                Body::Siglip(siglip) => siglip.pictures(&all)?,
                Body::Bert(_) | Body::Deberta(_) => return Err(Error::Unable("make vectors of pictures".into())),
            };
            self.finished(&vectors)
        };
        let vectors: Vec<Vec<Vec<f32>>> = pictures.par_chunks(PICTURES).map(run).collect::<Result<_, _>>()?;
        Ok(vectors.into_iter().flatten().map(|values| Vector { values, tokens: 0, left_out: 0 }).collect())
    }
}

/// What sentence-transformers keeps beside a model.
struct Sentence {
    pooling: Pooling,
    unit: bool,
    tokens_max: Option<usize>,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
struct Length {
    max_seq_length: Option<usize>,
}

impl Sentence {
    /// Of a model of texts and pictures, whose vectors are compared by their angle.
    const JOINT: Self = Self { pooling: Pooling::Last, unit: true, tokens_max: None };

    fn open(folder: &Folder) -> Result<Self, Error> {
        let mut sentence = Self { pooling: Pooling::Mean, unit: false, tokens_max: None };
        if folder.has("sentence_bert_config.json") {
            sentence.tokens_max = folder.json::<Length>("sentence_bert_config.json")?.max_seq_length;
        }
        if !folder.has("modules.json") {
            return Ok(sentence);
        }
        for module in folder.json::<Vec<Module>>("modules.json")? {
            match module.kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" if module.path.is_empty() => {}
                "Pooling" => sentence.pooling = pooling(&folder.json(&format!("{}/config.json", module.path))?)?,
                "Normalize" => sentence.unit = true,
                other => {
                    return Err(Error::config("modules.json", format!("a module {other:?} at {:?} is not supported", module.path)));
                }
            }
        }
        Ok(sentence)
    }
}

/// `1_Pooling/config.json`, of old and of new.
fn pooling(config: &serde_json::Map<String, serde_json::Value>) -> Result<Pooling, Error> {
    const OLD: [(&str, Pooling); 5] = [
        ("pooling_mode_cls_token", Pooling::First),
        ("pooling_mode_mean_tokens", Pooling::Mean),
        ("pooling_mode_max_tokens", Pooling::Max),
        ("pooling_mode_mean_sqrt_len_tokens", Pooling::MeanSqrt),
        ("pooling_mode_lasttoken", Pooling::Last),
    ];
    const NEW: [(&str, Pooling); 5] = [
        ("cls", Pooling::First),
        ("mean", Pooling::Mean),
        ("max", Pooling::Max),
        ("mean_sqrt_len_tokens", Pooling::MeanSqrt),
        ("lasttoken", Pooling::Last),
    ];
    let bad = |what: String| Error::config("1_Pooling/config.json", what);
    if let Some(word) = config.get("pooling_mode").and_then(|word| word.as_str()) {
        let known = NEW.iter().find(|(name, _)| *name == word);
        return known.map(|(_, pooling)| *pooling).ok_or_else(|| bad(format!("pooling_mode {word:?} is not supported")));
    }
    let on: Vec<&str> = config
        .iter()
        .filter(|(name, on)| name.starts_with("pooling_mode") && **on == true)
        .map(|(name, _)| name.as_str())
        .collect();
    match on[..] {
        [one] => {
            let known = OLD.iter().find(|(name, _)| *name == one);
            known.map(|(_, pooling)| *pooling).ok_or_else(|| bad(format!("{one} is not supported")))
        }
        _ => Err(bad(format!("one way of pooling is supported at a time, not {on:?}"))),
    }
}
