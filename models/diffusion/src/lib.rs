//! Pictures by diffusion: text encoders, UNet, VAE, schedulers, adapters.
//!
//! Layers have diffusers' names and give diffusers' numbers (`tests/goldens`). A picture depends on its request and the model alone,
//! not on the batch that it was made in: on a processor byte for byte.

pub mod adapters;
mod error;
mod layers;
pub mod noise;
mod ops;
pub mod pipeline;
pub mod prompt;
pub mod schedule;
pub mod single_file;
pub mod text;
pub mod unet;
pub mod vae;
mod weights;

pub use error::{Error, Result};
pub use weights::Weights;
