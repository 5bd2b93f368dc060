//! Animation: a shot becomes puppets in motion, light on their faces and a camera, pose by pose.
//!
//! [`Performance`] builds what a shot needs once and then answers any frame, in any order, with the same [`Frame`]. Where people
//! are is a `track`, how they bear themselves `posture`, `walk`, `acts`, `gaze` and
//! `cheat`; what they hold lies as `laid` says; `face` and `mouth` say what the face does,
//! `figure` turns goals for feet, hands and head into joint rotations, `lighting` and `camera` make the picture.

mod acts;
mod business;
mod camera;
mod cheat;
mod ease;
mod extras;
mod face;
mod figure;
mod gaze;
mod gesture;
mod ik;
mod laid;
mod lighting;
mod mouth;
mod performance;
mod player;
mod posture;
mod track;
mod walk;

pub use performance::{Frame, On, Performance, ShotBrief};
