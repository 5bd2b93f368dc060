// The CPU target: g++ or clang++ in C++17 without exceptions, RTTI, or the standard library.
//
// Each kernel file is compiled once for every instruction set (see build.rs) and names its launch function by it. No arithmetic
// that reaches a pixel may depend on the set: contraction into FMA is off, and wider registers only do more lanes of the same.
#pragma once
#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__)
#define K_SSE2
#include <immintrin.h>
#endif
#if defined(__AVX2__)
#define K_AVX2
#endif

#define K_DEVICE static inline
#define K_CONSTANT static const
#define K_HOT static inline __attribute__((always_inline))
#define K_COLD static __attribute__((noinline))
// A large part of a kernel: for the compiler to place here, a call of its own on a GPU, where registers are few.
#define K_PART static inline
#define K_RESTRICT __restrict__
#define K_ALIGN(n) alignas(n)
#define K_LIKELY(x) __builtin_expect(!!(x), 1)
#define K_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifndef KLIEG_SET
#define KLIEG_SET plain
#endif
#define K_JOIN2(a, b) a##_##b
#define K_JOIN(a, b) K_JOIN2(a, b)

// The launch functions of a kernel, one per target; each takes the view of its arguments and the stretch of its items or rows.
// K_ITEMS: `name_item(view, i)` does one item. K_PIXELS: `name_pixels(view, y, x0, x1)` does a stretch of a row of view.width
// pixels, the whole of it here, one pixel on a GPU.
#define K_ITEMS(name, View) \
    extern "C" void K_JOIN(klieg_##name, KLIEG_SET)(const View* view, uint32_t from, uint32_t to) { \
        for (uint32_t i = from; i < to; i++) name##_item(*view, i); \
    }
#define K_PIXELS(name, View) \
    extern "C" void K_JOIN(klieg_##name, KLIEG_SET)(const View* view, uint32_t from, uint32_t to) { \
        for (uint32_t y = from; y < to; y++) name##_pixels(*view, y, 0, view->width); \
    }

K_HOT float k_sqrt(float x) { return __builtin_sqrtf(x); }
K_HOT float k_abs(float x) { return __builtin_fabsf(x); }
K_HOT float k_floor(float x) { return __builtin_floorf(x); }
K_HOT uint32_t k_bits(float x) { uint32_t u; __builtin_memcpy(&u, &x, 4); return u; }
K_HOT float k_float(uint32_t u) { float x; __builtin_memcpy(&x, &u, 4); return x; }
K_HOT int k_first_bit(uint32_t mask) { return __builtin_ctz(mask); }
K_HOT void k_prefetch(const void* p) { __builtin_prefetch(p); }

// Eight floats side by side; the compiler splits them where registers are narrower. On a GPU a lane is one thread's float.
#define K_THREADS_REMEMBER
#define K_LANES 8
typedef float lanes __attribute__((vector_size(32)));
typedef float lanes_unaligned __attribute__((vector_size(32), aligned(4), may_alias));
K_HOT lanes lanes_load(const float* p) { return *(const lanes_unaligned*)p; }
K_HOT void lanes_store(float* p, lanes v) { *(lanes_unaligned*)p = v; }
K_HOT lanes lanes_of(float x) { lanes v = {x, x, x, x, x, x, x, x}; return v; }
#if defined(K_AVX2)
K_HOT lanes lanes_max(lanes a, lanes b) { return _mm256_max_ps(a, b); }
K_HOT lanes lanes_min(lanes a, lanes b) { return _mm256_min_ps(a, b); }
K_HOT lanes lanes_abs(lanes a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
K_HOT lanes lanes_sqrt(lanes a) { return _mm256_sqrt_ps(a); }
#else
K_HOT lanes lanes_max(lanes a, lanes b) { return a > b ? a : b; }
K_HOT lanes lanes_min(lanes a, lanes b) { return a < b ? a : b; }
K_HOT lanes lanes_abs(lanes a) { return a < 0.0f ? -a : a; }
K_HOT lanes lanes_sqrt(lanes a) {
    for (int i = 0; i < K_LANES; i++) a[i] = __builtin_sqrtf(a[i]);
    return a;
}
#endif

// The bits of the lanes in which a is at most b.
K_HOT uint32_t lanes_at_most(lanes a, lanes b) {
#if defined(K_AVX2)
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ));
#else
    uint32_t mask = 0;
    for (int i = 0; i < K_LANES; i++) mask |= (uint32_t)(a[i] <= b[i]) << i;
    return mask;
#endif
}

// Rays from one pixel that walk the tree together.
#define K_BUNDLE 4

// How many pixels a kernel of packed bytes works on side by side; one pair on a GPU.
#define K_RUN 64
// Spreads pixels of three bytes into three rows, each byte in the upper half of 16 bits.
K_HOT void k_spread(const uint8_t* p, uint16_t* r, uint16_t* g, uint16_t* b) {
#if defined(__AVX2__)
    // Eight pixels are 24 bytes: their first 16 and their last 16, in each half of a register.
    const __m256i first[3] = {
        _mm256_setr_epi8(-1, 0, -1, 3, -1, 6, -1, 9, -1, 12, -1, 15, -1, -1, -1, -1, -1, 0, -1, 3, -1, 6, -1, 9, -1, 12, -1, 15, -1, -1, -1, -1),
        _mm256_setr_epi8(-1, 1, -1, 4, -1, 7, -1, 10, -1, 13, -1, -1, -1, -1, -1, -1, -1, 1, -1, 4, -1, 7, -1, 10, -1, 13, -1, -1, -1, -1, -1, -1),
        _mm256_setr_epi8(-1, 2, -1, 5, -1, 8, -1, 11, -1, 14, -1, -1, -1, -1, -1, -1, -1, 2, -1, 5, -1, 8, -1, 11, -1, 14, -1, -1, -1, -1, -1, -1)};
    const __m256i last[3] = {
        _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, -1, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, -1, 13),
        _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 8, -1, 11, -1, 14, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 8, -1, 11, -1, 14),
        _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 9, -1, 12, -1, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 9, -1, 12, -1, 15)};
    uint16_t* to[3] = {r, g, b};
    for (int i = 0; i < K_RUN; i += 16) {
        const uint8_t* from = p + 3 * i;
        __m256i low = _mm256_loadu2_m128i((const __m128i*)(from + 24), (const __m128i*)from);
        __m256i high = _mm256_loadu2_m128i((const __m128i*)(from + 32), (const __m128i*)(from + 8));
        for (int c = 0; c < 3; c++)
            _mm256_storeu_si256((__m256i*)(to[c] + i), _mm256_or_si256(_mm256_shuffle_epi8(low, first[c]), _mm256_shuffle_epi8(high, last[c])));
    }
#else
    for (int i = 0; i < K_RUN; i++) {
        r[i] = (uint16_t)(p[3 * i] << 8);
        g[i] = (uint16_t)(p[3 * i + 1] << 8);
        b[i] = (uint16_t)(p[3 * i + 2] << 8);
    }
#endif
}

K_HOT lanes lanes_load(const uint8_t* p) {
#if defined(__AVX2__)
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
#else
    lanes v;
    for (int i = 0; i < K_LANES; i++) v[i] = (float)p[i];
    return v;
#endif
}

// Eight floats on every target, for sums that have to come out alike; added up in pairs.
typedef lanes wide;
K_HOT wide wide_of(float x) { return lanes_of(x); }
K_HOT wide wide_of(const float* p) { return lanes_load(p); }
K_HOT float wide_sum(wide a) { return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7])); }

// The weighted sum of `count` pixels of three floats, in their order. Reads, and doesn't use, one float past the last.
typedef float quad __attribute__((vector_size(16)));
typedef float quad_unaligned __attribute__((vector_size(16), aligned(4), may_alias));
K_HOT void k_weigh(const float* p, const float* weights, uint32_t count, float* sum) {
    quad s = {0.0f, 0.0f, 0.0f, 0.0f};
    for (uint32_t i = 0; i < count; i++) s += *(const quad_unaligned*)(p + 3 * i) * weights[i];
    for (int c = 0; c < 3; c++) sum[c] = s[c];
}
