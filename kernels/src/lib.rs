//! klieg's kernels: one C++ source for CPU and CUDA, with typed Rust faces.
//!
//! [`scene`] says what is rendered; [`render`] makes pixels of it.

pub mod scene;
