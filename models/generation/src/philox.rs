//! Philox 4×32-10: random numbers by counter (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).

const ROUNDS: u32 = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The block of four words that belongs to a counter and a key.
fn block(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let products = [0, 1].map(|i| u64::from(counter[2 * i]) * u64::from(MULTIPLIERS[i]));
        let (low, high) = (products.map(|product| product as u32), products.map(|product| (product >> 32) as u32));
        counter = [high[1] ^ counter[1] ^ key[0], low[1], high[0] ^ counter[3] ^ key[1], low[0]];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// A number in [0, 1) that depends on the seed, the request's stream and the step alone: 53 bits of it.
pub fn unit(seed: u64, stream: u64, step: u64) -> f64 {
    let words = [seed as u32, (seed >> 32) as u32];
    let [high, low, ..] = block([step as u32, (step >> 32) as u32, stream as u32, (stream >> 32) as u32], words);
    ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    /// The known answers of the Random123 distribution (kat_vectors, philox4x32 10).
    #[test]
    fn known_answers() {
        assert_eq!(super::block([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(super::block([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(super::block(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }
}
