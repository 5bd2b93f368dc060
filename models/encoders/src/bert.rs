//! BERT (Devlin et al. 2018), MiniLM, and RoBERTa and XLM-R, which differ in their places (Liu et al. 2019).

use crate::block::{self, BlockConfig, Norms, Stack};
use crate::{Error, Parcel};
use candle_core::Tensor;
use candle_nn::VarBuilder;
use klieg_nn::{Activation, LayerNorm};
use serde::Deserialize;

/// `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct BertConfig {
    /// `bert`, `roberta`, `xlm-roberta`.
    #[serde(default)]
    pub model_type: String,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "gelu")]
    pub hidden_act: String,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    #[serde(default = "eps")]
    pub layer_norm_eps: f64,
    #[serde(default)]
    pub pad_token_id: Option<u32>,
    #[serde(default)]
    pub position_embedding_type: Option<String>,
}

fn gelu() -> String {
    "gelu".into()
}

fn eps() -> f64 {
    1e-12
}

impl BertConfig {
    /// The first token's place: RoBERTa counts from behind the padding token.
    fn first_place(&self) -> u32 {
        if self.model_type.ends_with("roberta") { self.pad_token_id.unwrap_or(1) + 1 } else { 0 }
    }

    /// Tokens that a sequence may have.
    pub fn tokens_max(&self) -> usize {
        self.max_position_embeddings.saturating_sub(self.first_place() as usize)
    }

    pub(crate) fn block(&self) -> Result<BlockConfig, Error> {
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return Err(Error::config("config.json", format!("position_embedding_type {kind:?} is not supported: absolute is")));
        }
        Ok(BlockConfig {
            width: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            eps: self.layer_norm_eps,
            activation: activation(&self.hidden_act)?,
            norms: Norms::After,
            causal: false,
        })
    }
}

/// `hidden_act` of a config.
pub(crate) fn activation(name: &str) -> Result<Activation, Error> {
    Activation::named(name).ok_or_else(|| Error::config("config.json", format!("the activation {name:?} is not known")))
}

/// The builder under `prefix` if the tensors are there, as those of a model with a head are.
pub(crate) fn under<'a>(vb: &VarBuilder<'a>, prefix: &str, probe: &str) -> VarBuilder<'a> {
    let inner = vb.pp(prefix);
    if inner.contains_tensor(probe) { inner } else { vb.clone() }
}

/// Tokens to states.
pub struct Bert {
    words: Tensor,
    places: Tensor,
    types: Tensor,
    norm: LayerNorm,
    stack: Stack,
    config: BertConfig,
}

impl Bert {
    /// Names as in `BertModel`, `RobertaModel` or a model with a head over one.
    pub fn load(config: &BertConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let prefix = if config.model_type.ends_with("roberta") { "roberta" } else { "bert" };
        let vb = under(vb, prefix, "embeddings.word_embeddings.weight");
        let width = config.hidden_size;
        let embeddings = vb.pp("embeddings");
        let table = |count: usize, name: &str| embeddings.pp(name).get((count, width), "weight");
        Ok(Self {
            words: table(config.vocab_size, "word_embeddings")?,
            places: table(config.max_position_embeddings, "position_embeddings")?,
            types: table(config.type_vocab_size, "token_type_embeddings")?,
            norm: LayerNorm::load(width, config.layer_norm_eps, &embeddings.pp("LayerNorm"))?,
            stack: Stack::load(&config.block()?, &block::BERT, config.num_hidden_layers, &vb.pp("encoder.layer"))?,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// tokens × width. `seen` hears the embeddings, then what each block gives.
    pub fn forward(&self, parcel: &Parcel, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        parcel.check(self.config.vocab_size, self.config.tokens_max())?;
        let device = self.words.device();
        let row = |table: &Tensor, of: &[u32]| table.index_select(&Tensor::new(of, device)?, 0);
        let places = row(&self.places, &parcel.places(self.config.first_place()))?;
        // One segment is the rule: its row is added to all, without a copy for each token.
        let words = row(&self.words, &parcel.ids)?;
        let x = match parcel.types.iter().all(|kind| *kind == 0) {
            true => words.broadcast_add(&self.types.narrow(0, 0, 1)?)?,
            false => (words + row(&self.types, &parcel.types)?)?,
        };
        let x = self.norm.forward(&(x + places)?)?;
        seen(&x);
        Ok(self.stack.forward(x, &parcel.bounds, seen)?)
    }
}
