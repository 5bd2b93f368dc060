//! Job kinds: what a job becomes (`plan`) and what a task computes (`run`).

pub use klieg_kind as kind;
