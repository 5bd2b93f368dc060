// Numbers as tensors store them: floats, or 16 bits of IEEE's or Google's kind. Everything is worked out in floats; what is stored is
// rounded to the nearest, ties to even. Integer arithmetic alone, so that every target gives the same bits.
#pragma once
#include "math.h"

struct Half { uint16_t bits; };
struct Brain { uint16_t bits; };

K_HOT float value(float x) { return x; }
K_HOT float value(Brain b) { return k_float((uint32_t)b.bits << 16); }
// Exponents are 112 apart: the product is exact, also of numbers below the normal ones.
K_HOT float value(Half h) {
    uint32_t sign = (uint32_t)(h.bits & 0x8000u) << 16, size = (uint32_t)(h.bits & 0x7fffu) << 13;
    uint32_t scaled = k_bits(k_float(size) * k_float(0x77800000u));
    return k_float(sign | (size >= 0x0f800000u ? size | 0x7f800000u : scaled));
}

K_HOT void put(float* p, float x) { *p = x; }
K_HOT void put(Brain* p, float x) {
    uint32_t u = k_bits(x);
    bool number = (u & 0x7fffffffu) <= 0x7f800000u;
    p->bits = (uint16_t)(number ? (u + 0x7fffu + (u >> 16 & 1u)) >> 16 : u >> 16 | 0x40u);
}
K_HOT void put(Half* p, float x) {
    uint32_t u = k_bits(x), sign = u >> 16 & 0x8000u, h;
    u &= 0x7fffffffu;
    if (u >= 0x47800000u) h = u > 0x7f800000u ? 0x7e00u : 0x7c00u;
    // Below 2⁻¹⁴, adding a half rounds to the steps of 2⁻²⁴ that there are.
    else if (u < 0x38800000u) h = k_bits(k_float(u) + 0.5f) - 0x3f000000u;
    else h = (u - 0x38000000u + 0xfffu + (u >> 13 & 1u)) >> 13;
    p->bits = (uint16_t)(sign | h);
}

// Eight of them.
K_HOT wide wide_load(const float* p) { return wide_of(p); }
template <typename Stored> K_HOT wide wide_load(const Stored* p) {
    float eight[8];
    for (int i = 0; i < 8; i++) eight[i] = value(p[i]);
    return wide_of(eight);
}
