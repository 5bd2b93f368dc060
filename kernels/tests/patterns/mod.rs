//! Every pattern that there is, for tests.

use klieg_kernels::scene::Pattern;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, U32Deserializer};

/// In their numbers' order.
pub fn all() -> Vec<Pattern> {
    let pattern = |number: u32| {
        let number: U32Deserializer<Error> = number.into_deserializer();
        Pattern::deserialize(number).ok()
    };
    (0..).map_while(pattern).collect()
}
