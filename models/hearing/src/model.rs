//! Whisper's encoder and decoder, as transformers' `modeling_whisper.py`, on candle-nn.

use crate::{Config, Error};
use candle_core::{D, DType, Device, Tensor};
use candle_nn::{
    Conv1d, Conv1dConfig, Embedding, LayerNorm, Linear, Module, VarBuilder, layer_norm, linear, linear_no_bias, ops::softmax,
};

struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
}

type Pair = (Tensor, Tensor);

impl Attention {
    fn load(vb: &VarBuilder<'_>, name: &str, width: usize, heads: usize) -> candle_core::Result<Self> {
        let vb = vb.pp(name);
        Ok(Self {
            q_proj: linear(width, width, vb.pp("q_proj"))?,
            k_proj: linear_no_bias(width, width, vb.pp("k_proj"))?,
            v_proj: linear(width, width, vb.pp("v_proj"))?,
            out_proj: linear(width, width, vb.pp("out_proj"))?,
            heads,
        })
    }

    /// (rows, width) to (heads, rows, head).
    fn split(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (rows, width) = x.dims2()?;
        x.reshape((rows, self.heads, width / self.heads))?.transpose(0, 1)?.contiguous()
    }

    fn pair(&self, x: &Tensor) -> candle_core::Result<Pair> {
        Ok((self.split(&self.k_proj.forward(x)?)?, self.split(&self.v_proj.forward(x)?)?))
    }

    /// What comes out (rows, width), and the weights (heads, rows, keys).
    fn attend(&self, x: &Tensor, (k, v): &Pair, mask: Option<&Tensor>) -> candle_core::Result<Pair> {
        let scale = ((x.dim(1)? / self.heads) as f64).powf(-0.5);
        let q = self.split(&(self.q_proj.forward(x)? * scale)?)?;
        let scores = q.matmul(&k.t()?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let weights = softmax(&scores, D::Minus1)?;
        let y = weights.matmul(v)?.transpose(0, 1)?.contiguous()?.flatten_from(1)?;
        Ok((self.out_proj.forward(&y)?, weights))
    }
}

struct Block {
    own: Attention,
    own_norm: LayerNorm,
    cross: Option<(Attention, LayerNorm)>,
    fc1: Linear,
    fc2: Linear,
    norm: LayerNorm,
}

impl Block {
    fn load(vb: &VarBuilder<'_>, width: usize, heads: usize, inner: usize, decoder: bool) -> candle_core::Result<Self> {
        let cross = || -> candle_core::Result<_> {
            Ok((Attention::load(vb, "encoder_attn", width, heads)?, layer_norm(width, 1e-5, vb.pp("encoder_attn_layer_norm"))?))
        };
        Ok(Self {
            own: Attention::load(vb, "self_attn", width, heads)?,
            own_norm: layer_norm(width, 1e-5, vb.pp("self_attn_layer_norm"))?,
            cross: decoder.then(cross).transpose()?,
            fc1: linear(width, inner, vb.pp("fc1"))?,
            fc2: linear(inner, width, vb.pp("fc2"))?,
            norm: layer_norm(width, 1e-5, vb.pp("final_layer_norm"))?,
        })
    }

    fn feed(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let h = self.fc1.forward(&self.norm.forward(x)?)?.gelu_erf()?;
        x + self.fc2.forward(&h)?
    }
}

/// The model: weights and nothing that changes.
pub struct Whisper {
    config: Config,
    conv1: Conv1d,
    conv2: Conv1d,
    places: Tensor,
    encoder: Vec<Block>,
    encoder_norm: LayerNorm,
    tokens: Embedding,
    token_places: Tensor,
    decoder: Vec<Block>,
    decoder_norm: LayerNorm,
    device: Device,
}

/// A text on its way through the decoder, over one window of sound.
pub struct State {
    cross: Vec<Pair>,
    own: Vec<Option<Pair>>,
    length: usize,
    /// Of the watched heads, in their order: how each token looked at the sound, (tokens, positions).
    pub looks: Vec<Vec<Vec<f32>>>,
    watched: Vec<(usize, usize)>,
}

impl Whisper {
    /// `vb` is at the repository's root; names as transformers'.
    pub fn load(vb: &VarBuilder<'_>, config: Config) -> Result<Self, Error> {
        Self::parts(vb, config).map_err(|error| Error::Weights(error.to_string()))
    }

    fn parts(vb: &VarBuilder<'_>, config: Config) -> candle_core::Result<Self> {
        let (width, encoder, decoder) = (config.d_model, vb.pp("model.encoder"), vb.pp("model.decoder"));
        let conv = |name: &str, inner: usize, stride: usize| {
            let settings = Conv1dConfig { padding: 1, stride, ..Conv1dConfig::default() };
            candle_nn::conv1d(inner, width, 3, settings, encoder.pp(name))
        };
        let blocks = |vb: &VarBuilder<'_>, layers: usize, heads: usize, inner: usize, decoder: bool| {
            (0..layers)
                .map(|at| Block::load(&vb.pp(format!("layers.{at}")), width, heads, inner, decoder))
                .collect::<candle_core::Result<Vec<_>>>()
        };
        Ok(Self {
            conv1: conv("conv1", config.num_mel_bins, 1)?,
            conv2: conv("conv2", width, 2)?,
            places: encoder.get((config.max_source_positions, width), "embed_positions.weight")?,
            encoder: blocks(&encoder, config.encoder_layers, config.encoder_attention_heads, config.encoder_ffn_dim, false)?,
            encoder_norm: layer_norm(width, 1e-5, encoder.pp("layer_norm"))?,
            tokens: candle_nn::embedding(config.vocab_size, width, decoder.pp("embed_tokens"))?,
            token_places: decoder.get((config.max_target_positions, width), "embed_positions.weight")?,
            decoder: blocks(&decoder, config.decoder_layers, config.decoder_attention_heads, config.decoder_ffn_dim, true)?,
            decoder_norm: layer_norm(width, 1e-5, decoder.pp("layer_norm"))?,
            device: vb.device().clone(),
            config,
        })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// One window of a spectrogram, (mels, frames of a window), to (positions, width). `observe` sees what each block gives.
    pub fn encode(&self, mel: &Tensor, mut observe: impl FnMut(usize, &Tensor)) -> Result<Tensor, Error> {
        let x = self.conv1.forward(&mel.unsqueeze(0)?)?.gelu_erf()?;
        let x = self.conv2.forward(&x)?.gelu_erf()?.squeeze(0)?.t()?.contiguous()?;
        let mut x = (x + &self.places)?;
        for (at, block) in self.encoder.iter().enumerate() {
            let h = block.own_norm.forward(&x)?;
            x = (&x + block.own.attend(&h, &block.own.pair(&h)?, None)?.0)?;
            x = block.feed(&x)?;
            observe(at, &x);
        }
        Ok(self.encoder_norm.forward(&x)?)
    }

    /// A decoder's state over a window that was encoded, watching some (layer, head).
    pub fn begin(&self, encoded: &Tensor, watched: &[(usize, usize)]) -> Result<State, Error> {
        let crosses = self.decoder.iter().filter_map(|block| block.cross.as_ref());
        let cross = crosses.map(|(cross, _)| cross.pair(encoded)).collect::<candle_core::Result<_>>()?;
        let own = self.decoder.iter().map(|_| None).collect();
        Ok(State { cross, own, length: 0, looks: vec![Vec::new(); watched.len()], watched: watched.to_vec() })
    }

    /// Logits after each token, which follow those that the state has seen: (tokens, vocabulary).
    pub fn step(&self, state: &mut State, tokens: &[u32]) -> Result<Tensor, Error> {
        let (rows, keys) = (tokens.len(), state.length + tokens.len());
        if keys > self.config.max_target_positions || rows == 0 {
            let message = format!("{keys} tokens; the model holds {}", self.config.max_target_positions);
            return Err(Error::Request { field: "prompt", message });
        }
        let mut x = (self.tokens.forward(&Tensor::new(tokens, &self.device)?)? * self.scale())?;
        x = (x + self.token_places.narrow(0, state.length, rows)?)?;
        let start = state.length;
        let ahead =
            (0..rows).flat_map(|row| (0..keys).map(move |key| if key > start + row { f32::NEG_INFINITY } else { 0.0 })).collect();
        let mask = Tensor::from_vec(ahead, (1, rows, keys), &self.device)?.to_dtype(x.dtype())?;
        for (at, block) in self.decoder.iter().enumerate() {
            let h = block.own_norm.forward(&x)?;
            let (k, v) = block.own.pair(&h)?;
            let pair = match &state.own[at] {
                Some((before_k, before_v)) => (Tensor::cat(&[before_k, &k], 1)?, Tensor::cat(&[before_v, &v], 1)?),
                None => (k, v),
            };
            x = (&x + block.own.attend(&h, &pair, Some(&mask))?.0)?;
            state.own[at] = Some(pair);
            if let Some((cross, norm)) = &block.cross {
                let (y, looks) = cross.attend(&norm.forward(&x)?, &state.cross[at], None)?;
                x = (&x + y)?;
                state.watch(at, &looks)?;
            }
            x = block.feed(&x)?;
        }
        state.length = keys;
        let x = self.decoder_norm.forward(&x)?;
        Ok(x.matmul(&self.tokens.embeddings().t()?)?.to_dtype(DType::F32)?)
    }

    fn scale(&self) -> f64 {
        if self.config.scale_embedding { (self.config.d_model as f64).sqrt() } else { 1.0 }
    }
}

impl State {
    /// Tokens that the decoder has seen.
    pub fn length(&self) -> usize {
        self.length
    }

    fn watch(&mut self, layer: usize, looks: &Tensor) -> candle_core::Result<()> {
        for (at, (_, head)) in self.watched.iter().enumerate().filter(|(_, (watched, _))| *watched == layer) {
            self.looks[at].extend(looks.get(*head)?.to_dtype(DType::F32)?.to_vec2::<f32>()?);
        }
        Ok(())
    }
}
