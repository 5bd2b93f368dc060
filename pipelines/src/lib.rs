//! Job kinds: what a job becomes (`plan`) and what a task computes (`run`).

pub mod film;
pub use klieg_kind as kind;
