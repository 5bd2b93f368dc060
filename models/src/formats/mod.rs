//! Files of weights: what their headers say, read without trusting it.

pub mod dtype;
pub mod gguf;
pub mod pickle;
mod reader;
pub mod safetensors;
pub mod scan;
pub mod table;
#[cfg(test)]
mod tests;
