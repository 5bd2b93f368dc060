//! Pictures by diffusion: text encoders, UNet, VAE, schedulers, adapters.
