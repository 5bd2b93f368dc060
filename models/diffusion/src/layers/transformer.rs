use super::{Attention, GroupNorm, Image, LayerNorm, Linear};
use crate::{error::Result, weights::Scope};
use candle_core::{D, Tensor};
use klieg_nn::Activation;

const GROUP_EPS: f64 = 1e-6;
const LAYER_EPS: f64 = 1e-5;

/// How a UNet's transformers are built.
#[derive(Clone, Copy)]
pub(crate) struct TransformerShape {
    pub depth: usize,
    pub heads: usize,
    pub context: usize,
    pub groups: usize,
    pub upcast: bool,
}

/// `Transformer2DModel` over [batch, height, width, channels]. Its projections are the same sum stored as matrices or convolutions.
pub(crate) struct Transformer {
    norm: GroupNorm,
    proj_in: Linear,
    blocks: Vec<Block>,
    proj_out: Linear,
}

impl Transformer {
    pub fn new(scope: &Scope, channels: usize, shape: TransformerShape) -> Result<Self> {
        let block = |i| Block::new(&scope.at("transformer_blocks").at(i), channels, shape);
        Ok(Self {
            norm: GroupNorm::new(&scope.at("norm"), shape.groups, channels, GROUP_EPS)?,
            proj_in: Linear::new(&scope.at("proj_in"), channels, channels, true)?,
            blocks: (0..shape.depth).map(block).collect::<Result<_>>()?,
            proj_out: Linear::new(&scope.at("proj_out"), channels, channels, true)?,
        })
    }

    pub fn forward(&self, x: &Tensor, context: &Tensor, image: Option<&Image>) -> Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        let tokens = |x: &Tensor| x.reshape((batch, height * width, channels));
        let mut y = self.proj_in.forward(&tokens(&self.norm.forward(x)?)?)?;
        for block in &self.blocks {
            y = block.forward(&y, context, image)?;
        }
        Ok(self.proj_out.forward_onto(&y, &tokens(x)?)?.reshape(x.shape())?)
    }
}

/// `BasicTransformerBlock`.
struct Block {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    inner: Linear,
    outer: Linear,
}

impl Block {
    fn new(scope: &Scope, width: usize, shape: TransformerShape) -> Result<Self> {
        let norm = |name: &str| LayerNorm::new(&scope.at(name), width, LAYER_EPS);
        let attention = |name: &str, context| Attention::new(&scope.at(name), width, context, shape.heads, false, shape.upcast);
        Ok(Self {
            norm1: norm("norm1")?,
            attn1: attention("attn1", width)?,
            norm2: norm("norm2")?,
            attn2: attention("attn2", shape.context)?,
            norm3: norm("norm3")?,
            inner: Linear::new(&scope.at("ff.net.0.proj"), width, 8 * width, true)?,
            outer: Linear::new(&scope.at("ff.net.2"), 4 * width, width, true)?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor, image: Option<&Image>) -> Result<Tensor> {
        let x = self.attn1.forward_onto(&self.norm1.forward(x)?, None, None, x)?;
        let x = self.attn2.forward_onto(&self.norm2.forward(&x)?, Some(context), image, &x)?;
        // GEGLU with the exact GELU (Shazeer 2020).
        let halves = self.inner.forward(&self.norm3.forward(&x)?)?.chunk(2, D::Minus1)?;
        let gated = (halves[0].contiguous()? * Activation::Gelu.of(&halves[1].contiguous()?)?)?;
        self.outer.forward_onto(&gated, &x)
    }
}
