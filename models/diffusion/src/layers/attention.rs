use super::Linear;
use crate::{error::Result, weights::Scope};
use candle_core::{DType, Tensor};

/// Queries that are weighed against all keys at once: bounds the scores in memory to heads × this × keys.
const QUERIES_AT_ONCE: usize = 1024;

/// Multi-head attention, with a second pair of keys and values for image prompts.
pub(crate) struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    out: Linear,
    heads: usize,
    /// Scores in f32 whatever the type (`upcast_attention`).
    upcast: bool,
    image: Option<(Linear, Linear)>,
}

/// An image prompt: tokens [batch, tokens, width], and how much of each row's counts, [batch, 1, 1].
#[derive(Clone)]
pub(crate) struct Image {
    pub tokens: Tensor,
    pub scale: Tensor,
}

impl Attention {
    /// `context`: the width of what keys and values are made of.
    pub fn new(scope: &Scope, width: usize, context: usize, heads: usize, bias: bool, upcast: bool) -> Result<Self> {
        let linear = |name: &str, inside| Linear::new(&scope.at(name), inside, width, bias);
        let out = Linear::new(&scope.at("to_out.0"), width, width, true)?;
        let image = scope.adapters.image(scope.path()).map(|(k, v)| (Linear::of(k), Linear::of(v)));
        Ok(Self { q: linear("to_q", width)?, k: linear("to_k", context)?, v: linear("to_v", context)?, out, heads, upcast, image })
    }

    /// [batch, tokens, width]; `context` [batch, others, …] is what is looked at, `x` itself if there is none.
    pub fn forward(&self, x: &Tensor, context: Option<&Tensor>, image: Option<&Image>) -> Result<Tensor> {
        let context = context.unwrap_or(x);
        let q = self.q.forward(x)?;
        let mut y = self.attend(&q, &self.k.forward(context)?, &self.v.forward(context)?)?;
        if let (Some((k, v)), Some(image)) = (&self.image, image) {
            let seen = self.attend(&q, &k.forward(&image.tokens)?, &v.forward(&image.tokens)?)?;
            y = (y + seen.broadcast_mul(&image.scale.to_dtype(seen.dtype())?)?)?;
        }
        self.out.forward(&y)
    }

    fn attend(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let dtype = q.dtype();
        let cast = |x: &Tensor| if self.upcast { x.to_dtype(DType::F32) } else { Ok(x.clone()) };
        Ok(attend(&cast(q)?, &cast(k)?, &cast(v)?, self.heads, None)?.to_dtype(dtype)?)
    }
}

/// softmax(q kᵀ / √d + mask) v by heads; [batch, tokens, heads · d].
pub(crate) fn attend(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize, mask: Option<&Tensor>) -> Result<Tensor> {
    let (batch, queries, width) = q.dims3()?;
    let split = |x: &Tensor| -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        Ok(x.reshape((batch, tokens, heads, width / heads))?.transpose(1, 2)?.contiguous()?)
    };
    let scale = 1.0 / ((width / heads) as f64).sqrt();
    let (q, k, v) = ((split(q)? * scale)?, split(k)?.transpose(2, 3)?, split(v)?);
    let block = |start: usize| -> Result<Tensor> {
        let count = QUERIES_AT_ONCE.min(queries - start);
        let mut scores = q.narrow(2, start, count)?.contiguous()?.matmul(&k)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(&mask.narrow(0, start, count)?)?;
        }
        Ok(candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?)
    };
    let blocks = (0..queries).step_by(QUERIES_AT_ONCE).map(block).collect::<Result<Vec<_>>>()?;
    let y = if blocks.len() == 1 { blocks[0].clone() } else { Tensor::cat(&blocks, 2)? };
    Ok(y.transpose(1, 2)?.reshape((batch, queries, width))?)
}
