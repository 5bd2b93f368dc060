//! The words that the stages of a film share: what a script says ([`story`]), what the camera and the puppets
//! do ([`shot`]), and what is heard ([`sound`]). Types only; every stage crate depends on this one and none on another
//! stage unless its job is to consume that stage's product.
//!
//! Conventions: metres, seconds, frames at [`FPS`]; right-handed, +Y up; a puppet at heading 0 faces +Z (towards the
//! audience); positive heading turns it towards +X (its left). The action area of every set lies around the origin on y = 0.

pub mod shot;
pub mod sound;
pub mod story;

/// Frames a second of every film.
pub const FPS: u32 = 24;

/// A hash of words and numbers to a seed; stable across builds and machines (FNV-1a, finished by splitmix64).
pub fn seed_of(parts: &[&str]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for b in part.bytes().chain([0x1f]) {
            h = (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mix(h)
}

/// splitmix64's finaliser: turns a counter or hash into well-spread bits.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The `n`-th number in [0, 1) of the stream `seed`: counter-based, so order never matters.
pub fn unit(seed: u64, n: u64) -> f32 {
    (mix(seed ^ mix(n)) >> 40) as f32 / (1u64 << 24) as f32
}

/// The `n`-th number in [low, high) of the stream `seed`.
pub fn between(seed: u64, n: u64, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(seed, n)
}

/// One of `choices`, by the `n`-th number of the stream `seed`. Panics on an empty slice.
pub fn pick<T>(seed: u64, n: u64, choices: &[T]) -> &T {
    &choices[((unit(seed, n) * choices.len() as f32) as usize).min(choices.len() - 1)]
}
