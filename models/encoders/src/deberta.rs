//! DeBERTa-v2 and v3: what a token attends to depends on words and on how far away they are, apart (He et al. 2020, 2021).

use crate::bert::{activation, under};
use crate::{Error, Parcel};
use candle_core::{D, Device, Result as Candle, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, Module, VarBuilder};
use klieg_nn::{Activation, LayerNorm, Linear};
use serde::{Deserialize, Deserializer};

/// `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct DebertaConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    #[serde(default = "gelu")]
    pub hidden_act: String,
    pub max_position_embeddings: usize,
    #[serde(default)]
    pub type_vocab_size: usize,
    #[serde(default = "eps")]
    pub layer_norm_eps: f64,
    #[serde(default)]
    pub relative_attention: bool,
    #[serde(default = "unset")]
    pub max_relative_positions: i64,
    #[serde(default = "unset")]
    pub position_buckets: i64,
    #[serde(default)]
    pub share_att_key: bool,
    #[serde(default = "yes")]
    pub position_biased_input: bool,
    #[serde(default, deserialize_with = "words")]
    pub pos_att_type: Vec<String>,
    #[serde(default)]
    pub norm_rel_ebd: Option<String>,
    #[serde(default)]
    pub embedding_size: Option<usize>,
    #[serde(default)]
    pub attention_head_size: Option<usize>,
    #[serde(default)]
    pub conv_kernel_size: usize,
    #[serde(default)]
    pub conv_groups: Option<usize>,
    #[serde(default)]
    pub conv_act: Option<String>,
    #[serde(default = "gelu")]
    pub pooler_hidden_act: String,
}

fn gelu() -> String {
    "gelu".into()
}

fn eps() -> f64 {
    1e-7
}

fn unset() -> i64 {
    -1
}

fn yes() -> bool {
    true
}

/// `"p2c|c2p"` or a list.
fn words<'de, De: Deserializer<'de>>(from: De) -> Result<Vec<String>, De::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Joined(String),
        List(Vec<String>),
        None,
    }
    Ok(match Either::deserialize(from)? {
        Either::Joined(all) => all.split('|').map(|word| word.trim().to_owned()).collect(),
        Either::List(all) => all,
        Either::None => Vec::new(),
    })
}

impl DebertaConfig {
    fn looks(&self, at: &str) -> bool {
        self.relative_attention && self.pos_att_type.iter().any(|word| word == at)
    }

    /// Distances that are told apart on each side.
    fn span(&self) -> usize {
        if self.position_buckets > 0 { self.position_buckets as usize } else { self.farthest() }
    }

    fn farthest(&self) -> usize {
        usize::try_from(self.max_relative_positions).ok().filter(|most| *most > 0).unwrap_or(self.max_position_embeddings)
    }

    /// The row of the distance table for a key `distance` before the query.
    fn row(&self, distance: i64) -> u32 {
        let span = self.span() as i64;
        let bucket =
            if self.position_buckets > 0 { bucket(distance, self.position_buckets, self.farthest() as i64) } else { distance };
        (bucket + span).clamp(0, 2 * span - 1) as u32
    }
}

/// Near distances one by one, far ones by their logarithm.
fn bucket(distance: i64, buckets: i64, farthest: i64) -> i64 {
    let middle = buckets / 2;
    let size = if distance < middle && distance > -middle { middle - 1 } else { distance.abs() };
    if size <= middle {
        return distance;
    }
    let far = (size as f32 / middle as f32).ln() / ((farthest - 1) as f32 / middle as f32).ln() * (middle - 1) as f32;
    (far.ceil() as i64 + middle) * distance.signum()
}

/// The parts of attention that look at distances: heads × dim × 2·span, scaled.
struct Far {
    /// Of a query's words to the distance.
    keys: Option<Tensor>,
    /// Of the distance to a key's words.
    queries: Option<Tensor>,
}

struct Layer {
    joined: Linear,
    far: Far,
    out: Linear,
    norms: [LayerNorm; 2],
    up: Linear,
    down: Linear,
}

/// A convolution over neighbours beside the first layer (v2 xlarge).
struct Conv {
    conv: Conv1d,
    norm: LayerNorm,
    activation: Activation,
}

/// Tokens to states.
pub struct Deberta {
    words: Tensor,
    places: Option<Tensor>,
    types: Option<Tensor>,
    wider: Option<Linear>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    conv: Option<Conv>,
    activation: Activation,
    config: DebertaConfig,
}

impl Deberta {
    /// Names as in `DebertaV2Model` or a model with a head over one.
    pub fn load(config: &DebertaConfig, vb: &VarBuilder<'_>) -> Result<Self, Error> {
        let width = config.hidden_size;
        if config.num_attention_heads == 0 || !width.is_multiple_of(config.num_attention_heads) {
            return Err(Error::config("config.json", format!("{} heads don't divide {width}", config.num_attention_heads)));
        }
        if config.attention_head_size.is_some_and(|size| size * config.num_attention_heads != width) {
            return Err(Error::config("config.json", "attention_head_size is not hidden_size / num_attention_heads"));
        }
        if config.position_buckets > 0
            && (config.position_buckets < 4 || config.farthest() as i64 <= config.position_buckets / 2 + 1)
        {
            return Err(Error::config("config.json", "position_buckets and max_relative_positions don't fit each other"));
        }
        let vb = under(vb, "deberta", "embeddings.word_embeddings.weight");
        let (embeddings, encoder) = (vb.pp("embeddings"), vb.pp("encoder"));
        let inner = config.embedding_size.unwrap_or(width);
        let table = |count: usize, name: &str| embeddings.pp(name).get((count, inner), "weight");
        let norm = |vb: &VarBuilder<'_>| LayerNorm::load(width, config.layer_norm_eps, vb);
        let distances = distances(config, &encoder)?;
        let load = |i: usize| layer(config, distances.as_ref(), &encoder.pp("layer").pp(i));
        Ok(Self {
            words: table(config.vocab_size, "word_embeddings")?,
            places: config
                .position_biased_input
                .then(|| table(config.max_position_embeddings, "position_embeddings"))
                .transpose()?,
            types: (config.type_vocab_size > 0).then(|| table(config.type_vocab_size, "token_type_embeddings")).transpose()?,
            wider: (inner != width).then(|| Linear::load_without_bias(inner, width, &embeddings.pp("embed_proj"))).transpose()?,
            norm: norm(&embeddings.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers).map(load).collect::<Candle<_>>()?,
            conv: (config.conv_kernel_size > 0).then(|| conv(config, &encoder.pp("conv"))).transpose()?,
            activation: activation(&config.hidden_act)?,
            config: config.clone(),
        })
    }

    /// tokens × width. `seen` hears the embeddings, then what each layer gives.
    pub fn forward(&self, parcel: &Parcel, seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor, Error> {
        parcel.check(self.config.vocab_size, self.config.max_position_embeddings)?;
        let device = self.words.device();
        let row = |table: &Tensor, of: &[u32]| table.index_select(&Tensor::new(of, device)?, 0);
        let mut x = row(&self.words, &parcel.ids)?;
        if let Some(places) = &self.places {
            x = (x + row(places, &parcel.places(0))?)?;
        }
        if let Some(types) = &self.types {
            x = (x + row(types, &parcel.types)?)?;
        }
        if let Some(wider) = &self.wider {
            x = wider.forward(&x)?;
        }
        let embedded = self.norm.forward(&x)?;
        seen(&embedded);
        let mut x = embedded.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            x = self.layer(layer, &x, &parcel.bounds)?;
            if let (0, Some(conv)) = (i, &self.conv) {
                x = conv.forward(&embedded, &x, &parcel.bounds)?;
            }
            seen(&x);
        }
        Ok(x)
    }

    fn layer(&self, layer: &Layer, x: &Tensor, bounds: &[usize]) -> Candle<Tensor> {
        let joined = layer.joined.forward(x)?;
        let each = bounds.windows(2).map(|w| self.attend(layer, &joined.narrow(0, w[0], w[1] - w[0])?));
        let seen = Tensor::cat(&each.collect::<Candle<Vec<_>>>()?, 0)?;
        let x = layer.norms[0].forward(&layer.out.forward_onto(&seen, x)?)?;
        let inner = layer.up.forward_with(&x, self.activation)?;
        layer.norms[1].forward(&layer.down.forward_onto(&inner, &x)?)
    }

    /// One sequence: length × 3·width → length × width.
    fn attend(&self, layer: &Layer, joined: &Tensor) -> Candle<Tensor> {
        let (length, heads, width) = (joined.dim(0)?, self.config.num_attention_heads, self.config.hidden_size);
        let part =
            |i: usize| joined.narrow(1, i * width, width)?.reshape((length, heads, width / heads))?.transpose(0, 1)?.contiguous();
        let (q, k, v) = (part(0)?, part(1)?, part(2)?);
        let mut scores = (q.matmul(&k.t()?.contiguous()?)? * scale(&self.config))?;
        let rows = self.rows(length, heads, joined.device())?;
        if let Some(keys) = &layer.far.keys {
            scores = (scores + q.matmul(keys)?.gather(&rows, D::Minus1)?)?;
        }
        if let Some(queries) = &layer.far.queries {
            // A key's row is chosen by how far the query is, which is the same distance with its sign turned.
            let back = self.rows_back(length, heads, joined.device())?;
            scores = (scores + k.matmul(queries)?.gather(&back, D::Minus1)?.t()?)?;
        }
        let shares = candle_nn::ops::softmax(&scores, D::Minus1)?;
        shares.matmul(&v)?.transpose(0, 1)?.reshape((length, width))
    }

    /// heads × query × key: the distance's row.
    fn rows(&self, length: usize, heads: usize, device: &Device) -> Candle<Tensor> {
        self.table(length, heads, device, |i, j| i - j)
    }

    /// heads × key × query: the distance's row.
    fn rows_back(&self, length: usize, heads: usize, device: &Device) -> Candle<Tensor> {
        self.table(length, heads, device, |i, j| j - i)
    }

    fn table(&self, length: usize, heads: usize, device: &Device, distance: impl Fn(i64, i64) -> i64) -> Candle<Tensor> {
        let by_distance: Vec<u32> = (1 - length as i64..length as i64).map(|d| self.config.row(d)).collect();
        let at = |i: usize, j: usize| by_distance[(distance(i as i64, j as i64) + length as i64 - 1) as usize];
        let rows: Vec<u32> = (0..length * length).map(|i| at(i / length, i % length)).collect();
        Tensor::from_vec(rows, (1, length, length), device)?.expand((heads, length, length))?.contiguous()
    }
}

impl Conv {
    fn forward(&self, embedded: &Tensor, x: &Tensor, bounds: &[usize]) -> Candle<Tensor> {
        let one = |w: &[usize]| {
            let part = embedded.narrow(0, w[0], w[1] - w[0])?.t()?.unsqueeze(0)?.contiguous()?;
            self.conv.forward(&part)?.squeeze(0)?.t()?.contiguous()
        };
        let near = Tensor::cat(&bounds.windows(2).map(one).collect::<Candle<Vec<_>>>()?, 0)?;
        self.norm.forward(&(x + self.activation.of(&near)?)?)
    }
}

/// 1/√(size of a head × kinds of scores).
fn scale(config: &DebertaConfig) -> f64 {
    // Both are counted even where distances play no part, as in the reference.
    let kinds = 1 + ["c2p", "p2c"].iter().filter(|kind| config.pos_att_type.iter().any(|word| word == *kind)).count();
    1.0 / ((config.hidden_size / config.num_attention_heads * kinds) as f64).sqrt()
}

/// The table of distances: 2·span × width.
fn distances(config: &DebertaConfig, encoder: &VarBuilder<'_>) -> Candle<Option<Tensor>> {
    if !config.relative_attention {
        return Ok(None);
    }
    let table = encoder.pp("rel_embeddings").get((2 * config.span(), config.hidden_size), "weight")?;
    let normed = config.norm_rel_ebd.as_deref().is_some_and(|words| words.split('|').any(|word| word.trim() == "layer_norm"));
    match normed {
        true => LayerNorm::load(config.hidden_size, config.layer_norm_eps, &encoder.pp("LayerNorm"))?.forward(&table).map(Some),
        false => Ok(Some(table)),
    }
}

fn layer(config: &DebertaConfig, distances: Option<&Tensor>, vb: &VarBuilder<'_>) -> Candle<Layer> {
    let (width, attention) = (config.hidden_size, vb.pp("attention.self"));
    let norm = |vb: VarBuilder<'_>| LayerNorm::load(width, config.layer_norm_eps, &vb);
    let far = |at: &str, own: &str, shared: &str| match distances.filter(|_| config.looks(at)) {
        Some(table) => {
            let layer = Linear::load(width, width, &attention.pp(if config.share_att_key { shared } else { own }))?;
            let (count, heads) = (table.dim(0)?, config.num_attention_heads);
            let far = layer.forward(table)?.reshape((count, heads, width / heads))?.permute((1, 2, 0))?;
            (far * scale(config))?.contiguous().map(Some)
        }
        None => Ok(None),
    };
    Ok(Layer {
        joined: Linear::load_joined(width, width, &["query_proj", "key_proj", "value_proj"].map(|name| attention.pp(name)))?,
        far: Far { keys: far("c2p", "pos_key_proj", "key_proj")?, queries: far("p2c", "pos_query_proj", "query_proj")? },
        out: Linear::load(width, width, &vb.pp("attention.output.dense"))?,
        norms: [norm(vb.pp("attention.output.LayerNorm"))?, norm(vb.pp("output.LayerNorm"))?],
        up: Linear::load(width, config.intermediate_size, &vb.pp("intermediate.dense"))?,
        down: Linear::load(config.intermediate_size, width, &vb.pp("output.dense"))?,
    })
}

fn conv(config: &DebertaConfig, vb: &VarBuilder<'_>) -> Result<Conv, Error> {
    let (width, size, groups) = (config.hidden_size, config.conv_kernel_size, config.conv_groups.unwrap_or(1));
    let settings = Conv1dConfig { padding: (size - 1) / 2, groups, ..Conv1dConfig::default() };
    Ok(Conv {
        conv: candle_nn::conv1d(width, width, size, settings, vb.pp("conv"))?,
        norm: LayerNorm::load(width, config.layer_norm_eps, &vb.pp("LayerNorm"))?,
        activation: activation(config.conv_act.as_deref().unwrap_or("tanh"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_are_their_own_and_far_ones_share() {
        // 256 buckets up to 512, as DeBERTa-v3 has them.
        let of = |distance| bucket(distance, 256, 512);
        assert_eq!([0, 1, -127, 128].map(of), [0, 1, -127, 128]);
        assert!(of(129) == 129 && of(511) == 255 && of(-511) == -255);
        assert!((129..600).all(|d| of(d) >= of(d - 1) && of(-d) == -of(d)));
    }
}
