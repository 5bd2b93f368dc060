// Low-discrepancy samples, counted, never drawn: a sample is a function of (pixel, index, dimension, seed).
//
// Owen-scrambled Sobol (0,2) points (Laine & Karras hash, constants by Vegdahl) over a Morton-ordered screen whose order is itself
// scrambled per dimension (Ahmed & Wonka 2020, "Screen-space blue-noise diffusion of Monte Carlo sampling error").
#pragma once
#include "math.h"

K_HOT uint32_t hash_mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}
K_HOT uint32_t reverse_bits(uint32_t x) {
    x = (x >> 16) | (x << 16);
    x = ((x & 0xff00ff00u) >> 8) | ((x & 0x00ff00ffu) << 8);
    x = ((x & 0xf0f0f0f0u) >> 4) | ((x & 0x0f0f0f0fu) << 4);
    x = ((x & 0xccccccccu) >> 2) | ((x & 0x33333333u) << 2);
    return ((x & 0xaaaaaaaau) >> 1) | ((x & 0x55555555u) << 1);
}
// Permutes a bit-reversed number so that each bit depends on those below it only: an Owen scramble of the number itself.
K_HOT uint32_t scramble_reversed(uint32_t x, uint32_t seed) {
    x ^= x * 0x3d20adeau;
    x += seed;
    x *= (seed >> 16) | 1u;
    x ^= x * 0x05526c56u;
    x ^= x * 0x53a22864u;
    return x;
}
// The second Sobol dimension of a bit-reversed index: multiplication by Pascal's triangle modulo 2, in five steps.
K_HOT uint32_t pascal(uint32_t x) {
    x ^= (x & 0x0000ffffu) << 16;
    x ^= (x & 0x00ff00ffu) << 8;
    x ^= (x & 0x0f0f0f0fu) << 4;
    x ^= (x & 0x33333333u) << 2;
    x ^= (x & 0x55555555u) << 1;
    return x;
}
K_HOT uint32_t spread_bits(uint32_t x) {
    x &= 0xffffu;
    x = (x | (x << 8)) & 0x00ff00ffu;
    x = (x | (x << 4)) & 0x0f0f0f0fu;
    x = (x | (x << 2)) & 0x33333333u;
    return (x | (x << 1)) & 0x55555555u;
}
K_HOT float unit_of(uint32_t x) { return (float)(x >> 8) * (1.0f / 16777216.0f); }

// Where a sample stands in the sequence: Morton index of the pixel times the samples a pixel (rounded up to a power of two).
struct Sampler {
    uint32_t reversed_index;
    uint32_t seed;
};
K_HOT Sampler sampler_of(uint32_t x, uint32_t y, uint32_t sample, uint32_t log2_samples, uint32_t seed) {
    uint32_t morton = spread_bits(x) | (spread_bits(y) << 1);
    Sampler s = {reverse_bits((morton << log2_samples) | sample), seed};
    return s;
}
K_HOT V2 sample2(Sampler s, uint32_t dimension) {
    uint32_t h = hash_mix(s.seed + dimension * 0x9e3779b9u);
    uint32_t index = scramble_reversed(s.reversed_index, h);
    uint32_t a = scramble_reversed(reverse_bits(index), h ^ 0x68bc21ebu);
    uint32_t b = scramble_reversed(reverse_bits(pascal(index)), h ^ 0x02e5be93u);
    return v2(unit_of(reverse_bits(a)), unit_of(reverse_bits(b)));
}

// The first eight pairs of a sample, all at once: lane by lane the same arithmetic, so that it fits one vector.
#define K_DRAWS 8
struct Draws {
    K_ALIGN(32) float x[K_DRAWS];
    K_ALIGN(32) float y[K_DRAWS];
};
K_HOT void draw(Sampler s, uint32_t first, Draws* out) {
    for (uint32_t i = 0; i < K_DRAWS; i++) {
        V2 r = sample2(s, first + i);
        out->x[i] = r.x;
        out->y[i] = r.y;
    }
}
