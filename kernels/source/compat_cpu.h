// The CPU target: g++ or clang++ in C++17 without exceptions, RTTI, or the standard library.
//
// Each kernel file is compiled once for every instruction set (see build.rs) and names its launch function by it. No arithmetic
// that reaches a pixel may depend on the set: contraction into FMA is off, and wider registers only do more lanes of the same.
#pragma once
#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define K_DEVICE static inline
#define K_CONSTANT static const
#define K_HOT static inline __attribute__((always_inline))
#define K_COLD static __attribute__((noinline))
#define K_RESTRICT __restrict__
#define K_ALIGN(n) alignas(n)
#define K_LIKELY(x) __builtin_expect(!!(x), 1)
#define K_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifndef KLIEG_SET
#define KLIEG_SET plain
#endif
#define K_JOIN2(a, b) a##_##b
#define K_JOIN(a, b) K_JOIN2(a, b)
#define K_LAUNCH(name) extern "C" void K_JOIN(klieg_##name, KLIEG_SET)

K_HOT float k_sqrt(float x) { return __builtin_sqrtf(x); }
K_HOT float k_abs(float x) { return __builtin_fabsf(x); }
K_HOT float k_floor(float x) { return __builtin_floorf(x); }
K_HOT uint32_t k_bits(float x) { uint32_t u; __builtin_memcpy(&u, &x, 4); return u; }
K_HOT float k_float(uint32_t u) { float x; __builtin_memcpy(&x, &u, 4); return x; }
K_HOT int k_first_bit(uint32_t mask) { return __builtin_ctz(mask); }
K_HOT void k_prefetch(const void* p) { __builtin_prefetch(p); }
