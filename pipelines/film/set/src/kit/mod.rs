//! The model shop: shapes, growing things and cloth, put down at a place with a tint. All lengths in metres.

mod cloth;
mod dice;
mod model;
mod plants;
mod shapes;

pub use cloth::*;
pub use dice::Dice;
pub use model::*;
pub use plants::*;
