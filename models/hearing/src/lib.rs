//! Speech to text: Whisper (Radford et al., "Robust speech recognition via large-scale weak supervision", 2022) with times.
//!
//! - [`sound`]: WAV bytes to 16 kHz. [`pauses`]: where nobody speaks, by energy.
//! - [`Whisper`]: the model. candle-transformers' has the tanh GELU where Whisper's is exact, and computes every earlier token anew.
//! - [`rules`]: which token may follow. [`Listener`]: long sound by windows, with fallbacks. [`words`]: words' times.

mod config;
mod error;
mod listen;
mod model;
pub mod pauses;
pub mod rules;
pub mod sound;
pub mod words;

pub use config::{Config, Generation};
pub use error::Error;
pub use listen::{Listener, Options, Segment, Transcript, language_token};
pub use model::{State, Whisper};
pub use words::Word;
