//! The job kind `audio`: words to speech, moods to music.
//!
//! Without weights the film's own voices (flite, espeak-ng) speak and its score engine plays. [`plan`] cuts a job into tasks,
//! [`speech`] and [`music`] make its pieces, [`master`] joins them, brings them to the delivery's loudness and writes the file.

mod kind;
mod master;
mod music;
mod params;
mod plan;
mod speech;
mod wav;

pub use kind::Audio;
pub use params::{AudioParams, Container, Loudness};
