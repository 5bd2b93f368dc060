//! klieg's kernels: one C++ source for CPU and CUDA, with typed Rust faces.
//!
//! [`scene`] says what is rendered, [`render`] what of it and into what; a [`Device`] makes pixels of it:
//! [`Device::solid`] → [`Device::trace`] → [`Device::denoise`] → [`Device::develop`].

mod abi;
pub mod attention;
pub mod composite;
pub mod convert;
mod cpu;
pub mod cube;
mod cuda;
mod denoise;
pub mod device;
pub mod element;
mod error;
mod film;
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
mod target;
pub mod top;
mod tree;
#[cfg(feature = "wgpu")]
mod wgpu;

pub use cpu::Cpu;
pub use cuda::{Cuda, Times};
pub use device::{Choice, Device};
pub use error::KernelError;
pub use rays::{Hit, Ray};
pub use render::{Build, Finish, Layers, Picture, Settings, Stage};
pub use solid::Solid;
#[cfg(feature = "wgpu")]
pub use wgpu::{Adapter, Wgpu};
