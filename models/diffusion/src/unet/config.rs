use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// A number for all blocks, or one each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerBlock {
    All(usize),
    Each(Vec<usize>),
}

impl PerBlock {
    pub fn at(&self, block: usize) -> usize {
        match self {
            Self::All(n) => *n,
            Self::Each(each) => each.get(block).copied().unwrap_or(0),
        }
    }

    fn fits(&self, blocks: usize, range: std::ops::RangeInclusive<usize>) -> bool {
        match self {
            Self::All(n) => range.contains(n),
            Self::Each(each) => each.len() == blocks && each.iter().all(|n| range.contains(n)),
        }
    }
}

/// `unet/config.json`, and a ControlNet's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Latents' edge that it was trained on.
    pub sample_size: Option<usize>,
    pub in_channels: usize,
    pub out_channels: usize,
    pub block_out_channels: Vec<usize>,
    pub down_block_types: Vec<String>,
    pub up_block_types: Vec<String>,
    pub mid_block_type: Option<String>,
    pub layers_per_block: PerBlock,
    pub transformer_layers_per_block: PerBlock,
    /// Says how many heads there are, in spite of its name, where `num_attention_heads` does not.
    pub attention_head_dim: PerBlock,
    pub num_attention_heads: Option<PerBlock>,
    pub cross_attention_dim: usize,
    pub norm_num_groups: usize,
    pub norm_eps: f64,
    pub flip_sin_to_cos: bool,
    pub freq_shift: f32,
    pub use_linear_projection: bool,
    pub upcast_attention: Option<bool>,
    pub addition_embed_type: Option<String>,
    pub addition_time_embed_dim: Option<usize>,
    pub projection_class_embeddings_input_dim: Option<usize>,
    pub act_fn: String,
    pub class_embed_type: Option<String>,
    pub resnet_time_scale_shift: String,
    pub dual_cross_attention: bool,
    pub time_cond_proj_dim: Option<usize>,
    /// Of a ControlNet: the channels of its picture's embedding.
    pub conditioning_embedding_out_channels: Vec<usize>,
    pub conditioning_channels: usize,
}

impl Default for Config {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (down, up) = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D");
        Self {
            sample_size: None,
            in_channels: 4,
            out_channels: 4,
            block_out_channels: vec![320, 640, 1280, 1280],
            down_block_types: words(&[down, down, down, "DownBlock2D"]),
            up_block_types: words(&["UpBlock2D", up, up, up]),
            mid_block_type: Some("UNetMidBlock2DCrossAttn".into()),
            layers_per_block: PerBlock::All(2),
            transformer_layers_per_block: PerBlock::All(1),
            attention_head_dim: PerBlock::All(8),
            num_attention_heads: None,
            cross_attention_dim: 1280,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            use_linear_projection: false,
            upcast_attention: None,
            addition_embed_type: None,
            addition_time_embed_dim: None,
            projection_class_embeddings_input_dim: None,
            act_fn: "silu".into(),
            class_embed_type: None,
            resnet_time_scale_shift: "default".into(),
            dual_cross_attention: false,
            time_cond_proj_dim: None,
            conditioning_embedding_out_channels: vec![16, 32, 96, 256],
            conditioning_channels: 3,
        }
    }
}

const BLOCKS_MAX: usize = 8;
const CHANNELS_MAX: usize = 16_384;

impl Config {
    /// SD 1.5.
    pub fn sd15() -> Self {
        Self { sample_size: Some(64), cross_attention_dim: 768, ..Self::default() }
    }

    /// SD 2.1 (768-v).
    pub fn sd21() -> Self {
        let attention_head_dim = PerBlock::Each(vec![5, 10, 20, 20]);
        let base = Self { sample_size: Some(96), cross_attention_dim: 1024, attention_head_dim, ..Self::default() };
        Self { use_linear_projection: true, upcast_attention: Some(true), ..base }
    }

    /// SDXL base 1.0.
    pub fn sdxl() -> Self {
        let words = |words: [&str; 3]| words.map(str::to_owned).to_vec();
        let (down, up) = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D");
        Self {
            sample_size: Some(128),
            block_out_channels: vec![320, 640, 1280],
            down_block_types: words(["DownBlock2D", down, down]),
            up_block_types: words([up, up, "UpBlock2D"]),
            transformer_layers_per_block: PerBlock::Each(vec![1, 2, 10]),
            attention_head_dim: PerBlock::Each(vec![5, 10, 20]),
            cross_attention_dim: 2048,
            use_linear_projection: true,
            addition_embed_type: Some("text_time".into()),
            addition_time_embed_dim: Some(256),
            projection_class_embeddings_input_dim: Some(2816),
            ..Self::default()
        }
    }

    pub(crate) fn time_width(&self) -> usize {
        4 * self.block_out_channels[0]
    }

    /// The width of pooled prompt and sizes, of models that want them.
    pub(crate) fn added_width(&self) -> Option<usize> {
        self.addition_embed_type.as_ref().and(self.projection_class_embeddings_input_dim)
    }

    /// The pooled prompt's share of it.
    pub fn pooled_width(&self) -> Option<usize> {
        Some(self.added_width()?.saturating_sub(6 * self.addition_time_embed_dim?))
    }

    pub(crate) fn heads(&self, block: usize) -> usize {
        self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim).at(block)
    }

    pub(crate) fn attends(&self, block: usize) -> bool {
        self.down_block_types[block] == "CrossAttnDownBlock2D"
    }

    /// What this crate does not cover is said before any weight is read.
    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::config("the UNet", what));
        let blocks = self.block_out_channels.len();
        let fits = |n: &PerBlock, most| n.fits(blocks, 1..=most);
        let heads = self.num_attention_heads.as_ref().unwrap_or(&self.attention_head_dim);
        if !(1..=BLOCKS_MAX).contains(&blocks) || self.down_block_types.len() != blocks || self.up_block_types.len() != blocks {
            return refuse(format!(
                "{blocks} channel counts for {} and {} blocks",
                self.down_block_types.len(),
                self.up_block_types.len()
            ));
        }
        if !fits(&self.layers_per_block, 16) || !fits(&self.transformer_layers_per_block, 64) || !fits(heads, 256) {
            return refuse("layers_per_block, transformer_layers_per_block and heads: one number, or one for each block".into());
        }
        let groups = self.norm_num_groups.max(1);
        let odd = |(i, &channels): (usize, &usize)| {
            channels == 0 || channels > CHANNELS_MAX || channels % groups != 0 || channels % heads.at(i).max(1) != 0
        };
        if let Some((i, channels)) = self.block_out_channels.iter().enumerate().find(|&x| odd(x)) {
            return refuse(format!(
                "block {i} has {channels} channels: not divisible by its groups and heads, or above {CHANNELS_MAX}"
            ));
        }
        let known = |i: usize, name: &String, kinds: [&str; 2]| match kinds.contains(&name.as_str()) {
            true => Ok(()),
            false => Err(Error::config("the UNet", format!("block {i} is a {name}; only {} are known", kinds.join(" and ")))),
        };
        for (i, name) in self.down_block_types.iter().enumerate() {
            known(i, name, ["CrossAttnDownBlock2D", "DownBlock2D"])?;
        }
        for (i, name) in self.up_block_types.iter().enumerate() {
            known(i, name, ["CrossAttnUpBlock2D", "UpBlock2D"])?;
            if (name == "CrossAttnUpBlock2D") != self.attends(blocks - 1 - i) {
                return refuse(format!("up block {i} and its down block differ in whether they attend"));
            }
        }
        self.check_kind()
    }

    fn check_kind(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::config("the UNet", what));
        let others = [
            (self.class_embed_type.is_some(), "class_embed_type"),
            (self.dual_cross_attention, "dual_cross_attention"),
            (self.time_cond_proj_dim.is_some(), "time_cond_proj_dim (a distilled guidance)"),
            (self.resnet_time_scale_shift != "default", "resnet_time_scale_shift"),
            (!matches!(self.act_fn.as_str(), "silu" | "swish"), "act_fn other than silu"),
            (
                self.mid_block_type.as_deref() != Some("UNetMidBlock2DCrossAttn"),
                "mid_block_type other than UNetMidBlock2DCrossAttn",
            ),
        ];
        if let Some((_, field)) = others.iter().find(|(there, _)| *there) {
            return refuse(format!("{field} is not supported"));
        }
        match self.addition_embed_type.as_deref() {
            None => Ok(()),
            Some("text_time") if self.added_width().is_some() && self.addition_time_embed_dim.is_some() => Ok(()),
            Some("text_time") => refuse("text_time wants addition_time_embed_dim and projection_class_embeddings_input_dim".into()),
            Some(kind) => refuse(format!("addition_embed_type {kind} is not supported; only text_time")),
        }
    }
}
