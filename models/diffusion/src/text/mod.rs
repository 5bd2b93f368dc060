//! From a prompt to what the network reads.

mod clip;
mod tokens;

pub use clip::{ClipText, Config};
pub use tokens::{Chunk, TOKENS_MAX, Tokenizer};

use crate::{
    error::{Error, Result},
    prompt,
};
use candle_core::{DType, Tensor};

/// A text encoder with its words.
pub struct Encoder {
    pub tokenizer: Tokenizer,
    pub model: ClipText,
}

/// A prompt as hidden states.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// [chunks · 77, width], f32.
    pub states: Tensor,
    /// [width], f32; of models that want it.
    pub pooled: Option<Tensor>,
}

/// Which hidden states a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The last layer's, normalised: SD 1.5 and 2.1. `skip` leaves that many layers out before the norm ("CLIP skip").
    Last { skip: usize },
    /// The last but one's of both encoders side by side, and the second's pooled projection: SDXL.
    Penultimate,
}

/// All of a model's text encoders.
pub struct Encoders {
    pub encoders: Vec<Encoder>,
    pub reading: Reading,
}

impl Encoders {
    /// A prompt's chunks of 75 tokens, at least one.
    pub fn chunks(&self, text: &str) -> Result<usize> {
        let pieces = prompt::parse(text)?;
        let counts = self.encoders.iter().map(|encoder| Ok(encoder.tokenizer.chunks(&pieces)?.len()));
        counts.collect::<Result<Vec<_>>>().map(|counts| counts.into_iter().max().unwrap_or(1))
    }

    /// A prompt's states, filled up with empty chunks to `chunks`.
    ///
    /// Weights w ≠ 1 move a token's state z away from, or towards, the empty prompt's state e at its place: e + w (z − e), each
    /// encoder's before they are put side by side. Pooled states are those of the first chunk, and no weight touches them.
    pub fn encode(&self, text: &str, chunks: usize) -> Result<Encoded> {
        let pieces = prompt::parse(text)?;
        let mut states = Vec::new();
        let mut pooled = None;
        for encoder in &self.encoders {
            let mut ids = encoder.tokenizer.chunks(&pieces)?;
            ids.resize(chunks.max(ids.len()), encoder.tokenizer.empty());
            let (encoded, last_pooled) = encoder.encode(&ids, self.reading)?;
            states.push(encoded);
            pooled = last_pooled;
        }
        let states = Tensor::cat(&states, 1)?;
        Ok(Encoded { states, pooled: pooled.filter(|_| self.reading == Reading::Penultimate) })
    }

    pub fn width(&self) -> usize {
        self.encoders.iter().map(|encoder| encoder.model.config().hidden_size).sum()
    }

    pub fn bytes_of_states(&self, chunks: usize) -> u64 {
        (self.width() * chunks * tokens::WINDOW * 4) as u64
    }
}

impl Encoder {
    /// [chunks · 77, width], and the first chunk's pooled state.
    fn encode(&self, chunks: &[Chunk], reading: Reading) -> Result<(Tensor, Option<Tensor>)> {
        let (skip, normed) = match reading {
            Reading::Last { skip } => (skip, true),
            Reading::Penultimate => (1, false),
        };
        if skip >= self.model.config().num_hidden_layers {
            let layers = self.model.config().num_hidden_layers;
            return Err(Error::wish("clip_skip", skip, format!("below the encoder's {layers} layers")));
        }
        let run = |chunk: &Chunk| -> Result<(Tensor, Option<Tensor>)> {
            let out = self.model.forward(&chunk.ids, skip, normed)?;
            Ok((out.0.to_dtype(DType::F32)?, out.1.map(|pooled| pooled.to_dtype(DType::F32)).transpose()?))
        };
        let weighted = chunks.iter().any(|chunk| chunk.weights.iter().any(|&w| w != 1.0));
        let empty = weighted.then(|| run(&self.tokenizer.empty())).transpose()?;
        let (mut states, mut first) = (Vec::new(), None);
        for (i, chunk) in chunks.iter().enumerate() {
            let (state, pooled) = run(chunk)?;
            states.push(match &empty {
                Some((empty, _)) => weigh(&state, empty, &chunk.weights)?,
                None => state,
            });
            if i == 0 {
                first = pooled;
            }
        }
        Ok((Tensor::cat(&states, 0)?, first))
    }
}

fn weigh(state: &Tensor, empty: &Tensor, weights: &[f32]) -> Result<Tensor> {
    let weights = Tensor::from_slice(weights, (weights.len(), 1), state.device())?;
    // z + (w − 1) (z − e): exact where w is 1.
    let lean = (state - empty)?.broadcast_mul(&(weights - 1.0)?)?;
    Ok((state + lean)?)
}
