//! What a picture is like: its PDQ hash, and lists of hashes of known ones.

mod index;
mod list;

pub use index::{Index, Near, RADIUS_MAX, brute};
pub use list::{KnownHash, ListError, export, import};

use klieg_kernels::hash::PictureHash;
use klieg_kernels::{Cpu, pixels::Pixels};

/// Below this there is too little in a picture for its hash to mean much (PDQ's own advice: 50 of 100).
pub const QUALITY_MIN: f32 = 0.5;

/// A PDQ hash of 256 bits, as four words; bit order is of no matter for distances.
pub type Hash = [u64; 4];

/// The words of a hash's bytes, big-endian.
pub fn words(bits: &[u8; 32]) -> Hash {
    std::array::from_fn(|i| bits[i * 8..(i + 1) * 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte)))
}

/// In how many of 256 bits two hashes differ.
pub fn distance(a: &Hash, b: &Hash) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// As 64 hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|word| format!("{word:016x}")).collect()
}

/// The hash of a picture of 8-bit RGB; `None` for a picture without pixels or of a size that is none.
pub fn pdq(width: u32, height: u32, rgb: &[u8]) -> Option<(Hash, f32)> {
    let PictureHash { bits, quality } = Cpu::new(1).hash(&Pixels::bytes(width, height, rgb)).ok()?;
    Some((words(&bits), quality))
}
