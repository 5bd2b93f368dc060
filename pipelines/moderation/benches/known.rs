//! Near-duplicates among 10 million PDQ hashes within 31 bits, beside looking at every one with popcount, on one core.
//!
//! `cargo bench -p klieg-moderation --bench known [-- --quick]`. Hashes are uniform at random, with a fiftieth of what is asked for planted
//! at 0 to 31 bits; the answers of both are compared. Times are wall clock of one thread, the sum over all that is asked.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use klieg_moderation::picture::{Hash, Index, RADIUS_MAX, brute};
use std::time::Instant;

/// SplitMix64 (Steele, Lea, Flood 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

fn hash(seed: &mut u64) -> Hash {
    std::array::from_fn(|_| random(seed))
}

fn main() -> Result<(), String> {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let count: usize = if quick { 1_000_000 } else { 10_000_000 };
    let (asked, looked_at_all) = (2_000, 50);
    let mut seed = 1;
    let mut hashes: Vec<Hash> = (0..count).map(|_| hash(&mut seed)).collect();
    let mut questions: Vec<Hash> = (0..asked).map(|_| hash(&mut seed)).collect();
    for (i, question) in questions.iter_mut().enumerate().filter(|(i, _)| i % 50 < 2) {
        let mut near = hashes[i * (count / asked)];
        for _ in 0..i % (RADIUS_MAX as usize + 1) {
            let bit = random(&mut seed) % 256;
            near[bit as usize / 64] ^= 1 << (bit % 64);
        }
        *question = near;
    }
    hashes.shrink_to_fit();
    let begun = Instant::now();
    let index = Index::new(hashes.clone()).map_err(|_| "too many hashes")?;
    let built = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let found: Vec<_> = questions.iter().map(|question| index.near(question, RADIUS_MAX)).collect();
    let indexed = begun.elapsed().as_secs_f64() / asked as f64;
    let begun = Instant::now();
    let all: Vec<_> = questions.iter().take(looked_at_all).map(|question| brute(&hashes, question, RADIUS_MAX)).collect();
    let brute_force = begun.elapsed().as_secs_f64() / looked_at_all as f64;
    if all[..] != found[..looked_at_all] {
        return Err("the index and looking at every hash do not agree".into());
    }
    let hits = found.iter().filter(|found| !found.is_empty()).count();
    println!("{count} hashes, radius {RADIUS_MAX}, one thread; index built in {built:.1} s; {hits} of {asked} asked for are there");
    println!("    index {:10.3} ms a lookup", indexed * 1e3);
    println!("    every {:10.3} ms a lookup, popcount", brute_force * 1e3);
    println!("    ratio {:10.1} × (goal 20)", brute_force / indexed);
    Ok(())
}
