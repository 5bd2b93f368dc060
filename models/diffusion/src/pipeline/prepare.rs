use super::{Model, Request};
use crate::{
    adapters::Control,
    error::Result,
    noise::{Stream, normals},
    schedule::{Schedule, Walk},
    text::Encoded,
};
use candle_core::{DType, Device, Tensor};
use std::sync::Arc;

/// Requests of one shape go through the network together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Pixels.
    pub height: usize,
    pub width: usize,
    /// Windows of 77 tokens that its prompts fill.
    pub chunks: usize,
}

/// A request on its way.
pub struct Running {
    pub(super) shape: Shape,
    pub(super) seed: u64,
    pub(super) guidance: f64,
    pub(super) guidance_rescale: f64,
    /// [1, channels, height, width], f32.
    pub(super) latents: Tensor,
    pub(super) walk: Walk<Tensor>,
    pub(super) positive: Encoded,
    /// There if it is guided.
    pub(super) negative: Option<Encoded>,
    pub(super) sizes: Option<[f32; 6]>,
    pub(super) kept: Option<Kept>,
    pub(super) fill: Option<Tensor>,
    pub(super) controls: Vec<Control>,
    /// Tokens of image prompt and of none, and the scale.
    pub(super) image: Option<(Tensor, Tensor, f32)>,
}

/// What stays of a picture under a mask.
pub(super) struct Kept {
    /// [1, 1, height, width] of latents.
    pub mask: Tensor,
    pub latents: Tensor,
    pub noise: Tensor,
}

impl Running {
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Steps taken of all that this request takes.
    pub fn progress(&self) -> (usize, usize) {
        (self.walk.taken(), self.walk.taken() + self.walk.schedule().len() - self.walk.at())
    }

    pub fn done(&self) -> bool {
        self.walk.done()
    }

    /// [1, channels, height, width], f32.
    pub fn latents(&self) -> &Tensor {
        &self.latents
    }

    pub(super) fn noise(&self, turn: usize) -> Result<Tensor> {
        noise(self.seed, Stream::Step, turn as u32, self.latents.dims(), self.latents.device())
    }
}

fn noise(seed: u64, stream: Stream, turn: u32, shape: &[usize], device: &Device) -> Result<Tensor> {
    Ok(Tensor::from_vec(normals(seed, stream, turn, shape.iter().product()), shape, device)?)
}

impl Model {
    /// Encodes prompt and picture and draws the first latents.
    pub fn prepare(&self, request: &Request) -> Result<Running> {
        let shape = self.check(request)?;
        let device = self.device();
        let schedule = Arc::new(Schedule::new(request.method, &self.schedule, request.steps)?);
        let (positive, negative) = self.encode(request, shape.chunks)?;
        let factor = self.factor();
        let dims = [1, self.unet.config().out_channels, request.height / factor, request.width / factor];
        let fresh = noise(request.seed, Stream::Latents, 0, &dims, device)?;
        let mut begin = 0;
        let mut latents = (&fresh * f64::from(schedule.init_sigma()))?;
        let (mut kept, mut fill) = (None, None);
        if let Some(init) = &request.init {
            begin = schedule.begin(init.strength)?;
            let pixels = init.pixels.to_device(device)?.to_dtype(DType::F32)?;
            let whole = init.strength == 1.0 && init.mask.is_some();
            let picture = self.latents_of(&pixels, request.seed, 0)?;
            if !whole {
                let (of_picture, of_noise) = schedule.mixture(begin);
                latents = ((&picture * f64::from(of_picture))? + (&fresh * f64::from(of_noise))?)?;
            }
            if let Some(mask) = &init.mask {
                let mask = mask.to_device(device)?.ge(0.5f32)?.to_dtype(DType::F32)?;
                let small = every(&mask, factor)?;
                if self.fills() {
                    let masked = pixels.broadcast_mul(&(1.0 - &mask)?)?;
                    fill = Some(Tensor::cat(&[small, self.latents_of(&masked, request.seed, 1)?], 1)?);
                } else {
                    kept = Some(Kept { mask: small, latents: picture, noise: fresh });
                }
            }
        }
        let image = self.image_tokens(request)?;
        let controls = request.controls.iter().map(|control| {
            let picture = control.picture.to_device(device)?.to_dtype(DType::F32)?;
            Ok(Control { picture, ..control.clone() })
        });
        Ok(Running {
            shape,
            seed: request.seed,
            guidance: request.guidance,
            guidance_rescale: request.guidance_rescale,
            latents,
            walk: Walk::new(schedule, begin),
            positive,
            negative,
            sizes: self.sizes(request),
            kept,
            fill,
            controls: controls.collect::<Result<_>>()?,
            image,
        })
    }

    pub(super) fn device(&self) -> &Device {
        self.vae.device()
    }

    fn encode(&self, request: &Request, chunks: usize) -> Result<(Encoded, Option<Encoded>)> {
        let positive = self.texts.encode(&request.prompt, chunks)?;
        if !request.guided() {
            return Ok((positive, None));
        }
        let negative = match &request.negative {
            None if self.zeros_for_no_negative => {
                let pooled = positive.pooled.as_ref().map(Tensor::zeros_like).transpose()?;
                Encoded { states: positive.states.zeros_like()?, pooled }
            }
            negative => self.texts.encode(negative.as_deref().unwrap_or(""), chunks)?,
        };
        Ok((positive, Some(negative)))
    }

    /// A draw from the VAE's posterior, scaled.
    fn latents_of(&self, pixels: &Tensor, seed: u64, turn: u32) -> Result<Tensor> {
        let (mean, deviation) = self.vae.encode(pixels)?;
        let noise = noise(seed, Stream::Posterior, turn, mean.dims(), mean.device())?;
        self.vae.scale(&(mean + (deviation * noise)?)?)
    }

    fn image_tokens(&self, request: &Request) -> Result<Option<(Tensor, Tensor, f32)>> {
        let Some(adapter) = &self.image else { return Ok(None) };
        let nothing = Tensor::zeros((1, adapter.inside()), DType::F32, self.device())?;
        let (embedding, scale) = match &request.image {
            Some(image) => (image.embedding.to_device(self.device())?, image.scale),
            None => (nothing.clone(), 0.0),
        };
        Ok(Some((adapter.tokens(&embedding)?, adapter.tokens(&nothing)?, scale)))
    }
}

/// Every `factor`th pixel: what nearest-neighbour shrinking takes.
fn every(mask: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = mask.dims4()?;
    let cells = mask.reshape((batch * channels, height / factor, factor, width / factor, factor))?;
    let first = cells.narrow(2, 0, 1)?.narrow(4, 0, 1)?.contiguous()?;
    Ok(first.reshape((batch, channels, height / factor, width / factor))?)
}
