use super::Linear;
use crate::{error::Result, weights::Scope};
use candle_core::{DType, Tensor};
use klieg_nn::Attend;

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
        let image = match scope.adapters.image(scope.path()) {
            Some((k, v)) => Some((Linear::of(k)?, Linear::of(v)?)),
            None => None,
        };
        Ok(Self { q: linear("to_q", width)?, k: linear("to_k", context)?, v: linear("to_v", context)?, out, heads, upcast, image })
    }

    /// [batch, tokens, width], added to what is `onto`; `context` [batch, others, …] is what is looked at, `x` itself if there is none.
    pub fn forward_onto(&self, x: &Tensor, context: Option<&Tensor>, image: Option<&Image>, onto: &Tensor) -> Result<Tensor> {
        let context = context.unwrap_or(x);
        let q = self.q.forward(x)?;
        let mut y = self.attend(&q, &self.k.forward(context)?, &self.v.forward(context)?)?;
        if let (Some((k, v)), Some(image)) = (&self.image, image) {
            let seen = self.attend(&q, &k.forward(&image.tokens)?, &v.forward(&image.tokens)?)?;
            y = (y + seen.broadcast_mul(&image.scale.to_dtype(seen.dtype())?)?)?;
        }
        self.out.forward_onto(&y, onto)
    }

    fn attend(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let dtype = q.dtype();
        let cast = |x: &Tensor| if self.upcast { x.to_dtype(DType::F32) } else { Ok(x.clone()) };
        Ok(attend(&cast(q)?, &cast(k)?, &cast(v)?, self.heads, false)?.to_dtype(dtype)?)
    }
}

/// softmax(q kᵀ / √d) v by heads; [batch, tokens, heads · d].
pub(crate) fn attend(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize, causal: bool) -> Result<Tensor> {
    let (batch, queries, width) = q.dims3()?;
    let split = |x: &Tensor| -> Result<Tensor> {
        let (batch, tokens, width) = x.dims3()?;
        Ok(x.reshape((batch, tokens, heads, width / heads))?.transpose(1, 2)?.contiguous()?)
    };
    let scale = 1.0 / ((width / heads) as f32).sqrt();
    let y = klieg_nn::attend(&split(q)?, &split(k)?, &split(v)?, Attend { heads, scale, causal })?;
    Ok(y.transpose(1, 2)?.reshape((batch, queries, width))?)
}
