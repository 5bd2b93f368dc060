//! Ready-made pieces that several places share: styles by culture, rooms, furniture, lamps, houses, weather.

mod furniture;
mod kolam;
mod lamps;
mod outdoors;
mod room;
mod style;
mod vehicles;
mod weather;

pub use furniture::*;
pub use kolam::*;
pub use lamps::*;
pub use outdoors::*;
pub use room::*;
pub use style::*;
pub use vehicles::*;
pub use weather::*;
