//! LLaMA, Qwen2 and Mistral: one decoder whose rows are tokens of any number of sequences, so that prompts and single tokens go
//! through one step together. Layers are named as transformers names them.

use crate::{
    Config, Error, Source,
    cache::{Look, Pages, Reach, Shape, Table},
    rope::Rope,
    weights::{Embedding, Linear},
};
use candle_core::{DType, Device, Tensor};
use candle_nn::{ops::rms_norm, rotary_emb::rope_thd};

/// Tokens of one sequence in a step. The table has room for them; they follow what is filled.
pub struct Run<'a> {
    pub table: &'a Table,
    pub tokens: &'a [u32],
    /// Tokens that the sequence has in all, as far as is known: what dynamically scaled positions depend on.
    pub length: usize,
    /// Rows, counted from the end, whose logits are wanted.
    pub wanted: usize,
}

struct Layer {
    input_layernorm: Tensor,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    post_attention_layernorm: Tensor,
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    window: Option<usize>,
}

/// The model: weights and nothing that changes.
pub struct Decoder {
    config: Config,
    embed_tokens: Embedding,
    layers: Vec<Layer>,
    norm: Tensor,
    lm_head: Linear,
    rope: Rope,
    turned: bool,
    device: Device,
    dtype: DType,
}

/// Sees what each block gives: its number and (rows, width).
pub type Observer<'a> = &'a mut dyn FnMut(usize, &Tensor);

impl Layer {
    fn load(source: &Source<'_>, config: &Config, at: usize) -> Result<Self, Error> {
        let (width, inner, head) = (config.hidden_size, config.intermediate_size, config.head_dim());
        let (heads, kv) = (config.num_attention_heads * head, config.kv_heads() * head);
        let name = |part: &str| format!("model.layers.{at}.{part}");
        Ok(Self {
            input_layernorm: source.vector(&name("input_layernorm"), width)?,
            q_proj: source.linear(&name("self_attn.q_proj"), heads, width, config.qkv_bias())?,
            k_proj: source.linear(&name("self_attn.k_proj"), kv, width, config.qkv_bias())?,
            v_proj: source.linear(&name("self_attn.v_proj"), kv, width, config.qkv_bias())?,
            o_proj: source.linear(&name("self_attn.o_proj"), width, heads, config.output_bias())?,
            post_attention_layernorm: source.vector(&name("post_attention_layernorm"), width)?,
            gate_proj: source.linear(&name("mlp.gate_proj"), inner, width, config.mlp_bias)?,
            up_proj: source.linear(&name("mlp.up_proj"), inner, width, config.mlp_bias)?,
            down_proj: source.linear(&name("mlp.down_proj"), width, inner, config.mlp_bias)?,
            window: config.window(at),
        })
    }
}

impl Decoder {
    pub fn load(source: &Source<'_>, config: Config) -> Result<Self, Error> {
        config.check()?;
        let embed_tokens = source.embedding("model.embed_tokens", config.vocab_size, config.hidden_size)?;
        let layers = (0..config.num_hidden_layers).map(|at| Layer::load(source, &config, at)).collect::<Result<_, _>>()?;
        let lm_head = match config.tie_word_embeddings {
            true => embed_tokens.tied()?,
            false => source.linear("lm_head", config.vocab_size, config.hidden_size, false)?,
        };
        let norm = source.vector("model.norm", config.hidden_size)?;
        let (rope, turned) = (Rope::new(&config)?, source.turned(&config));
        let (device, dtype) = (source.device().clone(), source.dtype());
        Ok(Self { config, embed_tokens, layers, norm, lm_head, rope, turned, device, dtype })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Whether what a prefix computes depends on nothing behind it.
    pub fn shares_prefixes(&self) -> bool {
        !self.rope.follows_length()
    }

    /// The size of pages of so many blocks.
    pub fn pages(&self, blocks: usize) -> Shape {
        Shape { layers: self.layers.len(), blocks, heads: self.config.kv_heads(), head: self.config.head_dim() }
    }

    /// One step: keys and values of all tokens go into the pages; gives logits (Σ wanted, vocabulary) as 32-bit floats.
    pub fn step(&self, runs: &[Run<'_>], pages: &mut dyn Pages, mut observe: Option<Observer<'_>>) -> Result<Tensor, Error> {
        let tokens: Vec<u32> = runs.iter().flat_map(|run| run.tokens.iter().copied()).collect();
        if let Some(token) = tokens.iter().find(|token| **token as usize >= self.config.vocab_size) {
            let message = format!("token {token} is none of the model's {}", self.config.vocab_size);
            return Err(Error::Request { field: "prompt", message });
        }
        let reaches: Vec<Reach<'_>> =
            runs.iter().map(|run| Reach { blocks: &run.table.blocks, start: run.table.filled, rows: run.tokens.len() }).collect();
        let places: Vec<(usize, usize)> =
            runs.iter().flat_map(|run| (0..run.tokens.len()).map(|row| (run.table.filled + row, run.length))).collect();
        let (cos, sin) = self.rope.angles(&places, &self.device)?;
        let angles = (cos.to_dtype(self.dtype)?, sin.to_dtype(self.dtype)?);
        let mut x = self.embed_tokens.forward(&Tensor::new(tokens, &self.device)?)?;
        for (at, layer) in self.layers.iter().enumerate() {
            x = self.block(at, layer, &x, &angles, &reaches, pages)?;
            if let Some(observe) = observe.as_mut() {
                observe(at, &x);
            }
        }
        self.logits(runs, &x)
    }

    fn logits(&self, runs: &[Run<'_>], x: &Tensor) -> Result<Tensor, Error> {
        let mut end = 0;
        let mut rows: Vec<u32> = Vec::new();
        for run in runs {
            end += run.tokens.len();
            rows.extend((end - run.wanted.min(run.tokens.len())) as u32..end as u32);
        }
        if rows.is_empty() {
            return Ok(Tensor::zeros((0, self.config.vocab_size), DType::F32, &self.device)?);
        }
        let x = x.index_select(&Tensor::new(rows, &self.device)?, 0)?;
        let x = rms_norm(&x, &self.norm, self.config.rms_norm_eps as f32)?;
        Ok(self.lm_head.forward(&x)?.to_dtype(DType::F32)?)
    }

    fn block(
        &self,
        at: usize,
        layer: &Layer,
        x: &Tensor,
        angles: &(Tensor, Tensor),
        reaches: &[Reach<'_>],
        pages: &mut dyn Pages,
    ) -> Result<Tensor, Error> {
        let (eps, head) = (self.config.rms_norm_eps as f32, self.config.head_dim());
        let h = rms_norm(x, &layer.input_layernorm, eps)?;
        let rows = h.dim(0)?;
        let (heads, kv) = (self.config.num_attention_heads, self.config.kv_heads());
        let q = self.rotated(&layer.q_proj.forward(&h)?.reshape((rows, heads, head))?, angles)?;
        let k = self.rotated(&layer.k_proj.forward(&h)?.reshape((rows, kv, head))?, angles)?;
        let v = layer.v_proj.forward(&h)?.reshape((rows, kv, head))?;
        pages.write(at, reaches, &k, &v)?;
        let look = Look { layer: at, scale: 1.0 / (head as f32).sqrt(), window: layer.window };
        let attended = pages.attend(look, reaches, &q)?;
        let x = (x + layer.o_proj.forward(&attended)?)?;
        let h = rms_norm(&x, &layer.post_attention_layernorm, eps)?;
        let inner = (layer.gate_proj.forward(&h)?.silu()? * layer.up_proj.forward(&h)?)?;
        Ok((&x + layer.down_proj.forward(&inner)?)?)
    }

    /// Queries or keys (rows, heads, head) turned by their positions.
    fn rotated(&self, x: &Tensor, (cos, sin): &(Tensor, Tensor)) -> Result<Tensor, Error> {
        let (rows, heads, head) = x.dims3()?;
        // Pairs beside each other become halves, as the angles are laid out.
        let x = match self.turned {
            true => x.reshape((rows, heads, head / 2, 2))?.transpose(2, 3)?.contiguous()?.reshape((rows, heads, head))?,
            false => x.clone(),
        };
        Ok(rope_thd(&x.unsqueeze(0)?.contiguous()?, cos, sin)?.squeeze(0)?)
    }
}
