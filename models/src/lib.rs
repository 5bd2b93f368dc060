//! What models a machine holds: files of weights read and checked, their records, adding, verifying, pulling.

mod error;
mod record;
mod shelf;

pub use error::Error;
pub use record::{Family, Part, Record, is_name};
pub use shelf::{Entry, Keep, Shelf};
