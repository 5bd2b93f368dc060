use super::{Family, Model, Shape};
use crate::{
    adapters::Control,
    error::{Error, Result},
    schedule::{Method, Schedule},
};
use candle_core::Tensor;

/// Pixels along an edge.
pub const EDGE_MAX: usize = 8192;
const GUIDANCE_MAX: f64 = 100.0;

/// A picture to begin with.
#[derive(Clone, Debug)]
pub struct Init {
    /// [1, 3, height, width], −1…1.
    pub pixels: Tensor,
    /// 0…1: how much of it is made anew.
    pub strength: f64,
    /// [1, 1, height, width]: 1 where it is made anew, 0 where it stays (½ and more count as 1).
    pub mask: Option<Tensor>,
}

/// A picture's embedding, for models with an IP-Adapter.
#[derive(Clone, Debug)]
pub struct ImagePrompt {
    /// [1, width]
    pub embedding: Tensor,
    pub scale: f32,
}

/// One picture's wishes.
#[derive(Clone, Debug)]
pub struct Request {
    pub prompt: String,
    pub negative: Option<String>,
    pub height: usize,
    pub width: usize,
    pub seed: u64,
    pub steps: usize,
    pub method: Method,
    /// Classifier-free guidance (Ho and Salimans 2022); up to 1 there is none, and the negative prompt is not read.
    pub guidance: f64,
    /// Lin et al. 2023, section 3.4: 0…1.
    pub guidance_rescale: f64,
    pub init: Option<Init>,
    /// For each of the model's ControlNets, in their order.
    pub controls: Vec<Control>,
    pub image: Option<ImagePrompt>,
}

impl Request {
    /// Text to picture with common settings.
    pub fn new(prompt: &str, height: usize, width: usize, seed: u64) -> Self {
        let (steps, method, guidance) = (30, Method::DpmPlusPlus2MKarras, 7.0);
        let (negative, init, controls, image) = (None, None, Vec::new(), None);
        Self {
            prompt: prompt.into(),
            negative,
            height,
            width,
            seed,
            steps,
            method,
            guidance,
            guidance_rescale: 0.0,
            init,
            controls,
            image,
        }
    }

    pub fn guided(&self) -> bool {
        self.guidance > 1.0
    }
}

impl Model {
    /// Whether a request can be fulfilled, before any work. Gives the shape by which requests are batched.
    pub fn check(&self, request: &Request) -> Result<Shape> {
        let factor = self.factor();
        for (field, value) in [("height", request.height), ("width", request.width)] {
            if value == 0 || value % factor != 0 || value > EDGE_MAX {
                return Err(Error::wish(field, value, format!("a multiple of {factor} from {factor} to {EDGE_MAX}")));
            }
        }
        if !request.guidance.is_finite() || !(0.0..=GUIDANCE_MAX).contains(&request.guidance) {
            return Err(Error::wish("guidance", request.guidance, format!("from 0 to {GUIDANCE_MAX}")));
        }
        if !(0.0..=1.0).contains(&request.guidance_rescale) {
            return Err(Error::wish("guidance rescale", request.guidance_rescale, "from 0 to 1"));
        }
        let schedule = Schedule::new(request.method, &self.schedule, request.steps)?;
        self.check_init(request, &schedule)?;
        self.check_adapters(request)?;
        let negative = request.negative.as_deref().filter(|_| request.guided()).unwrap_or("");
        let chunks = self.texts.chunks(&request.prompt)?.max(self.texts.chunks(negative)?);
        Ok(Shape { height: request.height, width: request.width, chunks })
    }

    fn check_init(&self, request: &Request, schedule: &Schedule) -> Result<()> {
        let (height, width) = (request.height, request.width);
        let Some(init) = &request.init else {
            return match self.fills() {
                true => Err(Error::wish("image", "none", "this model fills masks: it wants a picture and a mask")),
                false => Ok(()),
            };
        };
        schedule.begin(init.strength)?;
        if init.pixels.dims() != [1, 3, height, width] {
            return Err(Error::wish(
                "image",
                format!("{:?}", init.pixels.dims()),
                format!("[1, 3, {height}, {width}], as the picture"),
            ));
        }
        match &init.mask {
            Some(mask) if mask.dims() != [1, 1, height, width] => {
                Err(Error::wish("mask", format!("{:?}", mask.dims()), format!("[1, 1, {height}, {width}], as the picture")))
            }
            None if self.fills() => Err(Error::wish("mask", "none", "this model fills masks")),
            _ => Ok(()),
        }
    }

    fn check_adapters(&self, request: &Request) -> Result<()> {
        if request.controls.len() != self.controls.len() {
            return Err(Error::wish(
                "controls",
                request.controls.len(),
                format!("one for each of {} ControlNets", self.controls.len()),
            ));
        }
        for control in &request.controls {
            control.check(request.height, request.width)?;
        }
        match (&request.image, &self.image) {
            (Some(_), None) => Err(Error::wish("image prompt", "one", "the model has no IP-Adapter")),
            (Some(image), Some(adapter)) if image.embedding.dims() != [1, adapter.inside()] || !image.scale.is_finite() => {
                let there = format!("{:?} with scale {}", image.embedding.dims(), image.scale);
                Err(Error::wish("image prompt", there, format!("[1, {}] and a finite scale", adapter.inside())))
            }
            _ => Ok(()),
        }
    }

    /// SDXL: the sizes that a picture is said to have.
    pub(super) fn sizes(&self, request: &Request) -> Option<[f32; 6]> {
        let (height, width) = (request.height as f32, request.width as f32);
        (self.family == Family::StableDiffusionXl).then_some([height, width, 0.0, 0.0, height, width])
    }
}
