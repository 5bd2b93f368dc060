//! klieg's kernels: one C++ source for CPU and CUDA, with typed Rust faces.
//!
//! [`scene`] says what is rendered; [`render`] makes pixels of it: [`Cpu::solid`] → [`Cpu::trace`] → [`Cpu::denoise`] →
//! [`Cpu::develop`].

mod abi;
mod cpu;
mod denoise;
mod error;
mod film;
mod rays;
pub mod render;
pub mod scene;
mod solid;
mod stage;
mod tree;
#[cfg(feature = "wgpu")]
mod wgpu;

pub use cpu::Cpu;
pub use error::KernelError;
pub use rays::{Hit, Ray};
pub use render::{Build, Layers, Picture, Settings, Stage};
pub use solid::Solid;
#[cfg(feature = "wgpu")]
pub use wgpu::{Adapter, Wgpu};
