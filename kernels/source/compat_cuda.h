// The CUDA target: nvcc or NVRTC, sm_80 and later, compiled with --fmad=false so that sums round as on the CPU.
#pragma once
#if defined(__CUDACC_RTC__)
#define offsetof(type, member) ((size_t)&((type*)0)->member)
typedef signed int int32_t;
typedef unsigned int uint32_t;
typedef unsigned short uint16_t;
typedef unsigned char uint8_t;
typedef unsigned long long uint64_t;
typedef unsigned long long uintptr_t;
#else
#include <stddef.h>
#include <stdint.h>
#endif

#define K_DEVICE static __device__ inline
#define K_CONSTANT static __device__ const
#define K_HOT static __device__ __forceinline__
#define K_COLD static __device__ __noinline__
#define K_PART static __device__ __noinline__
#define K_RESTRICT __restrict__
#define K_ALIGN(n) __align__(n)
#define K_LIKELY(x) (x)
#define K_UNLIKELY(x) (x)

// As in compat_cpu.h, one thread an item or a pixel. Items: a line of blocks. Pixels: blocks of 32 × 4 over width × rows.
// __grid_constant__: the parts of a kernel read the view where it was launched, not a copy on each thread's stack. Without
// __launch_bounds__, since with it ptxas either spills (trace at 168 registers) or wastes registers (denoise_pass: 115 for 64).
#define K_ITEMS(name, View) \
    extern "C" __global__ void klieg_##name(const __grid_constant__ View view, uint32_t from, uint32_t to) { \
        uint32_t i = from + blockIdx.x * blockDim.x + threadIdx.x; \
        if (i < to) name##_item(view, i); \
    }
#define K_PIXELS(name, View) \
    extern "C" __global__ void klieg_##name(const __grid_constant__ View view, uint32_t from, uint32_t to) { \
        uint32_t x = blockIdx.x * blockDim.x + threadIdx.x, y = from + blockIdx.y * blockDim.y + threadIdx.y; \
        if (x < view.width && y < to) name##_pixels(view, y, x, x + 1); \
    }

K_HOT float k_sqrt(float x) { return __fsqrt_rn(x); }
K_HOT float k_abs(float x) { return fabsf(x); }
K_HOT float k_floor(float x) { return floorf(x); }
K_HOT uint32_t k_bits(float x) { return __float_as_uint(x); }
K_HOT float k_float(uint32_t u) { return __uint_as_float(u); }
K_HOT int k_first_bit(uint32_t mask) { return __ffs(mask) - 1; }
K_HOT int k_last_bit(uint32_t mask) { return 31 - __clz((int)mask); }
K_HOT int k_count_bits(uint32_t mask) { return __popc(mask); }
K_HOT void k_prefetch(const void*) {}

#define K_LANES 1
typedef float lanes;
K_HOT lanes lanes_load(const float* p) { return *p; }
K_HOT void lanes_store(float* p, lanes v) { *p = v; }
K_HOT lanes lanes_of(float x) { return x; }
K_HOT lanes lanes_max(lanes a, lanes b) { return a > b ? a : b; }
K_HOT lanes lanes_abs(lanes a) { return fabsf(a); }
K_HOT lanes lanes_sqrt(lanes a) { return __fsqrt_rn(a); }

#define K_BUNDLE 1
#define K_PACKED
#define K_RUN 2
K_HOT void k_spread(const uint8_t* p, uint16_t* r, uint16_t* g, uint16_t* b) {
    for (int i = 0; i < K_RUN; i++) {
        r[i] = (uint16_t)(p[3 * i] << 8);
        g[i] = (uint16_t)(p[3 * i + 1] << 8);
        b[i] = (uint16_t)(p[3 * i + 2] << 8);
    }
}
K_HOT lanes lanes_load(const uint8_t* p) { return (float)*p; }

// As in compat_cpu.h: one thread has all eight.
struct wide { float part[8]; };
K_HOT wide wide_of(const float* p) { wide a; for (int i = 0; i < 8; i++) a.part[i] = p[i]; return a; }
K_HOT wide wide_of(float x) { wide a; for (int i = 0; i < 8; i++) a.part[i] = x; return a; }
K_HOT wide operator*(wide a, wide b) { for (int i = 0; i < 8; i++) a.part[i] *= b.part[i]; return a; }
K_HOT wide operator-(wide a, wide b) { for (int i = 0; i < 8; i++) a.part[i] -= b.part[i]; return a; }
K_HOT void operator+=(wide& a, wide b) { for (int i = 0; i < 8; i++) a.part[i] += b.part[i]; }
K_HOT float wide_sum(wide a) { return ((a.part[0] + a.part[4]) + (a.part[2] + a.part[6])) + ((a.part[1] + a.part[5]) + (a.part[3] + a.part[7])); }

K_HOT void k_weigh(const float* p, const float* weights, uint32_t count, float* sum) {
    sum[0] = sum[1] = sum[2] = 0.0f;
    for (uint32_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) sum[c] += p[3 * i + c] * weights[i];
}
