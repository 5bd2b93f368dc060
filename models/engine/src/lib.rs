//! Residency and batching: what stays in a device's memory, and which steps of which jobs run together. Knows no model.
//!
//! [`Engine`] decides and does nothing: `step(event, now)` gives effects, in the order in which they are to be done. [`Driver`] does
//! them on one thread with models that implement [`Model`]. Time is a number of milliseconds that is handed in.
//!
//! - A model is **parts** (text encoder, UNet, VAE, an adapter), each of which is on the device, parked in host memory, or nowhere.
//!   The least recently used goes first, one part at a time.
//! - A request is **steps** of phases (`prepare`, `denoise_step`, `decode`). Between two steps it can join a batch, leave it, be
//!   cancelled or preempted, report progress.
//! - Steps of one phase, shape, element type and adapters run together, whoever asked for them. Whose turn it is follows deficit
//!   round robin ([`queue`]); who rides along pays as well.
//! - What is reserved (parts, requests' states, the working set of the batch) never exceeds the device: a request that could not
//!   run alone is refused, and none begins unless all that have begun could still run alone.

pub mod blocks;
mod driver;
mod engine;
pub mod invariants;
pub mod queue;
pub mod residency;
mod words;

pub use blocks::Pool;
pub use driver::{Driver, Ended, Handle, Model, News, Placed, Stepped, Stopped, Wish};
pub use engine::{Effect, End, Engine, Event};
pub use words::{
    Batch, Entry, Flow, Like, Memory, ModelId, ModelSpec, Outcome, PhaseSpec, PoolSpec, Refused, Request, RequestId, Rules,
    Sequence, Stage, Tokens,
};
