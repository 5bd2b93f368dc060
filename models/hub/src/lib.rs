//! Fetches models from a Hugging Face hub or a mirror of one: only the files that klieg reads, never pickles; going on where it
//! broke off; each file checked against the digest that the hub names. Then it is added to a shelf as any other folder is.

mod client;
mod digest;
mod error;
mod fetch;
mod listing;
mod pull;

pub use client::{HubOptions, PUBLIC};
pub use error::HubError;
pub use pull::{Order, pull};
