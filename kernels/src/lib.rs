//! klieg's kernels: one C++ source for CPU and CUDA, with typed Rust faces.
//!
//! [`scene`] says what is rendered; [`render`] makes pixels of it: [`Cpu::solid`] → [`Cpu::trace`] → [`Cpu::denoise`] →
//! [`Cpu::develop`].

mod abi;
mod error;
pub mod render;
pub mod scene;
mod solid;
mod stage;
mod tree;

pub use error::KernelError;
pub use render::{Build, Cpu, Layers, Picture, Settings, Stage};
pub use solid::Solid;
