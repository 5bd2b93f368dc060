//! The job kind `image`: words to pictures.
//!
//! Without image weights the film's own renderer makes them (*previz*): [`prompt`] reads the words with the film's lexicons and puts
//! them as a scene of a screenplay, [`scene`] stages and frames that scene anew for every seed, [`picture`] renders it, [`encode`]
//! writes files that carry everything they were made of. [`plan`] cuts a job into tasks, [`delivery`] says what it gives, [`sheet`] ends
//! it with a contact sheet and a manifest.

mod delivery;
mod encode;
mod exr;
mod kind;
mod metadata;
mod params;
mod picture;
mod plan;
mod prompt;
mod scene;
mod sheet;

pub use kind::Image;
pub use params::{Container, ImageParams, Renderer};
pub use prompt::{Reading, Word, read};
