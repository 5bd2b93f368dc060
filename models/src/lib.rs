//! What models a machine holds: files of weights read and checked, their records, adding, verifying, pulling.
//!
//! [`inspect`] reads headers and says what a folder or file is; [`add`] reads all of it and puts it on a [`Shelf`]; [`verify`]
//! reads again what is there. What was added has been checked: its tensors are those that its configuration asks for, inside
//! their files, and numbers.

mod add;
mod error;
mod families;
mod formats;
mod inspect;
mod progress;
mod record;
mod shelf;

pub use add::{add, verify};
pub use error::Error;
pub use formats::table::{Refusal, Tensor};
pub use inspect::{Inspection, LeftOut, Listed, foresee, inspect, inspect_record, is_weights, wanted};
pub use progress::Progress;
pub use record::{Family, Part, Record, is_inside, is_name};
pub use shelf::{Entry, Keep, Shelf};
