//! From a request to a picture, in steps that requests can share.

mod batch;
mod checkpoint;
mod prepare;
mod preview;
mod request;

pub use checkpoint::{Checkpoint, Configs, Family, TextPart};
pub use prepare::{Running, Shape};
pub use preview::rgb8;
pub use request::{ImagePrompt, Init, Request};

use crate::{
    adapters::{Adapters, ControlNet, IpAdapter, Lora, Part},
    error::{Error, Result},
    schedule,
    text::{ClipText, Encoder, Encoders, Reading},
    unet::Unet,
    vae::{Tiling, Vae},
};
use candle_core::Tensor;

/// ControlNets of one model.
pub const CONTROLS_MAX: usize = 8;

/// A checkpoint with what is laid over it, ready to make pictures.
pub struct Model {
    pub(crate) family: Family,
    pub(crate) texts: Encoders,
    pub(crate) unet: Unet,
    pub(crate) vae: Vae,
    pub(crate) schedule: schedule::Config,
    pub(crate) zeros_for_no_negative: bool,
    pub(crate) controls: Vec<ControlNet>,
    pub(crate) image: Option<IpAdapter>,
    tiling: Option<Tiling>,
}

/// What is laid over a checkpoint.
#[derive(Default)]
pub struct Overlay<'a> {
    /// With their weights.
    pub loras: Vec<(&'a Lora, f64)>,
    /// LoRAs into the weights, not beside them.
    pub merge: bool,
    pub controls: Vec<ControlNet>,
    pub image: Option<IpAdapter>,
    /// Layers of the text encoder left out (SD 1.5 and 2.1).
    pub clip_skip: usize,
    /// Tiles of the VAE's decoder; `None`: whole pictures.
    pub tiling: Option<Tiling>,
}

impl Model {
    pub fn new(checkpoint: &Checkpoint, overlay: Overlay) -> Result<Self> {
        if overlay.controls.len() > CONTROLS_MAX {
            return Err(Error::wish("controls", overlay.controls.len(), format!("at most {CONTROLS_MAX}")));
        }
        let over = |base, part| Adapters::new(base, part, &overlay.loras, overlay.merge);
        if let Some((lora, _)) = overlay.loras.iter().find(|(lora, _)| lora.touches(Part::Text2) && checkpoint.texts.len() < 2) {
            return Err(Error::weights(lora.name(), "lora_te2", "it was made for a base with two text encoders"));
        }
        let mut encoders = Vec::new();
        for (text, part) in checkpoint.texts.iter().zip([Part::Text, Part::Text2]) {
            let model = ClipText::new(&text.weights, &text.config, &over(&text.weights, part)?)?;
            encoders.push(Encoder { tokenizer: text.tokenizer()?, model });
        }
        let mut adapters = over(&checkpoint.unet, Part::Unet)?;
        if let Some(image) = &overlay.image {
            adapters = adapters.with_image(image, &checkpoint.unet)?;
        }
        let reading = match checkpoint.family {
            Family::StableDiffusion => Reading::Last { skip: overlay.clip_skip },
            Family::StableDiffusionXl => Reading::Penultimate,
        };
        Ok(Self {
            family: checkpoint.family,
            texts: Encoders { encoders, reading },
            unet: Unet::new(&checkpoint.unet, &checkpoint.configs.unet, &adapters)?,
            vae: Vae::new(&checkpoint.vae, &checkpoint.configs.vae)?,
            schedule: checkpoint.configs.scheduler.clone(),
            zeros_for_no_negative: checkpoint.configs.zeros_for_no_negative,
            controls: overlay.controls,
            image: overlay.image,
            tiling: overlay.tiling,
        })
    }

    /// Pixels by latents, along an edge: sizes are multiples of it.
    pub fn factor(&self) -> usize {
        self.vae.config().factor()
    }

    /// Whether the network was trained to fill masks (9 channels).
    pub fn fills(&self) -> bool {
        self.unet.config().in_channels == 2 * self.unet.config().out_channels + 1
    }

    pub fn unet(&self) -> &Unet {
        &self.unet
    }

    pub fn vae(&self) -> &Vae {
        &self.vae
    }

    pub fn texts(&self) -> &Encoders {
        &self.texts
    }

    /// A finished request's pixels [1, 3, height, width], about −1…1.
    pub fn decode(&self, running: &Running) -> Result<Tensor> {
        self.vae.decode(running.latents(), self.tiling)
    }

    /// Requests of one shape from begin to end. `seen` is called after each step and says whether to go on.
    pub fn generate(&self, requests: &[Request], seen: &mut dyn FnMut(&[Running]) -> bool) -> Result<Vec<Tensor>> {
        let mut running = requests.iter().map(|request| self.prepare(request)).collect::<Result<Vec<_>>>()?;
        while running.iter().any(|one| !one.done()) {
            let mut open: Vec<&mut Running> = running.iter_mut().filter(|one| !one.done()).collect();
            self.denoise_step(&mut open)?;
            if !seen(&running) {
                return Err(Error::Cancelled);
            }
        }
        running.iter().map(|one| self.decode(one)).collect()
    }
}
