//! Every hash within 31 bits of one, among millions, without looking at all of them.
//!
//! Multi-index hashing (Norouzi, Punjani, Fleet 2012) with thresholds of their own for each piece (Qin et al., "GPH", 2018): a hash is
//! cut into 12 pieces; eight of 21 bits may differ in 2, four of 22 bits in 1. Were a hash within 31 bits further in every piece, it would
//! differ in at least 8 × 3 + 4 × 2 = 32. So the pieces' tables, asked for everything so near, miss nothing. With 10 million hashes that is
//! some 9,000 looked at instead of 10 million; uniform bits are the good case, and equal pieces of many hashes the bad one.
//!
//! Memory: 32 bytes a hash, 12 × 4 of its number in each table, and 130 MiB of the tables' heads: 0.94 GB for 10 million.

use super::{Hash, distance};
use rayon::prelude::*;

/// The most bits by which what is found differs.
pub const RADIUS_MAX: u32 = 31;
/// Hashes from which on tables are worth it; fewer are looked at one by one.
const TABLES_MIN: usize = 100_000;
/// Hashes of an index.
pub const HASHES_MAX: usize = 100_000_000;

/// Pieces: first bit, bits, how many may differ.
const PIECES: [(u32, u32, u32); 12] = pieces();

const fn pieces() -> [(u32, u32, u32); 12] {
    let mut all = [(0, 0, 0); 12];
    let (mut at, mut first) = (0, 0);
    while at < 12 {
        let (bits, radius) = if at < 8 { (21, 2) } else { (22, 1) };
        all[at] = (first, bits, radius);
        first += bits;
        at += 1;
    }
    all
}

/// A hash that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    pub distance: u32,
    /// Its number in the index.
    pub number: u32,
}

/// Hashes that can be looked up.
#[derive(Debug, Default)]
pub struct Index {
    hashes: Vec<Hash>,
    tables: Vec<Table>,
}

/// Numbers of hashes by one of their pieces.
#[derive(Debug)]
struct Table {
    /// Where each piece's numbers begin; one more than there are pieces.
    heads: Vec<u32>,
    numbers: Vec<u32>,
}

fn piece(hash: &Hash, first: u32, bits: u32) -> usize {
    let (word, shift) = ((first / 64) as usize, first % 64);
    let low = hash[word] >> shift;
    let value = if shift + bits > 64 { low | hash[word + 1] << (64 - shift) } else { low };
    (value & ((1 << bits) - 1)) as usize
}

impl Table {
    /// Sorts by counting.
    fn of(hashes: &[Hash], (first, bits, _): (u32, u32, u32)) -> Self {
        let mut heads = vec![0_u32; (1 << bits) + 1];
        for hash in hashes {
            heads[piece(hash, first, bits) + 1] += 1;
        }
        for at in 1..heads.len() {
            heads[at] += heads[at - 1];
        }
        let (mut next, mut numbers) = (heads.clone(), vec![0; hashes.len()]);
        for (number, hash) in hashes.iter().enumerate() {
            let place = &mut next[piece(hash, first, bits)];
            numbers[*place as usize] = number as u32;
            *place += 1;
        }
        Self { heads, numbers }
    }

    fn at(&self, value: usize) -> &[u32] {
        &self.numbers[self.heads[value] as usize..self.heads[value + 1] as usize]
    }
}

impl Index {
    /// An index of at most `HASHES_MAX` hashes; what is beyond is refused by giving the hashes back.
    pub fn new(hashes: Vec<Hash>) -> Result<Self, Vec<Hash>> {
        if hashes.len() > HASHES_MAX {
            return Err(hashes);
        }
        let tables = if hashes.len() < TABLES_MIN {
            Vec::new()
        } else {
            PIECES.par_iter().map(|piece| Table::of(&hashes, *piece)).collect()
        };
        Ok(Self { hashes, tables })
    }

    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Every hash that differs in at most `radius` bits, of which `RADIUS_MAX` are the most; the nearest first.
    pub fn near(&self, hash: &Hash, radius: u32) -> Vec<Near> {
        let radius = radius.min(RADIUS_MAX);
        if self.tables.is_empty() {
            return brute(&self.hashes, hash, radius);
        }
        let mut found = Vec::new();
        for (table, (first, bits, most)) in self.tables.iter().zip(PIECES) {
            let value = piece(hash, first, bits);
            let mut look = |value: usize| {
                for number in table.at(value) {
                    let distance = distance(&self.hashes[*number as usize], hash);
                    if distance <= radius {
                        found.push(Near { distance, number: *number });
                    }
                }
            };
            look(value);
            for one in 0..bits {
                look(value ^ 1 << one);
                if most == 2 {
                    for other in 0..one {
                        look(value ^ 1 << one ^ 1 << other);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The same by looking at every hash.
pub fn brute(hashes: &[Hash], hash: &Hash, radius: u32) -> Vec<Near> {
    let near = |(number, other): (usize, &Hash)| {
        let distance = distance(other, hash);
        (distance <= radius).then_some(Near { distance, number: number as u32 })
    };
    let mut found: Vec<Near> = hashes.iter().enumerate().filter_map(near).collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn changed(mut hash: Hash, bits: u32, seed: &mut u64) -> Hash {
        let mut left = bits;
        while left > 0 {
            let bit = random(seed) % 256;
            let before = distance(&hash, &[0; 4]);
            hash[bit as usize / 64] ^= 1 << (bit % 64);
            // a bit that went back is no change
            left -= u32::from(distance(&hash, &[0; 4]) != before);
        }
        hash
    }

    #[test]
    fn pieces_are_the_whole_and_a_hash_beyond_all_of_them_is_beyond_the_radius() {
        assert_eq!(PIECES.iter().map(|(_, bits, _)| bits).sum::<u32>(), 256);
        assert_eq!(PIECES.iter().map(|(_, _, radius)| radius + 1).sum::<u32>(), RADIUS_MAX + 1);
        let hash = [1 << 63 | 5, u64::MAX, 0, 1 << 63];
        let set: u32 = PIECES.iter().map(|(first, bits, _)| piece(&hash, *first, *bits).count_ones()).sum();
        assert_eq!(set, distance(&hash, &[0; 4]));
    }

    #[test]
    fn what_is_found_is_what_looking_at_all_of_them_finds() {
        let mut seed = 7;
        let mut hashes: Vec<Hash> = (0..TABLES_MIN + 20_000).map(|_| std::array::from_fn(|_| random(&mut seed))).collect();
        let asked: Vec<Hash> = (0..64).map(|_| std::array::from_fn(|_| random(&mut seed))).collect();
        for (i, hash) in asked.iter().enumerate() {
            for bits in [0, 1, 8, 16, 24, 30, 31, 32, 33, 40] {
                hashes.push(changed(*hash, bits, &mut seed));
                // all changes in a few pieces, and spread over all of them
                hashes.push([hash[0] ^ ((1_u64 << bits.min(63)) - 1), hash[1], hash[2], hash[3]]);
            }
            let spread = |every: u32| std::array::from_fn(|w| (0..64).step_by(every as usize).fold(hash[w], |h, bit| h ^ 1 << bit));
            hashes.extend([spread(8), spread(9), spread(i as u32 % 7 + 5)]);
        }
        let index = Index::new(hashes.clone()).unwrap();
        assert!(!index.tables.is_empty() && index.len() == hashes.len());
        for hash in &asked {
            for radius in [0, 15, 30, 31] {
                let found = index.near(hash, radius);
                assert_eq!(found, brute(&hashes, hash, radius));
                assert!(found.len() > 1);
            }
        }
        assert_eq!(index.near(&asked[0], 300), brute(&hashes, &asked[0], RADIUS_MAX));
    }
}
