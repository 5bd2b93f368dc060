//! klieg's kernels: one C++ source for CPU and CUDA, with typed Rust faces.
//!
//! [`scene`] says what is rendered; [`render`] makes pixels of it: [`Cpu::solid`] → [`Cpu::trace`] → [`Cpu::denoise`] →
//! [`Cpu::develop`].

mod abi;
pub mod attention;
pub mod composite;
pub mod convert;
pub mod cube;
mod error;
pub mod geglu;
pub mod grade;
pub mod hash;
pub mod mel;
pub mod norm;
pub mod pixels;
mod rays;
pub mod render;
pub mod scale;
pub mod scene;
mod solid;
mod stage;
pub mod top;
mod tree;

pub use error::KernelError;
pub use rays::{Hit, Ray};
pub use render::{Build, Cpu, Layers, Picture, Settings, Stage};
pub use solid::Solid;
