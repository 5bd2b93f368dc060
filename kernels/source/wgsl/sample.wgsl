// Low-discrepancy samples, bit by bit as in ../sample.h: a function of (pixel, index, dimension, seed).
fn hash_mix(key: u32) -> u32 {
    var x = key;
    x ^= x >> 16u;
    x *= 0x7feb352du;
    x ^= x >> 15u;
    x *= 0x846ca68bu;
    x ^= x >> 16u;
    return x;
}
// Permutes a bit-reversed number so that each bit depends on those below it only: an Owen scramble of the number itself.
fn scramble_reversed(index: u32, seed: u32) -> u32 {
    var x = index;
    x ^= x * 0x3d20adeau;
    x += seed;
    x *= (seed >> 16u) | 1u;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return x;
}
// The second Sobol dimension of a bit-reversed index: multiplication by Pascal's triangle modulo 2, in five steps.
fn pascal(index: u32) -> u32 {
    var x = index;
    x ^= (x & 0x0000ffffu) << 16u;
    x ^= (x & 0x00ff00ffu) << 8u;
    x ^= (x & 0x0f0f0f0fu) << 4u;
    x ^= (x & 0x33333333u) << 2u;
    x ^= (x & 0x55555555u) << 1u;
    return x;
}
fn spread_bits(side: u32) -> u32 {
    var x = side & 0xffffu;
    x = (x | (x << 8u)) & 0x00ff00ffu;
    x = (x | (x << 4u)) & 0x0f0f0f0fu;
    x = (x | (x << 2u)) & 0x33333333u;
    return (x | (x << 1u)) & 0x55555555u;
}
fn unit_of(x: u32) -> f32 { return f32(x >> 8u) * (1.0 / 16777216.0); }

// Where a sample stands in the sequence: Morton index of the pixel times the samples a pixel (rounded up to a power of two).
struct Sequence {
    reversed_index: u32,
    seed: u32,
}
fn sequence_of(x: u32, y: u32, index: u32, log2_samples: u32, seed: u32) -> Sequence {
    let morton = spread_bits(x) | (spread_bits(y) << 1u);
    return Sequence(reverseBits((morton << log2_samples) | index), seed);
}
fn sample2(s: Sequence, dimension: u32) -> vec2f {
    let h = hash_mix(s.seed + dimension * 0x9e3779b9u);
    let index = scramble_reversed(s.reversed_index, h);
    let a = scramble_reversed(reverseBits(index), h ^ 0x68bc21ebu);
    let b = scramble_reversed(reverseBits(pascal(index)), h ^ 0x02e5be93u);
    return vec2f(unit_of(reverseBits(a)), unit_of(reverseBits(b)));
}
