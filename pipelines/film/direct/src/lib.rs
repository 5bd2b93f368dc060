//! Direction: a [`Story`](klieg_film_words::story::Story) becomes a [`Cut`](klieg_film_words::shot::Cut) by film grammar.
//!
//! [`direct`] is a pure function. Where people stand and what their bodies do is decided by the stage (`stage`, `acting`), what
//! is covered by which shot by the coverage (`coverage`, `talk`, `action`), where the camera stands by `lens` and `moves`, and how
//! long a line takes before it was spoken by [`estimate_seconds`]; [`still`] is one picture instead of a cut. No decision about a shot rests on the words or the length of a
//! line that the shot does not cover, so a changed line leaves every other shot as it was.

mod acting;
mod action;
mod coverage;
mod cut;
mod estimate;
#[cfg(test)]
mod grammar;
mod lens;
mod moves;
mod stage;
mod still;
mod talk;

pub use cut::{Brief, direct};
pub use estimate::estimate_seconds;
pub use still::{Still, still};
