//! Noise that depends on the request alone.
//!
//! Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The key is the request's seed (low word
//! first); the counter's words are the index of a block of four normals (low, high), the stream (`Stream`) and its turn. Each block's
//! four words w become normals by Box–Muller in f64: u = (w + 0.5) / 2³², and the pairs (w0, w1) and (w2, w3) give
//! √(−2 ln u0) · cos 2πu1 and √(−2 ln u0) · sin 2πu1. So no normal depends on the batch, the order or who asks for it.

use std::f64::consts::TAU;

/// What noise is for: streams of one seed have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// The latents that a picture begins with.
    Latents = 0,
    /// What a scheduler adds; its turn is the step's index in the whole schedule.
    Step = 1,
    /// The draw from the VAE's posterior of an initial picture; turn 1: of the masked one.
    Posterior = 2,
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// One block of Philox4x32-10.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let low = u64::from(counter[0]) * u64::from(MULTIPLIERS[0]);
        let high = u64::from(counter[2]) * u64::from(MULTIPLIERS[1]);
        counter = [(high >> 32) as u32 ^ counter[1] ^ key[0], high as u32, (low >> 32) as u32 ^ counter[3] ^ key[1], low as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// `count` standard normals of a seed.
pub fn normals(seed: u64, stream: Stream, turn: u32, count: usize) -> Vec<f32> {
    let key = [seed as u32, (seed >> 32) as u32];
    let block = |index: u64| normal_block(philox([index as u32, (index >> 32) as u32, stream as u32, turn], key));
    (0..count.div_ceil(4) as u64).flat_map(block).take(count).collect()
}

fn normal_block(words: [u32; 4]) -> [f32; 4] {
    let unit = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
    let pair = |first: u32, second: u32| {
        let (radius, angle) = ((-2.0 * unit(first).ln()).sqrt(), TAU * unit(second));
        [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
    };
    let ([a, b], [c, d]) = (pair(words[0], words[1]), pair(words[2], words[3]));
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that the Random123 distribution gives for philox4x32-10.
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn normals_are_standard_and_streams_are_strangers() {
        let many = normals(7, Stream::Latents, 0, 100_000);
        let mean = many.iter().map(|&x| f64::from(x)).sum::<f64>() / many.len() as f64;
        let variance = many.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / many.len() as f64;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
        assert_eq!(normals(7, Stream::Latents, 0, 10), many[..10]);
        for (seed, stream, turn) in [(8, Stream::Latents, 0), (7, Stream::Step, 0), (7, Stream::Latents, 1)] {
            assert_ne!(normals(seed, stream, turn, 10), many[..10]);
        }
    }
}
