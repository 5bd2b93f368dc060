//! Layers that the models share, each a candle op that runs fused on a processor and in its plain candle form everywhere else:
//! linear layers on weights packed once ([`Linear`]), attention without a matrix of scores ([`attend`], [`attend_packed`]),
//! layer norm ([`LayerNorm`]), activations ([`Activation`]).
//!
//! What a row comes to depends on that row alone: every sum has one order, whatever the batch, the threads or how the work is cut.

mod activation;
mod attention;
mod kernels;
mod lanes;
mod linear;
mod norm;
mod packed;
mod share;
mod views;

pub use activation::Activation;
pub use attention::{Attend, attend, attend_packed, attend_packed_plain, attend_plain};
pub use linear::Linear;
pub use norm::LayerNorm;
pub use packed::{After, Packed};

/// The instruction set that the fused layers use on this machine: `avx512`, `avx2` or `portable`.
pub fn instructions() -> &'static str {
    kernels::get().name
}
