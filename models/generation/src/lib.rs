//! Text by language models.
//!
//! - [`Decoder`]: LLaMA, Qwen2 and Mistral, from safetensors or GGUF; its rows are tokens of any number of sequences.
//! - [`cache`]: keys and values in blocks of 16 tokens, with shared prefixes. [`product`]: products whose rows do not depend on each other.
//! - [`Generator`]: continuous batching. [`sample`], [`stop`], [`grammar`]: what becomes of logits. [`template`]: conversations as prompts.
//! - [`t5`]: T5's encoder and decoder.

pub mod cache;
mod config;
mod decoder;
mod error;
mod files;
mod generator;
pub mod grammar;
mod philox;
pub mod product;
mod rope;
pub mod sample;
pub mod stop;
pub mod t5;
pub mod template;
mod vocabulary;
mod weights;

pub use config::{Config, RopeScaling};
pub use decoder::{Decoder, Run};
pub use error::Error;
pub use files::{Files, Loaded, grammars};
pub use generator::{Answer, Finish, Generator, Limits, Piece, Request, RequestId};
pub use grammar::Grammars;
pub use philox::unit;
pub use template::{Message, Template};
pub use vocabulary::{PROMPT_BYTES_MAX, Vocabulary};
pub use weights::{Gguf, Source};
