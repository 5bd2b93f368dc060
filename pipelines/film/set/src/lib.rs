//! The miniature sets: places with their light, props and background life, made by rules from a [`SetBrief`].
//!
//! - [`floor_plan`]: where people and the camera may stand; cheap, no geometry.
//! - [`build`]: the [`Set`]: still geometry, lights, sky, haze, grade, the rig for the faces, spots for background figures.
//! - [`prop`]: things for the hand.
//!
//! Everything is a pure function of the brief: the same brief gives the same bytes.

mod brief;
mod dressing;
mod kit;
mod life;
mod light;
mod places;
mod plan;
mod props;
mod set;
mod signs;
mod stuff;

pub use brief::SetBrief;
pub use light::Rig;
pub use plan::floor_plan;
pub use props::{knows_prop, prop};
pub use set::{LIGHTS_MAX, Set, Spot, build};
