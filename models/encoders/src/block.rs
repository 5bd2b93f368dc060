//! The transformer block that BERT, CLIP, SigLIP and ViT share; they differ in names, in where the norms are and in what a token sees.

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use klieg_nn::{Activation, Attend, LayerNorm, Linear, attend_packed};

/// Where layer norms stand: after each residual (BERT), or before each part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norms {
    After,
    Before,
}

/// A block's shape.
#[derive(Clone, Copy, Debug)]
pub struct BlockConfig {
    pub width: usize,
    /// Of the feed-forward part.
    pub inner: usize,
    pub heads: usize,
    pub eps: f64,
    pub activation: Activation,
    pub norms: Norms,
    pub causal: bool,
}

/// What a family calls the layers of a block.
pub struct Names {
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    pub out: &'static str,
    /// The norm of the attention part, and that of the feed-forward part.
    pub norms: [&'static str; 2],
    pub up: &'static str,
    pub down: &'static str,
}

pub(crate) const BERT: Names = Names {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    out: "attention.output.dense",
    norms: ["attention.output.LayerNorm", "output.LayerNorm"],
    up: "intermediate.dense",
    down: "output.dense",
};

pub(crate) const CLIP: Names = Names {
    query: "self_attn.q_proj",
    key: "self_attn.k_proj",
    value: "self_attn.v_proj",
    out: "self_attn.out_proj",
    norms: ["layer_norm1", "layer_norm2"],
    up: "mlp.fc1",
    down: "mlp.fc2",
};

pub(crate) const VIT: Names = Names {
    query: "attention.attention.query",
    key: "attention.attention.key",
    value: "attention.attention.value",
    out: "attention.output.dense",
    norms: ["layernorm_before", "layernorm_after"],
    up: "intermediate.dense",
    down: "output.dense",
};

/// One block.
pub struct Block {
    joined: Linear,
    out: Linear,
    norms: [LayerNorm; 2],
    up: Linear,
    down: Linear,
    config: BlockConfig,
}

impl Block {
    /// The layers under the builder's prefix.
    pub fn load(config: &BlockConfig, names: &Names, vb: &VarBuilder<'_>) -> Result<Self> {
        let BlockConfig { width, inner, heads, eps, .. } = *config;
        if heads == 0 || width % heads != 0 {
            bail!("a block of {width} cannot have {heads} heads");
        }
        let norm = |name: &str| LayerNorm::load(width, eps, &vb.pp(name));
        Ok(Self {
            joined: Linear::load_joined(width, width, &[vb.pp(names.query), vb.pp(names.key), vb.pp(names.value)])?,
            out: Linear::load(width, width, &vb.pp(names.out))?,
            norms: [norm(names.norms[0])?, norm(names.norms[1])?],
            up: Linear::load(width, inner, &vb.pp(names.up))?,
            down: Linear::load(inner, width, &vb.pp(names.down))?,
            config: *config,
        })
    }

    /// x: tokens × width of the sequences in `bounds` → the same.
    pub fn forward(&self, x: &Tensor, bounds: &[usize]) -> Result<Tensor> {
        match self.config.norms {
            Norms::After => {
                let x = self.norms[0].forward(&self.out.forward_onto(&self.attend(x, bounds)?, x)?)?;
                self.norms[1].forward(&self.down.forward_onto(&self.inner(&x)?, &x)?)
            }
            Norms::Before => {
                let x = self.out.forward_onto(&self.attend(&self.norms[0].forward(x)?, bounds)?, x)?;
                self.down.forward_onto(&self.inner(&self.norms[1].forward(&x)?)?, &x)
            }
        }
    }

    fn attend(&self, x: &Tensor, bounds: &[usize]) -> Result<Tensor> {
        let BlockConfig { width, heads, causal, .. } = self.config;
        let scale = ((width / heads) as f32).powf(-0.5);
        attend_packed(&self.joined.forward(x)?, bounds, Attend { heads, scale, causal })
    }

    fn inner(&self, x: &Tensor) -> Result<Tensor> {
        self.up.forward_with(x, self.config.activation)
    }
}

/// Blocks one after the other.
pub struct Stack(Vec<Block>);

impl Stack {
    /// `count` blocks named 0, 1, … under the builder's prefix.
    pub fn load(config: &BlockConfig, names: &Names, count: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        Ok(Self((0..count).map(|i| Block::load(config, names, &vb.pp(i))).collect::<Result<_>>()?))
    }

    /// `seen` hears what each block gives, in order.
    pub fn forward(&self, x: Tensor, bounds: &[usize], seen: &mut dyn FnMut(&Tensor)) -> Result<Tensor> {
        self.0.iter().try_fold(x, |x, block| {
            let x = block.forward(&x, bounds)?;
            seen(&x);
            Ok(x)
        })
    }
}
