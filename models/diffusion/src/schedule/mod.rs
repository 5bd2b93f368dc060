//! Samplers: which noise levels a picture passes through, and how each step goes from one to the next.

mod solver;
mod spacing;
mod tables;
mod unipc;

pub use solver::{Field, Walk};

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use tables::Tables;

/// Steps of one picture.
pub const STEPS_MAX: usize = 1000;

/// A sampler. Names as users write them: `euler`, `euler_a`, `dpmpp_2m`, `dpmpp_2m_karras`, `ddim`, `lcm`, `unipc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// Karras et al. 2022, algorithm 2 without churn.
    #[serde(rename = "euler")]
    Euler,
    #[serde(rename = "euler_a")]
    EulerAncestral,
    /// Lu et al. 2022, second order, multistep, midpoint.
    #[serde(rename = "dpmpp_2m")]
    DpmPlusPlus2M,
    /// The same on the noise levels of Karras et al. 2022 (ρ = 7).
    #[serde(rename = "dpmpp_2m_karras")]
    DpmPlusPlus2MKarras,
    /// Song et al. 2020, η = 0.
    #[serde(rename = "ddim")]
    Ddim,
    /// Luo et al. 2023.
    #[serde(rename = "lcm")]
    Lcm,
    /// Zhao et al. 2023, B₂(h), of the order that the checkpoint names (2).
    #[serde(rename = "unipc")]
    UniPc,
}

impl Method {
    pub const ALL: [Self; 7] =
        [Self::Euler, Self::EulerAncestral, Self::DpmPlusPlus2M, Self::DpmPlusPlus2MKarras, Self::Ddim, Self::Lcm, Self::UniPc];
}

/// What the model's output means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prediction {
    #[default]
    Epsilon,
    VPrediction,
    Sample,
}

/// How steps are chosen among the training's (Lin et al. 2023, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    Leading,
    Trailing,
    Linspace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    Linear,
    ScaledLinear,
    #[serde(rename = "squaredcos_cap_v2")]
    Cosine,
}

/// The level after the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalSigma {
    Zero,
    SigmaMin,
}

/// A checkpoint's `scheduler_config.json`. What it leaves out has the value that diffusers 0.42 gives it for the sampler in use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    pub num_train_timesteps: Option<usize>,
    pub beta_start: Option<f32>,
    pub beta_end: Option<f32>,
    pub beta_schedule: Option<BetaSchedule>,
    pub trained_betas: Option<Vec<f32>>,
    pub prediction_type: Option<Prediction>,
    pub timestep_spacing: Option<Spacing>,
    pub steps_offset: Option<usize>,
    pub rescale_betas_zero_snr: Option<bool>,
    pub use_karras_sigmas: Option<bool>,
    pub final_sigmas_type: Option<FinalSigma>,
    pub set_alpha_to_one: Option<bool>,
    pub clip_sample: Option<bool>,
    pub clip_sample_range: Option<f32>,
    pub thresholding: Option<bool>,
    pub lower_order_final: Option<bool>,
    pub euler_at_final: Option<bool>,
    pub solver_order: Option<usize>,
    pub solver_type: Option<String>,
    pub original_inference_steps: Option<usize>,
    pub timestep_scaling: Option<f32>,
}

impl Config {
    pub(crate) fn prediction(&self) -> Prediction {
        self.prediction_type.unwrap_or_default()
    }
}

/// The noise levels of a whole picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    pub(crate) method: Method,
    pub(crate) config: Config,
    pub(crate) prediction: Prediction,
    /// What the model is told, a step each.
    pub timesteps: Vec<f32>,
    /// Noise by signal, a step each and the last step's end. For samplers that count in ᾱ it is √((1−ᾱ)/ᾱ).
    pub sigmas: Vec<f32>,
    /// ᾱ before and after each step: exact where the sampler counts in it.
    pub(crate) alphas: Vec<(f64, f64)>,
    /// The largest level, which Euler's first latents have.
    init_sigma: f32,
}

impl Schedule {
    /// `steps` levels of a method as diffusers chooses them.
    pub fn new(method: Method, config: &Config, steps: usize) -> Result<Self> {
        if !(1..=STEPS_MAX).contains(&steps) {
            return Err(Error::wish("steps", steps, format!("from 1 to {STEPS_MAX}")));
        }
        if config.thresholding == Some(true) {
            return Err(Error::config("the scheduler", "thresholding is for models of pixels, and these work on latents"));
        }
        let tables = Tables::new(method, config)?;
        if steps > tables.alphas.len() {
            return Err(Error::wish("steps", steps, format!("at most the model's {}", tables.alphas.len())));
        }
        spacing::schedule(method, config, &tables, steps)
    }

    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }

    /// What standard normals are multiplied by to be the first latents.
    pub fn init_sigma(&self) -> f32 {
        self.init_sigma
    }

    /// What latents are divided by before the model sees them at a step.
    pub fn input_divisor(&self, step: usize) -> f32 {
        match self.method {
            Method::Euler | Method::EulerAncestral => (self.sigmas[step] * self.sigmas[step] + 1.0).sqrt(),
            _ => 1.0,
        }
    }

    /// (of the picture, of the noise): what latents of a step's level are made of.
    pub fn mixture(&self, step: usize) -> (f32, f32) {
        match self.method {
            Method::Euler | Method::EulerAncestral => (1.0, self.sigmas[step]),
            Method::Ddim | Method::Lcm => {
                let (alpha, _) = self.alphas[step];
                (alpha.sqrt() as f32, (1.0 - alpha).sqrt() as f32)
            }
            _ => {
                let (alpha, sigma) = solver::alpha_sigma(self.sigmas[step]);
                (alpha as f32, sigma as f32)
            }
        }
    }

    /// The first step of an image-to-image run (diffusers' `get_timesteps`): a strength of 1 begins with noise alone.
    pub fn begin(&self, strength: f64) -> Result<usize> {
        if !(strength > 0.0 && strength <= 1.0) {
            return Err(Error::wish("strength", strength, "above 0 and at most 1"));
        }
        let kept = ((self.len() as f64 * strength) as usize).min(self.len());
        if kept == 0 {
            let least = (1.0 / strength).ceil();
            return Err(Error::wish("strength", strength, format!("at least {least} steps, so that one of them is left")));
        }
        Ok(self.len() - kept)
    }
}
